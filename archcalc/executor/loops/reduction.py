"""Means and sums over axes by their definition."""

from __future__ import annotations

from archcalc.executor.loops.rearrange import COMBINED
from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, along, definition
from archcalc.ops.reduction import CumulativeSum, Mean, Sum


@definition(Mean, Sum)
def reduction(op: Mean | Sum, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    gone = {along(axis, x) for axis in op.axis}
    groups: dict[Index, list[Scalar]] = {}
    for index in sorted(x):
        kept = [0 if axis in gone else at for axis, at in enumerate(index) if op.keep or axis not in gone]
        groups.setdefault(tuple(kept), []).append(x[index])
    return {index: COMBINED[op.name](group) for index, group in groups.items()}


@definition(CumulativeSum)
def cumulative(op: CumulativeSum, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    (x,) = inputs
    axis = along(op.axis, x)
    out: Tensor = {}
    for index in sorted(x):
        before = (*index[:axis], index[axis] - 1, *index[axis + 1 :])
        out[index] = out[before] + x[index] if before in out else x[index]
    return out
