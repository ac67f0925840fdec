"""``archcalc run``: evaluate a network on arrays."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from archcalc.cli.execution import array_errors, different_files, memory_option, output_errors, progress, within_memory
from archcalc.cli.options import (
    PositiveInteger,
    SpecCommand,
    load_network,
    output_options,
    print_table,
    spec_argument,
    spec_options_without_values,
)
from archcalc.graph import write_shape
from archcalc.report.table import Column, Table, bytes_text
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    import numpy as np

    from archcalc.api import Network
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

FORMATS = ("rich", "plain", "markdown", "latex", "html", "csv")
MAX_WORKERS = 64
WARM_UP_RUNS = 2
"""Runs before those that are timed: the first is recorded, and touches memory that has not been used before."""
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|true|false")

TOP = 5
"""Largest values of an output vector that are listed, and examples of which they are."""


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]FILE|NAME=NUMBER",
    help="Read an input from an .npy file: channels first, with or without a batch axis (repeatable).  "
    "[default: random]  Or the number that an input of an ONNX model has, where branches or sizes depend on it.",
)
@click.option(
    "--weights",
    metavar="FILE",
    help="Read the stored arrays from an .npz file, named layer.weight, layer.bias, …  [default: random]",
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
    metavar="NAME",
    help="Take the output of this layer instead of that of the network (repeatable).",
)
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
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of random weights, inputs and dropout.",
)
@click.option(
    "--mode",
    type=click.Choice(["inference", "train"]),
    default="inference",
    show_default=True,
    help="train: use batch statistics and update their moving averages, apply dropout, run training heads; "
    "weights are not trained.",
)
@click.option(
    "--repeat",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Time N more runs, after two warm-up runs.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MAX_WORKERS),
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
@spec_options_without_values
@memory_option
@output_options(*FORMATS)
def command(spec: str, form: str | None, color: str, **values: Any) -> None:
    """Run a network on given or random inputs and weights.

    The result is a table of the outputs (shape, number format, range), the largest values of output vectors, and the
    time and memory of the run.
    """
    training = values["mode"] == "train"
    files = values["inputs"]
    values["inputs"] = tuple([text for text in files if is_number(text)])
    network = load_network(spec, values, training=training)
    values["inputs"] = tuple([text for text in files if not is_number(text)])
    if values["folds"] and training:
        raise click.UsageError("--fold needs --mode inference: during training a batch norm depends on the batch")
    if (values["workers"] > 1 or values["winograd"]) and (training or not values["repeat"]):
        raise click.UsageError("--workers and --winograd apply to repeated inference runs: add --repeat N")
    for name in values["layers"]:  # report errors before the work
        if network.graph.nodes[network.tensor(name).node].training and not training:
            hint = "add --mode train to run it"
            fail("argument", f"'{name[:60]}' belongs to a training head", hint=hint, origin="--layer")
    if values["folds"]:
        check_not_folded(network, values["layers"])
    outputs = names_of_outputs(network, values["layers"], training)
    check_output_files(values["output"], values["save_weights"], outputs)
    batch = batch_of(network, values)
    copies = 2 if values["save_weights"] and training else 1
    within_memory(
        network,
        values["max_memory"],
        batch=batch,
        dtype=values["dtype"],
        training=training,
        copies=copies,
        workers=values["workers"],
    )
    run, weights, times = evaluate(network, values, batch)
    found = run.kept if values["layers"] else run.outputs
    write_results(values, found, {**weights, **run.updates})
    if "-" in (values["output"], values["save_weights"]):
        return
    print_table(table(network, found, run, weights, times), form, color)


def is_number(text: str) -> bool:
    """Return whether an ``--input`` gives a number, not a file."""
    _, equals, written = text.partition("=")
    return bool(equals) and NUMBER.fullmatch(written.strip()) is not None and not os.path.exists(written)


def names_of_outputs(network: Network, layers: tuple[str, ...], training: bool) -> list[str]:
    """Return the names of the outputs of the run."""
    graph = network.graph
    return list(layers) or [*graph.outputs, *(graph.training_outputs if training else ())]


def check_output_files(path: str | None, weights: str | None, outputs: list[str]) -> None:
    """Fail if an output file cannot hold what is to be written, before anything is computed."""
    different_files(path, weights)
    if path is not None and path.endswith(".npy") and len(outputs) > 1:
        fail(
            "argument",
            f"an .npy file holds one array, but there are {len(outputs)}: {', '.join(outputs[:5])}",
            hint="write to an .npz file, or choose one with --layer",
            origin="--output",
        )


def input_files(network: Network, written: tuple[str, ...]) -> dict[str, str]:
    """Return the file of each input. A file without a name is that of the first input."""
    graph, files = network.graph, {}
    for text in written:
        name, equals, path = text.partition("=")
        if not equals or (name not in graph.inputs and "/" in name):
            name, path = next(iter(graph.inputs)), text
        if name not in graph.inputs:
            hint = suggest(name, graph.inputs, f"the inputs are {', '.join(graph.inputs)}")
            fail("unknown-name", f"no input '{name[:60]}'", hint=hint, origin="--input")
        if name in files:
            fail("argument", f"two files for the input '{name}'", hint="write NAME=FILE", origin="--input")
        files[name] = path
    return files


def batch_of(network: Network, values: dict[str, Any]) -> int:
    """Return the number of examples, after replacing the input files in ``values`` by their arrays."""
    from archcalc.executor.files import read_array
    from archcalc.executor.inputs import converted_inputs

    given: dict[str, Array] = {}
    for name, path in input_files(network, values["inputs"]).items():
        with array_errors("--input"):
            given[name] = read_array(path, tuple(network.graph.inputs[name]))
    with array_errors("--input"):
        arrays = converted_inputs(network.graph, given, dtype=values["dtype"])
    values["inputs"] = arrays
    batches = {len(array) for array in arrays.values()} | ({values["batch"]} if values["batch"] else set())
    if len(batches) > 1:
        found = " and ".join(map(str, sorted(batches)))
        what = "inputs and --batch" if values["batch"] else "inputs"
        fail("array", f"{what} differ in the number of examples: {found}", origin="--input")
    return max(batches, default=1)


def evaluate(network: Network, values: dict[str, Any], batch: int) -> tuple[Run, Mapping[str, Array], Sequence[float]]:
    """Run the network as the options say.

    Returns:
        The run, the stored arrays that it read, and the seconds of the repeated runs.
    """
    from archcalc.engine.runner import Runner
    from archcalc.executor.files import read_weights
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.weights import initial

    graph, dtype, seed = network.graph, values["dtype"], values["seed"]
    training = values["mode"] == "train"
    inputs = {**random_inputs(graph, batch=batch, seed=seed, dtype=dtype), **values["inputs"]}
    if values["weights"] is None:
        weights = network.arrays(dtype) or initial(graph, seed=seed, dtype=dtype, training=training)
    else:
        with array_errors("--weights"):
            weights = read_weights(values["weights"], graph, dtype=dtype, training=training)
    graph, stored = folded(network, weights) if values["folds"] else (graph, weights)
    options = {"training": training, "seed": seed, "keep": values["layers"]}
    with Runner(graph, stored, workers=values["workers"], winograd=values["winograd"]) as runner:
        with progress(network.name, len(graph.nodes)) as observe, array_errors("--mode"):
            run = runner.run(inputs, observe=observe, **options)
        times = repeated(lambda: runner.run(inputs, **options), network.name, values["repeat"])
    return run, weights, times


def repeated(run: Callable[[], Run], title: str, count: int) -> list[float]:
    """Return the seconds of each of ``count`` runs, after the warm-up runs."""
    times = []
    with progress(title, count + WARM_UP_RUNS) as advance:
        for number in range(count + WARM_UP_RUNS if count else 0):
            try:
                seconds = run().seconds
            except OSError as error:  # the system refused or ended a process
                fail("system", str(error), hint="--workers 1 needs no further process", origin="--workers")
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


def write_results(values: dict[str, Any], found: Mapping[str, Array], weights: Mapping[str, Array]) -> None:
    """Write the requested files."""
    from archcalc.cli.files import write_with
    from archcalc.executor.files import write_array, write_arrays

    output, saved = values["output"], values["save_weights"]
    if output is not None:
        single = len(found) == 1 and not output.endswith(".npz")
        array = next(iter(found.values()))
        with output_errors("--output", output):
            write_with(output, lambda file: write_array(file, array) if single else write_arrays(file, found))
    if saved is not None:
        with output_errors("--save-weights", saved):
            write_with(saved, lambda file: write_arrays(file, weights))


def table(
    network: Network, found: Mapping[str, Array], run: Run, weights: Mapping[str, Array], times: Sequence[float]
) -> Table:
    """Return the table of the outputs."""
    columns = (
        Column("tensor", "tensor", folds=True),
        Column("shape", "shape"),
        Column("dtype", "dtype"),
        Column("min", "min", "right"),
        Column("mean", "mean", "right"),
        Column("max", "max", "right"),
    )
    rows = []
    notes = []
    for name, array in found.items():
        numbers = [number_text(number) for number in (array.min(), array.mean(dtype="float64"), array.max())]
        shape = (len(array), *array.shape[1:])
        written = "x".join([str(shape[0]), write_shape(shape[1:], network.graph.layout)])
        rows.append((name, written, array.dtype.name, *numbers))
        notes += largest_values(name if len(found) > 1 else "", array)
        notes += not_finite(name, array)
    stored = sum(array.nbytes for array in weights.values())
    notes.append(
        f"time: {run.seconds * 1000:,.1f} ms; memory: tensors {bytes_text(run.peak)} (peak), "
        f"parameters {bytes_text(stored)}, work buffers {bytes_text(run.scratch)}"
    )
    if times:
        from statistics import median

        what = f"{len(times)} timed runs: median" if len(times) > 1 else "1 timed run:"
        minimum = f", minimum {min(times) * 1000:,.1f} ms" if len(times) > 1 else ""
        notes.append(f"{what} {median(times) * 1000:,.1f} ms{minimum}")
    if run.updates:
        notes.append(f"{len(run.updates):,} stored arrays (running statistics) updated; --save-weights writes them")
    return Table(columns, tuple(rows), title=network.name, notes=tuple(notes))


def largest_values(name: str, array: Array) -> list[str]:
    """Return the largest values of an output vector with their indices, for each of the first few examples."""
    import numpy as np

    if array.ndim != 2 or array.shape[1] < 2 or np.isnan(array).any():
        return []
    lines = []
    for example, numbers in enumerate(array[:TOP]):
        places = np.argsort(-numbers, kind="stable")[:TOP]
        label = " ".join(part for part in (name, f"example {example}" if len(array) > 1 else "") if part)
        listed = ", ".join(f"{place}: {number_text(numbers[place])}" for place in places)
        lines.append(f"largest values{f' of {label}' if label else ''}, by index: {listed}")
    return lines


def not_finite(name: str, array: Array) -> list[str]:
    """Return a line on values that are not finite, if there are any."""
    import numpy as np

    wrong = array.size - int(np.isfinite(array).sum())
    return [f"{wrong:,} of {array.size:,} values of {name} are not finite (NaN or infinite)"] if wrong else []


def number_text(number: np.floating[Any]) -> str:
    """Return a measured value with six significant digits."""
    return f"{float(number):.6g}"
