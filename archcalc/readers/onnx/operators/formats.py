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
        keep_lowest_bits(n, read)
    else:
        n.call("aten.to.dtype", self=read)


@converts("BitCast")
def same_bits(n: NodeView) -> None:
    """Convert integers to others of the same size, whose bits are the same; Booleans have one byte."""
    after, before = n.tensors.dtype(n.outputs[0]), n.dtype(0)
    if any(each in FORMATS and not FORMATS[each].is_integer for each in (after, before)):
        raise Untranslatable("real numbers as integers with the same bits")
    if after == "bool":
        n.call("aten.to.dtype", self=n.tensor(0))
    else:
        keep_lowest_bits(n, n.tensor(0))


def keep_lowest_bits(n: NodeView, read: TensorName) -> None:
    """Add the call that keeps the lowest bits of integers: all that the format has; other numbers are truncated.

    An operation on bits is exact, whatever the precision of a run. Sums with the limits of the format are not.
    """
    n.call("aten.bitwise_and.Tensor", self=read, other=read)


@translates_function("onnx.Cast")
def rounded(a: Arguments) -> list[Step]:
    form, saturate = a.text("format", ""), a.flag("saturate", default=False)
    return elementwise(a, make(Cast, format=form, saturate=saturate, rounding=a.text("rounding", "nearest")))


@translates_function("onnx.Quantize")
def quantized(a: Arguments) -> list[Step]:
    form, zero = a.text("format", ""), a.integer("zero", 0)
    return elementwise(a, make(Quantize, format=form, scale=a.number("scale", 1), zero=zero))
