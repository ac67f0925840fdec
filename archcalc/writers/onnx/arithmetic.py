"""Functions of single numbers."""

from __future__ import annotations

from typing import Any

from archcalc.writers.onnx.model import Model, Sizes, Weights
from archcalc.writers.onnx.parts import named
from archcalc.writers.onnx.registry import writes


@writes("clip")
def write_clip(model: Model, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    bounds = ["" if bound is None else model.constant(float(bound)) for bound in (op.min, op.max)]
    return model.add("Clip", name, *bounds)


writes("scale")(lambda model, op, name, shape, weights: model.add("Mul", name, model.constant(float(op.factor))))
writes("offset")(lambda model, op, name, shape, weights: model.add("Add", name, model.constant(float(op.by))))
writes("exp")(named("Exp"))
writes("log")(named("Log"))
writes("sqrt")(named("Sqrt"))
writes("sin")(named("Sin"))
writes("cos")(named("Cos"))
writes("atan")(named("Atan"))
writes("erf")(named("Erf"))
writes("abs")(named("Abs"))
writes("floor")(named("Floor"))
writes("pow")(lambda model, op, name, shape, weights: model.add("Pow", name, model.constant(float(op.exponent))))
