"""Options that several verbs share, and what becomes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from archcalc.spec.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.report.table import Table

Command = TypeVar("Command", bound=Callable[..., Any])

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")


def complete_spec(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Bundled names and files, for the shell."""
    from click.shell_completion import CompletionItem

    from archcalc.spec.locate import bundled

    names = [CompletionItem(name) for name in bundled() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def spec_argument(command: Command) -> Command:
    """``SPEC``."""
    return click.argument("spec", shell_complete=complete_spec)(command)


BOUNDS = {
    "layers": "layers after expansion",
    "nesting": "brackets, blocks or lists inside one another",
    "bytes": "size of a spec",
    "words": "words and brackets of a spec",
    "digits": "digits of any number",
    "axes": "axes of any tensor",
}


def bound_options(command: Command) -> Command:
    """The bounds."""
    for name in reversed(Limits._fields):
        command = click.option(
            f"--max-{name}",
            type=click.IntRange(1),
            default=getattr(DEFAULT, name),
            show_default=True,
            help=f"Bound: {BOUNDS[name]}.",
        )(command)
    return command


def spec_options(command: Command) -> Command:
    """``--set``, ``--shape`` and the bounds."""
    command = bound_options(command)
    command = click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="[INPUT=]SHAPE",
        help="Use another input shape, e.g. 3x320x320 or image=3x64x64 (repeatable).",
    )(command)
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable, e.g. alpha=0.5 (repeatable).",
    )(command)


def output_options(*formats: str) -> Callable[[Command], Command]:
    """``--format`` and ``--color``."""

    def decorate(command: Command) -> Command:
        command = click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour; auto follows the terminal, NO_COLOR and FORCE_COLOR.",
        )(command)
        return click.option(
            "--format",
            "form",
            type=click.Choice(formats or FORMATS),
            help="Output format.  [default: rich on a terminal, plain in a pipe]",
        )(command)

    return decorate


def listed(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
    """The values of a repeatable option (one list each) as one list between commas."""
    return ",".join(values) or None


def once(hint: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], str | None]:
    """The only value of a repeatable option: a second one is an error, lest the first be lost without a word."""

    def only(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
        if len(values) > 1:
            raise click.UsageError(f"{option.opts[0]} is given {len(values)} times: {hint}")
        return values[0] if values else None

    return only


def limits_from(values: dict[str, Any]) -> Limits:
    """The bounds among a command's options, which they leave."""
    return Limits(**{name: values.pop(f"max_{name}") for name in Limits._fields})


def pairs_from(written: tuple[str, ...], option: str, *, bare: bool = False) -> dict[str, str]:
    """``NAME=VALUE`` options as a mapping; with ``bare``, a value alone goes under the empty name."""
    pairs = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals and bare:
            name, value = "", text
        elif not equals or not name.strip():
            raise click.UsageError(f"{option} takes NAME=VALUE, got '{text[:60]}'")
        if name.strip() in pairs:
            raise click.UsageError(f"{option} gives {name.strip()[:60] or 'the shape'} twice: only one can hold")
        pairs[name.strip()] = value.strip()
    return pairs


def load_network(spec: str, values: dict[str, Any]) -> Network:
    """The network of a command's SPEC and options (which leave ``values``)."""
    from archcalc.api import load

    limits = limits_from(values)
    settings = pairs_from(values.pop("settings"), "--set")
    shapes = pairs_from(values.pop("shapes"), "--shape", bare=True)
    return load(spec, set=settings, shapes=shapes, layout=values.get("layout"), limits=limits)


class SpecCommand(click.Command):
    """A command whose first argument is a SPEC, which the shell may have torn apart."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name == "->":
                no_surplus(words[0], tuple(words[1:]))
            raise

    def invoke(self, ctx: click.Context) -> Any:
        no_surplus(ctx.params["spec"], tuple(ctx.args))
        return super().invoke(ctx)


def no_surplus(spec: str, surplus: tuple[str, ...]) -> None:
    """Fail where there are more arguments than a command takes.

    Raises:
        click.UsageError: there are surplus arguments.
    """
    if not surplus:
        return
    rest = " ".join(surplus)[:60]
    if spec[:1].isdigit():
        raise click.UsageError(
            f"unexpected '{rest}': quote an expression, or the shell takes the '>' of '->' for itself: "
            f'"{spec[:60]} -> conv 6 k5"'
        )
    raise click.UsageError(f"unexpected '{rest}'")


def stdin_once(specs: tuple[str, ...]) -> None:
    """Fail where several specs are to come from standard input.

    Raises:
        click.UsageError: ``-`` is among them twice.
    """
    if specs.count("-") > 1:
        raise click.UsageError("standard input ('-') can be read only once")


def on_terminal() -> bool:
    """Whether people read along."""
    return sys.stdout is not None and sys.stdout.isatty()


def wants_color(color: str) -> bool:
    """Whether to colour, by option, environment and terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (on_terminal() and os.environ.get("TERM") != "dumb")


def default_format(form: str | None, color: str = "auto") -> str:
    """The format asked for, or what suits the place the output goes to (and colour, where that is asked for)."""
    colored = color == "always" or os.environ.get("FORCE_COLOR")
    return form or ("rich" if on_terminal() or colored else "plain")


def print_table(table: Table, form: str | None, color: str) -> None:
    """Write a table to standard output."""
    click.echo(table_text(table, form, color), nl=False, color=True)


def table_text(table: Table, form: str | None, color: str) -> str:
    """A table as it is written to standard output."""
    from archcalc.report.render import render

    return render(table, default_format(form, color), color=wants_color(color), width=terminal_width())


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; ``None`` if it is none."""
    if not on_terminal():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    return os.get_terminal_size(sys.stdout.fileno()).columns or None


def described(names: Iterable[str]) -> str:
    """The quantities of these names with what they mean, for the end of a help page."""
    from archcalc.query.quantities import QUANTITIES

    known = [QUANTITIES[name] for name in names]
    width = max(len(each.name) for each in known)
    return "\n".join(["\b", "QUANTITY is one of", *(f"  {each.name:<{width}}  {each.meaning}" for each in known)])
