"""Functions of single numbers."""

from __future__ import annotations

from archcalc.ops.formats import NumberFormat
from archcalc.writers.code.calls import LayerCode, NotInLibrary, Slot, literal
from archcalc.writers.pytorch.registry import PyTorchContext, expression, writes


@writes("scale")
def write_scale(context: PyTorchContext) -> LayerCode:
    return expression("$0 * $factor", Slot("factor", context.op.factor))


@writes("offset")
def write_offset(context: PyTorchContext) -> LayerCode:
    return expression("$0 + $by", Slot("by", context.op.by))


@writes("exp", "log", "sqrt", "sin", "cos", "atan", "erf", "abs", "floor")
def write_function(context: PyTorchContext) -> LayerCode:
    return expression(f"$0.{context.op.name}()")


@writes("pow")
def write_pow(context: PyTorchContext) -> LayerCode:
    return expression("$0 ** $exponent", Slot("exponent", context.op.exponent))


@writes("clip")
def write_clip(context: PyTorchContext) -> LayerCode:
    bounds = [
        f"{name}={literal(bound)}"
        for name, bound in (("min", context.op.min), ("max", context.op.max))
        if bound is not None
    ]
    return expression(f"$0.clamp({', '.join(bounds)})")


@writes("cast")
def write_cast(context: PyTorchContext) -> LayerCode:
    op, form = context.op, context.op.number_format
    if op.rounding != "nearest":
        raise NotInLibrary(f"PyTorch rounds to the nearest number of {op.format}")
    if op.format == "float8_e4m3fn" and not op.saturate:
        raise NotInLibrary(
            "versions of PyTorch differ in what becomes of numbers beyond the largest one of float8_e4m3fn"
        )
    limits = f".clamp({literal(form.smallest)}, {literal(form.largest)})" if op.saturate else ""
    return expression(f"$0{limits}{converted(form)}")


def converted(form: NumberFormat) -> str:
    """Return calls that convert a tensor to a format, and back to that of the first one."""
    if form.bits < 8:
        raise NotInLibrary(f"PyTorch has no conversion to {form.name}")
    return f".to(torch.{form.name}).to($0.dtype)"


@writes("quantize")
def write_quantize(context: PyTorchContext) -> LayerCode:
    form, scale = context.op.number_format, Slot("scale", context.op.scale)
    low, high = int(form.smallest), int(form.largest)
    if form.is_integer:
        code = f"torch.fake_quantize_per_tensor_affine($0, $scale, {int(context.op.zero)}, {low}, {high})"
        return expression(code, scale)
    return expression(f"($0 / $scale).clamp({low}, {high}){converted(form)} * $scale", scale)
