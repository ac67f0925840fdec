"""Maps of other sizes, and positions that become channels."""

from __future__ import annotations

from archcalc.readers.tflite.operation import OperationView, channels_first
from archcalc.readers.tflite.operators.shape import integers
from archcalc.readers.tflite.registry import converts


@converts("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", on_maps=True)
def resize(n: OperationView) -> None:
    nearest = n.name == "RESIZE_NEAREST_NEIGHBOR"
    aligned, centred = n.option("AlignCorners"), n.option("HalfPixelCenters")
    coordinates = "align_corners" if aligned else "half_pixel" if centred else "asymmetric"
    read, order = n.maps(0), channels_first(4)
    kept = n.add("Shape", read, end=2)
    sizes = n.add("Concat", kept, integers(n, 1), axis=0)
    attributes = {"coordinate_transformation_mode": coordinates, "mode": "nearest" if nearest else "linear"}
    if nearest:
        attributes["nearest_mode"] = "round_prefer_ceil" if aligned or centred else "floor"
    n.computed(n.add("Resize", read, "", "", sizes, **attributes), order, selects=nearest)


@converts("SPACE_TO_DEPTH", "DEPTH_TO_SPACE", on_maps=True)
def blocks(n: OperationView) -> None:
    operator = "SpaceToDepth" if n.name == "SPACE_TO_DEPTH" else "DepthToSpace"
    n.result(n.add(operator, n.maps(0), blocksize=n.option("BlockSize")), channels_first(4))
