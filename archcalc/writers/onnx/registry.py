"""How layers are written: a function by operator, in the file of its family.

A function is given the model, the operator, the name and the shape of the tensor that it reads, and its stored arrays;
it appends nodes and returns the name of the output, or those of all outputs. The functions of joins, and of operators
with tensors as arguments, are given the names and shapes of all inputs; those of sources, none. Shapes are without the
batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from archcalc.graph import Graph, Node
from archcalc.writers.onnx.model import ModelBuilder, NotInOnnx, Weights

LayerWriter: TypeAlias = Callable[..., "str | tuple[str, ...]"]

LAYERS: dict[str, LayerWriter] = {}
"""By the name of the operator."""

ALIGNING = frozenset(
    (
        "add",
        "sub",
        "mul",
        "div",
        "max",
        "min",
        "where",
        "compare",
        "matmul",
        "einsum",
        "sdpa",
        "attention",
        "relative_bias",
    )
)
"""The operators that accept a batch of one beside one of many."""


def writes(*names: str) -> Callable[[LayerWriter], LayerWriter]:
    """Return a decorator that registers how operators are written."""

    def register(function: LayerWriter) -> LayerWriter:
        LAYERS.update(dict.fromkeys(names, function))
        return function

    return register


def append(model: ModelBuilder, graph: Graph, node: Node, inputs: list[str], weights: Weights) -> tuple[str, ...]:
    """Append one layer of a graph, and return the names of its outputs.

    Args:
        model: the model.
        graph: the network.
        node: the layer.
        inputs: the names of the tensors that it reads.
        weights: its stored arrays by their names in the layer.

    Raises:
        NotInOnnx: ONNX cannot express it.
    """
    write = LAYERS.get(node.op.name)
    if write is None:
        raise NotInOnnx(f"ONNX has no operators for {node.op.name}")
    shapes = [tuple(shape) for shape in graph.input_shapes(node)]
    alone = node.op.arity == len(inputs) == 1 and not node.op.tensor_arguments()
    made = write(model, node.op, *((inputs[0], shapes[0]) if alone else (inputs, shapes)), weights)
    return (made,) if isinstance(made, str) else made
