"""Folded weights: the folded network gives the outputs of the original one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.fold import fold
from archcalc.executor.folding import folded_weights
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.kernel import Array
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from tests.random_networks import networks
from tests.spec.reading import chain, graph

few = settings(max_examples=25)


def drawn(network: Graph, seed: int = 0) -> dict[str, Array]:
    """Return weights in double precision, with statistics, scales and shifts as after training."""
    rng = np.random.default_rng(seed)
    weights = initial_arrays(network, dtype=np.float64)
    for name, array in weights.items():
        kind = name.rpartition(".")[2]
        if kind in ("variance", "std", "scale"):
            weights[name] = array * rng.uniform(0.5, 2, array.shape)
        elif kind in ("mean", "shift", "bias"):
            weights[name] = array + rng.normal(0, 0.5, array.shape)
    return weights


def difference(network: Graph) -> tuple[int, float]:
    """Return the number of layers that are folded away, and the largest relative difference of outputs."""
    folding = fold(network)
    weights = drawn(network)
    rng = np.random.default_rng(1)
    inputs = {name: rng.normal(0, 1, (2, *shape)) for name, shape in network.inputs.items()}
    before = Interpreter(network, weights).run(inputs).outputs
    after = Interpreter(folding.folded, folded_weights(network, folding.folds, weights)).run(inputs).outputs
    apart = [
        np.abs(one - other).max() / max(np.abs(one).max(), 1e-30)
        for one, other in zip(before.values(), after.values(), strict=True)
        if np.isfinite(one).all()
    ]
    return len(folding.folds), max(apart, default=0.0)


@pytest.mark.parametrize(
    ("layers", "gone"),
    [
        ("conv 6 k3 half -> bn", 1),
        ("conv 6 k3 half nobias g2 -> bn eps=0.1", 1),
        ("conv 6 k3 s2 ws -> bn noaffine", 1),
        ("conv 6 k3 ws nobias -> bn -> bn", 2),
        ("dwconv k3 multiplier=2 -> bn", 1),
        ("sepconv 5 k3 multiplier=2 nobias same -> bn", 1),
        ("upconv 6 k3 s2 g2 -> bn", 1),
        ("upconv 6 k3 s2 p1 nobias outpad=1 -> bn -> relu", 1),
        ("fc 7 -> bn -> relu", 1),
        ("gap -> flatten -> linear 7 nobias -> bn", 1),
        ("bn -> conv 6 k3 g2", 1),
        ("bn -> conv 6 k3 ws nobias s2", 1),
        ("bn -> dwconv k3 multiplier=2 nobias", 1),
        ("bn -> sepconv 5 k3 multiplier=2", 1),
        ("bn -> fc 7", 1),
        ("relu -> bn -> conv 6 k3 nobias -> bn -> relu", 2),
        ("standardize mean=0.5x0.4x0.3x0.2 std=0.2x0.3x0.4x0.5 -> bn -> conv 5 k1 g1 -> bn", 3),
    ],
)
def test_the_folded_network_has_the_same_outputs(layers: str, gone: int) -> None:
    folds, apart = difference(chain(layers, "4x9x8"))
    assert folds == gone
    assert apart < 1e-12


def test_connection_tables_fold_both_ways() -> None:
    text = 'input: 3x9x9\ntables: {t: "X.X. / .XX. / XX.X"}\nlayers:\n  - bn -> conv 4 k3 table=t nobias -> bn\n'
    folds, apart = difference(graph(text))
    assert folds == 2
    assert apart < 1e-12


@few
@given(networks())
def test_folded_random_networks_have_the_same_outputs(text: str) -> None:
    network = graph(text)
    if any(node.op.name in ("embedding", "subsample") for node in network.nodes):
        return
    _, apart = difference(network)
    assert apart < 1e-6


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v1", "colourisation-unet"])
def test_folded_bundled_networks_have_the_same_outputs(name: str) -> None:
    network = archcalc.load(name, shapes=None if "unet" in name else "3x32x32").graph
    folds, apart = difference(network)
    assert folds
    assert apart < 1e-10


def test_the_number_format_stays() -> None:
    network = chain("conv 4 k3 -> bn -> fc 3", "2x5x5")
    weights = initial_arrays(network, dtype=np.float32)
    folded = folded_weights(network, fold(network).folds, weights)
    assert {array.dtype for array in folded.values()} == {np.dtype(np.float32)}
    assert folded["fc_1.weight"] is weights["fc_1.weight"]
    assert set(folded) == {"conv_1.weight", "conv_1.bias", "fc_1.weight", "fc_1.bias"}
