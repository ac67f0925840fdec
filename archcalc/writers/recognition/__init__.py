"""Several layers that one layer of the language says: the projections and products of attention, chains of reshapes.

Readers keep the operations of a file as they are. A writer whose format has a word for several of them replaces them:
`recognised` returns a graph that computes the same from the same number of parameters, with the same
multiply–accumulates. Weights may be in another order, and parts of one weight become weights of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.graph import Graph
from archcalc.writers.recognition.attention import with_attention
from archcalc.writers.recognition.idioms import with_idioms
from archcalc.writers.recognition.joins import with_nested_concatenations
from archcalc.writers.recognition.known_constants import (
    with_numbers,
    with_reordered_constants,
    with_single_constants,
    without_unread_sources,
)
from archcalc.writers.recognition.order import with_branches_in_order
from archcalc.writers.recognition.rearrangements import with_rearrangements, without_idle_layers
from archcalc.writers.recognition.tables import with_tables

STEPS = (
    with_reordered_constants,
    without_idle_layers,
    with_idioms,
    with_tables,
    with_single_constants,
    with_attention,
    without_unread_sources,
    with_rearrangements,
    with_nested_concatenations,
    with_branches_in_order,
)


def recognised(graph: Graph, constants: Mapping[str, Any] | None = None) -> Graph:
    """Return a graph in which layers that compute attention are one, and so are chains of reordering layers.

    Args:
        graph: the graph.
        constants: the numbers of stored tensors that are not trained by ``layer.array``, as far as they are known.
    """
    graph = with_numbers(graph, constants or {})
    for step in STEPS:
        graph = step(graph)
    return graph


__all__ = ["recognised"]
