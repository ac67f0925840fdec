"""A graph while it is built from a model of another format: its layers, their names, and their stored arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archcalc.graph import Graph, Input, Node, Origin, Ref
from archcalc.numeric import Impossible, Number
from archcalc.ops.base import Operator, Shape, WrittenShapes
from archcalc.readers.steps import StoredArrays
from archcalc.spec.argument_values import with_numbers


@dataclass(frozen=True)
class LoweredModel:
    """The graph of a model file."""

    graph: Graph
    stored: Mapping[str, tuple[str, ...]]
    """The stored tensors of the file by the arrays of the graph: ``layer1/0/conv1.weight``. Several are joined along
    the first axis."""

    def arrays(
        self, read: Callable[[Iterable[str]], Mapping[str, Any]], only: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return the stored arrays by the names in the graph.

        Args:
            read: returns stored tensors by their names in the file.
            only: the arrays that are wanted; by default all.
        """
        wanted = {array: names for array, names in self.stored.items() if only is None or array in only}
        found = read({name for names in wanted.values() for name in names})
        return {array: _joined([found[name] for name in names]) for array, names in wanted.items()}


def _is_empty(shape: Shape) -> bool:
    """Return whether a tensor has no elements."""
    return any(type(size) is int and size == 0 for size in shape)


def _joined(arrays: list[Any]) -> Any:
    """Return arrays joined along the first axis; a single number is a vector of one."""
    if len(arrays) == 1:
        return arrays[0] if arrays[0].ndim else arrays[0].reshape(1)
    import numpy as np

    return np.concatenate(arrays)


class GraphBuilder:
    """The layers of a graph so far."""

    def __init__(self, attributes: Mapping[int, Mapping[str, Number]], observe: Callable[[int], None] | None) -> None:
        """Start without layers.

        Args:
            attributes: numbers that replace attributes of layers, by index of the layer and name of the attribute.
            observe: called with the index of every layer before its formulas are evaluated.
        """
        self.attributes, self.observe = attributes, observe
        self.nodes: list[Node] = []
        self.paths: list[tuple[str, ...]] = []
        self.stored: list[tuple[int, str, tuple[str, ...]]] = []
        self.owners: dict[tuple[str, tuple[str, ...]], int] = {}

    def add_input(self, name: str, shape: Shape) -> Ref:
        """Add an input, and return it."""
        self.nodes.append(Node(name, Input(shape), (), (shape,), (name,), name))
        self.paths.append((name,))
        return Ref(len(self.nodes) - 1)

    def add_layer(
        self,
        op: Operator,
        inputs: Sequence[Ref],
        path: tuple[str, ...],
        origin: Origin | None,
        stored: StoredArrays | None = None,
    ) -> Ref:
        """Add a layer, and return its (first) output.

        Args:
            op: the operator.
            inputs: the tensors that it reads.
            path: the path of the module that it belongs to.
            origin: where it comes from.
            stored: the stored tensors of the file that are its arrays; arrays with the same are shared.
        """
        shapes = tuple([self.shape(ref) for ref in inputs])
        number = len(self.nodes)
        if number in self.attributes:
            op = with_numbers(op, self.attributes[number], max([len(shape) for shape in shapes] or [1]) - 1)
        if self.observe is not None:
            self.observe(number)
        outputs = op.outputs(shapes)
        if op.is_counted and any(map(_is_empty, shapes)):
            message = "{what} of a tensor without elements is not supported: {shapes}"
            raise Impossible(message, what=op.name, shapes=WrittenShapes(shapes))
        tied = {}
        for array, names in in_file(stored).items():
            owner = self.owners.setdefault((array, names), number)
            if owner != number:
                tied[array] = owner
            else:
                self.stored.append((number, array, names))
        self.nodes.append(Node("", op, tuple(inputs), outputs, tied=tied, origin=origin))
        self.paths.append(path)
        return Ref(number)

    def remove_layers(self, first: int) -> None:
        """Remove all layers from an index on."""
        del self.nodes[first:], self.paths[first:]
        self.stored = [each for each in self.stored if each[0] < first]
        self.owners = {array: owner for array, owner in self.owners.items() if owner < first}

    def shape(self, tensor: Ref) -> Shape:
        """Return the shape of a tensor of the graph."""
        return self.nodes[tensor.node].outputs[tensor.output]

    def built(
        self, title: str, outputs: Mapping[str, Ref], notes: tuple[str, ...], layout: str = "chw"
    ) -> LoweredModel:
        """Return the graph, with names for all layers.

        Args:
            title: the name of the graph.
            outputs: its outputs by name.
            notes: what else there is to know about it.
            layout: the layout in which its shapes are printed.
        """
        nodes = self._named()
        stages: dict[str, Ref] = {}
        for number, node in enumerate(nodes):
            stages[node.path[0]] = Ref(number)
        for name, ref in outputs.items():
            stages.setdefault(name, ref)
        stored = {f"{nodes[number].name}.{array}": names for number, array, names in self.stored}
        return LoweredModel(Graph(title, tuple(nodes), outputs, stages, layout=layout, notes=notes), stored)

    def _named(self) -> list[Node]:
        """Return the nodes with their names: the path of the module, and the operator where a module has several."""
        alone = _counts(self.paths)
        inner = {path[:length] for path in self.paths for length in range(len(path))}
        numbers: dict[tuple[str, ...], int] = {}
        operators = _counts([(*path, node.op.name) for path, node in zip(self.paths, self.nodes, strict=True)])
        named = []
        for path, node in zip(self.paths, self.nodes, strict=True):
            if not node.is_input and (alone[path] > 1 or not path or path in inner):
                full = (*path, node.op.name)
                if operators[full] > 1:
                    numbers[full] = numbers.get(full, 0) + 1
                    full = (*path, f"{node.op.name}_{numbers[full]}")
            else:
                full = path
            named.append(replace(node, name="/".join(full), path=full, stage=full[0]))
        return named


def in_file(stored: StoredArrays | None) -> dict[str, tuple[str, ...]]:
    """Return the names of stored tensors by the arrays of an operator, several for those that are joined."""
    return {array: (names,) if isinstance(names, str) else names for array, names in (stored or {}).items()}


def _counts(paths: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {}
    for path in paths:
        counts[path] = counts.get(path, 0) + 1
    return counts
