"""Gradients of sources as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.source import Learned


@chain_rule(Learned)
def learned(op: Learned, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂value", "Σ_n ∂L/∂y[n]", "every example reads the same tensor")
