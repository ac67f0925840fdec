"""Options that several verbs share, how they are read, and the layout of help pages."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from archcalc.cli.warnings import ignore_option, warn
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.terminal import READABLE

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.report.table import Table
    from archcalc.spec import Given

Command = TypeVar("Command", bound=Callable[..., Any])

Definitions = Sequence[tuple[str, str]]
"""Terms of a help page with their explanations."""

PIECES = 1000
"""The number of pieces of a text that are printed together."""

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")
CONSOLE_FORMATS = ("rich", "plain", "text")
"""The formats for the terminal, which are written in its encoding."""
FORMAT_HELP = "Output format.  [default: rich on a terminal, else plain]"
COLOR_HELP = "Whether to use colour.  [default: auto, by the terminal, NO_COLOR and FORCE_COLOR]"

CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Environment variables in which CI servers name the folder that they checked out."""


class PositiveInteger(click.ParamType[int]):
    """A number from 1 on."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text.isascii() and text.isdecimal() and len(text) < 1000 and int(text):
            return int(text)
        return self.fail(f"'{text[:40]}' is not a positive integer", param, ctx)


def complete_spec(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Return the bundled names or files that complete a word, for the shell."""
    from click.shell_completion import CompletionItem

    from archcalc.spec.zoo import bundled

    names = [CompletionItem(name) for name in bundled() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def spec_argument(command: Command) -> Command:
    """Add the argument ``SPEC`` to a command."""
    return click.argument("spec", shell_complete=complete_spec)(command)


LIMITS = {
    "layers": "Layers of a network after expansion.",
    "nesting": "Levels of nested brackets, blocks or lists.",
    "bytes": "Size of a spec in bytes.",
    "words": "Words and brackets of a spec.",
    "digits": "Decimal digits of a number.",
    "axes": "Axes of a tensor.",
}


def limit_options(command: Command) -> Command:
    """Add an option for each of the limits to a command."""
    for name in reversed(Limits._fields):
        command = click.option(
            f"--max-{name}",
            type=PositiveInteger(),
            default=getattr(DEFAULT, name),
            show_default=True,
            help=LIMITS[name],
        )(command)
    return command


def value_option(command: Command) -> Command:
    """Add ``--input`` with values, which decide what a model does, to a command."""
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="NAME=NUMBER",
        help="Fix an input of a model file to a number, where branches, loops or sizes depend on it, e.g. sr=16000 "
        "(repeatable).",
    )(command)


def model_options(command: Command) -> Command:
    """Add the options for model files and modules to a command."""
    return value_option(declaration_option(export_options(command)))


def declaration_option(command: Command) -> Command:
    """Add ``--layer`` to a command."""
    return click.option(
        "--layer",
        "declarations",
        multiple=True,
        metavar="NAME=EXPRESSION",
        help="Declare a layer of a Keras model that only its own code knows, by its name or class and an expression of "
        'one tensor, e.g. "my_layer=relu" (repeatable).',
    )(command)


def export_options(command: Command) -> Command:
    """Add ``--arg`` and ``--batch-axis`` to a command."""
    command = click.option(
        "--batch-axis",
        "batch_axes",
        multiple=True,
        metavar="INPUT=AXIS|none",
        help="Which axis of an input of a model is the batch, counted from 0 (repeatable).  [default: 0]",
    )(command)
    return click.option(
        "--arg",
        "arguments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Pass an argument to a SPEC of the form package.module:object or ./file.py:object (the only kind that "
        "runs code), e.g. num_classes=10 (repeatable).",
    )(command)


def layout_option(command: Command) -> Command:
    """Add ``--layout`` to a command."""
    return click.option(
        "--layout",
        type=click.Choice(["chw", "hwc"]),
        help="Axis order of --shape, of an inline expression and of printed shapes.  [default: that of the spec]",
    )(command)


def spec_options(command: Command) -> Command:
    """Add all options that decide how a SPEC is read, ``--ignore`` and the limits to a command."""
    return value_option(declaration_option(spec_options_without_values(command)))


def spec_options_without_values(command: Command) -> Command:
    """Add the same options without ``--input`` and ``--layer``, to a command that has its own."""
    command = export_options(layout_option(ignore_option(limit_options(command))))
    command = click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="[INPUT=]SHAPE",
        help="Replace an input shape, e.g. 3x320x320 or image=3x64x64 (repeatable).",
    )(command)
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable, e.g. alpha=0.5 (repeatable).",
    )(command)


def partial_option(command: Command) -> Command:
    """Add ``--partial`` to a command whose output marks lower bounds."""
    return click.option(
        "--partial",
        is_flag=True,
        help="Accept a model with operators that cannot be counted; totals are then lower bounds (≥).",
    )(command)


def utf8_output() -> None:
    """Let standard output be UTF-8, whatever the locale: documents are read by programs and on other machines."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=READABLE)


def utf8_documents(ctx: click.Context, option: click.Parameter, form: str | None) -> str | None:
    """Return the value of ``--format``, and let standard output be UTF-8 unless people are to read it directly."""
    if form not in (None, *CONSOLE_FORMATS):
        utf8_output()
    return form


def output_options(*formats: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--format``, with these formats, and ``--color`` to a command."""

    def decorate(command: Command) -> Command:
        command = click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help=COLOR_HELP,
        )(command)
        return click.option(
            "--format",
            "form",
            type=click.Choice(formats or FORMATS),
            callback=utf8_documents,
            help=FORMAT_HELP,
        )(command)

    return decorate


def joined_values(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return the values of a repeatable option, each a list, as one list separated by commas; ``None`` without any."""
    return ",".join(values) or None


def single_value(hint: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], str | None]:
    """Return a callback that admits one value of an option only: the first of two would be lost silently otherwise.

    The hint says what to do instead.
    """

    def only(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> str | None:
        if len(values) > 1:
            raise click.UsageError(f"{option.opts[0]} is given {len(values)} times: {hint}")
        return values[0] if values else None

    return only


def limits_from(values: dict[str, Any]) -> Limits:
    """Return the limits among a command's options, and remove them from these."""
    return Limits(**{name: values.pop(f"max_{name}") for name in Limits._fields})


def pairs_from(written: tuple[str, ...], option: str, *, bare: bool = False) -> dict[str, str]:
    """Return ``NAME=VALUE`` options as a mapping.

    Args:
        written: the options.
        option: its name, for errors.
        bare: whether a value may be given without a name; its name is then empty.

    Raises:
        click.UsageError: a text of another form, or a name that is given twice.
    """
    pairs = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals and bare:
            name, value = "", text
        elif not equals or not name.strip():
            raise click.UsageError(f"{option} must be NAME=VALUE, got '{text[:60]}'")
        if name.strip() in pairs:
            raise click.UsageError(f"{option} sets {name.strip()[:60] or 'the shape'} twice")
        pairs[name.strip()] = value.strip()
    return pairs


def with_model_options(given: Given, values: dict[str, Any]) -> Given:
    """Return what is given for a SPEC with the options for models, and remove these options."""
    arguments = pairs_from(values.pop("arguments"), "--arg")
    batch_axes = pairs_from(values.pop("batch_axes"), "--batch-axis")
    numbers = pairs_from(values.pop("inputs"), "--input")
    if "declarations" in values:
        written = values.pop("declarations")
    else:  # the command's own option also names layers
        written = tuple([each for each in values["layers"] if "=" in each])
        values["layers"] = tuple([each for each in values["layers"] if "=" not in each])
    layers = pairs_from(written, "--layer")
    return given._replace(arguments=arguments, batch_axes=batch_axes, values=numbers, layers=layers)


def given_from(values: dict[str, Any], *, training: bool = False) -> Given:
    """Return what a command's options give for its SPEC; remove those that only this needs.

    With ``training`` (or the option of this name), training heads that are impossible on the input are an error.
    """
    from archcalc.spec import Given

    training = training or values.get("training", False)

    settings = pairs_from(values.pop("settings"), "--set")
    shapes = pairs_from(values.pop("shapes"), "--shape", bare=True)
    heads: Literal["all", "possible"] = "all" if training else "possible"
    partial = values.get("partial", False)
    given = Given(settings, shapes, values.get("layout"), training_heads=heads, partial=partial)
    return with_model_options(given, values)


def load_network(spec: str, values: dict[str, Any], *, training: bool = False) -> Network:
    """Load the network of a command's SPEC and options, remove these options from ``values``, and print warnings.

    With ``training`` (or the option of this name), training heads that are impossible on the input are an error.
    """
    from archcalc.api import Network
    from archcalc.spec import load_spec

    limits = limits_from(values)
    network = Network(load_spec(spec, given_from(values, training=training), limits))
    warn(network.spec, values.pop("ignore", ()))
    return network


@contextmanager
def giving_values(how: Callable[[str], str]) -> Iterator[None]:
    """Within this context, the hint for a name of an inline expression without a value is that of the command.

    Args:
        how: returns the option that gives a name its value.
    """
    try:
        yield
    except SpecError as error:
        raise SpecError(
            [
                replace(problem, hint=how(problem.undefined)) if problem.undefined else problem
                for problem in error.problems
            ]
        ) from None


class VerbCommand(click.Command):
    """A command whose help page ends with sections of definitions and, last, the limits.

    Args:
        sections: the titles of the sections with their definitions.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Definitions] | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.sections = sections or {}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all options but the limits."""
        self._write_section("Options", self._option_records(ctx, limits=False), formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections of definitions, the epilog and the limits."""
        for title, definitions in self.sections.items():
            self._write_section(title, definitions, formatter)
        super().format_epilog(ctx, formatter)
        self._write_section("Limits", self._option_records(ctx, limits=True), formatter)

    def _option_records(self, ctx: click.Context, *, limits: bool) -> Definitions:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        chosen = [option for option in options if (option.name or "").startswith("max_") == limits]
        return [record for option in chosen if (record := option.get_help_record(ctx)) is not None]

    def _write_section(self, title: str, definitions: Definitions, formatter: click.HelpFormatter) -> None:
        if definitions:
            with formatter.section(title):
                formatter.write_dl(definitions)


class SpecCommand(VerbCommand):
    """A command whose first argument is a SPEC, which the shell may have split into words."""

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
    """Fail if there are more arguments than a command takes.

    Raises:
        click.UsageError: there are surplus arguments.
    """
    if not surplus:
        return
    rest = " ".join(surplus)[:60]
    if spec[:1].isdigit():
        raise click.UsageError(
            f"unexpected argument '{rest}': quote an inline expression, because the shell interprets the '>' of '->': "
            f'"{spec[:60]} -> conv 6 k5"'
        )
    raise click.UsageError(f"unexpected argument '{rest}'")


def stdin_once(specs: tuple[str, ...]) -> None:
    """Fail if standard input is named more than once.

    Raises:
        click.UsageError: ``-`` is among them twice.
    """
    if specs.count("-") > 1:
        raise click.UsageError("standard input ('-') can be read only once")


def checkout() -> str | None:
    """Return the folder that a CI server checked out, to which the files of its reports are relative; else ``None``."""
    return next((os.environ[name] for name in CHECKOUTS if os.environ.get(name)), None)


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


def quantity_definitions(names: Iterable[str]) -> Definitions:
    """Return the quantities of these names with their meanings, for a help page."""
    from archcalc.query.quantities import QUANTITIES

    return [(name, QUANTITIES[name].meaning) for name in names]
