"""Tables in Markdown and LaTeX, with their columns aligned in the text as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archcalc.report.table import Table, Texts
from archcalc.terminal import display_width

BESIDE_TITLE = 2
"""How much wider than its title a column is at least."""

LATEX = str.maketrans(
    {
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "^": r"\^{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "\\": r"\textbackslash{}",
        "<": r"\ensuremath{<}",
        ">": r"\ensuremath{>}",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
    }
)
"""How LaTeX writes the characters that are its own, and those that many of its fonts lack."""


def markdown(table: Table) -> str:
    """Return a table in Markdown, its title above and its notes below it."""
    columns = _Columns(table, lambda text: text.replace("|", r"\|"))
    rules = [
        f"{'-' * (width + 1)}:" if column.align == "right" else f":{'-' * (width + 1)}"
        for column, width in zip(table.columns, columns.widths, strict=True)
    ]
    lines = [f"| {' | '.join(row)} |" for row in columns.rows()]
    title = [table.title, ""] if table.title else []
    notes = ["", *table.notes] if table.notes else []
    return "\n".join([*title, lines[0], f"|{'|'.join(rules)}|", *lines[1:], *notes]) + "\n"


def latex(table: Table) -> str:
    """Return a table in LaTeX, for the package booktabs, its title and notes in comments."""
    columns = _Columns(table, lambda text: text.translate(LATEX))
    lines = [f" {' & '.join(row)} \\\\" for row in columns.rows()]
    after = len(lines) - len(table.totals)
    sums = [r"\midrule", *lines[after:]] if table.totals else []
    title = [f"% {table.title}", ""] if table.title else []
    notes = ["", *(f"% {note}" for note in table.notes)] if table.notes else []
    begin = f"\\begin{{tabular}}{{{''.join(column.align[0] for column in table.columns)}}}"
    body = [begin, r"\toprule", lines[0], r"\midrule", *lines[1:after], *sums, r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*title, *body, *notes]) + "\n"


class _Columns:
    """The texts of a table by column, titles first and totals last.

    Args:
        table: the table.
        escape: writes a text so that the language takes it literally.
    """

    def __init__(self, table: Table, escape: Callable[[str], str]) -> None:
        titles = [column.title for column in table.columns]
        totals = [["" if cell is None else cell for cell in row] for row in table.totals]
        columns = zip(titles, *table.rows, *totals, strict=True)
        self.texts = [Texts.of(cells).changed(escape) for cells in columns]
        self.widths = [
            max(display_width(escape(title)) + BESIDE_TITLE, texts.width())
            for title, texts in zip(titles, self.texts, strict=True)
        ]
        self.at_right = [column.align == "right" for column in table.columns]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Return the rows, each cell as wide as its column."""
        columns = zip(self.texts, self.widths, self.at_right, strict=True)
        return zip(*[texts.padded(width, at_right=at_right) for texts, width, at_right in columns], strict=True)
