"""``archcalc solve``: the values of a setting that meet a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archcalc.analysis.memory import DTYPES
from archcalc.cli.options import (
    Definitions,
    SpecCommand,
    default_format,
    limits_from,
    output_options,
    print_table,
    single_value,
    spec_argument,
    spec_options,
)
from archcalc.cli.variation import collect_garbage, reason_text, value_text
from archcalc.query.quantities import heading
from archcalc.report.table import Column, Table, human
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.query.configurations import ConfigurationQuery
    from archcalc.query.grid import GridAxis
    from archcalc.query.solve import Solution
    from archcalc.spec.syntax import Name

MAX_INTERVALS = 40
"""Intervals that are listed in a table."""

SECTIONS: dict[str, Definitions] = {
    "Settings": (
        ("alpha", "A variable."),
        ("H, W, H=W", "A size of the input, or several at once."),
        ("conv1.p", "An attribute of a layer."),
        ("alpha=0.25:2:0.01", "The values to try: a range START:STOP:STEP, or a list."),
    ),
    "Examples": (
        ("--vary alpha", '--target "macs = 300M"'),
        ("--vary H=W", '--target "macs <= 4G and conv5_x.H >= 7"'),
        ("--vary conv1.p", '--target "conv1.shape = 64x32x32"'),
    ),
}


@click.command(cls=SpecCommand, sections=SECTIONS)
@spec_argument
@click.option(
    "--vary",
    required=True,
    multiple=True,
    callback=single_value("solve varies one setting; use sweep for several"),
    metavar="NAME[=VALUES]",
    help="The setting to find.  [default values: chosen by its kind]",
)
@click.option(
    "--target",
    required=True,
    multiple=True,
    callback=single_value("join conditions with 'and'"),
    metavar="CONDITION",
    help="The condition to meet, as in sweep --where.",
)
@click.option("--columns", metavar="NAMES", help="Further quantities to print.")
@spec_options
@click.option("--layout", type=click.Choice(["chw", "hwc"]), help="Axis order of --shape.  [default: that of the spec]")
@click.option("--training", is_flag=True, help="Include training heads.")
@click.option(
    "--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Number format of memory."
)
@output_options("rich", "plain", "markdown", "csv", "json")
def command(spec: str, form: str | None, color: str, **values: Any) -> int:
    """Find all values of a setting that meet a condition, printed as intervals.

    Exit status: 0 if there is a solution; 1 if there is none; the nearest value is then printed.
    """
    from archcalc.query.conditions import read_condition
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_names, read_settings
    from archcalc.query.solve import solve
    from archcalc.spec.locate import locate
    from archcalc.spec.syntax import names_in

    collect_garbage()
    limits = limits_from(values)
    fixed = read_settings(values["settings"], values["shapes"], values["layout"], limits)
    if fixed.axes:
        fail("argument", "solve varies only the setting of --vary", origin=f"--set {fixed.axes[0].name}")
    condition = read_condition("--target", values["target"])
    further = [] if values["columns"] is None else read_names("--columns", values["columns"])
    question = ConfigurationQuery(
        LocatedSpec(*locate(spec, limits)),
        [],
        given=fixed.given,
        fixed=fixed.fixed,
        training=values["training"],
        dtype=values["dtype"],
        limits=limits,
    )
    axis = read_axis(question, values["vary"])
    wanted = {name.name: name for name in (*names_in(condition), *further)}
    question.names = [name for text, name in wanted.items() if text not in axis.name.split("=") and measurable(name)]
    solution = solve(question, axis, condition)
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.render import write_json

        click.echo(write_json(record(solution, axis, question, values["target"])), nl=False)
    else:
        print_table(table(solution, axis, question, values["target"], programs=form == "csv"), form, color)
        if form == "csv" and not solution.intervals:
            click.echo("\n".join(notes(solution, axis, question, values["target"])), err=True)
    return 0 if solution.intervals else 1


def measurable(name: Name) -> bool:
    """Return whether a name in a condition is that of a quantity or setting, not a word to compare with."""
    from archcalc.spec.calls import argument_words
    from archcalc.spec.numerals import GLOBAL

    return "." in name.name or name.name not in (GLOBAL, *argument_words())


def read_axis(question: ConfigurationQuery, written: str) -> GridAxis:
    """Return the setting that varies, with its values.

    Raises:
        SpecError: it cannot be read, or its values have to be given.
    """
    from archcalc.query.grid import GridAxis
    from archcalc.query.solve import MAX_VALUES, default_values
    from archcalc.query.sweep import Refused
    from archcalc.spec.ranges import read_values

    parts = [part.strip() for part in written.split("=")]
    origin = f"--vary {written[:40]}"
    with_values = len(parts) > 1 and (not parts[-1][:1].isalpha() or "," in parts[-1])  # else one more name: H=W
    name = "=".join(parts[:-1] if with_values else parts)
    if not all(parts):
        raise click.UsageError(f"--vary must be NAME or NAME=VALUES, got '{written[:60]}'")
    if with_values:
        given = read_values(f"--vary {name}", parts[-1], question.limits)
        if len(given) > MAX_VALUES:
            fail("limit", f"more than {MAX_VALUES:,} values", origin=origin)
        return GridAxis(name, given)
    try:
        values = default_values(question, name)
    except Refused as refused:
        fail("shape", str(refused), hint=f"give the values to try: --vary {name}=1:100", origin=origin)
    if values is None:
        fail(
            "argument", f"'{name}' is not a number", hint=f"give the values to try: --vary {name}=1:100", origin=origin
        )
    return GridAxis(name, values)


def table(solution: Solution, axis: GridAxis, question: ConfigurationQuery, target: str, *, programs: bool) -> Table:
    """Return the intervals of solutions, or else the nearest value, with the quantities at both ends."""
    titles = [name.name for name in question.names]
    rows: list[tuple[Any, ...]] = []
    if programs:
        columns = [Column("first", ""), Column("last", ""), Column("count", "")]
        columns += [Column(f"{title} {end}", "") for title in titles for end in ("first", "last")]
        for first, last, count in solution.intervals:
            both = [value_text(end) for pair in zip(first.measured, last.measured, strict=True) for end in pair]
            rows.append((value_text(first.value), value_text(last.value), count, *both))
        return Table(tuple(columns), tuple(rows))
    columns = [Column(axis.name, axis.name)]
    columns += [Column(title, heading(title), "right") for title in titles]
    shown = solution.intervals[:MAX_INTERVALS]
    for first, last, _ in shown:
        ends = (between(a, b) for a, b in zip(first.measured, last.measured, strict=True))
        rows.append((between(first.value, last.value, plain=True), *ends))
    if solution.nearest is not None:
        near = solution.nearest
        rows.append((str(value_text(near.value)), *(human(value_text(each)) for each in near.measured)))
    return Table(tuple(columns), tuple(rows), notes=tuple(notes(solution, axis, question, target)))


def between(first: Any, last: Any, *, plain: bool = False) -> str:
    """Return both ends of an interval as text, or one if they are equal."""
    write = str if plain else human
    ends = write(value_text(first)), write(value_text(last))
    return ends[0] if first == last else " … ".join(ends)


def notes(solution: Solution, axis: GridAxis, question: ConfigurationQuery, target: str) -> list[str]:
    """Return how many values were tried, and the result."""
    values = axis.values
    if isinstance(values, tuple) or len(values) == 1:
        tried = f"{len(values):,} values of {axis.name}"
    else:
        first, step, last = map(value_text, (values[0], values[1] - values[0], values[-1]))
        tried = f"{len(values):,} values of {axis.name} from {first} to {last} in steps of {step}"
    found = []
    if solution.intervals:
        count = sum(interval.values for interval in solution.intervals)
        each = [point for interval in solution.intervals for point in (interval.first, interval.last)]
        ends = [point.value for point in each]
        if not isinstance(ends[0], str):
            least, largest = value_text(min(ends)), value_text(max(ends))
            found.append(f"largest solution: {largest}" + (f"; smallest: {least}" if count > 1 else ""))
        found.append(f"{count:,} of {tried} meet the condition" if count != 1 else f"1 of {tried} meets the condition")
        if len(solution.intervals) > MAX_INTERVALS:
            found.append(f"only the first {MAX_INTERVALS} of {len(solution.intervals):,} intervals are shown")
    else:
        found.append(f"none of {tried} meets {target}" + ("; the nearest is shown" if solution.nearest else ""))
        for name, extremes in zip(question.names, solution.extremes, strict=True):
            if extremes is not None:
                found.append(f"{name.name} ranges from {human(extremes[0])} to {human(extremes[1])}")
    if solution.impossible:
        refusal, _ = solution.impossible.most_common(1)[0]
        reason = reason_text(refusal, solution.examples.get(refusal))
        found.append(f"{solution.impossible.total():,} impossible{reason}")
    return found


def record(solution: Solution, axis: GridAxis, question: ConfigurationQuery, target: str) -> dict[str, Any]:
    """Return the solution as a JSON record."""
    titles = [name.name for name in question.names]

    def point(value: Any, measured: tuple[Any, ...]) -> dict[str, Any]:
        return {axis.name: value_text(value), **dict(zip(titles, map(value_text, measured), strict=True))}

    return {
        "vary": axis.name,
        "target": target,
        "tried": solution.tried,
        "impossible": solution.impossible.total(),
        "solutions": [
            {"first": point(*first), "last": point(*last), "count": count} for first, last, count in solution.intervals
        ],
        "nearest": None if solution.nearest is None else point(*solution.nearest),
    }
