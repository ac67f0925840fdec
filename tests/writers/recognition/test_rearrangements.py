"""Chains of reshapes and transpositions as one layer, and other layers that can be left out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.spec.write import write_layer
from archcalc.writers.recognition import recognised
from archcalc.writers.recognition.joins import with_nested_concatenations
from archcalc.writers.recognition.order import with_branches_in_order
from archcalc.writers.recognition.rearrangements import with_rearrangements
from tests.writers.recognition.networks import graph, operators, same_totals, same_values

CHAINS = {
    "tokens": ("16x6x4", "reshape 16x24 -> transpose 1x0", ["rearrange 'c h w = (h w) c'"]),
    "windows": (
        "6x4x8",
        "reshape 6x2x2x2x4 -> transpose 1x3x2x4x0 -> reshape 4x8x6",
        ["rearrange 'c (h p) (w q) = (h w) (p q) c' p=2 q=4"],
    ),
    "nothing": ("4x6", "reshape 24 -> reshape 6x4 -> reshape 4x6", []),
    "two transpositions": ("4x6x2", "transpose 1x2x0 -> transpose 2x0x1", []),
    "one transposition": ("4x6x2", "transpose 1x2x0 -> transpose 1x2x0", ["transpose 2x0x1"]),
    "a vector": ("4x6", "reshape 2x12 -> reshape 24", ["flatten"]),
    "sizes that cut across each other": ("4x6", "reshape 3x8 -> reshape 6x4 -> flatten", ["flatten"]),
    "a reshape": ("4x6", "reshape 2x12 -> reshape 8x3", ["reshape 8x3"]),
    "in front of a fully connected layer": ("4x6", "transpose 1x0 -> flatten -> fc 3", ["fc 3"]),
}


@pytest.mark.parametrize(("shape", "chain", "expected"), CHAINS.values(), ids=CHAINS)
def test_chains_become_one_layer(shape: str, chain: str, expected: list[str]) -> None:
    network = graph(f"input: {shape}\nlayers:\n  - {chain}")
    found = with_rearrangements(network)
    assert [write_layer(node.op) for _, node in found.layers()] == expected
    assert same_totals(network, found)


@st.composite
def chains(draw: st.DrawFn) -> str:
    """Return a network of reshapes and transpositions."""
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=2, max_size=4))
    layers = []
    shape = list(sizes)
    for _ in range(draw(st.integers(1, 4))):
        if len(shape) > 1 and draw(st.booleans()):
            order = draw(st.permutations(range(len(shape))))
            shape = [shape[axis] for axis in order]
            layers.append(f"transpose {'x'.join(map(str, order))}")
            continue
        place = draw(st.integers(0, len(shape) - 1))
        if draw(st.booleans()) and shape[place] % 2 == 0:
            shape[place : place + 1] = [2, shape[place] // 2]
        elif place + 1 < len(shape):
            shape[place : place + 2] = [shape[place] * shape[place + 1]]
        layers.append(f"reshape {'x'.join(map(str, shape))}")
    return f"input: {'x'.join(map(str, sizes))}\nlayers:\n  - {' -> '.join(layers)}"


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(chains())
def test_the_elements_have_the_same_order(written: str) -> None:
    network = graph(written)
    found = with_rearrangements(network)
    assert same_values(network, found)


def test_a_stored_tensor_has_the_shape_that_is_read() -> None:
    network = graph("input: 5x8\nlayers:\n  - x: identity\n  - p: learned 1x5x8 -> reshape 5x8\n  - y: add(@x, @p)")
    found = recognised(network)
    assert [write_layer(node.op) for _, node in found.layers()] == ["learned 5x8", "add"]


def test_sums_and_repetitions_are_kept() -> None:
    network = graph("input: 3x4\nlayers:\n  - a: reduce 'c n = n' mean\n  - b: repeat 'n = n r' r=2\n  - c: fc 2")
    assert operators(recognised(network)) == ["reduce", "repeat", "fc"]


def test_a_rearrangement_that_others_read_is_kept() -> None:
    network = graph("input: 4x6\nlayers:\n  - a: transpose 1x0\n  - b: reshape 24\n  - c: fc 2\nheads: {d: '@a'}")
    assert operators(recognised(network))[0] == "transpose"


def test_a_dense_block_joins_what_was_joined_before() -> None:
    network = graph(
        """
        input: 4x8x8
        layers:
          - a: conv 2 k3 p1
          - b: concat(@input, identity) -> conv 2 k3 p1
          - c: concat(@input, @a, identity) -> conv 2 k3 p1
          - d: concat(@input, @a, @b, identity)
        """
    )
    found = with_nested_concatenations(network)
    assert [len(node.inputs) for node in found.nodes if node.op.name == "concat"] == [2, 2, 2]
    assert same_values(network, found)


def test_interleaved_branches_stand_one_after_the_other() -> None:
    network = graph(
        """
        input: 4x8x8
        layers:
          - x: conv 4 k1
          - a: conv 4 k3 p1
          - b: "@x -> conv 4 k1"
          - c: "@a -> relu"
          - d: "@b -> tanh"
          - e: add(@c, @d) -> conv 2 k1
        """
    )
    found = with_branches_in_order(network)
    assert operators(found) == ["conv", "conv", "relu", "conv", "tanh", "add", "conv"]
    assert same_values(network, found)
