"""Generated code for Keras, on PyTorch: models have the parameters, shapes and outputs of the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed
from archcalc.api import load
from archcalc.graph import Graph
from archcalc.spec import SpecError
from archcalc.writers.keras.registry import LAYERS
from archcalc.writers.keras.write import write_keras
from tests.oracle.generated_keras import differences, model_of
from tests.random_networks import layers, networks
from tests.writers.code.networks import LOOPS, SHARED, graph

pytestmark = pytest.mark.torch

some = settings(max_examples=8, derandomize=True)

TOLERANCE = 2e-3
"""The largest difference, relative to the largest number of an output; deep networks amplify rounding errors."""

PADDINGS = """
input: 3x13x14
layers:
  - uneven: conv 4 k3 s2 p=1:0
  - dilated: conv 6 k3 d2 same g2 -> elu
  - grown: upconv 5 k4 s2 p1 -> upconv 5 k3 s2 p1 outpad=1 -> upconv 4 k2 s2
  - up: maxpool 3 s2 ceil -> avgpool 3 s1 p1 exclude_pad -> upsample 2 bilinear
  - head: sepconv 8 k3 half multiplier=2 -> dwconv k5 half -> fc 5
"""
SEQUENCES = """
input: 12
layers:
  - embed: embedding 30 8
  - states: lstm 6 layers=2 bidirectional onebias -> gru 5 onebias reset_before -> gru 4
  - last: rnn 7 final onebias -> fc 3 -> softmax
"""
TOKENS = """
input: 3x16x16
layers:
  - patches: conv 8 k4 s4 -> rearrange 'c h w = (h w) c'
  - tokens: concat(learned 1x8, identity, axis=0) -> add(identity, learned 17x8)
  - body: add(identity, ln axis=last -> attention heads=2) -> attention heads=2 causal -> attention heads=4 rope nobias
  - grouped: attention heads=4 kv_heads=2 -> attention heads=4 window=3 causal
  - head: ln axis=last -> slice 0:1 axis=0 -> fc 5
"""
VECTORS = """
input: 6x5
layers:
  - maps: conv 4 k3 half
  - heads: "concat(slice 1:2 axis=1 -> fc 3, slice 2:3 axis=0 -> flatten -> fc 2, slice (-1): axis=0 -> fc 2)"
  - all: atan -> fc 2
"""
SINGLE_NUMBERS = """
input: 1
blocks:
  squared: einsum('a, a = a', identity, identity) -> tanh
layers:
  - first: fc 1 -> (repeat '1 -> z' z=3) -> fc 1
  - second: squared -> repeat '1 -> z' z=2 -> fc 4
"""
NETWORKS = {
    "shared": SHARED,
    "loops": LOOPS,
    "paddings": PADDINGS,
    "sequences": SEQUENCES,
    "tokens": TOKENS,
    "vectors": VECTORS,
    "single numbers": SINGLE_NUMBERS,
}


@pytest.fixture(scope="module", autouse=True)
def keras() -> Any:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    return pytest.importorskip("keras")


def is_written(network: Graph) -> bool:
    """Return whether Keras can express a network; what it cannot is an error with reasons."""
    try:
        return bool(write_keras(network))
    except SpecError as error:
        if any(problem.code != "write" for problem in error.problems):
            raise
        return False


def agrees(network: Graph) -> None:
    assert model_of(network).count_params() == int(analyze(network).totals.params)
    assert max(differences(network).values()) < TOLERANCE


@pytest.mark.parametrize("name", sorted(LAYERS))
@settings(some)
@given(data=st.data())
def test_every_operator_that_is_written_computes_the_same(name: str, data: st.DataObject) -> None:
    network = graph(data.draw(layers(name)))
    if is_written(network):
        assert max(differences(network).values(), default=0) < TOLERANCE


@pytest.mark.slow
@settings(some, max_examples=40)
@given(networks())
def test_random_networks_compute_the_same(text: str) -> None:
    network = graph(text)
    if is_written(network):
        assert max(differences(network).values(), default=0) < TOLERANCE


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_networks_of_all_kinds_agree(text: str) -> None:
    agrees(graph(text))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["lenet5", "resnet18", "mobilenet-v2", "unet", "densenet-cifar", "vit", "gpt2", "swin"]
)
def test_bundled_networks_agree_when_they_are_narrowed(name: str) -> None:
    agrees(narrowed(load(name).graph, 8))


def test_training_heads_are_further_outputs() -> None:
    network = graph(LOOPS)
    assert [each.shape for each in model_of(network, training_heads=True).outputs] == [(None, 5), (None, 5)]
    assert len(model_of(network).outputs) == 1


def test_saved_models_are_read_back(tmp_path: Path) -> None:
    network = graph(LOOPS.split("training_heads")[0])
    model_of(network).save(tmp_path / "net.keras")
    before, after = analyze(network).totals, load(str(tmp_path / "net.keras")).analyze().totals
    assert (after.params, after.trainable, after.macs) == (before.params, before.trainable, before.macs)
