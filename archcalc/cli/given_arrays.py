"""Arrays that are given on the command line: as text, or in a file of text or of NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archcalc.arrays.texts import shape_text
from archcalc.arrays.written_arrays import FILLS, Shape, WrittenArrayError, is_written, read_array
from archcalc.cli.execution import array_errors
from archcalc.spec.errors import fail, listing, suggest
from archcalc.spec.models import has_weights_of_keras, is_checkpoint

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

TEXT_SUFFIXES = {".txt", ".csv", ".tsv", ".json"}
WAYS = f"an array is rows of numbers, a word ({', '.join(FILLS)}), or a file (.npy, .csv, .txt, .json)"
MAX_TEXT_BYTES = 1 << 26
"""The largest file of text that is read as an array."""


def given_inputs(
    graph: Graph, written: Sequence[str], batch: int | None = None, steps: int = 1
) -> list[dict[str, Array]]:
    """Return the inputs that are given by ``--input``, as arrays of floats, or of exact numbers for those in text.

    Args:
        graph: the network.
        written: ``NAME=ARRAY``, or ``ARRAY`` for the first input; an array or a file.
        batch: the number of examples of arrays that are given by a word.
        steps: the number of training steps.

    Returns:
        the inputs of every step.

    Raises:
        SpecError: an unknown input, neither one array for it nor one for each step, a text or file that cannot be
            read, or another shape.
    """
    arrays: dict[str, list[Array]] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals or (name not in graph.inputs and ("/" in name or is_written(text))):
            name, array = next(iter(graph.inputs)), text
        if name not in graph.inputs:
            hint = suggest(name, graph.inputs, listing("input", graph.inputs))
            fail("unknown-name", f"no input '{name[:60]}'", hint=hint, origin="--input")
        shape = tuple(map(int, graph.inputs[name]))
        own = given_array(array, shape, f"the input '{name}'", "--input", batch=batch or 1)
        arrays.setdefault(name, []).append(own)
    for name, found in arrays.items():
        if len(found) not in (1, steps):
            message = f"{'two' if len(found) == 2 else len(found)} arrays for the input '{name}'"
            if steps > 1:
                fail("argument", f"{message}: give one, or one for each of {steps} steps", origin="--input")
            hint = f"write NAME=ARRAY, or --mode train --steps {len(found)} for the batches of training steps"
            fail("argument", message, hint=hint, origin="--input")
    return [{name: found[step % len(found)] for name, found in arrays.items()} for step in range(steps)]


def given_weights(graph: Graph, written: Sequence[str], *, training: bool) -> tuple[str | None, dict[str, Array]]:
    """Return the file of all stored arrays among the values of ``--weights``, and the arrays that are given by name.

    Raises:
        SpecError: an unknown array or two texts for one, two files, a text or file that cannot be read, or another
            shape.
    """
    from archcalc.executor.weights import stored_array_shapes

    known = stored_array_shapes(graph, training=True)
    files: list[str] = []
    arrays: dict[str, Array] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals or (name not in known and Path(text).exists()):
            files.append(text)
            continue
        if name not in known:
            listed = listing("array", known, 8) if known else "the network stores no arrays"
            fail("unknown-name", f"no array '{name[:60]}'", hint=suggest(name, known, listed), origin="--weights")
        if name in arrays:
            fail("argument", f"two arrays for '{name}'", origin="--weights")
        arrays[name] = given_array(array, known[name], name, "--weights")
    if len(files) > 1:
        fail("argument", f"two files: '{files[0][:60]}' and '{files[1][:60]}'", origin="--weights")
    return (files[0] if files else None), arrays


def given_array(text: str, shape: Shape, what: str, origin: str, *, batch: int | None = None) -> Array:
    """Return an array that is given as text or by a file.

    Args:
        text: an array as it is written, or the name of a file.
        shape: the shape wanted.
        what: the name of the array, for messages.
        origin: the option.
        batch: the number of examples of an array that is given by a word, if the array may have a batch axis in front.

    Returns:
        an array of floats, or of objects (fractions, and floats that are not finite) if it was given as text.
    """
    text = text.strip()
    path = Path(text[:4096])
    if path.suffix == ".npy" or (not is_written(text) and path.suffix not in TEXT_SUFFIXES):
        if not path.suffix and not path.exists():
            word = text.split()[0]
            message = f"{what}: '{text[:60]}' is neither an array nor a file"
            fail("array", message, hint=suggest(word, FILLS, WAYS), origin=origin)
        return _from_numpy(text, shape, origin, batched=batch is not None)
    from archcalc.executor.written_arrays import array_in_shape

    try:
        found = read_array(_content(path, origin) if path.suffix in TEXT_SUFFIXES else text)
        return array_in_shape(found, shape, batch)
    except WrittenArrayError as error:
        fail("array", f"{what}: {error}", origin=origin)


def _content(path: Path, origin: str) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        fail("array", f"{str(path)[:80]}: {error.strerror}", origin=origin)
    except UnicodeDecodeError:
        fail("array", f"{str(path)[:80]} must be a text file in UTF-8", origin=origin)
    if len(text) > MAX_TEXT_BYTES:
        fail("array", f"{str(path)[:80]} is larger than {MAX_TEXT_BYTES >> 20} MiB; use an .npy file", origin=origin)
    if path.suffix == ".json":
        return text
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]  # comments, as NumPy writes them
    separated = path.suffix == ".csv" and len(lines) > 1
    return "\n".join(line.replace(";", ",") if separated else line for line in lines)


def _from_numpy(path: str, shape: Shape, origin: str, *, batched: bool) -> Array:
    from archcalc.executor.files import read_array as read_file

    with array_errors(origin):
        array = read_file(path, shape)
    if not batched and array.shape != shape:
        fail("array", f"{path} must have shape {shape_text(shape)}, got {shape_text(array.shape)}", origin=origin)
    return array


def exact(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of exact numbers; floats are taken as the fractions that they are.

    Raises:
        InexactError: a number is not finite.
    """
    import numpy as np

    from archcalc.executor.loops.exact import ExactNumber

    converted = np.frompyfunc(
        lambda number: ExactNumber(number if isinstance(number, Fraction | ExactNumber) else float(number)), 1, 1
    )
    return {name: converted(array) for name, array in arrays.items()}


def batch_of(network: Network, given: Mapping[str, Array], asked: int | None) -> int:
    """Return the number of examples of the given inputs, or as asked for."""
    batches = {len(array) if array.ndim > len(network.graph.inputs[name]) else 1 for name, array in given.items()}
    batches |= {asked} if asked else set()
    if len(batches) > 1:
        found = " and ".join(map(str, sorted(batches)))
        what = "inputs and --batch" if asked else "inputs"
        fail("array", f"{what} differ in the number of examples: {found}", origin="--input")
    return max(batches, default=1)


def converted(network: Network, given: Mapping[str, Array], dtype: str) -> dict[str, Array]:
    """Return given inputs in the number format of the run, batch in front."""
    from archcalc.executor.inputs import converted_inputs
    from archcalc.executor.written_arrays import float_arrays

    with array_errors("--input"):
        return converted_inputs(network.graph, float_arrays(given), dtype=dtype)


def stored_arrays(network: Network, file: str | None, *, dtype: str, seed: int, training: bool) -> Mapping[str, Array]:
    """Return the stored arrays: those of a file or of the network, else initial ones."""
    from archcalc.executor.weights import initial_arrays

    if file is None:
        return network.arrays(dtype) or initial_arrays(network.graph, seed=seed, dtype=dtype, training=training)
    return arrays_of_file(network, file, dtype=dtype, training=training)


def arrays_of_file(network: Network, file: str, *, dtype: str, training: bool = False) -> Mapping[str, Array]:
    """Return the stored arrays that a file of ``--weights`` has, and say where they were found by their order.

    Raises:
        SpecError: the file cannot be read, or does not fit the network.
    """
    with array_errors("--weights"):
        if not is_checkpoint(file) and not has_weights_of_keras(file):
            from archcalc.executor.files import read_weights

            return read_weights(file, network.graph, dtype=dtype, training=training)
        from archcalc.readers.checkpoints.weights import read_checkpoint_weights

        found = read_checkpoint_weights(file, network.graph, network.spec.model, dtype=dtype, training=training)
    if found.by_order:
        layers = f"{len(found.by_order):,} layers" if len(found.by_order) > 1 else f"'{found.by_order[0]}'"
        text = f"no tensor is named after {layers}: tensors are assigned by their order, as their shapes agree"
        click.echo(f"{file}: note: {text}", err=True)
    return found.arrays
