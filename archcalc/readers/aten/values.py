"""The values of constants while a program is read, for decisions that depend on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archcalc.readers.aten.program import Call
from archcalc.spec.errors import SpecError

if TYPE_CHECKING:
    import numpy as np


class ConstantValues:
    """The values of the constants of a program, computed on demand."""

    def __init__(self, name: str, load: Callable[[], dict[str, np.ndarray[Any, Any]]]) -> None:
        """Prepare the values.

        Args:
            name: the name of the file in messages.
            load: reads the stored arrays that are not parameters, by their names in the program, without those whose
                numbers the file does not have.
        """
        self._name, self._load = name, load
        self._done = 0

    def repeated_axes(self, calls: Sequence[Call], name: str, sizes: Sequence[int], count: int) -> tuple[int, ...]:
        """Return the axes of this many equal parts; none if the values are not known.

        Args:
            calls: the calls on constants so far.
            name: the name of a constant.
            sizes: its sizes.
            count: the number of parts, at least 2.
        """
        axes = [axis for axis, size in enumerate(sizes) if size == count]
        value = self.value(calls, name) if axes else None
        if value is None or value.shape != tuple(sizes):
            return ()
        return tuple([axis for axis in axes if (value.take([0], axis) == value).all()])

    def value(self, calls: Sequence[Call], name: str) -> np.ndarray[Any, Any] | None:
        """Return the value that a constant has after calls on constants; ``None`` if it is not known."""
        from archcalc.readers.aten.constants import evaluate_call

        for call in calls[self._done :]:
            with suppress(SpecError):  # of a tensor whose numbers the file does not have
                evaluate_call(call, self._arrays, self._name)
        self._done = len(calls)
        return self._arrays.get(name)

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return self._load()
