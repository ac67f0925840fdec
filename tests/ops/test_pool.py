"""Pooling: published LeNet numbers, hand-derived facts, and PyTorch as the oracle for sizes and windows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import Window, pool
from tests.ops.windows import only_window, seen


def pooled(op: pool.Pool, *shape: int) -> tuple[int, ...]:
    return op.output((shape,))


def two(cls: type[pool.Pool], k: int, **more: Any) -> pool.Pool:
    """Return a pooling in two dimensions."""
    return cls(kernel=(k, k), **{"pad": ((0, 0), (0, 0)), "dilation": (1, 1), **more})


def test_the_stride_is_the_kernel_unless_given() -> None:
    assert pooled(two(pool.MaxPool, 2), 64, 224, 224) == (64, 112, 112)
    assert pooled(two(pool.MaxPool, 3, stride=(2, 2)), 96, 55, 55) == (96, 27, 27)  # AlexNet


def test_ceil_keeps_the_last_incomplete_window() -> None:
    assert pooled(two(pool.MaxPool, 3, stride=(2, 2), ceil=True), 64, 112, 112) == (64, 56, 56)  # GoogLeNet
    assert pooled(two(pool.MaxPool, 3, stride=(2, 2)), 64, 112, 112) == (64, 55, 55)


def test_lenet5_subsampling_has_12_parameters_and_5880_connections() -> None:
    s2, s4 = ((6, 28, 28),), ((16, 10, 10),)
    op = two(pool.Subsample, 2)
    assert op.output(s2) == (6, 14, 14)
    assert sum(w.count for w in op.weights(s2)) == 12
    assert op.cost(s2).connections == 5880
    assert sum(w.count for w in op.weights(s4)) == 32
    assert op.cost(s4).connections == 2000
    assert op.cost(s2).operations == {"mul": 1176, "add": 1176 * 4}
    assert op.cost(s2).macs == 0


def test_cost_of_a_2x2_pooling_is_three_operations_and_a_division() -> None:
    shape = ((1, 4, 4),)  # the lecture's worked example: four windows of four numbers
    assert two(pool.MaxPool, 2).cost(shape).operations == {"cmp": 12}
    assert two(pool.AvgPool, 2).cost(shape).operations == {"add": 12, "div": 4}
    assert two(pool.MaxPool, 1).cost(shape).operations == {}


def test_padding_as_wide_as_the_window_is_refused() -> None:
    with pytest.raises(Impossible, match="the padding must be smaller than the window of 2, got 2"):
        pooled(two(pool.MaxPool, 2, pad=((2, 2), (2, 2))), 1, 8, 8)
    with pytest.raises(Impossible, match="window of 3, got 3"):
        pooled(two(pool.AvgPool, 3, pad=((0, 3), (0, 0))), 1, 8, 8)


def test_a_window_larger_than_the_input_is_refused() -> None:
    with pytest.raises(Impossible, match="window of 9 does not fit into an axis of size 8"):
        pooled(two(pool.MaxPool, 9), 1, 8, 8)


def test_pooling_needs_positions() -> None:
    for op in (two(pool.MaxPool, 2), pool.GlobalAvgPool(), pool.AdaptiveAvgPool(size=(1,))):
        with pytest.raises(Impossible, match="at least one spatial axis"):
            op.output(((120,),))


def test_global_pooling_keeps_axes_of_size_one_and_sees_everything() -> None:
    shape = ((1024, 7, 7),)
    assert pool.GlobalAvgPool().output(shape) == (1024, 1, 1)
    assert pool.GlobalAvgPool().windows(shape)[0][1:] == (None, None)
    assert pool.GlobalAvgPool().cost(shape).operations == {"add": 1024 * 48, "div": 1024}
    assert pool.GlobalMaxPool().cost(shape).operations == {"cmp": 1024 * 48}
    assert pool.GlobalAvgPool().weights(shape) == ()  # the lecture: 51.3M against 0


@pytest.mark.parametrize(("n", "m"), [(n, m) for n in range(1, 13) for m in range(1, 13)])
def test_adaptive_pooling_counts_every_number_of_every_window(n: int, m: int) -> None:
    # the definition: from floor(i·n/m) up to, not including, ceil((i + 1)·n/m)
    windows = [set(range(i * n // m, -(-(i + 1) * n // m))) for i in range(m)]
    op, inputs = pool.AdaptiveAvgPool(size=(m,)), ((3, n),)
    ((_, window),) = op.windows(inputs)
    assert [seen(window, i, n) for i in range(m)] == windows
    operations = op.cost(inputs).operations
    assert operations.get("add", 0) == 3 * sum(len(w) - 1 for w in windows)
    assert operations["div"] == 3 * m
    assert pool.AdaptiveMaxPool(size=(m,)).cost(inputs).operations.get("cmp", 0) == operations.get("add", 0)


def test_adaptive_pooling_cost_is_exact_over_two_axes() -> None:
    op, inputs = pool.AdaptiveAvgPool(size=(3, 2)), ((5, 7, 8),)
    rows = [-(-(i + 1) * 7 // 3) - i * 7 // 3 for i in range(3)]
    assert op.cost(inputs).operations["add"] == 5 * sum(r * 4 - 1 for r in rows for _ in range(2))


@pytest.mark.torch
def test_sizes_agree_with_pytorch_in_floor_and_ceil_mode() -> None:
    torch = pytest.importorskip("torch")
    rng = random.Random(1)
    checked = 0
    for _ in range(3000):
        n, k, s, d = (rng.randint(1, high) for high in (20, 7, 9, 3))
        reach = d * (k - 1) + 1
        p, ceil = rng.randint(0, k // 2), rng.random() < 0.6
        inputs = ((2, n),)
        more: dict[str, Any] = {"kernel": (k,), "stride": (s,), "pad": ((p, p),), "ceil": ceil}
        try:
            theirs = torch.nn.MaxPool1d(k, s, p, d, ceil_mode=ceil)(torch.zeros(1, 2, n)).shape[1:]
        except RuntimeError:
            with pytest.raises(Impossible):
                pool.MaxPool(dilation=(d,), **more).output(inputs)
            continue
        assert pool.MaxPool(dilation=(d,), **more).output(inputs) == tuple(theirs), (n, k, s, p, d, ceil)
        if d == 1 and n + 2 * p >= reach:
            theirs = torch.nn.AvgPool1d(k, s, p, ceil_mode=ceil)(torch.zeros(1, 2, n)).shape[1:]
            assert pool.AvgPool(**more).output(inputs) == tuple(theirs)
            checked += 1
    assert checked > 300


@pytest.mark.torch
def test_windows_are_the_positions_that_pytorch_averages() -> None:
    torch = pytest.importorskip("torch")
    rng = random.Random(2)
    for _ in range(300):
        n, k, s = rng.randint(1, 20), rng.randint(1, 7), rng.randint(1, 7)
        p, ceil = rng.randint(0, k // 2), rng.random() < 0.5
        op = pool.AvgPool(kernel=(k,), stride=(s,), pad=((p, p),), ceil=ceil)
        if n + 2 * p < k:
            continue
        theirs = torch.nn.AvgPool1d(k, s, p, ceil_mode=ceil)(torch.eye(n)[:, None])[:, 0]
        window = only_window(op, ((1, n),))
        for i in range(op.output(((1, n),))[1]):
            assert seen(window, i, n) == set(theirs[:, i].nonzero().flatten().tolist())


def test_windows_slide_by_the_kernel_where_no_stride_is_given() -> None:
    window = only_window(pool.MaxPool(kernel=(3,)), ((1, 9),))
    assert isinstance(window, Window)
    assert (window.size, window.stride, window.padding) == (3, 3, 0)
