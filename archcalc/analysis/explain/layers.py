"""Derivations of the figures of one layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from archcalc.analysis.cache import CACHED
from archcalc.analysis.counts import STORED, numbers_in
from archcalc.analysis.explain.cache import cache_bytes
from archcalc.analysis.explain.fields import explain_field
from archcalc.analysis.explain.folding import explain_folding
from archcalc.analysis.explain.memory import explain_stored
from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement, steps
from archcalc.analysis.explain.symbols import traced_layer
from archcalc.analysis.formats import bytes_note, in_bytes, read_formats
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.graph import Graph, axis_symbols, write_shape
from archcalc.numeric import product
from archcalc.numeric.traced import Form, Notation, TracedNumber, leaf, value_of
from archcalc.ops.base import OPERATION_KINDS, Cost, Shape, Shapes, Weight

WITHOUT_SHAPE = {"rf", "memory", "folding", "gradient"}
"""The quantities whose derivations do not use the symbols of the shape."""


def explain_layer(
    analysis: Analysis, layer: Layer, quantities: Iterable[str], *, dtype: str = "float32", form: Form = "text"
) -> list[Derivation]:
    """Derive quantities of one layer; the shape comes first, because the others use its symbols.

    Raises:
        Contradiction: the result of a derivation differs from the analysis.
    """
    wanted = tuple(quantities)
    derive = _LayerDerivation(analysis, layer, form=form)
    result = [Derivation(layer.name, "shape", tuple(derive.shape()))] if not {*wanted} <= WITHOUT_SHAPE else []
    for quantity in wanted:
        if quantity == "rf":
            result += explain_field(analysis, layer, form=form)
        elif quantity == "folding":
            result.append(explain_folding(analysis, layer, form=form))
        elif quantity == "gradient":
            from archcalc.analysis.explain.gradient import explain_gradient  # loads the rules of all operators

            result.append(explain_gradient(analysis, layer, form=form))
        elif quantity in ("backward_macs", "training_macs", "saved"):
            from archcalc.analysis.explain.training import LayerStep

            lines = LayerStep(analysis, layer, form=form).derive(quantity, dtype)
            result.append(Derivation(layer.name, quantity, tuple(lines)))
        elif quantity in CACHED:
            result.append(Derivation(layer.name, quantity, tuple(derive.cache(quantity, dtype))))
        elif quantity == "memory":
            result.append(explain_stored(layer.name, analysis, layer, dtype, form=form))
        elif quantity != "shape":
            zero = (
                (DerivationStep(derive.notation.symbol(quantity), "", "", derive.notation.value(0)),)
                if len(wanted) == 1
                else ()
            )
            result.append(Derivation(layer.name, quantity, tuple(derive.count(quantity)) or zero))
    return [derivation for derivation in result if derivation.steps]


class _LayerDerivation:
    def __init__(self, analysis: Analysis, layer: Layer, *, form: Form) -> None:
        self.analysis, self.layer = analysis, layer
        self.op, self.inputs = traced_layer(analysis.graph, analysis.graph.nodes[layer.node])
        nodes = analysis.graph.nodes
        self.tied = {name: nodes[owner].name for name, owner in nodes[layer.node].tied.items()}
        self.batch = 1 if analysis.batch is None else leaf("N", analysis.batch)
        self.notation = Notation(form)

    def shape(self) -> Iterator[DerivationStep]:
        """Yield the steps for the output shape, axis by axis; axes with the same formula share a line."""
        output: Shape = self.op.output(self.inputs)
        check_agreement(self.layer.name, "shape", tuple(map(value_of, output)), self.layer.output[-len(output) :])
        lines: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        for name, size in zip(axis_symbols(len(output)), output, strict=True):
            axis, symbol = name.partition("_")[0], f"{name}_out"
            same = (Notation().symbols(size).replace(axis, "·"), str(value_of(size)))
            key = same if axis != "C" else (axis, "")
            lines.setdefault(key, []).append((symbol, size))
        for alike in lines.values():
            symbol, size = alike[0]
            *inner, last = steps(self.notation, symbol, size)
            yield from inner
            symbols = [self.notation.symbol(other) for other, _ in alike]
            yield replace(last, symbol=self.notation.sign(" = ").join(symbols))
            for other, number in alike:
                if isinstance(number, TracedNumber):
                    self.notation.names.setdefault(self.notation.key(number), other)

    def count(self, quantity: str) -> Iterator[DerivationStep]:
        """Yield the steps for a count of the layer; none if it is zero."""
        if quantity in STORED:
            yield from self._weights(quantity)
        elif quantity == "flops":
            yield from self._flops()
        elif quantity == "neurons":
            yield from self._neurons()
        else:
            yield from self._plain(quantity)

    def cache(self, quantity: str, dtype: str) -> Iterator[DerivationStep]:
        """Yield the steps for the bytes of the cache of keys and values."""
        form = read_formats(dtype).activations
        number = in_bytes(CACHED[quantity](self.op.cache(self.inputs)) * self.batch, form)
        check_agreement(
            self.layer.name, quantity, value_of(number), cache_bytes(self.analysis, [self.layer], quantity, dtype)
        )
        yield from steps(self.notation, quantity, number, bytes_note(form) if value_of(number) else "")

    def _cost(self) -> Cost:
        return self.op.cost(self.inputs).times(self.batch)

    def _activations(self) -> Any:
        return sum(product((*shape, self.batch)) for shape in self.op.outputs(self.inputs))

    def _neurons(self) -> Iterator[DerivationStep]:
        number = product(self.op.output(self.inputs))
        check_agreement(
            self.layer.name, "neurons", value_of(number), product(self.analysis.graph.nodes[self.layer.node].output)
        )
        yield from steps(self.notation, "neurons", number)

    def _plain(self, quantity: str) -> Iterator[DerivationStep]:
        if quantity == "activations":
            number = self._activations()
        elif quantity in OPERATION_KINDS:
            number = self._cost().operations.get(quantity, 0)
        else:
            number = getattr(self._cost(), quantity)
        check_agreement(self.layer.name, quantity, value_of(number), self.layer.of(quantity))
        if value_of(number):
            yield from steps(self.notation, quantity, number)

    def _flops(self) -> Iterator[DerivationStep]:
        operations = {kind: number for kind, number in self._cost().operations.items() if value_of(number)}
        for kind, number in operations.items():
            yield from steps(self.notation, kind, number)
        total = sum(leaf(kind, number) for kind, number in operations.items())
        check_agreement(self.layer.name, "flops", value_of(total), self.layer.flops)
        if operations:
            yield from steps(self.notation, "flops", total)

    def _weights(self, quantity: str) -> Iterator[DerivationStep]:
        weights = [weight for weight in self.op.weights(self.inputs) if STORED[quantity](weight)]
        for weight in weights:
            yield from steps(self.notation, weight.name, numbers_in(weight, quantity), self._note(weight))
        total = sum(leaf(weight.name, numbers_in(weight, quantity)) for weight in weights)
        check_agreement(self.layer.name, quantity, value_of(total), getattr(self.layer, quantity))
        if len(weights) > 1:
            yield from steps(self.notation, quantity, total)

    def _note(self, weight: Weight) -> str:
        """Return a note on a weight: whether it is trainable, and the layer that it belongs to if that is another."""
        owner = self.tied.get(weight.name)
        notes = [*([] if weight.trainable else ["not trainable"]), *([] if owner is None else [f"shared with {owner}"])]
        return ", ".join(notes)


def heading(layer: Layer, graph: Graph) -> str:
    """Return a line that describes a layer: its operator, input shapes and output shape; and its origin."""
    shapes: Shapes = graph.input_shapes(graph.nodes[layer.node])
    before = ", " + " and ".join(write_shape(shape, graph.layout) for shape in shapes) if shapes else ""
    node = graph.nodes[layer.node]
    line = f"{layer.name}: {layer.op}{before} → {write_shape(node.output, graph.layout)}"
    return line if node.origin is None else f"{line}, from {node.origin}"
