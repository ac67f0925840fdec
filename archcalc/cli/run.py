"""``archcalc run``: evaluate a network on arrays."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from archcalc.cli.array_output import require_room, write_arrays_to
from archcalc.cli.backward import backward_options, check_options, run_backward
from archcalc.cli.by_hand import EvaluatedNetwork, RecordedTensors, TrainingRun, read_places
from archcalc.cli.by_hand_output import print_by_hand
from archcalc.cli.commands import SpecCommand
from archcalc.cli.exact_run import evaluate_steps_exactly
from archcalc.cli.execution import array_errors, different_files, memory_option, progress, require_memory
from archcalc.cli.given_arrays import batch_of, converted, given_inputs, given_weights, stored_arrays
from archcalc.cli.options import (
    IntegerInRange,
    PositiveInteger,
    load_network,
    seed_option,
    spec_argument,
    spec_options_without_values,
    tensor_named,
)
from archcalc.cli.output import output_options, print_table
from archcalc.cli.run_table import notes_on_run, table
from archcalc.cli.training_steps import Momentum, given_masks, with_averages
from archcalc.spec.errors import fail
from archcalc.spec.models import FIXES_INPUTS

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv", "json")
MAX_WORKERS = 64
WARM_UP_RUNS = 2
"""Runs before those that are timed: the first is recorded, and touches memory that has not been used before."""
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|true|false")


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]ARRAY|NAME=NUMBER",
    help="An input, channels first, with or without a batch axis: rows of numbers such as '1 2; 3 4', a nested list, "
    "ones, zeros, arange, eye, random, or a file (.npy, .csv, .tsv, .txt, .json). NAME=NUMBER fixes an input of a "
    ".pt2, .onnx or .tflite model, if branches, loops or sizes depend on it (repeatable; with --steps, once for every "
    "step).  [default: random]",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="FILE|NAME=ARRAY",
    help="FILE: read the stored arrays from an .npz file, which names them layer.weight, layer.bias, …, or from a "
    "checkpoint (.safetensors, .pth, .pt, .bin, .ckpt, .h5) or a .keras file. NAME=ARRAY: set one array, written as "
    "for --input (repeatable).  "
    "[default: random]",
)
@click.option(
    "--output",
    metavar="FILE",
    help="Write the output to an .npy file, or several by name to an .npz file. '-' is standard output.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME[=CHAIN]",
    help="Use the output of this layer, stage or block call instead of that of the network. NAME=CHAIN: declare a "
    "custom layer of a Keras model, as for `show` (repeatable).",
)
@click.option(
    "--print",
    "printed",
    multiple=True,
    metavar="NAME",
    help="Also print the numbers of the output of this layer, or of an input (repeatable).",
)
@click.option(
    "--at",
    "places",
    multiple=True,
    metavar="LAYER[:INDEX]",
    callback=read_places,
    help="Work out one number of the output of a layer step by step, e.g. conv_1:0,2,2, or all numbers of a small "
    "layer; with --backward, a gradient, e.g. conv_1.weight:0,0,1,1 (repeatable).",
)
@click.option(
    "--svg",
    metavar="FILE",
    help="Draw how the number of --at is computed, for a convolution or a pooling layer: the window on the input, the "
    "weights, the products and the output.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Compute in fractions, and leave roots unevaluated (for small networks).",
)
@click.option("--digits", type=IntegerInRange(1, 17), metavar="N", help="Significant digits to print.  [default: 6]")
@click.option(
    "--save-weights",
    metavar="FILE",
    help="Write the stored arrays to an .npz file; with --mode train, as updated by the run.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Number format of the computation.",
)
@click.option("--batch", type=PositiveInteger(), help="Number of examples in random inputs.  [default: 1]")
@seed_option("Seed of random weights, inputs, layers and dropout.")
@click.option(
    "--mode",
    type=click.Choice(["inference", "train"]),
    default="inference",
    show_default=True,
    help="train: use batch statistics and update their moving averages, apply dropout, run training heads; "
    "weights are not trained.",
)
@click.option(
    "--steps",
    type=PositiveInteger(),
    metavar="N",
    help="Number of training steps. Each starts from the moving averages of the step before it; their updates are "
    "printed step by step.  [default: 1]",
)
@click.option(
    "--momentum",
    type=Momentum(),
    metavar="CONVENTION[:NUMBER]",
    help="How moving averages are updated: pytorch, whose momentum is the weight of the batch (0.1), or tensorflow, "
    "whose momentum is that of the old value (0.99); a number replaces the momentum: tensorflow:0.9.  "
    "[default: pytorch]",
)
@click.option(
    "--mask",
    "masks",
    multiple=True,
    metavar="NAME=ARRAY",
    help="The mask of a dropout layer in training, with 1 for what is kept, written as for --input (repeatable).  "
    "[default: random]",
)
@click.option(
    "--repeat",
    type=IntegerInRange(0),
    metavar="N",
    default=0,
    help="Time N more runs, after two warm-up runs.",
)
@click.option(
    "--workers",
    type=IntegerInRange(1, MAX_WORKERS),
    metavar="N",
    default=1,
    show_default=True,
    help="Number of processes that share every layer of the repeated runs.",
)
@click.option(
    "--winograd",
    is_flag=True,
    help="Compute 3×3 convolutions of the repeated runs by Winograd's algorithm where that is faster.",
)
@click.option("--fold", "folds", is_flag=True, help="Fold batch norms into their neighbours first (inference only).")
@backward_options
@spec_options_without_values
@memory_option
@output_options(*FORMATS)
def command(spec: str, form: str | None, color: str, **values: Any) -> None:
    """Run a network on given or random inputs and weights.

    The result is a table of the outputs (shape, number format, range), the largest values of output vectors, and the
    time and memory of the run. If inputs or weights are written as text, or with --print, --digits, --steps, --momentum
    or --mask, small outputs are printed in full instead; with --at, only the numbers that it asks for. With --backward,
    the result is the loss and a table of the gradients.
    """
    check_options(values)
    training = values["mode"] == "train"
    inputs = values["inputs"]
    fixes_inputs = os.path.splitext(spec)[1].lower() in FIXES_INPUTS
    numbers = [text for text in inputs if fixes_inputs and is_number(text)]
    values["inputs"] = tuple(numbers)
    network = load_network(spec, values, training=training)
    values["inputs"] = tuple([text for text in inputs if text not in numbers])
    if values["folds"] and training:
        raise click.UsageError("--fold needs --mode inference: during training a batch norm depends on the batch")
    if (values["workers"] > 1 or values["winograd"]) and (training or not values["repeat"]):
        raise click.UsageError("--workers and --winograd apply to repeated inference runs: add --repeat N")
    for name in values["layers"]:  # report errors before the work
        if network.graph.nodes[tensor_named(network, name, "--layer").node].training and not training:
            hint = "add --mode train to run it"
            fail("argument", f"'{name[:60]}' belongs to a training head", hint=hint, origin="--layer")
    if values["folds"]:
        check_not_folded(network, values["layers"])
    outputs = names_of_outputs(network, values["layers"], training)
    different_files(values["output"], values["save_weights"])
    if not values["backward"]:
        require_room(values["output"], outputs, "--layer", "outputs")
    check_by_hand(network, values, form)
    file, named = given_weights(network.graph, values["weights"], training=training)
    batches = given_inputs(network.graph, values["inputs"], values["batch"], values["steps"] or 1)
    if network.spec.model is not None:
        for given in batches:
            network.spec.model.require_inputs(given)
    batch = max([batch_of(network, given, values["batch"]) for given in batches])
    printed = [*outputs, *(name for name in values["printed"] if name not in outputs)]
    if values["exact"]:
        exact = evaluate_steps_exactly(network, batches, file, named, values)
        print_by_hand(exact, exact[-1].named(printed), values, form, color)
        return
    floating = [converted(network, given, values["dtype"]) for given in batches]
    copies = 2 if values["save_weights"] and training else 1
    require_memory(
        network,
        values["max_memory"],
        batch=batch,
        dtype=values["dtype"],
        training=training,
        copies=copies,
        workers=values["workers"],
        backward=values["backward"],
    )
    if values["backward"]:
        from archcalc.executor.training import TrainingStep

        step = TrainingStep(masks=given_masks(network.graph, values["masks"], batch))
        arrays = arrays_of_run(network, floating[0], file, named, values, batch)
        run_backward(network, *arrays, outputs, step, values, form, color)
        return
    run, steps, times = evaluate(network, floating, file, named, values)
    everything = {**run.outputs, **run.kept}
    found = {name: everything[name] for name in outputs}
    weights = steps[-1].weights
    if values["output"] is not None:
        write_arrays_to(values["output"], found, "--output")
    if values["save_weights"] is not None:
        write_arrays_to(values["save_weights"], {**weights, **run.updates}, "--save-weights", named=True)
    if "-" in (values["output"], values["save_weights"]):
        return
    written = any(array.dtype == object for given in batches for array in (*given.values(), *named.values()))
    by_hand = ("printed", "digits", "places", "steps", "momentum", "masks")
    if written or form == "json" or any(values[option] for option in by_hand):
        print_by_hand(steps, {name: everything[name] for name in printed}, values, form, color)
    else:
        print_table(
            table(network, found, notes_on_run(run, network.graph, weights, times, values["seed"])), form, color
        )


def is_number(text: str) -> bool:
    """Return whether an ``--input`` of a model file gives the number that an input has, not an array or a file."""
    _, equals, written = text.partition("=")
    return bool(equals) and NUMBER.fullmatch(written.strip()) is not None and not os.path.exists(written)


def names_of_outputs(network: Network, layers: tuple[str, ...], training: bool) -> list[str]:
    """Return the names of the outputs of the run."""
    graph = network.graph
    return list(layers) or [*graph.outputs, *(graph.training_outputs if training else ())]


def check_by_hand(network: Network, values: dict[str, Any], form: str | None) -> None:
    """Fail if options for small arrays do not fit the others, or name what does not exist."""
    for place in values["places"] if not values["backward"] else ():
        require_not_stored(network.graph, place.layer)
        tensor_named(network, place.layer, "--at")
    for name in values["printed"]:
        tensor_named(network, name, "--print")
    if values["exact"]:
        if values["repeat"]:
            raise click.UsageError("--exact computes the output of one run: omit --repeat")
        for option in ("output", "save_weights"):
            if values[option]:
                name = option.replace("_", "-")
                raise click.UsageError(f"--{name} writes floating-point numbers: run without --exact")
    if values["places"] and values["folds"]:
        raise click.UsageError("--at works out a number of the network as it is written: omit --fold")
    for option, key in (("--steps", "steps"), ("--momentum", "momentum"), ("--mask", "masks")):
        if values[key] and values["mode"] != "train":
            raise click.UsageError(f"{option} needs --mode train")
    if values["steps"] and values["repeat"]:
        raise click.UsageError("--repeat measures the time of one training step: omit --steps")
    if values["svg"] and len(values["places"]) != 1:
        raise click.UsageError("--svg draws the window of one number: add --at LAYER:INDEX")
    if values["places"] and form in ("csv", "html"):
        raise click.UsageError(f"--at writes text, Markdown, LaTeX or JSON, not {form}")


def require_not_stored(graph: Graph, name: str) -> None:
    """Fail if ``--at`` of a run without a backward pass names a stored array, which only has a gradient to work out."""
    from archcalc.executor.weights import stored_array_shapes

    if graph.find(name) is None and name in stored_array_shapes(graph, training=True):
        hint = "with --backward, --at works out its gradient"
        fail("argument", f"'{name[:60]}' is a stored array: it is not computed", hint=hint, origin="--at")


def evaluate(
    network: Network,
    batches: Sequence[Mapping[str, Array]],
    file: str | None,
    named: Mapping[str, Array],
    values: dict[str, Any],
) -> tuple[Run, Sequence[EvaluatedNetwork], Sequence[float]]:
    """Run the network as the options say, in training once for every batch.

    Args:
        network: the network.
        batches: the inputs that are given, in the number format of the run, batch in front.
        file: the file of the stored arrays.
        named: the stored arrays that are given by name.
        values: the options.

    Returns:
        The last run; for every run the stored arrays that it read, and the tensors around the layers of ``--at`` and
        those with moving averages; and the seconds of the repeated runs.
    """
    from archcalc.engine.runner import Runner
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.training import PYTORCH, TrainingStep
    from archcalc.executor.written_arrays import float_arrays

    graph, dtype = network.graph, values["dtype"]
    training = values["mode"] == "train"
    own = {name: array.astype(dtype, order="C") for name, array in float_arrays(named).items()}
    initial = stored_arrays(network, file, dtype=dtype, seed=values["seed"], training=training)
    weights: Mapping[str, Array] = {**initial, **own}
    layers = {network.tensor(place.layer).node for place in values["places"]}
    layers |= {*with_averages(graph)} if values["steps"] or values["momentum"] else set()
    graph, stored = folded(network, weights) if values["folds"] else (graph, weights)
    steps: list[EvaluatedNetwork] = []
    for seed, given in enumerate(batches, values["seed"]):
        batch = batch_of(network, given, values["batch"])
        inputs = {**random_inputs(graph, batch=batch, seed=seed, dtype=dtype), **given}
        step = TrainingStep(values["momentum"] or PYTORCH, given_masks(graph, values["masks"], batch))
        options = {"training": training, "seed": seed, "step": step, "keep": [*values["layers"], *values["printed"]]}
        kept = RecordedTensors(layers)
        with Runner(graph, stored, workers=values["workers"], winograd=values["winograd"]) as runner:
            with progress(network.name, len(graph.nodes)) as advance, array_errors("--mode"):
                run = runner.run(inputs, observe=kept.observer(advance), **options)
            times = repeated(partial(runner.run, inputs, **options), network.name, values["repeat"])
        steps.append(EvaluatedNetwork(network, kept.found, weights, TrainingRun(step, seed) if training else None))
        if training:
            weights = stored = {**stored, **run.updates}
    return run, steps, times


def arrays_of_run(
    network: Network,
    given: Mapping[str, Array],
    file: str | None,
    named: Mapping[str, Array],
    values: dict[str, Any],
    batch: int,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return all inputs and all stored arrays of a single run; arguments are those of `evaluate`."""
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.written_arrays import float_arrays

    dtype, seed, training = values["dtype"], values["seed"], values["mode"] == "train"
    inputs = {**random_inputs(network.graph, batch=batch, seed=seed, dtype=dtype), **given}
    own = {name: array.astype(dtype, order="C") for name, array in float_arrays(named).items()}
    return inputs, {**stored_arrays(network, file, dtype=dtype, seed=seed, training=training), **own}


def repeated(run: Callable[[], Run], title: str, count: int) -> list[float]:
    """Return the seconds of each of ``count`` runs, after the warm-up runs."""
    times = []
    with progress(title, count + WARM_UP_RUNS) as advance:
        for number in range(count + WARM_UP_RUNS if count else 0):
            try:
                seconds = run().seconds
            except OSError as error:  # the system refused or ended a process
                fail("system", str(error), hint="--workers 1 needs no other process", origin="--workers")
            if number >= WARM_UP_RUNS:
                times.append(seconds)
            if advance is not None:
                advance(number)
    return times


def check_not_folded(network: Network, layers: tuple[str, ...]) -> None:
    """Fail if one of the layers is removed by folding."""
    folding = network.fold()
    into = {fold.node: folding.graph.nodes[fold.into].name for fold in folding.folds}
    for name in layers:
        found = into.get(network.tensor(name).node)
        if found is not None and folding.folded.find(name) is None:
            fail("argument", f"'{name[:60]}' is folded into '{found}'", hint="run without --fold", origin="--layer")


def folded(network: Network, weights: Mapping[str, Array]) -> tuple[Graph, Mapping[str, Array]]:
    """Return the folded graph and its stored arrays; the remaining layers keep their names."""
    from archcalc.executor.folding import folded_weights

    folding = network.fold()
    return folding.folded, folded_weights(folding.graph, folding.folds, weights)
