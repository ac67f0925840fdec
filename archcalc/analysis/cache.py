"""The key–value cache: what attention keeps of earlier tokens while a network generates tokens one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Cache

CACHED: Mapping[str, Callable[[Cache], Number]] = {
    "kv_cache": lambda cache: cache.kept,
    "kv_cache_per_token": lambda cache: cache.per_token,
}
"""The quantities of the cache, each as a number of elements."""


def cache_of(graph: Graph, layers: Iterable[int]) -> Cache:
    """Return what some layers, given by their indices, keep together for one example.

    Layers with shared weights each keep their own, because they read different tensors.
    """
    times = Counter([graph.alike[index] for index in layers])
    caches = [(graph.nodes[index].op.cache(graph.input_shapes(graph.nodes[index])), n) for index, n in times.items()]
    return Cache(sum([cache.kept * n for cache, n in caches]), sum([cache.per_token * n for cache, n in caches]))
