"""One grammar of expressions: a text is read the same everywhere, and what is written reads back as it was."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.formulas import read_formulas
from archcalc.query.conditions import read_condition
from archcalc.query.formula import read_assumptions
from archcalc.spec import SpecError
from archcalc.spec.errors import Source, Span, Text
from archcalc.spec.grammar import parse_value
from archcalc.spec.limits import DEFAULT
from archcalc.spec.notations import parse_settings
from archcalc.spec.syntax import (
    BinaryOperation,
    Condition,
    Function,
    Literal,
    LogicalCondition,
    Name,
    Relation,
    UnaryOperation,
)

HERE = Span(Text(Source("", ""), ""), 0, 0)


def bare(node: Any) -> Any:
    """Return a syntax tree without places (and without the precision of numbers), as nested tuples."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Span):
        return None
    if isinstance(node, tuple):
        return (type(node).__name__, *map(bare, node))
    return node


def in_a_spec(text: str) -> Any:
    return parse_value(Text(Source("spec", text), text), DEFAULT)


def in_a_condition(text: str) -> Any:
    condition = read_condition("--where", f"{text} <= 7")
    assert isinstance(condition, Relation)
    return condition.left


def in_an_assumption(text: str) -> Any:
    (assumption,) = read_assumptions(f"{text} <= 7", DEFAULT)
    return assumption.left


def in_a_list(text: str) -> Any:
    (setting,) = parse_settings(Text(Source("--set a", text), text), DEFAULT)
    (value,) = setting.values
    return value


def in_an_answer(text: str) -> Any:
    ((value,), *_) = read_formulas(text, ("a", "width", "H", "k2", "android", "note"))
    return value


PLACES: list[Callable[[str], Any]] = [in_a_condition, in_an_assumption, in_a_list, in_an_answer]

LITERALS = st.integers(0, 10**6).map(lambda n: Literal(n, HERE))
NAMES = st.sampled_from(["a", "width", "H", "k2", "android", "note"]).map(lambda name: Name(name, HERE))
EXPRESSIONS = st.recursive(
    LITERALS | NAMES,
    lambda inner: (
        st.builds(UnaryOperation, st.sampled_from("+-"), inner, st.just(HERE))
        | st.builds(
            BinaryOperation, st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner, inner, st.just(HERE)
        )
        | st.builds(Function, st.just("floor"), st.tuples(inner), st.just(HERE))
        | st.builds(Function, st.sampled_from(["min", "max"]), st.tuples(inner, inner), st.just(HERE))
    ),
    max_leaves=8,
)
RELATIONS = st.builds(
    Relation, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), EXPRESSIONS, EXPRESSIONS, st.just(HERE)
)
CONDITIONS = st.recursive(
    RELATIONS,
    lambda inner: (
        st.builds(LogicalCondition, st.sampled_from(["and", "or"]), st.tuples(inner, inner), st.just(HERE))
        | st.builds(LogicalCondition, st.just("not"), st.tuples(inner), st.just(HERE))
    ),
    max_leaves=5,
)


def written(node: Any) -> str:
    """Return a syntax tree as text, every operand in brackets."""
    if isinstance(node, Literal):
        return str(node.value)
    if isinstance(node, Name):
        return node.name
    if isinstance(node, UnaryOperation):
        return f"{node.sign}({written(node.operand)})"
    if isinstance(node, BinaryOperation):
        return f"({written(node.left)}){node.operator}({written(node.right)})"
    if isinstance(node, Function):
        return f"{node.name}({','.join(map(written, node.arguments))})"
    if isinstance(node, Relation):
        return f"{written(node.left)} {node.relation} {written(node.right)}"
    if node.word == "not":
        return f"not ({written(node.operands[0])})"
    return f" {node.word} ".join(f"({written(operand)})" for operand in node.operands)


@pytest.mark.parametrize(
    "text",
    [
        "1 + 2*3 - 4",
        "2**3**2",
        "-2**2",
        "a//2 % 3 / 4",
        "(a + b)*(a - b)",
        "max(1,200)",
        "min(k2, 3, floor(a/2))",
        "divisible(width*1.5, 8)",
        "a*b/2.5 + .5",
        "round((H - 1)/2)",
    ],
)
@pytest.mark.parametrize("read", PLACES)
def test_an_expression_reads_the_same_everywhere(read: Callable[[str], Any], text: str) -> None:
    assert bare(read(text)) == bare(in_a_spec(text))


@pytest.mark.parametrize("text", ["2*", "(a", "a b", "2a", "floor(1, 2)", "a + * 2", "min(1)"])
@pytest.mark.parametrize("read", [in_a_spec, *PLACES])
def test_a_text_that_is_not_an_expression_is_refused_everywhere(read: Callable[[str], Any], text: str) -> None:
    if read is in_an_answer and text in ("a b", "2a"):  # people write products without a sign
        assert bare(read(text))[:2] == ("BinaryOperation", "*")
        return
    with pytest.raises(SpecError):
        read(text)


@given(tree=EXPRESSIONS)
def test_expressions_are_read_back_everywhere(tree: Any) -> None:
    for read in (in_a_spec, *PLACES):
        assert bare(read(written(tree))) == bare(tree)


@given(tree=CONDITIONS)
def test_conditions_are_read_back(tree: Condition) -> None:
    assert bare(read_condition("--where", written(tree))) == bare(tree)


def test_only_conditions_have_suffixes_and_names_of_places() -> None:
    condition = read_condition("--where", "layer1/0/conv1.H * 2 >= 300M")
    assert isinstance(condition, Relation)
    assert bare(condition.left) == ("BinaryOperation", "*", ("Name", "layer1/0/conv1.H", None), 2, None)
    assert condition.right == Literal(300_000_000, condition.right.span, Fraction(500_000))
    for read in (in_a_spec, in_an_assumption, in_a_list):
        with pytest.raises(SpecError):
            read("300M")
    assert bare(in_an_assumption("a/b.H")) == ("BinaryOperation", "/", ("Name", "a", None), ("Name", "b.H", None), None)


def test_assumptions_may_be_chained_and_listed() -> None:
    found = read_assumptions("1 < H < 9, H % 2 == 0 and min(H, W) = 4", DEFAULT)
    assert [each.relation for each in found] == ["<", "<", "=", "="]
    with pytest.raises(SpecError, match="an assumption must not use 'or'"):
        read_assumptions("H = 1 or H = 2", DEFAULT)
