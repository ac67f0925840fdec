"""Where the results of ``archcalc validate`` go: to standard output, to reports, and to the files of a CI server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from archcalc.cli.files import unwritten, write_file
from archcalc.cli.reports import Report, checkout
from archcalc.report.github import MAX_SUMMARY_BYTES
from archcalc.report.validation_formats import FORMATS, ValidationDisplay, write_spec
from archcalc.report.validation_totals import step_summary, summary, totals
from archcalc.spec.errors import Problem, SpecError
from archcalc.terminal import READABLE
from archcalc.validation.findings import checkout_path
from archcalc.validation.results import ValidationResult


@dataclass(frozen=True)
class Output:
    """Where results go, and how they are shown."""

    form: str
    """The format of standard output."""
    reports: tuple[Report, ...]
    display: ValidationDisplay

    @property
    def is_streamed(self) -> bool:
        """Whether standard output shows each spec as soon as it is validated."""
        return FORMATS[self.form].findings is not None

    def show(self, result: ValidationResult) -> None:
        """Print a line for a spec, and its findings below, if output is streamed."""
        if self.is_streamed:
            if FORMATS[self.form].in_checkout:
                result = self.in_checkout(result)
            _print(write_spec(self.form, result, self.display))

    def finish(self, results: Sequence[ValidationResult]) -> None:
        """Print what follows when all specs are done, write all reports, and pass the totals to a CI server.

        Raises:
            SpecError: some of the files cannot be written; all others have been.
        """
        from archcalc import __version__

        named = [self.in_checkout(result) for result in results]

        def text(form: str) -> str:
            written = FORMATS[form]
            return written.report(named if written.in_checkout else results, __version__)

        if self.is_streamed:
            _print(f"{summary(results)}\n")
        else:
            _print(text(self.form))
        problems = []
        for report in self.reports:
            try:
                write_file(report.path, text(report.form))
            except OSError as error:
                problems.append(unwritten(report.option, report.path, error))
        problems += self._tell_server(named)
        if problems:
            raise SpecError(problems)

    def _tell_server(self, results: Sequence[ValidationResult]) -> list[Problem]:
        """Append the summary of the step and the totals to the files that GitHub Actions names."""
        problems = []
        texts = {"GITHUB_OUTPUT": "".join(f"{name}={value}\n" for name, value in totals(results).items())}
        page = os.environ.get("GITHUB_STEP_SUMMARY")
        if self.display.in_actions and page:
            used = os.path.getsize(page) if os.path.isfile(page) else 0
            texts["GITHUB_STEP_SUMMARY"] = step_summary(results, MAX_SUMMARY_BYTES - used)
        for variable, text in texts.items():
            path = os.environ.get(variable)
            if path:
                try:
                    with open(path, "a", encoding="utf-8", errors=READABLE) as file:
                        file.write(text)
                except OSError as error:
                    problems.append(unwritten(variable, path, error))
        return problems

    def in_checkout(self, result: ValidationResult) -> ValidationResult:
        """Return the result with its files named relative to the folder that a CI server checked out."""
        root = checkout()
        names = {file: checkout_path(root, file) for file in {result.name, *(each.file for each in result.findings)}}
        found = tuple(finding._replace(file=names[finding.file]) for finding in result.findings)
        return result._replace(name=names[result.name], findings=found)


def _print(text: str) -> None:
    """Print a text. If the pipe is closed (``| head``), the reports and the exit status still count."""
    try:
        click.echo(text, nl=False, color=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
