"""Fully connected layers, radial basis functions and embeddings by their definition."""

from __future__ import annotations

from archcalc.executor.loops.conv import with_gain
from archcalc.executor.loops.scalar import Tally
from archcalc.executor.loops.tensor import Tensor, Tensors, definition, flat, lines, sizes, total, weighted_sum
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis


@definition(FullyConnected)
def fully_connected(op: FullyConnected, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    numbers = flat(inputs[0])
    out: Tensor = {}
    for f in range(op.features):
        row = with_gain([weights["weight"][f, j] for j in range(len(numbers))], weights, f)
        out[f,] = weighted_sum(numbers, row, weights["bias"][f,] if op.bias else None)
    return out


@definition(Linear)
def linear(op: Linear, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    out: Tensor = {}
    axis = 0 if op.axis == "channels" else len(sizes(x)) - 1
    for line in lines(x, axis):
        numbers = [x[index] for index in line]
        for f in range(op.features):
            row = with_gain([weights["weight"][f, j] for j in range(len(numbers))], weights, f)
            place = (*line[0][:axis], f, *line[0][axis + 1 :])
            out[place] = weighted_sum(numbers, row, weights["bias"][f,] if op.bias else None)
    return out


@definition(RadialBasis)
def radial_basis(op: RadialBasis, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    numbers = flat(inputs[0])
    out: Tensor = {}
    for f in range(op.features):
        differences = [number - weights["centre"][f, j] for j, number in enumerate(numbers)]
        out[f,] = total(difference * difference for difference in differences)
    return out


@definition(Embedding)
def embedding(op: Embedding, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Return the vector of the nearest existing entry."""
    out: Tensor = {}
    for index, number in inputs[0].items():
        entry = min(max(round(number.value), 0), op.vocabulary - 1)
        for j in range(op.dim):
            out[*index, j] = weights["weight"][entry, j]
    return out
