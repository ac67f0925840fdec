"""Selections by index and by size, by their definition."""

from __future__ import annotations

from collections.abc import Callable

from archcalc.executor.loops.scalar import Scalar, Tally, maximum, minimum
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, along, definition, sizes
from archcalc.ops.selection import Gather, Scatter, Take, TopK


def place(index: Scalar, n: int) -> int:
    """Return the place along an axis of n that an index means."""
    nearest: int = round(index.value)
    return min(max(nearest, 0), n - 1)


@definition(Take)
def take(op: Take, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, indices = inputs
    axis = along(op.axis, x)
    n = sizes(x)[axis]
    out: Tensor = {}
    for at, index in indices.items():
        for read, number in x.items():
            if read[axis] == place(index, n):
                out[*read[:axis], *at, *read[axis + 1 :]] = number
    return out


@definition(Gather)
def gather(op: Gather, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, indices = inputs
    axis = along(op.axis, x)
    n = sizes(x)[axis]
    return {at: x[*at[:axis], place(index, n), *at[axis + 1 :]] for at, index in indices.items()}


COMBINED: dict[str, Callable[[Scalar, Scalar], Scalar]] = {
    "replace": lambda there, value: value,
    "sum": lambda there, value: there + value,
    "prod": lambda there, value: there * value,
    "max": maximum,
    "min": minimum,
}


@definition(Scatter)
def scatter(op: Scatter, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    x, indices, values = inputs
    axis, shape = along(op.axis, x), sizes(indices)
    out = dict(x)
    for at in sorted(values):
        own = tuple(0 if n == 1 else place for place, n in zip(at, shape, strict=True))
        target = (*at[:axis], place(indices[own], sizes(x)[axis]), *at[axis + 1 :])
        out[target] = COMBINED[op.how](out[target], values[at])
    return out


@definition(TopK)
def top(op: TopK, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensors:
    (x,) = inputs
    axis = along(op.axis, x)
    rows: dict[Index, list[tuple[int, Scalar]]] = {}
    for at in sorted(x):
        rows.setdefault((*at[:axis], *at[axis + 1 :]), []).append((at[axis], x[at]))
    values: Tensor = {}
    indices: Tensor = {}
    for other, row in rows.items():
        for rank in range(op.count):
            best = 0
            for candidate in range(1, len(row)):
                one, chosen = row[candidate][1], row[best][1]
                if (chosen > one) if op.smallest else (one > chosen):
                    best = candidate
            index, number = row.pop(best)
            values[*other[:axis], rank, *other[axis:]] = number
            indices[*other[:axis], rank, *other[axis:]] = Scalar(index, tally)
    return values, indices
