"""``archcalc run``: evaluate a network on arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from archcalc.cli.execution import array_errors, different_files, memory_option, output_errors, progress, within_memory
from archcalc.cli.options import (
    SpecCommand,
    load_network,
    output_options,
    print_table,
    spec_argument,
    spec_options,
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
MOST_WORKERS = 64
PREPARED = 2
"""After the first run so many more prepare those that are timed: one is written down, and finds memory not yet used."""
BEST = 5
"""How many of the largest numbers of an output vector are named."""


@click.command(cls=SpecCommand)
@spec_argument
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]FILE",
    help="An input, as .npy, channels first, with or without batch (repeatable).  [default: random, by --seed]",
)
@click.option("--weights", metavar="FILE", help="Stored arrays, as .npz, named layer.weight, layer.bias, …")
@click.option("--output", metavar="FILE", help="Write the output, as .npy; several by name, as .npz.")
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="Take this layer's tensor instead (repeatable).")
@click.option(
    "--save-weights", metavar="FILE", help="Write the stored arrays, as .npz: after the step with --mode train."
)
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True, help="To compute in."
)
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Examples of random inputs.  [default: 1]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For weights, inputs and dropout.")
@click.option(
    "--mode",
    type=click.Choice(["inference", "train"]),
    default="inference",
    show_default=True,
    help="train: batch statistics and their moving averages, dropout, training heads. Weights are not learned.",
)
@click.option(
    "--repeat",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    help="Time N more runs, after two that prepare them.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    metavar="N",
    default=1,
    show_default=True,
    help="Processes that divide every layer of repeated runs among them.",
)
@click.option(
    "--winograd", is_flag=True, help="Multiply less in 3×3 convolutions of repeated runs where that is faster."
)
@click.option("--fold", "folds", is_flag=True, help="Fold batch norms into their neighbours first (inference).")
@spec_options
@memory_option
@output_options(*FORMATS)
def command(spec: str, form: str | None, color: str, **values: Any) -> None:
    """Run a network: on your arrays and weights, or on random ones.

    Prints what comes out: shape, number format, range; the largest numbers of a vector; time and memory.
    """
    network = load_network(spec, values)
    training = values["mode"] == "train"
    if values["folds"] and training:
        raise click.UsageError("--fold goes with inference: in training a batch norm is no fixed map")
    if (values["workers"] > 1 or values["winograd"]) and (training or not values["repeat"]):
        raise click.UsageError("--workers and --winograd are for repeated runs (inference): add --repeat N")
    for name in values["layers"]:  # errors come before the work
        if network.graph.nodes[network.tensor(name).node].training and not training:
            hint = "--mode train runs it"
            fail("argument", f"'{name[:60]}' belongs to a training head", hint=hint, origin="--layer")
    if values["folds"]:
        still_there(network, values["layers"])
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
    print_table(table(network, found, run, weights, times), form, color)


def names_of_outputs(network: Network, layers: tuple[str, ...], training: bool) -> list[str]:
    """What will come out, by name."""
    graph = network.graph
    return list(layers) or [*graph.outputs, *(graph.training_outputs if training else ())]


def check_output_files(path: str | None, weights: str | None, outputs: list[str]) -> None:
    """Fail where a file cannot hold what is to be written there, before anything is computed."""
    different_files(path, weights)
    if path is not None and path.endswith(".npy") and len(outputs) > 1:
        fail(
            "argument",
            f"an .npy file holds one array, there are {len(outputs)}: {', '.join(outputs[:5])}",
            hint="name an .npz file, or choose one with --layer",
            origin="--output",
        )


def input_files(network: Network, written: tuple[str, ...]) -> dict[str, str]:
    """Input to file. A file alone is for the first input."""
    graph, files = network.graph, {}
    for text in written:
        name, equals, path = text.partition("=")
        if not equals or (name not in graph.inputs and "/" in name):
            name, path = next(iter(graph.inputs)), text
        if name not in graph.inputs:
            hint = suggest(name, graph.inputs, f"there is {', '.join(graph.inputs)}")
            fail("unknown-name", f"no input '{name[:60]}'", hint=hint, origin="--input")
        if name in files:
            fail("argument", f"two files for the input '{name}'", hint="write NAME=FILE", origin="--input")
        files[name] = path
    return files


def batch_of(network: Network, values: dict[str, Any]) -> int:
    """How many examples: as many as in the files, which ``values`` then hold as arrays."""
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
        fail("array", f"{what} do not agree on the number of examples: {found}", origin="--input")
    return max(batches, default=1)


def evaluate(network: Network, values: dict[str, Any], batch: int) -> tuple[Run, Mapping[str, Array], Sequence[float]]:
    """Run the network as the options say; what came out, the stored arrays that went in, and the seconds that it took
    when it was repeated."""
    from archcalc.engine.runner import Runner
    from archcalc.executor.files import read_weights
    from archcalc.executor.inputs import random_inputs
    from archcalc.executor.weights import initial

    graph, dtype, seed = network.graph, values["dtype"], values["seed"]
    training = values["mode"] == "train"
    inputs = {**random_inputs(graph, batch=batch, seed=seed, dtype=dtype), **values["inputs"]}
    if values["weights"] is None:
        weights = initial(graph, seed=seed, dtype=dtype, training=training)
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
    """The seconds that so many runs take, without those that prepare them."""
    times = []
    with progress(title, count + PREPARED) as advance:
        for number in range(count + PREPARED if count else 0):
            try:
                seconds = run().seconds
            except OSError as error:  # of a system that gives no process, or takes one away
                fail("system", str(error), hint="--workers 1 needs no other process", origin="--workers")
            if number >= PREPARED:
                times.append(seconds)
            if advance is not None:
                advance(number)
    return times


def still_there(network: Network, layers: tuple[str, ...]) -> None:
    """Fail for layers that folding takes away."""
    folding = network.fold()
    into = {fold.node: folding.graph.nodes[fold.into].name for fold in folding.folds}
    for name in layers:
        found = into.get(network.tensor(name).node)
        if found is not None and folding.folded.find(name) is None:
            fail("argument", f"'{name[:60]}' is folded into '{found}'", hint="run it without --fold", origin="--layer")


def folded(network: Network, weights: Mapping[str, Array]) -> tuple[Graph, Mapping[str, Array]]:
    """The network without what can be folded, and its stored arrays; its layers have the names they had."""
    from archcalc.executor.folding import folded_weights

    folding = network.fold()
    return folding.folded, folded_weights(folding.graph, folding.folds, weights)


def write_results(values: dict[str, Any], found: Mapping[str, Array], weights: Mapping[str, Array]) -> None:
    """Write the files that were asked for."""
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
    """What came out, for people."""
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
        notes += best(name if len(found) > 1 else "", array)
        notes += unfit(name, array)
    stored = sum(array.nbytes for array in weights.values())
    notes.append(
        f"{run.seconds * 1000:,.1f} ms; tensors at most {bytes_text(run.peak)}, parameters {bytes_text(stored)}, "
        f"work buffers {bytes_text(run.scratch)}"
    )
    if times:
        from statistics import median

        what = f"{len(times)} more runs: median" if len(times) > 1 else "1 more run:"
        shortest = f", shortest {min(times) * 1000:,.1f} ms" if len(times) > 1 else ""
        notes.append(f"{what} {median(times) * 1000:,.1f} ms{shortest}")
    if run.updates:
        notes.append(f"{len(run.updates):,} stored arrays (running statistics) moved; --save-weights writes them")
    return Table(columns, tuple(rows), title=network.name, notes=tuple(notes))


def best(name: str, array: Array) -> list[str]:
    """The largest numbers of every example of a vector, by their place; of the first few examples."""
    import numpy as np

    if array.ndim != 2 or array.shape[1] < 2 or np.isnan(array).any():
        return []
    lines = []
    for example, numbers in enumerate(array[:BEST]):
        places = np.argsort(-numbers, kind="stable")[:BEST]
        label = " ".join(part for part in (name, f"example {example}" if len(array) > 1 else "") if part)
        listed = ", ".join(f"{place}: {number_text(numbers[place])}" for place in places)
        lines.append(f"largest{f' of {label}' if label else ''}: {listed}")
    return lines


def unfit(name: str, array: Array) -> list[str]:
    """Whether numbers went out of range."""
    import numpy as np

    wrong = array.size - int(np.isfinite(array).sum())
    return [f"{wrong:,} of {array.size:,} numbers of {name} are not finite (NaN or infinite)"] if wrong else []


def number_text(number: np.floating[Any]) -> str:
    """A measured number: six digits tell it apart from others."""
    return f"{float(number):.6g}"
