"""Named entries in chains, references to them from inside and outside, tensors and blocks as arguments."""

from __future__ import annotations

import pytest

from tests.spec.reading import graph, marked, names, problem, readers, shapes

GATES = """
    input: 4x16
    blocks:
      layer(d):
        x: identity
        z: mul(conv 4 k3 half -> tanh, conv 4 k3 half -> sigmoid)
        skip: conv 6 k1
        out: add(@x, @z -> conv 4 k1)
    layers:
      - stack: layer(1)*3
"""


def test_named_entries_can_be_referred_to_in_the_rest_of_their_list() -> None:
    network = graph(GATES)
    assert names(network)[3:8] == ["stack/sigmoid_1", "stack/mul_1", "stack/skip_1", "stack/conv_3", "stack/add_1"]
    assert readers(network, "stack/skip_1") == ["stack/mul_1"]
    assert readers(network, "stack/add_2") == ["stack/add_1", "stack/conv_6"]


def test_an_entry_of_one_layer_names_it() -> None:
    text = """
        input: 4x8
        layers:
          - a:
              - left: conv 3 k1
              - relu
              - right: conv 5 k1 -> tanh
          - b:
              only: relu
    """
    assert names(graph(text)) == ["a/left", "a/relu", "a/conv", "a/tanh", "b"]


@pytest.mark.parametrize(
    ("path", "reads"),
    [
        ("stack/layer_2/skip", ["stack/skip_2"]),
        ("stack/skip_2", ["stack/skip_2"]),
        ("stack/conv_5", ["stack/conv_5"]),
        ("stack/layer_2/conv_5", ["stack/conv_5"]),
        ("stack/layer_2", ["stack/add_2"]),
        ("stack", ["stack/add_3"]),
    ],
)
def test_a_path_leads_into_an_earlier_stage(path: str, reads: list[str]) -> None:
    assert readers(graph(f'{GATES}      - end: "@{path} -> relu"\n'), "end") == reads


def test_a_star_makes_a_branch_per_match_in_order() -> None:
    network = graph(f"{GATES}      - end: concat(@stack/skip* -> relu, identity)\n")
    assert readers(network, "end/concat") == ["end/relu_1", "end/relu_2", "end/relu_3", "stack/add_3"]
    assert [readers(network, f"end/relu_{n}") for n in (1, 2, 3)] == [[f"stack/skip_{n}"] for n in (1, 2, 3)]


def test_the_only_match_of_a_star_is_not_joined() -> None:
    network = graph(f"{GATES.replace('*3', '')}      - end: add(@stack/skip*) -> relu\n")
    assert readers(network, "end") == ["stack/skip"]


def test_calls_may_be_left_out_as_long_as_one_match_remains() -> None:
    text = """
        input: 4x8
        blocks:
          inner:
            a: conv 3 k1
            b: conv 5 k1
          outer: relu -> inner -> tanh
        layers:
          - one: outer
          - two:
              x: inner
              y: outer
              z: "@x/a"
          - end: "concat(@one/a, @one/outer/inner/b, @two/x/a, @two/y/a, @two/z)"
    """
    assert readers(graph(text), "end") == ["one/a", "one/b", "two/a_1", "two/a_2", "two/a_1"]


def test_a_path_in_full_is_preferred() -> None:
    text = """
        input: 4x8
        blocks:
          f:
            a: conv 3 k1
            b: relu
        layers:
          - one:
              z: f
              a: conv 7 k1
          - end: "@one/a -> relu"
    """
    assert readers(graph(text), "end") == ["one/a_2"]


def test_locals_are_unknown_in_called_blocks_and_after_their_list() -> None:
    text = """
        input: 4x8
        blocks:
          f: "@a -> relu"
        layers:
          - a: conv 3 k1
          - b:
              - a: conv 5 k1
              - f
              - "@a -> tanh"
          - c: "@a -> relu"
    """
    network = graph(text)
    assert readers(network, "b/relu") == ["a"]
    assert readers(network, "b/tanh") == ["b/a"]
    assert readers(network, "c") == ["a"]


def test_a_tensor_is_passed_to_a_block_and_on() -> None:
    text = """
        input: 4x8
        blocks:
          outer(c, skip): inner(skip, c) -> relu
          inner(map, c): concat(identity, @map -> conv c k1)
        layers:
          - a: conv 3 k1
          - b: tanh -> outer(5, @a)
          - c: outer(c=2, skip=@input)
    """
    network = graph(text)
    assert readers(network, "b/conv") == ["a"]
    assert readers(network, "c/conv") == ["input"]
    assert shapes(network) == ["3x8", "3x8", "5x8", "8x8", "8x8", "2x8", "10x8", "10x8"]


def test_a_local_hides_a_parameter_which_hides_a_stage() -> None:
    text = """
        input: 4x8
        blocks:
          f(t): "@t -> conv 3 k1"
          g(t):
            - t: conv 5 k1
            - "@t -> relu"
        layers:
          - t: conv 2 k1
          - u: tanh
          - f: f(@u)
          - g: g(@u)
    """
    network = graph(text)
    assert readers(network, "f") == ["u"]
    assert readers(network, "g/relu") == ["g/t"]


def test_a_tensor_may_stand_for_its_positions() -> None:
    text = """
        input: 4x8x6
        layers:
          - a: conv 3 k3 s2 half
          - b: upsample to=@input
          - c: maxpool 2 -> upsample to=@a bilinear
    """
    assert shapes(graph(text)) == ["3x4x3", "3x8x6", "3x4x3", "3x4x3"]


def test_blocks_are_values_of_parameters_and_variables() -> None:
    text = """
        input: 4x8
        variables: {unit: plain}
        blocks:
          plain(c=3): conv c k1
          gated(c=3): conv c k1 -> sigmoid
          stage(c, unit=unit): unit -> unit(c)*2
        layers:
          - a: stage(5)
          - b: stage(6, gated)
          - c: stage(7, unit=gated)
    """
    network = graph(text)
    assert [node.op.name for _, node in network.layers()] == [
        *["conv"] * 3,
        *["conv", "sigmoid"] * 6,
    ]
    assert shapes(network)[:3] == ["3x8", "5x8", "5x8"]
    assert network.variables == {"unit": "plain"}
    assert len(names(graph(text, set={"unit": "gated"}))) == 18


@pytest.mark.parametrize(
    ("stage", "what", "at"),
    [
        ('"@stack/skip -> relu"', "'@stack/skip' leads to 3 tensors", "@stack/skip"),
        ('"@stack/layer_4/skip -> relu"', "no 'layer_4/skip' in 'stack'", "@stack/layer_4/skip"),
        ('"@stack/skipp -> relu"', "no 'skipp' in 'stack'", "@stack/skipp"),
        ('"@input/a -> relu"', "no 'a' in 'input'", "@input/a"),
        ("add(@stack/skipp*, identity)", "no 'skipp' in 'stack'", "@stack/skipp*"),
        ("add(@stack*, identity)", "'@stack' is a single tensor", "@stack*"),
        ('"@stack/skip* -> relu"', "expected '->' or the end, found '*'", "*"),
        ("upsample to=@stack/skip*", "expected the end of the reference, found '*'", "*"),
        ('"@stac/skip -> relu"', "no input or earlier stage 'stac'", "@stac/skip"),
        ('"@end/skip -> relu"', "'@end' refers to the stage that contains it", "@end/skip"),
        ('"@last -> relu"', "'@last' refers to a later stage", "@last"),
        ("relu -> @stack/skip_1", "'@stack/skip_1' must come first in its chain", "@stack/skip_1"),
        ('"@stack*3 -> relu"', "expected '->' or the end, found '*3'", "*3"),
        ("conv @stack k1", "the channels of conv must be one number, got the tensor '@stack'", "@stack"),
        ("conv 3 k=@stack", "the kernel of conv must be a size, got the tensor '@stack'", "k=@stack"),
        ("layer(@stack)", "'d' must be", "@d"),
        ("needs(3)", "'t' must be a tensor, got 3", "@t"),
    ],
)
def test_wrong_references_are_located_errors(stage: str, what: str, at: str) -> None:
    text = f"{GATES}      - end: {stage}\n      - last: relu\n".replace(
        "blocks:\n", "blocks:\n      needs(t): add(@t, identity)\n", 1
    )
    if stage == "layer(@stack)":
        text = text.replace("conv 6 k1", "conv 6 k=d")
        what, at = "the kernel of conv must be a size, got the tensor '@stack'", "k=d"
    found = problem(text)
    assert what in found.message
    assert marked(found) == at


def test_further_outputs_come_last_in_a_path() -> None:
    text = """
        input: 9x4
        blocks:
          read(n): [{all: lstm n}, relu]
        layers:
          - enc: lstm 5
          - dec: read(3) -> lstm 5 state=@enc/state cell=@enc/cell
          - out: "@dec/read/all/cell -> linear 2"
          - end: "@enc/state -> sigmoid"
    """
    network = graph(text)
    dec = next(node for node in network.nodes if node.name == "dec/lstm")
    enc = network.stages["enc"].node
    assert dec.inputs[1:] == ((enc, 1), (enc, 2))
    assert shapes(network)[-2:] == ["1x2", "1x5"]
    found = problem(text.replace("@enc/state -> sigmoid", "@enc/hidden -> sigmoid"))
    assert found.message == "no 'hidden' in 'enc'"
    assert "enc/state, enc/cell" in found.hint


@pytest.mark.parametrize(
    ("entries", "code", "what"),
    [
        ("[{a: relu}, {a: tanh}]", "duplicate", "two entries are called 'a'"),
        ("[{a b: relu}]", "name", "the name of an entry must consist of"),
        ("[{a: ''}]", "syntax", "the chain is empty"),
        ("[{conv 3 k1 -> x: relu}]", "name", "the name of an entry must consist of"),
    ],
)
def test_wrong_entries_are_errors(entries: str, code: str, what: str) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n  - s: {entries}\n")
    assert found.code == code
    assert what in found.message
