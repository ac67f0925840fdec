"""Attention: PyTorch has the products, and the projections are linear layers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.operators.entry import Sizes, entry
from tests.operators.onnx_parts import Weights, permuted, reshaped
from tests.operators.torch_parts import functional, layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from tests.executor.onnx_models import Model


def allowed(op: Any, queries: int, keys: int) -> np.ndarray[Any, Any]:
    """Return which query may attend to which key."""
    window = getattr(op, "window", None)
    table = np.ones((queries, keys), bool)
    for i in range(queries):
        for j in range(keys):
            if window is None:
                table[i, j] = j <= i or not op.causal
            elif op.causal:
                table[i, j] = i - window < j <= i
            else:
                table[i, j] = i - window // 2 <= j < i - window // 2 + window
    return table


def onnx_products(model: Model, op: Any, q: str, k: str, v: str, shapes: list[Sizes], added: list[str]) -> str:
    """Append the products of queries, keys and values with these shapes (without the batch)."""
    rank = len(shapes[0])
    turned = permuted(model, k, *range(rank - 1), rank, rank - 1)
    scores = model.add("MatMul", q, turned)
    scores = model.add("Mul", scores, model.constant(1 / math.sqrt(shapes[0][-1])))
    for each in added:
        scores = model.add("Add", scores, each)
    table = np.where(allowed(op, shapes[0][-2], shapes[1][-2]), 0, -1e30)
    return model.add("MatMul", model.add("Softmax", model.add("Add", scores, model.constant(table)), axis=-1), v)


def draw_sdpa(w: Writer, shape: Shape) -> str | None:
    if len(shape) < 2:
        return None
    chosen = [w.among("identity", "relu", "linear 3 -> linear " + str(shape[-1])) for _ in range(2)]
    values = w.among("identity", f"linear {w.whole(1, 4)}")
    masks = [f", constant {shape[-2]}x{shape[-2]}", f", constant 1x{shape[-2]}"]
    options = w.among("", ", causal=yes") + w.among("", ", factor=0.3")
    return f"sdpa({', '.join(chosen)}, {values}{w.among('', '', *masks)}{options})"


def onnx_sdpa(model: Model, op: Any, names: list[str], shapes: list[Sizes], weights: Weights) -> str:
    q, k, v, *mask = names
    if op.factor is not None:
        q = model.add("Mul", q, model.constant(float(op.factor) * math.sqrt(shapes[0][-1])))
    rank = len(shapes[0])
    added = [reshaped(model, each, *(1,) * (rank - len(own)), *own) for each, own in zip(mask, shapes[3:], strict=True)]
    return onnx_products(model, op, q, k, v, shapes, added)


def torch_sdpa(op: Any, shapes: Any) -> Module:
    def run(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        factor = None if op.factor is None else float(op.factor)
        if mask is None:
            return functional.scaled_dot_product_attention(q, k, v, is_causal=op.causal, scale=factor)
        mask = mask.reshape(-1, *(1,) * (q.dim() - mask.dim()), *mask.shape[1:])
        if op.causal:
            forbidden = ~torch.tensor(allowed(op, q.shape[-2], k.shape[-2]))
            mask = mask + torch.zeros(forbidden.shape).masked_fill(forbidden, -math.inf)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=factor)

    return layer(run)


entry(
    "sdpa",
    draw=draw_sdpa,
    onnx=onnx_sdpa,
    torch=torch_sdpa,
    cases=[
        ({}, ((20, 18), (7, 18), (7, 5))),
        ({"causal": True}, ((12, 20, 18), (12, 20, 18), (12, 20, 18))),
        ({"factor": Fraction(1, 3)}, ((12, 20, 18), (12, 7, 18), (12, 7, 5), (20, 7))),
        ({"causal": True}, ((12, 20, 18), (12, 20, 18), (12, 20, 18), (12, 1, 20))),
    ],
)


def draw_attention(w: Writer, shape: Shape) -> str | None:
    if len(shape) < 2:
        return None
    heads = w.among(1, 2, 4)
    kv = w.divisor(heads)
    width = heads * w.among(2, 4)
    n = shape[-2]
    options = [
        f"heads={heads}",
        f"dim={width}",
        w.maybe(f"kv_heads={kv}"),
        w.maybe("causal"),
        w.maybe(f"window={w.whole(1, 5)}"),
        w.among("", "", "rope", "rope=100"),
        w.maybe("alibi"),
        w.among("", "nobias", "nokeybias", "nooutbias"),
    ]
    tensors, m = {}, n
    if w.among(False, False, True):
        window = next((int(option[7:]) for option in options if option.startswith("window=")), 0)
        before = window - 1 if "causal" in options else window // 2
        m = w.whole(max(1, n - before), n) if window else w.whole(1, n)
        tensors["context"] = f"@x -> linear 3 -> slice 0:{m} axis={len(shape) - 2}"
    if w.among(False, False, True):
        tensors["score_bias"] = f"learned {heads}x{n}x{m}"
    if w.among(False, False, True):
        tensors["mask"] = f"constant {w.among(1, n)}x{m}"
    words = joined(["attention", *options, *(f"{name}=@{name}_" for name in tensors)])
    return w.with_tensors(words, **{f"{name}_": chain for name, chain in tensors.items()}) if tensors else words


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


def onnx_attention(model: Model, op: Any, name: Any, shape: Any, weights: Weights) -> str:
    names, shapes = ([name], [shape]) if isinstance(name, str) else (name, shape)
    given = dict(zip(op.tensor_arguments(), zip(names[1:], shapes[1:], strict=True), strict=True))
    source, source_shape = given.get("context", (names[0], shapes[0]))
    *lead, n, _ = shapes[0]
    m, kv_heads = source_shape[-2], op.kv_heads or op.heads
    rank = len(lead)

    def project(x: str, which: str) -> str:
        x = model.add("MatMul", x, model.constant(weights[which].T))
        bias = weights.get(f"{which}_bias")
        return x if bias is None else model.add("Add", x, model.constant(bias))

    def heads(x: str, count: int, positions: int) -> str:
        width = weights["query"].shape[0] // op.heads
        x = reshaped(model, x, *lead, positions, count, width)
        return permuted(model, x, *range(rank + 1), rank + 2, rank + 1, rank + 3)

    def rotate(x: str, positions: int, width: int) -> str:
        cosine, sine = rotary_table(width, positions, float(op.rope))
        swap = np.zeros((width, width))
        half = width // 2
        for i in range(half):
            swap[i + half, i], swap[i, i + half] = -1, 1
        across = model.add("Mul", model.add("MatMul", x, model.constant(swap)), model.constant(sine))
        return model.add("Add", model.add("Mul", x, model.constant(cosine)), across)

    width = weights["query"].shape[0] // op.heads
    q = heads(project(names[0], "query"), op.heads, n)
    k, v = (heads(project(source, which), kv_heads, m) for which in ("key", "value"))
    if op.rope is not None:
        q, k = rotate(q, n, width), rotate(k, m, width)
    order = model.constant([h // (op.heads // kv_heads) for h in range(op.heads)], np.int64)
    k, v = (model.add("Gather", x, order, axis=rank + 1) for x in (k, v))
    added = []
    for each in ("score_bias", "mask"):
        if each in given:
            tensor, own = given[each]
            added.append(reshaped(model, tensor, *(1,) * (rank + 3 - len(own)), *own))
    if op.alibi:
        added.append(model.constant(slopes(op, n, m)))
    mixed = onnx_products(model, op, q, k, v, [(*lead, op.heads, n, width), (*lead, op.heads, m, width)], added)
    mixed = permuted(model, mixed, *range(rank + 1), rank + 2, rank + 1, rank + 3)
    return project(reshaped(model, mixed, *lead, n, op.heads * width), "output")


def torch_attention(op: Any, shape: Any) -> Module:
    shapes = [shape] if isinstance(shape[0], int) else list(shape)
    features = shapes[0][-1]
    names = op.tensor_arguments()
    own = dict(zip(names, shapes[1:], strict=True))
    source_features = own.get("context", shapes[0])[-1]
    dim = op.dim or features
    kv_heads = op.kv_heads or op.heads
    kv = dim // op.heads * kv_heads
    stored = {}
    for name, rows, columns, bias in (
        ("query", dim, features, op.bias),
        ("key", kv, source_features, op.bias and op.key_bias),
        ("value", kv, source_features, op.bias),
        ("output", features, dim, op.bias and op.out_bias),
    ):
        stored[name] = parameter(rows, columns)
        if bias:
            stored[f"{name}_bias"] = parameter(rows)

    def run(x: Tensor, *others: Tensor) -> Tensor:
        given = dict(zip(names, others, strict=True))
        source = given.get("context", x)

        def project(x: Tensor, name: str) -> Tensor:
            return functional.linear(x, getattr(module, name), getattr(module, f"{name}_bias", None))

        def heads(x: Tensor, count: int) -> Tensor:
            return x.unflatten(-1, (count, -1)).transpose(-2, -3)

        def rotate(x: Tensor) -> Tensor:
            cosine, sine = (torch.tensor(t).to(x) for t in rotary_table(x.shape[-1], x.shape[-2], float(op.rope)))
            first, second = x.chunk(2, -1)
            return x * cosine + torch.cat([-second, first], -1) * sine

        q = heads(project(x, "query"), op.heads)
        k, v = (heads(project(source, name), kv_heads) for name in ("key", "value"))
        if op.rope is not None:
            q, k = rotate(q), rotate(k)
        k, v = (t.repeat_interleave(op.heads // kv_heads, -3) for t in (k, v))
        n, m = q.shape[-2], k.shape[-2]
        bias = torch.zeros(n, m).to(x).masked_fill(~torch.tensor(allowed(op, n, m)), -math.inf)
        for name in ("score_bias", "mask"):
            if name in given:
                t = given[name]
                bias = bias + t.reshape(len(t), *(1,) * (q.dim() - t.dim()), *t.shape[1:])
        if op.alibi:
            bias = bias + torch.tensor(slopes(op, n, m)).to(x)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return project(mixed.transpose(-2, -3).flatten(-2), "output")

    module = layer(run, **stored)
    return module


TOKENS = (20, 24)
entry(
    "attention",
    draw=draw_attention,
    onnx=onnx_attention,
    torch=torch_attention,
    cases=[
        ({"heads": 4}, (TOKENS,)),
        ({"heads": 6, "kv_heads": 2, "dim": 36, "causal": True, "rope": 500, "bias": False}, ((3, *TOKENS),)),
        ({"heads": 4, "context": True, "key_bias": False, "out_bias": False}, (TOKENS, (7, 10))),
        ({"heads": 4, "window": 5, "alibi": True}, (TOKENS,)),
        (
            {"heads": 4, "window": 5, "causal": True, "score_bias": True, "mask": True},
            ((3, *TOKENS), (4, 20, 20), (3, 1, 20, 20)),
        ),
    ],
)
