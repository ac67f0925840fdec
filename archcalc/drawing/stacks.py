"""A network as a row of stacks of feature maps, drawn to scale, as in the papers on LeNet-5 and AlexNet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archcalc.analysis.propagate import Analysis
from archcalc.drawing.diagram import Box, Frame, Part
from archcalc.drawing.measure import LINE, SMALL, text_width
from archcalc.spec.errors import fail

MAX_SIDE = 180.0
"""The height of the largest map, in pixels."""
MIN_SIDE = 6.0
MAX_SHEETS = 12
"""The number of maps that are drawn of a stack."""
SHEET = 5.0
"""The distance between two maps, to the right and down."""
BAR = 12.0
"""The width of a vector."""
SPACE = 34.0
"""The distance between two stacks."""


@dataclass(frozen=True)
class Stack:
    """A tensor: maps one behind another, or a vector as a bar."""

    shape: str
    """The shape, as in ``6@28x28``."""
    lines: tuple[str, ...]
    """The layers that make it."""
    kind: str
    """The kind of the first of these layers."""
    left: float
    top: float
    width: float
    """The width of a map."""
    height: float
    """The height of a map."""
    sheets: int
    """How many maps are drawn."""
    middle: float
    """Where its texts are centred."""


@dataclass(frozen=True)
class StackRow:
    """The stacks of a network from left to right."""

    stacks: tuple[Stack, ...]
    width: float
    height: float
    compressed: bool
    """Whether square roots of sizes are drawn, because the sizes differ too much."""


@dataclass(frozen=True)
class _Step:
    part: Part
    output: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """The height and the width of a map: of a vector, its length and 0."""
        if len(self.output) == 1:
            return self.output[0], 0
        return self.output[-2] if len(self.output) > 2 else 1, self.output[-1]

    @property
    def shape(self) -> str:
        """The number of maps and their size."""
        channels, *positions = self.output
        return f"{channels}@{'x'.join(map(str, positions))}" if positions else str(channels)


def stacks(analysis: Analysis, diagram: Frame) -> StackRow:
    """Return the stacks of a network whose parts read each other in one row.

    Raises:
        SpecError: it has several inputs, or branches outside its stages and blocks.
    """
    steps = [*_steps(analysis, diagram)]
    maps = [size for step in steps if len(step.output) > 1 for size in step.sizes if size > 1] or [1]
    vectors = [step.output[0] for step in steps if len(step.output) == 1] or [1]
    compressed = max(maps) > MAX_SIDE / MIN_SIDE * min(maps)

    def side(size: int, largest: int) -> float:
        share = size / largest
        return max(MIN_SIDE, MAX_SIDE * (share**0.5 if compressed else share))

    found, x = [], 0.0
    depth = max([min(step.output[0], MAX_SHEETS) for step in steps if len(step.output) > 1], default=1)
    middle = LINE + 8 + (MAX_SIDE + SHEET * (depth - 1)) / 2
    for step in steps:
        vector = len(step.output) == 1
        rows, columns = step.sizes
        sheets = 1 if vector else min(step.output[0], MAX_SHEETS)
        height = max(4 * MIN_SIDE, MAX_SIDE * (rows / max(vectors)) ** 0.5) if vector else side(rows, max(maps))
        width = BAR if vector else side(columns, max(maps))
        thick = SHEET * (sheets - 1)
        lines = _lines(step.part)
        needed = max(width + thick, text_width(step.shape, SMALL), *(text_width(line, SMALL) for line in lines))
        center = x + needed / 2
        left, top = center - (width + thick) / 2, middle - (height + thick) / 2
        kind = step.part.kind if isinstance(step.part, Box) else "group"
        found.append(Stack(step.shape, lines, kind, left, top, width, height, sheets, center))
        x += needed + SPACE
    lowest = max(len(stack.lines) for stack in found) * LINE
    return StackRow(tuple(found), x - SPACE, 2 * middle + lowest, compressed)


def _lines(part: Part) -> tuple[str, ...]:
    """Return the text below the stack that a part makes."""
    times = f" ×{part.times}" if part.times > 1 else ""
    if isinstance(part, Box):
        first, *others = part.lines
        return (f"{first}{times}", *others)
    return (f"{part.name}{times}", f"{len(part.members):,} layers")


def _steps(analysis: Analysis, frame: Frame) -> Iterator[_Step]:
    """Yield the parts of a frame from its start to its end; those of a frame inside it that is a chain as well."""
    if not frame.is_chain:
        hint = "--style graph draws every network"
        branches = f"'{frame.name}' has branches, so it cannot be drawn as a row of feature maps"
        fail("argument", branches, hint=hint, origin="--style")
    for part in frame.parts:
        if isinstance(part, Frame) and part.times == 1 and part.is_chain:
            yield from _steps(analysis, part)
        elif isinstance(part, Frame) or part.kind == "input" or part.changes_shape or part.kind in ("weights", "dense"):
            yield _Step(part, analysis.graph.nodes[max(part.members)].output)
