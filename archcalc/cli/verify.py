"""``archcalc verify``: the analysis against what the executor measures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.cli.execution import available_memory, memory_option
from archcalc.cli.options import (
    complete_spec,
    default_format,
    limits_from,
    output_options,
    pairs_from,
    print_table,
    spec_options,
    stdin_once,
)
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    from archcalc.verification.verify import Check

MOST_DIFFERENCES = 20
"""Differences of one check that are shown to people."""


class Outcome(NamedTuple):
    """What became of one network."""

    spec: str
    name: str
    checks: tuple[Check, ...]


@click.command()
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec)
@click.option("--only", metavar="NAMES", help="Checks, separated by commas (see above).")
@click.option("--exact", "whole", is_flag=True, help="Count one by one on the network as it is, however long it takes.")
@spec_options
@memory_option
@output_options()
def command(specs: tuple[str, ...], form: str | None, color: str, **values: Any) -> int:
    """Hold the analysis to measurement. Exit status 1 at any difference.

    \b
    shapes      shape and number format of every tensor of a run
    params      stored numbers, counted from the arrays that were used
    operations  by kind and layer, read from the operands inside the kernels
    exact       the same, counted one by one on numbers that count (on a reduced network unless it is small)
    rf          receptive fields, found by making input positions NaN
    folding     the folded network's outputs against the original ones
    memory      the memory of a run against the estimate
    """
    from archcalc.api import load
    from archcalc.verification.verify import verify

    stdin_once(specs)
    aspects = chosen(values["only"])
    limits = limits_from(values)
    settings = pairs_from(values.pop("settings"), "--set")
    shapes = pairs_from(values.pop("shapes"), "--shape", bare=True)
    networks = [(spec, load(spec, set=settings, shapes=shapes, limits=limits)) for spec in specs]
    available = values["max_memory"] or available_memory()
    outcomes = []
    with progress(len(networks) * len(aspects)) as advance:
        for spec, network in networks:
            checks = []
            advance(network.name, 0)
            for check in verify(network.graph, aspects, available=available, full_size=values["whole"]):
                checks.append(check)
                advance(network.name, 1)
            outcomes.append(Outcome(spec, network.name, tuple(checks)))
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.render import write_json

        click.echo(write_json([record(outcome) for outcome in outcomes]), nl=False)
    else:
        print_table(table(outcomes), form, color)
    return 0 if all(check.holds for outcome in outcomes for check in outcome.checks) else 1


def chosen(written: str | None) -> tuple[str, ...]:
    """The checks of ``--only a,b,c``; all of them without it.

    Raises:
        SpecError: an unknown name.
    """
    from archcalc.verification.verify import ASPECTS

    if written is None:
        return tuple(ASPECTS)
    names = written.lower().replace(",", " ").split()
    for name in names or [""]:
        if name not in ASPECTS:
            hint = suggest(name, ASPECTS, f"the checks are {', '.join(ASPECTS)}")
            fail("argument", f"no check '{name[:40]}'", hint=hint, origin="--only")
    return tuple(name for name in ASPECTS if name in names)


def table(outcomes: list[Outcome]) -> Table:
    """A row per check."""
    several = len(outcomes) > 1
    columns = [Column("network", "network", folds=True)] if several else []
    columns += [
        Column("check", "check"),
        Column("result", "result"),
        Column("compared", "compared", "right"),
        Column("differences", "apart", "right"),
        Column("detail", "how", folds=True),
        Column("seconds", "seconds", "right"),
    ]
    rows = []
    for outcome in outcomes:
        for check in outcome.checks:
            own = (outcome.spec,) if several else ()
            found = (len(check.differences), check.detail or None, f"{check.seconds:.1f}")
            rows.append((*own, check.aspect, result(check), check.compared, *found))
    return Table(
        tuple(columns),
        tuple(rows),
        title=f"{len(outcomes)} networks" if several else outcomes[0].name,
        notes=tuple(line for outcome in outcomes for line in notes(outcome, several=several)),
    )


def result(check: Check) -> str:
    """One word."""
    return ("ok" if check.compared else "-") if check.holds else "DIFFERS"


def notes(outcome: Outcome, *, several: bool) -> Iterator[str]:
    """The differences of a network."""
    prefix = f"{outcome.spec}: " if several else ""
    for check in outcome.checks:
        for each in check.differences[:MOST_DIFFERENCES]:
            yield f"{prefix}{each.layer}: {each.quantity}: analysis {each.claimed}, measured {each.measured}"
        if (more := len(check.differences) - MOST_DIFFERENCES) > 0:
            yield f"{prefix}and {more:,} more of {check.aspect}; --format json has all"


def record(outcome: Outcome) -> dict[str, Any]:
    """A network's checks, for programs."""
    return {
        "spec": outcome.spec,
        "name": outcome.name,
        "holds": all(check.holds for check in outcome.checks),
        "checks": [
            {
                "check": check.aspect,
                "holds": check.holds,
                "compared": check.compared,
                "differences": [each._asdict() for each in check.differences],
                "detail": check.detail,
                "seconds": round(check.seconds, 3),
            }
            for check in outcome.checks
        ],
    }


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str, int], None]]:
    """A function that moves a bar on: on standard error, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda name, done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=steps)
        yield lambda name, done: bar.update(task, description=name, advance=done)
