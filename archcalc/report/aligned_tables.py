"""Tables for people: aligned columns, fitted to the width of a terminal without breaking numbers or names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from archcalc.report.table import Table, Texts, total_texts
from archcalc.terminal import display_width

GAP = "  "
BOLD, DIM, NORMAL = "1", "2", ""
_WORD = re.compile(r"\s*\S+")
_PIECE = re.compile(r"\s*[^\s/_]*(?:[/_]+|(?=\s)|$)")
"""The unit of folding a word that is longer than the line: a part of a name with its ``/`` or ``_``."""
READABLE = 14
"""Columns are folded to this width before names get lines of their own: narrower ones take many lines."""

Paint = Callable[[str, str], str]


def align_table(table: Table, *, width: int | None = None, color: bool = False, line: str = "-") -> str:
    """Return a table as aligned columns.

    If the columns are wider than the terminal, texts are folded between words; then names in the first column that are
    too long get a line of their own, above the rest of their row. If that is not enough, the remaining columns follow
    in tables of their own, each with the first column repeated. Without a width, every row is one line.

    Args:
        table: the table to write.
        width: the columns of the terminal; ``None`` for no limit.
        color: whether to emphasize titles and totals.
        line: the character of the line below the titles.
    """
    return "\n".join([*_Layout(table, width, color).lines(line), ""])


class _Layout:
    """A table with the widths of its columns."""

    def __init__(self, table: Table, width: int | None, color: bool) -> None:
        self.table = table
        self.width = width
        self.paint: Paint = _painted if color else _plain
        self.titles = [column.title for column in table.columns]
        columns = zip(*table.rows, strict=True)
        self.columns = [Texts.of(cells) for cells in columns] or [Texts([], {})] * len(self.titles)
        """The texts of the rows, by column."""
        self.totals = [total_texts(row) for row in table.totals]
        self.widths = [
            max(texts.width(), *map(display_width, (title, *totals)))
            for title, texts, *totals in zip(self.titles, self.columns, *self.totals, strict=True)
        ]
        self.pages = [list(range(len(self.widths)))]
        self.is_natural = width is None or _taken(self.widths) <= width
        """Whether every row is one line."""
        if width is not None and not self.is_natural:
            self.shrink(width)
            self.pages = _pages(self.widths, width)

    def lines(self, line: str) -> Iterator[str]:
        """Yield the lines of the table; ``line`` is the character of rules."""
        table, paint = self.table, self.paint
        for part in fold(table.title, self.width) if table.title else []:
            yield paint(part, BOLD)
        for page in self.pages:
            rule = paint(GAP.join(line * self.widths[index] for index in page), DIM)
            if page is not self.pages[0]:
                yield ""
            yield from self.row(self.titles, [BOLD] * len(self.titles), page)
            yield rule
            if self.is_natural and paint is _plain:
                yield from self.plain_rows()
            else:
                texts = zip(*[column.all() for column in self.columns], strict=True)
                for row, cells in zip(table.rows, texts, strict=True):
                    yield from self.row(cells, [NORMAL if cell else DIM for cell in row], page)
            if self.totals:
                yield rule
            for sums in self.totals:
                yield from self.row(sums, [BOLD] * len(sums), page)
        for note in table.notes:
            for part in fold(note, self.width):
                yield paint(part, DIM)

    def plain_rows(self) -> Iterator[str]:
        """Yield the rows, each in one line without colour: the fast way for long tables."""
        columns = [
            texts.padded(width, at_right=column.align == "right")
            for column, texts, width in zip(self.table.columns, self.columns, self.widths, strict=True)
        ]
        for cells in zip(*columns, strict=True):
            yield GAP.join(cells).rstrip()

    def row(self, cells: Sequence[str], styles: list[str], page: list[int]) -> Iterator[str]:
        """Yield the lines of one row; there are several if a cell is folded, or a name has a line of its own."""
        columns = self.table.columns
        first, width = page[0], self.width
        folded = [fold(cells[index], self.widths[index]) if columns[index].folds else [cells[index]] for index in page]
        if width is not None and columns[first].folds and _longest_word(cells[first]) > self.widths[first]:
            for part in fold(cells[first], width):
                yield self.paint(part, styles[first])
            folded[0] = []
        for parts in zip_longest(*folded, fillvalue=""):
            line = ""
            for index, part in zip(page, parts, strict=True):
                blanks = " " * (self.widths[index] - display_width(part))
                shown = self.paint(part, styles[index])
                line += (blanks + shown if columns[index].align == "right" else shown + blanks) + GAP
            yield line.rstrip()

    def shrink(self, width: int) -> None:
        """Narrow the columns that may be folded until the table fits.

        If it cannot fit, none of them takes more than half of the terminal.
        """
        for least in self.minima():
            if _taken(least) <= width:
                while _taken(self.widths) > width:
                    index = max(range(len(least)), key=lambda index: self.widths[index] - least[index])
                    self.widths[index] -= 1
                return
            self.widths[:] = least
        half = max(1, (width - len(GAP)) // 2)
        for index, column in enumerate(self.table.columns):
            if column.folds:
                self.widths[index] = min(half, max(map(display_width, self.cells(index))))

    def minima(self) -> Iterator[list[int]]:
        """Yield smaller and smaller widths of the columns: what folding words, names and parts of names allows."""
        widths, titles = list(self.widths), [display_width(title) for title in self.titles]
        folding = [index for index, column in enumerate(self.table.columns) if column.folds]
        words = {index: max(map(_longest_word, self.cells(index))) for index in folding}
        for index in folding:
            floor = words[index] if index == 0 else max(words[index], READABLE)
            widths[index] = min(widths[index], floor)
        yield list(widths)
        if 0 in words:
            widths[0] = min(widths[0], max(titles[0], READABLE))
            yield list(widths)
        for index in folding[0 in words :]:
            widths[index] = min(widths[index], words[index])
        yield list(widths)
        for index in folding[0 in words :]:
            widths[index] = max(
                display_width(piece.strip()) for cell in self.cells(index) for piece in _PIECE.findall(cell)
            )
        yield widths

    def cells(self, index: int) -> Sequence[str]:
        """Return the different cells of a column, its title included."""
        return [self.titles[index], *self.columns[index].known.values(), *(row[index] for row in self.totals)]


def _plain(text: str, style: str) -> str:
    return text


def _painted(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def _taken(widths: list[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _longest_word(text: str) -> int:
    return max(map(display_width, text.split()), default=0)


def _pages(widths: list[int], width: int) -> list[list[int]]:
    """Return the columns in groups that fit, each beginning with the first column."""
    pages = [[0]]
    for index in range(1, len(widths)):
        if len(pages[-1]) > 1 and _taken([widths[other] for other in (*pages[-1], index)]) > width:
            pages.append([0])
        pages[-1].append(index)
    return pages


def fold(text: str, width: int | None) -> list[str]:
    """Return a text in lines of at most ``width`` columns, unless a part of a word is longer.

    Lines are broken between words; a word that is longer than a line is broken after ``/`` and ``_``.
    """
    if width is None or display_width(text) <= width:
        return [text]
    lines = [""]
    for word in _WORD.findall(text):
        pieces = [word] if display_width(word.lstrip()) <= width else _PIECE.findall(word)
        for piece in pieces:
            if display_width(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line for line in lines if line]
