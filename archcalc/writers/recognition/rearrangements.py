"""Chains of reshapes and transpositions as one layer: ``rearrange`` in einops' notation, or none at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from string import ascii_lowercase

from archcalc.graph import Graph, Ref
from archcalc.ops.base import Operator, Shape, converted_operator
from archcalc.ops.rearrange import Rearrange
from archcalc.ops.source import Constant, Learned
from archcalc.ops.structure import Flatten, Identity, Reshape, Transpose
from archcalc.ops.view import View
from archcalc.writers.recognition.rewriting import Readers, Rewriting, only_reorders

POSITIONS = {1: "n", 2: "hw", 3: "dhw"}
"""The names of axes of positions, by their number."""
WITHIN = "pqrstuvxyz"
"""The names of the inner factors of axes."""


def without_idle_layers(graph: Graph) -> Graph:
    """Return a graph without layers that pass on their input, and those that reorder it where nothing reads them."""
    readers, rewriting = Readers(graph), Rewriting(graph)
    for index, node in graph.layers():
        is_unread = index not in readers.outputs and Ref(index) not in readers.layers
        is_same = isinstance(node.op, Reshape) and node.output == graph.shape(node.inputs[0])
        is_passed = (isinstance(node.op, Identity) or is_same) and not graph.nodes[node.inputs[0].node].is_input
        if is_passed or (is_unread and only_reorders(node.op)):
            rewriting.leave_out(index, node.inputs[0])
    return rewriting.finished()


def with_rearrangements(graph: Graph) -> Graph:
    """Return a graph in which at most one layer stands between two that do more than to reorder elements.

    A layer that flattens its input needs none before it, and a stored tensor has the shape that is read.
    """
    readers, rewriting = Readers(graph), Rewriting(graph)
    for first, views in chains(graph, readers):
        (ref,) = graph.nodes[first].inputs
        last = views[-1]
        view = View.of(graph.shape(ref))
        for index in views:
            view = moved(graph, view, index)
        reader = readers.only(last)
        shape = graph.nodes[last].output
        if is_stored(graph, readers, ref):
            op = graph.nodes[ref.node].op
            rewriting.replace(ref.node, converted_operator(type(op), op, shape=shape), ())
        elif is_unchanged(graph, view, views) or (reader is not None and flattens(graph, reader) and len(shape) == 1):
            pass
        else:
            made = only_reshaped(graph, views) or rearranging(view, graph.features_of(ref))
            if made is None or (len(views) == 1 and len(shape) > 1):
                continue
            rewriting.replace(last, made, (ref,))
            views.pop()
        for index in views:
            rewriting.leave_out(index, ref)
    return rewriting.finished()


def chains(graph: Graph, readers: Readers) -> Iterator[tuple[int, list[int]]]:
    """Yield the longest sequences of layers that reorder elements, each read by the next only, with the first."""
    seen: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if index in seen or not only_reorders(node.op) or not all(type(size) is int for size in node.output):
            continue
        found = [index]
        while (after := readers.only(found[-1])) is not None and only_reorders(graph.nodes[after].op):
            found.append(after)
        seen.update(found)
        yield index, found


def moved(graph: Graph, view: View, index: int) -> View:
    """Return a view after a layer that reorders elements."""
    node = graph.nodes[index]
    after = node.op.rearranged(view, node.output)
    assert after is not None
    return after


def is_stored(graph: Graph, readers: Readers, ref: Ref) -> bool:
    """Return whether a tensor is stored, and only one layer reads it."""
    stored = isinstance(graph.nodes[ref.node].op, Learned | Constant)
    return stored and readers.only(ref.node) is not None and ref.node not in graph.sharing


def only_reshaped(graph: Graph, views: Sequence[int]) -> Operator | None:
    """Return one reshape for several; ``None`` if there are transpositions."""
    if not all(isinstance(graph.nodes[index].op, Reshape | Flatten) for index in views):
        return None
    return reshaping(graph.nodes[views[-1]].output)


def reshaping(shape: Shape) -> Operator:
    """Return the reshape to a shape."""
    return Flatten() if len(shape) == 1 else Reshape(shape=shape)


def is_unchanged(graph: Graph, view: View, views: Sequence[int]) -> bool:
    """Return whether a chain of reordering layers ends with the tensor that it begins with."""
    (ref,) = graph.nodes[views[0]].inputs
    same_order = view.axes == view.source or only_reshaped(graph, views) is not None
    return view.shape == graph.shape(ref) and same_order


def flattens(graph: Graph, index: int) -> bool:
    """Return whether a layer flattens its input, and does more."""
    op = graph.nodes[index].op
    return op.flattens and not only_reorders(op)


def rearranging(view: View, features: int | None) -> Operator | None:
    """Return one operator that reorders elements as a view does; ``None`` if it cannot be followed.

    Args:
        view: the view.
        features: the axis of the tensor that it reads that holds features.
    """
    shape = view.shape
    order = [*chain(*view.axes)]
    if order == [*chain(*view.source)]:
        return reshaping(shape)
    if sorted(order) != sorted(chain(*view.source)):
        return None
    if len(view.axes) == len(view.source) and all(view.source) and {*view.axes} == {*view.source}:
        return Transpose(order=tuple([view.source.index(axis) for axis in view.axes]))
    names = factor_names(view.source, features)
    left, right = (" ".join(written(axis, names) for axis in axes) for axes in (view.source, view.axes))
    sizes = tuple([(names[factor], view.sizes[factor]) for factors in view.source for factor in factors[1:]])
    return Rearrange(pattern=f"{left} = {right}", sizes=sizes)


def factor_names(source: Sequence[tuple[int, ...]], features: int | None) -> dict[int, str]:
    """Return a name for every factor of the axes of a tensor: ``c`` for features, ``h`` and ``w`` for positions."""
    count = len(source) - (features is not None)
    letters = [*POSITIONS.get(count, ascii_lowercase.replace("c", ""))][:count]
    if features is not None:
        letters.insert(features, "c")
    inner = iter([*WITHIN, *(f"{letter}2" for letter in WITHIN)])
    return {
        factor: letter if place == 0 else next(inner)
        for letter, factors in zip(letters, source, strict=True)
        for place, factor in enumerate(factors)
    }


def written(axis: Sequence[int], names: dict[int, str]) -> str:
    """Return an axis of a pattern: a name, several in brackets, or 1."""
    factors = [names[factor] for factor in axis]
    return factors[0] if len(factors) == 1 else f"({' '.join(factors)})" if factors else "1"
