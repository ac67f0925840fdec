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
from archcalc.report.validation_formats import FORMATS, ValidationDisplay, write_spec
from archcalc.spec.errors import Problem, fail
from archcalc.validation.baseline import read_tolerances
from archcalc.validation.configuration import configuration_of, unknown_codes
from archcalc.validation.examine import Options, ValidationResult, ValidationTask
from archcalc.validation.findings import findings, relative_to
from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import find_specs
from archcalc.validation.store import BaselineFile

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
@click.option("--update-baseline", is_flag=True, help="BaselineFile the numbers instead: what has grown is accepted.")
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
    options = options_from(values)
    store = stored(values["baseline"], values["update_baseline"])
    tasks = [
        ValidationTask(target, configuration_of(target.path or "."), store.of(target) if store is not None else None)
        for target in find_specs(paths, options.limits)
    ]
    streamed = "text" if output else form if FORMATS[form].findings else ""
    seen = bool(streamed) and not values["quiet"] and sys.stdout.isatty()  # a line for each shows how far it is
    display = ValidationDisplay(
        quiet=values["quiet"], color=wants_color(color), table=default_format(None, color), width=terminal_width()
    )
    results: list[ValidationResult] = []
    for result in with_progress(examine_all(options, tasks, values["jobs"]), len(tasks), seen):
        target = tasks[len(results)].target
        if result.corrected is not None:
            result = written(result, target.path)
        if store is not None and values["update_baseline"] and result.figures is not None:
            store.put(target, result.figures)
        if streamed:
            show(result, streamed, display)
        results.append(result._replace(figures=None, corrected=None, diff=""))
    for result in without_specs(results):
        results.append(result)
        if streamed:
            show(result, streamed, display)
    if store is not None and values["update_baseline"]:
        save(store.path, store.text(), "--baseline")
    report(results, form, output)
    return max((result.status for result in results), default=0)


def options_from(values: dict[str, Any]) -> Options:
    """What the options ask of every spec."""
    return Options(
        settings=pairs_from(values["settings"], "--set"),
        shapes=pairs_from(values["shapes"], "--shape", bare=True),
        limits=limits_from(values),
        ignore=values["ignore"],
        error=values["error"],
        strict=values["strict"],
        with_figures=bool(values["baseline"]),
        tolerance=None if values["update_baseline"] else values["tolerance"],
        only_specs=values["specs_only"],
        fix="diff" if values["diff"] else "write" if values["fix"] else "",
    )


def stored(path: str | None, update: bool) -> BaselineFile | None:
    """The baseline, if one is asked for; a new one where it is to be written and does not exist."""
    if not path:
        return None
    return BaselineFile(path) if update and not os.path.exists(path) else BaselineFile.read(path)


def written(result: ValidationResult, path: str) -> ValidationResult:
    """The result of a file after its correction was written, or that it could not be."""
    try:
        write_file(path, result.corrected or "")
    except OSError as error:
        problem = Problem("output", f"cannot write it: {error.strerror}", origin=path)
        wrong = findings([problem], 2, result.name)
        return result._replace(findings=(*result.findings, *wrong), corrected=None)
    return result


def save(path: str, text: str, origin: str) -> None:
    """Write a file of the run."""
    try:
        write_file(path, text)
    except OSError as error:
        fail("output", f"cannot write '{path[:80]}': {error.strerror}", origin=origin)


def with_progress(results: Iterator[ValidationResult], number: int, seen: bool) -> Iterable[ValidationResult]:
    """The results, with a progress bar on standard error if that is a terminal and they are many."""
    if seen or number < MANY or not sys.stderr.isatty():
        return results
    from rich.console import Console
    from rich.progress import Progress

    def advancing() -> Iterator[ValidationResult]:
        with Progress(
            console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty(), redirect_stderr=False
        ) as progress:
            yield from progress.track(results, total=number, description="validating")

    return advancing()


def without_specs(results: list[ValidationResult]) -> Iterator[ValidationResult]:
    """Folders and patterns that brought files, but no spec: most likely not those that were meant."""
    found: dict[str, bool] = {}
    for result in results:
        if result.argument:
            found[result.argument] = found.get(result.argument, False) or not result.skipped
    for argument in (argument for argument, any_spec in found.items() if not any_spec):
        problem = Problem("not-found", "no spec among these files", origin=argument[:100])
        yield ValidationResult(argument, findings([problem], 2, argument))


def show(result: ValidationResult, form: str, display: ValidationDisplay) -> None:
    """One line for a spec, and what was found below."""
    click.echo(write_spec(form, placed(result, form), display), nl=False, color=True)


def placed(result: ValidationResult, form: str) -> ValidationResult:
    """The result with its files as the format names them."""
    if not FORMATS[form].in_checkout:
        return result
    root = next((os.environ[name] for name in CHECKOUTS if os.environ.get(name)), None)
    return result._replace(findings=tuple(relative_to(root, result.findings)))


def report(results: list[ValidationResult], form: str, output: str | None) -> None:
    """What follows when all specs are done: the summary, or the whole report."""
    streamed = FORMATS[form].findings is not None
    if streamed or output:
        click.echo(summary(results))
    if not streamed or output:
        from archcalc import __version__

        text = FORMATS[form].report([placed(result, form) for result in results], __version__)
        if output:
            save(output, text, "--output")
        else:
            click.echo(text, nl=False)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if form == "github" and page:
        try:
            with open(page, "a", encoding="utf-8") as file:
                file.write(step_summary(results))
        except OSError as error:
            fail("output", f"cannot write '{page[:80]}': {error.strerror}", origin="GITHUB_STEP_SUMMARY")
