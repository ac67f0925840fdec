"""Recorded convolutions, which divide the work by rows of the output, by groups, or by filters."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from archcalc.engine import winograd
from archcalc.engine.recorder import FastKernel, Recorder, fast_kernel
from archcalc.engine.windows import gather, gather_together
from archcalc.engine.worker import by_rows
from archcalc.executor.kernel import Array, Arrays, Weights
from archcalc.executor.kernels.conv import standardised
from archcalc.executor.kernels.gather import block_positions, maps_together
from archcalc.executor.kernels.windows import WindowAxis, axes_of, blocks, positions
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv


def for_plain_convolutions(record: FastKernel) -> FastKernel:
    """Return the recorded form of a convolution that leaves tables, flipped kernels, and padding other than zeros to
    its ordinary kernel."""

    def either(op: Any, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
        if op.border == "zeros" and not op.flip and getattr(op, "table", None) is None:
            record(op, inputs, weights, out, recorder)
        elif recorder.worker.number == 0:
            recorder.evaluate(op, inputs, weights, (out,))

    return either


@fast_kernel(Conv)
@for_plain_convolutions
def conv(op: Conv, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    x, weight = recorder.contiguous(inputs[0]), weights["weight"]
    axes = axes_of(op, x.shape[2:])
    if op.ws:
        weight = recorder.constant("standardised", weight, standardised)
    if recorder.winograd and op.groups == 1 and winograd.is_worthwhile(axes, weight, out):
        winograd.convolve(x, weight, axes, out, recorder)
    else:
        convolve(x, weight, op.groups, axes, out, recorder)
    add_bias(weights, op.groups, out, recorder)


@fast_kernel(DepthwiseConv)
@for_plain_convolutions
def depthwise_conv(op: DepthwiseConv, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    x = recorder.contiguous(inputs[0])
    groups = x.shape[1]
    convolve(x, weights["weight"], groups, axes_of(op, x.shape[2:]), out, recorder)
    add_bias(weights, groups, out, recorder)


@fast_kernel(SeparableConv)
@for_plain_convolutions
def separable_conv(op: SeparableConv, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None:
    x, filters = recorder.contiguous(inputs[0]), weights["depthwise"]
    axes = axes_of(op, x.shape[2:])
    pointwise = [WindowAxis(n, 0, 0, kernel=1, stride=1, dilation=1, positions=n) for n in positions(axes)]
    maps = recorder.shared("depthwise maps", (1, len(filters), *positions(axes)), x.dtype)
    for example, result in zip(x, out, strict=True):
        convolve(example[None], filters, x.shape[1], axes, maps, recorder)
        recorder.barrier()
        convolve(maps, weights["pointwise"], 1, pointwise, result[None], recorder)
        recorder.barrier()
    add_bias(weights, 1, out, recorder)


def convolve(x: Array, weight: Array, groups: int, axes: list[WindowAxis], y: Array, recorder: Recorder) -> None:
    """Record a worker's part of the convolution of x (N×C×n…) with weight (O×C/groups×k…), written to y (N×O×m…)."""
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    maps = x.reshape(len(x), groups, -1, *x.shape[2:])
    results = y.reshape(len(x), groups, matrix.shape[1], -1)
    rows = filters = slice(None)
    if by_rows(y.shape):
        rows = recorder.worker.part(y.shape[2])
    elif groups > 1:
        own = recorder.worker.part(groups)
        matrix, maps, results = matrix[own], maps[:, own], results[:, own]
    else:
        filters = recorder.worker.part(matrix.shape[1])
        matrix, results = matrix[:, filters], results[:, :, filters]
    if all(axis.is_pointwise for axis in axes):
        first, last, _ = rows.indices(y.shape[2])
        place = slice(first * prod(y.shape[3:]), last * prod(y.shape[3:]))
        columns = maps.reshape(*maps.shape[:2], weight.shape[1], prod(x.shape[2:]))  # the worker may have no group
        recorder.call(np.matmul, matrix, columns[..., place], out=results[..., place])
        return
    size = matrix.shape[-1] * x.itemsize
    together = maps_together(size * results.shape[-1])
    for sample, result in zip(maps, results, strict=True):
        for start in range(0, len(sample), together):
            some = slice(start, start + together)
            channels = sample[some].reshape(-1, *x.shape[2:])
            for block in blocks(positions(axes), block_positions(size * len(sample[some])), rows):
                gathered = (gather if filters == slice(None) else gather_together)(channels, axes, block, recorder)
                columns = gathered.reshape(len(sample[some]), matrix.shape[-1], -1)
                recorder.call(np.matmul, matrix[some], columns, out=result[some, :, block.start : block.stop])


def add_bias(weights: Weights, groups: int, y: Array, recorder: Recorder) -> None:
    """Record the addition of the bias per channel, if there is one."""
    if "bias" not in weights:
        return
    if groups > 1 and not by_rows(y.shape):
        recorder.barrier()  # the part of the groups of a worker differs from its share of the channels
    part = recorder.worker.share(y.shape)
    bias = weights["bias"].reshape(-1, *(1,) * (y.ndim - 2))[part[1]]
    recorder.call(np.add, y[part], bias, out=y[part])
