"""Joins: their counterparts read the names and the shapes of all inputs."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from archcalc.ops.joins import BITWISE
from archcalc.writers.onnx.joins import COMPARED
from archcalc.writers.onnx.parts import axis_after_batch
from tests.operators.entry import MAP, MAP2, VECTOR, Sizes, entry
from tests.operators.torch_parts import layer, torch
from tests.operators.writer import Shape, Writer, draw_axis

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def same_shape(w: Writer, shape: Shape) -> str:
    """Return a layer that leaves the shape as it is."""
    options = ["relu", "gelu tanh", "bn", "ln axis=last", "dropout 0.1", "scale 1/10", "prelu channels", "softmax"]
    if len(shape) > 1:
        options += [
            "conv C k3 s1 p1",
            "conv C k=3 pad=half nobias",
            "dwconv k3 same",
            "maxpool k3 s1 half",
            "sepconv C k1",
        ]
    return w.among(*options)


def draw_elementwise(name: str, w: Writer, shape: Shape) -> str:
    branches = ["identity", same_shape(w, shape), "relu -> tanh", f"fc {shape[0]} -> sigmoid"]
    if len(shape) > 1:
        branches += ["gap", "gmp -> conv C k1", "(sigmoid)*2"]
    for stage, known in w.stages.items():
        branches.append(f"@{stage} -> fc {shape[0]}")
        if known == shape:
            branches.append(f"@{stage}")
    chosen = [w.among("identity", same_shape(w, shape)), *(w.among(*branches) for _ in range(w.among(1, 1, 2)))]
    return f"{name}({w.among(', ', ',').join(w.data(st.permutations(chosen)))})"


def draw_division(name: str, w: Writer, shape: Shape) -> str:
    """Draw divisors that are not near 0, where the quotients of two libraries differ."""
    return f"{name}({w.among('identity', same_shape(w, shape))}, {same_shape(w, shape)} -> sigmoid -> clip 0.1)"


def torch_elementwise(function: str, op: Any, shapes: list[Sizes]) -> Module:
    rank = max(map(len, shapes))

    def run(*inputs: Tensor) -> Tensor:
        aligned = [x.view(*x.shape, *(1,) * (rank + 1 - x.dim())) if x.dim() == 2 else x for x in inputs]
        return reduce(getattr(torch, function), aligned)

    return layer(run)


for name, function in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("div", "divide"),
):
    entry(
        name,
        draw=partial(draw_division if name == "div" else draw_elementwise, name),
        torch=partial(torch_elementwise, function),
        cases=[({}, (MAP, MAP, MAP)), ({}, (MAP, VECTOR)), ({}, ((12, 1, 18), MAP))],
    )

# --- selection ---


def draw_where(w: Writer, shape: Shape) -> str:
    conditions = [same_shape(w, shape), "offset -0.5"] + (["gap"] if len(shape) > 1 else [])
    return f"where({w.among(*conditions)}, {same_shape(w, shape)}, {w.among('identity', 'scale -2')})"


def torch_where(op: Any, shapes: list[Sizes]) -> Module:
    rank = max(map(len, shapes))

    def run(*inputs: Tensor) -> Tensor:
        condition, one, other = (x.view(*x.shape, *(1,) * (rank + 1 - x.dim())) for x in inputs)
        return torch.where(condition > 0, one, other)

    return layer(run)


entry(
    "where",
    draw=draw_where,
    torch=torch_where,
    cases=[({}, (MAP, MAP, MAP)), ({}, (VECTOR, MAP, (12, 1, 18)))],
)

# --- comparisons ---


def draw_compare(w: Writer, shape: Shape) -> str:
    """Draw rectified numbers, of which many are equal; others differ by more than libraries do."""
    return f"compare(relu, relu, how={w.among(*COMPARED)})"


def torch_compare(op: Any, shapes: list[Sizes]) -> Module:
    rank = max(map(len, shapes))

    def run(*inputs: Tensor) -> Tensor:
        one, other = (x.view(*x.shape, *(1,) * (rank + 1 - x.dim())) for x in inputs)
        return getattr(torch, {"equal": "eq"}.get(op.how, op.how))(one, other).to(one.dtype)

    return layer(run)


entry(
    "compare",
    draw=draw_compare,
    torch=torch_compare,
    cases=[({}, (MAP, MAP)), ({"how": "equal"}, (MAP, VECTOR))],
)

# --- operations on bits ---


def draw_bitwise(w: Writer, shape: Shape) -> str:
    """Integers from 0 on; ONNX has shifts of unsigned ones only."""
    how = w.among(*BITWISE)
    form = w.among("uint8", "uint32", *(() if how in ("left", "right") else ("int8", "int64")))
    return f"bitwise(relu -> scale 4, relu, how={how}, format={form})"


def torch_bitwise(op: Any, shapes: list[Sizes]) -> Module:
    rank, bits = max(map(len, shapes)), int(op.format.lstrip("uint"))
    low = 0 if op.format.startswith("u") else -(2 ** (bits - 1))
    name = {"left": "bitwise_left_shift", "right": "bitwise_right_shift"}.get(op.how, f"bitwise_{op.how}")

    def run(*inputs: Tensor) -> Tensor:
        one, other = (x.view(*x.shape, *(1,) * (rank + 1 - x.dim())) for x in inputs)
        x, y = (each.long() for each in (one, other))
        if op.how in ("left", "right"):  # which PyTorch does not define for all numbers of bits
            x, y = wrapped(x), torch.where((y < 0) | (y > bits - 1), bits - 1, y)
            x = torch.where((other.long() == y) | (op.how == "right"), x, 0)
            x = torch.where((other.long() == y) | (x < 0), x, 0)
        return wrapped(getattr(torch, name)(x, y)).to(one.dtype)

    def wrapped(x: Tensor) -> Tensor:
        return x if bits == 64 else (x - low) % 2**bits + low

    return layer(run)


entry(
    "bitwise",
    draw=draw_bitwise,
    torch=torch_bitwise,
    cases=[
        ({}, (MAP, MAP)),
        *(({"how": how, "format": "uint8"}, (MAP, VECTOR)) for how in BITWISE[1:]),
    ],
)

# --- concatenation ---


def draw_concat(w: Writer, shape: Shape) -> str:
    if len(shape) > 1 and w.among(False, False, True):
        smaller = [
            f"crop {w.whole(0, (min(shape[1:]) - 1) // 2)}",
            "identity",
            f"slice 0:{w.whole(1, shape[-1])} axis=(-1)",
        ]
        return f"concat({w.among(*smaller)}, {w.among(*smaller)}, crop=smallest)"
    where, _ = draw_axis(w, shape)
    along = int(where.strip("axis=()") or 0) % len(shape)
    other = [f"concat(identity, identity, axis={along})", "identity", same_shape(w, shape)]
    chosen = [w.among(*other) for _ in range(w.among(2, 2, 3))]
    return f"concat({', '.join([*chosen, *([where] if where else [])])})"


def torch_concat(op: Any, shapes: list[Sizes]) -> Module:
    joined = axis_after_batch(op) % (len(shapes[0]) + 1)

    def run(*inputs: Tensor) -> Tensor:
        pieces = []
        for x in inputs:
            for axis in range(2, x.dim()):
                if op.crop == "smallest" and axis != joined:
                    smallest = min(other.shape[axis] for other in inputs)
                    x = x.narrow(axis, (x.shape[axis] - smallest) // 2, smallest)
            pieces.append(x)
        return torch.cat(pieces, joined)

    return layer(run)


entry(
    "concat",
    draw=draw_concat,
    torch=torch_concat,
    cases=[
        ({}, (MAP, MAP)),
        ({"axis": 1}, (MAP, (12, 7, 18))),
        ({"crop": "smallest"}, (MAP, MAP2)),
        ({}, (VECTOR, VECTOR)),
    ],
)
