"""Receptive fields by probing: which input positions, when set to NaN, make a unit NaN.

A NaN propagates through every sum, product and maximum, so nothing can cancel. The kernels run unchanged, layer by
layer, but every tensor is reduced to a single feature before it is passed on: NaN where any feature is NaN, and one
everywhere else. This keeps the geometry of the network, but not its width and its numbers. A unit is one position with
all of its features. Only layers that turn features into positions, or combine them with positions, read all of their
features.

A *test* sets the first (or last) k positions of an axis to NaN. If they reach a unit, so do the first k + 1; so the
first position that a unit sees is found by bisection, and the last one likewise from the other end. A batch holds many
tests, and the result of each test applies to all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from archcalc.executor import kernels  # noqa: F401  # registers the kernels
from archcalc.executor.kernel import Array, Context, Sizes, kernel_of, storage_of
from archcalc.graph import Graph, Node, Ref

MAX_BATCH = 64
"""The maximum number of tests in one run."""
MAX_ELEMENTS = 1 << 22
"""The maximum number of elements of the inputs of one run: with large inputs, a run makes fewer tests."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The first and last position of an axis that a unit sees; empty if last < first."""

    first: int
    last: int

    def __bool__(self) -> bool:
        return self.last >= self.first


NOTHING = Extent(0, -1)


def probe(
    graph: Graph,
    sizes: Mapping[str, Sizes],
    units: Mapping[int, Sizes],
    source: str,
    axis: int,
    guesses: Mapping[int, Extent],
) -> dict[int, Extent]:
    """Return what units see of one axis of an input, by the index of their layer.

    Args:
        graph: the network.
        sizes: the sizes of every input's axes of positions, which need not be those of the graph.
        units: the position of a unit by the index of its layer (empty for a vector).
        source: the name of the input.
        axis: the index of the axis, among those of positions.
        guesses: what units are expected to see. The first tests are made at these bounds, so correct guesses save most
            of the work; the result does not depend on them.
    """
    n = sizes[source][axis]
    found: dict[tuple[int, bool], tuple[int, int]] = {(index, end): (0, n) for index in units for end in (False, True)}
    tests = {
        (end, bound)
        for seen in guesses.values()
        for end, edge in ((False, seen.first if seen else n), (True, n - 1 - seen.last if seen else n))
        for bound in (edge - 1, edge)
        if 0 <= bound < n
    }
    while tests or (tests := _bisections(found)):
        for test, reached in _outcomes(graph, sizes, units, source, axis, sorted(tests)):
            end, count = test[0], test[1] + 1
            for index in units:
                low, high = found[index, end]
                if low < count <= high:
                    found[index, end] = (low, count - 1) if reached[index] else (count, high)
        tests = set()
    seen = {index: Extent(found[index, False][0], n - 1 - found[index, True][0]) for index in units}
    return {index: each if each.first < n else NOTHING for index, each in seen.items()}


def _bisections(found: Mapping[tuple[int, bool], tuple[int, int]]) -> set[tuple[bool, int]]:
    """Return the tests that halve every interval that is still open."""
    return {(end, (low + high) // 2) for (_, end), (low, high) in found.items() if low < high}


def _outcomes(
    graph: Graph,
    sizes: Mapping[str, Sizes],
    units: Mapping[int, Sizes],
    source: str,
    axis: int,
    tests: list[tuple[bool, int]],
) -> Iterator[tuple[tuple[bool, int], dict[int, bool]]]:
    """Yield, for every test, whether the first (or last) positions up to a bound reach each unit."""
    wide = [prod(graph.shape(ref)) for _, node in graph.layers() if _is_wide(graph, node) for ref in node.inputs]
    largest = max(*(prod(each) for each in sizes.values()), *wide, 1)
    own = {name: graph.features_of(ref) for name, ref in graph.input_refs.items()}
    together = max(1, min(MAX_BATCH, MAX_ELEMENTS // largest))
    for begin in range(0, len(tests), together):
        batch = tests[begin : begin + together]
        inputs = {name: np.ones((len(batch), *_with(each, own[name], 1)), np.float32) for name, each in sizes.items()}
        moved = np.moveaxis(inputs[source], 1 + graph.position_axes(graph.input_refs[source])[axis], 1)
        for example, (from_the_end, bound) in zip(moved, batch, strict=True):
            example[-1 - bound :] = np.nan if from_the_end else 1
            example[: 0 if from_the_end else bound + 1] = np.nan
        reached = _reached(graph, inputs, units)
        for number, test in enumerate(batch):
            yield test, {index: bool(row[number]) for index, row in reached.items()}


def _reached(graph: Graph, inputs: Mapping[str, Array], units: Mapping[int, Sizes]) -> dict[int, Array]:
    """Return, for each unit, which examples of a batch are NaN there."""
    tensors: dict[Ref, Array] = {}
    last = {ref: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    features = graph.feature_axes
    context = Context(batch=len(next(iter(inputs.values()))), marking=True)
    found: dict[int, Array] = {}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            tensors[Ref(index)] = inputs[node.name]
            continue
        own, read = features[index], [(tensors[ref], graph.features_of(ref)) for ref in node.inputs]
        if _is_wide(graph, node):
            given = [_wide(array, axis, graph.shape(ref)) for (array, axis), ref in zip(read, node.inputs, strict=True)]
            outputs = _run(node, tuple(given), None, context)
        else:
            axis = read[0][1] if read else None
            outputs = _run(node, tuple([_single(array, axis) for array, axis in read]), axis, context)
        made = {Ref(index, output): array for output, array in enumerate(outputs)}
        if not node.op.reorders:
            made = {ref: _single(array, graph.features_of(ref)) for ref, array in made.items()}
        tensors.update(made)
        if index in units:
            position: tuple[Any, ...] = (slice(None), *_with(units[index], own, 0))
            found[index] = np.isnan(_single(tensors[Ref(index)], own)[position])
        for ref in {*node.inputs}:
            if last[ref] == index:
                del tensors[ref]
    return found


def _is_wide(graph: Graph, node: Node) -> bool:
    """Return whether a layer reads all features of its inputs."""
    op = node.op
    axes = {graph.features_of(ref) for ref in node.inputs}
    expected = {"first": {0}, "last": {len(graph.shape(ref)) - 1 for ref in node.inputs}}.get(op.reads_features, axes)
    return op.reorders or op.pairs_features or len(axes) > 1 or axes != expected


def _run(node: Node, given: tuple[Array, ...], features: int | None, context: Context) -> tuple[Array, ...]:
    """Evaluate one layer on single features (or on all, if there is no axis of them), with 1 for its stored numbers."""
    narrow = node.op.on_one_channel(given[0].ndim - 1 if given else len(node.output), features)
    shapes = tuple([array.shape[1:] for array in given])
    weights = {name: np.ones(shape, np.float32) for name, shape in storage_of(narrow, shapes).items()}
    with np.errstate(all="ignore"):
        return kernel_of(narrow)(narrow, given, weights, context)


def _wide(array: Array, features: int | None, shape: tuple[int, ...]) -> Array:
    """Return all features of a tensor of a given shape: its own, or its single one repeated."""
    if features is None or array.shape[1 + features] != 1:
        return array
    sizes = list(array.shape)
    sizes[1 + features] = shape[features]
    return np.broadcast_to(array, sizes)


def _single(array: Array, features: int | None) -> Array:
    """Return one feature: NaN where any feature is NaN, and one everywhere else."""
    is_nan = np.isnan(array).any(axis=() if features is None else 1 + features, keepdims=True)
    return np.where(is_nan, np.float32(np.nan), np.float32(1))


def _with(positions: Sizes, features: int | None, number: int) -> Sizes:
    """Return numbers per axis of positions with one for the axis of features."""
    return positions if features is None else (*positions[:features], number, *positions[features:])
