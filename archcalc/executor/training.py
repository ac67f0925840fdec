"""What a training step depends on besides its inputs: how running statistics are updated, and the masks of dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archcalc.ops.base import Operator


@dataclass(frozen=True)
class MovingAverage:
    """How running statistics are updated by those of a batch."""

    tool: str
    """The tool whose convention it is."""
    momentum: Fraction
    """The share of the batch, or of the old value, in the new one."""
    of_batch: bool
    """Whether the momentum is the share of the batch."""
    unbiased: bool
    """Whether the variance of the batch is divided by N − 1 for this, not by N."""

    @property
    def shares(self) -> tuple[Fraction, Fraction]:
        """The shares of the old value and of the batch in the new value."""
        return (1 - self.momentum, self.momentum) if self.of_batch else (self.momentum, 1 - self.momentum)


PYTORCH = MovingAverage("PyTorch", Fraction(1, 10), of_batch=True, unbiased=True)
TENSORFLOW = MovingAverage("TensorFlow", Fraction(99, 100), of_batch=False, unbiased=False)
"""The convention of TensorFlow and Keras; fused kernels of TensorFlow, however, use the unbiased variance."""
CONVENTIONS = {"pytorch": PYTORCH, "tensorflow": TENSORFLOW, "keras": TENSORFLOW}


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """What a training step depends on besides its inputs and its seed."""

    average: MovingAverage = PYTORCH
    masks: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """The masks of dropout by layer, batch in front, in the shape of `mask_sizes`; all others are random."""


def mask_sizes(op: Operator, sizes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape of the mask of an operator for an input of some shape, channels first; ``None`` without a mask.

    A mask has 1 for what is kept and 0 for what is dropped; that of spatial dropout has one number per map.
    """
    return {"": None, "elements": sizes, "maps": sizes[:1]}[op.drops]


def mask_of(
    op: Operator, name: str, sizes: tuple[int, ...], step: TrainingStep, seed: Sequence[int]
) -> NDArray[Any] | None:
    """Return the masks of a layer of dropout in a training step, given or random; ``None`` for other layers.

    Args:
        op: the operator of the layer.
        name: the name of the layer.
        sizes: the shape of its input, batch in front.
        step: the training step.
        seed: the seed of dropout and the index of the layer.
    """
    if not op.drops:
        return None
    given = step.masks.get(name)
    return random_mask(op, sizes, seed) if given is None else given


def random_mask(op: Any, sizes: tuple[int, ...], seed: Sequence[int]) -> NDArray[Any]:
    """Return the masks of a layer of dropout that a seed determines, for an input of some shape, batch in front."""
    found = mask_sizes(op, sizes[1:]) or ()
    drawn: NDArray[Any] = np.random.default_rng([*seed]).random((sizes[0], *found)) >= float(op.rate)
    return drawn
