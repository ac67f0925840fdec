"""Values of settings as people write them on a command line."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from archcalc.numeric.progressions import Progression
from archcalc.spec import SpecError
from archcalc.spec.limits import DEFAULT
from archcalc.spec.ranges import read_values


def values(text: str) -> Any:
    return read_values("--set a", text, DEFAULT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.25:1:0.25", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1]),
        ("0.25:0.9:0.25", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)]),
        ("1:4", [1, 2, 3, 4]),
        ("128:512:128", [128, 256, 384, 512]),
        ("5:1:-2", [5, 3, 1]),
        ("3:3", [3]),
        ("1/7:3/7:1/7", [Fraction(1, 7), Fraction(2, 7), Fraction(3, 7)]),
        ("(1+1):2**3:2", [2, 4, 6, 8]),
        ("0.1:0.3:0.1", [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)]),
        ("-2:2:2", [-2, 0, 2]),
        ("1e3:2e3:500", [1000, 1500, 2000]),
        (" 1 : 3 ", [1, 2, 3]),
        ("0.5, 6/7 ,1", [Fraction(1, 2), Fraction(6, 7), 1]),
        ("1,2,8:10", [1, 2, 8, 9, 10]),
        ("relu,gelu", ["relu", "gelu"]),
        ("3x3,5x5", ["3x3", "5x5"]),
        ("min(1,2),max(3,4)", [1, 4]),
        ("7", [7]),
        ("width/2", ["width/2"]),
        ("half", ["half"]),
    ],
)
def test_values(text: str, expected: list[Any]) -> None:
    found = values(text)
    assert list(found) == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_a_range_is_not_listed() -> None:
    assert values("1:1000000000000") == range(1, 10**12 + 1)
    found = values("0.5:1000000000000:0.5")
    assert isinstance(found, Progression)
    assert len(found) == 2 * 10**12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a value"),
        ("1,,2", "expected a value"),
        ("1,", "expected a value"),
        ("1:", "expected a value"),
        ("1:2:0", "the step of a range must not be 0"),
        ("2:1", "is empty"),
        ("1:2:-1", "is empty"),
        ("1:2:3:4", "a range must be start:stop or start:stop:step"),
        ("1:relu", "plain numbers"),
        ("1:n:2", "plain numbers"),
        ("1 2", "expected"),
        ("1,2)", "expected"),
        ("1:1/0", "division by zero"),
        ("0,1:2000000", "more than 1,000,000 values in a list"),
        ("0:1:1e-60", "a range of more than 1,000,000,000,000,000 values"),
        ("9" * 300, "a number of more than 100 digits"),
    ],
)
def test_wrong_values(text: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        values(text)
    assert message in error.value.problems[0].message


def test_an_error_points_at_the_item() -> None:
    with pytest.raises(SpecError, match="--set a:1:9: error"):
        values("1,2,  3 4")
