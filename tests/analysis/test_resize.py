"""The same network on other input sizes, or with fewer channels."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed, resized, with_smallest_inputs
from archcalc.numeric import Impossible
from tests.spec.reading import chain, graph


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "unet"])
def test_resizing_equals_the_spec_on_that_size(name: str) -> None:
    shape = {"unet": (1, 700, 700)}.get(name, (3, 320, 288))
    written = archcalc.load(name, shapes="x".join(map(str, shape))).graph
    network = resized(archcalc.load(name).graph, {"input": shape})
    assert [node.outputs for node in network.nodes] == [node.outputs for node in written.nodes]
    assert analyze(network).totals.macs == analyze(written).totals.macs


def test_narrowing_equals_the_spec_with_that_width() -> None:
    written = archcalc.load("resnet50", set={"width": 16, "classes": 250})
    network = narrowed(archcalc.load("resnet50").graph, 4)
    assert analyze(network).totals.params == written.analyze().totals.params


def test_sources_are_as_narrow_as_the_tensors_that_they_join() -> None:
    """The last axis of tokens is narrowed, and the first of maps; scores and offsets keep their features."""
    network = narrowed(
        graph(
            """
            inputs: {x: 3x4x4, tokens: 6x16}
            blocks:
              deformed:
                x: identity
                o: conv 18 k3 half -> relu
                y: "@x -> deform_conv 16 k3 half offset=@o"
              mixed:
                x: identity
                b: learned 4x6x6
                y: "@x -> attention heads=4 score_bias=@b"
            layers:
              - maps: "@x -> conv 16 k1 -> mul(identity, learned 16) -> add(identity, learned 16x1x1) -> deformed"
              - rows: "@tokens -> linear 16 -> concat(learned 1x16, slice 0:5) -> add(identity, learned 6x16) -> mixed"
            """
        ),
        4,
    )
    stored = [node.output for _, node in network.layers() if node.op.arity == 0]
    assert stored == [(4,), (4, 1, 1), (1, 4), (6, 4), (4, 6, 6)]
    assert [node.output[0] for _, node in network.layers() if node.op.kind == "convolution"] == [4, 18, 4]


@pytest.mark.parametrize(
    ("layers", "stored"),
    [
        (
            "linear 16 -> add(identity, add(learned 1x2x16, learned 3x1x16) -> rearrange 't s c = (t s) c') -> ln",
            [(1, 2, 4), (3, 1, 4)],
        ),
        (
            "linear 16 -> add(identity, concat(learned 1x16, learned 16x5 -> rearrange 'c n = n c')) -> ln",
            [(1, 4), (4, 5)],
        ),
        ("linear 16 -> add(identity, learned 16x6 -> transpose 1x0) -> ln", [(4, 6)]),
        ("linear 16 -> matmul(identity, learned 16x5) -> relu", [(4, 5)]),
        (
            "linear 16 -> rearrange 'n (h d) = h n d' h=2 -> einsum('h n d, d k = h n k', identity, learned 8x5)",
            [(2, 5)],
        ),
        (
            "linear 16 -> rearrange 'n (h d) = h n d' h=2 -> "
            "einsum('h n d, d n k = h n k', identity, relative_bias 6 heads=8 -> slice 0: axis=2)",
            [(2, 6, 6)],
        ),
    ],
)
def test_stored_tensors_that_are_reordered_joined_or_multiplied_are_narrowed(
    layers: str, stored: list[tuple[int, ...]]
) -> None:
    network = chain(layers, "6x16")
    narrow = narrowed(network, 4)
    assert [node.output for _, node in narrow.layers() if node.op.arity == 0] == stored


def test_the_smallest_input() -> None:
    network = chain("conv 4 k5 -> maxpool 2 -> conv 4 k5 -> maxpool 2 -> fc 3", "3x64x64")
    assert with_smallest_inputs(network).inputs == {"input": (3, 16, 16)}
    assert with_smallest_inputs(network, 20).inputs == {"input": (3, 20, 20)}


def test_a_network_of_fixed_sizes_stays() -> None:
    network = chain("conv 4 k3 -> reshape 4x30x30", "3x32x32")
    assert with_smallest_inputs(network).inputs == network.inputs
    with pytest.raises(Impossible):
        resized(network, {"input": (3, 16, 16)})
