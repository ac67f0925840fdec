"""Gradients of normalisations as formulas."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.ops.base import Operator, Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RmsNorm,
    Standardize,
)


@chain_rule(BatchNorm)
def batch_norm(op: BatchNorm, inputs: Shapes) -> Iterator[Rule]:
    """Ioffe and Szegedy 2015, section 3."""
    yield from _normalised(op, "the batch at all positions", "per channel", scaled=op.affine)
    yield Rule(
        "∂L/∂x[i]",
        "γ·∂L/∂y[i]/√(σ² + ε)" if op.affine else "∂L/∂y[i]/√(σ² + ε)",
        "at inference instead: μ and σ² are stored, so only the first path is left",
    )


@chain_rule(LayerNorm, GroupNorm, InstanceNorm)
def own_norm(op: LayerNorm | GroupNorm | InstanceNorm, inputs: Shapes) -> Iterator[Rule]:
    if isinstance(op, LayerNorm):
        over = {"all": "all numbers of an example", "last": "the last axis", "channels": "the channels of a position"}
        what = over[op.axis]
    else:
        what = "a map of an example" if isinstance(op, InstanceNorm) else "a group of maps of an example"
    yield from _normalised(op, what, "also at inference", scaled=op.affine)


def _normalised(op: Operator, what: str, when: str, *, scaled: bool) -> Iterator[Rule]:
    """Yield the derivation with the three paths from x to the loss: directly, through the variance, and the mean."""
    yield Rule("μ", "1/m·Σ_i x[i]", f"the m numbers are those of {what}, {when}")
    yield Rule("σ²", "1/m·Σ_i (x[i] − μ)²")
    yield Rule("x̂[i]", "(x[i] − μ)/√(σ² + ε)")
    if scaled:
        yield Rule("y[i]", "γ·x̂[i] + β")
        yield Rule("∂L/∂γ", "Σ_i ∂L/∂y[i]·x̂[i]")
        yield Rule("∂L/∂β", "Σ_i ∂L/∂y[i]")
        yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]·γ")
    else:
        yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]", "no scale and shift")
    yield Rule("∂L/∂σ²", "−1/2·(σ² + ε)^(−3/2)·Σ_i ∂L/∂x̂[i]·(x[i] − μ)")
    yield Rule("∂L/∂μ", "−1/√(σ² + ε)·Σ_i ∂L/∂x̂[i]", "∂σ²/∂μ = 0, as the differences add up to 0")
    yield Rule(
        "∂L/∂x[i]",
        "∂L/∂x̂[i]/√(σ² + ε) + ∂L/∂σ²·2·(x[i] − μ)/m + ∂L/∂μ/m",
        "three paths: directly, through the variance, through the mean",
    )
    yield Rule(
        "∂L/∂x[i]",
        "1/√(σ² + ε)·(∂L/∂x̂[i] − 1/m·Σ_j ∂L/∂x̂[j] − x̂[i]/m·Σ_j ∂L/∂x̂[j]·x̂[j])",
        "the same, in one line",
    )


@chain_rule(RmsNorm)
def rms_norm(op: RmsNorm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("r", "√(1/m·Σ_i x[i]² + ε)")
    yield Rule("x̂[i]", "x[i]/r")
    if op.affine:
        yield Rule("∂L/∂γ[i]", "Σ_n ∂L/∂y[n,i]·x̂[n,i]", "y = γ·x̂")
    yield Rule("∂L/∂x̂[i]", "∂L/∂y[i]·γ[i]" if op.affine else "∂L/∂y[i]")
    yield Rule("∂L/∂x[i]", "1/r·(∂L/∂x̂[i] − x̂[i]/m·Σ_j ∂L/∂x̂[j]·x̂[j])", "directly, and through r")


@chain_rule(L2Norm)
def l2_norm(op: L2Norm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("y[i]", "x[i]/‖x‖")
    yield Rule("∂L/∂x[i]", "1/‖x‖·(∂L/∂y[i] − y[i]·Σ_j ∂L/∂y[j]·y[j])", "directly, and through the length")


@chain_rule(LocalResponseNorm)
def local_response_norm(op: LocalResponseNorm, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("s[i]", "k + α·Σ_{j near i} x[j]²")
    yield Rule("y[i]", "x[i]·s[i]^(−β)")
    yield Rule(
        "∂L/∂x[i]",
        "∂L/∂y[i]·s[i]^(−β) − 2·α·β·x[i]·Σ_{j: i near j} ∂L/∂y[j]·y[j]/s[j]",
        "directly, and through the sums of its neighbours",
    )


@chain_rule(Standardize)
def standardize(op: Standardize, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("∂L/∂x", "∂L/∂y/std", "y = (x − mean)/std; mean and std are not trained")
