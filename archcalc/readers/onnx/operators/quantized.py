"""Quantised layers, counted as the operation that they quantise.

A tensor of integers that the network computes is read as the real numbers that they encode, with a scale of 1. Numbers
are limited to those that have a code, as quantizers rely on to leave out activations, but not rounded. The integers of
inputs are decoded where a node reads them.
"""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName, Word
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.codes import along, limits
from archcalc.readers.onnx.nodes import NodeView, decimal
from archcalc.readers.onnx.operators.convolution import window
from archcalc.readers.onnx.registry import converts


def saturated(n: NodeView, target: str, scale: int, zero: int, /, **arguments: Any) -> None:
    """Add a call whose result is limited to what the codes of the output can encode."""
    found = limits(n, scale, zero, n.tensors.dtype(n.outputs[0]))
    if found is None:
        n.call(target, **arguments)
    else:
        made = n.compute(target, n.result_sizes(), **arguments)
        n.call("aten.clamp.default", self=made, min=found[0], max=found[1])
    n.tensors.decoded.add(n.outputs[0])


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
    made = n.tensor(codes)
    if n.tensors.is_decoded(made.name):
        return made
    if n.tensors.is_stored(made.name):  # the difference of two codes need not have a code itself
        made = n.compute("aten.to.dtype", n.sizes(codes), self=made, dtype=Word("dtype", "float32"))
    for target, index in (("aten.sub.Tensor", zero), ("aten.mul.Tensor", scale)):
        if index is None or not n.has(index):
            continue
        value = n.value(index)
        if value is not None and not any(each - (index == scale) for each in value.flat):
            continue  # it changes nothing
        made = n.compute(target, n.sizes(codes), self=made, other=spread(n, index, n.sizes(codes), axis, block))
    return made


def spread(n: NodeView, index: int, sizes: Sizes, axis: int, block: int) -> Any:
    """Return an input that is a scale or an offset as an operand of codes of the given sizes."""
    given, value = n.sizes(index), n.value(index)
    if value is not None and value.size == 1:
        return decimal(float(value.flat[0]))
    if not given or given == sizes:
        return n.tensor(index)
    if n.tensors.is_stored(n.name(index)):

        def numbers(v: Any) -> Any:
            return v.repeat(block, axis)[tuple(map(slice, sizes))] if block else along(v, axis, len(sizes))

        shape = sizes if block else tuple([size if at == axis else 1 for at, size in enumerate(sizes)])
        return TensorName(n.tensors.derive(f"{n.outputs_name}={index}", [n.name(index)], "", shape, numbers))
    if block:
        raise Untranslatable("blocks with scales that are computed, not stored")
    shape = tuple([size if at == axis else 1 for at, size in enumerate(sizes)]) if given != (1,) else (1,) * len(sizes)
    return n.compute("aten.view.default", shape, self=n.tensor(index), size=list(shape))


@converts("QuantizeLinear")
def encoded(n: NodeView) -> None:
    found = limits(n, 1, 2, n.tensors.dtype(n.outputs[0]))
    if found is None:
        n.call("aten.alias.default", self=n.tensor(0))
    else:
        n.call("aten.clamp.default", self=n.tensor(0), min=found[0], max=found[1])
    n.tensors.decoded.add(n.outputs[0])


@converts("DequantizeLinear")
def decoded(n: NodeView) -> None:
    rank = len(n.sizes(0))
    axis = n.axis("axis", 1, rank) if n.has(1) and len(n.sizes(1)) else 0
    n.call("aten.alias.default", self=decode(n, 0, 1, 2, axis, n.attribute("block_size", 0)))


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
    import numpy as np

    n.first_output("aten.alias.default", self=n.tensor(0))
    n.tensors.decoded.add(n.outputs[0])
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
    saturated(
        n,
        "onnx.Conv",
        6,
        7,
        input=decode(n, 0, 1, 2),
        weight=real(n, 3, 4, 5),
        bias=bias,
        groups=n.attribute("group", 1),
        **window(n, n.sizes(3)[2:]),
    )


@converts("QLinearMatMul")
def matmul_of_codes(n: NodeView) -> None:
    axis = len(n.sizes(3)) - 1
    second = real(n, 3, 4, 5, axis) if n.tensors.is_stored(n.name(3)) else decode(n, 3, 4, 5, axis)
    first = decode(n, 0, 1, 2, max(len(n.sizes(0)) - 2, 0))
    saturated(n, "aten.matmul.default", 6, 7, self=first, other=second)
