"""Derivations of receptive fields, along the layers before a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from archcalc.analysis.explain.steps import Derivation, DerivationStep, check_agreement, steps
from archcalc.analysis.explain.symbols import traced_layer
from archcalc.analysis.fields import AxisField
from archcalc.analysis.paths import Path
from archcalc.analysis.propagate import Analysis, Layer
from archcalc.graph import Graph, Ref, axis_symbols
from archcalc.numeric.traced import Form, Notation, leaf, value_of
from archcalc.ops.base import Shape
from archcalc.ops.window import Window


def explain_field(analysis: Analysis, layer: Layer, *, form: Form = "text") -> list[Derivation]:
    """Derive the receptive field of a layer along the layers before it: RF_n = RF_{n−1} + (k_n − 1)·∏ s_i.

    Axes with the same derivation are derived once. Where paths join, their union is taken; after upsampling, the size
    depends on the position, and its range is given.
    """
    result = []
    for name, axes in layer.fields.items():
        done: list[tuple[DerivationStep, ...]] = []
        symbols = axis_symbols(len(axes) + 1)[1:]
        for axis in range(len(axes)):
            derived = tuple(_field_steps(analysis, layer, name, axis, Notation(form)))
            if derived in done:
                continue
            done.append(derived)
            several = len(layer.fields) > 1
            quantity = "rf" + (f" of {name}" if several else "") + (f" along {symbols[axis]}" if len(done) > 1 else "")
            result.append(Derivation(layer.name, quantity, derived))
    return result


def _field_steps(
    analysis: Analysis, layer: Layer, source: str, axis: int, notation: Notation
) -> Iterator[DerivationStep]:
    graph = analysis.graph
    fields: dict[int, Mapping[str, tuple[AxisField, ...]]] = {row.node: row.fields for row in analysis.layers}
    numbers: dict[int, _Numbered] = {}
    count = 0
    stride = notation.noted("j_0")
    yield DerivationStep(
        notation.symbol("RF_0"), "", "", notation.value(1), f"{source}: one position; its stride {stride} is 1"
    )
    for index in _ancestors(graph, layer.node):
        node = graph.nodes[index]
        if node.is_input:
            if node.name == source:
                numbers[index] = _Numbered(0, 0, _start(graph.positions(Ref(index)), axis))
            continue
        here = fields[index].get(source)
        if here is None:
            continue
        field = here[axis]
        reaches = node.op.windows(graph.input_shapes(node))
        readers = {place: numbers[ref.node] for place, ref in enumerate(node.inputs) if ref.node in numbers}
        place, first = next(iter(readers.items()))
        window, along = None, 0
        if len(readers) == 1 and first.field.is_local:
            along = graph.position_axes(node.inputs[place])[first.field.paths[0].axis]
            window = reaches[place][along]
        if node.op.reorders:
            window = window if window is not None and window.is_pointwise else None
        unchanged = not field.is_local and all(before.field.word == field.word for before in readers.values())
        unchanged = unchanged and not any(before.field.is_local for before in readers.values())
        if unchanged or (window and window.is_pointwise):
            numbers[index] = replace(first, field=field)
            continue
        count += 1
        symbol = notation.symbol(f"RF_{count}")
        numbers[index] = _Numbered(count, first.jump, field)
        if field.is_unknown:
            yield DerivationStep(
                symbol, "", "", notation.text("unknown"), f"{node.name}: its positions cannot be followed"
            )
        elif field.is_causal:
            yield DerivationStep(
                symbol, "", "", notation.text("causal"), f"{node.name}: sees all positions up to its own"
            )
        elif field.is_global:
            yield DerivationStep(symbol, "", "", notation.text("global"), f"{node.name}: sees all positions")
        elif len(readers) > 1:
            joined = dict.fromkeys(notation.symbol(f"RF_{before.size}") for before in readers.values())
            differ = "" if field.aligned else "; their centres or strides differ"
            union = notation.sign(" ∪ ", r" \cup ")
            note = f"{node.name}: the union of its paths{differ}"
            yield DerivationStep(symbol, union.join(joined), "", notation.text(_range(field)), note)
        elif window is None or not _linear(first.field, field) or window.up != 1:
            numbers[index] = _Numbered(count, count, field)
            split = node.op.reorders or first.field.is_unknown
            why = "of the split or merged axes" if split else "of upsampling"
            note = f"{node.name}: depends on the position because {why}; stride {field.stride}"
            yield DerivationStep(symbol, "", "", notation.text(_range(field)), note)
        else:
            jump = first.jump if _is_one(window.stride) else count
            numbers[index] = _Numbered(count, jump, field)
            traced_op, inputs = traced_layer(graph, node)
            seen = traced_op.windows(inputs)[place][along]
            assert seen is not None
            yield from _window_steps(Notation(notation.form), node.name, seen, first, numbers[index])


@dataclass(frozen=True)
class _Numbered:
    """The indices n of the symbols RF_n and j_n for the field and stride of a layer, and the field itself."""

    size: int
    jump: int
    field: AxisField


def _start(positions: Shape, axis: int) -> AxisField:
    return AxisField((Path(axis, 1, (0,), (1,)),), positions)


def _linear(*fields: AxisField) -> bool:
    return all(len(field.paths) == 1 and field.paths[0].period == 1 for field in fields)


def _is_one(number: Any) -> bool:
    return bool(number == 1)


def _window_steps(
    notation: Notation, name: str, window: Window, before: _Numbered, now: _Numbered
) -> Iterator[DerivationStep]:
    """Yield the steps for one window, by evaluating the step of the analysis with traced numbers."""
    path = before.field.paths[0]
    start = path._replace(
        advance=leaf(f"j_{before.jump}", path.advance),
        firsts=(leaf("start", path.firsts[0]),),
        sizes=(leaf(f"RF_{before.size}", path.sizes[0]),),
    )
    through = start.extended(window, path.axis)
    check_agreement(name, "rf", value_of(through.sizes[0]), now.field.paths[0].sizes[0])
    check_agreement(name, "rf_stride", value_of(through.advance), now.field.paths[0].advance)
    yield from steps(notation, f"RF_{now.size}", through.sizes[0], name)
    if now.jump == now.size:
        yield from steps(notation, f"j_{now.jump}", through.advance)


def _range(field: AxisField) -> str:
    smallest, largest = field.sizes()
    return str(largest) if smallest == largest else f"{smallest}–{largest}"


def _ancestors(graph: Graph, node: int) -> list[int]:
    """Return the indices of the nodes that a node depends on, and its own, in topological order."""
    wanted = {node}
    for index in range(node, -1, -1):
        if index in wanted:
            wanted.update(ref.node for ref in graph.nodes[index].inputs)
    return sorted(wanted)
