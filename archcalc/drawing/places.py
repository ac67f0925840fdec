"""The places of the elements of a drawing, in pixels from the upper left corner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from archcalc.drawing.diagram import Box
from archcalc.drawing.measure import SMALL, TITLE_BASELINE, TITLE_HEIGHT

LABEL_RAISED = 2.0
"""How much higher than below its box a shape is above it, since its letters end at the base line."""

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class PlacedBox:
    """A box with its place."""

    box: Box
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class PlacedFrame:
    """The border of a frame with its place."""

    title: str
    left: float
    top: float
    width: float
    height: float
    title_below: bool = False
    """Whether the title is at the lower end of the frame."""

    @property
    def baseline(self) -> float:
        """The base line of the title."""
        return self.top + (self.height - TITLE_HEIGHT if self.title_below else 0) + TITLE_BASELINE


@dataclass(frozen=True)
class Curve:
    """An edge, or a piece of it."""

    points: tuple[Point, ...]
    """The points that it passes: vertically, unless it turns."""
    ends: bool
    """Whether it ends at a box, with an arrow."""
    turns: bool = False
    """Whether it is made of straight lines, with a turn at every point."""


@dataclass(frozen=True)
class Label:
    """A shape beside an edge."""

    text: str
    x: float
    """Where the text starts or ends."""
    baseline: float
    ends: bool
    """Whether the text ends at ``x``."""


@dataclass(frozen=True)
class Layout:
    """The places of everything."""

    width: float
    height: float
    anchor: float
    """The horizontal position at which the first edge enters."""
    entries: tuple[float, ...] = ()
    """The horizontal positions at which tensors enter at the top."""
    exits: tuple[float, ...] = ()
    """The horizontal positions at which tensors leave at the bottom."""
    boxes: tuple[PlacedBox, ...] = ()
    frames: tuple[PlacedFrame, ...] = ()
    curves: tuple[Curve, ...] = ()
    labels: tuple[Label, ...] = ()

    def moved(self, x: float, y: float) -> Layout:
        """Return the layout with its upper left corner at another place; its size and entries stay relative."""
        return replace(
            self,
            boxes=tuple([replace(one, left=one.left + x, top=one.top + y) for one in self.boxes]),
            frames=tuple([replace(one, left=one.left + x, top=one.top + y) for one in self.frames]),
            curves=tuple([replace(one, points=tuple([(a + x, b + y) for a, b in one.points])) for one in self.curves]),
            labels=tuple([replace(one, x=one.x + x, baseline=one.baseline + y) for one in self.labels]),
        )

    def upside_down(self) -> Layout:
        """Return the layout with its edges leading up; texts stay legible, and titles move to the lower ends."""
        height = self.height
        frames = [
            replace(one, top=height - one.top - one.height, title_below=not one.title_below) for one in self.frames
        ]
        return replace(
            self,
            boxes=tuple([replace(one, top=height - one.top - one.height) for one in self.boxes]),
            frames=tuple(frames),
            curves=tuple([replace(one, points=tuple([(x, height - y) for x, y in one.points])) for one in self.curves]),
            labels=tuple([replace(one, baseline=height - one.baseline + SMALL - LABEL_RAISED) for one in self.labels]),
        )
