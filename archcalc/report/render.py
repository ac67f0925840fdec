"""Tables in every format. Libraries are imported by the formats that need them only."""

from __future__ import annotations

from typing import Any

from archcalc.report.aligned_tables import align_table
from archcalc.report.json_text import write_json
from archcalc.report.markup import latex, markdown
from archcalc.report.table import Table, Texts, cell_text, cell_value, total_texts, without_controls
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
        return align_table(table, width=width, color=color, line="─")
    if form == "plain":
        return align_table(table)
    if form == "csv":
        return _csv(table)
    if form == "json":
        keys = _keys(table)
        return write_json([dict(zip(keys, map(cell_value, row), strict=True)) for row in table.rows])
    return {"html": _html, "markdown": markdown, "latex": latex}[form](table)


def _keys(table: Table) -> list[str]:
    return [column.key for column in table.columns]


def _csv(table: Table) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(escaped, _keys(table)))
    columns = [Texts.of(cells, _in_csv).all() for cells in zip(*table.rows, strict=True)]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _in_csv(cell: Any) -> Any:
    """Return the value of a cell with its line breaks escaped: names have some, and rows are read line by line."""
    value = cell_value(cell)
    return escaped(value) if isinstance(value, str) else value


def _html(table: Table) -> str:
    from html import escape

    def row(cells: list[str], tag: str) -> str:
        styles = [' style="text-align: right"' if column.align == "right" else "" for column in table.columns]
        return "".join(f"<{tag}{style}>{escape(cell)}</{tag}>" for cell, style in zip(cells, styles, strict=True))

    lines = ["<table>"]
    lines += [f"<caption>{escape(table.title)}</caption>"] if table.title else []
    lines += ["<thead>", f"<tr>{row([column.title for column in table.columns], 'th')}</tr>", "</thead>", "<tbody>"]
    lines += [f"<tr>{row(list(map(cell_text, cells)), 'td')}</tr>" for cells in table.rows]
    lines += ["</tbody>"]
    foot = [f"<tr>{row(total_texts(cells), 'th')}</tr>" for cells in table.totals]
    foot += [f'<tr><td colspan="{len(table.columns)}">{escape(note)}</td></tr>' for note in table.notes]
    lines += ["<tfoot>", *foot, "</tfoot>"] if foot else []
    return "\n".join([*lines, "</table>"]) + "\n"
