"""How layers are named and grouped, and the one namespace of inputs, stages and heads."""

from __future__ import annotations

import pytest

from archcalc.spec.errors import listing
from archcalc.spec.given_shapes import suggest_size
from tests.spec.reading import chain, graph, marked, names, problem, problems


def paths(text: str) -> list[str]:
    return ["/".join(node.path) for _, node in graph(text).layers()]


HEAD = """
input: 3x8x8
blocks:
  cbr(c): conv c k1 -> bn -> relu
  two: cbr(4) -> cbr(5)
layers:
"""


def test_a_stage_of_one_layer_is_that_layer() -> None:
    assert names(graph(HEAD + "  - a: relu\n  - b: identity -> (tanh)*1 -> (relu)*0\n")) == ["a", "b"]


def test_layers_of_a_longer_stage_are_numbered_where_an_operator_recurs() -> None:
    text = HEAD + "  - s: cbr(4) -> maxpool 2 -> add(conv 4 k1 -> relu, identity) -> tanh\n"
    assert names(graph(text)) == [
        *("s/conv_1", "s/bn", "s/relu_1", "s/maxpool", "s/conv_2", "s/relu_2", "s/add", "s/tanh"),
    ]


def test_unnamed_layers_are_numbered_over_the_network() -> None:
    text = HEAD + "  - relu -> conv 4 k1\n  - s: relu -> relu\n  - relu\n  - cbr(4)\n"
    assert names(graph(text)) == ["relu_1", "conv_1", "s/relu_1", "s/relu_2", "relu_2", "conv_2", "bn_1", "relu_3"]


def test_an_unnamed_layer_never_takes_the_name_of_a_stage_input_or_head() -> None:
    text = """
        inputs: {relu_1: 3x8x8}
        layers:
          - relu -> relu
          - relu_3: relu
        heads: {relu_4: relu}
        training_heads: {relu_5: relu}
    """
    assert names(graph(text)) == ["relu_2", "relu_6", "relu_3", "relu_4", "relu_5"]


def test_all_names_of_a_network_differ() -> None:
    text = HEAD + "  - two -> (two)*3 -> cbr(3)\n  - s: two -> cbr(4)*2 -> relu\n  - relu\n  - t: relu\n"
    found = names(graph(text))
    assert len(found) == len(set(found))


def test_the_path_of_a_layer_is_its_stage_its_blocks_and_its_name() -> None:
    text = HEAD + "  - s: two -> relu\n  - cbr(3) -> tanh\n  - one: gelu\n  - cbr(3)\n"
    assert paths(text) == [
        *("s/two/cbr_1/conv_1", "s/two/cbr_1/bn_1", "s/two/cbr_1/relu_1"),
        *("s/two/cbr_2/conv_2", "s/two/cbr_2/bn_2", "s/two/cbr_2/relu_2", "s/relu_3"),
        *("cbr_1/conv_1", "cbr_1/bn_1", "cbr_1/relu_1", "tanh_1", "one", "cbr_2/conv_2", "cbr_2/bn_2", "cbr_2/relu_2"),
    ]


def test_an_expression_is_named_as_an_unnamed_stage() -> None:
    network = chain("conv 4 k1 -> (relu -> conv 4 k1)*2")
    assert names(network) == ["conv_1", "relu_1", "conv_2", "relu_2", "conv_3"]
    assert network.name == "8x32x32 -> conv 4 k1 -> (relu -> conv 4 k1)*2"
    assert list(network.outputs) == ["conv_3"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("input: 3x8x8\nlayers:\n  - a: relu\n  - a: tanh\n", (4, 5)),
        ("input: 3x8x8\nlayers:\n  - input: relu\n", (3, 5)),
        ("inputs: {x: 3x8x8}\nlayers:\n  - x: relu\n", (3, 5)),
        ("input: 3x8x8\nlayers:\n  - a: relu\nheads:\n  a: tanh\n", (5, 3)),
        ("input: 3x8x8\nlayers:\n  - a: relu\ntraining_heads:\n  input: tanh\n", (5, 3)),
        ("input: 3x8x8\nlayers: relu\nheads: {h: tanh}\ntraining_heads: {h: tanh}\n", (4, 18)),
    ],
)
def test_inputs_stages_and_heads_share_one_name_space(text: str, taken: tuple[int, int]) -> None:
    (found,) = problems(text)
    assert (found.code, found.place()[1:]) == ("duplicate", taken)
    assert "is already used" in found.message
    assert marked(found) in ("a", "input", "x", "h")


def test_a_stage_may_have_the_name_of_an_operator_block_or_variable() -> None:
    text = (
        HEAD.replace("input:", "variables: {w: 4}\ninput:")
        + "  - conv: conv w k1\n  - cbr: cbr(4)\n  - w: add(@conv, @cbr)\n"
    )
    assert names(graph(text)) == ["conv", "cbr/conv", "cbr/bn", "cbr/relu", "w"]


def test_the_name_of_a_network_is_the_key_or_the_file() -> None:
    assert graph("name: My Net 2.0\ninput: 3x8x8\nlayers: relu\n").name == "My Net 2.0"
    assert graph("name: 3.10\ninput: 3x8x8\nlayers: relu\n").name == "3.10"
    assert graph("input: 3x8x8\nlayers: relu\n").name == "net"


CLASHES = {
    "pad": "it is an operator",
    "scale": "it is an operator",
    "channels": "it is a flag of prelu",
    "half": "it is a padding mode",
    "max": "it is an operator",
    "ceil": "it is a function",
    "d1": "it is the short form of d=1",
    "C": "it is the number of channels of the current tensor",
}


@pytest.mark.parametrize("name", CLASHES)
def test_a_name_that_clashes_is_one_error_that_proposes_a_free_one(name: str) -> None:
    as_variable = problem(f"input: 3x8x8\nvariables: {{{name}: 1}}\nlayers: [conv {name} k3, conv 8 k={name}]\n")
    as_parameter = problem(f"input: 3x8x8\nblocks: {{'f({name}, b=1)': 'conv 8 k={name} p=b'}}\nlayers: [f(1)]\n")
    for found, what in ((as_variable, "a variable"), (as_parameter, "a parameter")):
        assert found.message == f"{what} cannot be called '{name}': {CLASHES[name]}"
        proposed = found.hint.removeprefix("choose another name, such as ")
        graph(f"input: 3x8x8\nvariables: {{{proposed}: 1}}\nlayers: [conv {proposed} k1, conv 8 k={proposed}]\n")


def test_a_short_form_in_a_call_is_written_out() -> None:
    text = "input: 3x8x8\nblocks: {'cb(c, k=1)': conv c k=k}\nlayers: ['cb(16, k3)']\n"
    assert problem(text).hint == "write k=3: the short form is for layers"


@pytest.mark.parametrize("where", ["- slice 2: axis=1", "- a:\n    - relu\n    - slice 2: axis=1"])
def test_a_chain_that_yaml_reads_as_a_name_and_its_value_is_quoted(where: str) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n  {where}\n")
    assert found.hint == "put quotes around text that contains ': ': \"slice 2: axis=1\""


def test_a_hint_lists_the_known_names_and_says_if_there_are_more() -> None:
    assert listing("input", ["image"]) == "the only input is image"
    assert listing("input", ["image", "prior"]) == "the inputs are image, prior"
    assert listing("input", ["image", "prior", "mask"], 2) == "the inputs are image, prior, …"


@pytest.mark.parametrize(
    ("known", "listed"),
    [
        (["alpha", "C", "input.C", "n0", "input.n0"], "the variables and input sizes are alpha, C"),
        (["C", "input.C", "n0", "input.n0"], "the only input size is C"),
        (["C", "one.C", "two.C", "n0", "two.n0"], "the variables and input sizes are C, one.C, two.C"),
    ],
)
def test_synonyms_of_sizes_are_not_listed(known: list[str], listed: str) -> None:
    assert suggest_size("something", known) == listed
    assert suggest_size("alhpa", known) == ("did you mean 'alpha'?" if "alpha" in known else listed)
