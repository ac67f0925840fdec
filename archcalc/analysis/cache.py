"""The key–value cache: what attention keeps of earlier tokens while a network generates tokens one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Cache

CACHED: Mapping[str, Callable[[Cache], Number]] = {
    "kv_cache": lambda cache: cache.kept,
    "kv_cache_per_token": lambda cache: cache.per_token,
}
"""The quantities of the cache, each as a number of elements."""


def cached_elements(graph: Graph, layers: Iterable[int], quantity: str) -> Number:
    """Return how many numbers some layers keep for one example.

    Layers with shared weights each keep their own, because they read different tensors.

    Args:
        graph: the network.
        layers: the indices of the layers.
        quantity: one of `CACHED`.
    """
    nodes = [graph.nodes[index] for index in layers]
    return sum([CACHED[quantity](node.op.cache(graph.input_shapes(node))) for node in nodes])
