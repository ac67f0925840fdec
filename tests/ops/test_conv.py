"""Convolutions: published parameter and multiplication counts, sizes and parameters against PyTorch."""

from __future__ import annotations

import random
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import conv
from tests.ops.windows import only_window, seen


def test_a_separable_convolution_of_one_channel_adds_in_its_depthwise_half_only() -> None:
    separable = conv.SeparableConv(channels=1, kernel=(2,), pad="valid", stride=(1,), dilation=(1,), bias=False)
    assert separable.cost(((1, 2),)).operations == {"mul": 2 + 1, "add": 1}


C3_TABLE = (  # LeCun et al. 1998, Table I: which of the six maps of S2 feed which of the sixteen of C3
    "X...XXX..XXXX.XX",
    "XX...XXX..XXXX.X",
    "XXX...XXX..X.XXX",
    ".XXX..XXXX..X.XX",
    "..XXX..XXXX.XX.X",
    "...XXX..XXXX.XXX",
)


def test_the_connection_table_of_lenet5_has_60_pairs_and_1516_parameters() -> None:
    table = tuple(tuple(mark == "X" for mark in row) for row in C3_TABLE)
    op = conv.Conv(channels=16, kernel=(5, 5), stride=(1, 1), pad=((0, 0),) * 2, dilation=(1, 1), table=table)
    s2 = ((6, 14, 14),)
    assert op.output(s2) == (16, 10, 10)
    assert sum(w.count for w in op.weights(s2)) == 1516
    assert op.cost(s2).connections == 151_600


def test_a_depthwise_separable_convolution_is_the_sum_of_its_parts() -> None:
    common: dict[str, Any] = {
        "kernel": (5, 5),
        "stride": (1, 1),
        "pad": ((0, 0),) * 2,
        "dilation": (1, 1),
        "bias": False,
    }
    image = ((3, 12, 12),)  # the lecture's worked example
    assert conv.Conv(channels=256, **common).cost(image).macs == 1_228_800
    assert conv.DepthwiseConv(**common).cost(image).macs == 4_800
    assert conv.SeparableConv(channels=256, **common).cost(image).macs == 53_952


def numbers(module: object) -> int:
    return sum(p.numel() for p in module.parameters())  # type: ignore[attr-defined]


@pytest.mark.torch
def test_convolutions_agree_with_pytorch_in_size_and_parameters() -> None:
    torch = pytest.importorskip("torch")
    rng = random.Random(3)
    agreed = 0
    for _ in range(1000):
        n, k, s, d, g = (rng.randint(1, high) for high in (16, 5, 4, 3, 3))
        p, bias = rng.randint(0, 3), rng.random() < 0.5
        c, m = g * rng.randint(1, 3), g * rng.randint(1, 3)
        theirs = torch.nn.Conv1d(c, m, k, s, p, d, g, bias)
        ours = conv.Conv(channels=m, kernel=(k,), stride=(s,), pad=((p, p),), dilation=(d,), groups=g, bias=bias)
        try:
            expected = tuple(theirs(torch.zeros(1, c, n)).shape[1:])
        except RuntimeError:
            with pytest.raises(Impossible):
                ours.output(((c, n),))
            continue
        assert ours.output(((c, n),)) == expected
        assert sum(w.count for w in ours.weights(((c, n),))) == numbers(theirs)
        agreed += 1
    assert agreed > 500


@pytest.mark.torch
def test_transposed_convolutions_agree_with_pytorch_in_size_parameters_and_windows() -> None:
    torch = pytest.importorskip("torch")
    rng = random.Random(4)
    agreed = 0
    for _ in range(1000):
        n, k, s, d, g = (rng.randint(1, high) for high in (8, 5, 4, 3, 3))
        p, extra, bias = rng.randint(0, 3), rng.randint(0, max(s, d) - 1), rng.random() < 0.5
        c, m = g * rng.randint(1, 3), g * rng.randint(1, 3)
        theirs = torch.nn.ConvTranspose1d(c, m, k, s, p, extra, g, bias, d)
        ours = conv.TransposedConv(
            channels=m,
            kernel=(k,),
            stride=(s,),
            pad=((p, p),),
            dilation=(d,),
            outpad=(extra,),
            groups=g,
            bias=bias,
        )
        expected = (m, (n - 1) * s + d * (k - 1) + 1 - 2 * p + extra)
        if expected[1] < 1:  # PyTorch lets some empty outputs pass
            with pytest.raises(Impossible):
                ours.output(((c, n),))
            continue
        assert ours.output(((c, n),)) == expected == tuple(theirs(torch.zeros(1, c, n)).shape[1:])
        assert sum(w.count for w in ours.weights(((c, n),))) == numbers(theirs)
        agreed += 1
        if d == 1:
            ones = torch.ones(1, 1, k)
            used = torch.nn.functional.conv_transpose1d(torch.eye(n)[:, None], ones, None, s, p, extra)[:, 0]
            window = only_window(ours, ((c, n),))
            for i in range(expected[1]):
                assert seen(window, i, n) == set(used[:, i].nonzero().flatten().tolist())
    assert agreed > 500


def test_a_separable_convolution_without_additions_in_one_half_keeps_those_of_the_other() -> None:
    # one map in, one out: four outputs of four products each, three additions; then one product and no addition each
    layer = conv.SeparableConv(channels=1, kernel=(2, 2), stride=(1, 1), pad="valid", dilation=(1, 1), bias=False)
    assert layer.cost(((1, 3, 3),)).operations == {"mul": 4 * 4 + 4, "add": 4 * 3}
    single = conv.SeparableConv(channels=5, kernel=(1, 1), stride=(1, 1), pad="valid", dilation=(1, 1), bias=False)
    assert single.cost(((3, 1, 1),)).operations == {"mul": 3 + 15, "add": 10}
