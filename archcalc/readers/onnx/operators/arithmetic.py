"""Functions of corresponding elements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from math import isinf, log, prod
from typing import Any, TypeAlias

from archcalc.readers.aten.formats import is_integer
from archcalc.readers.aten.program import Call, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import plain

WithBias: TypeAlias = tuple[str, Mapping[str, Any]]
"""The target and the arguments of a call."""

BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "maximum", "Min": "minimum"}


def number(n: NodeView, index: int) -> float | None:
    """Return an input that is one fixed number, and does not add axes to the result; ``None`` for all others."""
    sizes = n.sizes(index)
    value = n.value(index) if prod(sizes) == 1 and len(sizes) <= len(n.result_sizes()) else None
    if value is None:
        return None
    from archcalc.readers.onnx.number_formats import decimal

    found = float(plain(value.flat[0]))
    return decimal(found) if n.dtype(index) == "float32" else found


def operand(n: NodeView, index: int) -> Any:
    """Return an input as a number, if it is one, or as a tensor."""
    found = number(n, index)
    return n.tensor(index) if found is None else found


def bias_added(n: NodeView) -> bool:
    """Give a layer without a bias the stored one that is added to its result; return whether there is one."""
    for result, bias in ((0, 1), (1, 0)):
        call = n.tensors.made_by(n.name(result))
        is_plain = n.result_sizes() == n.sizes(result) and not n.tensors.is_decoded(n.name(result))
        if call is None or not is_plain or not n.tensors.may_be_parameter(n.name(bias)):
            continue
        takes_bias = WITH_BIAS.get(call.target)
        with_bias = None if takes_bias is None else takes_bias(n, call, bias)
        if with_bias is not None and n.tensors.is_private(n.name(result)):
            n.tensors.remove(n.name(result))
            n.origin = call.origin
            n.call(with_bias[0], **with_bias[1])
            return True
    return False


def _product(n: NodeView, call: Call, bias: int) -> WithBias | None:
    matrix = call.arguments["other"]
    is_matrix = n.tensors.is_parameter(matrix.name) and len(n.tensors.sizes(matrix.name)) == 2
    if not is_matrix or n.sizes(bias) != n.result_sizes()[-1:]:
        return None
    return "aten.addmm.default", {"self": n.tensor(bias), "mat1": call.arguments["self"], "mat2": matrix}


def _convolution(n: NodeView, call: Call, bias: int) -> WithBias | None:
    result, sizes = n.result_sizes(), n.sizes(bias)
    channels = result[1]
    per_channel = (1, channels, *(1,) * (len(result) - 2))
    if call.arguments.get("bias") is not None or len(sizes) < 2 or sizes != per_channel[-len(sizes) :]:
        return None
    name = n.tensors.derive(f"{n.outputs[0]}=bias", [n.name(bias)], "", (channels,), lambda a: a.reshape(channels))
    return call.target, {**call.arguments, "bias": TensorName(name)}


WITH_BIAS: dict[str, Callable[[NodeView, Call, int], WithBias | None]] = {
    "aten.matmul.default": _product,
    "onnx.Conv": _convolution,
    "onnx.ConvTranspose": _convolution,
}
"""How the call of a layer gets a bias, by its target, given the index of the input that may be one."""


def for_every_example(n: NodeView, index: int) -> TensorName:
    """Return an input; a parameter that is the same for all examples of a batch without the axis of the batch."""
    name, sizes = n.name(index), n.sizes(index)
    joins = len(sizes) == len(n.sizes(1 - index)) > 1 and not n.tensors.is_stored(n.name(1 - index))
    if not joins or sizes[0] != 1 or not n.tensors.is_parameter(name) or not n.tensors.is_private(name):
        return n.tensor(index)
    rest = sizes[1:]
    return TensorName(n.tensors.derive(f"{name}=row", [name], "", rest, lambda array: array.reshape(rest)))


@converts("Add", "Sub", "Mul", "Div")
def binary(n: NodeView) -> None:
    if n.operator == "Div" and n.dtype(0).startswith(("int", "uint")):
        made = n.compute("aten.div.Tensor", n.result_sizes(), self=n.tensor(0), other=n.tensor(1))
        n.call("aten.trunc.default", self=made)
        return
    if n.operator == "Add" and bias_added(n):
        return
    target = f"aten.{BINARY[n.operator]}.Tensor"
    first, second = number(n, 0), number(n, 1)
    if second is not None and n.result_sizes() == n.sizes(0):
        n.call(target, self=n.tensor(0), other=second)
    elif first is None or n.result_sizes() != n.sizes(1):
        n.call(target, self=for_every_example(n, 0), other=for_every_example(n, 1))
    elif n.operator in ("Add", "Mul"):
        n.call(target, self=n.tensor(1), other=first)
    elif n.operator == "Sub":
        n.call("aten.rsub.Scalar", self=n.tensor(1), other=first)
    else:
        inverse = n.compute("aten.reciprocal.default", n.sizes(1), self=n.tensor(1))
        n.call("aten.mul.Tensor", self=inverse, other=first)


@converts("Max", "Min")
def extreme(n: NodeView) -> None:
    target = f"aten.{BINARY[n.operator]}.default"
    bound = "min" if n.operator == "Max" else "max"
    if len(n.inputs) == 2:
        for one, other in ((0, 1), (1, 0)):
            found = number(n, other)
            if found is not None and n.sizes(one) == n.result_sizes():
                if isinf(found) and (found < 0) == (bound == "min"):
                    n.tensors.alias(n.outputs[0], n.name(one))
                    return
                n.call("aten.clamp.default", self=n.tensor(one), **{bound: found})
                return
    in_order(n, target)


def in_order(n: NodeView, target: str) -> None:
    """Combine all inputs, one after another."""
    if len(n.inputs) == 1:
        n.tensors.alias(n.outputs[0], n.name(0))
        return
    read, sizes = n.tensor(0), n.sizes(0)
    for index in range(1, len(n.inputs)):
        sizes = broadcast(sizes, n.sizes(index))
        if index == len(n.inputs) - 1:
            n.call(target, self=read, other=n.tensor(index))
        else:
            read = n.compute(target, sizes, self=read, other=n.tensor(index))


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of tensors that are combined element by element."""

    def two(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
        rank = max(len(one), len(other))
        pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
        return tuple([b if a == 1 else a for a, b in pairs])

    return reduce(two, shapes)


@converts("Sum")
def total(n: NodeView) -> None:
    in_order(n, "aten.add.Tensor")


@converts("Mean")
def average(n: NodeView) -> None:
    read, sizes = n.tensor(0), n.sizes(0)
    for index in range(1, len(n.inputs)):
        sizes = broadcast(sizes, n.sizes(index))
        read = n.compute("aten.add.Tensor", sizes, self=read, other=n.tensor(index))
    n.call("aten.div.Tensor", self=read, other=float(len(n.inputs)))


@converts("Pow")
def power(n: NodeView) -> None:
    base, exponent = number(n, 0), number(n, 1)
    if exponent is None and base is not None and base > 0 and n.result_sizes() == n.sizes(1):
        scaled = n.compute("aten.mul.Tensor", n.sizes(1), self=n.tensor(1), other=log(base))
        n.call("aten.exp.default", self=scaled)
        return
    if exponent is None:
        power_of_positive(n)
        return
    n.call(
        "aten.pow.Tensor_Scalar", self=n.tensor(0), exponent=int(exponent) if exponent == int(exponent) else exponent
    )


def power_of_positive(n: NodeView) -> None:
    """Add the calls of a power with exponents that differ, e^(y·log x), which is NaN for negative bases."""
    if is_integer(n.dtype(0)) and not is_integer(n.dtype(1)):
        exponents = n.value(1)
        if exponents is None or any(each % 1 for each in exponents.flat):
            raise Untranslatable("powers of integers with fractions as exponents, which are rounded")
    logarithm = n.compute("aten.log.default", n.sizes(0), self=n.tensor(0))
    product = n.compute("aten.mul.Tensor", n.result_sizes(), self=logarithm, other=n.tensor(1))
    n.call("aten.exp.default", self=product)


@converts("Clip")
def clip(n: NodeView) -> None:
    if n.version < 11:
        bounds = {"min": n.attribute("min", None), "max": n.attribute("max", None)}
        bounds = {name: None if value is not None and abs(value) > 3e38 else value for name, value in bounds.items()}
    else:
        bounds = {name: operand(n, index) for index, name in ((1, "min"), (2, "max")) if n.has(index)}
        bounds = {name: value for name, value in bounds.items() if not (isinstance(value, float) and isinf(value))}
    if all(value is None for value in bounds.values()):
        n.tensors.alias(n.outputs[0], n.name(0))
        return
    n.call("aten.clamp.default", self=n.tensor(0), **bounds)


@converts("Where")
def where(n: NodeView) -> None:
    n.call("aten.where.self", condition=n.tensor(0), self=n.tensor(1), other=n.tensor(2))
