"""Traced numbers: the same values as ints, and derivations that evaluate to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import numeric
from archcalc.numeric import Impossible
from archcalc.numeric.traced import Notation, TracedNumber, leaf, value_of
from tests.derivations import evaluate

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "floordiv": lambda a, b: a // (b * b + 1),
    "mod": lambda a, b: a % (b * b + 1),
    "neg": lambda a, b: -a,
    "ceil_div": lambda a, b: numeric.ceil_div(a, b * b + 1),
    "max": numeric.maximum,
    "min": numeric.minimum,
    "gcd": numeric.gcd,
    "select": lambda a, b: numeric.select(a < b, a, b),
    "let": lambda a, b: numeric.let("x", a + b),
}

trees = st.recursive(
    st.integers(-20, 20),
    lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner),
    max_leaves=8,
)


def build(tree: Any, number: Callable[[int], Any]) -> Any:
    if isinstance(tree, int):
        return number(tree)
    operation, left, right = tree
    return OPERATIONS[operation](build(left, number), build(right, number))


@given(trees)
def test_traced_numbers_have_the_values_of_ints(tree: Any) -> None:
    traced = build(tree, lambda n: leaf("n", n))
    assert value_of(traced) == build(tree, int)


@given(trees)
def test_a_written_derivation_evaluates_to_its_value(tree: Any) -> None:
    traced = build(tree, lambda n: leaf("n", n))
    notation = Notation()
    for step in [*notation.steps(traced), traced]:
        number = step.args[0] if isinstance(step, TracedNumber) and step.op == "let" else step
        assert evaluate(notation.numbers(number)) == value_of(number)


def test_neutral_constants_leave_no_trace() -> None:
    k = leaf("k", 3)
    notation = Notation()
    assert notation.symbols((k - 1) * 1 + 0) == "k − 1"
    assert notation.symbols(1 * k // 1) == "k"


def test_text_and_latex_of_the_convolution_formula() -> None:
    height, k, s, p = leaf("H", 227), leaf("k", 11), leaf("s", 4), leaf("p", 0)
    size = (height + 2 * p - k) // s + 1
    assert Notation().symbols(size) == "⌊(H + 2·p − k)/s⌋ + 1"
    assert Notation().numbers(size) == "⌊(227 + 2·0 − 11)/4⌋ + 1"
    latex = r"\left\lfloor \frac{H + 2 \cdot p - k}{s} \right\rfloor + 1"
    assert Notation("latex").symbols(size) == latex


def test_steps_are_listed_once_in_the_order_of_their_use() -> None:
    k, d = leaf("k", 3), leaf("d", 2)
    reach = numeric.let("K", d * (k - 1) + 1)
    half = numeric.let("p", reach // 2)
    steps = Notation().steps(half + half + reach)
    assert [step.name for step in steps] == ["K", "p"]


def test_a_known_number_is_written_by_its_name() -> None:
    notation = Notation()
    size = leaf("H", 8) // 2
    notation.names[notation.key(size)] = "H_out"
    assert notation.symbols(size * size) == "H_out·H_out"
    assert notation.numbers(size * size) == "4·4"


def test_inspecting_a_traced_number_is_an_error() -> None:
    k = leaf("k", 3)
    with pytest.raises(TypeError, match="truth value"):
        bool(k)
    with pytest.raises(TypeError, match="truth value"):
        bool(k > 2)
    with pytest.raises(TypeError, match="not an int"):
        range(k)  # type: ignore[call-overload]


def test_requirements_are_checked_on_the_values() -> None:
    k = leaf("k", 3)
    numeric.require(k > 2, "fine")
    with pytest.raises(Impossible, match="3 is too small"):
        numeric.require(k > 5, "{k} is too small", k=k)
    with pytest.raises(Impossible, match="not divisible"):
        numeric.exact_div(k, 2)
