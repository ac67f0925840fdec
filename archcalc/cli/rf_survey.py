"""The tables, bars and JSON records of receptive fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

from archcalc.analysis.fields import FIELD_QUANTITIES, AxisField, Field, Fields, coverage, exceeds_input
from archcalc.analysis.intervals import Box
from archcalc.analysis.unit import UnitField, trace_back
from archcalc.api import Network
from archcalc.arrays.texts import count_text
from archcalc.graph import Node, Ref, write_shape
from archcalc.numeric import Number, simplified
from archcalc.ops.base import Shape
from archcalc.report.cells import axes_text
from archcalc.report.records import json_value
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail

SCHEMA = 1
MAX_NOTES = 6
MAX_VISITS = 100_000
"""The maximum number of layers visited to count the positions that dilated windows see."""


class Survey:
    """The receptive fields of a network, or of the layers that one of its layers depends on."""

    def __init__(self, network: Network, node: int | None, source: Ref | None, fields: list[Fields]) -> None:
        self.graph = network.graph
        self.node = node
        self.source = source
        self.fields = fields
        origins = [source.node] if source else [index for index, one in enumerate(self.graph.nodes) if one.is_input]
        self.origins: dict[str, Shape] = {
            self.graph.nodes[index].name: self.graph.shape(source or Ref(index)) for index in origins
        }
        self.positions_of = {
            self.graph.nodes[index].name: self.graph.positions(source or Ref(index)) for index in origins
        }
        self.nodes = list(self._nodes())
        self.counts_positions = self._is_dilated() and len(self.nodes) * len(self.graph.nodes) <= MAX_VISITS
        if source is not None and not any(fields[index] for index, _ in self.nodes):
            name = self.graph.nodes[source.node].name
            what = "no layer depends" if node is None else f"'{self.graph.nodes[node].name}' does not depend"
            fail("argument", f"{what} on '{name}'", origin="--from")

    def _nodes(self) -> Iterator[tuple[int, Node]]:
        """Yield the layers to report, in the order of the graph."""
        if self.node is None:
            first = -1 if self.source is None else self.source.node
            yield from ((index, node) for index, node in self.graph.layers() if index > first)
            return
        wanted = {self.node}
        for index in range(self.node, -1, -1):
            if index in wanted and (self.source is None or index > self.source.node):
                wanted.update(ref.node for ref in self.graph.nodes[index].inputs)
        stop = -1 if self.source is None else self.source.node
        yield from ((index, node) for index, node in self.graph.layers() if index in wanted and index > stop)

    def _is_dilated(self) -> bool:
        """Return whether a window of a layer leaves out positions between its taps."""
        return any(
            window is not None and window.dilation > 1 and window.size > 1
            for _, node in self.nodes
            for reach in node.op.windows(self.graph.input_shapes(node))
            for window in reach
        )

    def positions(self, index: int, name: str) -> tuple[int, int] | None:
        """Return how many positions of an input the middle unit of a layer sees, and the size of their box, unclipped.

        ``None`` if they are not counted: the network has no dilated windows, or is too deep to trace back from every
        layer.
        """
        sizes = self.graph.positions(Ref(index))
        if not self.counts_positions or not sizes:
            return None
        middle = tuple(n // 2 for n in sizes)
        seen = trace_back(self.graph, index, middle, clip=False, source=self.source).get(name)
        if seen is None or not seen.exact:
            return None
        return seen.number, prod(interval.size for interval in seen.box)

    def by_input(self) -> Iterator[tuple[str, Shape, list[tuple[int, Node, Field]]]]:
        """Yield each input with positions, their sizes, and the layers that depend on it with their fields."""
        for name, sizes in self.positions_of.items():
            found = [
                (index, node, self.fields[index][name]) for index, node in self.nodes if name in self.fields[index]
            ]
            if found and sizes:
                yield name, sizes, found

    def changed(self, name: str) -> list[tuple[int, Node, Field]]:
        """Return the layers whose field on an input differs from those of all layers that they read."""
        found = []
        for index, node in self.nodes:
            field = self.fields[index].get(name)
            if field is None:
                continue
            if any(_alike(self.fields[ref.node].get(name), field) for ref in node.inputs):
                continue
            found.append((index, node, field))
        return found

    def table(self, *, everything: bool) -> Table:
        """Return the table of size, stride, padding and coverage, layer by layer."""
        several = len(self.origins) > 1
        rows = []
        left_out = 0
        notes: list[str] = []
        by_input = [
            (name, shape, found, found if everything else self.changed(name)) for name, shape, found in self.by_input()
        ]
        counts = {(name, index): self.positions(index, name) for name, *_, chosen in by_input for index, *_ in chosen}
        has_gaps = any(counted is not None and counted[0] < counted[1] for counted in counts.values())
        for name, shape, found, chosen in by_input:
            left_out += len(found) - len(chosen)
            for index, node, field in chosen:
                counted = counts[name, index]
                row = (
                    write_shape(node.output, self.graph.layout),
                    axes_text(field, "rf"),
                    axes_text(field, "rf_stride"),
                    axes_text(field, "rf_padding"),
                    *((None if counted is None else f"{counted[0]:,} of {counted[1]:,}",) if has_gaps else ()),
                    None if (share := coverage(field, shape)) is None else _percent(share),
                    "yes" if exceeds_input(field, shape) else None,
                )
                rows.append((node.name, *((name,) if several else ()), *row))
            notes += self._notes(self._called(name), shape, found)
        if not self.nodes and self.node is not None:
            notes.append(f"'{self.graph.nodes[self.node].name}' is an input: it depends on no layer")
        elif not notes:
            notes.append("no layer has a receptive field: none depends on an input with spatial axes")
        if left_out:
            what = "layers do" if left_out > 1 else "layer does"
            notes.append(f"{left_out:,} {what} not change the receptive field (not listed; see --all)")
        columns = (
            Column("layer", "layer", folds=True),
            *((Column("input", "input", folds=True),) if several else ()),
            Column("output", "output"),
            Column("rf", "RF", "right"),
            Column("rf_stride", "stride", "right"),
            Column("rf_padding", "padding", "right"),
            *((Column("positions", "positions seen", "right"),) if has_gaps else ()),
            Column("covers", "coverage", "right"),
            Column("past", "exceeds input"),
        )
        return Table(columns, tuple(rows), title=self.title(), notes=tuple(notes))

    def title(self) -> str:
        """Return the network and the tensors that the fields are measured on."""
        shapes = ", ".join(
            write_shape(shape, self.graph.layout)
            if self.source is None and len(self.origins) == 1
            else f"{name} {write_shape(shape, self.graph.layout)}"
            for name, shape in self.origins.items()
        )
        what = "from" if self.source is not None else "input"
        own = self.graph.name
        return f"{what} {shapes}" if "->" in own or "→" in own else f"{own}, {what} {shapes}"

    def _called(self, name: str) -> str:
        """Return what notes call a tensor that fields are measured on: the only input needs no name."""
        return name if self.source is not None or len(self.origins) > 1 else "the input"

    def _notes(self, name: str, shape: Shape, found: list[tuple[int, Node, Field]]) -> Iterator[str]:
        size = write_shape(shape)
        past = next(((node.name, field) for _, node, field in found if exceeds_input(field, shape)), None)
        if past is not None:
            layer, window = past[0], axes_text(past[1], "rf")
            yield (
                f"{layer} is the first layer whose receptive field exceeds {name} ({window} on {size}): later layers "
                "gain no further context (Richter et al. 2021, arXiv:2106.12307)"
            )
        else:
            everywhere = next((node for _, node, field in found if all(axis.is_global for axis in field)), None)
            all_of_it = f"; {everywhere.name} is the first layer that mixes all positions" if everywhere else ""
            yield f"no receptive field exceeds {name} ({size}){all_of_it}"
        unknown = [node.name for _, node, field in found if any(axis.is_unknown for axis in field)]
        if unknown:
            more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
            yield f"unknown field of {unknown[0]}{more}: positions cannot be followed (--at may find it for one unit)"
        if any(axis.is_local and not axis.exact for *_, field in found for axis in field):
            yield "≤ marks upper bounds: not every unit of these layers sees as much"
        mixed = [
            (node, field)
            for _, node, field in found
            if any(axis.has_several_strides and axis.offsets for axis in field)
        ]
        for node, field in mixed[:MAX_NOTES]:
            yield (
                f"~ {node.name}: paths of different strides meet, so the size depends on the unit, and the smallest "
                f"size is only a lower bound; offsets of their centres from the first: {_offsets(field)}"
            )
        if len(mixed) > MAX_NOTES:
            yield f"~ and {count_text(len(mixed) - MAX_NOTES, 'more layer')} where paths of different strides meet"

    def bars(self, width: int, *, blocks: bool) -> str:
        """Return a bar chart of the field by depth, relative to the size of the first input."""
        from archcalc.report.bars import Bar, draw_bars

        for name, shape, _ in self.by_input():
            bars = [
                Bar(node.name, _share(field, shape), axes_text(field, "rf")) for _, node, field in self.changed(name)
            ]
            if not bars:
                continue
            side = "×".join(map(str, dict.fromkeys(shape)))
            return draw_bars(
                bars, mark=1, mark_text=f"size of {self._called(name)}, {side}", width=width, blocks=blocks
            )
        return ""

    def unit_table(self, unit: UnitField) -> Table:
        """Return the table of what one unit sees, before and after clipping."""
        from archcalc.report.rf_svg import axis_names

        rows: list[tuple[Any, ...]] = []
        notes = []
        for name, shape in self.positions_of.items():
            tensor = self._called(name)
            window, seen = unit.windows.get(name, ()), unit.seen.get(name)
            if seen is None:
                hint = " (its window lies in the padding)" if window else ""
                notes.append(f"the unit sees nothing of {tensor}{hint}")
                continue
            positions = unit.positions[name]
            names = axis_names(len(seen))
            for index, (axis, n, before, after) in enumerate(zip(names, shape, window, seen, strict=True)):
                rows.append(
                    (
                        name,
                        axis,
                        f"{before.first} … {before.last}",
                        before.size,
                        f"{after.first} … {after.last}",
                        after.size,
                        sum(run.size for run in positions.along(index)),
                        n,
                    )
                )
            if seen:
                box = prod(interval.size for interval in seen)
                has_gaps = positions.number < box
                what = "the box around what the unit sees is" if has_gaps else "the unit sees"
                notes.append(f"{what} {_percent(_covered(seen, shape))} of {tensor}")
                if has_gaps:
                    notes.append(f"only {positions.number:,} of the {box:,} positions of that box are seen")
            else:
                notes.append(f"the unit sees all of {tensor}, which is a vector")
        if not unit.exact:
            notes.append("upper bounds: the unit may see less; its field has too many separate parts to be exact")
        columns = (
            Column("input", "input", folds=True),
            Column("axis", "axis"),
            Column("window", "window", "right"),
            Column("size", "window size", "right"),
            Column("sees", "clipped", "right"),
            Column("seen", "clipped size", "right"),
            Column("positions", "seen", "right"),
            Column("of", "input size", "right"),
        )
        node = self.graph.nodes[self.node or 0]
        place = ", ".join(map(str, unit.unit))
        title = f"unit ({place}) of {unit.layer}, {write_shape(node.output, self.graph.layout)}"
        return Table(columns, tuple(rows), title=title, notes=tuple(notes))

    def record(self, unit: UnitField | None) -> dict[str, Any]:
        """Return the JSON record of all fields. Shapes are channels first; other lists are per spatial axis."""
        first_past = {
            name: next((node.name for _, node, field in found if exceeds_input(field, shape)), None)
            for name, shape, found in self.by_input()
        }
        return {
            "schema": SCHEMA,
            "name": self.graph.name,
            "from": self.graph.nodes[self.source.node].name if self.source else None,
            "inputs": {name: list(shape) for name, shape in self.origins.items()},
            "first_past": first_past,
            "layers": [
                {
                    "name": node.name,
                    "op": node.op.name,
                    "output": list(node.output),
                    "fields": {
                        name: _field_record(field, self.positions_of[name], self.positions(index, name))
                        for name, field in self.fields[index].items()
                    },
                }
                for index, node in self.nodes
            ],
            "unit": None if unit is None else self._unit_record(unit),
        }

    def _unit_record(self, unit: UnitField) -> dict[str, Any]:
        return {
            "layer": unit.layer,
            "at": list(unit.unit),
            "exact": unit.exact,
            "inputs": {
                name: {
                    "window": [list(interval) for interval in window],
                    "sees": [list(interval) for interval in unit.seen[name]] if name in unit.seen else None,
                    "covers": json_value(_covered(unit.seen[name], self.positions_of[name]))
                    if name in unit.seen
                    else 0,
                    "positions": unit.positions[name].number if name in unit.positions else 0,
                    "runs": [
                        [list(run) for run in unit.positions[name].along(axis)] for axis in range(len(unit.seen[name]))
                    ]
                    if name in unit.seen
                    else None,
                }
                for name, window in unit.windows.items()
            },
        }


def _field_record(field: Field, shape: Shape, positions: tuple[int, int] | None) -> dict[str, Any]:
    def each(read: Callable[[AxisField], Any]) -> list[Any]:
        return [json_value(read(axis)) if axis.is_local else axis.word for axis in field]

    return {
        **{name: each(read) for name, read in FIELD_QUANTITIES.items()},
        "rf_smallest": each(lambda axis: axis.sizes()[0]),
        "aligned": all(axis.aligned for axis in field),
        "offsets": [[json_value(offset) for offset in axis.offsets] for axis in field],
        "exact": all(axis.exact for axis in field),
        "covers": json_value(coverage(field, shape)) if field else None,
        "past": exceeds_input(field, shape),
        "positions": None if positions is None else {"seen": positions[0], "box": positions[1]},
    }


def _alike(field: Field | None, other: Field) -> bool:
    """Return whether the table shows two fields alike."""
    if field is other:
        return True
    if field is None or len(field) != len(other):
        return False
    if any(axis.offsets for axis in other):
        return False
    pairs = zip(field, other, strict=True)
    return all(
        a.is_unknown is b.is_unknown and a.from_start is b.from_start and (a.paths is b.paths or a.paths == b.paths)
        for a, b in pairs
    )


def _offsets(field: Field) -> str:
    texts = [", ".join(map(str, axis.offsets[1:])) for axis in field if axis.offsets]
    return " / ".join(dict.fromkeys(texts))


def _share(field: Field, shape: Shape) -> Fraction | None:
    """Return the size relative to the input, of the axis where that is largest; ``None`` unless the field is local."""
    if not all(axis.is_local for axis in field):
        return None
    return max(Fraction(axis.size, n) for axis, n in zip(field, shape, strict=True))


def _covered(box: Box, shape: Shape) -> Number:
    """Return the share of an input that a box covers."""
    share = Fraction(1)
    for interval, n in zip(box, shape, strict=True):
        share *= Fraction(interval.size, n)
    return simplified(share)


def _percent(share: Number) -> str:
    """Return a share as text with one decimal, never rounded to 0 % or 100 %."""
    if share in (0, 1):
        return f"{share * 100} %"
    tenths = min(max(round(share * 1000), 1), 999)
    return f"{tenths // 10}.{tenths % 10} %"
