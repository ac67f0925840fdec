"""Arrays that are given on the command line: as text, or in a file of text or of NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.arrays.texts import shape_text
from archcalc.arrays.written import Fill, Number, Shape, WrittenArray, WrittenArrayError, is_written, read_array
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

TEXT_SUFFIXES = {".txt", ".csv", ".json"}
MAX_TEXT_BYTES = 1 << 26
"""The largest file of text that is read as an array."""


def given_inputs(graph: Graph, written: Sequence[str], batch: int | None = None) -> dict[str, Array]:
    """Return the inputs that are given by ``--input``, as arrays of floats, or of exact numbers for those in text.

    Args:
        graph: the network.
        written: ``NAME=ARRAY``, or ``ARRAY`` for the first input; an array or a file.
        batch: the number of examples of arrays that are given by a word.

    Raises:
        SpecError: an unknown input or two arrays for one, a text or file that cannot be read, or another shape.
    """
    arrays: dict[str, Array] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals or (name not in graph.inputs and ("/" in name or is_written(text))):
            name, array = next(iter(graph.inputs)), text
        if name not in graph.inputs:
            hint = suggest(name, graph.inputs, f"the inputs are {', '.join(graph.inputs)}")
            fail("unknown-name", f"no input '{name[:60]}'", hint=hint, origin="--input")
        if name in arrays:
            fail("argument", f"two arrays for the input '{name}'", hint="write NAME=ARRAY", origin="--input")
        shape = tuple(map(int, graph.inputs[name]))
        arrays[name] = given_array(array, shape, f"the input '{name}'", "--input", batch=batch or 1)
    return arrays


def given_weights(graph: Graph, written: Sequence[str], *, training: bool) -> tuple[str | None, dict[str, Array]]:
    """Return the file of all stored arrays among the values of ``--weights``, and the arrays that are given by name.

    Raises:
        SpecError: an unknown array or two texts for one, two files, a text or file that cannot be read, or another
            shape.
    """
    from archcalc.executor.weights import stored

    known = stored(graph, training=True)
    files: list[str] = []
    arrays: dict[str, Array] = {}
    for text in written:
        name, equals, array = text.partition("=")
        name = name.strip()
        if not equals or (name not in known and Path(text).exists()):
            files.append(text)
            continue
        if name not in known:
            listed = f"the arrays are {', '.join([*known][:8])}" if known else "the network stores no arrays"
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
        return _from_numpy(text, shape, origin, batched=batch is not None)
    try:
        found = read_array(_content(path, origin) if path.suffix in TEXT_SUFFIXES else text)
        return _in_shape(found, shape, batch)
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
    return text


def _from_numpy(path: str, shape: Shape, origin: str, *, batched: bool) -> Array:
    from archcalc.cli.execution import array_errors
    from archcalc.executor.files import read_array as read_file

    with array_errors(origin):
        array = read_file(path, shape)
    if not batched and array.shape != shape:
        fail("array", f"{path} must have shape {shape_text(shape)}, got {shape_text(array.shape)}", origin=origin)
    return array


def _in_shape(found: WrittenArray | Fill, shape: Shape, batch: int | None) -> Array:
    """Return a written array in the shape wanted, or in a batch of it."""
    if batch is None:
        return _objects(found.fitted(shape), shape)
    if isinstance(found, Fill):
        shape = (batch, *shape)
    elif len(found.numbers) > prod(shape):
        count, rest = divmod(len(found.numbers), prod(shape))
        if rest or len(found.shape) < 2:
            wanted = shape_text(shape)
            raise WrittenArrayError(f"the array must have shape {wanted} or Nx{wanted}, got {found.description()}")
        shape = (count, *shape)
    return _objects(found.fitted(shape), shape)


def _objects(numbers: Sequence[Number], shape: Shape) -> Array:
    import numpy as np

    array = np.empty(len(numbers), object)
    array[:] = numbers
    return array.reshape(shape)


def floats(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays with the nearest floats in place of fractions."""
    import numpy as np

    return {
        name: np.array([_float(each) for each in array.flat]).reshape(array.shape) if array.dtype == object else array
        for name, array in arrays.items()
    }


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def exact(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays of exact numbers; floats are taken as the fractions that they are.

    Raises:
        InexactError: a number is not finite.
    """
    import numpy as np

    from archcalc.executor.loops.exact import Exact

    converted = np.frompyfunc(lambda number: Exact(number if isinstance(number, Fraction) else float(number)), 1, 1)
    return {name: converted(array) for name, array in arrays.items()}
