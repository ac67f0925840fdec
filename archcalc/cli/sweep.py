"""``archcalc sweep``: every combination of settings of a network, evaluated at once."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from archcalc.analysis.memory import DTYPES
from archcalc.cli.options import (
    SpecCommand,
    bound_options,
    default_format,
    limits_from,
    listed,
    once,
    output_options,
    print_table,
    spec_argument,
)
from archcalc.cli.varied import collect_garbage, progress, reason_text, value_text
from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.query.configurations import ConfigurationQuery
    from archcalc.query.grid import Axis
    from archcalc.query.ranking import Columns, Key, Selection
    from archcalc.query.sweep import Example, Refusal, SweepBlock
    from archcalc.spec.syntax import Name

DEFAULT = "params,macs"
TABLE_ROWS = 1_000
"""Rows of a table for people, unless ``--top`` asks for more."""
SORTED_ROWS = 1_000_000
"""Rows that are sorted without ``--top``."""
MOST_REASONS = 5
"""Reasons that are told."""
MOST_REFUSALS = 10_000
"""Reasons that are counted apart."""

EPILOG = """\b
VALUES are a range start:stop:step (the end included), a list of values and ranges, or one value:
  --set alpha=0.25:1:0.05   --set rho=6/7,1   --set act=relu,gelu   --shape H=W=128:512:32
A condition compares quantities (macs, LAYER.params, LAYER.H), variables and sizes of inputs:
  --where "macs <= 300M and params < 3M and not head.C = 10"
"""


@click.command(cls=SpecCommand, epilog=EPILOG)
@spec_argument
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUES",
    help="Set a variable, or an attribute of a layer (conv1.k), to each of the values (repeatable).",
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="H=VALUES",
    help="Input sizes: H, W, C, L, D; H=W=VALUES for both at once, prior.H of another input; or whole shapes, "
    "3x64x64,3x96x96 (repeatable).",
)
@click.option(
    "--where",
    multiple=True,
    callback=once("join conditions with 'and'"),
    metavar="CONDITION",
    help="Only configurations that meet it.",
)
@click.option(
    "--sort",
    multiple=True,
    callback=listed,
    metavar="NAMES",
    help="Order by quantities or variables; -macs: the largest first.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="Only the first N (the best, with --sort).")
@click.option(
    "--pareto",
    multiple=True,
    callback=listed,
    metavar="NAMES",
    help="Only what nothing else beats in all of them: params,max:conv5.H.",
)
@click.option(
    "--columns", "--quantities", metavar="NAMES", default=DEFAULT, show_default=True, help="What is worked out."
)
@click.option("--layout", type=click.Choice(["chw", "hwc"]), help="How --shape is read.  [default: the spec's]")
@click.option("--training", is_flag=True, help="Count auxiliary heads, too.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="For memory.")
@bound_options
@output_options("rich", "plain", "markdown", "csv", "json")
def command(spec: str, form: str | None, color: str, **values: Any) -> None:
    """Every combination of settings of a network, evaluated at once; impossible ones are counted with the reason."""
    from archcalc.query.conditions import read_condition
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_names, read_settings
    from archcalc.spec.locate import locate

    collect_garbage()
    limits = limits_from(values)
    varied = read_settings(values["settings"], values["shapes"], values["layout"], limits)
    if not varied.axes:
        hint = "give a range or a list: --set alpha=0.25:1:0.25 --shape H=W=128:512:32"
        fail("argument", "nothing varies: there is one configuration only", hint=hint, origin="sweep")
    names = _Names(varied.axes, read_names("--columns", values["columns"]))
    sort = names.keys("--sort", values["sort"])
    pareto = names.keys("--pareto", values["pareto"])
    question = ConfigurationQuery(
        LocatedSpec(*locate(spec, limits)),
        names.measured,
        None if values["where"] is None else read_condition("--where", values["where"]),
        varied.given,
        varied.fixed,
        varied.shapes,
        values["training"],
        values["dtype"],
        limits,
    )
    form = default_format(form, color)
    run = _Run(question, varied.axes)
    if form not in ("csv", "json"):
        rows = _ranked(run, pareto, sort, values["top"] or TABLE_ROWS)
        shown = len(rows[0]) if rows else 0
        _table(rows, names.titles, len(varied.axes), run.notes(shown, pareto=bool(pareto)), form, color)
        return
    if sort or pareto or values["top"] is not None:
        rows = _ranked(run, pareto, sort, values["top"] or SORTED_ROWS)
        if values["top"] is None and not pareto and run.wanted > SORTED_ROWS:
            fail("limit", f"{run.wanted:,} rows are too many to be sorted", hint="add --top N", origin="--sort")
        _stream([] if rows is None else [rows], names.titles, form)
    else:
        _stream(run.blocks(), names.titles, form)
    click.echo("\n".join(run.notes(None, pareto=bool(pareto))), err=True)


class _Names:
    """The columns: what is varied, and what is measured."""

    def __init__(self, axes: list[Axis], measured: list[Name]) -> None:
        self.axes = [axis.name for axis in axes]
        self.measured = list(dict.fromkeys(name for name in measured if name.name not in self.axes))

    @property
    def titles(self) -> list[str]:
        return [*self.axes, *(name.name for name in self.measured)]

    def keys(self, option: str, written: str | None) -> list[Key]:
        """What to rank by: columns, which are added where they are missing."""
        from archcalc.query.ranking import Key
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
            found.append(Key(column, descending))
        return found


class _Run:
    """A sweep and what is to be said of it in the end."""

    def __init__(self, question: ConfigurationQuery, axes: list[Axis]) -> None:
        self.question = question
        self.axes = axes
        self.total = 0
        self.unwanted = 0
        self.wanted = 0
        self.impossible: Counter[Refusal] = Counter()
        self.examples: dict[Refusal, Example] = {}

    def blocks(self) -> Iterator[Columns]:
        """The rows, block by block.

        Raises:
            SpecError: in the end, where no network at all has what was asked for: its name is wrong.
        """
        from archcalc.query.sweep import sweep

        with progress(math.prod(len(axis.values) for axis in self.axes), "sweeping") as advance:
            for block in sweep(self.question.subject(), self.axes):
                self.count(block)
                advance(block.total)
                if block.columns is not None:
                    self.wanted += len(block.columns[0])
                    yield block.columns
        if self.question.absent is not None and self.total == self.impossible.total():
            raise self.question.absent

    def count(self, block: SweepBlock) -> None:
        self.total += block.total
        self.unwanted += block.unwanted
        for refusal, count in block.impossible.items():
            known = refusal in self.impossible or len(self.impossible) < MOST_REFUSALS
            self.impossible[refusal if known else refusal._replace(layer="", message="other reasons")] += count
            if known:
                self.examples.setdefault(refusal, block.examples[refusal])

    def notes(self, shown: int | None, *, pareto: bool) -> list[str]:
        """How many configurations there were, and why not more."""
        left = f"{self.wanted:,} left"
        parts = [f"{self.impossible.total():,} impossible" if self.impossible else ""]
        parts += [f"{self.unwanted:,} not wanted (--where)" if self.unwanted else ""]
        if pareto:
            left += "" if shown is None else f", {shown:,} of them beaten by none"
        elif shown is not None and shown < self.wanted:
            left += f", of which {shown:,} shown"
        if not any(parts) and left == f"{self.wanted:,} left":
            return [f"{self.total:,} configurations"]
        found = [f"{self.total:,} configurations: {', '.join(filter(None, [*parts, left]))}"]
        for refusal, count in self.impossible.most_common(MOST_REASONS):
            found.append(f"{count:,} impossible{reason_text(refusal, self.examples.get(refusal))}")
        if len(self.impossible) > MOST_REASONS:
            found.append(f"and {len(self.impossible) - MOST_REASONS:,} more reasons")
        return found


def _ranked(run: _Run, pareto: list[Key], sort: list[Key], most: int) -> Columns | None:
    """The best rows of a sweep, or its first; ``None`` where there is none.

    Raises:
        SpecError: a Pareto front that is too wide.
    """
    from archcalc.query.ranking import Best, First, Front

    last = Best(most, sort) if sort else First(most)
    keeper: Selection = Front(pareto) if pareto else last
    try:
        for columns in run.blocks():
            keeper.add(columns)
    except OverflowError as error:
        fail("limit", str(error), hint="--where may leave fewer", origin="--pareto")
    if pareto and keeper.kept is not None:
        last.add(keeper.kept)
    return last.kept


def _stream(blocks: Iterable[Columns], titles: list[str], form: str) -> None:
    """Write rows as they come."""
    from archcalc.report.rows import RowWriter

    writer = RowWriter(sys.stdout.write, form, titles)
    for columns in blocks:
        writer.rows(_cells(columns))
    writer.close()


def _cells(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Rows for programs."""
    listed = [column.tolist() if column.dtype != object else _written(column) for column in columns]
    return zip(*listed, strict=True)


def _written(column: Any) -> list[Any]:
    """Objects as cells show them; the same few stand in most rows."""
    known = {id(value): value for value in column}
    texts = {place: value_text(value) for place, value in known.items()}
    return [texts[id(value)] for value in column]


def _table(rows: Columns | None, titles: list[str], settings: int, notes: list[str], form: str, color: str) -> None:
    """Write rows for people: numbers of settings are written as settings are."""
    cells = [] if rows is None else list(_cells(rows))
    shown = [(*map(str, row[:settings]), *row[settings:]) for row in cells]
    columns = tuple(Column(title, heading(title), "right") for title in titles)
    print_table(Table(columns, tuple(shown), notes=tuple(notes)), form, color)
