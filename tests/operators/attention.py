"""Attention: PyTorch has the products, and the projections are linear layers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from archcalc.writers.onnx.attention import rotary_table, slopes
from tests.operators.entry import entry
from tests.operators.torch_parts import functional, layer, parameter, torch
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


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


def draw_sdpa(w: Writer, shape: Shape) -> str | None:
    if len(shape) < 2:
        return None
    chosen = [w.among("identity", "relu", "linear 3 -> linear " + str(shape[-1])) for _ in range(2)]
    values = w.among("identity", f"linear {w.whole(1, 4)}")
    masks = [f", constant {shape[-2]}x{shape[-2]}", f", constant 1x{shape[-2]}"]
    options = w.among("", ", causal=yes") + w.among("", ", factor=0.3")
    return f"sdpa({', '.join(chosen)}, {values}{w.among('', '', *masks)}{options})"


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
