"""Traits of operators agree with the formulas of the same operators."""

from __future__ import annotations

from math import prod, sqrt

import pytest

from archcalc.ops import REGISTRY, Operator, activation, arithmetic, conv, dense, joins, norm, pool
from archcalc.ops.traits import Spread
from tests.operators import ENTRIES

Inputs = tuple[tuple[int, ...], ...]


def cases(name: str) -> list[tuple[Operator, Inputs]]:
    return [(REGISTRY[name](**attributes), inputs) for attributes, inputs in ENTRIES[name].cases]


@pytest.mark.parametrize("name", REGISTRY)
def test_layers_with_products_are_weighted_sums_and_no_others(name: str) -> None:
    for op, inputs in cases(name):
        if op.arity == 1 and not (op.pairs_features or op.further_outputs):
            # products of tensors are no weighted sums, and neither are those of states with weights
            assert (op.sums(inputs[0]) is not None) == (op.cost(inputs).macs != 0)


@pytest.mark.parametrize("name", [name for name in REGISTRY if cases(name)[0][0].sums((12, 20, 18))])
def test_kernels_of_weighted_sums_make_up_the_stored_weights(name: str) -> None:
    for op, inputs in cases(name):
        sums, stored = op.sums(inputs[0]), {weight.name: weight.count for weight in op.weights(inputs)}
        assert sums is not None
        others = {"bias", "offset_weight", "offset_bias", "gain"}
        assert {kernels.array for kernels in sums.kernels} == stored.keys() - others
        assert all(stored[kernels.array] % kernels.pairs == 0 for kernels in sums.kernels)
        if sums.per_channel:
            assert (sums.kernels[0].inputs, sums.kernels[-1].outputs) == (inputs[0][0], op.output(inputs)[0])


@pytest.mark.parametrize("name", sorted(REGISTRY.keys() - {"flatten"}))
def test_an_operator_on_one_channel_returns_one_channel(name: str) -> None:
    """Flattening moves all positions to the channels; joins and operators that move channels have no narrow form, and
    bidirectional layers have a channel for each direction."""
    for op, inputs in cases(name):
        if getattr(op, "bidirectional", False) or op.tensor_arguments():
            continue
        if op.arity == 1 and not (op.reorders or op.pairs_features) and op.feature_axis(inputs, (0,)) is not None:
            single = (1, *inputs[0][1:])
            assert op.on_one_channel(len(single)).output((single,))[0] == 1


@pytest.mark.parametrize("name", REGISTRY)
def test_narrowing_divides_widths_and_nothing_else(name: str) -> None:
    for op, _ in cases(name):
        assert op.narrowed(1).attributes() == op.attributes()
        before, after = op.attributes(), op.narrowed(5).attributes()
        changed = {key for key in before if before[key] != after[key]}
        assert changed in (set(), set(op.widths))
        assert all(after[key] == -(-before[key] // 5) for key in changed)


@pytest.mark.parametrize("name", REGISTRY)
def test_strides_are_those_that_are_written(name: str) -> None:
    for op, _ in cases(name):
        assert op.strides() == (getattr(op, "stride", ()) or getattr(op, "kernel", ()))


def test_kernels_are_drawn_by_their_fan_in() -> None:
    """He et al. 2015: variance 1/(products per output · mean square of what is read)."""
    read = Spread(1.0, 2.0)
    down = conv.Conv(channels=8, kernel=(3, 3), pad="valid", stride=(1, 1), dilation=(1, 1), groups=2)
    assert down.initial("weight", (8, 6, 3, 3), read) == (0.0, 1 / sqrt(6 * 9 * 3))
    up = conv.TransposedConv(channels=8, kernel=(4, 4), stride=(2, 2))
    assert up.initial("weight", (12, 8, 4, 4), read) == (0.0, 1 / sqrt(12 * 4 * 3))  # 4 of 16 weights meet an output
    tabled = conv.Conv(channels=2, kernel=(5,), pad="valid", table=((True, True), (True, False), (True, False)))
    assert tabled.fan_in((4, 5)) == 10  # 3 maps feed the first output, 1 the second
    assert dense.FullyConnected(features=4).initial("bias", (4,), read) == (0.0, 0.0)


def test_arrays_that_are_not_random_start_neutral() -> None:
    read = Spread(1.0, 2.0)
    assert norm.BatchNorm().initial("variance", (4,), read) == (3.0, 0.0)
    assert pool.Subsample(kernel=(2, 3)).initial("coefficient", (4,), read) == (1 / 6, 0.0)
    assert norm.Standardize(mean=(1, 2), std=(4,)).initial("mean", (2,), read) == ((1.0, 2.0), 0.0)


def test_spreads_of_sums_products_and_normalised_tensors() -> None:
    a, b = Spread(1.0, 2.0), Spread(-3.0, 4.0)
    shapes = ((4, 5), (4, 5))
    assert joins.Add().spread((a, b), shapes) == (-2.0, 6.0)
    assert joins.Sub().spread((a, b), shapes) == (4.0, 6.0)
    assert joins.Mul().spread((a, b), shapes) == (-3.0, 3 * 13 - 9)
    assert joins.Concat().spread((a, b), shapes) == b
    assert norm.LayerNorm().spread((b,), shapes[:1]) == (0.0, 1.0)
    rms = norm.RmsNorm().spread((b,), shapes[:1])
    assert rms.square == pytest.approx(1)
    assert rms.mean == pytest.approx(-3 / sqrt(13))
    assert activation.Relu().spread((Spread(),), shapes[:1]).square == pytest.approx(0.5)
    assert prod(arithmetic.Scale(factor=2).spread((a,), shapes[:1])) == 2 * 8
