"""Changes of the number of positions: layers where one means the same, else elements at places with weights."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from archcalc.numeric import simplified
from archcalc.ops.resample import Upsample
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import decimal
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import ComputedSize, argument, file_value
from archcalc.readers.per_example import PerExampleStep
from archcalc.readers.steps import Step, make

FOUR = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}


class Axis(NamedTuple):
    """An axis whose number of positions changes."""

    axis: int
    before: int
    after: int
    scale: float
    start: float = 0.0
    end: float = 1.0
    """The part of the axis that is used, if not all of it is."""


class Resampling:
    """What a node says about the positions of its result."""

    def __init__(self, n: NodeView) -> None:
        self.n = n
        is_resize = n.operator == "Resize"
        self.mode = n.attribute("mode", "nearest")
        modern = is_resize and n.version >= 11
        self.coordinates = n.attribute("coordinate_transformation_mode", "half_pixel") if modern else "asymmetric"
        self.rounding = n.attribute("nearest_mode", "round_prefer_floor") if modern else "floor"
        rank = len(n.sizes(0))
        self.axes = [axis % rank for axis in n.attribute("axes", None) or range(rank)]
        self.sizes_at = 3 if modern else None
        self.scales_at = 2 if modern else 1
        self.policy = n.attribute("keep_aspect_ratio_policy", "stretch")
        self.cubic = n.attribute("cubic_coeff_a", -0.75)
        self.exclude, self.smooth = bool(n.attribute("exclude_outside", 0)), bool(n.attribute("antialias", 0))
        if self.mode not in FOUR:
            raise Untranslatable(f"the mode '{self.mode}'")

    def sizes(self) -> Any | None:
        """Return the sizes that the file gives for the axes; ``None`` if it gives factors."""
        found = self.n.value(self.sizes_at) if self.sizes_at is not None else None
        return found if found is not None and found.size else None

    def scales(self) -> list[float] | None:
        """Return the factors that the file gives for the axes; ``None`` if it gives sizes, or they are computed."""
        if self.n.operator == "Upsample" and self.n.version < 9:
            return [float(each) for each in self.n.attribute("scales")]
        if self.sizes() is not None or not self.n.has(self.scales_at):
            return None
        found = self.n.needed_value(self.scales_at)
        return None if found.dtype == object else [decimal(float(each)) for each in found.flat]

    def changes(self) -> list[Axis]:
        """Return the axes with their numbers of positions."""
        n = self.n
        before, after = n.sizes(0), n.result_sizes()
        scales = self.scales()
        if scales is None:
            scales = [after[axis] / before[axis] for axis in self.axes]
            if self.policy != "stretch" and self.sizes() is not None:
                wanted = [int(each) / before[axis] for each, axis in zip(self.sizes().flat, self.axes, strict=True)]  # type: ignore[union-attr]
                scales = [min(wanted) if self.policy == "not_larger" else max(wanted)] * len(self.axes)
        roi = [0.0] * len(self.axes) + [1.0] * len(self.axes)
        if self.coordinates == "tf_crop_and_resize":
            roi = [float(each) for each in n.needed_value(1).flat]
        found = []
        for at, axis in enumerate(self.axes):
            each = Axis(axis, before[axis], after[axis], scales[at], roi[at], roi[at + len(self.axes)])
            if each[1:] != (each.before, each.before, 1.0, 0.0, 1.0):
                found.append(each)
        return found


@converts("Resize", "Upsample")
def resize(n: NodeView) -> None:
    given = Resampling(n)
    before, after = n.sizes(0), n.result_sizes()
    if is_layer(given, before, after):
        align = given.coordinates == "align_corners" and given.mode != "nearest"
        n.call("onnx.Resize", self=n.tensor(0), mode=FOUR[given.mode], align=align, **_amount(given))
        return
    changes = given.changes()
    for each in changes:
        file_value(n.tensors.size_of(n.name(0), each.axis))
    read, sizes = n.tensor(0), list(before)
    crops = given.coordinates == "tf_crop_and_resize"
    outside = n.attribute("extrapolation_value", 0.0) if crops else 0.0
    if outside:  # with 0 outside, the weights of a position have the sum 1 or 0
        read = n.compute("aten.sub.Tensor", before, self=read, other=outside)
    for each in changes:
        read = _along(n, given, each, read, sizes)
    if outside:
        n.call("aten.add.Tensor", self=read, other=outside)
    else:
        n.tensors.alias(n.outputs[0], read.name)


def is_layer(given: Resampling, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether the layer `Upsample` means the same."""
    if before[:2] != after[:2] or given.n.has_attribute("axes") or given.policy != "stretch":
        return False
    if given.smooth or given.exclude or given.cubic != -0.75:
        return False
    pairs = list(zip(before[2:], after[2:], strict=True))
    if given.mode == "nearest":
        by_factor = all(m % size == 0 for size, m in pairs)
        centred = given.coordinates in ("half_pixel", "pytorch_half_pixel") and given.rounding.startswith("round")
        return (
            before == after
            or (given.coordinates == "asymmetric" and given.rounding == "floor")
            or (by_factor and centred)
        )
    single = given.coordinates == "pytorch_half_pixel" and 1 not in after[2:]
    return given.coordinates in ("align_corners", "half_pixel") or single


def _amount(given: Resampling) -> dict[str, object]:
    """Return the factors per spatial axis if they are fixed, else the sizes."""
    n = given.n
    sizes = given.sizes()
    if sizes is not None:
        return {"to": [argument(each) for each in sizes.flat][2:]}
    scales = given.scales()
    if scales is None:
        factors = list(n.needed_value(given.scales_at).flat)
        made = [factor * n.tensors.size_of(n.name(0), axis) for axis, factor in enumerate(factors)]
        return {"to": [argument(each.floor() if isinstance(each, ComputedSize) else floor(each)) for each in made][2:]}
    factors = scales[2:]
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
        amount: dict[str, object] = {"scale": tuple([simplified(Fraction(repr(each))) for each in scales])}
    else:
        amount = {"to": a.size_list("to")}
    op = make(Upsample, **amount, mode=a.text("mode", ""), align_corners=a.flag("align", default=False))
    return [PerExampleStep(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]


def _along(n: NodeView, given: Resampling, each: Axis, read: TensorName, sizes: list[int]) -> TensorName:
    """Add the elements at the places that every position reads along an axis, and their weighted sum."""
    import numpy as np

    rows = [_taps(given, each, position) for position in range(each.after)]
    count = max(len(row) for row in rows)
    index = np.zeros((each.after, count), np.int64)
    weight = np.zeros((each.after, count), np.float32)
    for at, row in enumerate(rows):
        for tap, (place, factor) in enumerate(row):
            index[at, tap], weight[at, tap] = place, factor
    axis = each.axis
    before, behind = sizes[:axis], sizes[axis + 1 :]
    places = _constant(n, f"index{axis}", index.reshape(-1))
    sizes[axis] = each.after
    taken = n.compute(
        "aten.index_select.default", (*before, each.after * count, *behind), self=read, dim=axis, index=places
    )
    if count == 1 and bool((weight == 1).all()):
        return taken
    own = [each.after if at == axis else argument(n.tensors.size_of(read.name, at)) for at in range(len(sizes))]
    parts = n.compute(
        "aten.view.default",
        (*before, each.after, count, *behind),
        self=taken,
        size=[*own[: axis + 1], count, *own[axis + 1 :]],
    )
    factors = _constant(n, f"weight{axis}", weight.reshape(each.after, count, *[1] * len(behind)))
    scaled = n.compute("aten.mul.Tensor", (*before, each.after, count, *behind), self=parts, other=factors)
    return n.compute("aten.sum.dim_IntList", tuple(sizes), self=scaled, dim=[axis + 1])


def _constant(n: NodeView, label: str, value: Any) -> TensorName:
    name = f"{n.outputs_name}={label}"
    n.tensors.set_value(name, value)
    return TensorName(name)


def _taps(given: Resampling, each: Axis, position: int) -> list[tuple[int, float]]:
    """Return the places that a position reads, with their weights."""
    x = _coordinate(given.coordinates, each, position)
    last = each.before - 1
    if given.coordinates == "tf_crop_and_resize" and not 0 <= x <= last:
        return [(0, 0.0)]
    if given.mode == "nearest":
        place = ROUNDINGS[given.rounding](x)
        return [(min(max(place, 0), last), 1.0)]
    scale = min(each.scale, 1.0) if given.smooth else 1.0
    reach = 1 if given.mode == "linear" else 2
    base = floor(x)
    first = floor(-reach / scale) + 1
    places = range(base + first, base + 2 - first)
    weights = [_kernel(given, (place - x) * scale) for place in places]
    if given.exclude:
        weights = [w if 0 <= place <= last else 0.0 for place, w in zip(places, weights, strict=True)]
    total = sum(weights)
    return [(min(max(place, 0), last), w / total) for place, w in zip(places, weights, strict=True)]


ROUNDINGS = {
    "round_prefer_floor": lambda x: ceil(x - 0.5),
    "round_prefer_ceil": lambda x: floor(x + 0.5),
    "floor": floor,
    "ceil": ceil,
}


def _kernel(given: Resampling, distance: float) -> float:
    """Return the weight of an element at a distance."""
    d = abs(distance)
    if given.mode == "linear":
        return max(1 - d, 0.0)
    a = given.cubic
    if d <= 1:
        return float(((a + 2) * d - (a + 3)) * d * d + 1)
    return float(((a * d - 5 * a) * d + 8 * a) * d - 4 * a) if d < 2 else 0.0


def _coordinate(how: str, each: Axis, position: int) -> float:
    """Return where a position of the result is among those of the input."""
    last, n, m = each.before - 1, each.before, each.after
    centre = (position + 0.5) / each.scale - 0.5
    if how == "pytorch_half_pixel":
        return centre if m > 1 else 0.0
    if how == "align_corners":  # m is a whole number also by a factor, unlike in the reference implementation
        return position * last / (m - 1) if m > 1 else 0.0
    if how == "asymmetric":
        return position / each.scale
    if how == "half_pixel_symmetric":
        return n / 2 * (1 - m / (each.scale * n)) + centre
    if how == "tf_crop_and_resize":
        if m == 1:
            return 0.5 * (each.start + each.end) * last
        return each.start * last + position * (each.end - each.start) * last / (m - 1)
    if how != "half_pixel":
        raise Untranslatable(f"positions by {how}")
    return centre
