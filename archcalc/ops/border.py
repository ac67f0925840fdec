"""Borders: the values of the padding around the positions of a tensor."""

from __future__ import annotations

from archcalc.numeric import Number, require
from archcalc.ops.base import Operator
from archcalc.ops.fields import word

BORDERS = ("zeros", "reflect", "replicate", "circular")
"""Zeros; the positions mirrored at the outermost one; the outermost one repeated; those from the other end."""


class PaddedOperator(Operator):
    """An operator that pads the positions of its input."""

    border: str = word("zeros", *BORDERS, flags=True, later=BORDERS, help="the values of the padding")

    @property
    def pads_with_zeros(self) -> bool:  # type: ignore[override]
        """Whether the padding consists of zeros."""
        return self.border == "zeros"

    def require_border(self, n: Number, before: Number, after: Number) -> None:
        """Require that an axis has the positions that its padding repeats."""
        for side in (before, after):
            if self.border == "reflect":
                require(
                    n > side,
                    "reflect padding of {side} needs an axis with more than {side} positions, got {n}",
                    side=side,
                    n=n,
                )
            elif self.border == "circular":
                require(
                    n >= side,
                    "circular padding of {side} needs an axis with at least {side} positions, got {n}",
                    side=side,
                    n=n,
                )
