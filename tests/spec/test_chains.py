"""Chains, groups, repeats, joins and references."""

from __future__ import annotations

import pytest

from tests.spec.reading import chain, graph, marked, names, ops, problem, problems, readers, shapes, wrong


def test_a_chain_applies_its_items_one_after_the_other() -> None:
    network = chain("conv 6 k5 -> relu -> maxpool 2", "3x32x32")
    assert ops(network) == ["conv", "relu", "maxpool"]
    assert shapes(network) == ["6x28x28", "6x28x28", "6x14x14"]
    assert [readers(network, name) for name in names(network)] == [["input"], ["conv_1"], ["relu_1"]]


@pytest.mark.parametrize("arrow", ["->", " -> ", "→", " →", "\n  ->\n  ", " \t-> "])
def test_items_are_joined_by_either_arrow_with_or_without_blanks(arrow: str) -> None:
    assert ops(chain(f"conv 6 k5{arrow}relu{arrow}tanh")) == ["conv", "relu", "tanh"]


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ("relu ->", "ends here"),
        ("relu -> -> relu", "found '->'"),
        ("-> relu", "found '->'"),
        ("relu relu6", "'relu6' is not a valid argument of relu"),
        ("relu, relu", "expected '->' or the end, found ','"),
        ("relu - > relu", "expected a number"),
    ],
)
def test_an_arrow_must_be_between_two_items(layers: str, what: str) -> None:
    assert what in wrong(layers).message


def test_identity_is_the_current_tensor_and_no_layer() -> None:
    assert ops(chain("identity -> relu -> identity")) == ["relu"]
    assert chain("identity").outputs["input"].node == 0


@pytest.mark.parametrize(
    "group", ["(relu -> tanh)", "[relu -> tanh]", "( relu -> tanh )", "((relu -> tanh))", "[(relu) -> [tanh]]"]
)
def test_round_and_square_brackets_group(group: str) -> None:
    assert ops(chain(f"{group} -> elu")) == ["relu", "tanh", "elu"]


@pytest.mark.parametrize("count", ["0", "1", "3", "(2+1)", "(C-5)", "(7//2)", "3.0", "max(1, 3)", "C", "1e1"])
def test_a_group_repeats_an_integer_number_of_times(count: str) -> None:
    times = {"0": 0, "1": 1, "C": 8, "1e1": 10}.get(count, 3)
    assert ops(chain(f"(relu -> tanh)*{count}")) == ["relu", "tanh"] * times


def test_c_in_a_repeat_is_that_of_the_tensor_before_it() -> None:
    assert ops(chain("(conv 2*C k1)*C", "2x4x4")) == ["conv", "conv"]


def test_blanks_around_the_star_of_a_repeat_are_allowed() -> None:
    assert ops(chain("(relu) * 2 -> [tanh] *2")) == ["relu", "relu", "tanh", "tanh"]


def test_the_textbook_pattern_of_nested_square_brackets_reads() -> None:
    text = """
        input: 3x32x32
        variables: {N: 2, M: 2, K: 1}
        layers: "[[conv 8 k3 half -> relu]*N -> maxpool 2]*M -> [fc 10 -> relu]*K -> fc 10"
    """
    assert ops(graph(text)) == [*(["conv", "relu"] * 2 + ["maxpool"]) * 2, "fc", "relu", "fc"]


@pytest.mark.parametrize(
    ("count", "what"),
    [
        ("2.5", "must be an integer, got 5/2"),
        ("(1/3)", "must be an integer, got 1/3"),
        ("(0-1)", "must not be negative, got -1"),
        ("-1", "expected a number of repetitions"),
        ("", "expected a number of repetitions"),
        ("n", "no variable or parameter 'n'"),
    ],
)
def test_a_repeat_that_is_not_an_integer_is_an_error(count: str, what: str) -> None:
    assert what in wrong(f"(relu)*{count}").message


@pytest.mark.parametrize("layers", ["relu*2", "relu *2", "conv 8 k1*2", "add(identity, relu)*2"])
def test_only_groups_and_blocks_repeat(layers: str) -> None:
    assert wrong(layers).code == "syntax"


@pytest.mark.parametrize("join", ["add", "sub", "mul", "max", "concat"])
def test_a_join_runs_every_branch_from_the_current_tensor(join: str) -> None:
    network = chain(f"tanh -> {join}(conv 8 k1 -> relu, identity, conv 8 k3 half)")
    assert ops(network) == ["tanh", "conv", "relu", "conv", join]
    assert readers(network, "conv_1") == readers(network, "conv_2") == ["tanh_1"]
    assert readers(network, f"{join}_1") == ["relu_1", "tanh_1", "conv_2"]
    assert shapes(network)[-1] == ("24x32x32" if join == "concat" else "8x32x32")


def test_joins_nest_and_branches_hold_groups() -> None:
    network = chain("add(concat(conv 4 k1, (conv 4 k1 -> relu)*2), identity)")
    assert ops(network) == ["conv", "conv", "relu", "conv", "relu", "concat", "add"]


def test_options_of_a_join_are_named() -> None:
    assert shapes(chain("concat(identity, identity, axis=1)"))[-1] == "8x64x32"
    assert shapes(chain("concat(axis=-1, identity, identity)"))[-1] == "8x32x64"
    assert shapes(chain("concat(identity, conv 8 k3, crop = smallest)"))[-1] == "16x30x30"


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ("add(identity)", "add requires at least two branches"),
        ("concat(relu, axis=1)", "concat requires at least two branches"),
        ("add()", "expected a branch of add"),
        ("add(relu,)", "expected a layer"),
        ("add(relu relu6, identity)", "'relu6' is not a valid argument of relu"),
        ("concat(identity, identity, 1)", "expected a layer, a block or a group, found '1'"),
        ("concat(identity, identity, ax=1)", "concat has no argument 'ax'"),
        ("concat(identity, identity, crop=big)", "'big'"),
        ("add(identity, identity, axis=1)", "add has no argument 'axis'"),
        ("add", "'add' is a join: its branches must be in brackets"),
        ("add identity relu", "'add' is a join: its branches must be in brackets"),
        ("add (identity, relu)", "there must be no space between 'add' and its bracket"),
        ("add(identity, conv 8 k3)", "needs equal shapes: 8x32x32 and 8x30x30"),
        ("concat(identity, conv 8 k3)", "needs equal sizes on axis 1"),
        ("concat(identity, identity, axis=3)", "axis 3 does not exist"),
    ],
)
def test_joins_that_are_refused(layers: str, what: str) -> None:
    assert what in wrong(layers).message


def test_the_name_of_a_join_may_also_be_a_function() -> None:
    assert ops(chain("conv max(2, C) k1 -> max(identity, relu)")) == ["conv", "relu", "max"]


def test_a_reference_takes_the_output_of_an_earlier_stage_or_input() -> None:
    network = graph("""
        inputs: {image: 3x8x8, prior: 1x8x8}
        layers:
          - enc: conv 4 k1 -> relu
          - 3b: concat(@enc, @prior, identity)
          - "@image -> conv 9 k1"
          - end: concat(@3b, @image -> tanh)
    """)
    assert readers(network, "3b") == ["enc/relu", "prior", "enc/relu"]
    assert readers(network, "conv_1") == ["image"]
    assert readers(network, "end/concat") == ["3b", "end/tanh"]


def test_an_empty_stage_can_be_referred_to() -> None:
    network = graph("""
        input: 3x8x8
        layers:
          - conv 4 k1
          - here: identity
          - relu
          - add(@here, identity)
    """)
    assert readers(network, "add_1") == ["conv_1", "relu_1"]


@pytest.mark.parametrize(
    "layers", ["relu -> @input", "relu -> @input -> relu", "add(relu -> @input, identity)", "(relu -> @input)*2"]
)
def test_a_reference_is_allowed_only_at_the_start_of_its_chain(layers: str) -> None:
    found = wrong(layers)
    assert found.code == "reference"
    assert found.message == "'@input' must come first in its chain"
    assert marked(found) == "@input"


def test_a_reference_is_to_earlier_layers_only() -> None:
    text = """
        input: 3x8x8
        layers:
          - a: "@b -> relu"
          - b: relu
    """
    assert "'@b' refers to a later stage" in problem(text).message
    assert "refers to the stage that contains it" in problem(text.replace("@b", "@a")).message
    unknown = problem(text.replace("@b", "@inptu"))
    assert "no input or earlier stage 'inptu'" in unknown.message
    assert unknown.hint == "did you mean 'input'?"


def test_a_list_of_chains_is_that_chain() -> None:
    network = graph("""
        input: 3x8x8
        layers:
          - mixed:
              - conv 4 k1 -> relu   # may be commented
              - add(identity,
                    tanh)
              - - elu
                - - gelu
          - relu
    """)
    assert names(network) == [
        "mixed/conv",
        "mixed/relu",
        "mixed/tanh",
        "mixed/add",
        "mixed/elu",
        "mixed/gelu",
        "relu_1",
    ]


def test_lists_of_chains_may_occur_in_blocks_and_heads() -> None:
    network = graph("""
        input: 3x8x8
        blocks:
          b:
            - relu
            - tanh
        layers: b
        heads:
          h:
            - elu
            - gelu
    """)
    assert names(network) == ["relu_1", "tanh_1", "h/elu", "h/gelu"]


def test_every_entry_of_a_list_may_start_with_a_reference() -> None:
    network = graph("""
        input: 3x8x8
        layers:
          - a:
              - "@input -> relu"
              - "@input -> tanh"
    """)
    assert names(network) == ["a/relu", "a/tanh"]
    assert readers(network, "a/tanh") == ["input"]


@pytest.mark.parametrize("empty", ["", "''", "'  '", "[]", "[[]]", "[relu, '']"])
def test_an_empty_chain_is_an_error(empty: str) -> None:
    assert problem(f"input: 3x8x8\nlayers:\n  - a: {empty}\n").message == "the chain is empty"


@pytest.mark.parametrize("entries", ["a: relu\n    b: relu\n", "c:\n      - a: relu\n        b: relu\n"])
def test_an_entry_of_a_list_has_one_name(entries: str) -> None:
    found = problem(f"input: 3x8x8\nlayers:\n  - {entries}")
    assert "must have only one name" in found.message
    assert marked(found) == "b"


@pytest.mark.parametrize("layers", ["[]", "{}", "[{}]", "''", ""])
def test_a_spec_without_layers_is_an_error(layers: str) -> None:
    assert len(problems(f"input: 3x8x8\nlayers: {layers}\n")) == 1


def test_layers_may_be_one_chain_or_a_mapping() -> None:
    assert names(graph("input: 3x8x8\nlayers: relu -> tanh\n")) == ["relu_1", "tanh_1"]
    assert names(graph("input: 3x8x8\nlayers: {a: relu, b: tanh}\n")) == ["a", "b"]


def test_an_unclosed_bracket_is_shown_where_it_opens() -> None:
    found = wrong("(relu -> [tanh -> add(identity, relu)")
    assert found.message == "this bracket is never closed by ']'"
    assert found.place()[1:] == (1, 21)
    assert wrong("relu)").hint == "there is one closing bracket too many"
    assert wrong("(relu]").message == "expected ')', found ']'"


def test_a_repeated_group_cannot_start_with_a_reference() -> None:
    assert wrong("(@input -> relu)*3").code == "reference"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("relu -> learned 3 -> tanh", "'learned' must come first in its chain"),
        ("relu -> (learned 3 -> tanh)*2", "'learned' must come first in its chain"),
        ("(learned 3 -> tanh)*2", "a chain that starts with 'learned' cannot be repeated"),
        ("add(relu -> constant 3, identity)", "'constant' must come first in its chain"),
    ],
)
def test_sources_are_allowed_where_references_are(layers: str, message: str) -> None:
    found = problem(f"input: 3x8x8\nlayers: {layers}\n")
    assert found.code == "reference"
    assert found.message == message


def test_a_source_starts_a_stage_a_branch_or_a_block() -> None:
    text = (
        "input: 3x8x8\nblocks:\n  shift: learned C\nlayers:\n  - mul(identity, shift) -> add(constant 3x1x8, identity)"
    )
    assert ops(graph(text)) == ["learned", "mul", "constant", "add"]
    assert ops(graph("input: 3x8x8\nlayers: {one: learned 3x8x8, two: 'add(identity, @input)'}\n")) == [
        "learned",
        "add",
    ]
