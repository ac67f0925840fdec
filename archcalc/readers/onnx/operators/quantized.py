"""Quantised layers, counted as the operation that they quantise.

A tensor of integers is read as the real numbers that they encode, with a scale of 1. Numbers are limited to those that
have a code, as quantizers rely on to leave out activations, but not rounded.
"""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.codes import along, limits
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.convolution import window
from archcalc.readers.onnx.registry import converts


def saturated(n: NodeView, target: str, scale: int, zero: int, /, **arguments: Any) -> None:
    """Add a call whose result is limited to what the codes of the output can encode."""
    found = limits(n, scale, zero, n.tensors.dtype(n.outputs[0]))
    if found is None:
        n.call(target, **arguments)
        return
    made = n.compute(target, n.result_sizes(), **arguments)
    n.call("aten.clamp.default", self=made, min=found[0], max=found[1])


@converts("QuantizeLinear")
def encoded(n: NodeView) -> None:
    found = limits(n, 1, 2, n.tensors.dtype(n.outputs[0]))
    if found is None:
        n.call("aten.alias.default", self=n.tensor(0))
    else:
        n.call("aten.clamp.default", self=n.tensor(0), min=found[0], max=found[1])


@converts("DequantizeLinear")
def decoded(n: NodeView) -> None:
    n.call("aten.alias.default", self=n.tensor(0))


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
    n.tensors.scales.add(n.outputs[1])
    n.tensors.set_value(n.outputs[1], np.ones((), np.float32))
    n.tensors.set_value(n.outputs[2], np.zeros((), np.uint8))


@converts("ConvInteger")
def conv(n: NodeView) -> None:
    weight = real(n, 1, None, 3)
    n.call("onnx.Conv", input=n.tensor(0), weight=weight, groups=n.attribute("group", 1), **window(n, n.sizes(1)[2:]))


@converts("MatMulInteger")
def matmul(n: NodeView) -> None:
    if n.tensors.is_stored(n.name(1)):
        n.call("aten.matmul.default", self=n.tensor(0), other=real(n, 1, None, 3, 1))
    else:
        n.call("aten.matmul.default", self=n.tensor(0), other=n.tensor(1))


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
        input=n.tensor(0),
        weight=real(n, 3, 4, 5),
        bias=bias,
        groups=n.attribute("group", 1),
        **window(n, n.sizes(3)[2:]),
    )


@converts("QLinearMatMul")
def matmul_of_codes(n: NodeView) -> None:
    second = real(n, 3, 4, 5, len(n.sizes(3)) - 1) if n.tensors.is_stored(n.name(3)) else n.tensor(3)
    saturated(n, "aten.matmul.default", 6, 7, self=n.tensor(0), other=second)
