"""Stored tensors whose numbers tell what they are: masks of attention, indices, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from math import prod
from typing import Any

import numpy as np

from archcalc.graph import Graph, Ref
from archcalc.ops.base import converted_operator
from archcalc.ops.source import Constant
from archcalc.ops.structure import Flatten, Reshape, Transpose
from archcalc.writers.recognition.rewriting import Rewriting, only_reorders

FORBIDDING = -1e4
"""The largest number that a mask adds to scores for pairs that it excludes."""


class KnownConstant(Constant):
    """A stored tensor with its numbers; the language only says its shape."""

    numbers: Any = None

    @property
    def array(self) -> Any:
        """The numbers in the shape of the tensor."""
        return self.numbers.reshape(self.shape)


def with_numbers(graph: Graph, constants: Mapping[str, Any]) -> Graph:
    """Return a graph whose stored tensors have their numbers.

    Args:
        graph: the graph.
        constants: the numbers by ``layer.array``, as far as they are known.
    """
    nodes = list(graph.nodes)
    for index, node in graph.layers():
        if type(node.op) is Constant and index not in graph.sharing:
            numbers = constants.get(f"{node.name}.{node.op.array_name}")
            if numbers is not None and numbers.size == prod(node.output):
                nodes[index] = replace(node, op=converted_operator(KnownConstant, node.op, numbers=np.asarray(numbers)))
    return replace(graph, nodes=tuple(nodes)) if constants else graph


def numbers_of(graph: Graph, ref: Ref) -> Any:
    """Return the numbers of a stored tensor; ``None`` if they are unknown."""
    node = graph.nodes[ref.node]
    return node.op.array if isinstance(node.op, KnownConstant) else None


def is_causal(mask: Any) -> bool:
    """Return whether a mask excludes exactly the keys behind the position of each query."""
    if mask.ndim < 2 or mask.size != mask.shape[-1] * mask.shape[-2]:
        return False
    pairs = mask.reshape(mask.shape[-2:])
    later = np.triu(np.ones(pairs.shape, bool), 1)
    return not pairs[~later].any() and bool((pairs[later] <= FORBIDDING).all())


def with_reordered_constants(graph: Graph) -> Graph:
    """Return a graph in which a layer that only reorders a stored tensor is a stored tensor itself."""
    rewriting = Rewriting(graph)
    known: dict[int, KnownConstant] = {}
    for index, node in graph.layers():
        if isinstance(node.op, KnownConstant):
            known[index] = node.op
        elif isinstance(node.op, Reshape | Flatten | Transpose) and node.inputs[0].node in known:
            numbers = known[node.inputs[0].node].array
            if isinstance(node.op, Transpose):
                numbers = numbers.transpose(node.op.order)
            known[index] = KnownConstant(shape=node.output, numbers=np.ascontiguousarray(numbers))
            rewriting.replace(index, known[index], ())
    return rewriting.finished()


def with_single_constants(graph: Graph) -> Graph:
    """Return a graph in which stored tensors with the same numbers in the same shape are one."""
    rewriting = Rewriting(graph)
    first: dict[tuple[object, ...], int] = {}
    for index, node in graph.layers():
        if isinstance(node.op, KnownConstant):
            numbers = np.ascontiguousarray(node.op.numbers)
            key = (node.op.shape, numbers.dtype.str, sha256(numbers.data).digest())
            earlier = first.setdefault(key, index)
            if earlier != index:
                rewriting.leave_out(index, Ref(earlier))
    return rewriting.finished()


def without_unread_sources(graph: Graph) -> Graph:
    """Return a graph without stored tensors that are not trained and not read, and what only reorders them."""
    read = {ref.node for ref in (*graph.outputs.values(), *graph.training_outputs.values())}
    rewriting = Rewriting(graph)
    for index, node in reversed([*graph.layers()]):
        if index not in read and (isinstance(node.op, KnownConstant) or only_reorders(node.op)):
            rewriting.remove([index])
        else:
            read.update(ref.node for ref in node.inputs)
    return rewriting.finished()
