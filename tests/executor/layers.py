"""One layer of a random spec with random inputs and stored arrays: what the tests of kernels have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, kernel_of
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node
from archcalc.ops.base import Operator
from archcalc.spec import Source, read_spec


@dataclass
class Layer:
    """A layer with its inputs, the batch in front."""

    node: Node
    inputs: Arrays
    weights: dict[str, Array]
    dtype: Any

    @property
    def op(self) -> Operator:
        return self.node.op

    def run(self, **options: Any) -> tuple[Arrays, Context]:
        """Return the output of its kernel, and the context that it reported to."""
        context = Context(dtype=self.dtype, **options)
        with np.errstate(all="ignore"):
            return kernel_of(self.op)(self.op, self.inputs, self.weights, context), context


def read(text: str) -> Graph:
    return read_spec(Source("random.yaml", text), inline="->" in text and ":" not in text).graph


def arrays(graph: Graph, node: Node, rng: np.random.Generator, dtype: Any) -> dict[str, Array]:
    """Return the stored arrays of a layer: those that the attributes determine, and random ones."""
    stored = stored_shapes(graph, node)
    if node.op.stores_attributes:
        return {name: np.array([float(x) for x in getattr(node.op, name)], dtype) for name in stored}
    return {name: numbers(rng, shape, dtype, positive=name == "variance") for name, shape in stored.items()}


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, *, positive: bool = False) -> Array:
    drawn = rng.normal(size=shape) * 1.5
    return (np.abs(drawn) + 0.2 if positive else drawn).astype(dtype)


def layers_of(graph: Graph, seed: int, *, batch: int = 2, dtype: Any = np.float64) -> list[Layer]:
    """Return every layer of a graph, each on random inputs of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for _, node in graph.layers():
        shapes = graph.input_shapes(node)
        inputs = tuple(numbers(rng, (batch, *shape), dtype) for shape in shapes)
        found.append(Layer(node, inputs, arrays(graph, node, rng, dtype), dtype))
    return found
