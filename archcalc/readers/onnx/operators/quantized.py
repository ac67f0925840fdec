"""Quantised layers, counted as the operation that they quantise.

A tensor of codes that the network computes is read as the real numbers that they encode, and rounded to those that have
a code. Codes are decoded where a node reads those of an input, and encoded where a node, or the user, reads them
as integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.ops.formats import FORMATS, NumberFormat
from archcalc.readers.aten.program import TensorName, Word
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.codes import Encoding, along, are_alike, changes_nothing, encoded, spread
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import decimal
from archcalc.readers.onnx.operators.convolution import window
from archcalc.readers.onnx.operators.formats import how_rounded
from archcalc.readers.onnx.registry import converts


def encoding_of(n: NodeView, scale: int, zero: int, axis: int = 0, block: int = 0) -> Encoding:
    """Return the encoding whose scales and offsets are inputs of a node; see `Encoding`."""
    return Encoding(n.name(scale), n.name(zero) if n.has(zero) else "", axis, block)


def quantise(n: NodeView, read: TensorName, encoding: Encoding) -> None:
    """Add the calls that let the output be the real numbers next to others that have a code."""
    form = FORMATS[n.tensors.dtype(n.outputs[0])]
    scale = single(n, encoding.scale)
    zero = single(n, encoding.zero) if encoding.zero else 0.0
    how = how_rounded(n, form)
    if not form.is_integer and zero != 0:
        raise Untranslatable("offsets of floating-point codes")
    if scale is not None and scale > 0 and zero is not None and (form.is_integer or how["saturate"]):
        numbers = {"scale": decimal(scale), "zero": int(zero)}
        made = n.compute("onnx.Quantize", n.result_sizes(), self=read, format=form.name, **numbers)
    else:
        made = quantise_by_steps(n, read, encoding, form, how)
    n.tensors.alias(n.outputs[0], made.name)
    n.tensors.decoded[made.name] = encoding


def single(n: NodeView, name: str) -> float | None:
    """Return the number that a tensor is known to consist of, once or more often; ``None`` for others."""
    value = n.tensors.value(name)
    if value is None or not value.size or (value != value.flat[0]).any():
        return None
    return float(value.flat[0])


def quantise_by_steps(
    n: NodeView, read: TensorName, encoding: Encoding, form: NumberFormat, how: Mapping[str, Any]
) -> TensorName:
    """Add the calls that round real numbers with scales that differ, or that are computed; return what they make."""
    sizes = n.result_sizes()
    scale = spread(n.tensors, encoding.scale, sizes, encoding.axis, encoding.block, n.origin)
    codes = n.compute("aten.div.Tensor", sizes, self=read, other=scale)
    if not form.is_integer:
        codes = n.compute("onnx.Cast", sizes, self=codes, format=form.name, **how)
    elif not encoding.zero or single(n, encoding.zero) == 0:
        codes = n.compute("onnx.Quantize", sizes, self=codes, format=form.name)
    else:
        zero = spread(n.tensors, encoding.zero, sizes, encoding.axis, encoding.block, n.origin)
        codes = n.compute("onnx.Quantize", sizes, self=codes, format="int32")
        codes = n.compute("aten.add.Tensor", sizes, self=codes, other=zero)
        codes = n.compute("aten.clamp.default", sizes, self=codes, min=int(form.smallest), max=int(form.largest))
        codes = n.compute("aten.sub.Tensor", sizes, self=codes, other=zero)
    return n.compute("aten.mul.Tensor", sizes, self=codes, other=scale)


def decode(n: NodeView, codes: int, scale: int | None, zero: int, axis: int = 0, block: int = 0) -> TensorName:
    """Return the real numbers, (code − offset) · scale, that an input encodes.

    Args:
        n: the node.
        codes: the index of the input that is encoded.
        scale: the index of the input that is the scale; ``None``: the scale is 1.
        zero: the index of the input that is the offset, if it is given.
        axis: the axis of the codes to which they belong, if they are several.
        block: the number of positions of this axis that share them; 0: the scale has one number for each.
    """
    tensors, made, sizes = n.tensors, n.tensor(codes), n.sizes(codes)
    if tensors.is_decoded(made.name):
        known = tensors.decoded[tensors.resolved(made.name)]
        if scale is not None and are_alike(tensors, known, encoding_of(n, scale, zero, axis, block)):
            return made
        made = encoded(tensors, made.name, n.origin)
    if tensors.is_stored(made.name):  # the difference of two codes need not have a code itself
        made = n.compute("aten.to.dtype", sizes, self=made, dtype=Word("dtype", "float32"))
    for target, index in (("aten.sub.Tensor", zero), ("aten.mul.Tensor", scale)):
        if index is not None and n.has(index) and not changes_nothing(tensors, n.name(index), target):
            operand = spread(tensors, n.name(index), sizes, axis, block, n.origin)
            made = n.compute(target, sizes, self=made, other=operand)
    return made


@converts("QuantizeLinear")
def quantize(n: NodeView) -> None:
    quantise(n, n.tensor(0), encoding_of(n, 1, 2, scale_axis(n), n.attribute("block_size", 0)))


@converts("DequantizeLinear")
def dequantize(n: NodeView) -> None:
    n.call("aten.alias.default", self=decode(n, 0, 1, 2, scale_axis(n), n.attribute("block_size", 0)))


def scale_axis(n: NodeView) -> int:
    """Return the axis to which the scales of a node belong; 0 if there is only one."""
    return n.axis("axis", 1, len(n.sizes(0))) if len(n.sizes(1)) else 0


def real(n: NodeView, weight: int, scale: int | None, zero: int | None, axis: int = 0) -> TensorName:
    """Return the real numbers that stored integers encode."""
    name = n.name(weight)
    indices = [at for at in (scale, zero) if at is not None and n.has(at)]
    sources = [name, *(n.name(at) for at in indices)]
    if not all(map(n.tensors.is_stored, sources)):
        raise Untranslatable("weights that are computed, not stored")
    sizes = n.sizes(weight)
    has_scale, has_zero = scale in indices, zero in indices

    def numbers(w: Any, *others: Any) -> Any:
        found = w.astype("f4")
        if has_zero:
            found = found - along(others[-1].astype("f4"), axis, len(sizes))
        return found * along(others[0], axis, len(sizes)) if has_scale else found

    return TensorName(n.tensors.derive(f"{n.outputs_name}={weight}", sources, "", sizes, numbers, trained=True))


@converts("DynamicQuantizeLinear")
def dynamic(n: NodeView) -> None:
    """Leave numbers as they are, with a scale of 1, unless the scale or the offset is an output of the model.

    The true scale depends on all numbers of a tensor, so that every position would see the whole input.
    """
    import numpy as np

    if any(each.name in n.outputs[1:] for each in n.tensors.model.graph.output):
        raise Untranslatable("scales that are an output")  # then it is the function that ONNX defines
    n.first_output("aten.alias.default", self=n.tensor(0))
    n.tensors.scales.add(n.outputs[1])
    n.tensors.set_value(n.outputs[1], np.ones((), np.float32))
    n.tensors.set_value(n.outputs[2], np.zeros((), np.uint8))


@converts("ConvInteger")
def conv(n: NodeView) -> None:
    weight = real(n, 1, None, 3)
    read = decode(n, 0, None, 2)
    n.call("onnx.Conv", input=read, weight=weight, groups=n.attribute("group", 1), **window(n, n.sizes(1)[2:]))


@converts("MatMulInteger")
def matmul(n: NodeView) -> None:
    rows, columns = max(len(n.sizes(0)) - 2, 0), len(n.sizes(1)) - 1
    other = real(n, 1, None, 3, 1) if n.tensors.is_stored(n.name(1)) else decode(n, 1, None, 3, columns)
    n.call("aten.matmul.default", self=decode(n, 0, None, 2, rows), other=other)


@converts("QLinearConv")
def conv_of_codes(n: NodeView) -> None:
    bias = None
    if n.has(8):
        sources = [n.name(8), n.name(1), n.name(4)]
        if not all(map(n.tensors.is_stored, sources)):
            raise Untranslatable("a bias that is computed, not stored")
        label = f"{n.outputs_name}=8"
        scaled = n.tensors.derive(label, sources, "", n.sizes(8), lambda b, x, w: b * x * w, trained=True)
        bias = TensorName(scaled)
    made = n.compute(
        "onnx.Conv",
        n.result_sizes(),
        input=decode(n, 0, 1, 2),
        weight=real(n, 3, 4, 5),
        bias=bias,
        groups=n.attribute("group", 1),
        **window(n, n.sizes(3)[2:]),
    )
    quantise(n, made, encoding_of(n, 6, 7))


@converts("QLinearMatMul")
def matmul_of_codes(n: NodeView) -> None:
    axis = len(n.sizes(3)) - 1
    second = real(n, 3, 4, 5, axis) if n.tensors.is_stored(n.name(3)) else decode(n, 3, 4, 5, axis)
    first = decode(n, 0, 1, 2, max(len(n.sizes(0)) - 2, 0))
    made = n.compute("aten.matmul.default", n.result_sizes(), self=first, other=second)
    quantise(n, made, encoding_of(n, 6, 7, max(len(n.result_sizes()) - 2, 0)))
