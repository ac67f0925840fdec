"""Conversions between number formats."""

from __future__ import annotations

from archcalc.ops.arithmetic import Cast, Quantize
from archcalc.ops.formats import FORMATS, NumberFormat
from archcalc.readers.aten.operators.activation import elementwise
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.onnx.codes import encoded
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import convert_numbers, narrows
from archcalc.readers.onnx.registry import converts
from archcalc.readers.steps import Step, make


def how_rounded(n: NodeView, form: NumberFormat) -> dict[str, bool | str]:
    """Return how a node rounds to a format, and what it does with numbers beyond the largest one."""
    saturate = form.bits <= 8 and bool(n.attribute("saturate", 1))
    has_modes = not form.is_integer and not form.fraction
    return {"saturate": saturate, "rounding": n.attribute("round_mode", "up") if has_modes else "nearest"}


@converts("Cast", "CastLike")
def cast(n: NodeView) -> None:
    known, after = n.tensors.values.get(n.name(0)), n.tensors.dtype(n.outputs[0])
    form, before, read = FORMATS.get(after), n.dtype(0), n.tensor(0)
    if known is not None and known.dtype != object:
        how = {} if form is None else how_rounded(n, form)
        n.tensors.set_value(n.outputs[0], convert_numbers(known, after, **how), after)  # type: ignore[arg-type]
        return
    if known is not None:  # of the second input, only the format is read
        n.tensors.set_value(n.outputs[0], known, after)
        return
    if n.tensors.is_decoded(read.name):
        read = encoded(n.tensors, read.name, n.origin)
    if form is None or not narrows(form, before) or after in ("float32", "float64"):
        n.call("aten.to.dtype", self=read)
    elif not form.is_integer:
        n.call("onnx.Cast", self=read, format=form.name, **how_rounded(n, form))
    elif FORMATS[before].is_integer or form.bits < 8:
        wrapped(n, read, form, whole=FORMATS[before].is_integer)
    else:
        n.call("aten.to.dtype", self=read)


@converts("BitCast")
def same_bits(n: NodeView) -> None:
    """Convert integers to others of the same size, whose bits are the same; Booleans have one byte."""
    form, before = FORMATS[n.tensors.dtype(n.outputs[0])], FORMATS.get(n.dtype(0))
    if not form.is_integer or (before is not None and not before.is_integer):
        raise Untranslatable("real numbers as integers with the same bits")
    wrapped(n, n.tensor(0), form, whole=True)


def wrapped(n: NodeView, read: TensorName, form: NumberFormat, *, whole: bool) -> None:
    """Add the calls that keep the lowest bits of integers; numbers that are no integers are truncated before."""
    sizes, low = n.sizes(0), int(form.smallest)
    if not whole:
        read = n.compute("aten.trunc.default", sizes, self=read)
    if low:
        read = n.compute("aten.sub.Tensor", sizes, self=read, other=float(low))
    if not low:
        n.call("aten.remainder.Tensor", self=read, other=float(2**form.bits))
        return
    read = n.compute("aten.remainder.Tensor", sizes, self=read, other=float(2**form.bits))
    n.call("aten.add.Tensor", self=read, other=float(low))


@translates_function("onnx.Cast")
def rounded(a: Arguments) -> list[Step]:
    form, saturate = a.text("format", ""), a.flag("saturate", default=False)
    return elementwise(a, make(Cast, format=form, saturate=saturate, rounding=a.text("rounding", "nearest")))


@translates_function("onnx.Quantize")
def quantized(a: Arguments) -> list[Step]:
    form, zero = a.text("format", ""), a.integer("zero", 0)
    return elementwise(a, make(Quantize, format=form, scale=a.number("scale", 1), zero=zero))
