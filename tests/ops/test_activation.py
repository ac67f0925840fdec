"""Activations: shapes stay, costs are the operations of the formulas."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import REGISTRY, activation, arithmetic

ONE_NUMBER = {  # operations in the formula of each docstring, counted by hand
    "relu": {"cmp": 1},
    "relu6": {"cmp": 2},
    "leaky_relu": {"cmp": 1, "mul": 1},
    "prelu": {"cmp": 1, "mul": 1},
    "elu": {"cmp": 1, "exp": 1, "add": 1, "mul": 1},
    "selu": {"cmp": 1, "exp": 1, "add": 1, "mul": 2},
    "gelu": {"mul": 3, "add": 1, "erf": 1},
    "silu": {"exp": 1, "add": 1, "div": 1},
    "mish": {"exp": 1, "add": 1, "log": 1, "tanh": 1, "mul": 1},
    "sigmoid": {"exp": 1, "add": 1, "div": 1},
    "tanh": {"tanh": 1},
    "hardswish": {"add": 1, "cmp": 2, "mul": 1, "div": 1},
    "hardsigmoid": {"add": 1, "cmp": 2, "div": 1},
    "softplus": {"exp": 1, "add": 1, "log": 1},
    "dropout": {},
    "spatial_dropout": {},
}


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_elementwise_operators_keep_the_shape_and_cost_their_formula(name: str) -> None:
    op, inputs = REGISTRY[name](), ((4, 3, 5),)
    assert op.output(inputs) == (4, 3, 5)
    assert op.cost(inputs).operations == {kind: 60 * count for kind, count in ONE_NUMBER[name].items()}
    assert op.cost(inputs).macs == 0


def test_scale_multiplies_by_its_constant() -> None:
    op = arithmetic.Scale(factor=Fraction("0.17"))
    assert op.cost(((4, 3, 5),)).operations == {"mul": 60}
    assert op.weights(((4, 3, 5),)) == ()


def test_tanh_gelu_is_counted_as_its_approximation() -> None:
    assert activation.Gelu(form="tanh").cost(((10,),)).operations == {"mul": 60, "add": 20, "tanh": 10}


def test_prelu_shares_one_slope_by_default() -> None:
    shape = ((64, 7, 7),)
    assert sum(w.count for w in activation.PRelu().weights(shape)) == 1
    assert sum(w.count for w in activation.PRelu(slopes="channels").weights(shape)) == 64


def test_maxout_keeps_the_largest_of_each_group_of_channels() -> None:
    op, inputs = activation.Maxout(pieces=3), ((12, 4, 4),)
    assert op.output(inputs) == (4, 4, 4)
    assert op.cost(inputs).operations == {"cmp": 4 * 4 * 4 * 2}
    with pytest.raises(Impossible, match="10 channels are not divisible into groups of 3"):
        op.output(((10, 4, 4),))


def test_softmax_normalises_along_its_axis() -> None:
    vector = activation.Softmax().cost(((1000,),)).operations
    assert vector == {"cmp": 999, "add": 1000 + 999, "exp": 1000, "div": 1000}
    rows = activation.Softmax(axis=-1).cost(((8, 4, 10),)).operations  # 32 groups of 10
    assert rows == {"cmp": 32 * 9, "add": 32 * 19, "exp": 320, "div": 320}
    logarithm = activation.LogSoftmax().cost(((1000,),)).operations
    assert logarithm == {"cmp": 999, "add": 1000 + 999 + 1000, "exp": 1000, "log": 1}


def test_softmax_over_positions_sees_all_of_them() -> None:
    shape = ((8, 4, 10),)
    assert [w is None for w in activation.Softmax().windows(shape)[0]] == [True, False, False]
    assert [w is None for w in activation.Softmax(axis=1).windows(shape)[0]] == [False, True, False]
    with pytest.raises(Impossible, match="axis 3 does not exist"):
        activation.Softmax(axis=3).output(shape)


def test_a_dropout_rate_is_a_probability() -> None:
    assert activation.Dropout().rate == Fraction(1, 2)
    for rate in (-1, Fraction(3, 2)):
        with pytest.raises(Impossible, match="from 0 to 1"):
            activation.Dropout(rate=rate).output(((10,),))
    with pytest.raises(Impossible, match="spatial_dropout needs channels"):
        activation.SpatialDropout().output(((10,),))


@pytest.mark.torch
def test_defaults_are_those_of_pytorch() -> None:
    nn: Any = pytest.importorskip("torch").nn
    assert float(activation.LeakyRelu().slope) == nn.LeakyReLU().negative_slope
    assert float(activation.Elu().alpha) == nn.ELU().alpha
    assert float(activation.Dropout().rate) == nn.Dropout().p
    assert nn.PReLU().weight.numel() == sum(w.count for w in activation.PRelu().weights(((64, 7, 7),)))
    assert nn.GELU().approximate == "none"
    assert activation.Gelu().form == "exact"
