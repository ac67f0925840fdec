"""Paths of block calls and local names, and the references that follow them: ``@stack/layer_3/skip``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from archcalc.graph import Ref


class CallFrame:
    """A block call, or a named entry of a list, around layers.

    How many calls of the same block there are in one place is known only after all of them.
    """

    __slots__ = ("calls", "index", "label", "local", "parent")

    def __init__(self, label: str, parent: CallFrame | None, *, local: bool = False) -> None:
        self.label = label
        self.parent = parent
        self.local = local
        self.calls: Counter[str] = parent.calls if local and parent is not None else Counter()
        self.index = 0
        if parent is not None and not local:
            parent.calls[label] += 1
            self.index = parent.calls[label]

    def name(self) -> str:
        """Return the name of the call, with its number if the block is called several times, or that of the entry."""
        assert self.parent is not None
        alone = self.local or self.parent.calls[self.label] == 1
        return self.label if alone else f"{self.label}_{self.index}"

    def path(self) -> tuple[str, ...]:
        """Return the names of the enclosing block calls, outermost first."""
        if self.parent is None:
            return ()
        return self.parent.path() if self.local else (*self.parent.path(), self.name())

    def around(self) -> Iterator[CallFrame]:
        """Yield the frame and all around it, innermost first, without the outermost one, which is the stage."""
        frame = self
        while frame.parent is not None:
            yield frame
            frame = frame.parent


class Destination(NamedTuple):
    """A tensor that a path can end with: the output of a named entry, a block call, a layer, or an entire stage."""

    ref: Ref
    layers: range
    """The indices of the layers that it consists of."""
    frame: CallFrame | None = None
    """The entry or call; for a layer, what is around it; ``None`` for a stage or input."""
    layer: str = ""
    """The name of a layer within its stage, as printed."""

    def names(self, inside: CallFrame | None) -> list[tuple[str, bool]] | None:
        """Return the names of its path below a frame (``None``: below its stage), and whether each may be left out.

        The result is ``None`` if it is not inside the frame.
        """
        found = [(self.layer, False)] if self.layer else []
        for frame in self.frame.around() if self.frame is not None else ():
            if frame is inside:
                return found[::-1]
            found.append((frame.name(), bool(found) and (not frame.local or bool(self.layer))))
        return found[::-1] if inside is None else None


def matching(path: Sequence[str], marks: Sequence[Destination], inside: CallFrame | None = None) -> list[Destination]:
    """Return the marks that a path leads to, in order; layers only if it leads to no entry or call.

    Args:
        path: names; those of block calls may be left out, except the last one.
        marks: the marks to choose from.
        inside: the frame in which the path starts; ``None`` for the stage.
    """
    named = [(mark, names) for mark in marks if (names := mark.names(inside))]
    found = [mark for mark, names in named if _leads(path, names)]
    return [mark for mark in found if not mark.layer] or found


def in_full(path: Sequence[str], marks: Sequence[Destination], inside: CallFrame | None = None) -> list[Destination]:
    """Return those of these marks whose paths are written in full."""
    return [mark for mark in marks if [name for name, _ in mark.names(inside) or ()] == [*path]]


def _leads(path: Sequence[str], names: Sequence[tuple[str, bool]]) -> bool:
    """Return whether a path consists of these names in order, apart from some that may be left out."""
    if not path or not names:
        return not path and not names
    (name, optional), *others = names
    return (path[0] == name and _leads(path[1:], others)) or (optional and _leads(path, others))
