"""Tables for people: aligned columns, fitted to the width of a terminal without breaking numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest

from archcalc.report.table import Table, human, total
from archcalc.terminal import display_width

GAP = "  "
BOLD, DIM, NORMAL = "1", "2", ""
_PIECE = re.compile(r"\s*[^\s/_]*(?:[/_]+|(?=\s)|$)")
"""The unit of folding: a word, or a part of a name with its ``/`` or ``_``."""

Paint = Callable[[str, str], str]


def aligned(table: Table, *, width: int | None = None, color: bool = False, line: str = "-") -> str:
    """Return a table as aligned columns.

    If the columns are wider than the terminal, texts are folded. If that is not enough, the remaining columns follow in
    tables of their own, each with the first column repeated. Without a width, every row is one line.

    Args:
        table: The table to write.
        width: The columns of the terminal; ``None`` for no limit.
        color: Whether to emphasize titles and totals.
        line: The character of the line below the titles.
    """
    paint = _painted if color else _plain
    titles = [column.title for column in table.columns]
    body = [list(map(human, row)) for row in table.rows]
    totals = [total(row) for row in table.totals]
    grid = [titles, *body, *totals]
    widths = [max(map(display_width, cells)) for cells in zip(*grid, strict=True)]
    pages = [list(range(len(widths)))]
    if width is not None and _taken(widths) > width:
        _shrink(widths, table, grid, width)
        pages = _pages(widths, width)
    lines = [paint(part, BOLD) for part in fold(table.title, width)] if table.title else []
    for page in pages:
        rule = paint(GAP.join(line * widths[index] for index in page), DIM)
        styles = [[NORMAL if cell else DIM for cell in row] for row in table.rows]
        lines += [] if page is pages[0] else [""]
        lines += _row(titles, [BOLD] * len(titles), page, widths, table, paint)
        lines.append(rule)
        for cells, style in zip(body, styles, strict=True):
            lines += _row(cells, style, page, widths, table, paint)
        if totals:
            lines.append(rule)
        for cells in totals:
            lines += _row(cells, [BOLD] * len(cells), page, widths, table, paint)
    for note in table.notes:
        lines += [paint(part, DIM) for part in fold(note, width)]
    return "\n".join(lines) + "\n"


def _plain(text: str, style: str) -> str:
    return text


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def _taken(widths: list[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrink(widths: list[int], table: Table, grid: list[list[str]], width: int) -> None:
    """Narrow the columns that may be folded, the widest relative to its minimum first, until the table fits.

    If it cannot fit, none of them takes more than half of the terminal.
    """
    least = list(widths)
    for index, column in enumerate(table.columns):
        if column.folds:
            least[index] = max(display_width(piece.strip()) for cells in grid for piece in _PIECE.findall(cells[index]))
    if _taken(least) > width:
        half = (width - len(GAP)) // 2
        widths[:] = [max(narrow, min(wide, half)) for narrow, wide in zip(least, widths, strict=True)]
    while _taken(least) <= width < _taken(widths):
        index = max(range(len(widths)), key=lambda index: widths[index] - least[index])
        widths[index] -= 1


def _pages(widths: list[int], width: int) -> list[list[int]]:
    """The columns in groups that fit, each beginning with the first column."""
    pages = [[0]]
    for index in range(1, len(widths)):
        if len(pages[-1]) > 1 and _taken([widths[other] for other in (*pages[-1], index)]) > width:
            pages.append([0])
        pages[-1].append(index)
    return pages


def _row(
    cells: list[str], styles: list[str], page: list[int], widths: list[int], table: Table, paint: Paint
) -> Iterator[str]:
    """The lines of one row; there are several if a cell is folded."""
    columns = [fold(cells[index], widths[index]) if table.columns[index].folds else [cells[index]] for index in page]
    for parts in zip_longest(*columns, fillvalue=""):
        line = ""
        for index, part in zip(page, parts, strict=True):
            blanks = " " * (widths[index] - display_width(part))
            shown = paint(part, styles[index])
            line += (blanks + shown if table.columns[index].align == "right" else shown + blanks) + GAP
        yield line.rstrip()


def fold(text: str, width: int | None) -> list[str]:
    """Return a text in lines of at most ``width`` columns, unless a word of it is longer."""
    if width is None or display_width(text) <= width:
        return [text]
    lines = [""]
    for piece in _PIECE.findall(text):
        if display_width(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line for line in lines if line]
