"""Nodes that compute the same for all inputs: constants from constants, or parameters in another form."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.readers.onnx.inference import DOMAINS
from archcalc.readers.onnx.nodes import NodeView

OF_PARAMETERS = frozenset(
    (
        *("Add", "Cast", "Ceil", "Clip", "Concat", "DequantizeLinear", "Div", "Floor", "Mul", "Neg", "Pow"),
        *("QuantizeLinear", "Reciprocal", "Round", "Slice", "Split", "Sqrt", "Sub"),
    )
)
"""The operators whose output has the numbers of parameters in another form, if it has no more of them."""

RANDOM = ("Random", "Bernoulli", "Multinomial")
"""What the names of operators begin with that compute other numbers in each run."""

SCATTERS = ("ScatterND", "ScatterElements")
"""The operators that write numbers into a constant, which is then no parameter."""


PLACEHOLDER = "archcalc.stored"
"""The metadata of a node that `archcalc convert` writes in place of a stored array without its numbers."""

KIND = "archcalc.kind"
"""The metadata of such a node, or of one with numbers, that says whether they are a parameter or a constant."""


def kind_of(node: Any) -> str:
    """Return the kind of the numbers of a node, if it says so, or an empty text."""
    found = next((each.value for each in node.metadata_props if each.key == KIND), "")
    return found if found in ("parameter", "constant") else ""


def is_placeholder(node: Any) -> bool:
    """Return whether a node stands for a stored array without numbers."""
    return node.op_type == "ConstantOfShape" and any(each.key == PLACEHOLDER for each in node.metadata_props)


def is_constant_node(n: NodeView) -> bool:
    """Return whether a node computes something from constants only."""
    read = [name for name in n.inputs if name]
    if n.operator.startswith(RANDOM) or not all(map(n.tensors.is_stored, read)):
        return False
    kinds = {n.tensors.stored[name].kind for name in read}
    return kinds <= {"constant"} or (n.operator in SCATTERS and "constant" in kinds)


def is_trained_node(n: NodeView) -> bool:
    """Return whether a node only converts or rearranges parameters, so that its output has their numbers."""
    if n.operator not in OF_PARAMETERS or n.node.domain not in DOMAINS or not all(map(n.tensors.is_stored, n.inputs)):
        return False
    trained = [name for name in n.inputs if name and n.tensors.stored[name].kind == "parameter"]
    before = sum(prod(n.tensors.sizes(name)) for name in trained)
    made = [name for name in n.outputs if name]
    if not made or any(name not in n.tensors.metas for name in made):
        return False
    if n.operator == "Slice" and n.tensors.only_joined(n.outputs[0]):
        return False  # the layer that joins a part of a parameter does not store that part
    after = sum(prod(n.tensors.sizes(name)) for name in made)
    return after <= before and (len(trained) == 1 or n.operator == "Concat")


class EqualNodes:
    """Nodes that read stored tensors only, of which equal ones, as in the iterations of a loop, are read once."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], tuple[str, ...]] = {}
        """The outputs of the first of equal nodes, by everything that determines them."""

    def outputs(self, n: NodeView) -> tuple[str, ...] | None:
        """Return the outputs of an equal node before; ``None`` if there is none, or the node is of another kind."""
        read = [name for name in n.inputs if name]
        if n.node.domain not in DOMAINS or n.operator.startswith(RANDOM):
            return None
        if not read or not all(n.outputs) or not all(map(n.tensors.is_stored, read)):
            return None
        if any(each.HasField("g") for each in n.node.attribute):
            return None
        attributes = sorted(each.SerializeToString(deterministic=True) for each in n.node.attribute)
        made = self._made.setdefault((n.operator, n.version, n.inputs, *attributes), n.outputs)
        is_known = made is not n.outputs and len(made) == len(n.outputs) and all(map(n.tensors.is_stored, made))
        return made if is_known else None
