"""Which layers are equal: a signature of the operator that does not depend on how it is written, and on what it reads.

Padding is resolved to numbers (``half`` and ``p1`` are equal for a 3×3 kernel), and so are strides that are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from archcalc.graph import Graph, Node, Ref
from archcalc.ops.base import Operator, Shapes

COMMUTATIVE = frozenset({"add", "mul", "max", "min"})
"""The joins whose inputs may be exchanged."""


def resolved_attributes(op: Operator, inputs: Shapes) -> dict[str, Any]:
    """Return the attributes of an operator on given inputs, with padding and strides as numbers."""
    found = op.attributes()
    if not op.window_kind:
        return found
    if "stride" in found and (strides := op.strides()):
        found["stride"] = tuple(strides)
    if "pad" in found and inputs and (paddings := op.paddings(inputs[0])):
        found["pad"] = tuple((before, after) for before, after in paddings)
    return found


class Signatures:
    """The signatures of the layers of several graphs, as small numbers that are equal for equal layers."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def of(self, graph: Graph) -> list[int]:
        """Return the signature of every node: its operator with its attributes. All inputs have the same one."""
        found: list[int] = []
        for index, (node, first) in enumerate(zip(graph.nodes, graph.alike, strict=True)):
            found.append(found[first] if first < index and not node.tied else self.number(self._key(graph, node)))
        return found

    def number(self, key: Hashable) -> int:
        """Return the number of a key."""
        return self._numbers.setdefault(key, len(self._numbers))

    def _key(self, graph: Graph, node: Node) -> Hashable:
        if node.is_input:
            return "input"
        attributes = resolved_attributes(node.op, graph.input_shapes(node))
        return (node.op.name, tuple(attributes.items()), tuple(sorted(node.tied)))

    def computed(self, graph: Graph, signatures: list[int]) -> list[int]:
        """Return a number for what every node computes: its signature, and what its inputs compute.

        The order and the names of layers do not matter, nor does the order of what is added. A layer of which nothing
        depends on whether it is there has the number of its input.
        """
        inputs = {ref.node: number for number, ref in enumerate(graph.input_refs.values())}
        passed = redundant_layers(graph)
        found: list[int] = []
        for index, (node, signature) in enumerate(zip(graph.nodes, signatures, strict=True)):
            read = [(found[ref.node], ref.output) for ref in node.inputs]
            if index in passed:
                found.append(read[0][0])
                continue
            if node.op.name in COMMUTATIVE:
                read.sort()
            owners = tuple([found[owner] if owner < index else -1 for owner in node.tied.values()])
            found.append(self.number((signature, inputs.get(index), tuple(read), owners)))
        return found


def outputs_of(graph: Graph) -> Mapping[str, Ref]:
    """Return the outputs of a network, those of training heads included."""
    return {**graph.outputs, **graph.training_outputs}


def redundant_layers(graph: Graph) -> frozenset[int]:
    """Return the layers that make no difference: they flatten their input for layers that would do so themselves."""
    flattening = {
        index for index, node in graph.layers() if node.op.flattens and node.op.reorders and node.inputs[0].output == 0
    }
    needed = {ref.node for ref in outputs_of(graph).values()}
    needed |= {ref.node for node in graph.nodes if not node.op.flattens for ref in node.inputs}
    return frozenset(flattening - needed)
