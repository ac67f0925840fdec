"""Fully connected layers and their relatives."""

from __future__ import annotations

from archcalc.ops import Operator, dense


def count(op: Operator, *shape: int, trainable: bool | None = None) -> int:
    weights = op.weights((shape,))
    return sum(w.count for w in weights if trainable is None or w.trainable == trainable)


def test_fc_flattens_and_has_a_bias_per_output() -> None:
    f6 = dense.FullyConnected(features=84)
    assert f6.output(((120, 1, 1),)) == (84,)
    assert count(f6, 120, 1, 1) == 10_164  # LeCun et al. 1998
    assert count(dense.FullyConnected(features=1024, bias=False), 1024, 7, 7) == 51_380_224  # the lecture: 51.3M
    assert f6.windows(((120, 1, 1),)) == ((None, None, None),)
    assert f6.windows(((120,),)) == ((None,),)


def test_fc_costs_one_multiplication_per_weight() -> None:
    cost = dense.FullyConnected(features=84).cost(((120,),))
    assert (cost.macs, cost.connections) == (10_080, 10_164)
    assert cost.operations == {"mul": 10_080, "add": 10_080}
    assert dense.FullyConnected(features=84, bias=False).cost(((120,),)).operations["add"] == 84 * 119


def test_linear_acts_on_the_last_axis_only() -> None:
    op, shape = dense.Linear(features=3072), ((197, 768),)  # a ViT-B/16 token MLP
    assert op.output(shape) == (197, 3072)
    assert count(op, 197, 768) == 768 * 3072 + 3072
    assert op.cost(shape).macs == 197 * 768 * 3072
    assert [window is None for window in op.windows(shape)[0]] == [False, True]
    assert [window is None for window in op.windows(((3, 8, 8),))[0]] == [False, False, True]


def test_the_rbf_layer_of_lenet5_has_840_fixed_parameters() -> None:
    op = dense.RadialBasis(features=10)
    assert op.output(((84,),)) == (10,)
    assert (count(op, 84, trainable=False), count(op, 84, trainable=True)) == (840, 0)
    assert count(dense.RadialBasis(features=10, trainable=True), 84, trainable=True) == 840
    cost = op.cost(((84,),))
    assert (cost.macs, cost.connections) == (0, 840)
    assert cost.operations == {"mul": 840, "add": 10 * (84 + 83)}


def test_embedding_replaces_every_number_by_a_vector() -> None:
    op = dense.Embedding(vocabulary=30_522, dim=768)  # BERT base
    assert op.output(((128,),)) == (128, 768)
    assert count(op, 128) == 23_440_896
    assert op.cost(((128,),)).operations == {}
    assert op.cost(((128,),)).connections == 128 * 768
