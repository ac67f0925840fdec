"""Symbols against ints: what is computed, decided or required of symbols holds for all numbers that replace them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.numeric import (
    Impossible,
    PlainNumberRequired,
    as_integer,
    ceil_div,
    exact_div,
    floor,
    gcd,
    known_equal,
    make_divisible,
    maximum,
    minimum,
    require,
    round_half_even,
    select,
)
from archcalc.numeric.symbolic import (
    PYTHON,
    TEXT,
    Condition,
    FreeSymbol,
    SymbolicNumber,
    Symbols,
    TooComplex,
    cancel,
    conditions,
    evaluate,
    fixpoint,
    in_free_symbols,
)
from archcalc.numeric.symbolic.evaluate import holds
from archcalc.numeric.symbolic.number import is_integer
from archcalc.numeric.symbolic.writer import text

Formula = Callable[[dict[str, Any]], Any]
NAMES = ("H", "W", "k")


def symbols(*names: str) -> Symbols:
    return Symbols([FreeSymbol.size(name) for name in names or NAMES], text)


def numbers(kind: Symbols) -> dict[str, Any]:
    return {name: kind.number(name) for name in kind.free}


def plain(number: Any, values: dict[str, Any], kind: Symbols) -> Any:
    """Return the value of a result; ``None`` where the values are not possible."""
    point = kind.point(values)
    return None if point is None else evaluate(number, point)


def unary(name: str, inner: Formula, n: int, m: int) -> Formula:
    if name == "floor_div":
        return lambda names: (inner(names) + m) // n
    if name == "ceil_div":
        return lambda names: ceil_div(inner(names) + m, n)
    if name == "mod":
        return lambda names: (inner(names) + m) % n
    if name == "scaled":
        return lambda names: inner(names) * m + n
    if name == "less":
        return lambda names: n - inner(names)
    if name == "same":  # the padding of TensorFlow
        return lambda names: maximum((ceil_div(inner(names), n) - 1) * n + abs(m) - inner(names), 0)
    if name == "divisible":
        return lambda names: make_divisible(inner(names), n)
    return lambda names: round_half_even(Fraction(m, n) * inner(names))


def binary(name: str, left: Formula, right: Formula) -> Formula:
    compute: dict[str, Callable[[Any, Any], Any]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "max": maximum,
        "min": minimum,
        "select": lambda a, b: select(a > b, a + 1, b - a),
    }
    return lambda names: compute[name](left(names), right(names))


leaves = st.sampled_from(NAMES).map(lambda name: lambda names: names[name])
formulas: st.SearchStrategy[Formula] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            unary,
            st.sampled_from(["floor_div", "ceil_div", "mod", "scaled", "less", "same", "divisible", "round"]),
            inner,
            st.integers(1, 6),
            st.integers(-9, 9),
        ),
        st.builds(binary, st.sampled_from(["+", "-", "*", "max", "min", "select"]), inner, inner),
    ),
    max_leaves=5,
)
points = st.fixed_dictionaries({name: st.integers(1, 60) for name in NAMES})


@settings(max_examples=300)
@given(formulas, points)
def test_a_formula_of_symbols_has_the_value_of_the_formula_of_ints(formula: Formula, values: dict[str, int]) -> None:
    kind = symbols()
    result = formula(numbers(kind))
    assert plain(result, values, kind) == formula(values)


@settings(max_examples=200)
@given(formulas, formulas, points, st.sampled_from([operator.ge, operator.gt, operator.eq, operator.ne]))
def test_decisions_hold_everywhere(
    left: Formula, right: Formula, values: dict[str, int], relation: Callable[[Any, Any], Any]
) -> None:
    kind = symbols()
    found = relation(left(numbers(kind)), right(numbers(kind)))
    expected = relation(left(values), right(values))
    if isinstance(found, Condition):
        point = kind.point(values)
        assert point is not None
        assert holds(found, point) == expected
    else:
        assert found == expected


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.tuples(formulas, formulas, st.booleans()), min_size=1, max_size=3), points)
def test_requirements_narrow_the_symbols_to_where_they_hold(
    required: list[tuple[Formula, Formula, bool]], values: dict[str, int]
) -> None:
    def all_hold(names: dict[str, Any]) -> None:
        for left, right, equal in required:
            require(left(names) == right(names) if equal else left(names) >= right(names), "no")

    def calculation(kind: Symbols) -> Any:
        all_hold(numbers(kind))
        return required[0][0](numbers(kind))

    try:
        all_hold(values)
        expected = True
    except Impossible:
        expected = False
    try:
        kind, result = fixpoint([FreeSymbol.size(name) for name in NAMES], calculation)
    except Impossible:
        assert not expected
        return
    point = kind.point(values)
    assert (point is not None and kind.holds(point)) == expected
    if expected:
        assert plain(result, values, kind) == required[0][0](values)


@settings(max_examples=150)
@given(formulas, points)
def test_written_formulas_have_the_computed_value(formula: Formula, values: dict[str, int]) -> None:
    kind = symbols()
    code = PYTHON.integer(formula(numbers(kind)))
    assert eval(code, {"gcd": gcd, "Fraction": Fraction, "max": max, "min": min}, dict(values)) == formula(values)


@settings(max_examples=100)
@given(formulas, st.integers(2, 6), points)
def test_on_a_grid_the_result_is_the_same(formula: Formula, modulus: int, values: dict[str, int]) -> None:
    residue = values["H"] % modulus

    def calculation(kind: Symbols) -> Any:
        names = numbers(kind)
        require(names["H"] % modulus == residue, "no")
        return formula(names)

    kind, result = fixpoint([FreeSymbol.size(name) for name in NAMES], calculation)
    assert plain(result, values, kind) == formula(values)
    code = PYTHON.integer(in_free_symbols(kind, result))
    assert eval(code, {"gcd": gcd, "Fraction": Fraction}, dict(values)) == formula(values)


def written(number: Any) -> str:
    return TEXT.number(number)


def test_chains_of_convolutions_have_one_floor() -> None:
    h = symbols("H").number("H")
    size = h
    for n, p, k, s in ((0, 3, 7, 2), (1, 1, 3, 2), (2, 0, 1, 2), (3, 1, 3, 2), (4, 1, 3, 2)):
        size = (size + 2 * p - k) // s + 1
        assert written(size) == f"⌊(H + {2 ** (n + 1) - 1})/{2 ** (n + 1)}⌋"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda h: h // 2 // 2 // 2, "⌊H/8⌋"),
        (lambda h: (4 * h + 2) // 6, "⌊(2·H + 1)/3⌋"),
        (lambda h: -(h // 2) // 3, "−⌊(H + 4)/6⌋"),
        (lambda h: ceil_div(h, 4), "⌊(H + 3)/4⌋"),
        (lambda h: (h - 1) // 1, "H − 1"),
        (lambda h: (7 * h) // 7, "H"),
        (lambda h: exact_div(h * 12, 4), "3·H"),
        (lambda h: (5 * h) // 3, "H + ⌊2·H/3⌋"),
        (lambda h: h % 1, "0"),
        (lambda h: gcd(14 * h, 7), "7"),
        (lambda h: gcd(h, 7), "gcd(H, 7)"),
        (lambda h: maximum(h, 0), "H"),
        (lambda h: minimum(2 * h, h), "H"),
        (lambda h: maximum(h, 7), "max(H, 7)"),
        (lambda h: (h + 3) ** 2 - 9, "H² + 6·H"),
    ],
)
def test_forms_that_people_write(formula: Callable[[Any], Any], expected: str) -> None:
    assert written(formula(symbols("H").number("H"))) == expected


def test_equal_forms_are_equal_and_others_differ_within_their_period() -> None:
    kind = symbols("H", "W")
    h, w = kind.number("H"), kind.number("W")
    assert ((h + 1) // 2).key == ceil_div(h, 2).key
    assert known_equal(h // 2 + (h + 1) // 2, h)
    assert not known_equal(h // 2 * 2, h)
    assert (h * w == w * h) is True
    assert (h == h + 1) is False


def learned(*required: Callable[[Any], Any]) -> list[str]:
    def calculation(kind: Symbols) -> None:
        for each in required:
            require(each(kind.number("H")), "nothing fits")

    kind, _ = fixpoint([FreeSymbol.size("H")], calculation)
    return [TEXT.comparison(part) for part in conditions(kind)]


def test_conditions_are_merged_into_the_usual_form() -> None:
    assert learned(lambda h: h >= 7, lambda h: (h - 5) // 8 >= 3) == ["H ≥ 29"]
    assert learned(*(lambda h, n=n: h // 2**n * 2**n == h for n in range(5))) == ["H % 16 == 0"]
    assert learned(lambda h: h % 4 == 0, lambda h: h % 6 == 0, lambda h: h >= 30) == ["H % 12 == 0", "H ≥ 36"]
    assert learned(lambda h: h % 3 != 1) == ["H % 3 ≠ 1"]
    assert learned(lambda h: h // 2 == 5) == ["H in {10, 11}"]
    assert learned(lambda h: h // 4 == 56, lambda h: h % 4 == 0) == ["H == 224"]
    assert learned(lambda h: h <= 100) == ["H ≤ 100"]
    assert learned(lambda h: h % 4 - 2 >= 0) == ["H % 4 in {2, 3}"]
    assert learned(lambda h: h >= 1) == []
    assert learned(lambda h: h + h % 2 * 3 >= 6) == ["H ≥ 3", "H not in {4}"]


def test_impossible_networks_are_found() -> None:
    for required in (lambda h: h // 2 > h, lambda h: h % 2 == 5, lambda h: h == h + 1):
        with pytest.raises(Impossible, match="nothing fits"):
            learned(required)
    with pytest.raises(Impossible, match="nothing fits"):
        learned(lambda h: h % 2 == 0, lambda h: h % 4 == 1)


def test_a_variable_that_is_used_as_an_integer_is_one() -> None:
    def calculation(kind: Symbols) -> Any:
        x = kind.number("x")
        return as_integer(x * 4, "a size") // 2

    kind, result = fixpoint([FreeSymbol.variable("x")], calculation)
    assert written(in_free_symbols(kind, result)) == "2·x" or "⌊" in written(in_free_symbols(kind, result))
    assert [TEXT.comparison(part) for part in conditions(kind)] == ["4·x is an integer"]
    assert plain(result, {"x": Fraction(3, 4)}, kind) == 1
    assert kind.point({"x": Fraction(1, 3)}) is None


def test_a_variable_that_is_rounded_stays_real() -> None:
    kind, result = fixpoint([FreeSymbol.variable("alpha")], lambda kind: floor(kind.number("alpha") * 32))
    assert written(result) == "⌊32·alpha⌋"
    assert plain(result, {"alpha": Fraction(1, 3)}, kind) == 10


def test_quotients_of_symbols() -> None:
    kind = symbols("N", "k", "C")
    n, k, c = (kind.number(name) for name in "NkC")
    assert written(exact_div(c * n, n)) == "C"
    assert written((c * k**2 + c * n) / (c * n * k**2)) == "1/N + 1/k²"
    assert written(cancel((c - k + 1) * (k**2 + n), (c - k + 1) * n * k**2)) == "1/N + 1/k²"
    assert written(c / (n + k)) == "C/(N + k)"
    assert written(c // n // k) == "⌊C/(N·k)⌋"
    assert plain(c / (n + k), {"N": 2, "k": 3, "C": 4}, kind) == Fraction(4, 5)


@pytest.mark.parametrize("ask", [bool, range, lambda n: [0] * n, lambda n: 1 if n > 3 else 0])
def test_inspecting_a_symbol_is_an_error(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(PlainNumberRequired):
        ask(symbols("H").number("H"))


def test_a_symbol_is_not_text() -> None:
    h = symbols("H").number("H")
    assert (h == "H") is False
    assert is_integer(h)
    assert isinstance(h, SymbolicNumber)


def power_tower(kind: Symbols) -> Any:
    names = numbers(kind)
    return (names["H"] + names["W"] + names["k"] + 1) ** 64


def doubling(kind: Symbols) -> Any:
    number = kind.number("H")
    for step in range(60):
        number = number // 2 + (number + step) // 3
    return number


def maxima(kind: Symbols) -> Any:
    names = numbers(kind)
    best = 0
    for i in range(200):
        best = maximum(best, names["H"] * i + names["W"] * (200 - i) ** 2)
    return best


def long_periods(kind: Symbols) -> Any:
    h = kind.number("H")
    total = h
    for prime in (101, 103, 107, 109, 113, 127):
        total = total + maximum((h + 1) // prime * prime, h)
    return total


@pytest.mark.parametrize("hostile", [power_tower, doubling, maxima, long_periods])
def test_work_is_bounded(hostile: Callable[[Symbols], Any]) -> None:
    kind = symbols()
    try:
        size = len(written(hostile(kind)))
    except TooComplex:
        size = 0
    assert size < 200_000


SPLIT_FLOORS: list[tuple[Callable[[Any, Any, Any], Any], Callable[[Any, Any, Any], Any]]] = [
    (lambda n, k, s: (n - k) // s, lambda n, k, s: floor(exact_div(n, s) - exact_div(k, s))),
    (lambda n, k, s: (n - k) // (2 * s), lambda n, k, s: floor(exact_div(exact_div(n - k, 2), s))),
    (lambda n, k, s: (n - k) // (2 * s + 1), lambda n, k, s: floor(exact_div(n - k, 2 * s + 1))),
    (lambda n, k, s: (n - k) // s + 1, lambda n, k, s: floor(exact_div(n - k + s, s))),
    (lambda n, k, s: (n - 3) // s + 1, lambda n, k, s: ceil_div(n - 2, s)),
    (lambda n, k, s: ((n - k) // s - k) // s, lambda n, k, s: floor(exact_div(n - k - k * s, s * s))),
    (lambda n, k, s: 29 // s, lambda n, k, s: floor(29 * exact_div(1, s))),
    (lambda n, k, s: -((0 - 5) // s), lambda n, k, s: ceil_div(5, s)),
]


@pytest.mark.parametrize(("one", "other"), SPLIT_FLOORS)
def test_floors_over_symbols_have_one_form(one: Callable[..., Any], other: Callable[..., Any]) -> None:
    kind = symbols("n", "k", "s")
    names = list(numbers(kind).values())
    assert kind.compare("==", one(*names) - other(*names)) is True
    for values in ({"n": 32, "k": 3, "s": 2}, {"n": 7, "k": 5, "s": 3}, {"n": 2, "k": 9, "s": 4}):
        expected = one(*values.values())
        assert plain(one(*names), values, kind) == plain(other(*names), values, kind) == expected
