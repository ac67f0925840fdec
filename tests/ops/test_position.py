"""Biases and masks for the scores of attention: published tables, and small masks that can be drawn by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archcalc.executor import kernels  # noqa: F401  # registers them
from archcalc.executor.kernel import Context, kernel_of
from archcalc.numeric import Impossible
from archcalc.ops.base import Operator
from archcalc.ops.position import RelativeBias, ShiftMask


def computed(op: Operator, **weights: Any) -> Any:
    """Return the output of its kernel for one example."""
    return kernel_of(op)(op, (), weights, Context(dtype=np.float64))[0][0]


def test_tables_have_a_row_per_relative_position_or_bucket() -> None:
    """Swin-T's first blocks (169×3 in torchvision); T5 small (32×8); windows of Video Swin, 8×7×7."""
    swin = RelativeBias(size=(7, 7), heads=3)
    assert [weight.shape for weight in swin.weights(())] == [(169, 3)]
    assert swin.output(()) == (3, 49, 49)
    assert swin.cost(()).connections == 3 * 49 * 49
    t5 = RelativeBias(size=(512,), heads=8, buckets=32)
    assert [weight.shape for weight in t5.weights(())] == [(32, 8)]
    assert t5.output(()) == (8, 512, 512)
    video = RelativeBias(size=(8, 7, 7), heads=3)
    assert [weight.shape for weight in video.weights(())] == [(15 * 13 * 13, 3)]


def test_a_table_of_the_network_replaces_the_stored_one() -> None:
    """Swin V2 computes its table."""
    op = RelativeBias(size=(8, 8), heads=3, table=True)
    assert op.weights(((225, 3),)) == ()
    assert op.cost(((225, 3),)).connections == 0
    assert op.output(((225, 3),)) == (3, 64, 64)


def test_t5_buckets_are_those_of_the_released_code() -> None:
    """Keys before and after the query, by distance, as the released code computes them."""
    table = np.arange(32.0)[:, None]
    both = computed(RelativeBias(size=(200,), heads=1, buckets=32), table=table)[0]
    assert [*both[150, [150, 149, 143, 142, 139, 138, 134, 118, 22, 0]]] == [0, 1, 7, 8, 8, 9, 10, 12, 15, 15]
    assert [*both[0, [0, 1, 7, 8, 11, 12, 16, 32, 128, 199]]] == [0, 17, 23, 24, 24, 25, 26, 28, 31, 31]
    before = computed(RelativeBias(size=(200,), heads=1, buckets=32, causal=True), table=table)[0]
    assert [*before[199, [199, 184, 183, 181, 180, 71, 0]]] == [0, 15, 16, 16, 17, 31, 31]
    assert not before[0].any()


def test_a_mask_separates_positions_that_rolling_made_neighbours() -> None:
    """A row of 4 positions, rolled by 1, in windows of 2: 1 2 and 3 0; 3 and 0 are not neighbours."""
    mask = computed(ShiftMask(size=(4,), window=(2,), shift=(1,)))
    assert mask.tolist() == [[[[0, 0], [0, 0]]], [[[0, -100], [-100, 0]]]]
    assert not computed(ShiftMask(size=(4, 6), window=(2,), shift=(0,))).any()


def test_masks_of_swin_are_for_the_windows_at_two_borders() -> None:
    """56×56 positions in windows of 7, rolled by 3: 15 of 64 windows touch the last row or column of windows."""
    mask = computed(ShiftMask(size=(56, 56), window=(7,), shift=(3,)))
    assert mask.shape == (64, 1, 49, 49) == ShiftMask(size=(56, 56), window=(7,), shift=(3,)).output(())
    assert [number for number in range(64) if mask[number].any()] == [
        number for number in range(64) if number % 8 == 7 or number >= 56
    ]
    corner = mask[63, 0] == 0
    assert corner.sum() == (4 * 4) ** 2 + 2 * (4 * 3) ** 2 + (3 * 3) ** 2


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (RelativeBias(size=(7, 7), heads=3, buckets=32), (), "buckets need exactly one axis, got 2"),
        (RelativeBias(size=(7,), heads=3, buckets=6), (), "multiple of 4 below 512, got 6"),
        (RelativeBias(size=(7,), heads=3, buckets=32, max_distance=8), (), "multiple of 4 below 32, got 32"),
        (RelativeBias(size=(7,), heads=3, buckets=5, causal=True), (), "multiple of 2 below 256, got 5"),
        (RelativeBias(size=(7,), heads=3, causal=True), (), "causal needs buckets"),
        (RelativeBias(size=(7,), heads=3, max_distance=9), (), "max_distance needs buckets"),
        (RelativeBias(size=(7,), heads=3, table=True), ((13, 4),), "must be 13x3 .*, got 13x4"),
        (RelativeBias(size=(7,), heads=3, table=True), ((3, 13, 1),), r"must be 13x3 \(entries×heads\), got 3x13x1"),
        (ShiftMask(size=(14, 14), window=(5,), shift=(2,)), (), "14 is not divisible into windows of 5"),
        (ShiftMask(size=(14, 14), window=(7,), shift=(7,)), (), "smaller than the window of 7, got 7"),
        (ShiftMask(size=(14, 14), window=(7, 7, 7), shift=(3,)), (), "window of shift_mask has 3 parts"),
    ],
)
def test_impossible_tables_and_masks_are_refused(op: Operator, shapes: Any, message: str) -> None:
    with pytest.raises(Impossible, match=message):
        op.output(shapes)
