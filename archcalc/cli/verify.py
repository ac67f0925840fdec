"""``archcalc verify``: compare the analysis with what the executor measures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.arrays.texts import count_text
from archcalc.cli.commands import VerbCommand
from archcalc.cli.execution import available_memory, memory_option
from archcalc.cli.options import complete_spec, given_from, limits_from, spec_options, stdin_once
from archcalc.cli.output import default_format, output_options, print_table
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    from archcalc.verification.verify import Check

MAX_DIFFERENCES = 20
"""Differences of one check that are listed below a table."""


class VerifiedNetwork(NamedTuple):
    """The checks of a network."""

    spec: str
    name: str
    checks: tuple[Check, ...]


CHECKS = (
    ("shapes", "Shape and number format of every tensor of a run."),
    ("params", "Parameters, counted in the arrays that a run reads."),
    ("operations", "Operations by kind and layer, counted during a run."),
    ("exact", "Operations, counted one by one in plain loops."),
    ("rf", "Receptive fields, found by setting input positions to NaN."),
    ("folding", "Outputs of the folded network, compared with those of the original."),
    ("memory", "Memory of a run, compared with the estimate."),
)


@click.command(cls=VerbCommand, sections={"Checks": CHECKS})
@click.argument("specs", nargs=-1, required=True, shell_complete=complete_spec)
@click.option("--only", metavar="NAMES", help="Run these checks only, separated by commas.")
@click.option(
    "--full-size",
    "--exact",
    "full_size",
    is_flag=True,
    help="Do not reduce large networks for the checks other than 'rf' and 'folding', however long they take.",
)
@spec_options
@memory_option
@output_options()
def command(specs: tuple[str, ...], form: str | None, color: str, **values: Any) -> int:
    """Run networks, and compare the analysis with what is measured.

    Exit status: 0 if no check finds a difference, 1 if one does, 2 if a network cannot be read.
    """
    from archcalc.api import Network
    from archcalc.cli.warnings import warn
    from archcalc.spec import read_spec
    from archcalc.spec.locate import locate
    from archcalc.verification.verify import verify

    stdin_once(specs)
    aspects = chosen_checks(values["only"])
    limits = limits_from(values)
    given = given_from(values)
    networks = []
    for spec in specs:
        source, inline = locate(spec, limits)
        networks.append((spec, Network(read_spec(source, given.applied_to(source), inline=inline, limits=limits))))
    for _, network in networks:
        warn(network.spec, values["ignore"])
    available = values["max_memory"] or available_memory()
    outcomes = []
    with progress(len(networks) * len(aspects)) as advance:
        for spec, network in networks:
            checks = []
            advance(network.name, 0)
            weights = network.arrays("float32")
            found = verify(network.graph, aspects, weights=weights, available=available, full_size=values["full_size"])
            for check in found:
                checks.append(check)
                advance(network.name, 1)
            outcomes.append(VerifiedNetwork(spec, network.name, tuple(checks)))
    form = default_format(form, color)
    if form == "json":
        from archcalc.report.json_text import write_json

        click.echo(write_json([record(outcome) for outcome in outcomes]), nl=False)
    else:
        print_table(table(outcomes), form, color)
    return 0 if all(check.holds for outcome in outcomes for check in outcome.checks) else 1


def chosen_checks(written: str | None) -> tuple[str, ...]:
    """Return the checks of ``--only a,b,c``, or all of them without it.

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


def table(outcomes: list[VerifiedNetwork]) -> Table:
    """Return the table of all checks, one per row."""
    several = len(outcomes) > 1
    columns = [Column("network", "network", folds=True)] if several else []
    columns += [
        Column("check", "check"),
        Column("result", "result"),
        Column("compared", "compared", "right"),
        Column("differences", "differences", "right"),
        Column("detail", "details", folds=True),
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
        title=f"{len(outcomes):,} networks" if several else outcomes[0].name,
        notes=tuple(line for outcome in outcomes for line in notes(outcome, several=several)),
    )


def result(check: Check) -> str:
    """Return the result of a check in one word; ``-`` if there was nothing to compare."""
    return ("ok" if check.compared else "-") if check.holds else "DIFFERS"


def notes(outcome: VerifiedNetwork, *, several: bool) -> Iterator[str]:
    """Yield the differences of a network, one per line."""
    prefix = f"{outcome.spec}: " if several else ""
    for check in outcome.checks:
        for each in check.differences[:MAX_DIFFERENCES]:
            yield f"{prefix}{each.layer}: {each.quantity}: analysis {each.claimed}, measured {each.measured}"
        if (more := len(check.differences) - MAX_DIFFERENCES) > 0:
            yield f"{prefix}and {count_text(more, 'more difference')} in {check.aspect}; --format json lists them all"


def record(outcome: VerifiedNetwork) -> dict[str, Any]:
    """Return the checks of a network as a JSON record."""
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
    """Yield a function that advances a progress bar on standard error, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda name, done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("verifying", total=steps)
        yield lambda name, done: bar.update(task, description=name, advance=done)
