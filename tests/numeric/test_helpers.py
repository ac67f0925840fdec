"""The helpers on plain numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import numeric
from archcalc.numeric import Impossible

whole_numbers = st.integers(-(10**20), 10**20)
positive = st.integers(1, 10**12)


@given(whole_numbers, positive)
def test_ceil_div_is_the_smallest_integer_not_below_the_quotient(a: int, b: int) -> None:
    result = numeric.ceil_div(a, b)
    assert (result - 1) * b < a <= result * b


@given(whole_numbers, positive)
def test_exact_div_divides_or_refuses(a: int, b: int) -> None:
    assert numeric.exact_div(a * b, b) == a
    if a % b:
        with pytest.raises(Impossible, match="not divisible"):
            numeric.exact_div(a, b)


@given(st.fractions(max_denominator=1000))
def test_rounding_agrees_with_python(x: Fraction) -> None:
    assert numeric.floor(x) == x.__floor__()
    assert numeric.ceiling(x) == x.__ceil__()
    assert numeric.round_half_even(x) == round(x)


@pytest.mark.parametrize(
    ("channels", "alpha", "made"),
    # MobileNet v2's published widths at other multipliers: first and last layers (Sandler et al. 2018)
    [(32, "0.35", 16), (32, "0.5", 16), (32, "0.75", 24), (32, "1.4", 48), (16, "0.35", 8), (1280, "1.4", 1792)],
)
def test_divisible_makes_the_published_widths(channels: int, alpha: str, made: int) -> None:
    assert numeric.make_divisible(channels * Fraction(alpha), 8) == made


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=100), st.sampled_from([1, 2, 4, 8, 16]))
def test_divisible_has_its_three_properties(x: Fraction, divisor: int) -> None:
    result = numeric.make_divisible(x, divisor)
    assert result % divisor == 0
    assert result >= divisor
    assert result >= x * Fraction(9, 10)
    assert result <= max(divisor, x + divisor)


def test_divisible_is_exact_where_floats_are_not() -> None:
    assert numeric.make_divisible(100 * Fraction("1.16"), 8) == 120
    floats = 100 * 1.16
    assert int(floats + 4) // 8 * 8 == 112


def test_a_number_that_must_be_an_integer_is_named_if_it_is_not() -> None:
    assert numeric.as_integer(Fraction(6, 3), "width") == 2
    with pytest.raises(Impossible, match=r"width must be an integer, got 3/2"):
        numeric.as_integer(Fraction(3, 2), "width")


def test_require_formats_its_message_only_when_it_fails() -> None:
    class Unprintable:
        def __format__(self, spec: str) -> str:
            raise AssertionError("formatted")

    numeric.require(True, "{x}", x=Unprintable())
    with pytest.raises(Impossible, match="7 is odd"):
        numeric.require(False, "{n} is odd", n=7)


def test_an_empty_product_is_one() -> None:
    assert numeric.product(()) == 1
    assert numeric.product([3, 4, 5]) == 60


def test_things_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="not numbers"):
        numeric.maximum(1, "2")
    with pytest.raises(TypeError, match="not numbers"):
        numeric.ceil_div(1.5, 2)  # floats are not accepted
