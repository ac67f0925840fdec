"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from archcalc.graph import Ref
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn
from archcalc.ops.structure import Transpose
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.batch import Places, Sizes
from archcalc.readers.steps import Layers, Step, make


@dataclass(frozen=True, kw_only=True)
class RecurrentLayers(Step):
    """Layers that read the positions of a sequence; the states have the batch after layers and directions."""

    needs_stored: ClassVar[bool] = True
    op: RecurrentLayer
    batch_axis: int
    """The axis of the sequence that must be that of the batch: 0 or 1."""
    kept: tuple[int, ...]
    """The numbers of the operator's outputs that the model uses."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        sequence = inputs[0]
        if sequence is not None and sequence.axis == self.batch_axis:
            states = sequence._replace(axis=1)
            if all(place == states for place in inputs[1:]):
                yield tuple([states if number else sequence for number in self.kept])

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        """Add the layer; several sequences of one example are its first axis, and behind another one in the file."""
        (sequence, *_) = places
        is_behind = sequence is not None and not sequence.is_pure
        behind = {number for number in range(1 + len(self.op.further_outputs)) if number or self.batch_axis}
        behind = behind if is_behind else set()
        read = [_exchanged(layers, each) if number in behind else each for number, each in enumerate(tensors)]
        made = layers.add(self.op, read, self.stored)
        refs = [(number, Ref(made.node, number)) for number in self.kept]
        return [_exchanged(layers, each) if number in behind else each for number, each in refs]


def _exchanged(layers: Layers, tensor: Ref) -> Ref:
    """Return a tensor with its first two axes exchanged."""
    return layers.add(Transpose(order=(1, 0, 2)), [tensor])


@translates("lstm")
def lstm(a: Arguments) -> list[Step]:
    return recurrent(a, Lstm, a.names("hx"), {})


@translates("gru")
def gru(a: Arguments) -> list[Step]:
    return recurrent(a, Gru, [a.name("hx")], {})


@translates("rnn_tanh", "rnn_relu")
def rnn(a: Arguments) -> list[Step]:
    return recurrent(a, Rnn, [a.name("hx")], {"act": a.operator.removeprefix("rnn_")})


def recurrent(a: Arguments, cls: type[RecurrentLayer], states: list[str], attributes: dict[str, Any]) -> list[Step]:
    """Return the step of recurrent layers.

    Args:
        a: the arguments of the call.
        cls: the operator.
        states: the names of the states before the first step.
        attributes: further attributes of the operator.
    """
    if a.flag("train", default=False) and a.number("dropout"):
        raise Untranslatable("dropout in training: export the model after model.eval()")
    layers, directions = a.integer("num_layers"), 1 + a.flag("bidirectional", default=False)
    cells = split(a.names("params"), layers * directions)
    biases = a.flag("has_biases", default=True)
    names = ["input", "recurrent", *(["bias", "recurrent_bias"] if biases else [])]
    has_projection = len(cells[0]) > len(names)
    if has_projection:
        attributes = {**attributes, "proj": a.reading.sizes(cells[0][-1])[0]}
    given = {name: each for name, each in zip(cls.further_outputs, states, strict=True) if not a.reading.is_zero(each)}
    op = make(
        cls,
        units=a.reading.sizes(cells[0][1])[0] // cls.gates,
        layers=layers,
        bidirectional=directions == 2,
        bias=biases,
        **attributes,
        **dict.fromkeys(given, True),
    )
    columns = zip([*names, *(["projection"] if has_projection else [])], zip(*cells, strict=True), strict=True)
    parts = dict(columns)
    read = parts.pop("input")
    parts["input"] = read[:directions]
    if layers > 1:
        parts["deeper"] = read[directions:]
    stored = {name: stored_names(a, name, each) for name, each in parts.items()}
    made = {number: name for number, name in enumerate(a.call.outputs) if name is not None}
    return [
        RecurrentLayers(
            op=op,
            batch_axis=0 if a.flag("batch_first", default=False) else 1,
            kept=tuple(made),
            inputs=(a.tensor("input"), *map(a.reading.tensor, given.values())),
            outputs=tuple([a.reading.new(name) for name in made.values()]),
            stored=stored,
        )
    ]


def split(names: list[str], count: int) -> list[list[str]]:
    """Return a list in equal parts."""
    each = len(names) // count
    if each * count != len(names):
        raise Untranslatable(f"{len(names)} arrays for {count} layers and directions")
    return [names[start : start + each] for start in range(0, len(names), each)]


def stored_names(a: Arguments, array: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names in the file of the parameters that are one array."""
    found = a.reading.stored_together(names, array)
    if found is None:
        raise Untranslatable("weights that are computed, not stored")
    return found
