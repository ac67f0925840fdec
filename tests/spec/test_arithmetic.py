"""Exact arithmetic, variables and their settings."""

from __future__ import annotations

from fractions import Fraction

import pytest

from archcalc.spec import SpecError
from tests.spec.reading import chain, graph, last, marked, problem, problems, shapes, wrong


def value(expression: str, **how: object) -> object:
    """Return the exact value of an expression, where C is 8."""
    return last(chain(f"scale {expression}", **how)).factor


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("100*1.1", 110),
        ("0.1+0.2", Fraction(3, 10)),
        ("3*(1/3)", 1),
        ("1/3", Fraction(1, 3)),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("2-3-4", -5),
        ("24/4/3", 2),
        ("24/(4/3)", 18),
        ("7//2", 3),
        ("(-7)//2", -4),
        ("-7//2", -4),
        ("7%4", 3),
        ("(-7)%4", 1),
        ("7.5//2", 3),
        ("7.5%2", Fraction(3, 2)),
        ("2**10", 1024),
        ("2**3**2", 512),
        ("-2**2", -4),
        ("(-2)**2", 4),
        ("2**-1", Fraction(1, 2)),
        ("(2/3)**3", Fraction(8, 27)),
        ("0**0", 1),
        ("--3", 3),
        ("-+-3", 3),
        ("+3", 3),
        ("round(0.5)", 0),
        ("round(1.5)", 2),
        ("round(2.5)", 2),
        ("round(-2.5)", -2),
        ("round(2.6)", 3),
        ("floor(-0.5)", -1),
        ("ceil(-0.5)", 0),
        ("ceil(7/2)", 4),
        ("floor(3)", 3),
        ("min(3, 1/2, 2)", Fraction(1, 2)),
        ("max(3, 7/2)", Fraction(7, 2)),
        ("max(1,2,3,4,5)", 5),
        ("divisible(32*0.75, 8)", 24),
        ("divisible(33, 8)", 32),
        ("divisible(36, 8)", 40),
        ("divisible(10, 8)", 16),
        ("divisible(1, 8)", 8),
        ("divisible(24*0.35, 8)", 8),
        ("C", 8),
        ("C//16+2*C", 16),
        ("012", 12),
        ("1e3", 1000),
        ("1E+2", 100),
        ("2.5e-1", Fraction(1, 4)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("3.10", Fraction(31, 10)),
        ("( 1 + 2 ) * 3", None),
        ("(1 + 2*( 3 - 1 ))", 5),
        ("max( 1 , 2 )", 2),
    ],
)
def test_numbers_are_exact(expression: str, expected: object) -> None:
    if expected is None:  # blanks only inside brackets
        assert wrong(f"scale {expression}").code in ("argument", "syntax")
        return
    assert value(expression) == expected
    assert type(value(expression)) is type(expected)


@pytest.mark.parametrize(
    ("expression", "what", "at"),
    [
        ("1/0", "division by zero", "1/0"),
        ("(1//(C-8))", "division by zero", "1//(C-8)"),
        ("1%0", "division by zero", "1%0"),
        ("0**-1", "division by zero", "0**-1"),
        ("2**0.5", "the exponent must be an integer, got 1/2", "0.5"),
        ("floor(1, 2)", "floor takes 1 argument, got 2", "floor(1, 2)"),
        ("min(1)", "min takes at least 2 arguments, got 1", "min(1)"),
        ("divisible(1)", "divisible takes 2 arguments, got 1", "divisible(1)"),
        ("divisible(1, 0)", "divisible needs a positive divisor", "divisible(1, 0)"),
        ("floor()", "expected a number, a name or (arithmetic), found ')'", ")"),
        ("flor(1)", "expected a space, found '('", "("),
        ("1+", "expected a number, a name or (arithmetic), but the text ends here", ""),
        ("1*/2", "expected a number, a name or (arithmetic), found '/2'", "/2"),
        ("2***2", "expected a number, a name or (arithmetic), found '*2'", "*2"),
        ("(1", "this bracket is never closed by ')'", "("),
        ("1==2", "expected a space, '->' or the end, found '==2'", "==2"),
        ("q", "no variable or parameter 'q'", "q"),
        ("C+q*2", "no variable or parameter 'q'", "q"),
        ("__import__('os')", "expected a space, found '('", "("),
        ("1e1000", "a number of more than 100 digits", "1e1000"),
        ("10**200", "a number of more than 100 digits", "10**200"),
        ("2**-500", "a number of more than 100 digits", "2**-500"),
        ("9**9**9**9", "a number of more than 100 digits", "9**9**9"),
        ("1e99*1e99", "a number of more than 100 digits", "1e99*1e99"),
        ("9" * 101, "a number of more than 100 digits", "9" * 80),
    ],
)
def test_wrong_arithmetic_is_named_and_marked(expression: str, what: str, at: str) -> None:
    found = wrong(f"scale {expression}")
    assert what in found.message
    assert at in marked(found) if at else marked(found) == ""


def test_the_bound_on_digits_is_an_option() -> None:
    from archcalc import Limits

    assert "--max-digits" in wrong("scale 10**200").hint
    assert value("10**120", limits=Limits(digits=150)) == 10**120
    assert "PYTHONINTMAXSTRDIGITS" in wrong("relu", limits=Limits(digits=10_000)).hint


def test_c_is_undefined_before_there_is_a_tensor() -> None:
    for text in ("input: Cx8x8\nlayers: relu\n", "input: 3x8x8\nvariables: {a: C}\nlayers: relu\n"):
        assert problem(text).code in ("unknown-name", "syntax")
    assert "is not defined here" in problem("input: (C)x8x8\nlayers: relu\n").message


def test_c_in_a_join_is_that_of_the_tensor_before_it() -> None:
    assert shapes(chain("concat(conv 2*C k1, conv C//2 k1) -> conv C k1")) == [
        "16x32x32",
        "4x32x32",
        "20x32x32",
        "20x32x32",
    ]


NETWORK = """
    input: 3x(round(224*rho))x(size)
    variables: {alpha: 1, rho: 1, width: 32*alpha, size: 64, k: 3x5, pads: 1:2, act: relu, way: same, deep: width*width}
    layers: conv width k=k pad=way -> act -> conv divisible(width, 8) k1 pad=pads
"""


def test_variables_may_be_derived_from_earlier_ones() -> None:
    network = graph("variables: {a: 2, b: a*3, c: (a+b)/4}\ninput: (a)x(b)x8\nlayers: conv c*4 k1\n")
    assert network.variables == {"a": 2, "b": 6, "c": 2}
    assert shapes(network) == ["8x6x8"]


def test_a_variable_knows_only_those_before_it() -> None:
    found = problem("input: 3x8x8\nvariables: {a: b, b: 1}\nlayers: relu\n")
    assert (found.code, found.place()) == ("unknown-name", ("net.yaml", 2, 16))
    assert found.message == "variable 'a' uses 'b', which is declared after it"
    itself = problem("input: 3x8x8\nvariables: {a: 2*a}\nlayers: relu\n")
    assert itself.message == "variable 'a' uses itself"


def test_variables_hold_numbers_sizes_pairs_words_and_operators() -> None:
    assert shapes(graph(NETWORK)) == ["32x224x64", "32x224x64", "32x227x67"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"alpha": "0.5"}, "16x227x67"),
        ({"alpha": "1/2"}, "16x227x67"),
        ({"rho": "6/7"}, "32x195x67"),
        ({"rho": "0.5", "size": "32"}, "32x115x35"),
        ({"width": "7", "pads": "0"}, "8x224x64"),
        ({"width": "alpha*48", "pads": "0"}, "48x224x64"),
        ({"way": "valid", "pads": "0", "k": "3"}, "32x222x62"),
        ({"act": "gelu", "pads": " 0 "}, "32x224x64"),
        ({"size": "1e2", "pads": "0"}, "32x224x100"),
    ],
)
def test_settings_replace_variables_and_what_is_derived_from_them(settings: dict[str, str], expected: str) -> None:
    assert shapes(graph(NETWORK, set=settings))[-1] == expected


@pytest.mark.parametrize(
    ("settings", "place", "what", "hint"),
    [
        ({"alhpa": "1"}, ("--set alhpa", None, None), "no variable 'alhpa'", "did you mean 'alpha'?"),
        ({"zzz": "1"}, ("--set zzz", None, None), "no variable 'zzz'", "the variables are alpha, rho, "),
        ({"alpha": "1 +"}, ("--set alpha", 1, 4), "but the text ends here", ""),
        ({"alpha": ""}, ("--set alpha", 1, 1), "but the text ends here", ""),
        ({"alpha": "width"}, ("--set alpha", 1, 1), "variable 'alpha' uses 'width', which is declared after it", ""),
        ({"alpha": "1/0"}, ("--set alpha", 1, 1), "division by zero", ""),
        ({"alpha": "0.5 x"}, ("--set alpha", 1, 5), "expected the end of the value", ""),
        ({"alpha": "1e400"}, ("--set alpha", 1, 1), "more than 100 digits", ""),
    ],
)
def test_wrong_settings_are_shown_where_they_were_written(
    settings: dict[str, str], place: tuple[str, int | None, int | None], what: str, hint: str
) -> None:
    found = problem(NETWORK, set=settings)
    assert found.place() == place
    assert what in found.message
    assert hint in found.hint


def test_a_setting_that_makes_a_size_fractional_is_an_error_in_the_spec() -> None:
    found = problem("input: 3x8x8\nvariables: {alpha: 1}\nlayers: conv 10*alpha k1\n", set={"alpha": "1/3"})
    assert found.place() == ("net.yaml", 3, 14)
    assert "got 10/3" in found.message


def test_an_inline_expression_has_no_variables_to_set() -> None:
    with pytest.raises(SpecError, match="no variable 'a'"):
        chain("relu", set={"a": "1"})


def test_all_wrong_variables_come_in_one_run_and_do_not_make_others_wrong() -> None:
    found = problems("input: 3x8x8\nvariables: {a: 1/0, b: a*q, c: [], d: a+b}\nlayers: conv d k1 -> conv r k1\n")
    assert [p.place()[1:] for p in found] == [(2, 16), (2, 26), (2, 32), (3, 27)]


def test_a_sum_may_have_any_number_of_terms() -> None:
    assert value("1" + "+1" * 20_000) == 20_001
    assert value("(C" + " - C" * 20_000 + ")") == 8 - 8 * 20_000


@pytest.mark.parametrize(
    ("shape", "layer", "hint"),
    [
        ("16x10", "attention heads=3", "10 is divisible by 2 and by 5"),
        ("16x12", "attention heads=4 kv_heads=3", "4 is divisible by 2 and by 4"),
        ("3x8x8", "conv 4 k3 g2", "3 is divisible by 3"),
        ("8x9x9", "space_to_depth 2", "9 is divisible by 3"),
        ("6x4x4", "gn 4", "6 is divisible by 3 and by 6"),
        ("6x4x4", "split 4 part=0", "6 is divisible by 3 and by 6"),
        ("4x4x4", "gn 8", "4 is divisible by 4"),
    ],
)
def test_numbers_that_do_not_divide_get_the_nearest_ones_that_do(shape: str, layer: str, hint: str) -> None:
    assert wrong(layer, shape).hint == hint
