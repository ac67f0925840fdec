"""A comparison as Markdown for a pull request: totals first, layers in ``<details>``, within the limit of a comment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archcalc.arrays.texts import count_text
from archcalc.changes.files import ComparedNetwork
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
from archcalc.report.table import Table, cell_text, without_controls

MARKER = "<!-- archcalc diff -->"
"""The first line, by which a comment is found again."""
MAX_LENGTH = 65_536
"""The maximum number of characters of a comment on GitHub."""
MAX_ROWS = 200
"""The maximum number of rows of a table of changes."""
RESERVED = 200
"""The characters that are kept for the line that counts what is left out."""
SPECIAL = str.maketrans({each: f"&#{ord(each)};" for each in "&<>|@*`[]\\#~$!"})
"""The characters that mean something in Markdown or HTML, or that notify somebody."""


def diff_markdown(comparison: NetworkComparison) -> str:
    """Return a comparison as Markdown of at most `MAX_LENGTH` characters; what does not fit is counted."""
    compared = comparison.compared
    lines = [MARKER, f"### archcalc: {_heading(comparison)}", ""]
    document = _Document(lines)
    for network in compared:
        for line in exceeded_lines(network):
            document.add([f"- **{escaped_line(network.name)}** is {escaped_line(line)}"])
    for network in compared:
        for problem in (*network.problems, *network.judged.problems):
            name, number, _ = problem.place()
            place = f"{name}:{number}" if number else name
            document.add([f"- **{escaped_line(place)}**: {escaped_line(problem.message)}"])
    if len(compared) > 1:
        document.add(
            ["", *_table(networks_table(compared)), ""], fallback=[f"{count_text(len(compared), 'network')} differ."]
        )
    for network in compared:
        document.add(["", *_network(network, alone=len(compared) == 1)], fallback=_network_summary(network))
    for network in comparison.skipped:
        document.add([f"- skipped {escaped_line(network.name)}: {escaped_line(network.skipped)}"])
    for note in comparison.notes:
        document.add([f"- {escaped_line(note)}"])
    return document.written()


class _Document:
    """Lines within the limit of a comment."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self.length = sum(len(line) + 1 for line in self.lines)
        self.left_out = 0

    def add(self, lines: Sequence[str], fallback: Sequence[str] = ()) -> None:
        """Add lines if all of them fit; otherwise a shorter form, or nothing, which is counted."""
        for form in (lines, fallback):
            length = sum(len(line) + 1 for line in form)
            if form and self.length + length <= MAX_LENGTH - RESERVED:
                self.lines += form
                self.length += length
                return
        self.left_out += 1

    def written(self) -> str:
        """Return the text."""
        more = ["", f"{count_text(self.left_out, 'further part')} of the comparison left out: the comment is full."]
        return "\n".join([*self.lines, *(more if self.left_out else [])]).rstrip() + "\n"


def escaped_line(written: str) -> str:
    """Return a text without a meaning in Markdown or HTML, in one line."""
    return without_controls(written).translate(SPECIAL)


def _heading(comparison: NetworkComparison) -> str:
    sides = f"{escaped_line(comparison.old)} → {escaped_line(comparison.new)}"
    compared = comparison.compared
    if not comparison.revisions:
        return sides
    return f"{sides}, {count_text(len(compared), 'network')}" if compared else f"no network differs ({sides})"


def _network(network: ComparedNetwork, *, alone: bool) -> Iterator[str]:
    """Yield the lines of one network: the sentences and totals are visible if it is alone, the layers never."""
    diff = None if network.status == "equal" else network.diff
    title = f"<b>{escaped_line(shown_name(network))}</b>: {network.status}"
    if diff is None:
        yield from _network_summary(network)
        return
    said = escaped_line(" ".join(sentences(diff)).rstrip())
    tables = [*_table(totals_table(diff)), ""]
    changes = changes_table(diff, MAX_ROWS)
    layers = (
        [*_table(changes), "", *(f"<sub>{escaped_line(note)}</sub>" for note in changes.notes), ""] if diff.rows else []
    )
    if alone:
        yield from [said, "", *tables]
        if layers:
            yield from ["<details>", f"<summary>{count_text(len(diff.rows), 'change')}, layer by layer</summary>", ""]
            yield from [*layers, "</details>"]
        return
    yield from ["<details>", f"<summary>{title}. {said}</summary>", "", *tables, *layers, "</details>"]


def _network_summary(network: ComparedNetwork) -> list[str]:
    """Return the short form of a network, in one line."""
    diff = network.diff
    said = ""
    if diff is not None:
        said = f". {escaped_line(' '.join(sentences(diff)).rstrip())}"
    elif network.old or network.new:
        said = f"; {escaped_line(lone_text(network))}"
    return [f"- <b>{escaped_line(shown_name(network))}</b>: {network.status}{said}"]


def _table(table: Table) -> Iterator[str]:
    def row(cells: Sequence[Any]) -> str:
        texts = ["" if cell is None else escaped_line(cell_text(cell)).replace(" %", "&nbsp;%") for cell in cells]
        return f"| {' | '.join(texts)} |"

    yield row([column.title for column in table.columns])
    yield f"|{'|'.join('---:' if column.align == 'right' else ':---' for column in table.columns)}|"
    for cells in table.rows:
        yield row(cells)
