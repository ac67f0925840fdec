"""The figures of networks side by side, with their ratios to those of the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from archcalc.analysis.cache import CACHED
from archcalc.analysis.counts import TRAINING
from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.analysis.propagate import Analysis
from archcalc.graph import write_shape
from archcalc.ops.base import OPERATION_KINDS, Shape
from archcalc.query.quantities import SUMS, quantity_named
from archcalc.query.targets import Evaluator, tensor_of
from archcalc.report.cells import field_text
from archcalc.report.table import AtLeast, Column, Table, bytes_text, ratio_text

QUANTITIES = (
    *("input", "output", "layers", *SUMS, *FIELD_QUANTITIES, *OPERATION_KINDS),
    *("memory", "peak", *CACHED, *TRAINING, "channels"),
)
DEFAULT = ("input", "output", "layers", "params", "macs", "flops", "activations", "memory", "peak")
MEANINGS = {"memory": "size of the parameters", "peak": "largest total size of the live tensors"}
"""What a note says about quantities whose names are too short for it."""


@dataclass(frozen=True)
class SideBySide:
    """Networks whose figures are compared."""

    specs: Sequence[str]
    """The networks as they were given."""
    labels: Sequence[str]
    """Their headings."""
    analyses: Sequence[Analysis]
    dtype: str
    """The number formats of memory."""
    layout: str | None = None
    """The layout in which shapes are written; ``None`` for that of each network."""

    def records(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """Return these quantities of each network, for JSON."""
        return [
            {"spec": spec, "name": analysis.graph.name}
            | {name: self.figure(analysis, name) for name in names}
            | ({} if analysis.totals.is_complete else {"lower_bounds": _bounds(analysis, names)})
            for spec, analysis in zip(self.specs, self.analyses, strict=True)
        ]

    def table(self, names: Sequence[str], *, programs: bool = False) -> Table:
        """Return a table with a row for each of these quantities.

        Args:
            names: the quantities.
            programs: whether the table is for programs, which get plain numbers and no ratios.
        """
        columns = [Column("quantity", "")]
        for index, (spec, label, analysis) in enumerate(zip(self.specs, self.labels, self.analyses, strict=True)):
            columns.append(Column(spec, label, "right"))
            if programs and not analysis.totals.is_complete:
                columns.append(Column(f"{spec} lower_bound", "lower bound"))
            elif index and not programs:
                columns.append(Column(f"{spec} ratio", "ratio", "right"))
        rows = [self._row(name, programs=programs) for name in names]
        return Table(tuple(columns), tuple(rows), notes=tuple(self._notes(names)))

    def _row(self, name: str, *, programs: bool) -> tuple[Any, ...]:
        numbers = [self.figure(analysis, name) for analysis in self.analyses]
        known, is_bytes = quantity_named(name), _is_in_bytes(name)
        cells: list[Any] = [name if programs or known is None else known.heading]
        for index, (number, analysis) in enumerate(zip(numbers, self.analyses, strict=True)):
            is_bound = analysis.totals.is_lower_bound(name)
            cell = bytes_text(number) if is_bytes and not programs else number
            cells.append(AtLeast(cell) if is_bound else cell)
            if programs and not analysis.totals.is_complete:
                cells.append(str(is_bound).lower())
            elif index and not programs:
                ratio = None if self.analyses[0].totals.is_lower_bound(name) else ratio_text(number, numbers[0])
                cells.append(AtLeast(ratio) if is_bound and ratio is not None else ratio)
        return tuple(cells)

    def _notes(self, names: Sequence[str]) -> Iterable[str]:
        meanings = [f"{name}: {meaning}" for name, meaning in MEANINGS.items() if name in names]
        if any(map(_is_in_bytes, names)):
            yield "; ".join([f"in {self.dtype}", *meanings])
        for analysis in self.analyses:
            if not analysis.totals.is_complete:
                yield from (f"{analysis.graph.name}: {note}" for note in analysis.graph.notes)

    def figure(self, analysis: Analysis, name: str) -> Any:
        """Return a figure of one of the networks, or a shape as text; ``None`` where it has none."""
        graph = analysis.graph
        if name == "input":
            return self._shapes(analysis, graph.inputs.values())
        if name == "output":
            return self._shapes(analysis, map(graph.shape, graph.outputs.values()))
        if name in FIELD_QUANTITIES:
            layer = analysis.by_node.get(tensor_of("", analysis).node)
            return None if layer is None else field_text(layer, name)
        evaluator = Evaluator.of(analysis, self.dtype)
        return evaluator.values(evaluator.target(name))[0]

    def _shapes(self, analysis: Analysis, shapes: Iterable[Shape]) -> str:
        layout = self.layout or analysis.graph.layout
        return ", ".join(write_shape(shape, layout, analysis.batch) for shape in shapes)


def _is_in_bytes(name: str) -> bool:
    known = quantity_named(name)
    return known is not None and known.unit == "bytes"


def _bounds(analysis: Analysis, names: Iterable[str]) -> list[str]:
    """Return those of some quantities whose figures are lower bounds."""
    return [name for name in names if analysis.totals.is_lower_bound(name)]
