"""The options of ``show`` for the order of the layers, their shares, bars, and the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from archcalc.analysis.propagate import Analysis
from archcalc.cli.columns import number_column
from archcalc.cli.options import Command, with_options
from archcalc.cli.output import terminal_width, writes_blocks
from archcalc.report.cells import COLUMNS, DEFAULT, RowCells, row_name
from archcalc.report.figures import NUMBERS, SUMMED, Row, figures, ranking
from archcalc.report.layers_table import ALL, FilledColumn, filled_columns, has_name, marks, readable_depth
from archcalc.report.module_tree import ASCII, INDENTED, LINES, NO_BREAK, Branches, ModuleTree, module_tree
from archcalc.report.shares import with_bars, with_shares
from archcalc.report.table import Column
from archcalc.spec.errors import fail

OF_TREE = ("layer", "op", "params", "macs")
"""The columns of the tree."""
FORMATS_WITHOUT_BARS = ("csv", "latex")
"""The formats for programs, and those whose fonts may lack block characters."""
WIDTH = 80
"""The columns that bars fill where there is no terminal."""


def view_options(command: Command) -> Command:
    """Add ``--sort``, ``--share``, ``--bars`` and ``--tree`` to a command."""
    return with_options(
        command,
        click.option(
            "--sort", metavar="NAME", help="Sort the rows by a column of numbers, such as macs, largest first."
        ),
        click.option(
            "--share",
            is_flag=True,
            help="Print the share of each row in the totals, in per cent, after each column that has a total.",
        ),
        click.option(
            "--bars",
            metavar="NAME",
            help="Draw bars of a column of numbers, such as macs.  [default columns: the layer and these numbers]",
        ),
        click.option(
            "--tree",
            is_flag=True,
            help="Print the stages, blocks and layers as a tree, with the sums of each; --depth limits its levels.  "
            f"[default columns: {','.join(OF_TREE)}]",
        ),
    )


@dataclass(frozen=True)
class LayerArrangement:
    """How the layers are arranged."""

    sort: str | None
    """The column by which rows are sorted."""
    share: bool
    """Whether the columns with totals are followed by shares."""
    bars: str | None
    """The column that bars are drawn of."""
    tree: bool
    """Whether the rows are a tree."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> LayerArrangement:
        """Return the view that the options of a command ask for.

        Raises:
            SpecError: a column does not exist, or has no numbers.
        """
        numbers = tuple([name for name in COLUMNS if name in NUMBERS])
        sort, bars = (
            None if values[option] is None else number_column(values[option], numbers, f"--{option}")
            for option in ("sort", "bars")
        )
        return cls(sort, values["share"], bars, values["tree"])

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table by default."""
        if self.bars:
            return ("layer", self.bars)
        return OF_TREE if self.tree else DEFAULT

    def require(self, reason: str, *allowed: str) -> None:
        """Fail if there are options that do not apply.

        Args:
            reason: the end of the message: what they do not apply to.
            allowed: the options that do apply.

        Raises:
            click.UsageError: there are others.
        """
        for option in ("sort", "share", "bars", "tree"):
            if getattr(self, option) and option not in allowed:
                raise click.UsageError(f"--{option} does not apply to {reason}")

    def fill(
        self, analysis: Analysis, columns: Sequence[str], *, depth: int | None, layout: str, dtype: str, form: str
    ) -> tuple[list[FilledColumn], RowCells, Sequence[Row]]:
        """Return the columns of the table, the cells of its rows in the order of the network, and its innermost rows.

        Args:
            analysis: the analysis of the network.
            columns: the names of the columns.
            depth: the level at which layers are grouped; ``None`` for a readable one.
            layout: the layout of shapes.
            dtype: the number formats of memory.
            form: the format of the output.

        Raises:
            SpecError: shares are asked for, but no column has a total.
        """
        bare = form == "csv"
        if bare and depth is None:
            depth = ALL
        tree = module_tree(analysis, depth) if self.tree else None
        rows: Sequence[Row]
        if tree is not None:
            rows = tree.rows
            columns = columns if "layer" in columns else ("layer", *columns)
        else:
            rows = analysis.folded(readable_depth(analysis) if depth is None else depth)
        if self.bars and self.bars not in columns:
            columns = (*columns, self.bars)
        cells = RowCells(analysis, rows, layout, dtype=dtype, bare=bare, nested=self.tree)
        found = self.compared(filled_columns(cells, columns), cells, form)
        if bare:
            found += marks(analysis, rows)
        numbers = None if self.sort is None else figures(analysis, rows, self.sort, dtype=dtype, nested=self.tree)
        if tree is None:
            return (found if numbers is None else _reordered(found, ranking(numbers))), cells, rows
        if numbers is not None:
            tree = tree.sorted_by(numbers)
        root = analysis.graph.name if has_name(analysis) else "network"
        return _grown(found, tree, root, None if bare else _branches(form)), cells, tree.leaves

    def compared(self, columns: list[FilledColumn], cells: RowCells, form: str) -> list[FilledColumn]:
        """Return columns with shares and bars."""
        if self.share:
            if not any(each.column.key in SUMMED for each in columns):
                hint = "add a column such as params or macs to --columns"
                fail("argument", "none of the columns has a total", hint=hint, origin="--share")
            columns = with_shares(columns, cells)
        elif self.bars in SUMMED:
            at = next(index for index, each in enumerate(columns) if each.column.key == self.bars)
            columns = [*columns[:at], *with_shares(columns[at : at + 1], cells), *columns[at + 1 :]]
        if self.bars and form not in FORMATS_WITHOUT_BARS:
            width = terminal_width() or WIDTH
            columns = with_bars(columns, cells, self.bars, width=width, blocks=writes_blocks())
        return columns


def _reordered(columns: Sequence[FilledColumn], order: Sequence[int]) -> list[FilledColumn]:
    """Return columns with their cells in another order."""
    return [each._replace(cells=[each.cells[at] for at in order]) for each in columns]


def _branches(form: str) -> Branches:
    """Return the texts before the names in a tree, as a format and the encoding of the output have them."""
    if form in ("markdown", "html"):
        return NO_BREAK
    if form == "latex":
        return INDENTED
    return LINES if writes_blocks() else ASCII


def _grown(
    columns: Sequence[FilledColumn], tree: ModuleTree, root: str, branches: Branches | None
) -> list[FilledColumn]:
    """Return columns in the order of a tree, without sums, which the root has.

    Args:
        columns: the columns in the order of the network.
        tree: the tree.
        root: the name of its root.
        branches: the texts before the names; for programs ``None``: the names are then complete, after the level.
    """
    walk = [*tree.walk(branches or LINES)]
    found = []
    for column, cells, _ in _reordered(columns, [row for row, _, _ in walk]):
        if column.key == "layer" and branches is None:
            found.append(FilledColumn(Column("level", "level", "right"), [level for _, level, _ in walk]))
        elif column.key == "layer":
            names = [
                before + row_name(tree.rows[row], tree.rows[row].path[-1] if level else root)
                for row, level, before in walk
            ]
            column, cells = column._replace(folds=False), names
        found.append(FilledColumn(column, cells))
    return found
