"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn
from archcalc.ops.structure import Reshape, Transpose
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import BatchAxis, Place, Places, Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts, converts_microsoft
from archcalc.readers.steps import Layers, Step, make

ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Which block of ONNX's weights each gate of our operators has: ONNX has i, o, f, c and z, r, h."""

OPERATORS: dict[str, type[RecurrentLayer]] = {"LSTM": Lstm, "GRU": Gru, "RNN": Rnn}

ACTIVATIONS = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}

STATES = ("state", "cell")


@dataclass(frozen=True, kw_only=True)
class SequenceStep(Step):
    """Layers that read the positions of sequences; outputs have an axis of directions."""

    op: RecurrentLayer
    batch_first: bool
    """Whether the batch is the first axis of all tensors; else it is before the features."""
    kept: tuple[int, ...]
    """The numbers of the operator's outputs that the model uses."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        sequence, *states = inputs
        if sequence is None:
            if all(each is None for each in states):
                yield (None,) * len(self.kept)
            return
        of_states = BatchAxis(0 if self.batch_first else 1)
        if sequence != of_states or any(each not in (of_states, None) for each in states):
            return
        if all(each is not None or batch == 1 for each in states):
            yield tuple([of_states if self.batch_first or number else BatchAxis(2) for number in self.kept])

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        has_batch = places[0] is not None
        read = [self._without(layers, tensors[0], has_batch)]
        read += [
            self._state(layers, each, place, has_batch) for each, place in zip(tensors[1:], places[1:], strict=True)
        ]
        made = layers.add(self.op, read, self.stored)
        found = []
        for number in self.kept:
            tensor = Ref(made.node, number)
            shape = layers.shape(tensor)
            if number:  # (batch ×) directions × units
                found.append(tensor if has_batch or self.batch_first else self._swapped(layers, tensor))
                continue
            directions = 2 if self.op.bidirectional else 1
            whole = layers.add(Reshape(shape=(*shape[:-1], directions, self.op.width)), [tensor])
            if not has_batch and not self.batch_first:  # batch × positions × directions × units
                whole = layers.add(Transpose(order=(1, 2, 0, 3)), [whole])
            found.append(whole)
        return found

    def _without(self, layers: Layers, tensor: Ref, has_batch: bool) -> Ref:
        """Return sequences in front of which axes are independent."""
        return tensor if has_batch or self.batch_first else self._swapped(layers, tensor)

    def _state(self, layers: Layers, tensor: Ref, place: Place, has_batch: bool) -> Ref:
        if has_batch and place is None:
            shape = layers.shape(tensor)
            return layers.add(Reshape(shape=(shape[1] if self.batch_first else shape[0], shape[2])), [tensor])
        return self._without(layers, tensor, has_batch)

    def _swapped(self, layers: Layers, tensor: Ref) -> Ref:
        return layers.add(Transpose(order=(1, 0, 2)), [tensor])


@converts("LSTM", "GRU", "RNN")
def recurrent(n: NodeView) -> None:
    directions = directions_of(n)
    require_plain(n)
    weights = {"input": rows(n, 1), "recurrent": rows(n, 2)}
    gates = len(ORDERS[n.operator])
    biases = {}
    if n.has(3):
        half = n.sizes(3)[1] // 2
        biases = {
            "bias": stored_part(n, 3, "bias", (directions * half,), lambda b: ordered(b[:, :half], n.operator)),
            "recurrent_bias": stored_part(
                n, 3, "recurrent", (directions * half,), lambda b: ordered(b[:, half:], n.operator)
            ),
        }
    stored = {**weights, **biases, **peepholes(n, directions)}
    add_call(n, n.operator, n.sizes(2)[1] // gates, directions, stored, 5)


def directions_of(n: NodeView) -> int:
    """Return the number of directions in which a layer reads its sequences."""
    direction = n.attribute("direction", "forward")
    if direction not in ("forward", "reverse", "bidirectional"):
        raise Untranslatable(f"the direction '{direction}'")
    return 2 if direction == "bidirectional" else 1


def add_call(
    n: NodeView, operator: str, units: int, directions: int, stored: dict[str, TensorName], state_at: int
) -> None:
    """Add the call of a recurrent layer whose weights are in the order of its operator."""
    given = {}
    for name, index in zip(STATES, (state_at, state_at + 1), strict=False):
        if n.has(index) and not is_zero(n, index) and (name == "state" or operator == "LSTM"):
            given[name] = n.tensor(index)
    arguments: dict[str, Any] = {
        "x": n.tensor(0),
        "units": units,
        "directions": directions,
        "batch_first": bool(n.attribute("layout", 0)),
        "relu": "relu" in [each.lower() for each in n.attribute("activations", [])],
        "reset_after": bool(n.attribute("linear_before_reset", 0)),
        **stored,
        **given,
    }
    if n.attribute("direction", "forward") != "reverse":
        n.call(f"onnx.{operator}", **arguments)
        return
    positions = 1 if arguments["batch_first"] else 0
    arguments["x"] = n.compute("aten.flip.default", n.sizes(0), self=n.tensor(0), dims=[positions])
    outputs: list[str | None] = [name or None for name in n.outputs]
    whole = n.outputs[0]
    if whole:
        outputs[0] = n.tensors.intermediate(n.result_sizes(), n.tensors.dtype(whole))
    n.tensors.emit(f"onnx.{operator}", arguments, outputs, n.origin)
    if whole:
        flipped = {"self": TensorName(outputs[0] or ""), "dims": [positions]}
        n.tensors.emit("aten.flip.default", flipped, [whole], n.origin)


def require_plain(n: NodeView) -> None:
    """Require that the layer is one of those that our operators are."""
    operator = n.operator
    given = [each.lower() for each in n.attribute("activations", [])]
    expected = ACTIVATIONS[operator]
    usual = not given or all(given[at : at + len(expected)] == expected for at in range(0, len(given), len(expected)))
    if not usual and not (operator == "RNN" and set(given) == {"relu"}):
        raise Untranslatable(f"the activations {', '.join(given)}")
    if n.has_attribute("clip") or n.attribute("input_forget", 0):
        raise Untranslatable("clipping, or coupled gates")
    if n.has(4):
        lengths, positions = n.value(4), n.sizes(0)[1 if n.attribute("layout", 0) else 0]
        if lengths is None or any(each != positions for each in lengths.flat):
            raise Untranslatable("sequences of different lengths")


def is_zero(n: NodeView, index: int) -> bool:
    """Return whether an input is known to consist of zeros, which are then no parameters."""
    name = n.name(index)
    value = n.value(index)
    if value is None and n.tensors.is_stored(name):
        value = n.tensors.numbers(name)
    if value is None or any(each != 0 for each in value.flat):
        return False
    n.tensors.let_be_constant(name)
    return True


def ordered(array: Any, operator: str) -> Any:
    """Return rows per direction and gate, in the order of our operator, one direction after another."""
    gates = len(ORDERS[operator])
    shape = (array.shape[0], gates, array.shape[1] // gates, *array.shape[2:])
    return array.reshape(shape)[:, list(ORDERS[operator])].reshape(-1, *array.shape[2:])


def rows(n: NodeView, index: int) -> TensorName:
    """Return the weights of an input with a row per direction, gate and unit."""
    directions, count, features = n.sizes(index)
    operator = n.operator
    return stored_part(n, index, "rows", (directions * count, features), lambda w: ordered(w, operator))


def stored_part(n: NodeView, index: int, how: str, sizes: Sizes, function: Any) -> TensorName:
    """Return a stored array that is computed from an input, which must be stored."""
    name = n.name(index)
    if not n.tensors.is_stored(name):
        raise Untranslatable("weights that are computed, not stored")
    return TensorName(n.tensors.derive(f"{n.outputs_name}={index}.{how}", [name], f".{how}", sizes, function))


def peepholes(n: NodeView, directions: int) -> dict[str, TensorName]:
    """Return the weights with which the gates of an LSTM read its cell; ONNX has i, o, f."""
    if n.operator not in ("LSTM", "DynamicQuantizeLSTM") or not n.has(7) or is_zero(n, 7):
        return {}
    count = n.sizes(7)[1]

    def parts(p: Any) -> Any:
        return p.reshape(directions, 3, -1)[:, [0, 2, 1]].reshape(-1)

    return {"peephole": stored_part(n, 7, "peephole", (directions * count,), parts)}


@translates_function("onnx.LSTM", "onnx.GRU", "onnx.RNN")
def layer(a: Arguments) -> list[Step]:
    given = [name for name in STATES if a.is_tensor(name)]
    attributes: dict[str, Any] = {}
    if a.operator == "RNN":
        attributes["act"] = "relu" if a.flag("relu", default=False) else "tanh"
    if a.operator == "GRU":
        attributes["reset_after"] = a.flag("reset_after", default=False)
    if a.operator == "LSTM":
        attributes["peepholes"] = a.is_tensor("peephole")
    op = make(
        OPERATORS[a.operator],
        units=a.integer("units"),
        bidirectional=a.integer("directions") == 2,
        bias=a.is_tensor("bias"),
        recurrent_bias=a.is_tensor("recurrent_bias"),
        **attributes,
        **dict.fromkeys(given, True),
    )
    arrays = ("input", "recurrent", "bias", "recurrent_bias", "peephole")
    names = [name for name in arrays if a.is_tensor(name)]
    made = {number: name for number, name in enumerate(a.call.outputs) if name is not None}
    return [
        SequenceStep(
            op=op,
            batch_first=a.flag("batch_first", default=False),
            kept=tuple(made),
            inputs=(a.tensor("x"), *map(a.tensor, given)),
            outputs=tuple([a.reading.new(name) for name in made.values()]),
            stored={name: a.needs_stored(name) for name in names},
        )
    ]


@converts_microsoft("DynamicQuantizeLSTM")
def quantized_lstm(n: NodeView) -> None:
    """Convert a layer whose weights are integers with scales, features before rows."""
    directions = directions_of(n)
    if n.has(4):
        raise Untranslatable("sequences of different lengths")
    count = n.sizes(1)[2]
    units = count // 4
    weights = {}
    for name, index, scale in (("input", 1, 8), ("recurrent", 2, 10)):
        features = n.sizes(index)[1]
        sources = [n.name(at) for at in (index, scale, scale + 1)]

        def scaled(w: Any, s: Any, zero: Any) -> Any:
            lead = (-1, 1, 1) if s.ndim < 2 else (s.shape[0], 1, -1)
            real = (w.astype("f4") - zero.astype("f4").reshape(lead)) * s.reshape(lead)
            return ordered(real.transpose(0, 2, 1), "LSTM")

        label = f"{n.outputs_name}={index}"
        rows_of_gates = (directions * count, features)
        weights[name] = TensorName(n.tensors.derive(label, sources, "", rows_of_gates, scaled, trained=True))
    biases = {}
    if n.has(3):
        sizes = (directions * count,)
        biases = {
            "bias": stored_part(n, 3, "bias", sizes, lambda b: ordered(b[:, :count], "LSTM")),
            "recurrent_bias": stored_part(n, 3, "recurrent", sizes, lambda b: ordered(b[:, count:], "LSTM")),
        }
    add_call(n, "LSTM", units, directions, {**weights, **biases, **peepholes(n, directions)}, 5)
