"""Tables that tell what a layer is: indices of positions, of relative positions, and masks of shifted windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from archcalc.graph import Graph, Ref
from archcalc.numeric import Impossible
from archcalc.ops.base import converted_operator
from archcalc.ops.dense import Embedding
from archcalc.ops.position import RelativeBias, ShiftMask
from archcalc.ops.source import Constant, Learned
from archcalc.ops.structure import Reshape, Slice
from archcalc.ops.view import View
from archcalc.readers.steps import make
from archcalc.writers.recognition.known_constants import KnownConstant, numbers_of
from archcalc.writers.recognition.rewriting import Readers, Rewriting, only_reorders
from archcalc.writers.score_tables import EXCLUDED, bucket, excluded, pairs

MAX_TOKENS = 1024
"""The maximum number of positions of which all pairs are compared with those of a table."""
MAX_AXES = 3
"""The maximum number of axes of positions that tables of windows are tried for."""


def with_tables(graph: Graph) -> Graph:
    """Return a graph in which lookups at fixed indices, and masks of shifted windows, are what they stand for.

    The vectors of consecutive positions are a slice of a learned tensor; those of all pairs of positions a bias.
    """
    readers, rewriting = Readers(graph), Rewriting(graph)
    for index, node in graph.layers():
        if isinstance(node.op, KnownConstant):
            mask = shift_mask(node.op.array)
            if mask is not None:
                rewriting.replace(index, mask, ())
        elif isinstance(node.op, Embedding) and not node.tied and index not in graph.sharing:
            indices = numbers_of(graph, node.inputs[0])
            if indices is not None:
                look_up(graph, readers, rewriting, index, indices)
    return rewriting.finished()


def look_up(graph: Graph, readers: Readers, rewriting: Rewriting, index: int, indices: Any) -> None:
    """Replace a lookup at fixed indices, and the layers behind it that reorder the vectors, where that is simpler."""
    op, ref = graph.nodes[index].op, graph.nodes[index].inputs[0]
    assert isinstance(op, Embedding)
    reordering = [index]
    while (after := readers.only(reordering[-1])) is not None and only_reorders(graph.nodes[after].op):
        reordering.append(after)
    *inner, last = reordering
    shape = graph.nodes[last].output
    bias = relative_bias(op, indices.ravel()) if by_head(graph, reordering) else None
    if bias is not None:
        *leading, _, _, _ = shape
        rewriting.replace(index, bias, ())
        rewriting.replace(last, Reshape(shape=shape) if leading else bias, (Ref(index),) if leading else ())
        rewriting.remove(inner[1:] if leading else inner)
        return
    plain = (indices.size, op.dim)
    if shape != plain or readers.only(ref.node) != index:
        return
    flat = indices.ravel()
    if (np.diff(flat) == 1).all() and flat.size > 1:
        first = int(flat[0])
        rewriting.replace(ref.node, make(Learned, shape=(op.vocabulary, op.dim)), ())
        rewriting.replace(index, make(Slice, range=(first, first + flat.size), axis=0), (ref,))
    else:
        rewriting.replace(ref.node, converted_operator(Constant, graph.nodes[ref.node].op, shape=flat.shape), ())
        rewriting.replace(index, op, (ref,))
    for each in reordering[1:]:
        rewriting.leave_out(each, Ref(index))


def by_head(graph: Graph, reordering: Sequence[int]) -> bool:
    """Return whether layers turn a row per pair of positions into a matrix of all pairs per feature, a head."""
    first, *rest = reordering
    shape = graph.nodes[first].output
    view = View.of(shape)
    for index in rest:
        view = graph.nodes[index].op.rearranged(view, graph.nodes[index].output) or view
    *leading, heads, queries, keys = (1, 1, 1, *view.shape)
    matrices = prod(leading) == 1 and len(view.shape) > 2 and queries == keys and heads == shape[-1]
    return matrices and [*chain(*view.axes)] == [*view.source[-1], *chain(*view.source[:-1])]


def relative_bias(op: Embedding, indices: Any) -> RelativeBias | None:
    """Return the bias whose table has a row for every pair of positions at these indices; ``None`` if there is none."""
    tokens = round(indices.size**0.5)
    if tokens**2 != indices.size or tokens > MAX_TOKENS:
        return None
    for size in sizes(tokens):
        bias = make(RelativeBias, size=size, heads=op.dim)
        if bias.entries == op.vocabulary and (pair_rows(size) == indices).all():
            return bias
    for causal in (False, True):
        try:
            bias = make(RelativeBias, size=(tokens,), heads=op.dim, buckets=op.vocabulary, causal=causal)
            fits = bias.entries == op.vocabulary
        except Impossible:
            continue
        apart = [bucket(bias, after) for after in range(1 - tokens, tokens)]
        rows = np.arange(tokens)
        if fits and (np.array(apart)[rows[None] - rows[:, None] + tokens - 1].ravel() == indices).all():
            return bias
    return None


@cache
def pair_rows(size: tuple[int, ...]) -> Any:
    """Return the row of the table for every pair of positions of a window."""
    return pairs(make(RelativeBias, size=size, heads=1)).ravel()


def shift_mask(mask: Any) -> ShiftMask | None:
    """Return the operator that makes a mask of windows of a rolled map; ``None`` if there is none."""
    if mask.ndim != 4 or mask.shape[1] != 1 or mask.shape[2] != mask.shape[3] or not mask.any():
        return None
    count, _, tokens, _ = mask.shape
    for window in sizes(tokens):
        for windows in sizes(count):
            if len(windows) != len(window):
                continue
            axes = [*zip(windows, window, strict=True)]
            size = tuple([n * m for n, m in axes])
            shifts = {tuple([m // 2 for m in window]), tuple([m // 2 * (n > 1) for n, m in axes])}
            for shift in shifts:
                if not (last_window(window, shift) == mask[-1, 0]).all():
                    continue
                found = make(ShiftMask, size=size, window=one_if_equal(window), shift=one_if_equal(shift))
                if (excluded(found) == mask).all():
                    return found
    return None


@cache
def last_window(window: tuple[int, ...], shift: tuple[int, ...]) -> Any:
    """Return the mask of the last window of a rolled map."""
    places = np.indices(window).reshape(len(window), -1).T
    beyond = places >= np.array(window) - np.array(shift)
    return np.where((beyond[:, None] == beyond[None]).all(-1), 0.0, EXCLUDED)


def one_if_equal(parts: tuple[int, ...]) -> tuple[int, ...]:
    """Return equal parts as one, as a person writes them."""
    return parts[:1] if len({*parts}) == 1 else parts


def sizes(count: int) -> Iterator[tuple[int, ...]]:
    """Yield the shapes of a number of positions: squares first, then others of up to three axes."""
    found = [(count,), *factored(count, 2), *factored(count, MAX_AXES)]
    yield from sorted(found, key=lambda each: (len({*each}) > 1, len(each)))


def factored(count: int, axes: int) -> Iterator[tuple[int, ...]]:
    """Yield all shapes of a number of positions with this many axes."""
    if axes == 1:
        yield (count,)
        return
    for first in range(1, count + 1):
        if count % first == 0:
            for rest in factored(count // first, axes - 1):
                yield (first, *rest)
