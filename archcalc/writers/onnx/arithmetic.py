"""Functions of single numbers."""

from __future__ import annotations

from typing import Any

from onnx import helper

from archcalc.readers.onnx.program import CODES
from archcalc.writers.onnx.model import ModelBuilder, NotInOnnx, Sizes, Weights
from archcalc.writers.onnx.parts import named
from archcalc.writers.onnx.registry import writes


@writes("clip")
def write_clip(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
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


@writes("cast")
def write_cast(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    options: dict[str, Any] = {}
    if op.number_format.bits == 8:
        options["saturate"] = int(op.saturate)
    elif op.saturate and op.number_format.nan:
        raise NotInOnnx(f"in ONNX, numbers beyond the largest one of {op.format} become infinite")
    if op.format == "float8_e8m0fnu":
        options["round_mode"] = op.rounding
    elif op.rounding != "nearest":
        raise NotInOnnx(f"ONNX rounds to the nearest number of {op.format}")
    return converted(model, name, op.format, **options)


def converted(model: ModelBuilder, name: str, form: str, **options: Any) -> str:
    """Append a conversion to a format, and one back to that of all tensors."""
    if not model.has_format("Cast", CODES[form]):
        raise NotInOnnx(f"Cast has no {form} in opset {model.opset}")
    return model.add("Cast", model.add("Cast", name, to=CODES[form], **options), to=model.element)


@writes("quantize")
def write_quantize(model: ModelBuilder, op: Any, name: str, shape: Sizes, weights: Weights) -> str:
    """Append QuantizeLinear and DequantizeLinear; for formats that these do not have, what they compute."""
    form, zero, scale = op.number_format, int(op.zero), model.constant(float(op.scale))
    if model.has_format("QuantizeLinear", CODES[op.format]):
        code = model.constant(zero, helper.tensor_dtype_to_np_dtype(CODES[op.format]))
        return model.add("DequantizeLinear", model.add("QuantizeLinear", name, scale, code), scale, code)
    bounds = [model.constant(float(each - zero)) for each in (form.smallest, form.largest)]
    codes = model.add("Clip", model.add("Div", name, scale), *bounds)
    codes = model.add("Round", codes) if form.is_integer else converted(model, codes, op.format)
    return model.add("Mul", codes, scale)


writes("pow")(lambda model, op, name, shape, weights: model.add("Pow", name, model.constant(float(op.exponent))))
