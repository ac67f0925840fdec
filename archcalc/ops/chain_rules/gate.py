"""Gradients of gates as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.gate import GeGlu, Glu, SwiGlu


@chain_rule(Glu, SwiGlu, GeGlu)
def gate(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    first, second = ("b", "a") if isinstance(op, Glu) else ("a", "b")
    yield Rule("y", f"f({first})·{second}", "a and b are the halves")
    yield Rule(f"∂L/∂{first}", f"∂L/∂y·{second}·f′({first})")
    yield Rule(f"∂L/∂{second}", f"∂L/∂y·f({first})")
