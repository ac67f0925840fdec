"""Normalisations."""

from __future__ import annotations

from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.registry import converts, converts_microsoft
from archcalc.readers.torch_export.registry import Untranslatable


@converts("BatchNormalization")
def batch_norm(n: NodeView) -> None:
    if n.attribute("training_mode", 0):
        raise Untranslatable("batch normalisation in training")
    n.call(
        "aten.batch_norm.default",
        input=n.tensor(0),
        weight=n.tensor(1),
        bias=n.tensor(2),
        running_mean=n.tensor(3),
        running_var=n.tensor(4),
        eps=n.attribute("epsilon", 1e-5),
    )


@converts("InstanceNormalization")
def instance_norm(n: NodeView) -> None:
    eps = n.attribute("epsilon", 1e-5)
    n.call("aten.instance_norm.default", input=n.tensor(0), weight=n.tensor(1), bias=n.tensor(2), eps=eps)


@converts("GroupNormalization")
def group_norm(n: NodeView) -> None:
    groups = n.attribute("num_groups")
    if n.version < 21 and n.sizes(1) != n.sizes(0)[1:2]:
        raise Untranslatable("a scale per group, as before version 21")
    n.call(
        "aten.group_norm.default",
        input=n.tensor(0),
        num_groups=groups,
        weight=n.tensor(1),
        bias=n.tensor(2),
        eps=n.attribute("epsilon", 1e-5),
    )


@converts("LayerNormalization")
@converts_microsoft("LayerNormalization")
def layer_norm(n: NodeView) -> None:
    sizes = n.sizes(0)
    axis = n.axis("axis", -1, len(sizes))
    if any(name for name in n.outputs[1:]):
        raise Untranslatable("the mean and the deviation as outputs")
    shape, eps = list(sizes[axis:]), n.attribute("epsilon", 1e-5)
    if n.has(2) and n.sizes(1) == sizes[axis:] == n.sizes(2):
        n.call(
            "aten.layer_norm.default",
            input=n.tensor(0),
            normalized_shape=shape,
            weight=n.tensor(1),
            bias=n.tensor(2),
            eps=eps,
        )
        return
    made = n.compute("aten.layer_norm.default", sizes, input=n.tensor(0), normalized_shape=shape, eps=eps)
    if n.has(2):
        made = n.compute("aten.mul.Tensor", sizes, self=made, other=n.tensor(1))
        n.call("aten.add.Tensor", self=made, other=n.tensor(2))
    else:
        n.call("aten.mul.Tensor", self=made, other=n.tensor(1))


@converts("RMSNormalization", "SimplifiedLayerNormalization")
@converts_microsoft("SimplifiedLayerNormalization")
def rms_norm(n: NodeView) -> None:
    sizes = n.sizes(0)
    axis = n.axis("axis", -1, len(sizes))
    arguments = {"input": n.tensor(0), "normalized_shape": list(sizes[axis:]), "eps": n.attribute("epsilon", 1e-5)}
    if n.sizes(1) == sizes[axis:]:
        n.call("aten.rms_norm.default", **arguments, weight=n.tensor(1))
        return
    made = n.compute("aten.rms_norm.default", sizes, **arguments)
    n.call("aten.mul.Tensor", self=made, other=n.tensor(1))
