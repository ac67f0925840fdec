"""Products of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from archcalc.writers.onnx.product import letters
from tests.operators.entry import Sizes, entry
from tests.operators.torch_parts import layer, torch
from tests.operators.writer import Shape, Writer, written

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def draw_matmul(w: Writer, shape: Shape) -> str | None:
    """Draw a product of a tensor with itself, transposed, perhaps with leading axes left out or of size 1."""
    if len(shape) < 2:
        return None
    rank = len(shape)
    order = written((*range(rank - 2), rank - 1, rank - 2))
    other = f"transpose {order}"
    if rank > 2 and w.among(True, False):
        other += " -> slice 0:1"
    if rank == 3 and w.among(True, False):
        other = f"learned {shape[2]}x{w.whole(1, 4)}"
    first = w.among("identity", "relu")
    return f"matmul({first}, {other})"


def torch_matmul(op: Any, shapes: list[Sizes]) -> Module:
    rank = max(map(len, shapes))

    def run(*inputs: Tensor) -> Tensor:
        one, other = (x.reshape(len(x), *(1,) * (rank + 1 - x.dim()), *x.shape[1:]) for x in inputs)
        return torch.matmul(one, other)

    return layer(run)


entry(
    "matmul",
    draw=draw_matmul,
    torch=torch_matmul,
    cases=[
        ({}, ((12, 20, 18), (12, 18, 7))),
        ({}, ((20, 18), (18, 7))),
        ({}, ((12, 20, 18), (1, 18, 7))),
        ({}, ((12, 20, 18), (18, 7))),
    ],
)


def draw_einsum(w: Writer, shape: Shape) -> str:
    """Draw a product of a tensor with itself: axes are shared or not, and some or all names remain, in any order."""
    one = list("abcdefgh"[: len(shape)])
    other = [w.among(name, f"{name}2") for name in one]
    names = list(w.data(st.permutations(list(dict.fromkeys([*one, *other])))))
    result = names[: w.whole(1, min(len(names), 3))]
    return f"einsum('{' '.join(one)}, {' '.join(other)} = {' '.join(result)}', identity, {w.among('identity', 'relu')})"


entry(
    "einsum",
    draw=draw_einsum,
    torch=lambda op, s: layer(lambda one, other: torch.einsum(letters(op), one, other)),
    cases=[
        ({"pattern": "h q d, h k d = h q k"}, ((12, 20, 18), (12, 7, 18))),
        ({"pattern": "a b, c -> c a"}, ((20, 18), (7,))),
    ],
)


def draw_dft(w: Writer, shape: Shape) -> str:
    """Draw a transform of real numbers, and perhaps one back."""
    one = " ".join("abcdefgh"[: len(shape)])
    before = f"rearrange '{one} = {one} 1'"
    both = w.among("", "onesided")
    further = [w.among("dft", "dft inverse")] if not both else [f"dft inverse onesided size={shape[-1]}"]
    *axes, last = one.split()
    after = f"rearrange '{one} p = {' '.join(axes)} ({last} p)'"
    return " -> ".join([before, f"dft {both}".strip(), *(further if w.among(True, False) else []), after])


def torch_dft(op: Any, shape: Sizes) -> Module:
    def run(x: Tensor) -> Tensor:
        given = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else x.squeeze(-1)
        if op.inverse and op.onesided:
            return torch.fft.irfft(given, op.size)[..., None]
        if op.inverse:
            return torch.view_as_real(torch.fft.ifft(given))
        found = torch.fft.fft(given)
        return torch.view_as_real(found[..., : shape[-2] // 2 + 1] if op.onesided else found)

    return layer(run)


entry(
    "dft",
    draw=draw_dft,
    torch=torch_dft,
    cases=[
        ({}, ((12, 2),)),
        ({"onesided": True}, ((4, 9, 1),)),
        ({"inverse": True}, ((3, 4, 10, 2),)),
        ({"inverse": True, "onesided": True}, ((6, 2),)),
        ({"inverse": True, "onesided": True, "size": 11}, ((3, 6, 2),)),
    ],
    beyond_onnx_runtime=lambda op: op.inverse and op.onesided,
)
