"""The page of a network, from what is known about it to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.numeric import Number
from archcalc.report.cells import Cells, shape_text
from archcalc.report.layers_table import notes
from archcalc.report.network_page.drawings import Drawing, drawings
from archcalc.report.network_page.fields import fields_record
from archcalc.report.network_page.layers import LayersTable
from archcalc.report.network_page.memory import MemoryCurve, live_bytes, memory_curve
from archcalc.report.pages import template
from archcalc.report.table import bytes_text, human, without_controls
from archcalc.spec.errors import Problem


@dataclass(frozen=True)
class NetworkPage:
    """The content of a page about one network."""

    analysis: Analysis
    warnings: Sequence[Problem]
    layout: str
    dtype: str

    @property
    def name(self) -> str:
        """The title of the network."""
        return self.analysis.graph.name

    @cached_property
    def figures(self) -> list[tuple[str, str]]:
        """The most important figures by their names."""
        analysis, totals = self.analysis, self.analysis.totals
        memory = analysis.memory(self.dtype)
        bound = "≥ " if totals.is_lower_bound("macs") else ""
        found = [
            (f"input {name}" if len(analysis.graph.inputs) > 1 else "input", self._shape(shape))
            for name, shape in analysis.graph.inputs.items()
        ]
        outputs = analysis.graph.outputs
        found += [
            (f"output {name}" if len(outputs) > 1 else "output", self._shape(analysis.graph.shape(ref)))
            for name, ref in outputs.items()
        ]
        return [
            *found,
            ("layers", f"{totals.layers:,}"),
            ("parameters", f"{totals.params:,}"),
            ("MACs", f"{bound}{totals.macs:,}"),
            ("FLOPs", f"{'≥ ' if totals.is_lower_bound('flops') else ''}{totals.flops:,}"),
            (f"memory of parameters ({self.dtype})", bytes_text(memory.params)),
            ("peak of memory in a run", bytes_text(memory.peak)),
        ]

    def _shape(self, shape: tuple[int, ...]) -> str:
        batch = () if self.analysis.batch is None else (self.analysis.batch,)
        return shape_text((*batch, *shape), self.analysis, self.layout)

    @cached_property
    def table(self) -> LayersTable:
        """The table of its layers."""
        return LayersTable(self.analysis, self.layout, self.live)

    @cached_property
    def live(self) -> dict[int, Number]:
        """The bytes that are held while each node runs."""
        return live_bytes(self.analysis, self.dtype)

    @cached_property
    def memory(self) -> MemoryCurve | None:
        """The memory curve of a run."""
        return memory_curve(self.analysis, self.live, self.layout, self.dtype)

    @cached_property
    def fields(self) -> dict[str, Any] | None:
        """The receptive fields of the layers, as data for the script."""
        return fields_record(self.analysis, self.table.nodes)

    @cached_property
    def drawings(self) -> list[Drawing]:
        """Its drawings by level of detail."""
        return drawings(self.analysis, self.layout)

    @cached_property
    def notes(self) -> list[str]:
        """Notes on the figures."""
        rows = list(self.analysis.layers)
        cells = Cells(self.analysis, rows, self.layout, dtype=self.dtype)
        cells.column("rf")
        return notes(self.analysis, rows, cells)


def network_page(page: NetworkPage) -> str:
    """Return the page of a network."""
    found = template("network_page/page.html", human=human, without_controls=without_controls)
    return found.render(page=page)
