"""Values as people write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.written import read_number, read_statement


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [
        ("61,706", 61706, 0),
        ("61706", 61706, 0),
        ("61 706", 61706, 0),
        ("61\u202f706", 61706, 0),
        ("61'706", 61706, 0),
        ("61_706", 61706, 0),
        ("۶۱۷۰۶", 61706, 0),
        ("569M", 569_000_000, 500_000),
        ("4.2M", 4_200_000, 50_000),
        ("1.8e9", 1_800_000_000, 50_000_000),
        ("1.8·10^9", 1_800_000_000, 50_000_000),
        ("60 million", 60_000_000, 500_000),
        ("11.3 G", 11_300_000_000, 50_000_000),
        ("3.8B", 3_800_000_000, 50_000_000),
        ("60 thousand", 60_000, 500),
        ("0.5", Fraction(1, 2), Fraction(1, 20)),
        ("-3", -3, 0),
    ],
)
def test_numbers_are_read_with_their_precision(text: str, value: Fraction, tolerance: Fraction) -> None:
    assert read_number(text)[:2] == (value, tolerance)


@given(st.integers(0, 10**30))
def test_whole_numbers_are_meant_exactly(number: int) -> None:
    for text in (str(number), f"{number:,}", f"{number:_}"):
        statement = read_statement(text)
        assert statement.holds((number,))
        assert not statement.holds((number + 1,))
        assert not statement.holds((number - 1,))


@given(st.integers(0, 10**12), st.integers(0, 3))
def test_a_rounded_number_holds_for_what_rounds_to_it(number: int, decimals: int) -> None:
    written = f"{number / 10**6:.{decimals}f}M"
    half = Fraction(10**6, 10**decimals) / 2
    statement = read_statement(written)
    middle = statement.numbers[0].value
    assert statement.holds((middle - half,))
    assert statement.holds((middle + half,))
    assert not statement.holds((middle + half + 1,))
    assert not statement.holds((middle - half - 1,))


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("at most 500K", 500_000, 500_001),
        ("<= 500K", 500_000, 500_001),
        ("at least 3", 3, 2),
        (">= 3", 3, 2),
        ("below 7", 6, 7),
        ("< 7", 6, 7),
        ("above 7", 8, 7),
        ("> 7", 8, 7),
        ("= 7", 7, 8),
    ],
)
def test_bounds(text: str, holds: int, fails: int) -> None:
    assert read_statement(text).holds((holds,))
    assert not read_statement(text).holds((fails,))


def test_shapes_hold_part_by_part() -> None:
    for text in ("6x28x28", "6×28×28", "6 x 28 x 28"):
        assert read_statement(text).holds((6, 28, 28))
        assert not read_statement(text).holds((6, 28, 27))
        assert not read_statement(text).holds((6, 28))
    assert read_statement("84").holds((84,))


def test_the_word_global_and_ratios() -> None:
    assert read_statement("global").holds(("global",))
    assert not read_statement("global").holds((483,))
    assert not read_statement("483").holds(("global",))
    assert read_statement("at least 483").holds(("global",))
    assert read_statement("1/2").holds((Fraction(1, 2),))


@pytest.mark.parametrize(
    "text", ["", "many", "12 apples", "2..1", "1,2,3", "6x", "0/0", "9" * 300, "at most", "1e99999999"]
)
def test_what_is_not_a_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_statement(text)
