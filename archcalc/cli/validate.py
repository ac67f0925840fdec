"""``archcalc validate``: for CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import click

from archcalc.cli.options import limits_from, pairs_from, spec_options, stdin_once, wants_color
from archcalc.spec.errors import Problem, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.locate import SUFFIXES, is_inline

MANY = 20
"""Specs that take long enough for a progress bar."""


class Outcome(NamedTuple):
    """What became of one spec."""

    name: str
    status: int
    """0 all well, 1 an expectation failed, 2 it cannot be read."""
    expectations: int
    problems: tuple[Problem, ...]


@click.command()
@click.argument("paths", nargs=-1, required=True)
@spec_options
@click.option("--quiet", "-q", is_flag=True, help="Only failures and the summary.")
@click.option(
    "--format", "form", type=click.Choice(["plain", "json"]), default="plain", show_default=True, help="Output format."
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour.")
def command(paths: tuple[str, ...], quiet: bool, form: str, color: str, **values: Any) -> int:
    """Do specs parse, fit together, and meet their expectations?

    PATHS are files, folders (every .yaml, .yml and .json below, but for hidden ones), bundled names or '-'. Exit
    status: 0 all well, 1 an expectation failed, 2 a spec cannot be read.
    """
    stdin_once(paths)
    limits = limits_from(values)
    settings = pairs_from(values.pop("settings"), "--set")
    shapes = pairs_from(values.pop("shapes"), "--shape", bare=True)
    outcomes = []
    listed = [(path, spec) for path in paths for spec in expand(path)]
    seen = form == "plain" and not quiet and sys.stdout.isatty()  # a line for each spec shows how far it is
    for path, spec in listed if seen else watched(listed):
        outcome = judge(spec, settings, shapes, limits) if spec else empty_folder(path)
        outcomes.append(outcome)
        if form == "plain":
            show(outcome, quiet=quiet, color=wants_color(color))
    if form == "json":
        from archcalc.report.render import write_json

        click.echo(write_json([record(outcome) for outcome in outcomes]), nl=False)
    else:
        click.echo(summary(outcomes))
    return max(outcome.status for outcome in outcomes)


def expand(path: str) -> list[str]:
    """The specs of one argument; those of a folder in order, or an empty name if it has none."""
    if path == "-" or is_inline(path) or not os.path.isdir(path):
        return [path]
    found = []
    for folder, below, files in os.walk(path):
        below[:] = [name for name in below if not name.startswith(".")]
        names = [name for name in files if name.lower().endswith(SUFFIXES) and not name.startswith(".")]
        found += [os.path.join(folder, name) for name in names]
    return sorted(file for file in found if os.path.isfile(file) or not os.path.exists(file)) or [""]  # no pipes


def watched(listed: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The specs, with a progress bar on standard error if that is a terminal and they are many."""
    if len(listed) < MANY or not sys.stderr.isatty():
        return listed
    from rich.console import Console
    from rich.progress import Progress

    def advancing() -> Iterator[tuple[str, str]]:
        with Progress(
            console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(), redirect_stderr=False
        ) as progress:
            yield from progress.track(listed, description="validating")

    return advancing()


def empty_folder(path: str) -> Outcome:
    """A folder without specs: most likely not the one that was meant."""
    return Outcome(path, 2, 0, (Problem("not-found", "no .yaml, .yml or .json file in this folder", origin=path),))


def judge(spec: str, settings: dict[str, str], shapes: dict[str, str], limits: Limits) -> Outcome:
    """Read one spec and judge its expectations."""
    from archcalc.analysis.propagate import analyze
    from archcalc.claims.judge import judge_each
    from archcalc.spec import Given, load_spec

    try:
        read = load_spec(spec, Given(settings, shapes), limits)
    except SpecError as error:
        return Outcome(spec, 2, 0, error.problems)
    verdicts, wrong = judge_each(read, analyze(read.graph))
    failed = [verdict.problem() for verdict in verdicts if not verdict.holds]
    return Outcome(spec, 2 if wrong else 1 if failed else 0, len(verdicts), (*wrong, *failed))


def show(outcome: Outcome, *, quiet: bool, color: bool) -> None:
    """One line for a spec, and its problems below."""
    if outcome.status == 0 and quiet:
        return
    word, paint = (("ok", "green"), ("failed", "red"), ("error", "red"))[outcome.status]
    count = f"{outcome.expectations} expectation{'s' * (outcome.expectations != 1)}"
    detail = {
        0: count,
        1: f"{len(outcome.problems)} of {count} failed",
        2: f"{len(outcome.problems)} error{'s' * (len(outcome.problems) != 1)}",
    }[outcome.status]
    name = outcome.name if len(outcome.name) <= 100 else outcome.name[:100] + "…"
    click.echo(f"{click.style(f'{word:<6}', fg=paint) if color else f'{word:<6}'} {name}  ({detail})", color=True)
    for problem in outcome.problems:
        click.echo(problem.render())


def summary(outcomes: list[Outcome]) -> str:
    """The last line."""
    counts = [sum(outcome.status == status for outcome in outcomes) for status in (0, 1, 2)]
    words = [
        f"{counts[0]} ok",
        *(f"{n} {word}" for n, word in zip(counts[1:], ("failed", "with errors"), strict=True) if n),
    ]
    return f"{len(outcomes)} spec{'s' * (len(outcomes) != 1)}: {', '.join(words)}"


def record(outcome: Outcome) -> dict[str, Any]:
    """An outcome for programs."""
    problems = []
    for problem in outcome.problems:
        source, line, column = problem.place()
        where = {"file": source, "line": line, "column": column}
        problems.append({**where, "code": problem.code, "message": problem.message, "hint": problem.hint or None})
    status = ("ok", "failed", "error")[outcome.status]
    return {"spec": outcome.name, "status": status, "expectations": outcome.expectations, "problems": problems}
