"""Tables in every format. Libraries are imported by the formats that need them only."""

from __future__ import annotations

from typing import Any

from archcalc.report.aligned import aligned
from archcalc.report.json_text import write_json
from archcalc.report.table import Table, human, raw, total, without_controls
from archcalc.spec.errors import escaped

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")


def render(table: Table, form: str, *, color: bool = False, width: int | None = None) -> str:
    """Return a table as text that ends in a newline.

    Args:
        table: the table to write.
        form: one of `FORMATS`.
        color: whether the format ``rich`` uses colour.
        width: the columns of the terminal for ``rich``; ``None`` for no limit.
    """
    table = table._replace(
        columns=tuple(column._replace(title=without_controls(column.title)) for column in table.columns),
        title=without_controls(table.title),
        notes=tuple(map(without_controls, table.notes)),
    )
    if form == "rich":
        return aligned(table, width=width, color=color, line="─")
    if form == "plain":
        return aligned(table)
    if form == "csv":
        return _csv(table)
    if form == "json":
        keys = _keys(table)
        return write_json([dict(zip(keys, map(raw, row), strict=True)) for row in table.rows])
    return _html(table) if form == "html" else _tabulate(table, form)


def _keys(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def _csv(table: Table) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(escaped, _keys(table)))
    writer.writerows([_on_one_line(raw(cell)) for cell in row] for row in table.rows)
    return out.getvalue()


def _on_one_line(cell: Any) -> Any:
    """Return the value of a cell with its line breaks escaped: names have some, and rows are read line by line."""
    return escaped(cell) if isinstance(cell, str) else cell


def _html(table: Table) -> str:
    from html import escape

    def row(cells: list[str], tag: str) -> str:
        styles = [' style="text-align: right"' if column.align == "right" else "" for column in table.columns]
        return "".join(f"<{tag}{style}>{escape(cell)}</{tag}>" for cell, style in zip(cells, styles, strict=True))

    lines = ["<table>"]
    lines += [f"<caption>{escape(table.title)}</caption>"] if table.title else []
    lines += ["<thead>", f"<tr>{row([column.title for column in table.columns], 'th')}</tr>", "</thead>", "<tbody>"]
    lines += [f"<tr>{row(list(map(human, cells)), 'td')}</tr>" for cells in table.rows]
    lines += ["</tbody>"]
    foot = [f"<tr>{row(total(cells), 'th')}</tr>" for cells in table.totals]
    foot += [f'<tr><td colspan="{len(table.columns)}">{escape(note)}</td></tr>' for note in table.notes]
    lines += ["<tfoot>", *foot, "</tfoot>"] if foot else []
    return "\n".join([*lines, "</table>"]) + "\n"


def _tabulate(table: Table, form: str) -> str:
    from tabulate import tabulate

    rows = [*(list(map(human, row)) for row in table.rows), *map(total, table.totals)]
    if form == "markdown":
        rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    text = tabulate(
        rows,
        headers=[column.title for column in table.columns],
        tablefmt={"markdown": "pipe", "latex": "latex_booktabs"}[form],
        colalign=[column.align for column in table.columns],
        disable_numparse=True,
    )
    comment = ""
    if form == "latex":
        comment = "% "
        lines = text.replace("≤", r"$\leq$").replace("≥", r"$\geq$").splitlines()
        after = len(lines) - len(table.totals) - 2  # \bottomrule and \end{tabular} close the table
        text = "\n".join([*lines[:after], *([r"\midrule"] if table.totals else []), *lines[after:]])
    title = [f"{comment}{table.title}", ""] if table.title else []
    notes = ["", *(f"{comment}{note}" for note in table.notes)] if table.notes else []
    return "\n".join([*title, text, *notes]) + "\n"
