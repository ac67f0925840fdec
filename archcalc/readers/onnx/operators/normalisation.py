"""Normalisations."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from archcalc.numeric import simplified
from archcalc.ops.norm import LocalResponseNorm
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts, converts_microsoft
from archcalc.readers.onnx.sizes import argument
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import Step, make


def affine(n: NodeView) -> dict[str, TensorName]:
    """Return the scale and the shift as arguments; none if they are fixed to 1 and 0."""
    return {} if is_neutral(n) else {"weight": n.tensor(1), "bias": n.tensor(2)}


def is_neutral(n: NodeView) -> bool:
    """Return whether a node has a scale of 1 and a shift of 0 that are not trained."""
    given = [(index, number) for index, number in ((1, 1), (2, 0)) if n.has(index)]
    if any(n.tensors.is_parameter(n.name(index)) for index, _ in given):
        return False
    values = [(n.value(index), number) for index, number in given]
    return all(value is not None and bool((value == number).all()) for value, number in values)


@converts("BatchNormalization")
def batch_norm(n: NodeView) -> None:
    if n.attribute("training_mode", 0):
        batch_norm_in_training(n)
        return
    n.call(
        "aten.batch_norm.default",
        input=n.tensor(0),
        **affine(n),
        running_mean=n.tensor(3),
        running_var=n.tensor(4),
        eps=n.attribute("epsilon", 1e-5),
    )


def batch_norm_in_training(n: NodeView) -> None:
    """Add the calls of a normalisation by the moments of its input, over the batch too, and of the moving averages."""
    sizes, momentum = n.sizes(0), n.attribute("momentum", 0.9)
    axes, channels = [axis for axis in range(len(sizes)) if axis != 1], sizes[1:2]
    mean, variance = (n.tensors.intermediate(channels, n.dtype(0)) for _ in range(2))
    moments = {"self": n.tensor(0), "dim": axes, "correction": 0, "keepdim": False}
    n.tensors.emit("aten.var_mean.correction", moments, [variance, mean], n.origin)
    for index, moment in ((1, mean), (2, variance)):
        if index < len(n.outputs) and n.outputs[index]:
            old = n.compute("aten.mul.Tensor", channels, self=n.tensor(index + 2), other=momentum)
            new = n.compute("aten.mul.Tensor", channels, self=TensorName(moment), other=1 - momentum)
            n.tensors.emit("aten.add.Tensor", {"self": old, "other": new}, [n.outputs[index]], n.origin)
    shape = (*channels, *(1,) * (len(sizes) - 2))

    def column(name: TensorName) -> TensorName:
        return n.compute("aten.view.default", shape, self=name, size=list(shape))

    shifted = n.compute("aten.add.Tensor", channels, self=TensorName(variance), other=n.attribute("epsilon", 1e-5))
    deviation = n.compute("aten.sqrt.default", channels, self=shifted)
    away = n.compute("aten.sub.Tensor", sizes, self=n.tensor(0), other=column(TensorName(mean)))
    unit = n.compute("aten.div.Tensor", sizes, self=away, other=column(deviation))
    scaled = n.compute("aten.mul.Tensor", sizes, self=unit, other=column(n.tensor(1)))
    n.first_output("aten.add.Tensor", self=scaled, other=column(n.tensor(2)))


@converts("InstanceNormalization")
def instance_norm(n: NodeView) -> None:
    eps = n.attribute("epsilon", 1e-5)
    n.call("aten.instance_norm.default", input=n.tensor(0), **affine(n), eps=eps)


@converts("GroupNormalization")
def group_norm(n: NodeView) -> None:
    groups, channels = n.attribute("num_groups"), n.sizes(0)[1]
    arrays: list[TensorName | None] = [None, None] if is_neutral(n) else [n.tensor(1), n.tensor(2)]
    if n.version < 21 and arrays[0] is not None:  # one number per group
        each = channels // groups
        names = [
            n.tensors.derive(f"{n.outputs[0]}={at}", [n.name(at)], ".channels", (channels,), lambda a: a.repeat(each))
            for at in (1, 2)
        ]
        arrays = [TensorName(name) for name in names]
    n.call(
        "aten.group_norm.default",
        input=n.tensor(0),
        num_groups=groups,
        weight=arrays[0],
        bias=arrays[1],
        eps=n.attribute("epsilon", 1e-5),
    )


@converts("LRN")
def local_response_norm(n: NodeView) -> None:
    size = n.attribute("size")
    if size % 2 == 0:
        raise Untranslatable("an even number of channels in the sum")
    names = {"alpha": 0.0001, "beta": 0.75, "bias": 1.0}
    n.call("onnx.LRN", self=n.tensor(0), size=size, **{name: n.attribute(name, usual) for name, usual in names.items()})


@translates_function("onnx.LRN")
def normalised_by_neighbours(a: Arguments) -> list[Step]:
    size = a.integer("size")
    alpha, beta, bias = (Fraction(repr(a.call.arguments[name])) for name in ("alpha", "beta", "bias"))
    op = make(LocalResponseNorm, size=size, alpha=alpha / size, beta=beta, k=simplified(bias))
    return [PerExampleStep(op=op, axes=len(a.sizes("self")) - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


def flattened(n: NodeView, axis: int) -> tuple[TensorName, Sizes]:
    """Return the input with the axes from one on as one axis, and its sizes."""
    sizes = n.sizes(0)
    if axis == len(sizes) - 1:
        return n.tensor(0), sizes
    flat = (*sizes[:axis], prod(sizes[axis:]))
    return n.compute("aten.view.default", flat, self=n.tensor(0), size=[*kept(n, range(axis)), -1]), flat


def kept(n: NodeView, axes: range) -> list[Any]:
    """Return sizes of the input as arguments."""
    return [argument(n.tensors.size_of(n.name(0), axis)) for axis in axes]


def per_feature(n: NodeView, index: int, count: int) -> TensorName | None:
    """Return a stored scale or shift with one number per feature; ``None`` if it is something else."""
    name = n.name(index)
    if not n.tensors.is_parameter(name) or prod(n.sizes(index)) != count:
        return None
    if n.sizes(index) == (count,):
        return n.tensor(index)
    made = n.tensors.derive(f"{n.outputs[0]}={index}", [name], f".{count}", (count,), lambda a: a.reshape(count))
    return TensorName(made)


@converts("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
@converts_microsoft("LayerNormalization", "SimplifiedLayerNormalization")
def layer_norm(n: NodeView) -> None:
    sizes = n.sizes(0)
    axis = n.axis("axis", -1, len(sizes))
    if any(n.outputs[1:]):
        raise Untranslatable("the mean and the deviation as outputs")
    target = "aten.layer_norm.default" if n.operator == "LayerNormalization" else "aten.rms_norm.default"
    read, flat = flattened(n, axis)
    count = flat[-1]
    roles = [("weight", 1), ("bias", 2)] if n.operator == "LayerNormalization" else [("weight", 1)]
    roles = [] if is_neutral(n) else roles
    stored = {role: per_feature(n, index, count) for role, index in roles if n.has(index)}
    eps = n.attribute("epsilon", 1e-5)
    whole = len(stored) == len(roles) and all(each is not None for each in stored.values())
    arguments = {"input": read, "normalized_shape": [count], "eps": eps, **(stored if whole else {})}
    if whole and axis == len(sizes) - 1:
        n.call(target, **arguments)
        return
    made = n.compute(target, flat, **arguments)
    if axis < len(sizes) - 1:
        back = kept(n, range(len(sizes)))
        if whole:
            n.call("aten.view.default", self=made, size=back)
            return
        made = n.compute("aten.view.default", sizes, self=made, size=back)
    if len(roles) > 1 and n.has(2):
        made = n.compute("aten.mul.Tensor", sizes, self=made, other=n.tensor(1))
        n.call("aten.add.Tensor", self=made, other=n.tensor(2))
    else:
        n.call("aten.mul.Tensor", self=made, other=n.tensor(1))
