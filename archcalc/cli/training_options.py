"""Options on how a network is trained, and on number formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from archcalc.analysis.counts import TRAINING
from archcalc.analysis.formats import BITS, KINDS, read_format, read_formats
from archcalc.analysis.training.setup import DEFAULT_SETUP, OPTIMIZERS, TrainingSetup, split_star
from archcalc.cli.options import Command, with_options
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.graph import Graph


class FormatsText(click.ParamType[str]):
    """Number formats, as text: one, or one per kind of tensor."""

    name = "formats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(read_formats(str(value)))
        except ValueError as error:
            return self.fail(str(error), param, ctx)


class FormatText(click.ParamType[str]):
    """One number format."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return read_format(str(value))
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def dtype_option(command: Command) -> Command:
    """Add ``--dtype`` to a command whose quantities are in bytes."""
    return click.option(
        "--dtype",
        type=FormatsText(),
        metavar="FORMAT|KIND=FORMAT,…",
        default="float32",
        show_default=True,
        help=f"Number format for memory: {', '.join(BITS)}; or one per kind of tensor ({', '.join(KINDS)}): "
        "weights=int4,activations=float16.",
    )(command)


def training_setup_options(command: Command) -> Command:
    """Add the options on how the network is trained to a command."""
    return with_options(
        command,
        click.option(
            "--optimizer",
            type=click.Choice(list(OPTIMIZERS)),
            default="sgd",
            show_default=True,
            help="Optimizer, whose state is part of training_memory.",
        ),
        click.option(
            "--freeze",
            multiple=True,
            metavar="NAMES",
            help="Layers, stages or block calls that are not trained: stem,conv2_x (repeatable).",
        ),
        click.option(
            "--inplace", is_flag=True, help="Let activations and dropout overwrite their input where that is possible."
        ),
        click.option(
            "--master",
            type=FormatText(),
            metavar="FORMAT",
            help="Keep a second copy of the weights, and the optimizer's state, in this format (mixed precision).",
        ),
        click.option(
            "--checkpoint",
            multiple=True,
            metavar="NAMES",
            help="Stages or block calls that keep only their inputs, and recompute the rest in the backward pass; "
            "STAGE/*: each entry of a stage separately (repeatable).",
        ),
    )


def training_options(command: Command) -> Command:
    """Add the options on how the network is trained, and ``--as pytorch``, to a command."""
    keeper = click.option(
        "--as",
        "keeper",
        type=click.Choice(["pytorch"]),
        help="For saved and training_memory, take the tensors that PyTorch keeps, although fewer are needed.",
    )
    return training_setup_options(keeper(command))


def setup_from(values: dict[str, Any]) -> TrainingSetup:
    """Return the setup of a command's options, and remove these."""
    return TrainingSetup(
        optimizer=values.pop("optimizer"),
        frozen=_names(values.pop("freeze")),
        in_place=values.pop("inplace"),
        master=values.pop("master") or "",
        checkpoints=_names(values.pop("checkpoint")),
        as_pytorch=values.pop("keeper", None) == "pytorch",
    )


def require_training(setup: TrainingSetup, targets: Iterable[str]) -> None:
    """Fail if it is said how a network is trained, although nothing that is printed depends on it.

    Raises:
        click.UsageError: none of the targets is a quantity of a training step.
    """
    changed = {
        "--optimizer": setup.optimizer != DEFAULT_SETUP.optimizer,
        "--freeze": setup.frozen,
        "--inplace": setup.in_place,
        "--master": setup.master,
        "--checkpoint": setup.checkpoints,
        "--as pytorch": setup.as_pytorch,
    }
    given = [option for option, is_given in changed.items() if is_given]
    if given and not {target.rpartition(".")[2] for target in targets} & {*TRAINING}:
        does = "does" if len(given) == 1 else "do"
        which = f"{', '.join(TRAINING[:-1])} and {TRAINING[-1]}"
        raise click.UsageError(f"{' and '.join(given)} {does} not change what is printed, but only {which}")


def _names(written: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for each in written for name in each.split(",") if name.strip()))


def require_places(setup: TrainingSetup, graph: Graph) -> None:
    """Fail if a place of a setup does not exist.

    Raises:
        SpecError: the network has no such layer, stage or block call, or checkpoints overlap.
    """
    from archcalc.analysis.training.setup import layers_of_setup
    from archcalc.query.places import find_place

    for option, names in (("--freeze", setup.frozen), ("--checkpoint", setup.checkpoints)):
        for name in names:
            try:
                find_place(split_star(name)[0], graph)
            except LookupError as error:
                fail("unknown-name", error.args[0], hint=error.args[1], origin=option)
    try:
        layers_of_setup(setup, graph)
    except LookupError as error:
        fail("argument", error.args[0], hint=error.args[1], origin="--checkpoint")
