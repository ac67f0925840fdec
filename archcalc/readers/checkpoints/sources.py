"""Where the stored arrays of layers come from: tensors of a checkpoint, joined, divided, or as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from archcalc.arrays.texts import shape_text
from archcalc.executor.kernel import Array, Sizes
from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.readers.stored_arrays import array_of, plain, sizes_of


class WeightSource(NamedTuple):
    """Where an array is taken from: tensors, joined along their first axis, and perhaps only a part of their rows."""

    names: tuple[str, ...]
    """The names of the tensors, as in `archcalc.readers.stored_arrays`. In a module, an empty name is the module's."""
    part: int = 0
    parts: int = 1

    @property
    def tensors(self) -> list[str]:
        """The names that the tensors have in the checkpoint."""
        return [*map(plain, self.names)]


Naming: TypeAlias = Mapping[str, WeightSource]
"""The sources of the stored arrays of a layer by their names in it."""


def in_module(naming: Naming, module: str, separator: str) -> Naming:
    """Return a naming with the full names of the tensors of a module."""

    def full(local: str) -> str:
        return f"{module}{separator}{local}" if module and local else module or local

    return {array: source._replace(names=tuple(map(full, source.names))) for array, source in naming.items()}


def names_of(naming: Naming) -> set[str]:
    """Return the names of all tensors of a layer."""
    return {name for source in naming.values() for name in source.tensors}


def other_shape(source: WeightSource, wanted: Sizes, tensors: Mapping[str, CheckpointTensor]) -> str:
    """Return the shape that an array would have in place of the wanted one; empty if it has that.

    Shapes that differ in axes of size 1 only are the same: a linear layer may be stored as a 1×1 convolution.
    """
    found = [sizes_of(name, {plain(name): tensors[plain(name)].shape}) for name in source.names]
    rows = sum(shape[0] for shape in found if shape)
    if len(found) == 1 and source.parts == 1:
        joined = found[0]
    elif all(found) and len({shape[1:] for shape in found}) == 1 and rows % source.parts == 0:
        joined = (rows // source.parts, *found[0][1:])
    else:
        joined = (-1,)
    return "" if without_ones(joined) == without_ones(wanted) else " and ".join(map(shape_text, found))


def without_ones(shape: Sizes) -> Sizes:
    """Return a shape without its axes of size 1."""
    return tuple([size for size in shape if size != 1])


def load(source: WeightSource, wanted: Sizes, checkpoint: Checkpoint) -> Array:
    """Return an array, whose shape has been compared with the wanted one."""
    arrays = []
    for name in source.names:
        tensor = checkpoint.tensors[plain(name)]
        arrays.append(array_of(name, {tensor.name: checkpoint.load(tensor)}))
    joined = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    if source.parts > 1:
        rows = len(joined) // source.parts
        joined = joined[source.part * rows : (source.part + 1) * rows]
    return joined.reshape(wanted)
