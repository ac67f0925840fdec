"""The page of a network, from what is known about it to HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.counters.network import counts_of, trace_of
from archcalc.counters.registry import TOOLS
from archcalc.graph import write_shape
from archcalc.numeric import Number
from archcalc.report.cells import RowCells
from archcalc.report.counter_tables import counts_table
from archcalc.report.counter_tables import notes as counted_notes
from archcalc.report.layers_table import notes
from archcalc.report.network_page.derivations import (
    LayerDerivations,
    QuantityDerivation,
    field_derivations,
    layer_derivations,
    total_derivations,
)
from archcalc.report.network_page.drawings import Drawing, drawings
from archcalc.report.network_page.fields import fields_record
from archcalc.report.network_page.layers import LayersTable
from archcalc.report.network_page.memory import MemoryCurve, live_bytes, memory_curve
from archcalc.report.pages import template
from archcalc.report.table import Table, bytes_text, cell_text, without_controls
from archcalc.report.training_cost import training_table
from archcalc.spec.errors import Problem
from archcalc.spec.records import Spec


@dataclass(frozen=True)
class NetworkPage:
    """The content of a page about one network."""

    spec: Spec
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
            ("peak memory of a run", bytes_text(memory.peak)),
        ]

    def _shape(self, shape: tuple[int, ...]) -> str:
        return write_shape(shape, self.layout, self.analysis.batch)

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
    def derivations(self) -> LayerDerivations:
        """The derivations of the layers that have rows of their own."""
        return layer_derivations(self.analysis, self.table.nodes)

    @cached_property
    def total_derivations(self) -> list[QuantityDerivation]:
        """The derivations of the totals."""
        return total_derivations(self.analysis)

    @cached_property
    def field_derivations(self) -> tuple[str, list[QuantityDerivation]]:
        """A layer, and the derivation of its receptive field."""
        return field_derivations(self.analysis)

    @cached_property
    def counts(self) -> tuple[Table, Table]:
        """What other tools print: numbers of operations, and of parameters and bytes."""
        trace = trace_of(self.analysis.graph, self.spec.model, self.analysis)
        found = counts_of(self.analysis, self.spec.model, TOOLS, trace)
        operations = [count for count in found if count.quantity.rules]
        others = [count for count in found if not count.quantity.rules]
        return (
            counts_table(operations, "", counted_notes(found, trace), programs=False),
            counts_table(others, "", (), programs=False),
        )

    @cached_property
    def training(self) -> Table:
        """The memory of a training step, part by part, without the column of bars for terminals."""
        table = training_table(self.analysis.in_training, self.dtype, "")
        part, in_full, size, share, _ = table.columns
        return table._replace(
            columns=(part, in_full, size._replace(title="size"), share),
            rows=tuple(row[:-1] for row in table.rows),
            totals=tuple(row[:-1] for row in table.totals),
        )

    @cached_property
    def notes(self) -> list[str]:
        """Notes on the figures."""
        rows = list(self.analysis.layers)
        cells = RowCells(self.analysis, rows, self.layout, dtype=self.dtype)
        cells.column("rf")
        return notes(self.analysis, rows, cells)


def network_page(page: NetworkPage) -> str:
    """Return the page of a network."""
    found = template("network_page/page.html", human=cell_text, without_controls=without_controls)
    return found.render(page=page)
