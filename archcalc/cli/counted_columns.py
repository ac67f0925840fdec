"""The option ``--as``: a table of layers with what a tool counts in place of MACs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis
from archcalc.api import Network
from archcalc.counters.count import Count
from archcalc.counters.network import counts_of, trace_of
from archcalc.counters.registry import tools_named
from archcalc.report.counter_tables import notes, terms_text
from archcalc.report.figures import Row
from archcalc.report.layers_table import FilledColumn
from archcalc.report.table import Column
from archcalc.spec.errors import fail


class CountedRows(NamedTuple):
    """What a tool counts, by row of a table."""

    total: Count
    values: tuple[int, ...]
    notes: tuple[str, ...]

    def replaced(self, columns: Sequence[FilledColumn]) -> list[FilledColumn]:
        """Return the columns of a table with the count in place of MACs, or after all columns."""
        heading = Column("counted", f"{self.total.tool.key}: {self.total.quantity.title}", "right")
        counted = FilledColumn(heading, self.values, self.total.value)
        keys = [each.column.key for each in columns]
        at = keys.index("macs") if "macs" in keys else len(keys)
        return [*columns[:at], counted, *columns[at + 1 :]]


def in_count_of(written: str, network: Network, analysis: Analysis, rows: Sequence[Row]) -> CountedRows:
    """Return what a tool counts for the rows of a table.

    Args:
        written: the tool; of several versions, the first one that is known is taken.
        network: the network.
        analysis: its analysis.
        rows: the rows.

    Raises:
        SpecError: there is no such tool, or it counts no operations.
    """
    tool = tools_named(written, "--as")[0]
    if not any(quantity.rules for quantity in tool.quantities):
        fail("argument", f"{tool.name} does not count the operations of layers", origin=f"--as {written[:40]}")
    trace = trace_of(network.graph, network.spec.model, analysis)
    count = next(each for each in counts_of(analysis, network.spec.model, (tool,), trace) if each.quantity.rules)
    values = [0] * len(rows)
    row_of = _rows_by_name(rows)
    outside = 0
    for name, amount in count.by_layer.items():
        at = row_of.get(name)
        if at is None:
            outside += amount
        else:
            values[at] += amount
    found = [f"{tool.key}: {count.value:,} = {count.start:,} MACs {terms_text(count)}"]
    if outside:
        found.append(f"{tool.key} counts {outside:,} for modules that are not layers here")
    return CountedRows(count, tuple(values), (*found, *list(notes([count], trace))[1:]))


def _rows_by_name(rows: Sequence[Row]) -> dict[str, int]:
    """Return the rows of all layers, and the first row of every module that they are in, by name."""
    found: dict[str, int] = {}
    modules: dict[str, int] = {}
    for place, row in enumerate(rows):
        for layer in getattr(row, "layers", (row,)):
            found[layer.name] = place
            path = layer.name.split("/")
            for length in range(1, len(path)):
                modules.setdefault("/".join(path[:length]), place)
    return modules | found
