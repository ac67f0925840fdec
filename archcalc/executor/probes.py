"""Receptive fields by probing: which input positions, made NaN, make a unit NaN.

A NaN passes through every sum, product and maximum it gets into, so nothing can cancel. The kernels run as they are,
layer by layer, but a tensor is reduced to a single map before it is passed on, NaN where any of its channels is NaN and
one elsewhere: the geometry of the network is kept, its width and its numbers are not. A unit is all of its channels.
Only reshapes and transpositions, which turn channels into positions and back, read and pass on all of their channels.

That the first k positions of an axis reach a unit is the more likely the larger k is, so the first position that does
is found by bisection; the last one likewise from the other end. One run of a batch asks many such questions, and every
answer is an answer for all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.kernel import Array, Context, Sizes, kernel_of, storage_of
from archcalc.graph import Graph, Ref
from archcalc.ops.base import Operator

BATCH = 64
"""Questions asked in one run."""
ELEMENTS = 1 << 22
"""Numbers of the inputs of one run, at most: fewer questions are asked at once where inputs are large."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a unit sees of one axis: its first and last position, or nothing at all."""

    first: int
    last: int

    def __bool__(self) -> bool:
        return self.last >= self.first


NOTHING = Seen(0, -1)


def probe(
    graph: Graph,
    sizes: Mapping[str, Sizes],
    units: Mapping[int, Sizes],
    source: str,
    axis: int,
    guesses: Mapping[int, Seen],
) -> dict[int, Seen]:
    """What units see of one axis of an input.

    Args:
        graph: the network.
        sizes: the spatial sizes of every input, which need not be those of the graph.
        units: layers by index, each with the position of its unit (none for a vector).
        source: the input.
        axis: its spatial axis.
        guesses: what units might see. Questions begin there, so that right guesses save most of the work; what is
            returned is what was seen in any case.
    """
    n = sizes[source][axis]
    found: dict[tuple[int, bool], tuple[int, int]] = {(index, end): (0, n) for index in units for end in (False, True)}
    questions = {
        (end, place)
        for seen in guesses.values()
        for end, edge in ((False, seen.first), (True, n - 1 - seen.last))
        for place in (edge - 1, edge)
        if seen and 0 <= place < n
    }
    while questions or (questions := _halves(found)):
        for question, reached in _answers(graph, sizes, units, source, axis, sorted(questions)):
            end, count = question[0], question[1] + 1
            for index in units:
                low, high = found[index, end]
                if low < count <= high:
                    found[index, end] = (low, count - 1) if reached[index] else (count, high)
        questions = set()
    seen = {index: Seen(found[index, False][0], n - 1 - found[index, True][0]) for index in units}
    return {index: each if each.first < n else NOTHING for index, each in seen.items()}


def _halves(found: Mapping[tuple[int, bool], tuple[int, int]]) -> set[tuple[bool, int]]:
    """The questions that halve what is still open."""
    return {(end, (low + high) // 2) for (_, end), (low, high) in found.items() if low < high}


def _answers(
    graph: Graph,
    sizes: Mapping[str, Sizes],
    units: Mapping[int, Sizes],
    source: str,
    axis: int,
    questions: list[tuple[bool, int]],
) -> Iterator[tuple[tuple[bool, int], dict[int, bool]]]:
    """Whether the first (or last) positions up to a place reach each unit, for every question."""
    reordered = [prod(node.output) for _, node in graph.layers() if node.op.reorders]
    largest = max(*(prod(each) for each in sizes.values()), *reordered, 1)
    together = max(1, min(BATCH, ELEMENTS // largest))
    for begin in range(0, len(questions), together):
        asked = questions[begin : begin + together]
        inputs = {name: np.ones((len(asked), 1, *each), np.float32) for name, each in sizes.items()}
        moved = np.moveaxis(inputs[source], axis + 2, 1)
        for example, (from_the_end, place) in zip(moved, asked, strict=True):
            example[-1 - place :] = np.nan if from_the_end else 1
            example[: 0 if from_the_end else place + 1] = np.nan
        reached = _reached(graph, inputs, units)
        for number, question in enumerate(asked):
            yield question, {index: bool(row[number]) for index, row in reached.items()}


def _reached(graph: Graph, inputs: Mapping[str, Array], units: Mapping[int, Sizes]) -> dict[int, Array]:
    """Which examples of a batch have NaN at each unit."""
    tensors: dict[Ref, Array] = {}
    last = {ref: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    context = Context()
    found: dict[int, Array] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            tensors[Ref(index)] = inputs[node.name]
            continue
        if node.op.reorders:
            (ref,) = node.inputs
            outputs = kernel_of(node.op)(node.op, (_wide(tensors[ref], graph.shape(ref)),), {}, context)
        else:
            outputs = _run(node.op, tuple([_single(tensors[ref]) for ref in node.inputs]), context)
            outputs = tuple(map(_single, outputs))
        tensors.update({Ref(index, output): array for output, array in enumerate(outputs)})
        if index in units:
            place: tuple[Any, ...] = (slice(None), 0, *units[index])
            found[index] = np.isnan(_single(tensors[Ref(index)])[place])
        for ref in {*node.inputs}:
            if last[ref] == index:
                del tensors[ref]
    return found


def _run(op: Operator, given: tuple[Array, ...], context: Context) -> tuple[Array, ...]:
    """One layer with a single map, all of its stored numbers 1."""
    narrow = op.on_one_channel(given[0].ndim - 1)
    shapes = tuple([array.shape[1:] for array in given])
    weights = {name: np.ones(shape, np.float32) for name, shape in storage_of(narrow, shapes).items()}
    with np.errstate(all="ignore"):
        return kernel_of(narrow)(narrow, given, weights, context)


def _wide(array: Array, shape: tuple[int, ...]) -> Array:
    """All channels of a tensor of this shape: those that are there, or its single map in each."""
    return np.broadcast_to(array, (len(array), shape[0], *array.shape[2:])) if array.shape[1] == 1 else array


def _single(array: Array) -> Array:
    """One map: NaN where any channel is, else one."""
    poisoned = np.isnan(array).any(axis=1, keepdims=True)
    return np.where(poisoned, np.float32(np.nan), np.float32(1))
