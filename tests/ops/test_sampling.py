"""Layers that read at positions that other tensors contain: published numbers."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.numeric import Impossible
from archcalc.ops.sampling import DeformableConv, RoiAlign
from tests.spec.reading import graph

X, OFFSETS, MASKS = (64, 64, 64), (18, 64, 64), (9, 64, 64)
COMMON: dict[str, Any] = {"channels": 64, "kernel": (3, 3), "stride": (1, 1), "pad": "half", "dilation": (1, 1)}


@pytest.mark.parametrize(
    ("given", "inputs", "params", "macs"),
    [
        ({"offset": True}, (X, OFFSETS), 36_928, 150_994_944),  # torchvision DeformConv2d(64, 64, 3)
        ({"offset": True, "mask": True}, (X, OFFSETS, MASKS), 36_928, 150_994_944),
        ({}, (X,), 36_928 + 10_386, 150_994_944 + 42_467_328),  # MMCV DeformConv2dPack: with Conv2d(64, 18, 3)
        ({"modulated": True}, (X,), 36_928 + 15_579, 150_994_944 + 63_700_992),  # Conv2d(64, 27, 3)
    ],
)
def test_deformable_convolutions_have_the_products_of_convolutions(
    given: dict[str, Any], inputs: Any, params: int, macs: int
) -> None:
    op = DeformableConv(**COMMON, **given)
    assert op.output(inputs) == (64, 64, 64)
    assert sum(weight.count for weight in op.weights(inputs)) == params
    assert op.cost(inputs).macs == macs


def test_sampling_has_no_macs() -> None:
    """By hand: 9 taps at 4096 positions; per tap 3 additions along each of two axes and 4 products of weights; per
    channel 4 products and 3 sums, with a mask 1 product more."""
    points = 9 * 4096
    plain, masked = (
        DeformableConv(**COMMON, offset=True, mask=mask).cost((X, OFFSETS, *[MASKS] * mask)) for mask in (False, True)
    )
    assert plain.operations == {
        "mul": plain.macs + points * (4 + 4 * 64),
        "add": plain.macs + points * (6 + 3 * 64),
    }
    assert masked.operations["mul"] - plain.operations["mul"] == points * 64


def test_a_fixed_number_of_boxes_is_an_axis_of_positions() -> None:
    op = RoiAlign(size=(7, 7), boxes=True)
    assert op.output(((256, 50, 68), (1000, 4))) == (256, 1000, 7, 7)
    assert op.cost(((256, 50, 68), (1000, 4))).macs == 0
    # Mask R-CNN's head on each of 100 boxes: four convolutions, as PyTorch counts them box by box
    spec = "inputs: {x: 256x50x68, b: 100x4}\nlayers: '@x -> roi_align 14 boxes=@b -> (conv 256 k1x3x3 p0x1x1)*4'\n"
    totals = analyze(graph(spec)).totals
    assert totals.macs == 100 * 4 * 256 * 256 * 9 * 14 * 14
    assert totals.params == 4 * (256 * 256 * 9 + 256)


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (DeformableConv(**COMMON, offset=True), (X, (27, 64, 64)), r"the offset must be 18x64x64 .*, got 27x64x64"),
        (DeformableConv(**COMMON, offset=True), (X, (18, 62, 62)), r"must be 18x64x64"),
        (DeformableConv(**COMMON, mask=True), (X, MASKS), "mask=@… requires offset=@…"),
        (DeformableConv(**COMMON, offset=True, modulated=True), (X, OFFSETS), "with offset=@…, give mask=@…"),
        (DeformableConv(**COMMON, offset_groups=5), (X,), "64 input channels are not divisible by 5 offset groups"),
        (RoiAlign(size=(7, 7), boxes=True), (X, (100, 5)), "a box of roi_align must have 4 coordinates, got 5"),
        (RoiAlign(size=(7, 7), boxes=True), (X, (100,)), "must be a tensor of boxes × coordinates, got 100"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(op: Any, inputs: Any, message: str) -> None:
    with pytest.raises(Impossible, match=message):
        op.output(inputs)
