"""Tables in every format. Each library is imported by the format that needs it."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from archcalc.report.table import Table, human, raw

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")

# a list of whole numbers; no string can look like it, because line breaks inside strings are escaped
_NUMBERS = re.compile(r"\[\n\s+(-?\d+(?:,\n\s+-?\d+)*)\n\s+\]")

_TABULATE = {"markdown": "github", "latex": "latex_booktabs", "html": "html"}


def render(table: Table, form: str, *, color: bool = False, width: int | None = None) -> str:
    """A table as text, ending in a newline.

    Args:
        table: what to write.
        form: one of `FORMATS`.
        color: whether the format ``rich`` may use colour.
        width: columns of the terminal, for ``rich``; ``None``: as wide as it gets.
    """
    if form == "rich":
        return _rich(table, color=color, width=width)
    if form == "csv":
        return _csv(table)
    if form == "json":
        return write_json([dict(zip(_keys(table), map(raw, row), strict=True)) for row in table.rows])
    if form == "plain":
        return _plain(table)
    return _tabulate(table, form)


def write_json(document: Any) -> str:
    """A JSON document, readable, its keys in the order given; a list of whole numbers stands on one line."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _NUMBERS.sub(lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"


def _keys(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def _csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_keys(table))
    writer.writerows([raw(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _plain(table: Table) -> str:
    """Aligned columns, two blanks apart: for pipes and terminals without lines."""
    titles = tuple(column.title for column in table.columns)
    body = [tuple(map(human, row)) for row in table.rows]
    totals = [tuple("" if cell is None else human(cell) for cell in row) for row in table.totals]
    widths = [max(map(len, cells)) for cells in zip(titles, *body, *totals, strict=True)]
    right = [column.align == "right" for column in table.columns]

    def line(cells: tuple[str, ...]) -> str:
        padded = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(cells, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * width for width in widths)
    lines = [table.title] if table.title else []
    lines += [line(titles), rule, *map(line, body)]
    if totals:
        lines += [rule, *map(line, totals)]
    return "\n".join([*lines, *table.notes]) + "\n"


def _tabulate(table: Table, form: str) -> str:
    from tabulate import tabulate

    rows = [list(map(human, row)) for row in table.rows]
    rows += [["" if cell is None else human(cell) for cell in row] for row in table.totals]
    text = tabulate(
        rows,
        headers=[column.title for column in table.columns],
        tablefmt=_TABULATE[form],
        colalign=[column.align for column in table.columns],
        disable_numparse=True,
    )
    if form == "html":
        return text + "\n"
    comment = "% " if form == "latex" else ""
    title = [f"{comment}{table.title}", ""] if table.title else []
    notes = ["", *(f"{comment}{note}" for note in table.notes)] if table.notes else []
    return "\n".join([*title, text, *notes]) + "\n"


def _rich(table: Table, *, color: bool, width: int | None) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(
        title=Text(table.title) if table.title else None,
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_footer=False,
    )
    for column in table.columns:
        # numbers are never cut or broken; texts may wrap where the terminal is narrow
        grid.add_column(column.title, justify=column.align, no_wrap=column.align == "right", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(human(cell), style="dim" if cell is None or cell == 0 else "") for cell in row))
    for index, row in enumerate(table.totals):
        if index == 0:
            grid.add_section()
        grid.add_row(*(Text("" if cell is None else human(cell), style="bold") for cell in row))
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=color,
        no_color=not color,
        color_system="auto" if color else None,
        width=width or 10_000,
        highlight=False,
    )
    console.print(grid)
    for note in table.notes:
        console.print(Text(note, style="dim" if color else ""), soft_wrap=width is None)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
