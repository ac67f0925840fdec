"""The definition of one layer on a batch of examples, with a record of every number, for gradients that sum over it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from archcalc.executor.kernel import Array
from archcalc.executor.loops.record import RecordedNumber
from archcalc.executor.loops.run import record_array, record_layer
from archcalc.executor.loops.training import differs, record_training
from archcalc.executor.training import PYTORCH
from archcalc.ops.base import Operator

Results = list[tuple[RecordedNumber, RecordedNumber]]
"""Numbers of the outputs, and the gradient of each."""


def record_batch(
    op: Operator,
    inputs: Mapping[str, Array],
    weights: Mapping[str, tuple[str, Array]],
    given: Mapping[str, Array],
    *,
    training: bool = False,
    mask: Array | None = None,
) -> Results:
    """Return the numbers of the outputs of a layer, and their gradients, both with a record of their origin.

    Args:
        op: the operator of the layer.
        inputs: the arrays that it reads, in order, by the name to record for each, batch in front. The index of a
            number has the example in front if there are several.
        weights: its stored arrays by name, each with the name to record.
        given: the gradients of its outputs, in order, likewise.
        training: whether a batch norm uses the statistics of the batch, and dropout a mask.
        mask: that mask, batch in front.
    """
    batch = len(next(iter(given.values())))
    stored = {own: record_array(name, array) for own, (name, array) in weights.items()}
    outputs: list[tuple[Array, ...]]
    if training and differs(op):
        read = {name: _recorded(name, x) for name, x in inputs.items()}
        made = record_training(op, read, stored, mask, PYTORCH, differences=True)
        outputs = [(example,) for example in made.output]
    else:
        outputs = [
            record_layer(op, [(name, _recorded(name, array)[example]) for name, array in inputs.items()], stored)
            for example in range(batch)
        ]
    gradients = [_recorded(name, array) for name, array in given.items()]
    return [
        (number, gradient[example][index])
        for example, made in enumerate(outputs)
        for array, gradient in zip(made, gradients, strict=True)
        for index, number in np.ndenumerate(array)
        if isinstance(number, RecordedNumber)
    ]


def _recorded(name: str, array: Array) -> Array:
    """Return an array, batch in front, as numbers that record their place; of one example, without the batch."""
    return record_array(name, array[0])[None] if len(array) == 1 else record_array(name, array)
