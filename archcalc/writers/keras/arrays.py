"""The stored arrays of a network from the variables of its Keras model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph
from archcalc.writers.keras.names import joined
from archcalc.writers.keras.write import plan_of


class Variable(NamedTuple):
    """A variable of a Keras model."""

    path: str
    """Its path: the names of the layer and, joined by slashes, of what is in it."""
    transform: Callable[[Any], Any]
    """Returns the array that the executor has in place of that of Keras."""


def variables_of(graph: Graph) -> dict[str, tuple[Variable, ...]]:
    """Return the variables of the written model for each stored array, by ``layer.array``.

    Most arrays have one; the rows of an array with several stand in their order.

    Raises:
        SpecError: as `write_keras`.
    """
    plan = plan_of(graph)
    functions = plan.functions
    found: dict[str, tuple[Variable, ...]] = {}
    for place in functions.places():
        node = graph.nodes[place.layer]
        arrays: Mapping[str, Any] = plan.codes[place.first].arrays
        for array in own_shapes(graph, node):
            found[f"{node.name}.{array}"] = tuple(
                [
                    Variable(f"{joined(place.name, each.label, functions.separator)}/{each.variable}", each.transform)
                    for each in arrays[array]
                ]
            )
    return found
