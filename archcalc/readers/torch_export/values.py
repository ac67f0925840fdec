"""The values of constants while a program is read, for what cannot be decided without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.readers.torch_export.program import Call
from archcalc.spec.errors import SpecError

if TYPE_CHECKING:
    import numpy as np


class ConstantValues:
    """The values of the constants of a program, computed when they are asked for."""

    def __init__(self, name: str, load: Callable[[], dict[str, np.ndarray[Any, Any]]]) -> None:
        """Prepare the values.

        Args:
            name: the name of the file in messages.
            load: reads the stored arrays that are no parameters, by their names in the program.
        """
        self._name, self._load = name, load
        self._arrays: dict[str, np.ndarray[Any, Any]] | None = None
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
        from archcalc.readers.torch_export.constants import evaluate

        try:
            if self._arrays is None:
                self._arrays = self._load()
            self._arrays = evaluate(calls[self._done :], self._arrays, self._name)
        except SpecError:
            return None
        self._done = len(calls)
        return self._arrays.get(name)
