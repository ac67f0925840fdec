"""Arrays of numbers give what plain numbers give, entry by entry, whatever their size."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archcalc.numeric import (
    Impossible,
    PlainNumberRequired,
    as_integer,
    both,
    ceil_div,
    ceiling,
    exact_div,
    floor,
    gcd,
    known_equal,
    make_divisible,
    maximum,
    may_equal,
    minimum,
    ratio,
    require,
    round_half_even,
    select,
    simplified,
)
from archcalc.numeric.arrays import GridEvaluation, Numbers
from archcalc.numeric.progressions import Progression, progression

SHAPE = (3, 2)

EDGES = [0, 1, -1, 2, 7, -10, 2**31, 2**62, 2**63 - 1, -(2**63) + 1, 2**63, 2**64 + 3, -(2**70)]
INTEGERS = st.one_of(st.integers(-20, 20), st.sampled_from(EDGES), st.integers(-(2**65), 2**65))
PLAIN = st.one_of(INTEGERS, st.builds(lambda a, b: ratio(a, b), st.integers(-50, 50), st.integers(1, 12)))

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "/": ratio,
    "ceil_div": ceil_div,
    "maximum": maximum,
    "minimum": minimum,
    "select <": lambda a, b: select(a < b, a, b * 2),
    "select >=": lambda a, b: select(a >= b, b - 1, a),
    "select ==": lambda a, b: select(a == b, 1, a - b),
    "select !=": lambda a, b: select(a != b, a, 0),
    "select both": lambda a, b: select(both(a > b, b <= 3), a, b),
    "divisible": lambda a, b: make_divisible(a, 8) + b,
    "gcd": lambda a, b: gcd(abs_integer(a), abs_integer(b)),
    "exact_div": lambda a, b: exact_div(floor(a) * floor(b), floor(b)),
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "-": operator.neg,
    "floor": floor,
    "ceiling": ceiling,
    "round": round_half_even,
    "whole": lambda a: as_integer(a, "it"),
    "**2": lambda a: a**2,
    "**-1": lambda a: 1 / (a * 1) if isinstance(a, Numbers) else ratio(1, a),
}


def abs_integer(a: Any) -> Any:
    return maximum(floor(a), -floor(a)) + 1


def compute(program: list[tuple[str, int, int]], numbers: list[Any]) -> Any:
    """Run a program: each step names an operation and two numbers before it."""
    numbers = list(numbers)
    for name, first, second in program:
        a, b = numbers[first % len(numbers)], numbers[second % len(numbers)]
        numbers.append(UNARY[name](a) if name in UNARY and first % 3 else BINARY.get(name, operator.add)(a, b))
    return numbers[-1]


PROGRAM = st.lists(
    st.tuples(st.sampled_from([*BINARY, *UNARY]), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6
)


@given(
    down=st.lists(PLAIN, min_size=3, max_size=3),
    across=st.lists(PLAIN, min_size=2, max_size=2),
    constant=PLAIN,
    program=PROGRAM,
)
@example([2**62, 2**63 - 1, -5], [3, 7], 2, [("*", 0, 1), ("//", 3, 2)])
@example([Fraction(1, 2), 1, 2], [0, 4], 3, [("/", 0, 1), ("+", 3, 2)])
def test_every_entry_equals_the_result_of_plain_numbers(
    down: list[Any], across: list[Any], constant: Any, program: list[tuple[str, int, int]]
) -> None:
    run = GridEvaluation(SHAPE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = compute(program, [run.numbers(down, 0), run.numbers(across, 1), constant])
        except (ZeroDivisionError, Impossible):  # raised for plain numbers as well: then no entry has a result
            found = None
    for i, x in enumerate(down):
        for j, y in enumerate(across):
            masked = bool(np.broadcast_to(run.first_violation, SHAPE)[i, j])
            try:
                expected = compute(program, [x, y, constant])
            except (ZeroDivisionError, Impossible):
                assert masked or not isinstance(found, Numbers)
                continue
            assert found is not None
            assert not masked
            entry = found.at((i, j)) if isinstance(found, Numbers) else found
            assert entry == expected
            assert type(entry) is type(simplified(expected)) or not isinstance(found, Numbers)
            if isinstance(found, Numbers):
                assert np.broadcast_to(found.plain(), SHAPE)[i, j] == expected


def test_numbers_that_fit_are_int64_and_others_are_exact() -> None:
    run = GridEvaluation((2,))
    small = run.numbers([3, 5], 0)
    large = run.numbers([2**62, 2**62 - 1], 0)
    assert small.plain().dtype == (small * small + 1).plain().dtype == np.int64
    assert (large + large).plain().tolist() == [2**63, 2**63 - 2]
    assert (large * large * 2).plain().tolist() == [2**125, 2 * (2**62 - 1) ** 2]
    assert ((large * large) // large).plain().dtype == np.int64
    assert ((large * large) // large == large).values.all()


def test_comparisons_of_fractions_do_not_overflow_when_they_are_cross_multiplied() -> None:
    run = GridEvaluation((2,))
    a = run.numbers([Fraction(2**61, 3), Fraction(2**61 + 1, 3)], 0)
    b = run.numbers([Fraction(2**61, 7), Fraction(2**63 - 1, 7)], 0)
    assert (a > b).values.tolist() == [True, False]


def test_a_bound_that_grew_too_large_is_tightened_by_the_true_maximum() -> None:
    run = GridEvaluation((2,))
    number = run.numbers([2**40, 1], 0)
    for _ in range(20):
        number = number * 2**20 // 2**20
    assert number.plain().dtype == np.int64
    assert number.plain().tolist() == [2**40, 1]


def test_requirements_mask_configurations_with_their_first_reason() -> None:
    run = GridEvaluation((4, 2))
    n = run.numbers([1, 2, 3, 4], 0)
    m = run.numbers([1, 5], 1)
    run.node = 7
    require(n >= 2, "{n} is less than {least}", n=n, least=2)
    require(n * m <= 15, "{n} times {m} is too much", n=n, m=m)
    require(n >= 2, "not reported: all of these are masked")
    assert run.first_violation.tolist() == [[1, 1], [0, 0], [0, 0], [0, 2]]
    assert [(violation.node, violation.example, violation.where) for violation in run.violations] == [
        (7, "1 is less than 2", (0, 0)),
        (7, "4 times 5 is too much", (3, 1)),
    ]


def test_evaluations_do_not_affect_each_other() -> None:
    first, second = GridEvaluation((2,)), GridEvaluation((2,))
    require(first.numbers([0, 1], 0) > 0, "no")
    assert first.violations
    assert not second.violations
    assert not second.first_violation.any()


def test_division_by_zero_is_an_impossible_configuration_and_no_warning() -> None:
    run = GridEvaluation((3,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quotient = 12 // run.numbers([0, 3, 4], 0)
    assert quotient.plain().tolist()[1:] == [4, 3]
    assert run.first_violation.tolist() == [1, 0, 0]
    with pytest.raises(ZeroDivisionError):
        run.numbers([1, 2, 3], 0) // 0


@pytest.mark.parametrize("ask", [bool, int, range, lambda n: n if n > 3 else 0, lambda n: [0, 1, 2][n]])
def test_inspecting_an_array_is_an_error(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        ask(GridEvaluation((2,)).numbers([1, 5], 0))


def test_equality_may_be_known_in_all_configurations_or_in_some() -> None:
    n = GridEvaluation((2,)).numbers([1, 5], 0)
    assert known_equal(n, n)
    assert known_equal(n + 1 - 1, n)
    assert not known_equal(n, 1)
    assert may_equal(n, 1)
    assert not may_equal(n, 2)


def test_comparison_with_a_word_is_false() -> None:
    n = GridEvaluation((2,)).numbers([1, 5], 0)
    assert (n == "same") is False
    assert n != "same"


def test_huge_powers_are_computed_by_plain_numbers_which_refuse_them() -> None:
    n = GridEvaluation((2,)).numbers([2, 3], 0)
    assert (n**3).plain().tolist() == [8, 27]
    with pytest.raises(PlainNumberRequired):
        n**1000


@given(start=PLAIN, step=PLAIN.filter(bool), length=st.integers(1, 50), data=st.data())
def test_progressions_are_exact_and_never_listed(start: Any, step: Any, length: int, data: Any) -> None:
    listed = [start + step * place for place in range(length)]
    found = progression(start, step, length)
    assert isinstance(found, range) == (type(start) is type(step) is int)
    assert list(found) == listed
    first, last = data.draw(st.integers(0, length)), data.draw(st.integers(0, length))
    assert list(found[first:last]) == listed[first:last]
    found = GridEvaluation((length,)).progression(found[0], step, length, 0)
    assert found.plain().tolist() == listed


def test_a_progression_of_any_length_takes_no_memory() -> None:
    many = progression(Fraction(1, 4), Fraction(1, 10**12), 10**12)
    assert isinstance(many, Progression)
    assert len(many[10**6 : 10**9]) == 10**9 - 10**6
    assert many[10**11] == Fraction(1, 4) + Fraction(1, 10)
    assert math.ceil(many[-1]) == 2
