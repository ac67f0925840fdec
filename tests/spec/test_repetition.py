"""The index of a repetition, and chains that depend on a condition."""

from __future__ import annotations

import pytest

from tests.spec.reading import chain, graph, marked, ops, problem, shapes, wrong


def test_the_index_counts_from_zero() -> None:
    assert shapes(chain("(conv 2**i k1)*4")) == ["1x32x32", "2x32x32", "4x32x32", "8x32x32"]


def test_the_index_belongs_to_the_innermost_repetition_and_the_count_to_the_one_outside() -> None:
    text = """
        input: 1x8
        blocks:
          f(c): conv c k1
        layers:
          - a: (conv 10+i k1 -> (conv i+1 k1)*(i+1))*2
          - b: f(i+5)*2
          - c: (add(conv 1 k1, (conv i+1 k1)*1))*1
    """
    widths = [shape.partition("x")[0] for shape in shapes(graph(text))]
    assert widths == ["10", "1", "11", "1", "2", "5", "6", "1", "1", "1"]


def test_a_block_does_not_see_the_index_of_its_caller() -> None:
    text = """
        input: 1x8
        blocks:
          f: conv i k1
        layers:
          - a: (f)*2
    """
    found = problem(text)
    assert found.message == "nothing is repeated here, so the index i is not defined"
    assert "pass it as an argument" in found.hint
    assert found.place()[1] == 3


def test_a_declared_name_hides_the_index() -> None:
    text = """
        input: 1x8
        variables: {i: 7}
        layers:
          - a: (conv i k1)*2
    """
    assert shapes(graph(text)) == ["7x8", "7x8"]
    assert shapes(chain("(conv i+1 k1)*2", "1x8", set={"i": "3"})) == ["4x8", "4x8"]


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        *(("1", "relu"), ("0", "tanh"), ("C - 8", "tanh"), ("C", "relu")),
        *(("C == 8", "relu"), ("C != 8", "tanh"), ("H <= 32", "relu"), ("H < 32", "tanh")),
        *(("W >= 33", "tanh"), ("H*W > 1000", "relu"), ("1/2 == 0.5", "relu"), ("-1", "relu")),
    ],
)
def test_a_condition_chooses_a_chain(condition: str, taken: str) -> None:
    assert ops(chain(f"if({condition}, relu, tanh)")) == [taken]


def test_without_a_second_chain_nothing_is_built() -> None:
    assert ops(chain("if(C > 8, relu) -> tanh")) == ["tanh"]
    assert ops(chain("(if(i % 2 == 1, relu -> elu) -> tanh)*3")) == ["tanh", "relu", "elu", "tanh", "tanh"]


def test_the_branch_that_is_not_taken_may_be_impossible() -> None:
    assert ops(chain("if(H > 3, relu, conv 3 k99)")) == ["relu"]
    assert ops(chain("if(H < 3, reshape 7x7x7)", "8x32x32")) == []


def test_a_branch_may_start_with_a_reference_if_the_condition_comes_first() -> None:
    text = """
        input: 3x8
        variables: {a: 1}
        blocks:
          f(t): if(a, @t -> relu, @t) -> tanh
        layers:
          - one: conv 5 k1
          - two: if(a == 1, @input -> relu)
          - three: f(@one)
    """
    assert shapes(graph(text)) == ["5x8", "3x8", "5x8", "5x8"]
    found = wrong("relu -> if(1, @input -> tanh)")
    assert found.message == "'@input' must come first in its chain"


def test_if_is_a_call_where_the_file_has_such_a_block() -> None:
    text = """
        input: 3x8
        blocks:
          if(c, k): conv c k=k
        layers:
          - if(5, 1)
    """
    assert shapes(graph(text)) == ["5x8"]


@pytest.mark.parametrize(
    ("layers", "code", "what", "at", "hint"),
    [
        ("if(C = 8, relu)", "syntax", "expected ',' after the condition, found '='", "=", "'=='"),
        ("if (C, relu)", "syntax", "there must be no space between 'if' and its bracket", "if", "if(…)"),
        ("if(C)", "syntax", "expected ',' after the condition", ")", "if(condition, chain)"),
        ("if(C, relu, tanh, elu)", "syntax", "expected ')', found ','", ",", "at most two chains"),
        ("if(1, relu)*3", "syntax", "expected '->' or the end, found '*3'", "*3", "(if(…))*3"),
        ("if(a, relu)", "unknown-name", "no variable or parameter 'a'", "a", ""),
        ("if(0, conv x k1)", "unknown-name", "no variable or parameter 'x'", "x", ""),
        ("if(0, nothing)", "unknown-op", "no operator 'nothing'", "nothing", ""),
        ("if(C == 8 == 8, relu)", "syntax", "expected ',' after the condition", "==", ""),
        ("conv i k1", "unknown-name", "nothing is repeated here, so the index i is not defined", "i", ""),
        ("(relu)*i", "unknown-name", "nothing is repeated here, so the index i is not defined", "i", ""),
        ("(if(1, @input -> relu))*2", "reference", "that starts with '@input' cannot be repeated", "@input", ""),
    ],
)
def test_mistakes_are_located_and_explained(layers: str, code: str, what: str, at: str, hint: str) -> None:
    found = wrong(layers)
    assert found.code == code
    assert what in found.message
    assert hint in found.hint
    assert marked(found) == at
