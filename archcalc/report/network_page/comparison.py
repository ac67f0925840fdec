"""The page of several networks: their figures side by side, and of two networks what changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from archcalc.changes.compare import NetworkDiff, compare
from archcalc.report.diff_page import changes_functions
from archcalc.report.network_page.drawings import Drawing, drawings
from archcalc.report.network_page.memory import MemoryCurve, live_bytes, memory_curve
from archcalc.report.pages import template
from archcalc.report.side_by_side import DEFAULT, SideBySide
from archcalc.report.table import Table, cell_text, without_controls


class Side(NamedTuple):
    """One of the networks."""

    label: str
    drawing: Drawing
    memory: MemoryCurve | None


@dataclass(frozen=True)
class ComparisonPage:
    """The content of a page about several networks."""

    networks: SideBySide

    @property
    def totals(self) -> Table:
        """Their figures side by side, which the page shows unless it shows what changed."""
        return self.networks.table(DEFAULT)

    @property
    def title(self) -> str:
        """The names of the networks."""
        return (" → " if len(self.networks.labels) == 2 else ", ").join(self.networks.labels)

    @cached_property
    def diff(self) -> NetworkDiff | None:
        """What changed, if there are two networks."""
        if len(self.networks.analyses) != 2:
            return None
        old, new = self.networks.analyses
        return compare(old, new, dtype=self.networks.dtype)

    @cached_property
    def sides(self) -> list[Side]:
        """The networks, with memory curves that have one scale."""
        live = [live_bytes(analysis, self.networks.dtype) for analysis in self.networks.analyses]
        top = max(max(each.values(), default=0) for each in live)
        found = []
        for label, analysis, own in zip(self.networks.labels, self.networks.analyses, live, strict=True):
            layout = self.networks.layout or analysis.graph.layout
            *_, drawing = drawings(analysis, layout)
            found.append(Side(label, drawing, memory_curve(analysis, own, layout, self.networks.dtype, top=top)))
        return found


def comparison_page(page: ComparisonPage) -> str:
    """Return the page of several networks."""
    found = template("network_page/comparison.html", human=cell_text, without_controls=without_controls)
    return found.render(page=page, **changes_functions())
