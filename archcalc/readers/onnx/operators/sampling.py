"""Tensors that are read at computed positions, by interpolation between the nearest ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from archcalc.graph import Ref
from archcalc.ops.sampling import RoiAlign
from archcalc.ops.structure import Reshape, Transpose
from archcalc.readers.aten.operators.sampling import PADDINGS, deformable
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import BatchAxis, Places, Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.convolution import attributes, window
from archcalc.readers.onnx.registry import converts
from archcalc.readers.steps import Layers, Step, make

MODES = {"bilinear": 0, "linear": 0, "nearest": 1, "bicubic": 2, "cubic": 2}
"""The kinds of interpolation, and their numbers in ATen."""


@converts("GridSample")
def grid_sample(n: NodeView) -> None:
    mode, padding = n.attribute("mode", "linear"), n.attribute("padding_mode", "zeros")
    if mode not in MODES or padding not in PADDINGS:
        raise Untranslatable(f"interpolation '{mode}' with '{padding}' outside")
    n.call(
        "aten.grid_sampler.default",
        input=n.tensor(0),
        grid=n.tensor(1),
        interpolation_mode=MODES[mode],
        padding_mode=PADDINGS.index(padding),
        align_corners=bool(n.attribute("align_corners", 0)),
    )


@converts("DeformConv")
def deformable_convolution(n: NodeView) -> None:
    n.call(
        "onnx.DeformConv",
        input=n.tensor(0),
        weight=n.tensor(1),
        offset=n.tensor(2),
        bias=n.tensor(3) if n.has(3) else None,
        mask=n.tensor(4) if n.has(4) else None,
        groups=n.attribute("group", 1),
        offset_groups=n.attribute("offset_group", 1),
        **window(n, n.sizes(1)[2:]),
    )


@translates_function("onnx.DeformConv")
def sampled_convolution(a: Arguments) -> list[Step]:
    given = attributes(a)
    del given["kernel"]
    return deformable(a, mask=a.is_tensor("mask"), **given)


@dataclass(frozen=True, kw_only=True)
class RoiAlignStep(Step):
    """The parts of the maps of one example in boxes, which are the first axis of the result."""

    op: RoiAlign

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        place, of_boxes = inputs
        if place is not None and place.axis == 0 and place.is_pure and of_boxes is None and batch == 1:
            yield (BatchAxis(0, 1, sizes[1][0]),)
        elif place is None and of_boxes is None and sizes[0][0] == 1:
            yield (None,)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        maps, boxes = tensors
        if places[0] is None:
            maps = layers.add(Reshape(shape=layers.shape(maps)[1:]), [maps])
        made = layers.add(self.op, [maps, boxes])
        return [layers.add(Transpose(order=(1, 0, *range(2, len(layers.shape(made))))), [made])]


@converts("RoiAlign")
def roi_align(n: NodeView) -> None:
    mode = n.attribute("mode", "avg")
    if mode not in ("avg", "max"):
        raise Untranslatable(f"the mode '{mode}'")
    if not n.attribute("sampling_ratio", 0):
        raise Untranslatable("as many samples as the size of a box asks for")
    n.call(
        "onnx.RoiAlign",
        self=n.tensor(0),
        boxes=n.tensor(1),
        size=[n.attribute("output_height", 1), n.attribute("output_width", 1)],
        scale=n.attribute("spatial_scale", 1.0),
        samples=n.attribute("sampling_ratio"),
        how="max" if mode == "max" else "mean",
        aligned=n.version >= 16 and n.attribute("coordinate_transformation_mode", "half_pixel") == "half_pixel",
    )


@translates_function("onnx.RoiAlign")
def parts_in_boxes(a: Arguments) -> list[Step]:
    op = make(
        RoiAlign,
        size=a.integers("size"),
        boxes=True,
        scale=Fraction(a.number("scale")),
        samples=a.integer("samples"),
        how=a.text("how", "mean"),
        aligned=a.flag("aligned", default=False),
    )
    return [RoiAlignStep(op=op, inputs=(a.tensor("self"), a.tensor("boxes")), outputs=(a.result(),))]
