"""``archcalc sweep``: every combination of settings of a network, evaluated at once."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from archcalc.arrays.texts import count_text
from archcalc.cli.commands import Definitions, SpecCommand
from archcalc.cli.options import (
    PositiveInteger,
    joined_values,
    layout_option,
    limit_options,
    limits_from,
    model_options,
    single_value,
    spec_argument,
    with_model_options,
)
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.cli.sweep_output import collect_garbage, progress, reason_text, value_text
from archcalc.cli.training_options import dtype_option, require_training, setup_from, training_options
from archcalc.cli.warnings import ignore_option, warn_as_written
from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.query.configurations import ConfigurationQuery
    from archcalc.query.grid import GridAxis
    from archcalc.query.ranking import Columns, RowSelection, SortKey
    from archcalc.query.sweep import Example, Refusal, SweepBlock
    from archcalc.spec.syntax import Name

DEFAULT = "params,macs"
TABLE_ROWS = 1_000
"""Rows of a table, unless ``--top`` asks for more."""
SORTED_ROWS = 1_000_000
"""The maximum number of rows that are sorted without ``--top``."""
MAX_REASONS = 5
"""Reasons that are printed."""
MAX_COUNTED_REASONS = 10_000
"""Reasons that are counted separately."""

SECTIONS: dict[str, Definitions] = {
    "Values": (
        ("alpha=0.25:1:0.05", "A range START:STOP:STEP, which includes STOP."),
        ("rho=6/7,1", "A list of values and ranges."),
        ("act=relu,gelu", "Names, for a variable that stands for an operator or for a word such as same."),
        ("batch=1,8,64", "The number of examples, unless the spec has a variable of this name."),
        ("H=W=128:512:32", "The same values for several sizes or variables."),
    ),
    "Conditions": (
        ("macs <= 300M", "Compare quantities, variables and input sizes with = != < <= > >=."),
        ("conv5.H >= 7", "Write a quantity of a layer or stage as LAYER.QUANTITY."),
        ("A and not B", "Combine conditions with and, or, not and parentheses."),
    ),
}


@click.command(cls=SpecCommand, sections=SECTIONS)
@spec_argument
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUES",
    help="Vary a variable or an attribute of a layer (conv1.k) over these values (repeatable).",
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="H=VALUES",
    help="Vary an input size (C, L, D, H, W or n0, n1, …; NAME.H of the input NAME) or the entire shape: "
    "3x64x64,3x96x96 (repeatable).",
)
@click.option(
    "--where",
    multiple=True,
    callback=single_value("join conditions with 'and'"),
    metavar="CONDITION",
    help="Keep only configurations that meet the condition.",
)
@click.option(
    "--sort",
    multiple=True,
    callback=joined_values,
    metavar="NAMES",
    help="Sort by quantities or settings in ascending order, or descending with a minus sign: -macs.",
)
@click.option("--top", type=PositiveInteger(), help="Keep the first N rows after sorting.")
@click.option(
    "--pareto",
    multiple=True,
    callback=joined_values,
    metavar="NAMES",
    help="Keep the Pareto front: the configurations for which no other is at least as good in all of these "
    'quantities and better in one. Quantities are minimised, or maximised after "max:": params,max:conv5.H.',
)
@click.option(
    "--columns",
    "--quantities",
    metavar="NAMES",
    default=DEFAULT,
    show_default=True,
    help="Quantities (see `archcalc formula --help`) and targets, such as conv5.macs, to compute.",
)
@click.option("--batch", type=PositiveInteger(), help="Number of examples.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@dtype_option
@training_options
@model_options
@layout_option
@ignore_option
@limit_options
@output_options("rich", "plain", "markdown", "csv", "json")
def command(spec: str, form: str | None, color: str, **values: Any) -> None:
    """Evaluate every combination of settings of a network.

    Impossible configurations are skipped; their number and the reasons are printed below the table.
    """
    from archcalc.query.conditions import read_condition
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_names, read_settings
    from archcalc.spec.locate import locate
    from archcalc.spec.syntax import names_in

    collect_garbage()
    limits = limits_from(values)
    varied = read_settings(values["settings"], values["shapes"], values["layout"], limits)
    if not varied.axes:
        hint = "give a range or a list: --set alpha=0.25:1:0.25 --shape H=W=128:512:32"
        fail("argument", "nothing varies", hint=hint, origin="sweep")
    names = _Names(varied.axes, read_names("--columns", values["columns"]))
    sort = names.keys("--sort", values["sort"])
    pareto = names.keys("--pareto", values["pareto"])
    where = None if values["where"] is None else read_condition("--where", values["where"])
    setup = setup_from(values)
    require_training(setup, [name.name for name in (*names.measured, *names_in(where))])
    located = LocatedSpec(*locate(spec, limits))
    given = with_model_options(varied.given, values)
    warn_as_written(located.source, given, limits, inline=located.inline, ignore=values["ignore"])
    query = ConfigurationQuery(
        located,
        names.measured,
        where,
        given,
        varied.fixed,
        varied.shapes,
        training=values["training"],
        batch=values["batch"],
        dtype=values["dtype"],
        setup=setup,
        limits=limits,
    )
    query.require_batches(varied.axes)
    form = default_format(form, color)
    run = _Run(query, varied.axes)
    if form not in ("csv", "json"):
        rows = _ranked(run, pareto, sort, values["top"] or TABLE_ROWS)
        shown = len(rows[0]) if rows else 0
        _table(rows, names.titles, len(varied.axes), run.notes(shown, pareto=bool(pareto)), form, color)
        return
    if sort or pareto or values["top"] is not None:
        rows = _ranked(run, pareto, sort, values["top"] or SORTED_ROWS)
        if values["top"] is None and not pareto and run.wanted > SORTED_ROWS:
            fail("limit", f"{run.wanted:,} rows are too many to sort", hint="add --top N", origin="--sort")
        _stream([] if rows is None else [rows], names.titles, form)
    else:
        _stream(run.blocks(), names.titles, form)
    click.echo("\n".join(run.notes(None, pareto=bool(pareto))), err=True)


class _Names:
    """The columns: the settings, and the quantities that are computed."""

    def __init__(self, axes: list[GridAxis], measured: list[Name]) -> None:
        self.axes = [axis.name for axis in axes]
        self.measured = list(dict.fromkeys(name for name in measured if name.name not in self.axes))

    @property
    def titles(self) -> list[str]:
        return [*self.axes, *(name.name for name in self.measured)]

    def keys(self, option: str, written: str | None) -> list[SortKey]:
        """Return the columns to rank by; missing ones are added."""
        from archcalc.query.ranking import SortKey
        from archcalc.query.settings import read_names

        if written is None:
            return []
        found = []
        for piece in written.split(","):
            text = piece.strip()
            descending = text.startswith(("-", "max:"))
            text = text.removeprefix("-").removeprefix("max:").removeprefix("min:").removeprefix("+").strip()
            column = next((index for index, joint in enumerate(self.axes) if text in (joint, *joint.split("="))), None)
            if column is None:
                (name,) = read_names(option, text)
                if name.name not in self.titles:
                    self.measured.append(name)
                column = self.titles.index(name.name)
            found.append(SortKey(column, descending))
        return found


class _Run:
    """A sweep, with the counts that are reported at its end."""

    def __init__(self, query: ConfigurationQuery, axes: list[GridAxis]) -> None:
        self.query = query
        self.axes = axes
        self.total = 0
        self.unwanted = 0
        self.wanted = 0
        self.impossible: Counter[Refusal] = Counter()
        self.examples: dict[Refusal, Example] = {}

    def blocks(self) -> Iterator[Columns]:
        """Yield the rows, block by block.

        Raises:
            SpecError: at the end, if no configuration at all has a requested target: its name is wrong.
        """
        from archcalc.query.sweep import sweep

        with progress(math.prod(len(axis.values) for axis in self.axes), "sweeping") as advance:
            for block in sweep(self.query.subject(), self.axes):
                self.count(block)
                advance(block.total)
                if block.columns is not None:
                    self.wanted += len(block.columns[0])
                    yield block.columns
        if self.query.absent is not None and self.total == self.impossible.total():
            raise self.query.absent

    def count(self, block: SweepBlock) -> None:
        self.total += block.total
        self.unwanted += block.unwanted
        for refusal, count in block.impossible.items():
            known = refusal in self.impossible or len(self.impossible) < MAX_COUNTED_REASONS
            self.impossible[refusal if known else refusal._replace(layer="", message="for other reasons")] += count
            if known:
                self.examples.setdefault(refusal, block.examples[refusal])

    def notes(self, shown: int | None, *, pareto: bool) -> list[str]:
        """Return the number of configurations, and why some are not in the table."""
        parts = [f"{self.impossible.total():,} impossible"] if self.impossible else []
        parts += [f"{self.unwanted:,} excluded by --where"] if self.unwanted else []
        if pareto and shown is not None:
            parts.append(f"{shown:,} on the Pareto front of {self.wanted:,}")
        elif shown is not None and shown < self.wanted:
            parts.append(f"{shown:,} of {self.wanted:,} shown")
        elif parts:
            parts.append(f"{self.wanted:,} remaining")
        found = [f"{count_text(self.total, 'configuration')}{': ' * bool(parts)}{', '.join(parts)}"]
        for refusal, count in self.impossible.most_common(MAX_REASONS):
            found.append(f"{count:,} impossible{reason_text(refusal, self.examples.get(refusal))}")
        if len(self.impossible) > MAX_REASONS:
            more = count_text(len(self.impossible) - MAX_REASONS, "more reason")
            found.append(f"and {more} for impossible configurations")
        return found


def _ranked(run: _Run, pareto: list[SortKey], sort: list[SortKey], most: int) -> Columns | None:
    """Return the best rows of a sweep, or its first; ``None`` if there is none.

    Raises:
        SpecError: a Pareto front that is too large.
    """
    from archcalc.query.ranking import BestRows, FirstRows, ParetoFront

    last = BestRows(most, sort) if sort else FirstRows(most)
    keeper: RowSelection = ParetoFront(pareto) if pareto else last
    try:
        for columns in run.blocks():
            keeper.add(columns)
    except OverflowError as error:
        fail("limit", str(error), hint="reduce the configurations with --where", origin="--pareto")
    if pareto and keeper.kept is not None:
        last.add(keeper.kept)
    return last.kept


def _stream(blocks: Iterable[Columns], titles: list[str], form: str) -> None:
    """Write rows as they are computed."""
    from archcalc.report.row_writer import RowWriter

    writer = RowWriter(sys.stdout.write, form, titles)
    for columns in blocks:
        writer.rows(_cells(columns))
    writer.close()


def _cells(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Yield rows for programs."""
    listed = [column.tolist() if column.dtype != object else _written(column) for column in columns]
    return zip(*listed, strict=True)


def _written(column: Any) -> list[Any]:
    """Return objects as texts, each distinct one converted once: the same few are in most rows."""
    known = {id(value): value for value in column}
    texts = {place: value_text(value) for place, value in known.items()}
    return [texts[id(value)] for value in column]


def _table(rows: Columns | None, titles: list[str], settings: int, notes: list[str], form: str, color: str) -> None:
    """Print rows for people, with settings as they are written on the command line."""
    cells = [] if rows is None else list(_cells(rows))
    shown = [(*map(str, row[:settings]), *row[settings:]) for row in cells]
    columns = tuple(Column(title, heading(title), "right") for title in titles)
    print_table(Table(columns, tuple(shown), notes=tuple(notes)), form, color)
