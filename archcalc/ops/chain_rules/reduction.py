"""Gradients of sums and means as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.reduction import CumulativeSum, Mean, Sum


@chain_rule(Mean, Sum)
def total(op: Mean | Sum, inputs: Shapes) -> Iterator[Rule]:
    mean = isinstance(op, Mean)
    yield Rule("y", "1/m·Σ_i x[i]" if mean else "Σ_i x[i]")
    yield Rule("∂L/∂x[i]", "∂L/∂y/m" if mean else "∂L/∂y", "the same for every number")


@chain_rule(CumulativeSum)
def cumulative(op: CumulativeSum, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x[i]", "Σ_{j ≥ i} ∂L/∂y[j]", "a number is part of its own sum and of all later ones")
