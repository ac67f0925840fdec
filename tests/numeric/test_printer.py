"""The printer: brackets only where the structure needs them, in every notation."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archcalc.numeric.printer import Expression, LatexPrinter, Printer, PythonPrinter, latex_text
from tests.derivations import evaluate

COMPUTE: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: Fraction(a) / (b * b + 1),
    "//": lambda a, b: a // (b * b + 1),
    "neg": lambda a: -a,
    "floor": lambda a: a // 1,
    "power": lambda a: a**2,
    "max": max,
    "min": min,
}

trees = st.recursive(
    st.integers(-20, 20),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "//", "max", "min"]), inner, inner),
        st.tuples(st.sampled_from(["neg", "floor", "power"]), inner),
    ),
    max_leaves=8,
)


def value(tree: Any) -> Any:
    return tree if isinstance(tree, int) else COMPUTE[tree[0]](*map(value, tree[1:]))


def expression(tree: Any) -> Any:
    if isinstance(tree, int):
        return tree
    op, *args = tree[0], *map(expression, tree[1:])
    if op == "power":
        return Expression("power", (args[0], 2))
    if op in ("/", "//"):
        args[1] = Expression("+", (Expression("*", (args[1], args[1])), 1))
    return Expression(op, tuple(args))


@given(trees)
@example(("power", ("power", ("power", 3))))
def test_written_python_has_the_value_of_the_expression(tree: Any) -> None:
    code = PythonPrinter().write(expression(tree))
    assert eval(code, {"Fraction": Fraction, "gcd": gcd}) == value(tree)


@given(trees)
@example(("power", ("power", -3)))
def test_written_text_has_the_value_of_the_expression(tree: Any) -> None:
    assert evaluate(Printer().write(expression(tree)).replace("²", "**2")) == value(tree)


def name(text: str) -> Expression:
    return Expression("symbol", (text,))


@pytest.mark.parametrize(
    ("printer", "expected"),
    [
        (Printer(), "a − (b + c)²·⌊x/(y·z)⌋"),
        (LatexPrinter(), r"a - \left(b + c\right)^{2} \, \left\lfloor \frac{x}{y \, z} \right\rfloor"),
        (PythonPrinter(), "a - (b + c)**2 * (x // (y * z))"),
    ],
)
def test_brackets_are_written_where_the_structure_needs_them(printer: Printer, expected: str) -> None:
    square = Expression("power", (Expression("+", (name("b"), name("c"))), 2))
    floor = Expression("//", (name("x"), Expression("*", (name("y"), name("z")))))
    assert printer.write(Expression("-", (name("a"), Expression("*", (square, floor))))) == expected


def test_a_sum_may_have_more_terms_than_python_has_frames() -> None:
    total: Any = name("x")
    for _ in range(20_000):
        total = Expression("+", (total, 1))
    assert Printer().write(total) == "x" + " + 1" * 20_000


def test_relations_are_written_in_the_signs_of_the_notation() -> None:
    at_least = Expression(">=", (name("H"), 29))
    chosen = Expression("not in", (name("H"), *range(20)))
    whole = Expression("integer", (Expression("+", (name("a"), name("b"))),))
    first = ", ".join(map(str, range(12)))
    assert [Printer().write(each) for each in (at_least, chosen, whole)] == [
        "H ≥ 29",
        f"H not in {{{first}, …}}",
        "a + b is an integer",
    ]
    assert [LatexPrinter().write(each) for each in (at_least, chosen, whole)] == [
        r"H \ge 29",
        rf"H \notin \{{{first}, …\}}",
        r"a + b \in \mathbb{Z}",
    ]
    scope = {"H": 15, "a": Fraction(1, 2), "b": Fraction(3, 2)}
    assert [eval(PythonPrinter().write(each), {}, scope) for each in (at_least, chosen, whole)] == [False, False, True]


def test_names_become_what_the_notation_can_read() -> None:
    assert [LatexPrinter().symbol(each) for each in ("H", "alpha", "width", "n_0")] == [
        "H",
        r"\alpha",
        r"\mathrm{width}",
        r"n_{\mathrm{0}}",
    ]
    assert [PythonPrinter().symbol(each) for each in ("image.H", "lambda", "gcd")] == ["image_H", "lambda_", "gcd_"]
    assert latex_text("a_b – 50 % ≤ c → d") == r"a\_b -- 50 \% $\le$ c $\to$ d"
