"""Upsampling, padding, cropping, option A: sizes by hand, windows against what PyTorch really reads."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import resample
from tests.ops.windows import only_window, seen


def test_upsampling_multiplies_the_positions_or_gives_a_size() -> None:
    assert resample.Upsample(scale=(2, 2)).output(((64, 28, 28),)) == (64, 56, 56)
    assert resample.Upsample(scale=(1, 3)).output(((64, 28, 28),)) == (64, 28, 84)
    assert resample.Upsample(to=(65, 65), mode="bilinear").output(((21, 9, 9),)) == (21, 65, 65)


def test_upsampling_takes_exactly_one_of_scale_and_size() -> None:
    wrong: list[dict[str, Any]] = [{}, {"scale": (2,), "to": (5,)}]
    for more in wrong:
        with pytest.raises(Impossible, match="either a scale"):
            resample.Upsample(**more).output(((1, 4),))
    with pytest.raises(Impossible, match="bilinear"):
        resample.Upsample(scale=(2,), align_corners=True).output(((1, 4),))


def test_nearest_is_free_and_bilinear_costs_two_products_and_a_sum_per_pass() -> None:
    shape = ((3, 4, 5),)
    assert resample.Upsample(scale=(2, 2)).cost(shape).operations == {}
    # first 4 to 8 rows of 5, then 5 to 10 columns in 8 rows
    numbers = 3 * (8 * 5 + 8 * 10)
    cost = resample.Upsample(scale=(2, 2), mode="bilinear").cost(shape)
    assert cost.operations == {"mul": 2 * numbers, "add": numbers}
    assert cost.macs == 0


def test_windows_of_doubling() -> None:
    bilinear = only_window(resample.Upsample(scale=(2,), mode="bilinear"), ((1, 4),))
    # positions −¼, ¼, ¾, 1¼, 1¾ … of the source
    assert [seen(bilinear, i, 4) for i in range(8)] == [{0}, {0, 1}, {0, 1}, {1, 2}, {1, 2}, {2, 3}, {2, 3}, {3}]
    nearest = only_window(resample.Upsample(scale=(2,)), ((1, 4),))
    assert [seen(nearest, i, 4) for i in range(8)] == [{i // 2} for i in range(8)]


@pytest.mark.torch
@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "align_corners"])
def test_windows_are_the_positions_that_pytorch_reads(n: int, mode: str) -> None:
    torch = pytest.importorskip("torch")
    more: dict[str, Any] = {} if mode == "nearest" else {"mode": "bilinear", "align_corners": mode == "align_corners"}
    theirs: dict[str, Any] = (
        {"mode": "nearest"} if mode == "nearest" else {"mode": "linear", "align_corners": mode == "align_corners"}
    )
    for m in range(1, 20):
        ours = [resample.Upsample(to=(m,), **more)]
        if m % n == 0:
            ours.append(resample.Upsample(scale=(m // n,), **more))
        got = torch.nn.functional.interpolate(torch.eye(n, dtype=torch.float64)[:, None], size=m, **theirs)[:, 0]
        for op in ours:
            assert op.output(((1, n),)) == (1, m)
            window = only_window(op, ((1, n),))
            for i in range(m):
                used = set((got[:, i] > 1e-5).nonzero().flatten().tolist())
                # a source left of the first position is read as the first: it lies outside the border, as padding does
                assert used == seen(window, i, n), (n, m, i)


def test_padding_and_cropping_are_inverse() -> None:
    margin, shape = ((1, 2), (0, 3)), (8, 10, 10)
    padded = resample.Pad(margin=margin).output((shape,))
    assert padded == (8, 13, 13)
    assert resample.Crop(margin=margin).output((padded,)) == shape
    (_, rows, columns), (_, back, _) = (
        resample.Pad(margin=margin).windows((shape,))[0],
        (resample.Crop(margin=margin).windows((padded,))[0]),
    )
    assert rows is not None
    assert columns is not None
    assert back is not None
    assert (rows.padding, columns.padding, back.padding) == (1, 0, -1)


def test_cropping_everything_is_refused() -> None:
    with pytest.raises(Impossible, match="cropping 2 and 2 leaves none of 4 positions"):
        resample.Crop(margin=((2, 2),)).output(((1, 4),))


def test_option_a_of_resnet_halves_positions_and_adds_maps_for_free() -> None:
    op, shape = resample.PaddedIdentity(channels=128, stride=(2, 2)), ((64, 56, 56),)
    assert op.output(shape) == (128, 28, 28)
    assert op.output(((64, 55, 55),)) == (128, 28, 28)  # as a 3x3 convolution of stride 2 and padding 1 does
    assert op.weights(shape) == ()
    assert op.cost(shape).operations == {}
    with pytest.raises(Impossible, match="cannot reduce 64 channels to 32"):
        resample.PaddedIdentity(channels=32, stride=(1, 1)).output(shape)
