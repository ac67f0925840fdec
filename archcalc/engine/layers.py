"""Recorded layers other than convolutions, and the division of ordinary kernels among workers."""

from __future__ import annotations

import numpy as np

from archcalc.engine.recorder import Recorder, fast_kernel
from archcalc.engine.worker import Worker
from archcalc.executor.kernel import Array, Arrays, Sizes, Weights
from archcalc.executor.kernels.activation import ELEMENTWISE
from archcalc.executor.kernels.joins import aligned, joined
from archcalc.executor.kernels.norm import factor_and_offset
from archcalc.ops import activation, pool, resample
from archcalc.ops.base import Operator
from archcalc.ops.dense import FullyConnected, Linear
from archcalc.ops.joins import Add, Concat, Div, Max, Min, Mul, Sub
from archcalc.ops.norm import BatchNorm, LocalResponseNorm

# --- recorded ---


@fast_kernel(activation.Relu)
def relu(op: activation.Relu, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    part = recorder.worker.share(out.shape)
    recorder.call(np.maximum, inputs[0][part], 0, out=out[part])


@fast_kernel(activation.Relu6)
def relu6(op: activation.Relu6, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    part = recorder.worker.share(out.shape)
    recorder.call(np.maximum, inputs[0][part], 0, out=out[part])
    recorder.call(np.minimum, out[part], 6, out=out[part])


@fast_kernel(BatchNorm)
def batch_norm(op: BatchNorm, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    """Record one multiplication and one addition per number, with factors computed in advance."""
    part = recorder.worker.share(out.shape)
    each = (-1, *(1,) * (out.ndim - 2))
    factor, offset = (
        numbers.astype(out.dtype, copy=False).reshape(each)[part[1]] for numbers in factor_and_offset(op, weights)
    )
    recorder.call(np.multiply, inputs[0][part], factor, out=out[part])
    recorder.call(np.add, out[part], offset, out=out[part])


def _record_join(operator: type[Operator], function: np.ufunc) -> None:
    """Register the recorded form of an elementwise join, which combines the inputs from left to right."""

    @fast_kernel(operator)
    def join(op: Operator, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
        part = recorder.worker.share(out.shape)
        result, *others = (broadcast_part(x, out.shape, part) for x in aligned(inputs))
        for other in others:
            recorder.call(function, result, other, out=out[part])
            result = out[part]


def broadcast_part(x: Array, shape: Sizes, part: tuple[slice, ...]) -> Array:
    """Return the part of a tensor that broadcasts to a part of a shape."""
    return x[tuple(cut if n == m else slice(None) for n, m, cut in zip(x.shape, shape, part, strict=False))]


_record_join(Add, np.add)
_record_join(Sub, np.subtract)
_record_join(Mul, np.multiply)
_record_join(Max, np.maximum)
_record_join(Min, np.minimum)
_record_join(Div, np.divide)


@fast_kernel(Concat)
def concat(op: Concat, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    axis, parts = joined(op, inputs)
    before = 0
    for x in parts:
        target = out[(*(slice(None),) * axis, slice(before, before + x.shape[axis]))]
        part = recorder.worker.share(x.shape)
        recorder.copy(target[part], x[part])
        before += x.shape[axis]


@fast_kernel(FullyConnected)
def fc(op: FullyConnected, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    x = recorder.contiguous(inputs[0])
    record_weighted_sums(x.reshape(len(x), -1), weights, out, recorder)


@fast_kernel(Linear)
def linear(op: Linear, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    x = recorder.contiguous(inputs[0])
    if op.axis != "channels":
        record_weighted_sums(x.reshape(-1, x.shape[-1]), weights, out.reshape(-1, out.shape[-1]), recorder)
        return
    own = recorder.worker.part(out.shape[1])
    features = out.reshape(*out.shape[:2], -1)[:, own]
    recorder.call(np.matmul, weights["weight"][own], x.reshape(*x.shape[:2], -1), out=features)
    if "bias" in weights:
        recorder.call(np.add, features, weights["bias"][own][:, None], out=features)


def record_weighted_sums(rows: Array, weights: Weights, out: Array, recorder: Recorder) -> None:
    """Record the features of rows of inputs, some features per worker."""
    own = recorder.worker.part(out.shape[1])
    recorder.call(np.matmul, rows, weights["weight"][own].T, out=out[:, own])
    if "bias" in weights:
        recorder.call(np.add, out[:, own], weights["bias"][own], out=out[:, own])


# --- ordinary kernels on parts of tensors ---

BY_CHANNELS = {
    pool.AdaptiveAvgPool,
    pool.AdaptiveMaxPool,
    pool.AvgPool,
    pool.GlobalAvgPool,
    pool.GlobalMaxPool,
    pool.MaxPool,
    resample.Pad,
    resample.Upsample,
}
"""The operators for which every output channel depends only on the input channel with the same index."""
BY_ROWS = {activation.Maxout, activation.PRelu, LocalResponseNorm}
"""The operators for which every output position depends only on the same input position."""


def part_of(op: Operator, shape: Sizes, worker: Worker) -> tuple[slice, ...] | None:
    """Return the part of the output of a layer that a worker computes from the same part of its input.

    Returns:
        An index of the output; ``None`` if the layer is not divided.
    """
    if type(op) in ELEMENTWISE:
        return worker.share(shape)
    within = isinstance(op, LocalResponseNorm) and op.region == "within"  # the engine decides
    if type(op) in BY_CHANNELS or within:
        return slice(None), worker.part(shape[1])
    if type(op) in BY_ROWS and len(shape) > 2:
        return slice(None), slice(None), worker.part(shape[2])
    return None
