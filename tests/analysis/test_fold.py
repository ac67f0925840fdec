"""What folding removes, from the graph alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.fold import Folding, fold
from archcalc.analysis.propagate import analyze
from tests.random_networks import networks
from tests.spec.reading import chain, graph

few = settings(max_examples=25)


def left(folding: Folding) -> str:
    """Return the operators that are left."""
    return " ".join(node.op.name for _, node in folding.folded.layers())


def reasons(layers: str, shape: str = "4x9x9") -> list[str]:
    return [each.reason for each in fold(chain(layers, shape)).kept]


@pytest.mark.parametrize(
    ("layers", "after"),
    [
        ("conv 6 k3 half -> bn -> relu", "conv relu"),
        ("dwconv k3 -> bn -> sepconv 5 k3 -> bn -> bn", "dwconv sepconv"),
        ("upconv 5 k2 s2 -> bn -> fc 4 -> bn", "upconv fc"),
        ("bn -> conv 5 k3", "conv"),
        ("standardize mean=0.5 std=0.2 -> bn -> dwconv k3 -> relu", "dwconv relu"),
        ("relu -> bn -> fc 4", "relu fc"),
        ("gap -> flatten -> bn -> linear 4 -> bn", "gap flatten linear"),
    ],
)
def test_layers_that_are_folded_away(layers: str, after: str) -> None:
    folding = fold(chain(layers, "4x9x9"))
    assert left(folding) == after
    assert not folding.kept


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ("standardize mean=0.5 std=0.2 -> conv 5 k3 half", "conv_1 after it has zero padding"),
        ("relu -> bn -> conv 5 k3 same", "relu before it has no weighted sums; conv_1 after it has zero padding"),
        ("bn -> relu", "it reads an input; relu after it has no weighted sums"),
        ("relu -> bn", "its output is an output of the network"),
        ("bn -> add(relu, identity)", "several layers read it"),
        ("maxpool 2 -> bn -> upconv 3 k2 s2", "sums over different numbers of inputs"),
        ("linear 4 -> bn -> relu", "linear before it has outputs that are not its channels"),
        ("relu -> bn -> linear 4", "linear after it has the same weights for all channels"),
        ("conv 4 k3 half -> add(bn, identity) -> relu", "other layers read conv_1; add after it"),
    ],
)
def test_layers_that_stay_and_the_reasons(layers: str, reason: str) -> None:
    (found,) = reasons(layers)
    assert reason in found


def test_padding_of_width_zero_does_not_prevent_folding() -> None:
    assert not reasons("bn -> conv 5 k1 half -> relu -> bn -> conv 5 k2 s2 same", "4x8x8")


def test_an_output_is_not_changed() -> None:
    text = "input: 4x9x9\nlayers:\n  - a: conv 4 k3\n  - b: bn -> relu\nheads: {h: '@a'}\n"
    folding = fold(graph(text))
    assert not folding.folds
    assert "a is an output of the network" in folding.kept[0].reason


def test_preactivation_networks_keep_the_norms_before_their_activations() -> None:
    block = "add(bn -> relu -> conv 8 k3 half nobias -> bn -> relu -> conv 8 k3 half nobias, identity)"
    folding = fold(chain(f"conv 8 k3 half nobias -> ({block})*3 -> bn -> relu -> gap -> fc 10", "3x16x16"))
    assert len(folding.folds) == 3  # the one between the convolutions of each block
    assert len(folding.kept) == 4
    assert all("relu after it" in each.reason for each in folding.kept)


def test_weight_standardisation_is_applied_to_the_stored_weights() -> None:
    (_, node), *_ = fold(chain("conv 6 k3 ws nobias -> bn")).folded.layers()
    assert not node.op.ws
    assert node.op.bias


def test_resnet50_loses_its_batch_norms() -> None:
    """53 batch norms of 26,560 channels: 4 numbers per channel are removed, a bias per channel is added."""
    folding = fold(archcalc.load("resnet50").graph)
    before, after = analyze(folding.graph).totals, analyze(folding.folded).totals
    assert len(folding.folds) == 53
    assert before.params - after.params == 3 * 26_560
    assert after.params == 25_530_472
    assert "bn" not in left(folding).split()
    assert before.macs == after.macs


def test_before_and_after_of_every_layer_add_up() -> None:
    folding = fold(archcalc.load("mobilenet-v1").graph)
    changes = folding.changes()
    before, after = analyze(folding.graph).totals, analyze(folding.folded).totals
    for name in ("params", "mults", "flops", "macs"):
        assert sum(getattr(change.before, name) for change in changes) == getattr(before, name)
        assert sum(getattr(change.after, name) for change in changes) == getattr(after, name)
    conv = changes[0]
    assert [layer.op for layer in conv.absorbed] == ["bn"]
    assert (conv.before.params, conv.after.params) == (864 + 4 * 32, 864 + 32)
    assert conv.before.mults - conv.after.mults == 32 * 112 * 112


@few
@given(networks())
def test_shapes_and_outputs_stay(text: str) -> None:
    network = graph(text)
    folding = fold(network)
    again = folding.folded
    assert [again.shape(ref) for ref in again.outputs.values()] == [network.shape(r) for r in network.outputs.values()]
    assert len(again.nodes) + len(folding.folds) == len(network.nodes)
    for _, node in again.layers():
        assert node.op.outputs(again.input_shapes(node)) == node.outputs
    assert not fold(again).folds, "what can be folded is folded at once"
