"""The stored arrays of a network, read from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array
from archcalc.executor.weights import check_arrays, stored_array_shapes
from archcalc.graph import Graph
from archcalc.readers.checkpoints.by_order import LEARNED
from archcalc.readers.checkpoints.fit import fit
from archcalc.readers.checkpoints.read import read_checkpoint
from archcalc.readers.checkpoints.sources import load
from archcalc.readers.file import LoweredFile
from archcalc.readers.keras.fit import fit_keras
from archcalc.readers.keras.read import KerasFile
from archcalc.readers.stored_arrays import plain
from archcalc.spec.errors import fail_to_read
from archcalc.spec.models import ModelFile, has_weights_of_keras


class Weights(NamedTuple):
    """The stored arrays of a network."""

    arrays: Mapping[str, Array]
    """The arrays by ``layer.array``."""
    by_order: tuple[str, ...]
    """The layers whose arrays were found by order and shape, because no tensor has their name."""


def read_checkpoint_weights(
    spec: str, graph: Graph, model: ModelFile | None, *, dtype: DTypeLike = np.float32, training: bool = False
) -> Weights:
    """Return the stored arrays of a network from a checkpoint.

    Args:
        spec: the checkpoint, perhaps with a part: ``checkpoint.pth:ema``.
        graph: the network.
        model: the file that it was read from; ``None`` for a spec.
        dtype: the number format to convert to.
        training: whether the arrays of training heads are needed.

    Raises:
        SpecError: the checkpoint cannot be read.
        ArrayError: tensors are missing, or do not fit the network; all of them are listed.
    """
    if has_weights_of_keras(spec):
        return _of_keras(spec, graph, model, dtype=dtype, training=training)
    checkpoint = read_checkpoint(spec)
    in_file, unused, constants = _of_model(model) if isinstance(model, LoweredFile) else ({}, set(), {})
    found = fit(graph, checkpoint, in_file, unused, constants, training=training)
    if found.problems:
        raise ArrayError([f"{spec}: {problem}" for problem in found.problems])
    shapes = stored_array_shapes(graph, training=True)
    arrays = {name: load(source, shapes[name], checkpoint) for name, source in found.sources.items()}
    if isinstance(model, LoweredFile):
        read = model.model.arrays([stored for name, stored in constants.items() if name not in arrays])
        arrays |= {name: read[stored].reshape(shapes[name]) for name, stored in constants.items() if name not in arrays}
    return Weights(_checked(graph, arrays, dtype=dtype, training=training), tuple(found.by_order))


def _checked(graph: Graph, arrays: Mapping[str, Array], *, dtype: DTypeLike, training: bool) -> Mapping[str, Array]:
    """Return arrays in a number format.

    Raises:
        ArrayError: they do not fit the network, or are not finite in this format.
    """
    with np.errstate(over="ignore"):  # numbers too large for the format become infinite, and are reported below
        converted = {name: np.ascontiguousarray(array, np.dtype(dtype)) for name, array in arrays.items()}
    check_arrays(graph, converted, training=training)
    return converted


def _of_keras(spec: str, graph: Graph, model: ModelFile | None, *, dtype: DTypeLike, training: bool) -> Weights:
    """Return the stored arrays of a network from a file of Keras's weights, or of an entire Keras model.

    Raises:
        SpecError: it cannot be read, or lacks arrays of the layers of a Keras model.
        ArrayError: its layers do not fit a network of other origin; all of them are listed.
    """
    path = Path(spec)
    try:
        if isinstance(model, KerasFile):
            return Weights(_checked(graph, model.arrays_of(path, spec), dtype=dtype, training=training), ())
        found = fit_keras(graph, path, spec, training=training)
    except OSError as error:
        fail_to_read(error, spec)
    if found.problems:
        raise ArrayError([f"{spec}: {problem}" for problem in found.problems])
    return Weights(_checked(graph, found.arrays, dtype=dtype, training=training), found.by_order)


def _of_model(model: LoweredFile) -> tuple[Mapping[str, tuple[str, ...]], set[str], dict[str, str]]:
    """Return what a model file says about its stored arrays.

    Returns:
        Their names in the file by ``layer.array``; the names of parameters that the network does not use; and the names
        of constants, which a checkpoint need not have, by ``layer.array``.
    """
    in_file = model.recorded.stored
    used = {plain(name) for names in in_file.values() for name in names}
    constants = {
        array: names[0]
        for array, names in in_file.items()
        if array.endswith(f".{LEARNED}") and plain(names[0]) not in model.model.parameters
    }
    return in_file, {*model.model.parameters} - used, constants
