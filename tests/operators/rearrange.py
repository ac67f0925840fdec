"""Rearrangements in einops' notation. The counterparts write them as reshapes and transpositions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from archcalc.writers.onnx.rearrange import steps
from tests.operators.entry import MAP, Sizes, entry
from tests.operators.torch_parts import layer
from tests.operators.writer import Shape, Writer, joined

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_pattern(name: str, w: Writer, shape: Shape) -> str:
    """Draw a pattern: axes are split in two or not, reordered, some dropped or new, merged or not; some are 1."""
    left: list[list[str]] = []
    given: dict[str, int] = {}
    for n, letter in zip(shape, "abcdefgh", strict=False):
        parts = [] if n == 1 and w.among(True, False) else [letter]
        parts += [f"{letter}2"] if parts and w.among(True, False) else []
        if len(parts) == 2:
            given[w.among(*parts)] = w.divisor(n)
        left.append(parts)
    names = [part for parts in left for part in parts]
    right = list(w.data(st.permutations(names)))
    if name == "reduce":
        right = right[: w.whole(min(1, len(right)), len(right))]
    if name == "repeat":
        given["z"] = w.whole(1, 3)
        right.insert(w.whole(0, len(right)), "z")
    merged: list[list[str]] = []
    for part in right:
        if merged and w.among(True, False, False):
            merged[-1].append(part)
        else:
            merged.append([part])
    if not merged or w.among(True, False, False):
        merged.insert(w.whole(0, len(merged)), [])
    text = f"{_written(left)} {w.among('=', '->', '→')} {_written(merged)}"
    sizes = [f"{key}={size}" for key, size in given.items()]
    return joined(
        [name, f"'{text}'", w.among("", "mean", "sum", "max", "min", "prod") if name == "reduce" else "", *sizes]
    )


def _written(axes: list[list[str]]) -> str:
    return " ".join(f"({' '.join(axis)})" if len(axis) > 1 else axis[0] if axis else "1" for axis in axes)


def torch_pattern(op: Any, shape: Sizes) -> Module:
    split, names, kept, order, result = steps(op, shape)
    gone = [1 + place for place, each in enumerate(names) if each not in kept]
    new = [dict(op.sizes)[each] for each in kept if each not in names]

    def run(x: Tensor) -> Tensor:
        x = x.reshape(len(x), *split)
        for axis in reversed(gone):  # one after another: PyTorch's product takes one axis
            function = {"max": "amax", "min": "amin"}.get(getattr(op, "how", ""), getattr(op, "how", ""))
            x = getattr(x, function)(axis)
        x = x.reshape(*x.shape, *(1 for _ in new)).expand(*x.shape, *new)
        return x.permute(0, *(1 + place for place in order)).reshape(len(x), *result)

    return layer(run)


PATTERNS: dict[str, Sequence[tuple[str, tuple[tuple[str, int], ...]]]] = {
    "rearrange": [("c (h p) w = (h w) (p c)", (("p", 4),)), ("c h w = w h c", ()), ("c h w = c 1 (h w) 1", ())],
    "reduce": [("c (h p) w = c h", (("h", 5),)), ("c h w = w", ()), ("c h w = c 1 w", ())],
    "repeat": [("c h w = c (h a) w", (("a", 3),)), ("c h w = a c w h", (("a", 2),))],
}
for name, patterns in PATTERNS.items():
    entry(
        name,
        draw=partial(draw_pattern, name),
        torch=torch_pattern,
        cases=[
            ({"pattern": text, "sizes": sizes, **({"how": how} if name == "reduce" else {})}, (MAP,))
            for text, sizes in patterns
            for how in (("mean", "max", "prod") if name == "reduce" else ("",))
        ],
    )

# --- blocks ---


def draw_block(name: str, w: Writer, shape: Shape) -> str | None:
    rank = len(shape) - 1
    if not rank:
        return None
    if name == "space_to_depth":
        return f"space_to_depth {w.divisor(*shape[1:])}"
    r = w.among(1, 2) if prod(shape) < 500 else 1
    return f"conv {r**rank * w.whole(1, 2)} k1 -> pixel_shuffle {r}"


def torch_block(op: Any, shape: Sizes) -> Module:
    """Return PyTorch's module for two axes, and a reshape with a transposition for other numbers of axes."""
    from torch import nn

    r, rank = op.block, len(shape) - 1
    if rank == 2:
        return nn.PixelShuffle(r) if op.name == "pixel_shuffle" else nn.PixelUnshuffle(r)

    def run(x: Tensor) -> Tensor:
        if op.name == "pixel_shuffle":
            x = x.reshape(len(x), -1, *(r for _ in range(rank)), *shape[1:])
            pairs = [axis for place in range(rank) for axis in (2 + rank + place, 2 + place)]
            return x.permute(0, 1, *pairs).reshape(len(x), -1, *(n * r for n in shape[1:]))
        x = x.reshape(len(x), shape[0], *(size for n in shape[1:] for size in (n // r, r)))
        order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
        return x.permute(0, 1, *order).reshape(len(x), -1, *(n // r for n in shape[1:]))

    return layer(run)


for name in ("pixel_shuffle", "space_to_depth"):
    entry(
        name,
        draw=partial(draw_block, name),
        torch=torch_block,
        cases=[({"block": 2}, (MAP,)), ({"block": 2}, (MAP[:2],))],
    )
