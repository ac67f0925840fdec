"""The boxes and arrows of a diagram: the layers of a network, grouped by stage or block to a given depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import NamedTuple

from archcalc.arrays.texts import count_text
from archcalc.graph import Graph, Node, Ref, write_shape
from archcalc.spec.write import write_layer


@dataclass(frozen=True)
class DiagramBox:
    """An input, a layer, or a group of layers."""

    path: tuple[str, ...]
    """The names of the groups around it, and its own name."""
    lines: tuple[str, ...]
    """The lines of its text: the name, the operator or the number of layers, and the shape of the output."""
    is_input: bool = False
    is_training: bool = False
    """Whether it is used in training only."""


class GroupStart(NamedTuple):
    """A group begins."""

    depth: int
    number: int
    """Its number among the groups, from 1."""
    name: str


class BoxPlace(NamedTuple):
    """A box stands here."""

    depth: int
    number: int
    """The index of the box."""
    box: DiagramBox


class GroupEnd(NamedTuple):
    """A group ends."""

    depth: int


@dataclass(frozen=True)
class Diagram:
    """A network as boxes and arrows."""

    title: str
    boxes: tuple[DiagramBox, ...]
    edges: tuple[tuple[int, int], ...]
    """The arrows, each from a box to one that reads its output, without repetitions."""

    def outline(self) -> Iterator[GroupStart | BoxPlace | GroupEnd]:
        """Yield the boxes in their groups, with those of a group together. Groups stand where their first boxes do."""
        first: dict[tuple[str, ...], int] = {}
        for number, box in enumerate(self.boxes):
            for depth in range(1, len(box.path)):
                first.setdefault(box.path[:depth], number)

        def place(number: int) -> tuple[int, ...]:
            path = self.boxes[number].path
            return (*(first[path[:depth]] for depth in range(1, len(path))), number)

        inside: tuple[str, ...] = ()
        groups = count(1)
        for number in sorted(range(len(self.boxes)), key=place):
            around = self.boxes[number].path[:-1]
            common = len([*takewhile(lambda pair: pair[0] == pair[1], zip(inside, around, strict=False))])
            yield from (GroupEnd(depth) for depth in range(len(inside), common, -1))
            yield from (GroupStart(depth + 1, next(groups), around[depth]) for depth in range(common, len(around)))
            yield BoxPlace(len(around) + 1, number, self.boxes[number])
            inside = around
        yield from (GroupEnd(depth) for depth in range(len(inside), 0, -1))


def diagram(graph: Graph, depth: int | None = None) -> Diagram:
    """Return the diagram of a network.

    Args:
        graph: the network.
        depth: the number of levels that are told apart: 1 for stages, 0 for one box; by default, every layer is a box.
    """
    levels = graph.depth if depth is None else depth
    members: dict[tuple[str, ...], list[int]] = {}
    for index, node in enumerate(graph.nodes):
        members.setdefault(_path(graph, node, levels), []).append(index)
    number = {index: place for place, group in enumerate(members.values()) for index in group}
    boxes = tuple([_box(graph, path, nodes) for path, nodes in members.items()])
    edges = dict.fromkeys(
        (number[ref.node], number[index])
        for index, node in enumerate(graph.nodes)
        for ref in node.inputs
        if number[ref.node] != number[index]
    )
    return Diagram(graph.name, boxes, tuple(edges))


def _path(graph: Graph, node: Node, depth: int) -> tuple[str, ...]:
    if node.is_input:
        return (node.name,)
    return (node.path or (node.name,))[:depth] or (graph.name,)


def _box(graph: Graph, path: tuple[str, ...], nodes: list[int]) -> DiagramBox:
    last = graph.nodes[nodes[-1]]
    shape = write_shape(graph.shape(Ref(nodes[-1])), graph.layout)
    training = all(graph.nodes[index].training for index in nodes)
    if len(nodes) > 1 or (last.path and len(path) < len(last.path)):
        return DiagramBox(path, (path[-1], count_text(len(nodes), "layer"), shape), is_training=training)
    operator = "" if last.is_input else write_layer(last.op, graph.layout)
    name = () if operator.split(" ")[0] == path[-1] else (path[-1],)  # which the operator says already
    return DiagramBox(path, (*name, *[operator] * bool(operator), shape), last.is_input, training)
