"""Options that ask for reports in files: ``--report FORMAT=FILE``."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

import click

CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Environment variables in which CI servers name the folder that they checked out."""


class Report(NamedTuple):
    """A report to write to a file."""

    form: str
    path: str
    option: str = "--report"
    """The option that asks for it, for errors."""


Command = TypeVar("Command", bound=Callable[..., Any])
ReadReports: TypeAlias = Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[Report, ...]]


def reports_in(formats: Collection[str]) -> ReadReports:
    """Return a callback that reads the reports which a repeatable option asks for, in one of some formats."""

    def read(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Report, ...]:
        reports = []
        for value in values:
            form, _, path = value.partition("=")
            if form not in formats or not path:
                known = ", ".join(formats)
                raise click.BadParameter(f"must be FORMAT=FILE with one of {known}, got '{value[:60]}'", ctx, parameter)
            if path == "-":
                raise click.BadParameter(f"names no file; --format {form} prints the report", ctx, parameter)
            reports.append(Report(form, path))
        return tuple(reports)

    return read


def report_option(formats: Collection[str], what: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--report`` to a command.

    Args:
        formats: the formats.
        what: what the option writes, for the help page.
    """
    return click.option(
        "--report",
        "reports",
        multiple=True,
        callback=reports_in(formats),
        metavar="FORMAT=FILE",
        help=f"Also write {what} in this format to a file (repeatable).",
    )


def no_file_twice(reports: Sequence[Report]) -> None:
    """Fail if one report would replace another.

    Raises:
        click.UsageError: two reports go to the same file.
    """
    places = [os.path.realpath(report.path) for report in reports]
    for report, place in zip(reports, places, strict=True):
        if places.count(place) > 1 and not (os.path.exists(place) and not os.path.isfile(place)):  # a pipe takes both
            raise click.UsageError(f"two reports would be written to '{report.path[:80]}'")


def checkout() -> str | None:
    """Return the folder that a CI server checked out, to which the files of its reports are relative; else ``None``."""
    return next((os.environ[name] for name in CHECKOUTS if os.environ.get(name)), None)
