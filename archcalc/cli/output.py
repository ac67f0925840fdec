"""The format of what verbs print, and what standard output can show."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING

import click

from archcalc.cli.options import Command, with_options
from archcalc.terminal import READABLE

if TYPE_CHECKING:
    from archcalc.report.table import Table

PIECES = 1000
"""The number of pieces of a text that are printed together."""

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")
CONSOLE_FORMATS = ("rich", "plain", "text")
"""The formats for the terminal, which are written in its encoding."""
FORMAT_HELP = "Output format.  [default: rich on a terminal, else plain]"
COLOR_HELP = "Whether to use colour.  [default: auto, by the terminal, NO_COLOR and FORCE_COLOR]"


def utf8_output() -> None:
    """Set standard output to UTF-8, whatever the locale: documents are read by programs and on other machines."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=READABLE)


def utf8_documents(ctx: click.Context, option: click.Parameter, form: str | None) -> str | None:
    """Return the value of ``--format``, and set standard output to UTF-8 unless people are to read it directly."""
    if form not in (None, *CONSOLE_FORMATS):
        utf8_output()
    return form


def output_options(*formats: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--format``, with these formats, and ``--color`` to a command."""

    def decorate(command: Command) -> Command:
        return with_options(
            command,
            click.option(
                "--format",
                "form",
                type=click.Choice(formats or FORMATS),
                callback=utf8_documents,
                help=FORMAT_HELP,
            ),
            click.option(
                "--color",
                type=click.Choice(["auto", "always", "never"]),
                default="auto",
                help=COLOR_HELP,
            ),
        )

    return decorate


def on_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def wants_color(color: str) -> bool:
    """Return whether to colour the output, by the option, the environment and the terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (on_terminal() and os.environ.get("TERM") != "dumb")


def default_format(form: str | None, color: str = "auto") -> str:
    """Return the requested format; by default ``rich`` on a terminal or with colour, and ``plain`` elsewhere."""
    colored = color == "always" or os.environ.get("FORCE_COLOR")
    return form or ("rich" if on_terminal() or colored else "plain")


def print_table(table: Table, form: str | None, color: str) -> None:
    """Print a table to standard output."""
    click.echo(table_text(table, form, color), nl=False, color=True)


def print_pieces(pieces: Iterable[str]) -> None:
    """Print a long text to standard output, a few pieces at a time."""
    waiting = iter(pieces)
    while text := "".join(islice(waiting, PIECES)):
        click.echo(text, nl=False)


def table_text(table: Table, form: str | None, color: str) -> str:
    """Return a table as text, in the format that suits standard output."""
    from archcalc.report.render import render

    return render(table, default_format(form, color), color=wants_color(color), width=terminal_width())


def terminal_width() -> int | None:
    """Return the width of the terminal in columns; ``None`` if standard output is not a terminal."""
    if not on_terminal():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    return os.get_terminal_size(sys.stdout.fileno()).columns or None


def writes_blocks() -> bool:
    """Return whether the encoding of the output has block characters."""
    try:
        "█▏░│".encode((sys.stdout and sys.stdout.encoding) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
