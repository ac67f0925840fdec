"""From a network to the parts of its diagram: frames for stages and blocks, boxes for layers, repetitions once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from archcalc.analysis.propagate import Analysis, group
from archcalc.drawing.diagram import OUTSIDE, Box, Frame, Link, Part
from archcalc.drawing.kinds import kind_of
from archcalc.drawing.repeats import combine_repeats
from archcalc.graph import Ref, write_shape
from archcalc.numeric import Number
from archcalc.spec.write import write_layer

MAX_BOXES = 100
"""The number of boxes up to which a network is drawn in detail unless a depth is given."""
MAX_LEVEL_PARTS = 400
"""The number of parts of one frame; those in the middle of a longer one become one box."""
MAX_CHAIN = 3
"""The number of boxes up to which a block that is a chain has no frame of its own inside another frame."""
MAX_LINE = 40
"""The number of characters of a line in a box."""


@dataclass(frozen=True)
class Detail:
    """What is drawn of a network, and what is written into the boxes."""

    layout: str = "chw"
    training: bool = False
    """Whether training heads are drawn."""
    costs: Mapping[str, Callable[[Number], str]] = field(default_factory=dict)
    """How the quantities that stand in the boxes are written."""


def outline(analysis: Analysis, detail: Detail, depth: int | None = None) -> Frame:
    """Return the frame of a whole network.

    Args:
        analysis: its analysis.
        detail: what is drawn of it.
        depth: the depth below which stages and blocks are one box; by default, the largest one that makes at most
            `MAX_BOXES` boxes.
    """
    nodes = drawn_nodes(analysis, detail)
    return outlines(analysis, detail, [nodes], depth, analysis.graph.name)[0]


def outlines(
    analysis: Analysis,
    detail: Detail,
    pieces: Sequence[Sequence[int]],
    depth: int | None = None,
    name: str = "",
    max_boxes: int = MAX_BOXES,
) -> list[Frame]:
    """Return the frames of the pieces of a network.

    Args:
        analysis: the analysis of the network.
        detail: what is drawn of it.
        pieces: the nodes in each piece, in topological order; together, all that are drawn.
        depth: the depth below which stages and blocks are one box; by default, the largest one that makes at most
            ``max_boxes`` boxes.
        name: the name of each frame.
        max_boxes: the largest number of boxes unless a depth is given.
    """
    if depth is not None:
        found = _Outline(analysis, detail, depth, sorted(index for piece in pieces for index in piece))
        return [found.frame(piece, 0, name) for piece in pieces]
    for tried in range(analysis.graph.depth, 1, -1):
        frames = outlines(analysis, detail, pieces, tried, name)
        if sum(map(number_of_boxes, frames)) <= max_boxes:
            return frames
    return outlines(analysis, detail, pieces, 1, name)


def drawn_nodes(analysis: Analysis, detail: Detail) -> list[int]:
    """Return the nodes that are drawn, in topological order."""
    nodes = enumerate(analysis.graph.nodes)
    return [index for index, node in nodes if node.is_input or detail.training or not node.training]


def number_of_boxes(frame: Frame) -> int:
    """Return the number of boxes in a frame and in those inside it."""
    return sum(number_of_boxes(part) if isinstance(part, Frame) else 1 for part in frame.parts)


class _Outline:
    """The outline of one network."""

    def __init__(self, analysis: Analysis, detail: Detail, depth: int, drawn: Iterable[int]) -> None:
        self.analysis = analysis
        self.nodes = analysis.graph.nodes
        self.detail = detail
        self.depth = depth
        self.readers: dict[Ref, list[int]] = {}
        """The nodes that read each tensor."""
        for index in drawn:
            for ref in self.nodes[index].inputs:
                self.readers.setdefault(ref, []).append(index)

    def frame(self, nodes: Sequence[int], level: int, name: str) -> Frame:
        """Return a frame around nodes, in topological order, that have the names of ``level`` frames in common."""
        parts = self.fused(self.elided([*self.parts(nodes, level)]))
        return self.around(combine_repeats(parts, self.around, self.all_readers), name)

    def around(self, parts: Sequence[Part], name: str = "") -> Frame:
        """Return the frame around some parts."""
        members = frozenset[int]().union(*[part.members for part in parts])
        exits = self.exits(members)
        read = (ref for part in parts for ref in part.entries)
        return Frame(
            name=name,
            members=members,
            entries=tuple(dict.fromkeys(ref for ref in read if ref.node not in members)),
            exits=exits,
            parts=tuple(parts),
            links=tuple(_links(parts, exits)),
        )

    def all_readers(self, ref: Ref) -> frozenset[int]:
        """Return the nodes that read a tensor."""
        return frozenset(self.readers.get(ref, ()))

    def parts(self, nodes: Sequence[int], level: int) -> Iterable[Part]:
        """Yield the parts of a frame: runs of nodes with the same name at a level."""
        for path, run in groupby(nodes, key=lambda index: self._path(index)[: level + 1]):
            inside = [*run]
            if len(self._path(inside[0])) <= level + 1:
                yield from (self.layer(index) for index in inside)
            elif level + 1 >= self.depth:
                yield self.group(inside, path[-1])
            else:
                frame = self.frame(inside, level + 1, path[-1])
                if len(frame.parts) == 1:
                    yield replace(frame.parts[0], name=frame.name)
                elif level and _is_short(frame):
                    yield from frame.parts
                else:
                    yield frame

    def _path(self, index: int) -> tuple[str, ...]:
        node = self.nodes[index]
        return node.path or (node.name,)

    def layer(self, index: int) -> Box:
        """Return the box of one layer."""
        node, members = self.nodes[index], frozenset((index,))
        kind = "input" if node.is_input else kind_of(node.op)
        text = node.name if node.is_input else write_layer(node.op, self.detail.layout)
        before = [self.analysis.graph.shape(ref) for ref in node.inputs]
        return Box(
            name=self._path(index)[-1],
            members=members,
            entries=tuple(dict.fromkeys(node.inputs)),
            exits=self.exits(members),
            lines=(_short(text),),
            kind=kind,
            shape=self.shape(index),
            changes_shape=not before or before[0] != node.output,
            costs=() if node.is_input else self.costs(members),
        )

    def group(self, nodes: Sequence[int], name: str) -> Box:
        """Return the box of several layers that are not drawn in detail."""
        members = frozenset(nodes)
        if len(nodes) == 1:
            return replace(self.layer(nodes[0]), name=name)
        entries = self.entries(nodes, members)
        before = [self.analysis.graph.shape(ref) for ref in entries]
        return Box(
            name=name,
            members=members,
            entries=entries,
            exits=self.exits(members),
            lines=(_short(name), f"{len(nodes):,} layers"),
            kind="group",
            shape=self.shape(nodes[-1]),
            changes_shape=not before or before[0] != self.nodes[nodes[-1]].output,
            content=tuple(write_layer(self.nodes[index].op) for index in nodes),
            costs=self.costs(members),
        )

    def entries(self, nodes: Iterable[int], members: frozenset[int]) -> tuple[Ref, ...]:
        """Return the tensors that nodes read from others, in order."""
        read = (ref for index in nodes for ref in self.nodes[index].inputs)
        return tuple(dict.fromkeys(ref for ref in read if ref.node not in members))

    def exits(self, members: frozenset[int]) -> tuple[Ref, ...]:
        """Return the tensors of some nodes that others read, in order."""
        made = (ref for index in sorted(members) for ref in self.analysis.graph.made_by(index))
        return tuple(ref for ref in made if any(reader not in members for reader in self.readers.get(ref, ())))

    def shape(self, index: int) -> str:
        """Return the shape of a node's output as text."""
        return write_shape(self.nodes[index].output, self.detail.layout, self.analysis.batch)

    def can_take(self, box: Box, light: Box) -> bool:
        """Return whether a box can be a line in the one before it: only it reads that one, and reads nothing else."""
        return (
            light.is_light
            and box.kind not in ("input", "group")
            and box.exits == light.entries
            and all(self.all_readers(ref) <= light.members for ref in box.exits)
        )

    def costs(self, members: Iterable[int]) -> tuple[str, ...]:
        """Return the texts of what some nodes cost, without zeros."""
        if not self.detail.costs:
            return ()
        layers = [self.analysis.by_node[index] for index in sorted(members) if index in self.analysis.by_node]
        sums = group((), layers)
        return tuple(write(value) for name, write in self.detail.costs.items() if (value := sums.of(name)))

    def fused(self, parts: Sequence[Part]) -> list[Part]:
        """Return the parts of a frame with normalisations and activations as lines in the box before them."""
        found: list[Part] = []
        for part in parts:
            before = found[-1] if found else None
            if isinstance(part, Box) and isinstance(before, Box) and self.can_take(before, part):
                members = before.members | part.members
                *lines, last = before.lines
                found[-1] = replace(
                    before,
                    members=members,
                    exits=self.exits(members),
                    lines=(*lines, f"{last} · {part.lines[0]}") if lines else (last, *part.lines),
                    shape=part.shape,
                    changes_shape=before.changes_shape or part.changes_shape,
                    costs=self.costs(members),
                )
            else:
                found.append(part)
        return found

    def elided(self, parts: list[Part]) -> list[Part]:
        """Return the parts of a frame, with those in the middle of more than `MAX_LEVEL_PARTS` as one box."""
        if len(parts) <= MAX_LEVEL_PARTS:
            return parts
        kept = MAX_LEVEL_PARTS // 10
        middle = sorted(frozenset[int]().union(*[part.members for part in parts[kept:-kept]]))
        return [*parts[:kept], self.group(middle, "…"), *parts[-kept:]]


def _is_short(frame: Frame) -> bool:
    """Return whether a frame that reads a tensor has a few boxes, each of which reads only the one before it."""
    boxes = all(isinstance(part, Box) for part in frame.parts)
    return boxes and len(frame.parts) <= MAX_CHAIN and bool(frame.entries) and frame.is_chain


def _links(parts: Sequence[Part], exits: Sequence[Ref]) -> Iterable[Link]:
    """Yield the links between the parts of a frame, and those with what is outside it."""
    makers = {ref: index for index, part in enumerate(parts) for ref in part.exits}
    for index, part in enumerate(parts):
        for ref in part.entries:
            yield Link(makers.get(ref, OUTSIDE), index, ref)
    for ref in exits:
        yield Link(makers[ref], OUTSIDE, ref)


def _short(text: str) -> str:
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
