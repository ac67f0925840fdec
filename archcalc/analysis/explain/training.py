"""Derivations of what a training step costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement, steps
from archcalc.analysis.explain.sums import shares
from archcalc.analysis.explain.symbols import traced_layer
from archcalc.analysis.formats import Formats, bytes_note, read_formats
from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.analysis.training.tensors import Key, MemoryTensor
from archcalc.graph import Ref
from archcalc.numeric import product
from archcalc.numeric.traced import Form, Notation, leaf, value_of
from archcalc.ops.backward import WIDTHS, Kept, Multiplication, Needs


def explain_training(
    target: str, analysis: Analysis, rows: Sequence[Layer | Group], quantity: str, dtype: str, *, form: Form = "text"
) -> Derivation:
    """Derive a quantity of a training step from the rows of a stage or network, the largest first.

    Raises:
        Contradiction: the rows do not add up to the figure of the analysis.
    """
    notation, cost, formats = Notation(form), analysis.training_cost, read_formats(dtype)
    if quantity == "training_memory":
        return Derivation(target, quantity, tuple(_memory(notation, analysis, formats)))
    layers = [[layer.node for layer in row.layers] for row in rows]
    figures = cost.by_row(quantity, layers, formats)
    parts = [(notation.text(row.name), figure) for row, figure in zip(rows, figures, strict=True)]
    every = [index for own in layers for index in own]
    check_agreement(target, quantity, sum(number for _, number in parts), cost.figure(quantity, every, formats))
    return Derivation(target, quantity, tuple(shares(notation, notation.symbol(quantity), parts)))


def _memory(notation: Notation, analysis: Analysis, formats: Formats) -> Iterator[DerivationStep]:
    """Yield the parts of the memory of a training step."""
    cost = analysis.training_cost
    memory = cost.step_memory(formats)
    total = sum(part.bytes for part in memory.parts)
    check_agreement(analysis.graph.name, "training_memory", total, cost.parts(formats).total)
    named = [(notation.text(part.name), part.bytes) for part in memory.parts]
    *lines, last = shares(notation, notation.symbol("training_memory"), named)
    yield from lines
    yield replace(last, note=f"tensors: those of the {memory.moment}")


class LayerStep:
    """Derivations of what one layer costs in a training step."""

    def __init__(self, analysis: Analysis, layer: Layer, *, form: Form) -> None:
        self.analysis, self.layer, self.notation = analysis, layer, Notation(form)
        self.cost = analysis.training_cost
        self.op, self.inputs = traced_layer(analysis.graph, analysis.graph.nodes[layer.node])
        self.needs = self.cost.needs.get(layer.node)
        self.batch: Any = 1 if analysis.batch is None else leaf("N", analysis.batch)

    def derive(self, quantity: str, dtype: str) -> Iterator[DerivationStep]:
        """Yield the steps of ``backward_macs``, ``training_macs`` or ``saved``."""
        if quantity == "saved":
            yield from self._saved(read_formats(dtype))
        else:
            yield from self._macs(quantity)

    def _macs(self, quantity: str) -> Iterator[DerivationStep]:
        """Yield the macs of the forward pass by multiplication, and how often the backward pass has each."""
        needs = self.needs or Needs((False,) * len(self.inputs))
        forward: list[Any] = []
        backward: list[Any] = []
        notes: list[str] = []
        several = self.op.multiplications(self.inputs)
        for each in several:
            name = "macs" if len(several) == 1 else f"macs_{each.name}"
            number = each.macs * self.batch
            yield from steps(self.notation, name, number)
            known = leaf(name, value_of(number))
            forward.append(known)
            times = each.gradients(needs)
            if times:
                backward.append(times * known if times > 1 else known)
            notes += _gradients(each, needs)
        back = self.op.backward_macs(self.inputs, needs) * self.batch
        if value_of(back) != value_of(sum(backward)):  # the sizes of the gradients differ from that of the product
            backward = [back]
        note = f"gradients of {', '.join(dict.fromkeys(notes))}" if notes else ""
        note = self._reason() if self.needs is None else note
        own = sum(backward)
        check_agreement(self.layer.name, "backward_macs", value_of(own), self.cost.backward_macs([self.layer.node]))
        yield from steps(self.notation, "backward_macs", own, note)
        if quantity == "training_macs":
            passes = self.cost.forward_passes(self.layer.node)
            total = passes * leaf("macs", self.layer.macs) if passes > 1 else leaf("macs", self.layer.macs)
            if len(several) > 1:
                yield from steps(self.notation, "macs", sum(forward))
            total = total + leaf("backward_macs", value_of(own))
            check_agreement(self.layer.name, quantity, value_of(total), self.cost.training_macs([self.layer.node]))
            yield from steps(self.notation, quantity, total, "computed twice: a checkpoint" if passes > 1 else "")

    def _reason(self) -> str:
        """Return why the layer has no backward pass."""
        if self.layer.node in self.cost.setup_layers.frozen:
            return "frozen, and nothing before it is trained"
        return "nothing that it depends on is trained"

    def _saved(self, formats: Formats) -> Iterator[DerivationStep]:
        """Yield the tensors that the layer keeps, and their sum."""
        held = self.cost.moments.kept(self.layer.node)
        agreed = self.cost.saved([self.layer.node], formats)
        parts: dict[Key, Any] = {}
        if self.layer.node in self.cost.moments.again:
            yield DerivationStep(
                self.notation.symbol("saved"), "", "", self.notation.value(agreed), "inputs of the checkpoint"
            )
            return
        for kept in self._kept():
            key = self.cost.storage.key(self.layer.node, kept)
            if key not in held or key in parts:
                continue
            name = self._name(kept)
            elements: Any = self._elements(kept)
            whole = value_of(elements) != held[key].elements  # it is a part of a tensor that stays in memory
            tensor = MemoryTensor(
                key, held[key].elements if whole else elements, WIDTHS.get(kept.kind, 0), kept.per_example
            )
            number = tensor.bytes(formats, self.batch)
            yield from steps(self.notation, name, number, self._note(key, kept, formats, whole=whole))
            parts[key] = leaf(name, value_of(number))
        total = sum(parts.values())
        check_agreement(self.layer.name, "saved", value_of(total), agreed)
        yield from steps(self.notation, "saved", total, "" if parts else "nothing is kept")

    def _kept(self) -> tuple[Kept, ...]:
        if self.needs is None:
            return ()
        over = self.cost.storage.writes_over(self.layer.node)
        keeps = self.op.kept_in_pytorch if self.analysis.setup.as_pytorch else self.op.kept
        return keeps(self.inputs, self.needs, in_place=over)

    def _elements(self, kept: Kept) -> Any:
        if kept.kind == "input":
            return product(self.inputs[kept.place])
        return product(self.op.outputs(self.inputs)[kept.place]) if kept.kind == "output" else kept.elements

    def _name(self, kept: Kept) -> str:
        if kept.kind not in ("input", "output"):
            return f"saved_{kept.name}"
        count = len(self.inputs) if kept.kind == "input" else len(self.layer.outputs)
        return f"saved_{kept.kind}" + (f"_{kept.place + 1}" if count > 1 else "")

    def _note(self, key: Key, kept: Kept, formats: Formats, *, whole: bool) -> str:
        width = WIDTHS.get(kept.kind)
        each = bytes_note(formats.activations) if width is None else f"{width} byte{'s' * (width > 1)} each"
        nodes = self.analysis.graph.nodes
        if whole and isinstance(key, Ref):
            each += f"; it is a view, which keeps all of {nodes[key.node].name}"
        for index in self.cost.runs:
            if index >= self.layer.node:
                break
            if key in self.cost.moments.kept(index):
                return f"{each}; {nodes[index].name} keeps it, too"
        return each


def _gradients(each: Multiplication, needs: Needs) -> Iterator[str]:
    """Yield the factors of a multiplication whose gradients are needed."""
    for factor in (each.left, each.right):
        if needs.of(factor.sources):
            first = factor.sources[0]
            yield factor.made or ("the input" if isinstance(first, int) else first)
