"""Operators that rearrange or select numbers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from archcalc.writers.onnx.parts import axis_after_batch
from tests.operators.entry import MAP, Sizes, entry
from tests.operators.torch_parts import layer, nn, torch
from tests.operators.writer import Shape, Writer, draw_axis, joined, plain, written

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


entry("identity", draw=plain("identity"), torch=lambda op, s: nn.Identity())
entry(
    "flatten",
    draw=plain("flatten"),
    torch=lambda op, s: nn.Flatten(),
)


def draw_reshape(w: Writer, shape: Shape) -> str:
    total = prod(shape)
    sizes = [w.divisor(total)]
    if w.among(True, False):
        sizes.append(w.divisor(total // sizes[0]))
    sizes.append(total // prod(sizes))
    words = [str(size) for size in sizes]
    if w.among(True, False):
        words[w.whole(0, len(words) - 1)] = "(-1)"
    return f"reshape {'x'.join(words)}"


entry(
    "reshape",
    draw=draw_reshape,
    torch=lambda op, s: layer(lambda x: x.reshape(x.shape[0], *op.shape)),
    cases=[({"shape": (3, 80, 18)}, (MAP,)), ({"shape": (24, -1)}, (MAP,))],
)


def draw_transpose(w: Writer, shape: Shape) -> str:
    return f"transpose {written(tuple(w.data(st.permutations(range(len(shape))))))}"


entry(
    "transpose",
    draw=draw_transpose,
    torch=lambda op, s: layer(lambda x: x.permute(0, *(axis + 1 for axis in op.order))),
    cases=[({"order": (1, 2, 0)}, (MAP,)), ({"order": (0, 2, 1)}, (MAP,))],
)


def torch_shuffle(op: Any, shape: Sizes) -> Module:
    module = nn.ChannelShuffle(op.groups)
    return layer(lambda x: module(x[..., None])[..., 0] if x.dim() == 2 else module(x))


entry(
    "shuffle",
    draw=lambda w, s: f"shuffle {w.divisor(s[0])}",
    torch=torch_shuffle,
    cases=[({"groups": 4}, (MAP,))],
)


entry(
    "roll",
    draw=lambda w, s: joined([f"roll {w.whole(-9, 9)}", draw_axis(w, s)[0]]),
    torch=lambda op, s: layer(lambda x: x.roll(op.shift, axis_after_batch(op))),
    cases=[({"shift": 3}, (MAP,)), ({"shift": -2, "axis": -1}, (MAP,))],
)


def draw_split(w: Writer, shape: Shape) -> str:
    where, n = draw_axis(w, shape)
    parts = w.divisor(n)
    return joined([f"split {parts} part={w.whole(0, parts - 1)}", where])


entry(
    "split",
    draw=draw_split,
    torch=lambda op, s: layer(lambda x: torch.tensor_split(x, op.parts, axis_after_batch(op))[op.part]),
    cases=[({"parts": 2, "part": 1}, (MAP,)), ({"parts": 2, "part": 1, "axis": -1}, (MAP,))],
)


def draw_slice(w: Writer, shape: Shape) -> str:
    where, n = draw_axis(w, shape)
    start, stop = w.whole(0, n - 1), 0
    stop = w.whole(start + 1, n)
    first = w.among(str(start), f"({start})", f"({start - n})", *([""] * (start == 0)))
    last = w.among(str(stop), f"({stop})", *([f"({stop - n})"] if stop < n else [""]))
    return joined([f"slice {first}:{last}", where, w.among("", "step=2", "step=3")])


def torch_slice(op: Any, shape: Sizes) -> Module:
    start, stop = op.range

    def run(x: Tensor) -> Tensor:
        where: list[Any] = [slice(None)] * x.dim()
        where[axis_after_batch(op)] = slice(start, stop, op.step)
        return x[tuple(where)]

    return layer(run)


entry(
    "slice",
    draw=draw_slice,
    torch=torch_slice,
    cases=[
        ({"range": (2, None)}, (MAP,)),
        ({"range": (-9, -2), "axis": 1, "step": 3}, (MAP,)),
        ({"range": (None, 7), "axis": 2}, (MAP,)),
    ],
)
