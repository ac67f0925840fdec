"""The inputs of a run: conversion of given arrays, and seeded random arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import DTypeLike

from archcalc.arrays.texts import shape_text
from archcalc.executor.errors import ArrayError
from archcalc.executor.kernel import Array, Sizes
from archcalc.graph import Graph


def random_inputs(graph: Graph, *, batch: int = 1, seed: int = 0, dtype: DTypeLike = np.float32) -> dict[str, Array]:
    """Return normally distributed numbers for every input; for one that an embedding reads, indices of its entries."""
    tables = vocabularies(graph)
    arrays = {}
    for name, shape in graph.inputs.items():
        rng = np.random.default_rng([seed, crc32(name.encode())])
        sizes = (batch, *map(int, shape))
        drawn = rng.integers(tables[name], size=sizes) if name in tables else rng.standard_normal(sizes, np.float32)
        arrays[name] = drawn.astype(dtype, copy=False)
    return arrays


def converted_inputs(graph: Graph, given: Mapping[str, Any], *, dtype: DTypeLike = np.float32) -> dict[str, Array]:
    """Return arrays for inputs in the number format of a run; an array without a batch is a single example.

    Raises:
        ArrayError: an array has another shape, is not of real numbers, holds indices outside of the vocabulary of an
            embedding, or belongs to an unknown input.
    """
    arrays = {name: np.asarray(values) for name, values in given.items()}
    check_inputs(graph, arrays)
    return {
        name: with_batch(np.ascontiguousarray(array, np.dtype(dtype)), len(graph.inputs[name]))
        for name, array in arrays.items()
    }


def with_batch(array: Array, axes: int) -> Array:
    """Return an array with the batch in front, given the number of axes of one example."""
    return array if array.ndim > axes else array[None]


def check_inputs(graph: Graph, arrays: Mapping[str, Array]) -> None:
    """Check arrays for inputs, each of one example or of a batch.

    Raises:
        ArrayError: see `converted_inputs`.
    """
    shapes, tables, problems = graph.inputs, vocabularies(graph), []
    for name, array in arrays.items():
        if name not in shapes:
            known = "the inputs are" if len(shapes) > 1 else "the only input is"
            problems.append(f"there is no input '{name}'; {known} {', '.join(shapes)}")
        elif array.dtype.kind not in "fiu":
            problems.append(f"the input '{name}' must hold real numbers, got {array.dtype.name}")
        elif problem := shape_problem(array.shape, tuple(map(int, shapes[name]))):
            problems.append(f"the input '{name}' {problem}")
        elif name in tables:
            problems += _unknown_entries(name, array, tables[name])
    if problems:
        raise ArrayError(problems)


def vocabularies(graph: Graph) -> dict[str, int]:
    """Return the inputs that an embedding reads, with the size of its vocabulary (the smallest of several)."""
    found: dict[str, int] = {}
    for _, node in graph.layers():
        if (limit := node.op.index_limit) is None:
            continue
        for ref in node.inputs:
            if (source := graph.nodes[ref.node]).is_input:
                found[source.name] = min(found.get(source.name, int(limit)), int(limit))
    return found


def _unknown_entries(name: str, array: Array, vocabulary: int) -> list[str]:
    known = (array == np.floor(array)) & (array >= 0) & (array < vocabulary)
    if known.all():
        return []
    wrong = array[~known].flat[0]
    return [f"the input '{name}' of an embedding must hold integers from 0 to {vocabulary - 1}, got {wrong:g}"]


def shape_problem(shape: Sizes, expected: Sizes) -> str:
    """Return why a shape is neither that of one example nor that of a batch; an empty text if it is one of these."""
    if shape == expected or (shape[1:] == expected and shape[0] > 0):
        return ""
    text = f"must have shape {shape_text(expected)} or {shape_text(('N', *expected))}, got {shape_text(shape)}"
    last = (*expected[1:], expected[0])
    return f"{text} (channels come first)" if len(expected) > 1 and last in (shape, shape[1:]) else text
