"""Gradients of mixtures of experts as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.moe import MixtureOfExperts


@chain_rule(MixtureOfExperts)
def experts(op: MixtureOfExperts, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y", "Σ_e s_e·E_e(x)", "over the experts that are chosen; s is the softmax of their scores")
    yield Rule("∂L/∂E_e", "s_e·∂L/∂y", "then through the two layers of the expert")
    yield Rule("∂L/∂s_e", "Σ_i ∂L/∂y[i]·E_e(x)[i]", "then through the softmax to the router")
    yield Rule("∂L/∂x", "Wᵀ·∂L/∂scores + Σ_e (∂E_e/∂x)ᵀ·∂L/∂E_e", "the choice itself has no gradient")
