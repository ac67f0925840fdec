"""``archcalc validate``: check specs, as in CI."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from archcalc.cli.commands import VerbCommand
from archcalc.cli.files import STANDARD_OUTPUT, output_errors, write_file
from archcalc.cli.options import PositiveInteger, given_from, limits_from, single_value, spec_options, stdin_once
from archcalc.cli.output import COLOR_HELP, default_format, terminal_width, utf8_output, wants_color
from archcalc.cli.reports import Report, no_file_twice, report_option
from archcalc.cli.validate_reports import Output
from archcalc.cli.warnings import codes
from archcalc.report.validation_formats import FORMATS, ValidationDisplay
from archcalc.spec.errors import Problem
from archcalc.validation.baseline import read_tolerances
from archcalc.validation.cache import cache_file, examine_changed
from archcalc.validation.findings import findings
from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import FoundSpec, find_specs
from archcalc.validation.plan import ValidationPlan, plan
from archcalc.validation.results import Options, ValidationResult
from archcalc.validation.store import BaselineFile, locked
from archcalc.validation.unused_patterns import unused_patterns

PROGRESS_FROM = 20
"""Number of specs from which a progress bar is shown."""
WOULD_FIX = 3
"""The exit status if all specs pass, and ``--diff`` shows corrections."""


def show_rules(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the warnings with their documentation, and exit."""
    if not value:
        return
    from archcalc.lint import RULES

    for rule in RULES.values():
        help = rule.help.replace("\n", "\n  ").replace("\n  \n", "\n\n")
        click.echo(f"{rule.code}\n  {help}\n")
    ctx.exit()


def tolerances(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    """Return how far totals may grow."""
    try:
        return read_tolerances(values)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


@click.command(cls=VerbCommand)
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--warn",
    multiple=True,
    callback=codes,
    metavar="CODES",
    help="Also report these warnings, which are off by default (repeatable).",
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
@click.option("--diff", is_flag=True, help="Print what --fix would change, as a patch, and change nothing.")
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
@click.option("--specs-only", is_flag=True, help="Skip files that are not specs, even if named on the command line.")
@click.option("--jobs", type=PositiveInteger(), help="Number of processes.  [default: chosen by the number of specs]")
@click.option("--no-cache", is_flag=True, help="Also validate the specs that have not changed since an earlier run.")
@click.option("--quiet", "-q", is_flag=True, help="Print failures and the summary only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    multiple=True,
    callback=single_value("--report FORMAT=FILE writes further formats to files"),
    help="Output format.  [default: github in GitHub Actions, else text]",
)
@report_option(FORMATS, "a report")
@click.option(
    "--output",
    multiple=True,
    callback=single_value("--report FORMAT=FILE writes several files"),
    metavar="FILE",
    help="Write the report to this file, and print text.",
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help=COLOR_HELP)
@spec_options
def command(
    paths: tuple[str, ...],
    form: str | None,
    reports: tuple[Report, ...],
    output: str | None,
    color: str,
    **values: Any,
) -> int:
    """Check specs: errors, warnings, expectations, budgets, and growth beyond a baseline.

    PATHS are files, folders (every spec and model file below, except hidden ones), quoted patterns
    ("nets/**/*.yaml"), bundled names, inline expressions, or '-' for standard input.

    Exit status: 0 if all specs pass, possibly with warnings; 1 if an expectation fails, a budget is exceeded, a total
    has grown, or a warning counts as a failure; 2 if a spec cannot be read; 3 if all specs pass and --diff shows
    corrections.
    """
    stdin_once(paths)
    in_actions = form == "github" or os.environ.get("GITHUB_ACTIONS") == "true"
    form = form or ("github" if in_actions else "text")
    if output == STANDARD_OUTPUT:
        output = None
    if output:
        form, reports = "text", (*reports, Report(form, output, "--output"))
    no_file_twice(reports)
    if form != "text":
        utf8_output()
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
    if options.fix == "write":
        only_files(task.found_spec for task in run.tasks)
    display = ValidationDisplay(
        quiet=values["quiet"],
        color=wants_color(color),
        table=default_format(None, color),
        width=terminal_width(),
        in_actions=in_actions,
    )
    shown = Output(form, reports, display)
    shows_progress = shown.is_streamed and not values["quiet"] and sys.stdout.isatty()  # by one line per spec
    results: list[ValidationResult] = []
    examined = examine_tasks(options, run, values)
    for result in with_progress(examined, len(run.tasks), shows_progress):
        found_spec, store = run.tasks[len(results)].found_spec, run.stores[len(results)]
        if result.corrected is not None:
            result = write_correction(result, found_spec.path)
        if store is not None and options.update_baseline and result.figures is not None:
            store.put(found_spec, result.figures, run.settings)
        shown.show(result)
        results.append(result._replace(figures=None, corrected=None))
    for result in (*without_specs(results), *run.others, *unused_patterns(options, run.tasks)):
        results.append(result)
        shown.show(result)
    if options.update_baseline:
        update(run.baselines())
    shown.finish(results)
    status = max((result.status for result in results), default=0)
    return status or (WOULD_FIX if any(result.diff for result in results) else 0)


def options_from(values: dict[str, Any]) -> Options:
    """Return what the options ask for, for every spec."""
    given = given_from(values)
    return Options(
        settings=given.set,
        shapes=given.shapes,
        arguments=given.arguments,
        batch_axes=given.batch_axes,
        values=given.values,
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


def only_files(found_specs: Iterable[FoundSpec]) -> None:
    """Fail if there is a spec that is not a file of the user, because it cannot be corrected.

    Raises:
        click.UsageError: there is one.
    """
    for found_spec in found_specs:
        if found_spec.is_stdin:
            raise click.UsageError("--fix corrects files only; --diff prints the corrections of standard input")
        if not found_spec.is_file and found_spec.problem is None:
            what = "an inline expression" if found_spec.inline else f"the bundled '{found_spec.name}'"
            what = f"the model '{found_spec.name}'" if found_spec.is_model else what
            raise click.UsageError(f"--fix corrects files only, not {what}")


def examine_tasks(options: Options, run: ValidationPlan, values: dict[str, Any]) -> Iterator[ValidationResult]:
    """Return the results of all specs; unchanged ones are validated again if more than their findings is needed."""
    file = None if values["no_cache"] or options.fix or options.update_baseline else cache_file()
    if file is None:
        return examine_all(options, run.tasks, values["jobs"])
    from archcalc import __version__

    return examine_changed(file, __version__, options, run.tasks, values["jobs"])


def no_baseline(values: dict[str, Any]) -> None:
    """Fail if an option needs a baseline, because there is none.

    Raises:
        click.UsageError: an option needs one.
    """
    for option in ("update_baseline", "require_baseline"):
        if values[option]:
            written = f"--{option.replace('_', '-')}"
            raise click.UsageError(f"{written} needs --baseline FILE, or 'baseline' in the configuration")


def update(baselines: Iterable[BaselineFile]) -> None:
    """Write baselines, with what other processes have written into them since they were read."""
    for store in baselines:
        with locked(store.path):
            text = store.updated_file().text()
            with output_errors("--baseline", store.path):
                write_file(store.path, text)


def write_correction(result: ValidationResult, path: str) -> ValidationResult:
    """Write the correction of a file, and return the result, with an error if that failed."""
    try:
        write_file(path, result.corrected or "")
    except OSError as error:
        problem = Problem("output", f"cannot write the corrected file: {error.strerror}", origin=path)
        wrong = findings([problem], 2, result.name)
        return result._replace(findings=(*result.findings, *wrong), corrections=0)
    return result


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
