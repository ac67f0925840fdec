"""Gradients of pooling as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.pool import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    Subsample,
)


@chain_rule(MaxPool, AdaptiveMaxPool, GlobalMaxPool)
def maximum_pooling(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[u]", "max_{j in window(u)} x[j]")
    yield Rule("∂y[u]/∂x[j]", "1 if j = argmax(u) else 0", "the first of equal numbers")
    yield Rule("∂L/∂x[j]", "Σ_{u: argmax(u) = j} ∂L/∂y[u]", "all other positions of a window have gradient 0")


@chain_rule(AvgPool, AdaptiveAvgPool, GlobalAvgPool)
def average_pooling(op: Operator, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[u]", "1/K·Σ_{j in window(u)} x[j]", "K is the number of positions that count")
    yield Rule("∂L/∂x[j]", "Σ_{u: j in window(u)} ∂L/∂y[u]/K", "every position of a window has an equal part")


@chain_rule(Subsample)
def subsampling(op: Subsample, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[c,u]", "a[c]·Σ_{j in window(u)} x[c,j] + b[c]")
    yield Rule("∂L/∂x[c,j]", "Σ_{u: j in window(u)} a[c]·∂L/∂y[c,u]")
    yield Rule("∂L/∂a[c]", "Σ_{n,u} ∂L/∂y[n,c,u]·Σ_{j in window(u)} x[n,c,j]")
    yield Rule("∂L/∂b[c]", "Σ_{n,u} ∂L/∂y[n,c,u]")
