"""The modules of a network: its stages and the blocks in them, as a tree whose leaves are layers.

A module consists of consecutive layers. It reads tensors that are made before it, and makes those that are read after
it. Its name is unique among its siblings.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from archcalc.graph import Graph, Node, Ref


@dataclass(eq=False)
class Module:
    """A module, or a single layer, which has no children."""

    name: str
    nodes: range
    """The indices of its layers."""
    children: list[Module] = field(default_factory=list)
    label: str = ""
    """What its class is named after."""
    inputs: tuple[Ref, ...] = ()
    """The tensors that it reads, in the order of their first use."""
    outputs: tuple[Ref, ...] = ()
    """The tensors that are read after it."""
    repeats: int = 1
    """How many equal modules it stands for, one after another: ``first`` and those that follow."""
    first: Module | None = None
    numbers: tuple[str, int] | None = None
    """What precedes the numbers at the end of their names, and the first number."""
    is_block: bool = False
    """Whether it is not a stage, but part of one."""

    @property
    def is_layer(self) -> bool:
        return not self.children

    @property
    def single(self) -> Module:
        """The module itself, or the first one of a repetition."""
        return self.first or self

    def layers(self) -> Iterator[Module]:
        """Yield the layers in it."""
        if self.is_layer:
            yield self
        for child in self.children:
            yield from child.layers()


def modules_of(graph: Graph) -> Module:
    """Return the tree of the modules of a network."""
    first = len(graph.inputs)
    nodes = range(first, len(graph.nodes))
    made = _Tree(graph)
    root = Module(graph.name, nodes, made.children(nodes, 0))
    made.finish(root)
    root.inputs = tuple([Ref(index) for index in range(first)])  # in their order, also those that no layer reads
    return root


class _Tree:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.last_use: dict[Ref, int] = {}
        for index, node in enumerate(graph.nodes):
            self.last_use |= dict.fromkeys(node.inputs, index)
        for ref in (*graph.outputs.values(), *graph.training_outputs.values()):
            self.last_use[ref] = len(graph.nodes)

    def children(self, nodes: Sequence[int], depth: int) -> list[Module]:
        """Return the modules and layers at a depth of the paths of consecutive layers."""
        graph, found = self.graph, list[Module]()
        for _, run in groupby(nodes, key=lambda index: _key(graph.nodes[index], index, depth)):
            inside = list(run)
            node, whole = graph.nodes[inside[0]], range(inside[0], inside[-1] + 1)
            if len(node.path) <= depth + 1:
                found.append(Module(_name(node), whole))
                continue
            module = Module(node.path[depth], whole, self.children(inside, depth + 1))
            module.label = re.sub(r"_?\d+$", "", module.name) or module.name
            module.is_block = depth > 0 or node.stage is None
            found.append(self.collapsed(module))
        return _numbered(found, graph)

    def collapsed(self, module: Module) -> Module:
        """Return a module; one with a single child is that child, unless names of a model file are lost."""
        (*others, only) = module.children
        if others or any(self.graph.nodes[index].origin and self.stores(index) for index in module.nodes):
            return module
        only.name, only.label = module.name, only.label or module.label
        return only

    def stores(self, index: int) -> bool:
        node = self.graph.nodes[index]
        return bool(node.op.weights(self.graph.input_shapes(node)))

    def finish(self, module: Module) -> None:
        """Set which tensors a module and those in it read and make."""
        nodes, graph = module.nodes, self.graph
        read = dict.fromkeys(ref for index in nodes for ref in graph.nodes[index].inputs if ref.node < nodes.start)
        made = (ref for index in nodes for ref in graph.made_by(index))
        module.inputs = tuple(read)
        module.outputs = tuple([ref for ref in made if self.last_use.get(ref, -1) >= nodes.stop])
        module.outputs = module.outputs or (Ref(nodes[-1]),)
        for child in module.children:
            self.finish(child)


def _key(node: Node, index: int, depth: int) -> tuple[str, int, bool]:
    """Return what is equal for the layers of one module; layers at this depth are alone."""
    alone = len(node.path) <= depth + 1
    return node.path[min(depth, len(node.path) - 1)], index if alone else -1, node.training


def _name(node: Node) -> str:
    """Return the name of a layer in its module; the language numbers equal names in the entire stage."""
    name = node.path[-1]
    if node.origin is not None:
        return name
    if re.fullmatch(rf"{node.op.name}(_\d+)?", name) or (node.path[0] == name and node.path[1:]):
        return node.op.name
    return re.sub(r"_\d+$", "", name) if len(node.path) > 1 else name


def _numbered(siblings: list[Module], graph: Graph) -> list[Module]:
    """Give siblings of one name numbers, in their order."""
    total = Counter(each.name for each in siblings)
    taken, seen = {*total}, defaultdict[str, int](int)
    for each in siblings:
        if total[each.name] > 1:
            base = each.name
            while (name := f"{base}_{seen[base] + 1}") in taken:
                seen[base] += 1
            seen[base] += 1
            each.name = name
    return siblings


def is_chain(module: Module) -> bool:
    """Return whether each child reads the output of the one before it and nothing else."""
    if len(module.inputs) != 1 or len(module.outputs) != 1:
        return False
    current = module.inputs
    for child in module.children:
        if child.inputs != current or len(child.outputs) != 1:
            return False
        current = child.outputs
    return current == module.outputs
