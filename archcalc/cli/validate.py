"""``archcalc validate``: check specs, as in CI."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from archcalc.cli.files import write_file
from archcalc.cli.options import (
    COLOR_HELP,
    PositiveInteger,
    VerbCommand,
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
from archcalc.validation.cache import cache_file, examine_changed
from archcalc.validation.configuration import unknown_codes
from archcalc.validation.findings import findings, relative_to
from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import find_specs
from archcalc.validation.plan import Plan, plan
from archcalc.validation.results import Options, ValidationResult
from archcalc.validation.store import BaselineFile, locked

PROGRESS_FROM = 20
"""Number of specs from which a progress bar is shown."""
CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Environment variables in which CI servers name the folder that they checked out."""


def show_rules(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the warnings with their documentation, and exit."""
    if not value:
        return
    from archcalc.lint import RULES

    for rule in RULES.values():
        help = rule.help.replace("\n", "\n  ").replace("\n  \n", "\n\n")
        click.echo(f"{rule.code}\n  {help}\n")
    ctx.exit()


def codes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    """Return the codes of warnings in a repeatable option of lists."""
    from archcalc.lint import RULES
    from archcalc.spec.errors import suggest

    given = [code.strip() for value in values for code in value.split(",") if code.strip()]
    for code in unknown_codes(given):
        hint = suggest(code, RULES, "`archcalc validate --rules` lists the warnings")
        raise click.BadParameter(f"no warning has the code '{code[:40]}': {hint}", ctx, parameter)
    return frozenset(given)


def tolerances(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    """Return how far totals may grow."""
    try:
        return read_tolerances(values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command(cls=VerbCommand)
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--ignore", multiple=True, callback=codes, metavar="CODES", help="Do not report these warnings (repeatable)."
)
@click.option(
    "--warn",
    multiple=True,
    callback=codes,
    metavar="CODES",
    help="Also report these warnings, off by default (repeatable).",
)
@click.option(
    "--error", multiple=True, callback=codes, metavar="CODES", help="Treat these warnings as failures (repeatable)."
)
@click.option("--strict", is_flag=True, help="Treat all warnings as failures.")
@click.option(
    "--rules",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_rules,
    help="Print the documentation of all warnings and exit.",
)
@click.option("--fix", is_flag=True, help="Correct the warnings that can be corrected automatically.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, without changing it.")
@click.option("--baseline", metavar="FILE", help="Compare the totals with those stored in this file.")
@click.option(
    "--tolerance",
    multiple=True,
    callback=tolerances,
    metavar="N%|QUANTITY=N%",
    help="Allowed growth of the totals beyond the baseline (repeatable).  [default: 0%]",
)
@click.option("--require-baseline", is_flag=True, help="Fail if the baseline does not contain a spec.")
@click.option("--update-baseline", is_flag=True, help="Store the current totals in the baseline instead of comparing.")
@click.option("--specs-only", is_flag=True, help="Skip files that are not specs, even if they are named.")
@click.option("--jobs", type=PositiveInteger(), help="Number of processes.  [default: chosen by the number of specs]")
@click.option("--no-cache", is_flag=True, help="Validate specs again that have not changed since an earlier run.")
@click.option("--quiet", "-q", is_flag=True, help="Print failures and the summary only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Output format.  [default: github in GitHub Actions, else text]",
)
@click.option("--output", metavar="FILE", help="Write the report to this file, and print text.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help=COLOR_HELP)
@spec_options
def command(paths: tuple[str, ...], form: str | None, output: str | None, color: str, **values: Any) -> int:
    """Check specs: errors, warnings, expectations, and growth beyond a baseline.

    PATHS are files, folders (every .yaml, .yml and .json file below, except hidden ones), quoted patterns
    ("nets/**/*.yaml"), bundled names, or '-' for standard input.

    Exit status: 0 if all specs pass, possibly with warnings; 1 if an expectation fails, a total has grown, or a warning
    counts as a failure; 2 if a spec cannot be read.
    """
    stdin_once(paths)
    form = form or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    gc.enable()  # many networks are read, one after the other
    options = options_from(values)
    run = plan(
        find_specs(paths, options.limits, exclude_named=options.only_specs),
        options,
        baseline=values["baseline"],
        require_baseline=values["require_baseline"],
        jobs=values["jobs"],
    )
    if not run.has_baselines and not run.others:
        no_baseline(values)
    streamed = "text" if output else form if FORMATS[form].findings else ""
    shows_progress = bool(streamed) and not values["quiet"] and sys.stdout.isatty()  # by one line per spec
    display = ValidationDisplay(
        quiet=values["quiet"], color=wants_color(color), table=default_format(None, color), width=terminal_width()
    )
    results: list[ValidationResult] = []
    examined = examine_tasks(options, run, values)
    for result in with_progress(examined, len(run.tasks), shows_progress):
        found_spec, store = run.tasks[len(results)].found_spec, run.stores[len(results)]
        if result.corrected is not None:
            result = write_correction(result, found_spec.path)
        if store is not None and options.update_baseline and result.figures is not None:
            store.put(found_spec, result.figures, run.settings)
        if streamed:
            show(result, streamed, display)
        results.append(result._replace(figures=None, corrected=None, diff=""))
    for result in (*without_specs(results), *run.others):
        results.append(result)
        if streamed:
            show(result, streamed, display)
    if options.update_baseline:
        update(run.baselines())
    report(results, form, output)
    return max((result.status for result in results), default=0)


def options_from(values: dict[str, Any]) -> Options:
    """Return what the options ask for, for every spec."""
    return Options(
        settings=pairs_from(values["settings"], "--set"),
        shapes=pairs_from(values["shapes"], "--shape", bare=True),
        limits=limits_from(values),
        ignore=values["ignore"],
        warn=values["warn"],
        error=values["error"],
        strict=values["strict"],
        tolerance=values["tolerance"],
        update_baseline=values["update_baseline"],
        only_specs=values["specs_only"],
        fix="diff" if values["diff"] else "write" if values["fix"] else "",
    )


def examine_tasks(options: Options, run: Plan, values: dict[str, Any]) -> Iterator[ValidationResult]:
    """Return the results of all specs; unchanged ones are validated again if more than their findings is needed."""
    file = None if values["no_cache"] or options.fix or options.update_baseline else cache_file()
    if file is None:
        return examine_all(options, run.tasks, values["jobs"])
    from archcalc import __version__

    return examine_changed(file, __version__, options, run.tasks, values["jobs"])


def no_baseline(values: dict[str, Any]) -> None:
    """Fail if an option needs a baseline, because there is none.

    Raises:
        click.UsageError: An option needs one.
    """
    for option in ("update_baseline", "require_baseline"):
        if values[option]:
            written = f"--{option.replace('_', '-')}"
            raise click.UsageError(f"{written} needs --baseline FILE, or 'baseline' in the configuration")


def update(baselines: Iterable[BaselineFile]) -> None:
    """Write baselines, with what other processes have written into them since they were read."""
    for store in baselines:
        with locked(store.path):
            save(store.path, store.updated_file().text(), "--baseline")


def write_correction(result: ValidationResult, path: str) -> ValidationResult:
    """Write the correction of a file, and return the result, with an error if that failed."""
    try:
        write_file(path, result.corrected or "")
    except OSError as error:
        problem = Problem("output", f"cannot write the corrected file: {error.strerror}", origin=path)
        wrong = findings([problem], 2, result.name)
        return result._replace(findings=(*result.findings, *wrong), corrected=None)
    return result


def save(path: str, text: str, origin: str) -> None:
    """Write a file that an option names."""
    try:
        write_file(path, text)
    except OSError as error:
        fail("output", f"cannot write '{path[:80]}': {error.strerror}", origin=origin)


def with_progress(results: Iterator[ValidationResult], number: int, shows_progress: bool) -> Iterable[ValidationResult]:
    """Return the results, with a progress bar on standard error if that is a terminal and they are many."""
    if shows_progress or number < PROGRESS_FROM or not sys.stderr.isatty():
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
    """Yield an error for each folder or pattern that matched files, but no spec: most likely another was meant."""
    found: dict[str, bool] = {}
    for result in results:
        if result.argument:
            found[result.argument] = found.get(result.argument, False) or not result.skipped
    for argument in (argument for argument, any_spec in found.items() if not any_spec):
        problem = Problem("not-found", "no spec among these files", origin=argument[:100])
        yield ValidationResult(argument, findings([problem], 2, argument))


def show(result: ValidationResult, form: str, display: ValidationDisplay) -> None:
    """Print a line for a spec, and its findings below."""
    click.echo(write_spec(form, with_checkout_paths(result, form), display), nl=False, color=True)


def with_checkout_paths(result: ValidationResult, form: str) -> ValidationResult:
    """Return the result with its files named as the format requires."""
    if not FORMATS[form].in_checkout:
        return result
    root = next((os.environ[name] for name in CHECKOUTS if os.environ.get(name)), None)
    return result._replace(findings=tuple(relative_to(root, result.findings)))


def report(results: list[ValidationResult], form: str, output: str | None) -> None:
    """Print what follows when all specs are done: the summary, or the whole report."""
    streamed = FORMATS[form].findings is not None
    if streamed or output:
        click.echo(summary(results))
    if not streamed or output:
        from archcalc import __version__

        text = FORMATS[form].report([with_checkout_paths(result, form) for result in results], __version__)
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
