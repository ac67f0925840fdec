"""Attention by its definition: query by query."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

from archcalc.executor.loops.scalar import Scalar, Tally, exp
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, largest, sizes, total, weighted_sum
from archcalc.ops.attention import Attention, ScaledDotProductAttention

Rows = list[list[Scalar]]
Adjust = Callable[[int, int, Scalar], Scalar]
"""The score of a query and a key, given their positions and their product."""


@definition(ScaledDotProductAttention)
def sdpa(op: ScaledDotProductAttention, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    out: Tensor = {}
    factor = None if op.factor is None else float(op.factor)

    def adjusted(lead: Index, i: int, j: int, score: Scalar) -> Scalar:
        for mask in inputs[3:]:
            score = score + mask[_aligned((*lead, i, j), sizes(mask))]
        return Scalar(-math.inf, tally) if op.causal and j > i else score

    for lead in product(*map(range, sizes(inputs[0])[:-2])):
        queries, keys, values = (_rows(x, lead) for x in inputs[:3])
        for i, row in enumerate(_attended(queries, keys, values, partial(adjusted, lead), factor)):
            out.update({(*lead, i, j): number for j, number in enumerate(row)})
    return out


def _rows(x: Tensor, lead: Index) -> Rows:
    """Return the vectors of a matrix at a leading index."""
    *_, n, d = sizes(x)
    return [[x[(*lead, i, j)] for j in range(d)] for i in range(n)]


def _attended(queries: Rows, keys: Rows, values: Rows, adjust: Adjust, factor: float | None = None) -> Rows:
    """Return the means of the values, weighted by the softmax of the adjusted scores, for every query."""
    result = []
    for i, query in enumerate(queries):
        scaled = [number * (1 / math.sqrt(len(query)) if factor is None else factor) for number in query]
        scores = [adjust(i, j, weighted_sum(scaled, key)) for j, key in enumerate(keys)]
        top = largest(scores)
        powers = [exp(score - top) for score in scores]
        summed = total(powers)
        shares = [power / summed for power in powers]
        result.append([weighted_sum(shares, column) for column in zip(*values, strict=True)])
    return result


@definition(Attention)
def attention(op: Attention, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, *others = inputs
    given = dict(zip(op.tensor_arguments(), others, strict=True))
    shared = op.heads // (op.kv_heads or op.heads)
    out: Tensor = {}
    for lead in product(*map(range, sizes(x)[:-2])):
        tokens = _rows(x, lead)
        source = _rows(given["context"], lead) if op.context else tokens
        queries = _heads(_projected(tokens, "query", weights), op.heads)
        keys, values = (_heads(_projected(source, name, weights), op.heads // shared) for name in ("key", "value"))
        if op.rope is not None:
            queries, keys = ([_rotated(rows, float(op.rope)) for rows in each] for each in (queries, keys))
        mixed: Rows = [[] for _ in tokens]
        for h in range(op.heads):
            adjust = _adjustment(op, given, lead, h, tally)
            found = _attended(queries[h], keys[h // shared], values[h // shared], adjust)
            mixed = [row + more for row, more in zip(mixed, found, strict=True)]
        for i, row in enumerate(_projected(mixed, "output", weights)):
            out.update({(*lead, i, j): number for j, number in enumerate(row)})
    return out


def _projected(rows: Rows, name: str, weights: dict[str, Tensor]) -> Rows:
    """Return the features of a projection for every row."""
    outputs, features = sizes(weights[name])
    bias = weights.get(f"{name}_bias", {})
    own = [[weights[name][f, j] for j in range(features)] for f in range(outputs)]
    return [[weighted_sum(row, own[f], bias.get((f,))) for f in range(outputs)] for row in rows]


def _heads(rows: Rows, heads: int) -> list[Rows]:
    width = len(rows[0]) // heads
    return [[row[h * width : (h + 1) * width] for row in rows] for h in range(heads)]


def _rotated(rows: Rows, base: float) -> Rows:
    """Return vectors whose halves are rotated into each other by the angles position·base^(−2i/width)."""
    result = []
    for position, row in enumerate(rows):
        half = len(row) // 2
        rotated = []
        for i, number in enumerate(row):
            angle = position * base ** (-2 * (i % half) / len(row))
            other = -row[i + half] if i < half else row[i - half]
            rotated.append(number * math.cos(angle) + other * math.sin(angle))
        result.append(rotated)
    return result


def _adjustment(op: Attention, given: dict[str, Tensor], lead: Index, head: int, tally: Tally) -> Adjust:
    """Return the function from the product of a query and a key of a head to their score."""

    def adjust(i: int, j: int, score: Scalar) -> Scalar:
        for name in ("score_bias", "mask"):
            if name in given:
                score = score + given[name][_aligned((*lead, head, i, j), sizes(given[name]))]
        if op.alibi:
            score = score + -(2.0 ** (-8 * (head + 1) / op.heads)) * abs(i - j)
        return score if _attends(op, i, j) else Scalar(-math.inf, tally)

    return adjust


def _attends(op: Attention, i: int, j: int) -> bool:
    """Return whether query i attends to key j."""
    if op.window is not None:
        first = i - (op.window - 1 if op.causal else op.window // 2)
        return bool(first <= j < first + op.window)
    return j <= i or not op.causal


def _aligned(index: Sequence[int], shape: Index) -> Index:
    """Return the index in a tensor that is aligned from the last axis; an axis of size 1 broadcasts."""
    return tuple(0 if n == 1 else at for at, n in zip(index[len(index) - len(shape) :], shape, strict=True))
