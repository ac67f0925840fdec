"""``archcalc solve``: the values of settings that meet a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from archcalc.arrays.texts import count_text
from archcalc.cli.commands import Definitions, SpecCommand
from archcalc.cli.options import (
    PositiveInteger,
    giving_values,
    limits_from,
    single_value,
    spec_argument,
    spec_options,
    with_model_options,
)
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.cli.sweep_output import collect_garbage, reason_text, value_text
from archcalc.cli.training_options import dtype_option, require_training, setup_from, training_options
from archcalc.cli.warnings import warn_as_written
from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table, cell_text
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.query.configurations import ConfigurationQuery
    from archcalc.query.grid import GridAxis
    from archcalc.query.solve import Sample, Solution

MAX_INTERVALS = 40
"""Intervals that are listed in a table."""

SECTIONS: dict[str, Definitions] = {
    "Settings": (
        ("alpha", "A variable."),
        ("H, W, H=W", "A size of the input, or several at once."),
        ("conv1.p", "An attribute of a layer."),
        ("batch", "The number of examples, unless the spec has a variable of this name."),
        ("alpha=0.25:2:0.01", "The values to try: a range START:STOP:STEP, or a list."),
    ),
    "Examples": (
        ("--vary alpha", '--target "macs = 300M"'),
        ("--vary H=W", '--target "macs <= 4G and conv5_x.H >= 7"'),
        ("--vary conv1.p", '--target "conv1.shape = 64x32x32"'),
        ("--vary conv1.k=1:11 --vary conv1.p=0:5", '--target "conv1.shape = 64x32x32"'),
        ("--vary batch", '--target "training_memory <= 24GiB"'),
    ),
}


@click.command(cls=SpecCommand, sections=SECTIONS)
@spec_argument
@click.option(
    "--vary",
    required=True,
    multiple=True,
    metavar="NAME[=VALUES]",
    help="The setting to find (repeatable: all combinations are tried).  [default values: chosen by its kind]",
)
@click.option(
    "--target",
    required=True,
    multiple=True,
    callback=single_value("join conditions with 'and'"),
    metavar="CONDITION",
    help="The condition to meet, as for `sweep --where`.",
)
@click.option("--columns", metavar="NAMES", help="Additional quantities to print.")
@spec_options
@click.option("--batch", type=PositiveInteger(), help="Number of examples.")
@click.option("--training", is_flag=True, help="Include training heads (auxiliary classifiers).")
@dtype_option
@training_options
@output_options("rich", "plain", "markdown", "csv", "json")
def command(spec: str, form: str | None, color: str, **values: Any) -> int:
    """Find all values of a setting, or combinations of several settings, that meet a condition.

    Solutions are printed as intervals; if there is none, the nearest value is printed.

    Exit status: 0 if there is a solution, 1 if there is none.
    """
    from archcalc.query.conditions import read_condition
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_names, read_settings
    from archcalc.query.solve import names_to_measure, read_axes, solve, split_names
    from archcalc.spec.locate import locate

    collect_garbage()
    limits = limits_from(values)
    fixed = read_settings(values["settings"], values["shapes"], values["layout"], limits)
    if fixed.axes:
        fail("argument", "solve varies only the settings of --vary", origin=f"--set {fixed.axes[0].name}")
    condition = read_condition("--target", values["target"])
    further = [] if values["columns"] is None else read_names("--columns", values["columns"])
    located = LocatedSpec(*locate(spec, limits))
    varied = [name for text in values["vary"] for name in split_names(text)[0]]
    given = with_model_options(fixed.given, values)
    given = given._replace(later=(*given.later, *varied))
    warn_as_written(located.source, given, limits, inline=located.inline, ignore=values["ignore"])
    query = ConfigurationQuery(
        located,
        [],
        given=given,
        fixed=fixed.fixed,
        training=values["training"],
        batch=values["batch"],
        dtype=values["dtype"],
        setup=setup_from(values),
        limits=limits,
    )
    with giving_values(lambda name: give_values(name, values["vary"])):
        axes = read_axes(query, values["vary"])
    query.names = names_to_measure(axes, condition, further)
    require_training(query.setup, [name.name for name in query.names])
    solution = solve(query, axes, condition)
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json(record(solution, axes, query, values["target"])), nl=False)
    else:
        print_table(table(solution, axes, query, values["target"], programs=form == "csv"), form, color)
        if form == "csv" and not solution.intervals:
            click.echo("\n".join(notes(solution, axes, query, values["target"])), err=True)
    return 0 if solution.intervals else 1


def give_values(name: str, varied: Sequence[str]) -> str:
    """Return the hint for a name without a value."""
    for written in varied:
        if name in written.split("="):
            return f"give the values to try: --vary {written}=1:200"
    return f"give it a value: --set {name}=…"


def table(
    solution: Solution, axes: Sequence[GridAxis], query: ConfigurationQuery, target: str, *, programs: bool
) -> Table:
    """Return the intervals of solutions, or else the nearest value, with the quantities at both ends."""
    titles = [name.name for name in query.names]
    rows: list[tuple[Any, ...]] = []
    if programs:
        columns = [Column(axis.name, "") for axis in axes[:-1]]
        columns += [Column("first", ""), Column("last", ""), Column("count", "")]
        columns += [Column(f"{title} {end}", "") for title in titles for end in ("first", "last")]
        for first, last, count in solution.intervals:
            both = [value_text(end) for pair in zip(first.measured, last.measured, strict=True) for end in pair]
            rows.append((*map(value_text, first.values), value_text(last.values[-1]), count, *both))
        return Table(tuple(columns), tuple(rows))
    columns = [Column(axis.name, axis.name) for axis in axes]
    columns += [Column(title, heading(title), "right") for title in titles]
    shown = solution.intervals[:MAX_INTERVALS]
    for first, last, _ in shown:
        settings = [between(a, b, plain=True) for a, b in zip(first.values, last.values, strict=True)]
        ends = (between(a, b) for a, b in zip(first.measured, last.measured, strict=True))
        rows.append((*settings, *ends))
    if solution.nearest is not None:
        near = solution.nearest
        rows.append(
            (*(str(value_text(each)) for each in near.values), *(cell_text(value_text(m)) for m in near.measured))
        )
    return Table(tuple(columns), tuple(rows), notes=tuple(notes(solution, axes, query, target)))


def between(first: Any, last: Any, *, plain: bool = False) -> str:
    """Return both ends of an interval as text, or one if they are equal."""
    write = str if plain else cell_text
    ends = write(value_text(first)), write(value_text(last))
    return ends[0] if first == last else " … ".join(ends)


def values_tried(axis: GridAxis) -> str:
    """Return the values of a setting in words."""
    values = axis.values
    if isinstance(values, tuple) or len(values) == 1:
        return f"{count_text(len(values), 'value')} of {axis.name}"
    first, step, last = map(value_text, (values[0], values[1] - values[0], values[-1]))
    return f"{len(values):,} values of {axis.name} from {first} to {last} in steps of {step}"


def notes(solution: Solution, axes: Sequence[GridAxis], query: ConfigurationQuery, target: str) -> list[str]:
    """Return how many values were tried, and the result."""
    tried = " and ".join(map(values_tried, axes))
    if len(axes) > 1:
        tried = f"{solution.tried:,} combinations of {tried}"
    only = "the only combination" if len(axes) > 1 else f"the only value of {axes[0].name}"
    found = []
    if solution.intervals:
        count = sum(interval.number for interval in solution.intervals)
        ends = [point.values[0] for interval in solution.intervals for point in (interval.first, interval.last)]
        if len(axes) == 1 and not isinstance(ends[0], str):
            least, largest = value_text(min(ends)), value_text(max(ends))
            found.append(f"largest solution: {largest}" + (f"; smallest: {least}" if count > 1 else ""))
        if solution.tried == 1:
            found.append(f"{only} meets the condition")
        else:
            found.append(f"{count:,} of {tried} {'meets' if count == 1 else 'meet'} the condition")
        if len(solution.intervals) > MAX_INTERVALS:
            found.append(f"only the first {MAX_INTERVALS} of {len(solution.intervals):,} intervals are shown")
    else:
        none = f"{only} does not meet" if solution.tried == 1 else f"none of {tried} meets"
        found.append(f"{none} {target}" + ("; the nearest is shown" if solution.nearest else ""))
        for name, extremes in zip(query.names, solution.extremes, strict=True):
            if extremes is not None and extremes[0] != extremes[1]:
                found.append(f"{name.name} ranges from {cell_text(extremes[0])} to {cell_text(extremes[1])}")
    if solution.impossible:
        refusal, _ = solution.impossible.most_common(1)[0]
        reason = reason_text(refusal, solution.examples.get(refusal))
        found.append(f"{solution.impossible.total():,} impossible{reason}")
    return found


def record(solution: Solution, axes: Sequence[GridAxis], query: ConfigurationQuery, target: str) -> dict[str, Any]:
    """Return the solution as a JSON record."""
    names = [axis.name for axis in axes]
    titles = [name.name for name in query.names]

    def point(sample: Sample) -> dict[str, Any]:
        settings = zip(names, map(value_text, sample.values), strict=True)
        return {**dict(settings), **dict(zip(titles, map(value_text, sample.measured), strict=True))}

    return {
        "vary": names[0] if len(names) == 1 else names,
        "target": target,
        "tried": solution.tried,
        "impossible": solution.impossible.total(),
        "solutions": [
            {"first": point(each.first), "last": point(each.last), "count": each.number} for each in solution.intervals
        ],
        "nearest": None if solution.nearest is None else point(solution.nearest),
    }
