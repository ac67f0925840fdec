"""Gradients of convolutions as formulas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archcalc.ops.base import Shapes
from archcalc.ops.chain_rules.rule import Rule, chain_rule
from archcalc.ops.conv import Conv, DepthwiseConv, SeparableConv, TransposedConv


def _bias(op: Any, positions: str) -> Iterator[Rule]:
    if op.bias:
        yield Rule("∂L/∂b[o]", f"Σ_{{n,{positions}}} ∂L/∂Z[n,o,{positions}]", "the bias is added at every position")


def _indices(rank: int) -> tuple[str, ...]:
    """Return the letters of the positions of the output, and of the taps of the kernel."""
    return tuple(",".join(f"{name}{axis + 1}" if rank > 1 else name for axis in range(rank)) for name in "ui")


@chain_rule(Conv, DepthwiseConv)
def convolution(op: Conv | DepthwiseConv, inputs: Shapes) -> Iterator[Rule]:
    """Goodfellow et al. 2016, section 9.5; Dumoulin and Visin 2016, section 4."""
    depthwise, kernel = isinstance(op, DepthwiseConv), "K" if op.flip else "W"
    positions, taps = _indices(len(inputs[0]) - 1)
    reach = ",".join(f"s·{u}+d·{i}" for u, i in zip(positions.split(","), taps.split(","), strict=True))
    channels = "" if depthwise else ",c"
    own = "o" if depthwise else "c"
    weight = f"{kernel}[o{channels},{taps}]"
    terms = f"{taps}" if depthwise else f"c,{taps}"
    if op.flip:
        yield Rule("K", "rot180(W)", "a convolution in the mathematical sense: the kernel, mirrored along every axis")
    yield Rule("Z", f"X ⋆ {kernel}" + (" + b" if op.bias else ""), "⋆ is cross-correlation; X is padded")
    yield Rule(f"Z[n,o,{positions}]", f"Σ_{{{terms}}} X[n,{own},{reach}]·{weight}" + (" + b[o]" if op.bias else ""))
    yield Rule(f"∂Z[n,o,{positions}]/∂{weight}", f"X[n,{own},{reach}]", "a weight multiplies one input of each window")
    yield Rule(f"∂L/∂{weight}", f"Σ_{{n,{positions}}} ∂L/∂Z[n,o,{positions}]·X[n,{own},{reach}]")
    strided = any(step != 1 for step in op.stride or ())
    dilated = "; between its numbers are s − 1 zeros" if strided else ""
    yield Rule(f"∂L/∂{kernel}", "X ⋆ ∂L/∂Z", f"the input, correlated with the gradient of the output{dilated}")
    if op.flip:
        yield Rule("∂L/∂W", "rot180(∂L/∂K)")
    yield Rule(
        f"∂Z[n,o,{positions}]/∂X[n,{own},{reach}]", weight, "an input contributes to every window that contains it"
    )
    yield Rule("∂L/∂X", f"∂L/∂Z ∗ {kernel}", f"a full convolution, with the padding cropped{dilated}")
    flipped = "W" if op.flip else "rot180(W)"
    yield Rule("∂L/∂X", f"full(∂L/∂Z) ⋆ {flipped}", "the same: the gradient padded by k − 1, with the flipped kernel")
    if isinstance(op, Conv) and op.ws:
        yield Rule("W", "(V − μ)/√(σ² + ε)", "weight standardisation of the stored V, for every output channel")
        yield Rule("∂L/∂V", "1/√(σ² + ε)·(∂L/∂W − 1/m·Σ ∂L/∂W − W/m·Σ ∂L/∂W·W)", "the m numbers of an output channel")
    yield from _bias(op, positions)


@chain_rule(SeparableConv)
def separable(op: SeparableConv, inputs: Shapes) -> Iterator[Rule]:
    kernel = "rot180(D)" if op.flip else "D"
    yield Rule("M", f"X ⋆ {kernel}", "the depthwise convolution")
    yield Rule("Z", "P·M + b" if op.bias else "P·M", "the 1×1 convolution, at every position")
    yield Rule("∂L/∂P", "Σ_{n,u} ∂L/∂Z[n,:,u]·M[n,:,u]ᵀ")
    yield Rule("∂L/∂M", "Pᵀ·∂L/∂Z")
    yield Rule("∂L/∂D", "rot180(X ⋆ ∂L/∂M)" if op.flip else "X ⋆ ∂L/∂M", "channel by channel")
    yield Rule("∂L/∂X", f"∂L/∂M ∗ {kernel}", "channel by channel; a full convolution")
    yield from _bias(op, "u")


@chain_rule(TransposedConv)
def transposed(op: TransposedConv, inputs: Shapes) -> Iterator[Rule]:
    yield Rule("Z", "X ∗ W", "every input adds the kernel, multiplied by it, to a window of the output")
    yield Rule("∂L/∂X", "∂L/∂Z ⋆ W", "a convolution with the stride and padding of the layer")
    yield Rule("∂L/∂W", "∂L/∂Z ⋆ X", "the windows of the gradient, weighted with the inputs")
    yield from _bias(op, "u")
