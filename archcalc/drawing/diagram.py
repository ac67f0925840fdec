"""The parts of a diagram: boxes, frames around them, and links between them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from archcalc.drawing.kinds import LIGHT
from archcalc.graph import Ref

OUTSIDE = -1
"""The index that stands for everything outside a frame."""


class Link(NamedTuple):
    """A tensor that one part of a frame hands to another."""

    source: int
    """The index of the part that makes the tensor, or `OUTSIDE`."""
    target: int
    """The index of the part that reads it, or `OUTSIDE`."""
    ref: Ref
    """The tensor."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What boxes and frames have in common."""

    name: str
    members: frozenset[int]
    """The nodes that the part stands for, with all repetitions."""
    entries: tuple[Ref, ...]
    """The tensors of other parts that it reads; of repetitions, the first one."""
    exits: tuple[Ref, ...]
    """Its tensors that other parts read; of repetitions, the last one."""
    times: int = 1
    """How often the part is repeated, each repetition reading the one before it."""


@dataclass(frozen=True, kw_only=True)
class Box(_Part):
    """One layer, several layers in a row, or a group of layers that is not drawn in detail."""

    lines: tuple[str, ...]
    kind: str
    """The kind of its main layer, which decides about the colour; see `archcalc.drawing.kinds`."""
    shape: str
    """The shape of its output."""
    changes_shape: bool
    """Whether the output has another shape than the input, or there is no input."""
    content: tuple[str, ...] = ()
    """The texts of the layers of a group, which tell groups apart."""
    costs: tuple[str, ...] = ()
    """What it costs, one text per quantity."""

    @property
    def is_light(self) -> bool:
        """Whether it can be a line in the box of the layer before it."""
        return self.kind in LIGHT and len(self.entries) == 1

    @property
    def exit_parts(self) -> tuple[int, ...]:
        """The indices of the parts whose tensors other parts of the diagram read: a box is its only part."""
        return (0,) * bool(self.exits)

    @property
    def key(self) -> Hashable:
        """What two boxes have in common that differ only in their names."""
        return (self.lines, self.kind, self.content, self.shape, self.changes_shape, self.costs, self.times)


@dataclass(frozen=True, kw_only=True)
class Frame(_Part):
    """A stage or block that is drawn in detail."""

    parts: tuple[Part, ...]
    links: tuple[Link, ...]

    @property
    def key(self) -> Hashable:
        """What two frames have in common that differ only in their names, and in what reads them."""
        pattern = tuple((link.source, link.target) for link in self.links if link.target != OUTSIDE)
        return (tuple(part.key for part in self.parts), pattern, self.times)

    @property
    def inner_exits(self) -> tuple[Ref, ...]:
        """Its exits as its parts know them: those of the first repetition."""
        return tuple(link.ref for link in self.links if link.target == OUTSIDE)

    @property
    def is_chain(self) -> bool:
        """Whether every part reads only the one before it, and the first one at most one tensor from outside."""
        read = [(link.source, link.target) for link in self.links if link.target != OUTSIDE]
        start = [(OUTSIDE, 0)] * bool(self.entries)
        return read == [*start, *((index, index + 1) for index in range(len(self.parts) - 1))]

    @property
    def exit_parts(self) -> tuple[int, ...]:
        """The indices of the parts whose tensors other parts of the diagram read."""
        return tuple(link.source for link in self.links if link.target == OUTSIDE)


Part: TypeAlias = Box | Frame
