"""Gradients of selections by index as formulas; most return to the numbers that were read."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.selection import Scatter


@chain_rule(Scatter)
def scatter(op: Scatter, inputs: Shapes) -> Iterator[Rule]:
    """Derive the gradients with i_j for the index of the value v_j."""
    if op.how == "replace":
        yield Rule("∂L/∂x[i]", "0 if i is one of i_j else ∂L/∂y[i]", "i_j is the index of the value v_j")
        yield Rule("∂L/∂v_j", "∂L/∂y[i_j]", "0 for all but the last value at an index")
    elif op.how == "sum":
        yield Rule("∂L/∂x", "∂L/∂y", "passed on unchanged")
        yield Rule("∂L/∂v_j", "∂L/∂y[i_j]", "i_j is the index of the value v_j")
    elif op.how == "prod":
        yield Rule("∂L/∂x[i]", "∂L/∂y[i]·Π_{i_j = i} v_j", "i_j is the index of the value v_j")
        yield Rule("∂L/∂v_j", "∂L/∂y[i_j]·x[i_j]·Π_{k ≠ j, i_k = i_j} v_k")
    else:
        yield Rule("∂L/∂x[i]", "∂L/∂y[i] if x[i] = y[i] else 0", "in equal parts to all that are the extreme")
        yield Rule("∂L/∂v_j", "∂L/∂y[i_j] if v_j = y[i_j] else 0", "i_j is the index of the value v_j")
