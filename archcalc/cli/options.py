"""Options that several verbs share, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from archcalc.cli.warnings import ignore_option, warn
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.graph import Ref
    from archcalc.spec import GivenSettings

Command = TypeVar("Command", bound=Callable[..., Any])


def with_options(command: Command, *options: Callable[[Any], Any]) -> Command:
    """Add options to a command, which its help page lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


class PositiveInteger(click.ParamType[int]):
    """A number from 1 on."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text.isascii() and text.isdecimal() and len(text) < 1000 and int(text):
            return int(text)
        return self.fail(f"'{text[:40]}' is not a positive integer", param, ctx)


class IntegerInRange(click.IntRange):
    """An integer within bounds; the error for other texts says so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = int(value)
        except ValueError:
            return self.fail(f"'{str(value)[:40]}' is not an integer", param, ctx)
        return super().convert(number, param, ctx)


def seed_option(help: str) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--seed`` to a command."""
    return click.option("--seed", metavar="N", type=IntegerInRange(0), default=0, show_default=True, help=help)


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
        help="Fix an input of a model to a number, if branches, loops or sizes depend on it, e.g. sr=16000 "
        "(repeatable).",
    )(command)


def model_options(command: Command) -> Command:
    """Add the options for model files and modules to a command."""
    return with_options(command, value_option, declaration_option, export_options)


def declaration_option(command: Command) -> Command:
    """Add ``--layer`` to a command."""
    return click.option(
        "--layer",
        "declarations",
        multiple=True,
        metavar="NAME=CHAIN",
        help="Declare a custom layer of a Keras model, whose code is not run: its name or class, and an "
        'equivalent chain of operators, e.g. "Gate=conv 8 k1 -> sigmoid" (repeatable).',
    )(command)


def export_options(command: Command) -> Command:
    """Add ``--arg`` and ``--batch-axis`` to a command."""
    return with_options(
        command,
        click.option(
            "--arg",
            "arguments",
            multiple=True,
            metavar="NAME=VALUE",
            help="Pass an argument to a SPEC of the form package.module:object or ./file.py:object (the only kind that "
            "runs code), e.g. num_classes=10 (repeatable).",
        ),
        click.option(
            "--batch-axis",
            "batch_axes",
            multiple=True,
            metavar="INPUT=AXIS|none",
            help="The axis of the batch in an input of a model, counted from 0, or none (repeatable).  [default: 0]",
        ),
    )


def layout_option(command: Command) -> Command:
    """Add ``--layout`` to a command."""
    return click.option(
        "--layout",
        type=click.Choice(["chw", "hwc"]),
        help="Axis order of --shape, of an inline expression and of printed shapes.  [default: that of the spec]",
    )(command)


def spec_options(command: Command) -> Command:
    """Add all options that decide how a SPEC is read, ``--ignore`` and the limits to a command."""
    return with_options(command, value_option, declaration_option, spec_options_without_values)


def spec_options_without_values(command: Command) -> Command:
    """Add the same options without ``--input`` and ``--layer``, to a command that has its own."""
    return with_options(
        command,
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="Set a variable, e.g. alpha=0.5 (repeatable).",
        ),
        click.option(
            "--shape",
            "shapes",
            multiple=True,
            metavar="[INPUT=]SHAPE",
            help="Replace an input shape, e.g. 3x320x320 or image=3x64x64 (repeatable).",
        ),
        export_options,
        layout_option,
        ignore_option,
        limit_options,
    )


def partial_option(command: Command) -> Command:
    """Add ``--partial`` to a command whose output marks lower bounds."""
    return click.option(
        "--partial",
        is_flag=True,
        help="Accept a model with operators that cannot be counted: counts of operations are then lower bounds (≥), "
        "and receptive fields after such operators are unknown.",
    )(command)


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


def pairs_from(
    written: tuple[str, ...], option: str, *, form: str = "NAME=VALUE", bare: bool = False
) -> dict[str, str]:
    """Return ``NAME=VALUE`` options as a mapping.

    Args:
        written: the options.
        option: its name, for errors.
        form: what it must be, for errors.
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
            raise click.UsageError(f"{option} must be {form}, got '{text[:60]}'")
        if name.strip() in pairs:
            raise click.UsageError(f"{option} sets {name.strip()[:60] or 'the shape'} twice")
        pairs[name.strip()] = value.strip()
    return pairs


def with_model_options(given: GivenSettings, values: dict[str, Any]) -> GivenSettings:
    """Return what is given for a SPEC with the options for models, and remove these options."""
    arguments = pairs_from(values.pop("arguments"), "--arg")
    batch_axes = pairs_from(values.pop("batch_axes"), "--batch-axis", form="INPUT=AXIS")
    numbers = pairs_from(values.pop("inputs"), "--input", form="NAME=NUMBER")
    if "declarations" in values:
        written = values.pop("declarations")
    else:  # the command's own option also names layers
        written = tuple([each for each in values["layers"] if "=" in each])
        values["layers"] = tuple([each for each in values["layers"] if "=" not in each])
    layers = pairs_from(written, "--layer", form="NAME=CHAIN")
    return given._replace(arguments=arguments, batch_axes=batch_axes, values=numbers, layers=layers)


def given_from(values: dict[str, Any], *, training: bool = False) -> GivenSettings:
    """Return what a command's options give for its SPEC; remove those that only this needs.

    With ``training`` (or the option of this name), training heads that are impossible on the input are an error.
    """
    from archcalc.spec import GivenSettings

    training = training or values.get("training", False)

    settings = pairs_from(values.pop("settings"), "--set")
    shapes = pairs_from(values.pop("shapes"), "--shape", bare=True)
    heads: Literal["all", "possible"] = "all" if training else "possible"
    partial = values.get("partial", False)
    given = GivenSettings(settings, shapes, values.get("layout"), training_heads=heads, partial=partial)
    return with_model_options(given, values)


def load_network(spec: str, values: dict[str, Any], *, training: bool = False) -> Network:
    """Load the network of a command's SPEC and options, remove these options from ``values``, and print warnings.

    With ``training`` (or the option of this name), training heads that are impossible on the input are an error.
    """
    from archcalc.api import Network
    from archcalc.spec import load_spec

    limits = limits_from(values)
    given = given_from(values, training=training)
    network = Network(load_spec(spec, given, limits).in_layout(given.layout))
    warn(network.spec, values.pop("ignore", ()))
    return network


def tensor_named(network: Network, name: str, origin: str) -> Ref:
    """Return a tensor of a network by the name of its layer, input, stage, head or block call.

    Args:
        network: the network.
        name: the name.
        origin: the option or argument that names it, for errors.

    Raises:
        SpecError: there is no such tensor.
    """
    try:
        return network.tensor(name)
    except SpecError as error:
        raise SpecError([replace(problem, origin=origin) for problem in error.problems]) from None


@contextmanager
def giving_values(how: Callable[[str], str]) -> Iterator[None]:
    """Use the hint of a command for names of an inline expression that have no value, within this context.

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


def stdin_once(specs: tuple[str, ...]) -> None:
    """Fail if standard input is named more than once.

    Raises:
        click.UsageError: ``-`` is among them twice.
    """
    if specs.count("-") > 1:
        raise click.UsageError("standard input ('-') can be read only once")
