"""Pooling, and changes of the number of positions."""

from __future__ import annotations

from fractions import Fraction

from archcalc.numeric import normal
from archcalc.ops.base import Operator
from archcalc.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.ops.resample import Upsample
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.onnx.nodes import NodeView, decimal
from archcalc.readers.onnx.operators.convolution import attributes, window
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import argument
from archcalc.readers.per_example import PerExample, lifted
from archcalc.readers.steps import Step, make


@converts("MaxPool", "AveragePool")
def pool(n: NodeView) -> None:
    if any(n.outputs[1:]):
        raise Untranslatable("the indices of the maxima as an output")
    n.call(
        f"onnx.{n.operator}",
        self=n.tensor(0),
        ceil=bool(n.attribute("ceil_mode", 0)),
        count_include_pad=bool(n.attribute("count_include_pad", 0)),
        **window(n, tuple(n.attribute("kernel_shape"))),
    )


@translates_function("onnx.MaxPool", "onnx.AveragePool")
def sliding_pool(a: Arguments) -> list[Step]:
    cls: type[Operator] = MaxPool if a.operator == "MaxPool" else AvgPool
    given = {**attributes(a), "ceil": a.flag("ceil", default=False)}
    if cls is AvgPool:
        given["count_include_pad"] = a.flag("count_include_pad", default=False)
    axes = len(given["kernel"])
    op, one_more = make(cls, **given), make(cls, **lifted(given))
    return [PerExample(op=op, lifted=one_more, axes=axes + 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pool(n: NodeView) -> None:
    n.call(f"onnx.{n.operator}", self=n.tensor(0))


@translates_function("onnx.GlobalAveragePool", "onnx.GlobalMaxPool")
def pool_to_one(a: Arguments) -> list[Step]:
    op: Operator = GlobalAvgPool() if a.operator == "GlobalAveragePool" else GlobalMaxPool()
    rank = len(a.sizes("self"))
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


@converts("Resize", "Upsample")
def resize(n: NodeView) -> None:
    before, after = n.sizes(0), n.result_sizes()
    if before[:2] != after[:2] or len(before) < 3:
        raise Untranslatable("a change of the number of channels")
    mode = n.attribute("mode", "nearest")
    coordinates = n.attribute("coordinate_transformation_mode", "half_pixel" if n.version >= 11 else "asymmetric")
    rounding = n.attribute("nearest_mode", "round_prefer_floor") if n.version >= 11 else "floor"
    if n.has_attribute("axes") or n.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Untranslatable("sizes of some axes only")
    if n.attribute("antialias", 0) or n.attribute("exclude_outside", 0):
        raise Untranslatable("antialiasing")
    align = coordinates == "align_corners"
    factor = all(m % size == 0 for size, m in zip(before[2:], after[2:], strict=True))
    if mode == "nearest":
        like_floor = (coordinates == "asymmetric" and rounding == "floor") or (
            factor and coordinates in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round")
        )
        if not like_floor and before != after:
            raise Untranslatable(f"the nearest position by {coordinates} and {rounding}")
    elif mode in ("linear", "cubic"):
        single = coordinates == "pytorch_half_pixel" and 1 not in after[2:]
        if not (align or coordinates == "half_pixel" or single):
            raise Untranslatable(f"interpolation by {coordinates}")
        if mode == "cubic" and n.attribute("cubic_coeff_a", -0.75) != -0.75:
            raise Untranslatable("cubic interpolation with another polynomial")
    else:
        raise Untranslatable(f"the mode '{mode}'")
    kind = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[mode]
    n.call("onnx.Resize", self=n.tensor(0), mode=kind, align=align and mode != "nearest", **_amount(n))


def _amount(n: NodeView) -> dict[str, object]:
    """Return the factors per spatial axis if they are fixed, else the sizes."""
    sizes_at = 3 if n.version >= 11 and n.operator == "Resize" else 99
    sizes = n.value(sizes_at)
    if sizes is not None and sizes.size:
        return {"to": [argument(each) for each in sizes.flat][2:]}
    if n.operator == "Upsample" and n.version < 9:
        scales = n.attribute("scales")
    else:
        value = n.value(2 if n.version >= 11 and n.operator == "Resize" else 1)
        scales = None if value is None or value.dtype == object else [float(each) for each in value.flat]
    if scales is None:
        return {"to": list(n.result_sizes()[2:])}
    factors = [decimal(each) for each in scales[2:]]
    sizes_fit = all(
        int(Fraction(repr(each)) * before) == after
        for each, before, after in zip(factors, n.sizes(0)[2:], n.result_sizes()[2:], strict=True)
    )
    return {"scales": factors} if sizes_fit else {"to": list(n.result_sizes()[2:])}


@translates_function("onnx.Resize")
def resample(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    scales = a.call.arguments.get("scales")
    if isinstance(scales, list):
        amount: dict[str, object] = {"scale": tuple([normal(Fraction(repr(each))) for each in scales])}
    else:
        amount = {"to": a.size_list("to")}
    op = make(Upsample, **amount, mode=a.text("mode", ""), align_corners=a.flag("align", default=False))
    return [PerExample(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]
