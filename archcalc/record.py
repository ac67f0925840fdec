"""Classes of immutable objects, for objects of which a large network has hundreds of thousands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(**options: Any) -> Callable[[type], type]:
        """Return the decorator ``dataclass`` with these options; only type checkers see that objects are frozen.

        The objects of a class that is frozen at run time take five times as long to create.
        """
        return dataclass(**{**options, "frozen": False})


__all__ = ["record"]
