"""Shared weights: they count once in every sum, and at every use in connections and MACs."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.analysis.fold import fold
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays, stored_array_shapes
from archcalc.query.targets import resolve
from archcalc.verification.verify import verify
from tests.spec.reading import graph

TOWERS = """
    name: towers
    inputs: {left: 3x12x12, right: 3x12x12}
    variables: {width: 4}
    shared:
      tower(act=relu): conv width k3 half -> act -> (conv width k3 half nobias -> bn)*2
    layers:
      - one: tower
      - two: "@right -> tower(tanh)"
      - both: sub(@one, @two)
      - last: conv width k3 half weights=@one/conv_2
"""
SMALL, LARGE, NORM = 4 * 3 * 9 + 4, 4 * 4 * 9, 4 * 4
TOWER = SMALL + 2 * LARGE + 2 * NORM


def towers() -> Analysis:
    return analyze(graph(TOWERS))


def test_a_linear_layer_applied_a_hundred_times() -> None:
    text = "input: 1024\nshared: {step: fc 1024}\nlayers: [body: (step)*100]\n"
    totals = analyze(graph(text)).totals
    assert totals.params == 1_049_600
    assert totals.macs == 100 * 1024 * 1024
    assert totals.connections == 100 * 1_049_600


def test_totals_count_every_weight_once() -> None:
    analysis = towers()
    assert analysis.totals.params == TOWER + 4
    assert analysis.totals.trainable == TOWER + 4 - 2 * 2 * 4
    assert analysis.totals.macs == 144 * (2 * (4 * 3 * 9 + 2 * LARGE) + LARGE)


def test_a_target_counts_every_weight_that_its_layers_use_once() -> None:
    analysis = towers()
    for target, number in {
        "one.params": TOWER,
        "two.params": TOWER,
        "two/conv_1.params": SMALL,
        "last.params": LARGE + 4,
        "params": TOWER + 4,
        "memory": 4 * (TOWER + 4),
    }.items():
        assert resolve(target, analysis).values == (number,), target


def test_the_executor_stores_shared_arrays_once() -> None:
    network = graph(TOWERS)
    names = stored_array_shapes(network)
    assert not any(name.startswith("two/") for name in names)
    assert [name for name in names if name.startswith("last")] == ["last.bias"]
    inputs = random_inputs(network, dtype=np.float64)
    same = {name: next(iter(inputs.values())) for name in inputs}
    alike = graph(TOWERS.replace("tower(tanh)", "tower"))
    output = Interpreter(alike, initial_arrays(alike, dtype=np.float64)).run(same, keep=["both"])
    assert not output.kept["both"].any()


def test_changing_a_shared_array_changes_every_use() -> None:
    network = graph("input: 6\nlayers:\n  - a: fc 6 nobias\n  - b: relu -> fc 6 nobias weights=@a\n")
    weight = np.random.default_rng(0).standard_normal((6, 6))
    x = np.arange(6.0)[None]
    (output,) = Interpreter(network, {"a.weight": weight}).run({"input": x}).outputs.values()
    np.testing.assert_allclose(output, np.maximum(x @ weight.T, 0) @ weight.T)


def test_layers_that_share_weights_are_not_folded() -> None:
    folding = fold(graph(TOWERS))
    assert folding.folds == ()
    assert "the weights of one/bn_1 are also those of two/bn_1" in folding.kept[0].reason


def test_folding_around_shared_layers_keeps_them_shared() -> None:
    text = TOWERS.replace("- one: tower", "- pre: conv 3 k1 -> bn\n      - one: tower")
    folded = fold(graph(text)).folded
    assert [node.op.name for node in folded.nodes if node.stage == "pre"] == ["conv"]
    assert {folded.nodes[owner].name for node in folded.nodes for owner in node.tied.values()} <= {
        node.name for node in folded.nodes if node.stage == "one"
    }


@pytest.mark.slow
def test_a_network_with_shared_weights_is_verified() -> None:
    checks = {check.aspect: check for check in verify(graph(TOWERS))}
    assert all(check.holds for check in checks.values())
    assert checks["params"].compared == 1 + len(towers().layers)
