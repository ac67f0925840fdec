"""The names of losses, without the import of NumPy."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

LossKind: TypeAlias = Literal["sum", "mse", "cross_entropy"]
LOSSES: tuple[LossKind, ...] = get_args(LossKind)

GivenLoss: TypeAlias = LossKind | Literal["upstream"]
"""A loss, or the gradient of the output in place of one."""
