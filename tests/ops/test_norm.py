"""Normalisation: parameters against the published rule and PyTorch, costs by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import Operator, norm
from tests.ops.windows import only_window, seen


def stored(op: Operator, *shape: int) -> tuple[int, int]:
    """Return trainable and fixed numbers."""
    weights = op.weights((shape,))
    return sum(w.count for w in weights if w.trainable), sum(w.count for w in weights if not w.trainable)


def test_batch_norm_stores_four_numbers_per_map() -> None:
    assert stored(norm.BatchNorm(), 64, 56, 56) == (128, 128)
    assert stored(norm.BatchNorm(affine=False), 64, 56, 56) == (0, 128)
    cost = norm.BatchNorm().cost(((64, 56, 56),))
    assert cost.operations == {"mul": 64 * 56 * 56, "add": 64 * 56 * 56}
    assert cost.connections == 2 * 64 * 56 * 56
    assert norm.BatchNorm(affine=False).cost(((64, 56, 56),)).connections == 0


def test_layer_norm_has_parameters_for_what_it_normalises() -> None:
    shape = (96, 7, 5)
    assert stored(norm.LayerNorm(), *shape) == (2 * 96 * 7 * 5, 0)
    assert stored(norm.LayerNorm(axis="last"), *shape) == (10, 0)
    assert stored(norm.LayerNorm(axis="channels"), *shape) == (192, 0)
    assert stored(norm.LayerNorm(affine=False), *shape) == (0, 0)


def test_rms_norm_has_a_scale_and_no_shift_and_subtracts_nothing() -> None:
    """LLaMA's, of 4096 features: one scale each."""
    assert stored(norm.RmsNorm(), 10, 4096) == (4096, 0)
    assert stored(norm.RmsNorm(axis="channels"), 96, 7, 5) == (96, 0)
    assert stored(norm.RmsNorm(affine=False), 10, 4096) == (0, 0)
    cost = norm.RmsNorm().cost(((2, 3),))  # per row: 3 squares, 2 additions and ε, 1 + 3 divisions, a root; 3 scales
    assert cost.operations == {"mul": 12, "add": 6, "div": 8, "sqrt": 2}
    assert cost.connections == 6


def test_only_mixed_axes_become_global() -> None:
    shape = ((96, 7, 5),)
    assert norm.LayerNorm().windows(shape) == ((None, None, None),)
    assert [w is None for w in norm.LayerNorm(axis="last").windows(shape)[0]] == [False, False, True]
    assert [w is None for w in norm.LayerNorm(axis="channels").windows(shape)[0]] == [True, False, False]
    assert norm.InstanceNorm().windows(shape)[0][1:] == (None, None)
    assert norm.GroupNorm(groups=2).windows(shape) == ((None, None, None),)
    assert [w is None for w in norm.BatchNorm().windows(shape)[0]] == [False, False, False]


def operations_by_doing(groups: list[list[Fraction]], affine: bool) -> dict[str, int]:
    """Normalise group by group, counting every operation where it happens."""
    count = dict.fromkeys(("mul", "add", "div", "sqrt"), 0)
    for group in groups:
        count["add"] += len(group) - 1  # sum
        count["div"] += 1  # mean
        for _ in group:
            count["add"] += 1  # difference
            count["mul"] += 1  # square
        count["add"] += len(group) - 1  # sum of squares
        count["div"] += 1  # variance
        count["add"] += 1  # epsilon
        count["sqrt"] += 1
        for _ in group:
            count["div"] += 1
            if affine:
                count["mul"] += 1
                count["add"] += 1
    return count


@pytest.mark.parametrize(
    ("op", "groups", "affine"),
    [
        (norm.LayerNorm(), 1, True),
        (norm.LayerNorm(axis="last"), 12 * 4, True),
        (norm.LayerNorm(axis="channels", affine=False), 4 * 5, False),
        (norm.InstanceNorm(), 12, False),
        (norm.InstanceNorm(affine=True), 12, True),
        (norm.GroupNorm(groups=3), 3, True),
    ],
)
def test_cost_is_what_normalising_takes(op: Operator, groups: int, affine: bool) -> None:
    elements = 12 * 4 * 5
    cost = op.cost(((12, 4, 5),))
    assert cost.operations == operations_by_doing([[Fraction(0)] * (elements // groups)] * groups, affine)
    assert cost.connections == (2 * elements if affine else 0)


def test_group_norm_needs_groups_that_divide() -> None:
    with pytest.raises(Impossible, match="10 channels are not divisible by 3 groups"):
        norm.GroupNorm(groups=3).output(((10, 4, 4),))


def test_lrn_has_the_constants_of_alexnet_exactly() -> None:
    op = norm.LocalResponseNorm()
    assert (op.size, op.k, op.alpha, op.beta) == (5, 2, Fraction(1, 10_000), Fraction(3, 4))
    assert op.weights(((96, 55, 55),)) == ()
    n = 96 * 55 * 55
    # per element: its square, four sums of five squares, alpha, k, the power, the division
    assert op.cost(((96, 55, 55),)).operations == {"mul": 2 * n, "add": 5 * n, "pow": n, "div": n}


def test_lrn_within_channels_sees_a_neighbourhood() -> None:
    op = norm.LocalResponseNorm(size=3, region="within")
    assert [seen(only_window(op, ((1, 5),)), i, 5) for i in range(5)] == [
        {0, 1},
        {0, 1, 2},
        {1, 2, 3},
        {2, 3, 4},
        {3, 4},
    ]
    even = norm.LocalResponseNorm(size=4, region="within")  # as PyTorch pads channels: ⌊size/2⌋ before
    assert seen(only_window(even, ((1, 9),)), 4, 9) == {2, 3, 4, 5}
    assert op.cost(((2, 4, 4),)).operations["add"] == 32 * 9
    with pytest.raises(Impossible, match="spatial axis"):
        op.output(((10,),))


def test_standardize_takes_one_number_or_one_per_channel() -> None:
    imagenet: dict[str, Any] = {
        "mean": (Fraction("0.485"), Fraction("0.456"), Fraction("0.406")),
        "std": (Fraction("0.229"), Fraction("0.224"), Fraction("0.225")),
    }
    assert stored(norm.Standardize(**imagenet), 3, 224, 224) == (0, 6)
    assert norm.Standardize(**imagenet).output(((3, 8, 8),)) == (3, 8, 8)
    with pytest.raises(Impossible, match="one or 1 means, got 3"):
        norm.Standardize(**imagenet).output(((1, 8, 8),))
    with pytest.raises(Impossible, match="must be positive, got 0"):
        norm.Standardize(mean=(0,), std=(0,)).output(((3, 8, 8),))
    assert norm.Standardize(mean=(128,), std=(128,)).cost(((3, 8, 8),)).operations == {"add": 192, "div": 192}


@pytest.mark.torch
@pytest.mark.parametrize("affine", [True, False])
def test_parameters_agree_with_pytorch(affine: bool) -> None:
    nn: Any = pytest.importorskip("torch").nn
    shape = (12, 7, 5)
    pairs = [
        (norm.BatchNorm(affine=affine), nn.BatchNorm2d(12, affine=affine)),
        (norm.LayerNorm(affine=affine), nn.LayerNorm(shape, elementwise_affine=affine)),
        (norm.LayerNorm(axis="last", affine=affine), nn.LayerNorm(5, elementwise_affine=affine)),
        (norm.InstanceNorm(affine=affine), nn.InstanceNorm2d(12, affine=affine)),
        (norm.GroupNorm(groups=4, affine=affine), nn.GroupNorm(4, 12, affine=affine)),
    ]
    for ours, theirs in pairs:
        trainable, fixed = stored(ours, *shape)
        assert trainable == sum(p.numel() for p in theirs.parameters())
        assert fixed == sum(b.numel() for b in theirs.buffers() if b.dim())  # without the batch counter
    assert norm.InstanceNorm().affine == nn.InstanceNorm2d(12).affine
    assert norm.GroupNorm(groups=4).affine == nn.GroupNorm(4, 12).affine


def test_l2_normalisation_stores_nothing_and_has_one_divisor_per_group() -> None:
    assert stored(norm.L2Norm(), 512, 38, 38) == (0, 0)
    cost = norm.L2Norm(axis="last").cost(((2, 3),))  # per row: 3 squares, 2 additions, a root, a bound, 3 divisions
    assert cost.operations == {"mul": 6, "add": 4, "sqrt": 2, "cmp": 2, "div": 6}
