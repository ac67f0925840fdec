"""Operators as other nodes of ONNX that compute the same, which are read in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.program import CODES, FLOATS
from archcalc.readers.onnx.registry import MICROSOFT
from archcalc.readers.onnx.renaming import in_place_of
from archcalc.readers.onnx.tensors import MAX_VALUES

OPSET = 24
"""The version of ONNX's operators that rewrites consist of."""


class Body:
    """The nodes that stand for another."""

    def __init__(self, n: NodeView, prefix: str) -> None:
        """Start without nodes.

        Args:
            n: the node that they stand for.
            prefix: precedes the names of tensors within.
        """
        self.n, self.prefix = n, prefix
        self.nodes: list[Any] = []

    def add(self, operator: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node with one output, and return the name of that."""
        return self.several(operator, inputs, [out or self.new()], **attributes)[0]

    def several(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> list[str]:
        """Add a node with several outputs, and return their names."""
        from onnx import helper

        path = self.n.node.name
        name = f"{path}/{operator}" if path else ""
        made = helper.make_node(operator, list(inputs), list(outputs), name, **attributes)
        self.nodes.append(in_place_of(made, self.n.node))
        return list(outputs)

    def new(self) -> str:
        """Return a name for a tensor."""
        return f"{self.prefix}{len(self.nodes)}"

    def names(self, count: int) -> list[str]:
        """Return names for several tensors."""
        return [f"{self.new()}_{number}" for number in range(count)]

    def integers(self, *values: int) -> str:
        """Add a vector of integers, and return its name."""
        return self.add("Constant", value_ints=list(values))

    def positions(self, count: int) -> str:
        """Add the integers from 0 on, and return the name of their vector."""
        if count > MAX_VALUES:
            raise Untranslatable(f"a table of more than {MAX_VALUES:,} numbers")
        return self.integers(*range(count))

    def shaped(self, vector: str, axis: int, rank: int) -> str:
        """Add the reshape of a vector to an axis of a tensor with this many, and return its name."""
        return self.add("Reshape", vector, self.integers(*[-1 if at == axis % rank else 1 for at in range(rank)]))

    def integer(self, value: int) -> str:
        """Add a single integer, and return its name."""
        return self.add("Constant", value_int=value)

    def real(self, value: float, dtype: str = "") -> str:
        """Add a single number, and return its name.

        Args:
            value: the number.
            dtype: its format; by default that of the first input, or float32 where that one has integers.
        """
        from onnx import helper

        known = dtype or self.n.dtype(0)
        code = CODES[known if known in FLOATS else "float32"]
        return self.add("Constant", value=helper.make_tensor("value", code, (), [value]))

    def result(self, name: str, output: int = 0) -> None:
        """Make a tensor an output of the node that these stand for."""
        if output < len(self.n.outputs) and self.n.outputs[output]:
            self.add("Identity", name, out=self.n.outputs[output])

    def input(self, index: int) -> str:
        """Return the name of an input; ``""`` if it is missing."""
        return self.n.inputs[index] if self.n.has(index) else ""


Rewrite: TypeAlias = Callable[[Body], None]

REWRITES: dict[str, Rewrite] = {}
"""The rewrites by the domains and names of operators: ``com.microsoft.BiasGelu``."""


def rewrites_onnx(*names: str) -> Callable[[Rewrite], Rewrite]:
    """Return a decorator that registers the nodes that operators of ONNX stand for."""

    def register(rewrite: Rewrite) -> Rewrite:
        REWRITES.update(dict.fromkeys(names, rewrite))
        return rewrite

    return register


def rewrites(*names: str) -> Callable[[Rewrite], Rewrite]:
    """Return a decorator that registers the nodes that operators of ONNX Runtime stand for."""
    return rewrites_onnx(*(f"{MICROSOFT}.{name}" for name in names))
