"""Training steps by their definition: what batch norm and dropout compute otherwise than at inference.

The numbers of a batch have the example as their first index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archcalc.executor.kernel import Array, Weights
from archcalc.executor.loops.norm import groups, scaled_and_shifted
from archcalc.executor.loops.run import record_array
from archcalc.executor.loops.scalar import Scalar, Tally, named, sqrt
from archcalc.executor.loops.tensor import Tensor, counting, plain, total
from archcalc.executor.training import MovingAverage
from archcalc.ops.activation import Dropout
from archcalc.ops.base import Operator
from archcalc.ops.norm import BatchNorm


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """What a layer computes in a training step, as arrays of `RecordedNumber`."""

    output: Array
    """The output, batch in front."""
    mean: Array | None = None
    """The mean of the output over all masks of dropout."""
    updates: Mapping[str, Array] = field(default_factory=dict)
    """The new values of its stored arrays by their names."""


def differs(op: Operator) -> bool:
    """Return whether an operator computes something else in training than at inference."""
    return isinstance(op, BatchNorm | Dropout)


def record_training(
    op: Operator,
    inputs: Mapping[str, Array],
    weights: Weights,
    mask: Array | None,
    average: MovingAverage,
    *,
    differences: bool = False,
) -> TrainedLayer:
    """Evaluate a layer that `differs` in a training step, with numbers that record how they were computed.

    Args:
        op: the operator of the layer.
        inputs: the array that it reads, batch in front, by the name to record for it.
        weights: its stored arrays by name, before the step.
        mask: the masks of dropout, batch in front; they are recorded as ``mask``.
        average: how running statistics are updated.
        differences: whether the differences from the mean are steps of their own. In gradients they are, because those
            of both paths through them are added there.
    """
    tally = Tally()
    (x,) = (counting(record_array(name, array), tally) for name, array in inputs.items())
    if isinstance(op, Dropout):
        assert mask is not None
        return _dropout(op, x, counting(record_array("mask", mask), tally))
    assert isinstance(op, BatchNorm)
    stored = {name: counting(record_array(name, array), tally) for name, array in weights.items()}
    return _batch_norm(op, x, stored, average, named_differences=differences)


def _dropout(op: Dropout, x: Tensor, mask: Tensor) -> TrainedLayer:
    """Return what the mask leaves, scaled by 1/(1 − rate) if that is done in training.

    The mean over all masks weighs what a 1 and what a 0 in the mask leave by their probabilities, 1 − rate and rate.
    """
    keep = 1 - op.rate
    rank = len(next(iter(mask)))

    def scaled(number: Scalar) -> Scalar:
        return number / keep if op.scale == "training" else number

    masked = {index: scaled(number * mask[index[:rank]]) if keep else number * 0 for index, number in x.items()}
    mean = {index: keep * scaled(number * 1) + op.rate * scaled(number * 0) for index, number in x.items() if keep}
    return TrainedLayer(plain(masked), plain(mean or masked))


def _batch_norm(
    op: BatchNorm, x: Tensor, stored: dict[str, Tensor], average: MovingAverage, *, named_differences: bool
) -> TrainedLayer:
    """Return every channel minus its mean over the batch, divided by its standard deviation, and the moving averages
    of both statistics."""
    old, new = average.shares
    out: Tensor = {}
    updates: dict[str, Tensor] = {"mean": {}, "variance": {}}
    for group in groups(x, lambda index: index[1]):
        channel = group[0][1:2]
        mean = named("mean", total(x[index] for index in group) / len(group))
        differences = {index: x[index] - mean for index in group}
        if named_differences:
            differences = {index: named("difference", each) for index, each in differences.items()}
        squares = total(difference * difference for difference in differences.values())
        variance = named("variance", squares / len(group))
        deviation = named("standard deviation", sqrt(variance + op.eps))
        out.update({index: named("normalised", difference / deviation) for index, difference in differences.items()})
        estimate = named("unbiased variance", squares / (len(group) - 1)) if average.unbiased else variance
        for name, batch in (("mean", mean), ("variance", estimate)):
            updates[name][channel] = old * stored[name][channel] + new * batch
    out = scaled_and_shifted(out, stored, lambda index: index[1:2])
    return TrainedLayer(plain(out), updates={name: plain(numbers) for name, numbers in updates.items()})
