"""Attention with its projections, masks, caches and rotations of positions."""

from __future__ import annotations

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.rewriting import Body, rewrites

MASKED = -10000.0
"""What ONNX Runtime adds to the scores of positions that a mask leaves out, by default."""


def with_heads(body: Body, name: str, heads: int) -> str:
    """Return batch × positions × features as batch × heads × positions × features."""
    split = body.add("Reshape", name, body.integers(0, 0, heads, -1))
    return body.add("Transpose", split, perm=[0, 2, 1, 3])


def without_heads(body: Body, name: str) -> str:
    """Return batch × heads × positions × features as batch × positions × features."""
    moved = body.add("Transpose", name, perm=[0, 2, 1, 3])
    return body.add("Reshape", moved, body.integers(0, 0, -1))


def parts(body: Body, name: str, axis: int, widths: list[int]) -> list[str]:
    """Return the parts of a tensor along an axis."""
    return body.several("Split", [name, body.integers(*widths)], body.names(len(widths)), axis=axis)


def added_mask(body: Body, mask: int, scores: int) -> str:
    """Return what is added to the scores: for a mask of positions that count, and perhaps further numbers."""
    n = body.n
    further = body.input(scores)
    if not n.has(mask):
        return further
    axes = {2: (1, 2), 3: (1,)}.get(len(n.sizes(mask)))
    if axes is None:
        raise Untranslatable("a mask by lengths")
    counts = body.add("Cast", body.input(mask), to=9)
    placed = body.add("Unsqueeze", counts, body.integers(*axes))
    bias = body.add("Where", placed, body.real(0.0), body.real(n.attribute("mask_filter_value", MASKED)))
    return body.add("Add", bias, further) if further else bias


def attend(body: Body, query: str, keys: list[str], mask: str, *, causal: bool, past: list[str]) -> list[str]:
    """Add attention of heads; return its result, and the keys and values with those of the cache before them."""
    if past:
        keys = [body.add("Concat", old, new, axis=2) for old, new in zip(past, keys, strict=True)]
    scale = body.n.attribute("scale", 0.0)
    attributes = {"scale": scale} if scale else {}
    softcap = body.n.attribute("softcap", 0.0)
    attributes |= {"softcap": softcap} if softcap else {}
    inputs = [query, *keys, mask] if mask else [query, *keys]
    return [body.add("Attention", *inputs, is_causal=int(causal), **attributes), *keys]


@rewrites("MultiHeadAttention")
def multi_head(body: Body) -> None:
    n = body.n
    heads = n.attribute("num_heads")
    query, key, value = (body.input(at) for at in range(3))
    rank = len(n.sizes(0))
    if rank == 5:  # batch × positions × heads × (query, key, value) × features
        together = parts(body, query, 3, [1, 1, 1])
        query, key, value = (body.add("Reshape", each, body.integers(0, 0, -1)) for each in together)
    elif key and len(n.sizes(1)) == 5:
        together = parts(body, key, 3, [1, 1])
        key, value = (body.add("Reshape", each, body.integers(0, 0, -1)) for each in together)
    if not key or not value:
        raise Untranslatable("no keys or values")
    cached = rank == 3 and n.has(1) and len(n.sizes(1)) == 4
    if n.has(3):
        width = n.sizes(0)[2] if rank == 3 else n.sizes(0)[2] * n.sizes(0)[4]
        shifts = parts(body, body.input(3), 0, [width, width, n.sizes(3)[0] - 2 * width])
        query = body.add("Add", query, shifts[0])
        if not cached:
            key, value = body.add("Add", key, shifts[1]), body.add("Add", value, shifts[2])
    keys = [key, value] if cached else [with_heads(body, each, heads) for each in (key, value)]
    past = [body.input(6), body.input(7)] if n.has(6) else []
    causal = bool(n.attribute("unidirectional", 0))
    if (causal and past) or any(map(n.has, (8, 9))) or any(n.outputs[3:]):
        raise Untranslatable("a cache that is shared, or with a mask of later positions")
    made = attend(body, with_heads(body, query, heads), keys, added_mask(body, 4, 5), causal=causal, past=past)
    body.result(without_heads(body, made[0]))
    for at, each in enumerate(made[1:], 1):
        body.result(each, at)


def projected(body: Body, weight: str, *, bias: int, mask: int, scores: int | None, past: int) -> None:
    """Add attention whose queries, keys and values are one product of the input and a matrix."""
    n = body.n
    heads = n.attribute("num_heads")
    if n.attribute("do_rotary", 0) or n.attribute("past_present_share_buffer", 0):
        raise Untranslatable("rotations, or a cache that is shared")
    total = n.sizes(1)[1]
    widths = n.attribute("qkv_hidden_sizes", None) or [total // 3] * 3
    product = body.add("MatMul", body.input(0), weight)
    if n.has(bias):
        product = body.add("Add", product, body.input(bias))
    query, key, value = (with_heads(body, each, heads) for each in parts(body, product, 2, widths))
    old: list[str] = []
    if n.has(past):  # (keys, values) × batch × heads × positions × features
        old = [body.add("Squeeze", each, body.integers(0)) for each in parts(body, body.input(past), 0, [1, 1])]
    causal = bool(n.attribute("unidirectional", 0))
    if causal and old:
        raise Untranslatable("a cache with a mask of later positions")
    added = added_mask(body, mask, scores if scores is not None else len(n.inputs))
    result, *keys = attend(body, query, [key, value], added, causal=causal, past=old)
    body.result(without_heads(body, result))
    if len(n.outputs) > 1 and n.outputs[1]:
        body.result(body.add("Concat", *(body.add("Unsqueeze", each, body.integers(0)) for each in keys), axis=0), 1)


@rewrites("Attention")
def self_attention(body: Body) -> None:
    projected(body, body.input(1), bias=2, mask=3, scores=5, past=4)


@rewrites("QAttention")
def quantized_self_attention(body: Body) -> None:
    codes = [body.input(at) for at in (1, 4, 7)]
    weight = body.add("DequantizeLinear", *filter(None, codes), axis=1)
    projected(body, weight, bias=2, mask=5, scores=None, past=8)


def rotated(body: Body, heads: str, tables: list[str], *, width: int, rest: int, interleaved: bool) -> str:
    """Return heads whose first features are rotated in pairs, by cosines and sines per position."""
    turned, kept = parts(body, heads, 3, [width, rest]) if rest else (heads, "")
    if interleaved:
        pairs = [body.add("Slice", turned, *(body.integers(each) for each in (at, width, 3, 2))) for at in (0, 1)]
    else:
        pairs = parts(body, turned, 3, [width // 2, width // 2])
    cosine, sine = tables
    first = body.add("Sub", body.add("Mul", pairs[0], cosine), body.add("Mul", pairs[1], sine))
    second = body.add("Add", body.add("Mul", pairs[0], sine), body.add("Mul", pairs[1], cosine))
    if interleaved:
        columns = [body.add("Unsqueeze", each, body.integers(4)) for each in (first, second)]
        made = body.add("Reshape", body.add("Concat", *columns, axis=4), body.integers(0, 0, 0, width))
    else:
        made = body.add("Concat", first, second, axis=3)
    return body.add("Concat", made, kept, axis=3) if rest else made


def positions_of(body: Body, ids: int, tables: tuple[int, int], start: str, length: str) -> list[str]:
    """Return cosines and sines at given positions, or at all positions from one on."""
    n = body.n
    for at in tables:
        n.tensors.let_be_constant(n.name(at))
    if n.has(ids) and len(n.sizes(ids)) == 2:
        found = [body.add("Gather", body.input(at), body.input(ids), axis=0) for at in tables]
        return [body.add("Unsqueeze", each, body.integers(1)) for each in found]
    end = body.add("Add", start, length)
    return [body.add("Slice", body.input(at), start, end, body.integers(0)) for at in tables]


@rewrites("RotaryEmbedding")
def rotary(body: Body) -> None:
    n = body.n
    sizes = n.sizes(0)
    if n.attribute("is_packed_batching", 0) or n.attribute("scale", 1.0) != 1:
        raise Untranslatable("packed batches, or a scale")
    width = n.attribute("rotary_embedding_dim", 0) or 2 * n.sizes(2)[1]
    heads = n.attribute("num_heads", 0)
    if len(sizes) == 3:
        heads = heads or sizes[2] // width
        read = with_heads(body, body.input(0), heads)
        features = sizes[2] // heads
    else:
        read, features = body.input(0), sizes[3]
    length = body.add("Shape", read, start=2, end=3)
    start = body.input(1)
    if len(n.sizes(1)) < 2 and n.value(1) is None:
        raise Untranslatable("a position that is computed")
    tables = positions_of(body, 1, (2, 3), start, length)
    interleaved = bool(n.attribute("interleaved", 0))
    made = rotated(body, read, tables, width=width, rest=features - width, interleaved=interleaved)
    body.result(without_heads(body, made) if len(sizes) == 3 else made)


@rewrites("GroupQueryAttention")
def grouped(body: Body) -> None:
    """Rewrite attention whose heads share keys, for a cache that is full: all of its positions count."""
    n = body.n
    heads, groups = n.attribute("num_heads"), n.attribute("kv_num_heads")
    refused = [at for at in (10, 11, 12, 13, 14, 15, 16) if n.has(at)]
    if refused or n.attribute("local_window_size", -1) > 0 or n.attribute("smooth_softmax", 0) > 0:
        raise Untranslatable("a window, a mask, sinks, normalised queries or a quantised cache")
    if not n.attribute("causal", 1):
        raise Untranslatable("attention that is not causal")
    total = n.sizes(0)[2]
    if n.has(1):
        query, key, value = (body.input(at) for at in range(3))
        features = total // heads
    else:
        features = total // (heads + 2 * groups)
        query, key, value = parts(body, body.input(0), 2, [heads * features, groups * features, groups * features])
    query = with_heads(body, query, heads)
    key, value = (with_heads(body, each, groups) for each in (key, value))
    past = [body.input(3), body.input(4)] if n.has(3) else []
    if n.attribute("do_rotary", 0):
        start = body.add("Shape", past[0], start=2, end=3) if past else body.integers(0)
        length = body.add("Shape", query, start=2, end=3)
        tables = positions_of(body, 9, (7, 8), start, length)
        width = 2 * n.sizes(7)[1]
        interleaved = bool(n.attribute("rotary_interleaved", 0))
        query, key = (
            rotated(body, each, tables, width=width, rest=features - width, interleaved=interleaved)
            for each in (query, key)
        )
    one = n.sizes(0)[1] == 1
    if past and not one:
        raise Untranslatable("several new positions behind those of a cache")
    made = attend(body, query, [key, value], "", causal=not past, past=past)
    body.result(without_heads(body, made[0]))
    for at, each in enumerate(made[1:], 1):
        body.result(each, at)
