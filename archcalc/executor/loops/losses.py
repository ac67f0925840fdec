"""The gradient of a loss with respect to one number of an output, as recorded numbers, by the textbook's formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.loops.numbers import function
from archcalc.executor.loops.record import RecordedNumber


def mean_square(y: Array, target: Array, index: tuple[int, ...]) -> RecordedNumber:
    """Return 2·(y − t)/n for a number of y and that of the target, both batch in front."""
    difference = (RecordedNumber(float(y[index])) - float(target[index])).named("y − t")
    found: RecordedNumber = 2 * difference / y.size
    return found


def cross_entropy_of_logits(y: Array, labels: Array, index: tuple[int, ...], axis: int) -> RecordedNumber:
    """Return (p − t)/N for the softmax p of logits y, and t = 1 for the correct class and 0 for others.

    Args:
        y: the logits, batch in front.
        labels: the number of the class of every example and position.
        index: the index of a logit.
        axis: the class axis.
    """
    position = (*index[:axis], *index[axis + 1 :])
    scores = np.moveaxis(y, axis, -1)[position]
    raised: list[Any] = [
        function("exp", RecordedNumber(float(score))).named(f"exp(z{each})") for each, score in enumerate(scores)
    ]
    p = (raised[index[axis]] / sum(raised[1:], raised[0])).named(f"p{index[axis]}")
    found: RecordedNumber = p - float(labels[position] == index[axis])
    return found / labels.size if labels.size > 1 else found
