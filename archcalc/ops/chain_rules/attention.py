"""Gradients of attention as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.attention import Attention, ScaledDotProductAttention
from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule


@chain_rule(ScaledDotProductAttention, Attention)
def attention(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    """Vaswani et al. 2017."""
    whole = isinstance(op, Attention)
    if whole:
        yield Rule("Q, K, V", "X·W_Qᵀ, C·W_Kᵀ, C·W_Vᵀ", "for every head; C is X, or the context")
    yield Rule("S", "Q·Kᵀ/√(d)", "plus biases and masks, whose gradient is ∂L/∂S")
    yield Rule("P", "softmax(S)", "row by row")
    yield Rule("O", "P·V")
    if whole:
        yield Rule("Y", "O·W_Oᵀ")
        yield Rule("∂L/∂W_O", "(∂L/∂Y)ᵀ·O")
        yield Rule("∂L/∂O", "∂L/∂Y·W_O")
    yield Rule("∂L/∂V", "Pᵀ·∂L/∂O")
    yield Rule("∂L/∂P", "∂L/∂O·Vᵀ")
    yield Rule("∂L/∂S", "P⊙(∂L/∂P − rowsum(∂L/∂P⊙P))", "⊙ multiplies number by number; masked pairs have P = 0")
    yield Rule("∂L/∂Q", "∂L/∂S·K/√(d)")
    yield Rule("∂L/∂K", "(∂L/∂S)ᵀ·Q/√(d)")
    if whole:
        yield Rule("∂L/∂W_Q", "(∂L/∂Q)ᵀ·X", "likewise W_K and W_V, from C; heads that share keys add up")
        yield Rule("∂L/∂X", "∂L/∂Q·W_Q + ∂L/∂K·W_K + ∂L/∂V·W_V", "in self-attention")
