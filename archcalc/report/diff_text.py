"""A comparison as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.arrays.texts import count_text
from archcalc.changes.files import ComparedNetwork
from archcalc.report.aligned_tables import fold
from archcalc.report.diff_sentences import sentences
from archcalc.report.diff_tables import (
    NetworkComparison,
    changes_table,
    exceeded_lines,
    lone_text,
    networks_table,
    shown_name,
    totals_table,
)
from archcalc.report.render import render
from archcalc.report.table import Table
from archcalc.spec.errors import escaped

BOLD, RED = "1", "31"


class DiffText:
    """Writes comparisons as text.

    Args:
        form: ``rich`` or ``plain``.
        color: whether to use colour.
        width: the columns of the terminal; ``None`` for no limit.
    """

    def __init__(self, form: str = "plain", *, color: bool = False, width: int | None = None) -> None:
        self.form = form
        self.color = color
        self.width = width

    def write(self, comparison: NetworkComparison) -> str:
        """Return the text of a comparison."""
        return "".join(f"{line}\n" for line in self._lines(comparison))

    def _lines(self, comparison: NetworkComparison) -> Iterator[str]:
        compared = comparison.compared
        if comparison.revisions:
            sides = f"{escaped(comparison.old)} → {escaped(comparison.new)}"
            yield from self.folded(f"{sides}: {_summary(comparison)}", BOLD)
            if len(compared) > 1:
                yield from self.table(networks_table(compared))
        for network in compared:
            if comparison.revisions:
                yield ""
            yield from self._network(network, titled=comparison.revisions)
        for network in comparison.skipped:
            yield from self.folded(f"skipped {escaped(network.name)}: {network.skipped}")
        for note in comparison.notes:
            yield from self.folded(note)

    def _network(self, network: ComparedNetwork, *, titled: bool) -> Iterator[str]:
        if titled:
            yield from self.folded(f"{escaped(shown_name(network))}: {network.status}", BOLD)
        diff = network.diff
        if diff is not None:
            yield from self.folded(" ".join(sentences(diff)).rstrip())
            if network.status != "equal":
                yield ""
                yield from self.table(totals_table(diff))
            if diff.rows:
                yield ""
                yield from self.table(changes_table(diff))
        elif network.old or network.new:
            yield from self.folded(lone_text(network))
        for problem in (*network.problems, *network.judged.problems):
            yield problem.render()
        for line in exceeded_lines(network):
            yield from self.folded(f"error: {line}", RED)

    def folded(self, text: str, style: str = "") -> Iterator[str]:
        """Yield a text in lines that fit."""
        for line in fold(text, self.width):
            yield f"\x1b[{style}m{line}\x1b[0m" if self.color and style else line

    def table(self, table: Table) -> Iterator[str]:
        """Yield the lines of a table."""
        yield from render(table, self.form, color=self.color, width=self.width).rstrip("\n").split("\n")


def _summary(comparison: NetworkComparison) -> str:
    """Return how many networks there are of each kind: ``2 networks: 1 changed, 1 added``."""
    compared = comparison.compared
    if not compared:
        return "no network differs"
    kinds = [network.status for network in compared]
    parts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    return f"{count_text(len(compared), 'network')}: {', '.join(parts)}"
