"""Gated linear units."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, helper
from archcalc.writers.pytorch.registry import PyTorchContext, dim, expression, stateless, writes

GATED = '''
def {name}(x: Tensor, dim: int) -> Tensor:
    """Return the {unit} of the first half of an axis, times the second half."""
    gate, x = x.chunk(2, dim)
    return F.{unit}(gate{option}) * x
'''


@writes("glu")
def write_glu(context: PyTorchContext) -> LayerCode:
    axis = dim(context.op.axis)
    return stateless(CallExpression("nn.GLU", (CallArgument("dim", axis),)), f"F.glu($0, dim={axis})")


@writes("swiglu", "geglu")
def write_gated(context: PyTorchContext) -> LayerCode:
    op = context.op
    tanh = getattr(op, "form", "exact") == "tanh"
    name = f"{op.name}_tanh" if tanh else op.name
    unit = "silu" if op.name == "swiglu" else "gelu"
    text = GATED.format(name=name, unit=unit, option=', approximate="tanh"' if tanh else "")
    return expression(f"{name}($0, dim={dim(op.axis)})", helpers=(helper(name, text),))
