"""Attention, composed of products of matrices and a softmax."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from archcalc.writers.onnx.model import ModelBuilder, Sizes, Weights
from archcalc.writers.onnx.parts import as_lists, filled_up, part, permuted, reshaped, whole, whole_number
from archcalc.writers.onnx.registry import writes


def forbidding(model: ModelBuilder, op: Any, queries: int, keys: int) -> list[str]:
    """Return tables that are added to the scores, very negative where a query may not attend to a key."""
    window = getattr(op, "window", None)
    corners: list[tuple[int, int]] = []  # above a diagonal, or below it: whether above, and the diagonal
    if op.causal:
        corners = [(1, 1)] if window is None else [(1, 1), (0, -window)]
    elif window is not None:
        corners = [(0, -(window // 2) - 1), (1, window - window // 2)]

    def corner(above: int, diagonal: int) -> str:
        return model.add("Trilu", model.repeated(-1e30, (queries, keys)), whole_number(model, diagonal), upper=above)

    return [model.once(("corner", queries, keys, *each), partial(corner, *each)) for each in corners]


def products(model: ModelBuilder, op: Any, q: str, k: str, v: str, shapes: list[Sizes], added: list[str]) -> str:
    """Append the products of queries, keys and values with these shapes (without the batch)."""
    rank = len(shapes[0])
    turned = permuted(model, k, *range(rank - 1), rank, rank - 1)
    scores = model.add("MatMul", q, turned)
    scores = model.add("Mul", scores, model.constant(1 / math.sqrt(shapes[0][-1])))
    for each in [*added, *forbidding(model, op, shapes[0][-2], shapes[1][-2])]:
        scores = model.add("Add", scores, each)
    return model.add("MatMul", model.add("Softmax", scores, axis=-1), v)


@writes("sdpa")
def write_sdpa(model: ModelBuilder, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    q, k, v, *mask = names
    if op.factor is not None:
        q = model.add("Mul", q, model.constant(float(op.factor) * math.sqrt(shapes[0][-1])))
    added = filled_up(model, mask, shapes[3:], len(shapes[0]), before=True)
    return products(model, op, q, k, v, shapes, added)


def rotary_table(width: int, positions: int, base: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return cosines and sines of rotary positions, for both halves of a vector."""
    rates = np.array([base ** (-2 * i / width) for i in range(width // 2)] * 2)
    angles = np.arange(positions)[:, None] * rates
    return np.cos(angles), np.sin(angles)


def slopes(op: Any, queries: int, keys: int) -> np.ndarray[Any, Any]:
    table = [
        [[-(2 ** (-8 * (h + 1) / op.heads)) * abs(i - j) for j in range(keys)] for i in range(queries)]
        for h in range(op.heads)
    ]
    return np.array(table)


@writes("attention")
def write_attention(model: ModelBuilder, op: Any, name: Any, shape: Any, weights: Weights) -> str:
    names, shapes = as_lists(name, shape)
    given = dict(zip(op.tensor_arguments(), zip(names[1:], shapes[1:], strict=True), strict=True))
    source, source_shape = given.get("context", (names[0], shapes[0]))
    *lead, n, _ = shapes[0]
    m, kv_heads = source_shape[-2], op.kv_heads or op.heads
    rank = len(lead)

    def project(x: str, which: str) -> str:
        x = model.add("MatMul", x, permuted(model, model.constant(weights[which]), 1, 0))
        bias = weights.get(f"{which}_bias")
        return x if bias is None else model.add("Add", x, model.constant(bias))

    def heads(x: str, count: int, positions: int) -> str:
        width = weights["query"].shape[0] // op.heads
        x = reshaped(model, x, *lead, positions, count, width)
        return permuted(model, x, *range(rank + 1), rank + 2, rank + 1, rank + 3)

    def rotate(x: str, positions: int, width: int) -> str:
        cosine, sine = rotary_table(width, positions, float(op.rope))
        first, second = (part(model, x, rank + 3, at, at + width // 2) for at in (0, width // 2))
        swapped = model.add("Concat", model.add("Neg", second), first, axis=-1)
        across = model.add("Mul", swapped, model.table(sine))
        return model.add("Add", model.add("Mul", x, model.table(cosine)), across)

    def shared(x: str, positions: int, width: int) -> str:
        """Append copies of the heads of keys or values for all heads of queries that share them."""
        if kv_heads == op.heads:
            return x
        copies = op.heads // kv_heads
        x = model.add("Unsqueeze", x, whole(model, rank + 2))
        x = model.add("Expand", x, whole(model, *(1,) * (rank + 2), copies, 1, 1))
        return reshaped(model, x, *lead, op.heads, positions, width)

    width = weights["query"].shape[0] // op.heads
    q = heads(project(names[0], "query"), op.heads, n)
    k, v = (heads(project(source, which), kv_heads, m) for which in ("key", "value"))
    if op.rope is not None:
        q, k = rotate(q, n, width), rotate(k, m, width)
    k, v = (shared(x, m, width) for x in (k, v))
    biases = [given[each] for each in ("score_bias", "mask") if each in given]
    added = filled_up(model, [bias for bias, _ in biases], [own for _, own in biases], rank + 3, before=True)
    if op.alibi:
        added.append(model.table(slopes(op, n, m)))
    mixed = products(model, op, q, k, v, [(*lead, op.heads, n, width), (*lead, op.heads, m, width)], added)
    mixed = permuted(model, mixed, *range(rank + 1), rank + 2, rank + 1, rank + 3)
    return project(reshaped(model, mixed, *lead, n, op.heads * width), "output")
