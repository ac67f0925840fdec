"""Gradients of fully connected layers and lookups as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.dense import Embedding, FullyConnected, Linear, RadialBasis


@chain_rule(FullyConnected, Linear)
def dense(op: FullyConnected | Linear, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("z", "W·x + b" if op.bias else "W·x", "for every example and position")
    yield Rule("z[i]", "Σ_j W[i,j]·x[j]" + (" + b[i]" if op.bias else ""))
    yield Rule("∂L/∂W[i,j]", "Σ_n ∂L/∂z[n,i]·x[n,j]", "∂z[i]/∂W[i,j] = x[j]")
    yield Rule("∂L/∂W", "(∂L/∂z)ᵀ·x", "examples and positions are the rows of both matrices")
    yield Rule("∂L/∂x[j]", "Σ_i ∂L/∂z[i]·W[i,j]", "∂z[i]/∂x[j] = W[i,j]")
    yield Rule("∂L/∂x", "Wᵀ·∂L/∂z")
    if op.bias:
        yield Rule("∂L/∂b", "Σ_n ∂L/∂z[n]")


@chain_rule(Embedding)
def embedding(op: Embedding, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[t]", "W[x[t]]", "the row of the entry at position t")
    yield Rule("∂L/∂W[v]", "Σ_{t: x[t] = v} ∂L/∂y[t]", "the sum over all positions with this entry; indices have none")


@chain_rule(RadialBasis)
def radial(op: RadialBasis, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "Σ_j (x[j] − c[i,j])²")
    yield Rule("∂L/∂x[j]", "2·Σ_i ∂L/∂y[i]·(x[j] − c[i,j])")
    if op.trainable:
        yield Rule("∂L/∂c[i,j]", "−2·Σ_n ∂L/∂y[n,i]·(x[n,j] − c[i,j])")
