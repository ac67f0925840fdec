"""``archcalc validate``: for CI."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from archcalc.cli.files import write_file
from archcalc.cli.options import (
    default_format,
    limits_from,
    pairs_from,
    spec_options,
    stdin_once,
    terminal_width,
    wants_color,
)
from archcalc.report.validated import step_summary, summary
from archcalc.report.validation_formats import FORMATS, Layout, write_spec
from archcalc.spec.errors import Problem, fail
from archcalc.validation.baseline import read_tolerances
from archcalc.validation.configuration import configuration_of, unknown_codes
from archcalc.validation.examine import Asked, Outcome, Task
from archcalc.validation.findings import findings, relative_to
from archcalc.validation.many import examine_all
from archcalc.validation.paths import find
from archcalc.validation.store import Store

MANY = 20
"""Specs that take long enough for a progress bar."""
CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where CI servers say what paths are relative to."""


def show_rules(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """The warnings with their documentation; then end."""
    if not value:
        return
    from archcalc.lint import RULES

    for rule in RULES.values():
        help = rule.help.replace("\n", "\n  ").replace("\n  \n", "\n\n")
        click.echo(f"{rule.code}\n  {help}\n")
    ctx.exit()


def codes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Codes of warnings, separated by commas or given one by one."""
    from archcalc.lint import RULES
    from archcalc.spec.errors import suggest

    given = [code.strip() for value in values for code in value.split(",") if code.strip()]
    for code in unknown_codes(given):
        hint = suggest(code, RULES, "`archcalc validate --rules` lists them")
        raise click.BadParameter(f"no warning has the code '{code[:40]}': {hint}", ctx, parameter)
    return frozenset(given)


def tolerances(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    """How far totals may grow."""
    try:
        return read_tolerances(values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--ignore", multiple=True, callback=codes, metavar="CODES", help="Warnings not to give (repeatable).")
@click.option(
    "--warn", multiple=True, callback=codes, metavar="CODES", help="Warnings not given by default (repeatable)."
)
@click.option(
    "--error", multiple=True, callback=codes, metavar="CODES", help="Warnings that are failures (repeatable)."
)
@click.option("--strict", is_flag=True, help="Every warning is a failure.")
@click.option("--rules", is_flag=True, is_eager=True, expose_value=False, callback=show_rules, help="Document them.")
@click.option("--fix", is_flag=True, help="Correct what can be corrected mechanically.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--baseline", metavar="FILE", help="Compare with the numbers stored there.")
@click.option(
    "--tolerance",
    multiple=True,
    callback=tolerances,
    metavar="N%|QUANTITY=N%",
    help="How far totals may grow beyond the baseline (repeatable).  [default: 0%]",
)
@click.option("--update-baseline", is_flag=True, help="Store the numbers instead: what has grown is accepted.")
@click.option("--specs-only", is_flag=True, help="Skip files that are no specs even where they are named.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Processes.  [default: by the number of specs]")
@click.option("--quiet", "-q", is_flag=True, help="Only failures and the summary.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Output format.  [default: github inside GitHub Actions, else text]",
)
@click.option("--output", metavar="FILE", help="Write the report to this file, and text to standard output.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour.")
@spec_options
def command(paths: tuple[str, ...], form: str | None, output: str | None, color: str, **values: Any) -> int:
    """Do specs parse, fit together, meet their expectations, and stay inside their budget?

    PATHS are files, folders (every .yaml, .yml and .json below that is a spec, but for hidden ones), patterns in
    quotes ("nets/**/*.yaml"), bundled names or '-'. Exit status: 0 all well (there may be warnings), 1 an expectation
    failed or a total has grown, 2 a spec cannot be read.
    """
    stdin_once(paths)
    if values["update_baseline"] and not values["baseline"]:
        raise click.UsageError("--update-baseline needs --baseline FILE")
    form = form or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    gc.enable()  # one question after the other: what is left of each must go
    asked = asked_from(values)
    store = stored(values["baseline"], values["update_baseline"])
    tasks = [
        Task(target, configuration_of(target.path or "."), store.of(target) if store is not None else None)
        for target in find(paths, asked.limits)
    ]
    streamed = "text" if output else form if FORMATS[form].findings else ""
    seen = bool(streamed) and not values["quiet"] and sys.stdout.isatty()  # a line for each shows how far it is
    layout = Layout(
        quiet=values["quiet"], color=wants_color(color), table=default_format(None, color), width=terminal_width()
    )
    outcomes: list[Outcome] = []
    for outcome in with_progress(examine_all(asked, tasks, values["jobs"]), len(tasks), seen):
        target = tasks[len(outcomes)].target
        if outcome.corrected is not None:
            outcome = written(outcome, target.path)
        if store is not None and values["update_baseline"] and outcome.numbers is not None:
            store.keep(target, outcome.numbers)
        if streamed:
            show(outcome, streamed, layout)
        outcomes.append(outcome._replace(numbers=None, corrected=None, diff=""))
    for outcome in without_specs(outcomes):
        outcomes.append(outcome)
        if streamed:
            show(outcome, streamed, layout)
    if store is not None and values["update_baseline"]:
        save(store.path, store.text(), "--baseline")
    report(outcomes, form, output)
    return max((outcome.status for outcome in outcomes), default=0)


def asked_from(values: dict[str, Any]) -> Asked:
    """What the options ask of every spec."""
    return Asked(
        settings=pairs_from(values["settings"], "--set"),
        shapes=pairs_from(values["shapes"], "--shape", bare=True),
        limits=limits_from(values),
        ignore=values["ignore"],
        warn=values["warn"],
        error=values["error"],
        strict=values["strict"],
        numbers=bool(values["baseline"]),
        tolerance=None if values["update_baseline"] else values["tolerance"],
        only_specs=values["specs_only"],
        fix="diff" if values["diff"] else "write" if values["fix"] else "",
    )


def stored(path: str | None, update: bool) -> Store | None:
    """The baseline, if one is asked for; a new one where it is to be written and does not exist."""
    if not path:
        return None
    return Store(path) if update and not os.path.exists(path) else Store.read(path)


def written(outcome: Outcome, path: str) -> Outcome:
    """The outcome of a file after its correction was written, or that it could not be."""
    try:
        write_file(path, outcome.corrected or "")
    except OSError as error:
        problem = Problem("output", f"cannot write it: {error.strerror}", origin=path)
        wrong = findings([problem], 2, outcome.name)
        return outcome._replace(findings=(*outcome.findings, *wrong), corrected=None)
    return outcome


def save(path: str, text: str, origin: str) -> None:
    """Write a file of the run."""
    try:
        write_file(path, text)
    except OSError as error:
        fail("output", f"cannot write '{path[:80]}': {error.strerror}", origin=origin)


def with_progress(outcomes: Iterator[Outcome], number: int, seen: bool) -> Iterable[Outcome]:
    """The outcomes, with a progress bar on standard error if that is a terminal and they are many."""
    if seen or number < MANY or not sys.stderr.isatty():
        return outcomes
    from rich.console import Console
    from rich.progress import Progress

    def advancing() -> Iterator[Outcome]:
        with Progress(
            console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(), redirect_stderr=False
        ) as progress:
            yield from progress.track(outcomes, total=number, description="validating")

    return advancing()


def without_specs(outcomes: list[Outcome]) -> Iterator[Outcome]:
    """Folders and patterns that brought files, but no spec: most likely not those that were meant."""
    found: dict[str, bool] = {}
    for outcome in outcomes:
        if outcome.argument:
            found[outcome.argument] = found.get(outcome.argument, False) or not outcome.skipped
    for argument in (argument for argument, any_spec in found.items() if not any_spec):
        problem = Problem("not-found", "no spec among these files", origin=argument[:100])
        yield Outcome(argument, findings([problem], 2, argument))


def show(outcome: Outcome, form: str, layout: Layout) -> None:
    """One line for a spec, and what was found below."""
    click.echo(write_spec(form, placed(outcome, form), layout), nl=False, color=True)


def placed(outcome: Outcome, form: str) -> Outcome:
    """The outcome with its files as the format names them."""
    if not FORMATS[form].in_checkout:
        return outcome
    root = next((os.environ[name] for name in CHECKOUTS if os.environ.get(name)), None)
    return outcome._replace(findings=tuple(relative_to(root, outcome.findings)))


def report(outcomes: list[Outcome], form: str, output: str | None) -> None:
    """What follows when all specs are done: the summary, or the whole report."""
    streamed = FORMATS[form].findings is not None
    if streamed or output:
        click.echo(summary(outcomes))
    if not streamed or output:
        from archcalc import __version__

        text = FORMATS[form].whole([placed(outcome, form) for outcome in outcomes], __version__)
        if output:
            save(output, text, "--output")
        else:
            click.echo(text, nl=False)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and page:
        try:
            with open(page, "a", encoding="utf-8") as file:
                file.write(step_summary(outcomes))
        except OSError as error:
            fail("output", f"cannot write '{page[:80]}': {error.strerror}", origin="GITHUB_STEP_SUMMARY")
