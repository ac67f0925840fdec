"""Random numbers, and dropout in training."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import decimal
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import argument


def shape_of(n: NodeView) -> dict[str, Any]:
    """Return the arguments for numbers of the shape of the first input, or of the attribute."""
    if not n.inputs:
        return {"size": n.attribute("shape")}
    if not n.tensors.is_stored(n.name(0)):
        return {"self": n.tensor(0)}
    return {"size": [argument(n.tensors.size_of(n.name(0), axis)) for axis in range(len(n.sizes(0)))]}


def seed_of(n: NodeView) -> int | None:
    """Return the seed of a node, as ONNX's reference implementation reads it."""
    return int(n.attribute("seed")) % 2**32 if n.has_attribute("seed") else None


@converts("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
def random_numbers(n: NodeView) -> None:
    sizes, is_uniform = n.result_sizes(), "Uniform" in n.operator
    if is_uniform:
        low, high = n.attribute("low", 0.0), n.attribute("high", 1.0)
        factor, by = high - low, low
    else:
        factor, by = n.attribute("scale", 1.0), n.attribute("mean", 0.0)
    calls = [each for each, given in (("mul", factor != 1), ("add", by != 0)) if given]
    arguments: dict[str, Any] = {
        "distribution": "uniform" if is_uniform else "normal",
        "seed": seed_of(n),
        **shape_of(n),
    }
    target = "onnx.Random"
    for call in calls:
        made = n.compute(target, sizes, **arguments)
        target, arguments = f"aten.{call}.Tensor", {"self": made, "other": factor if call == "mul" else by}
    n.call(target, **arguments)


@converts("Dropout")
def dropout(n: NodeView) -> None:
    """Convert dropout, which in training divides what it keeps by the probability to keep it."""
    in_training = n.has(2) and bool(n.needed_value(2).flat[0])
    ratio = decimal(n.needed_value(1).flat[0]) if in_training and n.has(1) else 0.5
    if not in_training or not ratio:
        n.tensors.alias(n.outputs[0], n.name(0))
        if any(n.outputs[1:]):  # the mask, which keeps everything
            n.tensors.emit("aten.ones_like.default", {"self": n.tensor(0)}, n.outputs[1:2], n.origin)
        return
    if not 0 < ratio < 1:
        raise Untranslatable(f"a ratio of {ratio:g}")
    sizes = n.sizes(0)
    drawn = n.compute("onnx.Random", sizes, self=n.tensor(0), distribution="uniform", seed=seed_of(n))
    if any(n.outputs[1:]):
        n.tensors.emit("aten.ge.Scalar", {"self": drawn, "other": ratio}, n.outputs[1:2], n.origin)
        kept = TensorName(n.outputs[1])
    else:
        kept = n.compute("aten.ge.Scalar", sizes, self=drawn, other=ratio)
    scaled = n.compute("aten.mul.Tensor", sizes, self=n.tensor(0), other=kept)
    n.first_output("aten.div.Tensor", self=scaled, other=1 - ratio)
