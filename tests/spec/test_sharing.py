"""Weights that several layers share: blocks under ``shared:`` and ``weights=@layer``."""

from __future__ import annotations

import pytest

from archcalc.graph import Graph
from tests.spec.reading import graph, marked, problem

TOWERS = """
    inputs: {left: 3x16x16, right: 3x16x16}
    blocks:
      unit(c): conv c k3 half nobias -> bn
    shared:
      tower(c, act=relu): conv c k3 half -> act -> (unit(c))*2
    layers:
      - one: tower(8)
      - two: "@right -> tower(8, tanh)"
"""


def owners(network: Graph) -> dict[str, dict[str, str]]:
    """Return the layers that the weights of each layer belong to, by their names."""
    return {
        node.name: {weight: network.nodes[owner].name for weight, owner in node.tied.items()}
        for node in network.nodes
        if node.tied
    }


def test_all_calls_of_a_shared_block_have_the_weights_of_the_first() -> None:
    assert owners(graph(TOWERS)) == {
        "two/conv_1": {"weight": "one/conv_1", "bias": "one/conv_1"},
        **{f"two/conv_{n}": {"weight": f"one/conv_{n}"} for n in (2, 3)},
        **{f"two/bn_{n}": dict.fromkeys(("scale", "shift", "mean", "variance"), f"one/bn_{n}") for n in (1, 2)},
    }


def test_a_linear_layer_applied_a_hundred_times_is_stored_once() -> None:
    text = """
        input: 1024
        shared:
          step: fc 1024
        layers:
          - body: (step)*100
    """
    network = graph(text)
    assert len(network.nodes) == 101
    assert {owner for each in owners(network).values() for owner in each.values()} == {"body/fc_1"}


def test_a_shared_block_inside_another_block_is_shared_by_all() -> None:
    text = """
        inputs: {a: 10, b: 10}
        shared:
          embed: fc 6
        blocks:
          placed: embed -> fc 6
        layers:
          - x: placed
          - y: "@b -> placed"
    """
    assert owners(graph(text)) == {"y/fc_1": dict.fromkeys(("weight", "bias"), "x/fc_1")}


def test_a_layer_uses_the_weights_of_another_and_keeps_the_others_of_its_own() -> None:
    text = """
        input: 10
        layers:
          - a: fc 10 nobias
          - b: fc 10 weights=@a
          - c: fc 10 nobias weights=@b
    """
    assert owners(graph(text)) == {"b": {"weight": "a"}, "c": {"weight": "a"}}


def test_the_layer_may_be_named_by_a_path_a_local_or_a_parameter() -> None:
    text = """
        input: 10
        blocks:
          again(t): fc 10 weights=@t
          two:
            first: fc 10 -> relu -> fc 10
            second: fc 10
            third: fc 10 weights=@second
        layers:
          - a: two
          - b: fc 10 weights=@a/fc_2
          - c: again(@a/second)
    """
    assert {name: each["weight"] for name, each in owners(graph(text)).items()} == {
        "a/third": "a/second",
        "b": "a/fc_2",
        "c": "a/second",
    }


@pytest.mark.parametrize(
    ("stages", "what", "at"),
    [
        (
            ["a: fc 10", "b: fc 5 weights=@a"],
            "shared weights must have equal shapes: weight 5x10 here, weight 10x10 there",
            "weights=@a",
        ),
        (
            ["a: relu", "b: fc 5 weights=@a"],
            "fc stores nothing that it could share: that layer stores nothing",
            "weights=@a",
        ),
        (["a: fc 10", "b: relu weights=@a"], "relu stores nothing that it could share", "weights=@a"),
        (["a: fc 10 -> relu", "b: fc 10 weights=@a"], "'@a' has 2 layers", "weights=@a"),
        (["b: fc 10 weights=@input"], "'@input' has no layer", "weights=@input"),
        (["b: fc 10 weights=3"], "weights= must name a layer, got 3", "weights=3"),
        (["a: fc 10 weights=@a"], "'@a' refers to the stage that contains it", "@a"),
        (["a: fc 10 weights=@b", "b: fc 10 weights=@a"], "'@b' refers to a later stage", "@b"),
    ],
)
def test_weights_that_cannot_be_shared_are_located_errors(stages: list[str], what: str, at: str) -> None:
    found = problem("input: 10\nlayers:\n" + "".join(f"  - {stage}\n" for stage in stages))
    assert what in found.message
    assert marked(found) == at


@pytest.mark.parametrize(
    ("second", "needed", "other"),
    [
        ('"@right -> tower(6)"', "the weight 6x3x3x3 of conv", "needs weight 8x3x3x3"),
        ('"@right -> conv 4 k1 -> tower(8)"', "the weight 8x4x3x3 of conv", "needs weight 8x3x3x3"),
        ('"@right -> tower(8, prelu)"', "the slope 1 of prelu", "does not"),
        ('"@right -> tower(8, bn)"', "the scale 8 of bn", "does not"),
    ],
)
def test_a_call_that_needs_other_weights_is_an_error_that_names_both(second: str, needed: str, other: str) -> None:
    found = problem(TOWERS.replace('"@right -> tower(8, tanh)"', second))
    assert found.code == "sharing"
    assert f"needs {needed}" in found.message
    assert f"the first one, at net.yaml:7:10, {other}" in found.message
    assert found.place()[1] == 8
    assert marked(found) == "tower"


def test_sharing_in_a_circle_is_an_error() -> None:
    text = "input: 10\nshared: {a: b -> fc 10}\nblocks: {b: a}\nlayers: [b]\n"
    found = problem(text)
    assert found.code == "cycle"


def test_shared_blocks_and_blocks_have_one_name_space() -> None:
    found = problem("input: 10\nblocks: {a: relu}\nshared: {a: relu}\nlayers: [a]\n")
    assert found.message == "two blocks are called 'a'"
