"""Gated linear units."""

from __future__ import annotations

from archcalc.writers.code.calls import LayerCode, helper
from archcalc.writers.keras.registry import KerasContext, expression, writes

GATED = '''
def {name}(x, axis=-1):
    """Return the {unit} of the first half of an axis, times the second half."""
    gate, x = ops.split(x, 2, axis=axis)
    return ops.{unit}(gate{option}) * x
'''


def along(context: KerasContext) -> str:
    axis = context.axis(context.op.axis)
    return "" if axis == -1 else f", axis={axis}"


@writes("glu")
def write_glu(context: KerasContext) -> LayerCode:
    return expression(f"ops.glu($0{along(context)})")


@writes("swiglu", "geglu")
def write_gated(context: KerasContext) -> LayerCode:
    op = context.op
    tanh = getattr(op, "form", "exact") == "tanh"
    unit = "silu" if op.name == "swiglu" else "gelu"
    approximate = "" if unit == "silu" else f", approximate={tanh}"  # by default, Keras's function approximates
    made = helper(op.name + "_tanh" * tanh, GATED.format(name=op.name + "_tanh" * tanh, unit=unit, option=approximate))
    return expression(f"{made.name}($0{along(context)})", helpers=(made,))
