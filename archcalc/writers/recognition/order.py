"""The order of layers: branches that a file interleaves, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archcalc.graph import Graph, Ref


def with_branches_in_order(graph: Graph) -> Graph:
    """Return a graph in which the layers of the branches of a join stand one after the other, as a spec writes them.

    Layers are moved only between two places where one tensor is all that layers behind read of those before.
    """
    order: list[int] = []
    waiting: list[int] = []
    furthest = 0
    last_reader = {ref.node: index for index, node in enumerate(graph.nodes) for ref in node.inputs}
    for index, node in enumerate(graph.nodes):
        movable = not (node.is_input or node.training or node.head is not None)
        if not movable:
            order += [*waiting, index]
            waiting = []
        else:
            waiting.append(index)
            if furthest <= index and len(node.outputs) == 1:
                order += in_order_of_reading(graph, waiting)
                waiting = []
        furthest = max(furthest, last_reader.get(index, 0))
    return reordered(graph, [*order, *waiting])


def in_order_of_reading(graph: Graph, nodes: Sequence[int]) -> Sequence[int]:
    """Return layers in the order in which the last one needs them; as they are if it does not need all of them."""
    own = {*nodes}
    found: list[int] = []
    seen: set[int] = set()
    stack: list[tuple[int, bool]] = [(nodes[-1], False)]
    while stack:
        index, is_ready = stack.pop()
        if is_ready:
            found.append(index)
        elif index in own and index not in seen:
            seen.add(index)
            stack.append((index, True))
            node = graph.nodes[index]
            stack += [(each, False) for each in reversed([*(ref.node for ref in node.inputs), *node.tied.values()])]
    return found if len(found) == len(nodes) else nodes


def reordered(graph: Graph, order: Sequence[int]) -> Graph:
    """Return a graph with its nodes in another order."""
    if all(index == number for number, index in enumerate(order)):
        return graph
    numbers = {index: number for number, index in enumerate(order)}

    def moved(ref: Ref) -> Ref:
        return Ref(numbers[ref.node], ref.output)

    nodes = [
        replace(
            graph.nodes[index],
            inputs=tuple(map(moved, graph.nodes[index].inputs)),
            tied={name: numbers[owner] for name, owner in graph.nodes[index].tied.items()},
        )
        for index in order
    ]

    def named(refs: Mapping[str, Ref]) -> dict[str, Ref]:
        return {name: moved(ref) for name, ref in refs.items()}

    return replace(
        graph,
        nodes=tuple(nodes),
        outputs=named(graph.outputs),
        training_outputs=named(graph.training_outputs),
        stages=named(graph.stages),
    )
