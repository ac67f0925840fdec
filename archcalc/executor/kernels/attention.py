"""Kernels of attention."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.counted import add, divide, exp, largest, multiply, subtract, total
from archcalc.executor.kernels.dense import weighted_sums
from archcalc.executor.kernels.product import matrix_products
from archcalc.ops.attention import Attention, ScaledDotProductAttention


class AttentionInputs(NamedTuple):
    """What attention is computed from: every head is a matrix of positions × features."""

    queries: Array
    keys: Array
    values: Array
    added: Sequence[Array]
    """What is added to the scores."""
    allowed: Array | None
    """Whether each query attends to each key; ``None`` if all do."""
    factor: float
    """The factor of the scores."""


@kernel(ScaledDotProductAttention)
def sdpa(op: ScaledDotProductAttention, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    scored = scored_tensors(op, inputs)
    return (attention_output(scored, shares(scored, context), context),)


def scored_tensors(op: ScaledDotProductAttention, inputs: Arrays) -> AttentionInputs:
    """Return what attention is computed from, for given queries, keys and values."""
    queries, keys, values, *mask = inputs
    allowed = _allowed(queries.shape[-2], keys.shape[-2], op.causal, None)
    added = [_aligned(each, queries.ndim) for each in mask]
    factor = 1 / sqrt(queries.shape[-1]) if op.factor is None else float(op.factor)
    return AttentionInputs(queries, keys, values, added, allowed, factor)


def shares(scored: AttentionInputs, context: Context) -> Array:
    """Return softmax(factor·q·kᵀ + added): the shares with which each query reads the values.

    Pairs that are not allowed have share 0. The result is a work buffer.
    """
    queries, keys = multiply(context, scored.queries, scored.factor), scored.keys.swapaxes(-1, -2)
    shape = (*np.broadcast_shapes(queries.shape[:-2], keys.shape[:-2]), queries.shape[-2], keys.shape[-1])
    scores = matrix_products(queries, keys, context, out=context.scratch("scores", shape, queries.dtype))
    for each in scored.added:
        add(context, scores, each, out=scores)
    if scored.allowed is not None:
        scores[..., ~scored.allowed] = -np.inf
    subtract(context, scores, largest(context, scores, -1), out=scores)
    exp(context, scores, out=scores)
    return divide(context, scores, total(context, scores, -1), out=scores)


def attention_output(scored: AttentionInputs, shares: Array, context: Context) -> Array:
    """Return the shares times the values.

    Pairs that are not allowed contribute nothing even if the value is not a finite number.
    """
    values, allowed = scored.values, scored.allowed
    finite = np.isfinite(values)
    if allowed is None or finite.all():
        return matrix_products(shares, values, context)
    mixed = matrix_products(shares, np.where(finite, values, 0), context)
    for number in (np.nan, np.inf, -np.inf):
        holds = np.isnan(values) if np.isnan(number) else values == number
        if holds.any():
            mixed[allowed.astype(values.dtype) @ holds.astype(values.dtype) > 0] += number
    return mixed


def _allowed(queries: int, keys: int, causal: bool, window: int | None) -> Array | None:
    """Return whether each query attends to each key; ``None`` if all do."""
    ahead = np.arange(keys)[None, :] - np.arange(queries)[:, None]
    if window is not None:
        before = window - 1 if causal else window // 2
        found: Array = (ahead >= -before) & (ahead < window - before)
        return found
    return ahead <= 0 if causal else None


@storage(Attention)
def attention_arrays(op: Attention, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    features = shapes[0][-1]
    context = (shapes[1] if op.context else shapes[0])[-1]
    dim = op.dim or features
    kv = dim // op.heads * (op.kv_heads or op.heads)
    rows = {"query": (dim, features), "key": (kv, context), "value": (kv, context), "output": (features, dim)}
    has_bias = {"query": op.bias, "key": op.bias and op.key_bias, "value": op.bias, "output": op.bias and op.out_bias}
    found: dict[str, Sizes] = {}
    for name, shape in rows.items():
        found[name] = shape
        if has_bias[name]:
            found[f"{name}_bias"] = shape[:1]
    return found


@kernel(Attention)
def attention(op: Attention, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    scored = scored_heads(op, inputs, weights, context)
    mixed = joined_heads(attention_output(scored, shares(scored, context), context))
    return (_projected(mixed, "output", weights, context),)


def scored_heads(op: Attention, inputs: Arrays, weights: Weights, context: Context) -> AttentionInputs:
    """Return what the attention of a layer is computed from: its projections, and what it adds to the scores."""
    x, *others = inputs
    given = dict(zip(op.tensor_arguments(), others, strict=True))
    source = given.get("context", x)
    kv_heads = op.kv_heads or op.heads
    queries = heads(_projected(x, "query", weights, context), op.heads)
    keys, values = (heads(_projected(source, name, weights, context), kv_heads) for name in ("key", "value"))
    if op.rope is not None:
        queries, keys = (rotated(each, float(op.rope), context) for each in (queries, keys))
    keys, values = (np.repeat(each, op.heads // kv_heads, axis=-3) for each in (keys, values))
    added = [_aligned(given[name], queries.ndim) for name in ("score_bias", "mask") if name in given]
    if op.alibi:
        added.append(_distances(op.heads, queries.shape[-2], keys.shape[-2]).astype(x.dtype))
    allowed = _allowed(queries.shape[-2], keys.shape[-2], op.causal, op.window)
    return AttentionInputs(queries, keys, values, added, allowed, 1 / sqrt(queries.shape[-1]))


def projection(name: str, weights: Weights) -> dict[str, Array]:
    """Return the stored arrays of a projection."""
    own = {"weight": weights[name]}
    if f"{name}_bias" in weights:
        own["bias"] = weights[f"{name}_bias"]
    return own


def _projected(x: Array, name: str, weights: Weights, context: Context) -> Array:
    """Return the features of a projection at every position."""
    return weighted_sums(x.reshape(-1, x.shape[-1]), projection(name, weights), context).reshape(*x.shape[:-1], -1)


def heads(x: Array, count: int) -> Array:
    """Return the features of every head, with the heads before the positions."""
    return x.reshape(*x.shape[:-1], count, -1).swapaxes(-2, -3)


def joined_heads(x: Array) -> Array:
    """Return the features of all heads side by side at every position."""
    return x.swapaxes(-2, -3).reshape(*x.shape[:-3], x.shape[-2], -1)


def rotated(x: Array, base: float, context: Context, *, back: bool = False) -> Array:
    """Return vectors whose halves are rotated into each other by angles that grow with the position.

    With ``back``, they are rotated by the opposite angles.
    """
    positions, width = x.shape[-2:]
    angles = np.arange(positions)[:, None] * base ** (-2 * np.arange(width // 2) / width)
    cosine, sine = (np.tile(function(angles), 2).astype(x.dtype) for function in (np.cos, np.sin))
    first, second = np.split(x, 2, -1)
    turned = [second, -first] if back else [-second, first]
    across = multiply(context, np.concatenate(turned, -1), sine)
    return add(context, multiply(context, x, cosine), across, out=across)


def _aligned(x: Array, rank: int) -> Array:
    """Return a tensor with axes of size 1 after the batch, so that it has as many as the scores."""
    return x.reshape(len(x), *(1 for _ in range(rank - x.ndim)), *x.shape[1:])


def _distances(heads: int, queries: int, keys: int) -> Array:
    """Return what alibi adds to the scores: minus the distance, times a slope per head."""
    slopes = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)
    distances = np.abs(np.arange(keys)[None, :] - np.arange(queries)[:, None])
    found: Array = -slopes[:, None, None] * distances
    return found
