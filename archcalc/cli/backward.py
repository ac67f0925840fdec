"""``archcalc run --backward``: the gradients of a loss with respect to inputs, layers and stored arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from archcalc.arrays.texts import DIGITS, float_text, shape_text
from archcalc.cli.array_output import require_room, write_arrays_to
from archcalc.cli.by_hand_output import worked_text
from archcalc.cli.execution import array_errors, progress
from archcalc.cli.given_arrays import given_array
from archcalc.cli.options import Command, with_options
from archcalc.cli.output import default_format, print_table
from archcalc.cli.run_table import array_record, not_finite, range_of, values_table
from archcalc.executor.loss_kinds import LOSSES, LossKind
from archcalc.report.json_text import write_json
from archcalc.report.table import Column, Table, bytes_text
from archcalc.spec.errors import fail, listing, suggest

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.backward import BackwardResult
    from archcalc.executor.kernel import Array
    from archcalc.executor.losses import Loss
    from archcalc.executor.training import TrainingStep

WITHOUT = {
    "exact": "--exact",
    "repeat": "--repeat",
    "folds": "--fold",
    "save_weights": "--save-weights",
    "printed": "--print",
    "steps": "--steps",
    "momentum": "--momentum",
    "svg": "--svg",
}
"""Options of a forward pass that a backward pass does not have."""


def backward_options(command: Command) -> Command:
    """Add the options of a backward pass to a command."""
    return with_options(
        command,
        click.option(
            "--backward",
            is_flag=True,
            help="Compute and print the gradients of a loss of the output (or of the layers of --layer). --at then "
            "works out numbers of gradients, e.g. conv_1.weight:0,0,1,1.",
        ),
        click.option(
            "--loss",
            type=click.Choice(LOSSES),
            help="The loss: the sum of the output, the mean squared error, or the cross-entropy (of logits, or of "
            "probabilities if the last layer is a softmax).  [default: sum]",
        ),
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="[NAME=]ARRAY",
            help="What the loss compares an output with: for cross_entropy, the number of the correct class of every "
            "example, counted from 0; for mse, an array with the shape of the output. Written as for --input "
            "(repeatable, for several outputs).",
        ),
        click.option(
            "--upstream",
            metavar="ARRAY",
            help="The gradient of the output, instead of a loss.",
        ),
        click.option(
            "--grad",
            "wanted",
            multiple=True,
            metavar="NAME,…",
            help="What to compute the gradients of: inputs, layers (their outputs), stored arrays such as "
            "conv_1.weight (repeatable).  [default: all inputs and trained arrays]",
        ),
    )


def check_options(values: Mapping[str, Any]) -> None:
    """Fail if options for a backward pass stand without ``--backward``, or with options that it does not have."""
    if not values["backward"]:
        given = {"--loss": values["loss"], "--target": values["targets"], "--grad": values["wanted"]}
        for option, value in {**given, "--upstream": values["upstream"]}.items():
            if value:
                raise click.UsageError(f"{option} belongs to a backward pass: add --backward")
        return
    for key, option in WITHOUT.items():
        if values[key]:
            raise click.UsageError(f"{option} applies to a forward pass only: run without --backward")
    check_loss(values["loss"], values["targets"], values["upstream"])


def check_loss(loss: str | None, targets: Sequence[str], upstream: str | None) -> None:
    """Fail if the options on the loss do not fit together."""
    if upstream and (loss or targets):
        raise click.UsageError("--upstream takes the place of a loss: omit --loss and --target")
    if targets and (loss or "sum") == "sum":
        raise click.UsageError("--target belongs to --loss mse or --loss cross_entropy")


def run_backward(
    network: Network,
    inputs: Mapping[str, Array],
    weights: Mapping[str, Array],
    outputs: Sequence[str],
    step: TrainingStep,
    values: Mapping[str, Any],
    form: str | None,
    color: str,
) -> None:
    """Compute the gradients that the options ask for, and print or write them.

    Args:
        network: the network.
        inputs: all inputs, batch in front.
        weights: all stored arrays.
        outputs: the names of the tensors that the loss is computed from.
        step: the masks of dropout that are given.
        values: the options of the command.
        form: the format.
        color: when to use colour.

    Raises:
        SpecError: a loss, a target or a name that does not fit.
    """
    from archcalc.cli.backward_by_hand import worked_gradients
    from archcalc.executor.backward import gradients
    from archcalc.executor.recorded_gradients import RecordedGradients, layers_to_keep
    from archcalc.report.worked_solution import record

    training = values["mode"] == "train"
    loss = loss_of(network, outputs, values, batch=len(next(iter(inputs.values()))))
    names = wanted_names(network, list(loss.terms), values, training=training)
    require_room(values["output"], names, "--grad", "gradients")
    with progress(network.name, 2 * len(network.graph.nodes)) as advance, array_errors("--grad"):
        found = gradients(
            network.graph,
            inputs,
            weights,
            loss,
            names,
            training=training,
            seed=values["seed"],
            step=step,
            keep=layers_to_keep(network.graph, [place.layer for place in values["places"]]),
            observe=advance,
        )
    if values["output"] is not None:
        write_arrays_to(values["output"], found.gradients, "--output")
        if values["output"] == "-":
            return
    form = default_format(form, color)
    digits = values["digits"] or DIGITS
    recorded = RecordedGradients(network.graph, found, loss, values["seed"], step)
    worked = worked_gradients(recorded, values["places"])
    if form == "json":
        extra = {"worked": [record(each.worked) for each in worked]} if worked else {}
        click.echo(write_json({**document(network, found, values), **extra}), nl=False)
    elif worked:
        click.echo("\n".join([worked_text(each, form, digits) for each in worked]), nl=False)
    else:
        print_gradients(network, found, values, form, color)


def loss_of(network: Network, outputs: Sequence[str], values: Mapping[str, Any], *, batch: int) -> Loss:
    """Return the loss of the outputs as the options say.

    Raises:
        SpecError: a target is missing, unknown or does not fit.
    """
    from archcalc.executor.losses import loss_of as loss_of_arrays
    from archcalc.executor.losses import target_shape
    from archcalc.executor.written_arrays import float_arrays

    kind: LossKind = values["loss"] or "sum"
    graph, refs = network.graph, {name: network.tensor(name) for name in outputs}

    def read(text: str, name: str, what: str, origin: str) -> Array:
        with array_errors("--loss"):
            shape = target_shape(kind, graph, refs[name], name)
        one = shape or (batch,)  # one number for every example
        array = given_array(text, one, f"the {what} of '{name}'", origin, batch=batch if shape else None)
        return float_arrays({name: array})[name]

    if values["upstream"]:
        array = read(values["upstream"], outputs[0], "gradient", "--upstream")
        with array_errors("--upstream"):
            return loss_of_arrays(graph, kind, refs, {}, array, batch=batch)
    texts = given_targets(outputs, values["targets"])
    if kind != "sum" and not texts:
        number = "the number of the class, such as --target 3"
        what = number if kind == "cross_entropy" else "an array with the shape of the output"
        fail("missing", f"the loss {kind} needs a target", hint=f"give it with --target: {what}", origin="--loss")
    targets = {name: read(text, name, "target", "--target") for name, text in texts.items()}
    with array_errors("--target"):
        return loss_of_arrays(graph, kind, {name: refs[name] for name in targets or refs}, targets, None, batch=batch)


def given_targets(outputs: Sequence[str], written: Sequence[str]) -> dict[str, str]:
    """Return the text of the target of every output that has one.

    Raises:
        SpecError: an unknown output, or two targets for one.
    """
    found: dict[str, str] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals:
            name, array = outputs[0], text
        if name not in outputs:
            hint = suggest(name, outputs, listing("output", outputs))
            fail("unknown-name", f"no output '{name[:60]}'", hint=hint, origin="--target")
        if name in found:
            fail("argument", f"two targets for the output '{name}'", hint="write NAME=ARRAY", origin="--target")
        found[name] = array
    return found


def wanted_names(network: Network, outputs: Sequence[str], values: Mapping[str, Any], *, training: bool) -> list[str]:
    """Return the names of what the gradients are asked for of.

    Raises:
        SpecError: a name that does not exist.
    """
    from archcalc.executor.paths import Paths
    from archcalc.executor.weights import stored_array_shapes

    asked = [name.strip() for text in values["wanted"] for name in text.split(",") if name.strip()]
    names = [*asked, *(place.layer for place in values["places"])]
    known = stored_array_shapes(network.graph, training=training)
    for name in names:
        if name not in known and network.graph.find(name) is None:
            layer = name.rpartition(".")[0]
            own = [each for each in known if each.startswith(f"{layer}.")]
            hint = suggest(name, [*known, *(node.name for node in network.graph.nodes)])
            if layer and own:
                hint = f"'{layer[:60]}' stores {', '.join(each.removeprefix(f'{layer}.') for each in own)}"
            unknown = f"no input, layer or stored array '{name[:60]}'"
            fail("unknown-name", unknown, hint=hint, origin="--grad" if name in asked else "--at")
    if names:
        return list(dict.fromkeys(names))
    return Paths.derivable(network.graph, outputs, training=training)


# --- printing ---


def symbol(name: str) -> str:
    """Return how the gradient of a tensor or array is written."""
    return f"∂L/∂{name}"


def print_gradients(network: Network, found: BackwardResult, values: Mapping[str, Any], form: str, color: str) -> None:
    """Print the loss, small gradients in full, and a table of the others."""
    from archcalc.report.matrices import is_small

    asked = bool(values["wanted"])
    small = [name for name in found.gradients if asked and is_small(found.of_example(name))]
    if form in ("plain", "rich"):
        click.echo(f"loss: {float_text(found.loss, values['digits'] or DIGITS)}{_kind(values)}")
        for line in gradient_lines(found, small, values["digits"] or DIGITS):
            click.echo(line)
    elif small:
        shown = {symbol(name): _without_batch_of_one(found, name) for name in small}
        print_table(values_table("gradient", shown, values["digits"] or DIGITS), form, color)
    if len(small) < len(found.gradients):
        print_table(summary(network, found, [name for name in found.gradients if name not in small]), form, color)


def _kind(values: Mapping[str, Any]) -> str:
    if values["upstream"]:
        return " (the output times its given gradient)"
    return {"mse": " (mean squared error)", "cross_entropy": " (cross-entropy)"}.get(values["loss"], " (sum)")


def _without_batch_of_one(found: BackwardResult, name: str) -> Array:
    g = found.gradients[name]
    return g if name in found.arrays or len(g) > 1 else found.of_example(name)


def gradient_lines(found: BackwardResult, names: Sequence[str], digits: int) -> Iterator[str]:
    """Yield the lines of gradients in full."""
    from archcalc.report.matrices import array_lines

    for name in names:
        batch = name not in found.arrays
        yield from array_lines(symbol(name), found.gradients[name], batch=batch, digits=digits)


def summary(network: Network, found: BackwardResult, names: Sequence[str]) -> Table:
    """Return the table of the shapes, ranges and norms of gradients."""
    import numpy as np

    columns = (
        Column("gradient", "gradient", folds=True),
        Column("shape", "shape"),
        Column("min", "min", "right"),
        Column("mean", "mean", "right"),
        Column("max", "max", "right"),
        Column("norm", "norm", "right"),
    )
    rows = []
    for name in names:
        g = found.gradients[name]
        numbers = (*range_of(g), np.sqrt(np.square(g, dtype="float64").sum()))
        texts = [None if number is None else float_text(number) for number in numbers]
        rows.append((symbol(name), shape_text(g.shape), *texts))
    times = f"time: forward {found.run.seconds * 1000:,.1f} ms, backward {found.seconds * 1000:,.1f} ms"
    kept = f"{bytes_text(found.saved)} of tensors kept for the backward pass"
    wrong = [note for name, g in found.gradients.items() for note in not_finite(symbol(name), g)]
    return Table(columns, tuple(rows), title=network.name, notes=(*wrong, f"{times}; {kept}"))


def document(network: Network, found: BackwardResult, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return gradients as data: small ones in full, of large ones the range."""
    from archcalc.report.matrices import is_small

    entries = [
        {"gradient": name, **array_record(g, in_full=is_small(found.of_example(name)) or name in values["wanted"])}
        for name, g in found.gradients.items()
    ]
    return {"network": network.name, "loss": found.loss, "gradients": entries}
