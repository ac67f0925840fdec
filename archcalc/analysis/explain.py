"""Derivations: the operators' own formulas, run on traced numbers, one layer at a time.

Nothing is derived here that the analysis does not compute: the same methods get numbers that remember how they came
about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archcalc.analysis.propagate import Analysis, Group, Layer
from archcalc.analysis.receptive import AxisField, Path
from archcalc.graph import Graph, Node, axis_symbols, write_shape
from archcalc.numeric import product
from archcalc.numeric.traced import Notation, Traced, leaf, value_of
from archcalc.ops.base import Operator, Shape, Shapes
from archcalc.ops.window import Window

SUMS = ("params", "trainable", "macs", "mults", "flops", "connections", "activations")
QUANTITIES = ("shape", *SUMS, "rf")


@dataclass(frozen=True)
class Step:
    """``symbol = formula = numbers = value``; parts that would repeat what stands before are empty.

    The note is text, also in LaTeX, where symbols in it stand between dollar signs.
    """

    symbol: str
    formula: str
    numbers: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Derivation:
    """How one quantity of one layer (or of a stage, or the network) comes about."""

    target: str
    quantity: str
    steps: tuple[Step, ...]


def explain_layer(
    analysis: Analysis, layer: Layer, quantities: Iterable[str], *, latex: bool = False
) -> list[Derivation]:
    """Derive quantities of one layer, the shape first, whose symbols the others use."""
    wanted = tuple(quantities)
    derive = _LayerDerivation(analysis.graph, layer, latex=latex)
    result = [Derivation(layer.name, "shape", tuple(derive.shape()))] if {*wanted} != {"rf"} else []
    result += [Derivation(layer.name, quantity, tuple(derive.sum(quantity))) for quantity in SUMS if quantity in wanted]
    if "rf" in wanted:
        result += explain_field(analysis, layer, latex=latex)
    return [derivation for derivation in result if derivation.steps]


def explain_sum(
    target: str, rows: Sequence[Layer | Group], quantities: Iterable[str], *, latex: bool = False
) -> list[Derivation]:
    """Derive sums of a stage or network from its rows."""
    notation = Notation(latex)
    more = r" + \dots" if latex else " + …"
    result = []
    for quantity in quantities:
        if quantity not in SUMS:
            continue
        parts = [(row.name, getattr(row, quantity)) for row in rows if getattr(row, quantity)]
        steps = [Step(notation.text(name), "", "", notation.value(number)) for name, number in parts]
        total = sum(number for _, number in parts)
        formula = " + ".join(notation.value(number) for _, number in parts[:8]) + (more if len(parts) > 8 else "")
        steps.append(Step(notation.symbol(quantity), "", formula if len(parts) > 1 else "", notation.value(total)))
        result.append(Derivation(target, quantity, tuple(steps)))
    return result


class _LayerDerivation:
    def __init__(self, graph: Graph, layer: Layer, *, latex: bool) -> None:
        self.node: Node = graph.nodes[layer.node]
        shapes = graph.input_shapes(self.node)
        self.inputs = tuple(
            _named_shape(shape, index if len(shapes) > 1 else None) for index, shape in enumerate(shapes, 1)
        )
        self.op = traced_operator(self.node.op, max(map(len, shapes)) - 1)
        self.notation = Notation(latex)

    def shape(self) -> Iterator[Step]:
        """The output, axis by axis; axes that come out alike in one line."""
        output = self.op.output(self.inputs)
        names = axis_symbols(len(output))
        lines: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        for name, size in zip(names, output, strict=True):
            axis, symbol = name.partition("_")[0], f"{name}_out"
            same = (Notation().symbols(size).replace(axis, "·"), str(value_of(size)))
            key = same if axis != "C" else (axis, "")
            lines.setdefault(key, []).append((symbol, size))
        for alike in lines.values():
            symbol, size = alike[0]
            *inner, last = self._steps(symbol, size)
            yield from inner
            yield replace(last, symbol=" = ".join(self.notation.symbol(other) for other, _ in alike))
            for other, number in alike:
                if isinstance(number, Traced):
                    self.notation.names.setdefault(self.notation.key(number), other)

    def sum(self, quantity: str) -> Iterator[Step]:
        """A count of the layer; nothing where it is zero."""
        if quantity in ("params", "trainable"):
            yield from self._weights(quantity)
        elif quantity == "flops":
            yield from self._flops()
        else:
            number = self._count(quantity)
            if value_of(number):
                yield from self._steps(quantity, number)

    def _count(self, quantity: str) -> Any:
        if quantity == "activations":
            return product(self.op.output(self.inputs))
        cost = self.op.cost(self.inputs)
        return cost.operations.get("mul", 0) if quantity == "mults" else getattr(cost, quantity)

    def _flops(self) -> Iterator[Step]:
        operations = self.op.cost(self.inputs).operations
        for kind, number in operations.items():
            yield from self._steps(kind, number)
        if operations:
            yield from self._steps("flops", sum(leaf(kind, number) for kind, number in operations.items()))

    def _weights(self, quantity: str) -> Iterator[Step]:
        weights = [w for w in self.op.weights(self.inputs) if w.trainable or quantity == "params"]
        for weight in weights:
            note = "" if weight.trainable else "not trainable"
            yield from self._steps(weight.name, weight.count, note)
        if len(weights) > 1:
            total = sum(leaf(weight.name, weight.count) for weight in weights)
            yield from self._steps(quantity, total)

    def _steps(self, symbol: str, number: Any, note: str = "") -> Iterator[Step]:
        for inner in self.notation.steps(number):
            yield _step(self.notation, self.notation.symbol(inner.name), inner.args[0])
        yield _step(self.notation, self.notation.symbol(symbol), number, note)


def _step(notation: Notation, symbol: str, number: Any, note: str = "") -> Step:
    value = notation.value(number)
    if not isinstance(number, Traced):
        return Step(symbol, "", "", value, note)
    formula, numbers = notation.symbols(number), notation.numbers(number)
    return Step(
        symbol,
        formula if formula != symbol else "",
        numbers if numbers not in (str(number.value), value) else "",
        value,
        note,
    )


def _named_shape(shape: Shape, index: int | None) -> Shape:
    suffix = "" if index is None else f"_{index}"
    return tuple(leaf(f"{name}{suffix}", size) for name, size in zip(axis_symbols(len(shape)), shape, strict=True))


ALWAYS_SHOWN = ("stride", "pad", "kernel")
"""Arguments of a layer that appear in derivations even where they are neutral; others vanish at their defaults."""


def traced_operator(op: Operator, rank: int) -> Operator:
    """The operator with its attributes as traced numbers under the names they have in specs."""
    values: dict[str, Any] = {}
    for parameter in op.parameters():
        value, form = getattr(op, parameter.name), parameter.argument.form
        name = parameter.argument.sugar or parameter.name
        default = parameter.default
        neutral = value == default or (
            isinstance(value, tuple) and isinstance(default, tuple) and set(value) == set(default)
        )
        if (neutral and parameter.name not in ALWAYS_SHOWN) or value is None or isinstance(value, str | bool):
            continue
        if form == "whole" and parameter.name != "axis":
            values[parameter.name] = leaf(name, value)
        elif form == "axes":
            values[parameter.name] = _traced_axes(name, value, rank)
        elif form == "pads":
            values[parameter.name] = _traced_pads(name, value, rank)
    return replace(op, **values)


def _traced_axes(name: str, value: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    if len(set(value)) == 1:
        return (leaf(name, value[0]),) * len(value)
    return tuple(leaf(f"{name}_{axis}", size) for axis, size in zip(axis_symbols(rank + 1)[1:], value, strict=True))


def _traced_pads(name: str, value: tuple[tuple[Any, Any], ...], rank: int) -> tuple[tuple[Any, Any], ...]:
    alike = len(set(value)) == 1
    result = []
    for axis, (before, after) in zip(axis_symbols(rank + 1)[1:], value, strict=True):
        own = name if alike else f"{name}_{axis}"
        if before == after:
            both = leaf(own, before)  # one object for both sides: "2·p"
            result.append((both, both))
        else:
            result.append(
                (leaf(own.replace(name, f"{name}0", 1), before), leaf(own.replace(name, f"{name}1", 1), after))
            )
    return tuple(result)


def explain_field(analysis: Analysis, layer: Layer, *, latex: bool = False) -> list[Derivation]:
    """Derive a receptive field along the layers before it: RF_n = RF_{n−1} + (k_n − 1)·∏ s_i, step by step.

    Axes that come out alike are derived once. Where paths join, their union is taken; where something upsamples, the
    field depends on the position and its range is given.
    """
    result = []
    for name, axes in layer.fields.items():
        done: list[tuple[Step, ...]] = []
        symbols = axis_symbols(len(axes) + 1)[1:]
        for axis in range(len(axes)):
            steps = tuple(_field_steps(analysis, layer, name, axis, Notation(latex)))
            if steps in done:
                continue
            done.append(steps)
            several = len(layer.fields) > 1
            quantity = "rf" + (f" of {name}" if several else "") + (f" along {symbols[axis]}" if len(done) > 1 else "")
            result.append(Derivation(layer.name, quantity, steps))
    return result


def _field_steps(analysis: Analysis, layer: Layer, source: str, axis: int, notation: Notation) -> Iterator[Step]:
    graph = analysis.graph
    fields: dict[int, Mapping[str, tuple[AxisField, ...]]] = {row.node: row.fields for row in analysis.layers}
    numbers: dict[int, _Numbered] = {}
    count = 0
    stride = f"${notation.symbol('j_0')}$" if notation.latex else "j_0"
    yield Step(notation.symbol("RF_0"), "", "", "1", f"{source}: one position; its stride {stride} is 1")
    for index in _ancestors(graph, layer.node):
        node = graph.nodes[index]
        if node.is_input:
            if node.name == source:
                numbers[index] = _Numbered(0, 0, _start(node.output, axis))
            continue
        here = fields[index].get(source)
        if here is None:
            continue
        field = here[axis]
        reaches = node.op.windows(graph.input_shapes(node))
        readers = [
            (numbers[ref.node], reach) for ref, reach in zip(node.inputs, reaches, strict=True) if ref.node in numbers
        ]
        first, reach = readers[0]
        window = reach[first.field.paths[0].axis] if len(readers) == 1 and not first.field.is_global else None
        if (field.is_global and all(before.field.is_global for before, _ in readers)) or (window and _trivial(window)):
            numbers[index] = replace(first, field=field)
            continue
        count += 1
        symbol = notation.symbol(f"RF_{count}")
        numbers[index] = _Numbered(count, first.jump, field)
        if field.is_global:
            yield Step(symbol, "", "", notation.text("global"), f"{node.name}: sees all positions")
        elif len(readers) > 1:
            joined = dict.fromkeys(notation.symbol(f"RF_{before.size}") for before, _ in readers)
            differ = "" if field.aligned else "; their centres or strides differ"
            union = r" \cup " if notation.latex else " ∪ "
            note = f"{node.name}: the union of its paths{differ}"
            yield Step(symbol, union.join(joined), "", notation.text(_range(field)), note)
        elif window is None or not _linear(first.field, field) or window.up != 1:
            numbers[index] = _Numbered(count, count, field)
            note = f"{node.name}: after upsampling the window depends on the position; stride {field.stride}"
            yield Step(symbol, "", "", notation.text(_range(field)), note)
        else:
            jump = first.jump if _is_one(window.stride) else count
            numbers[index] = _Numbered(count, jump, field)
            yield from _window_steps(notation, node.name, window, first, count)


@dataclass(frozen=True)
class _Numbered:
    """The numbers n of RF_n and j_n that stand for a layer's field and stride."""

    size: int
    jump: int
    field: AxisField


def _start(shape: Shape, axis: int) -> AxisField:
    return AxisField((Path(axis, 1, (0,), (1,)),), shape[1:])


def _linear(*fields: AxisField) -> bool:
    return all(len(field.paths) == 1 and field.paths[0].period == 1 for field in fields)


def _is_one(number: Any) -> bool:
    return bool(number == 1)


def _trivial(window: Window) -> bool:
    return (window.size, window.stride, window.padding, window.up) == (1, 1, 0, 1)


def _window_steps(notation: Notation, name: str, window: Window, before: _Numbered, now: int) -> Iterator[Step]:
    """The step of the analysis itself, on traced numbers."""
    path = before.field.paths[0]
    traced = path._replace(
        rise=leaf(f"j_{before.jump}", path.rise),
        firsts=(leaf("start", path.firsts[0]),),
        sizes=(leaf(f"RF_{before.size}", path.sizes[0]),),
    )
    seen = replace(
        window, size=leaf("k", window.size), stride=leaf("s", window.stride), padding=leaf("p", window.padding)
    )
    through = traced.before(seen, path.axis)
    yield _step(notation, notation.symbol(f"RF_{now}"), through.sizes[0], name)
    if not _is_one(window.stride):
        yield _step(notation, notation.symbol(f"j_{now}"), through.rise)


def _range(field: AxisField) -> str:
    smallest, largest = field.sizes()
    return str(largest) if smallest == largest else f"{smallest}–{largest}"


def _ancestors(graph: Graph, node: int) -> list[int]:
    """The nodes a node depends on, and itself, in topological order."""
    wanted = {node}
    for index in range(node, -1, -1):
        if index in wanted:
            wanted.update(ref.node for ref in graph.nodes[index].inputs)
    return sorted(wanted)


def heading(layer: Layer, graph: Graph) -> str:
    """A line that says what a layer is: its operator and what goes in and out."""
    shapes: Shapes = graph.input_shapes(graph.nodes[layer.node])
    before = " and ".join(write_shape(shape, graph.layout) for shape in shapes)
    return f"{layer.name}: {layer.op}, {before} → {write_shape(graph.nodes[layer.node].output, graph.layout)}"
