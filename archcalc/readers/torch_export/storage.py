"""Which names of a program share memory, so that a write in place is seen by all of them, or refused.

PyTorch's views share the memory of the tensor that they view. A write through one of these names changes what the
others are; names of the entire tensor can follow, but the others would have to be written in part.
"""

from __future__ import annotations

NAMES = frozenset(("alias", "detach", "dropout", "feature_dropout", "alpha_dropout", "identity"))
"""The operators whose result is their argument under another name (at inference)."""

VIEWS = frozenset(
    (
        "chunk",
        "contiguous",
        "expand",
        "flatten",
        "numpy_T",
        "permute",
        "reshape",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "swapaxes",
        "t",
        "to",
        "transpose",
        "unbind",
        "unflatten",
        "unsqueeze",
        "view",
    )
)
"""The operators whose results share, or may share, the memory of their argument."""


class Storage:
    """The names of a program by the memory that they share."""

    def __init__(self) -> None:
        self._sharing: dict[str, dict[str, str]] = {}
        """By name, all names of its memory, each with the first name of its tensor. They share one mapping."""
        self._stale: set[str] = set()

    def share(self, operator: str, argument: str, results: list[str]) -> None:
        """Note that the results of an operator share the memory of its argument, if they do."""
        if operator in NAMES or operator in VIEWS:
            sharing = self._names(argument)
            for result in results:
                sharing[result] = sharing[argument] if operator in NAMES else result
                self._sharing[result] = sharing

    def write(self, written: str, result: str) -> list[str]:
        """Note a write in place, and return the names of the tensor that is written.

        All other names of its memory are stale from now on.
        """
        sharing = self._names(written)
        tensor = sharing[written]
        names = [name for name, first in sharing.items() if first == tensor]
        self._stale.update(sharing.keys() - set(names))
        sharing[result] = tensor
        self._sharing[result] = sharing
        return names

    def is_stale(self, name: str) -> bool:
        """Return whether the numbers of a name have changed since it was computed."""
        return name in self._stale

    def _names(self, name: str) -> dict[str, str]:
        return self._sharing.setdefault(name, {name: name})
