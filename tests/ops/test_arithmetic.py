"""Functions of single numbers: what they cost, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import arithmetic
from archcalc.ops.traits import Spread

SHAPE = ((3, 4, 5),)


def test_bounds_cost_a_comparison_each() -> None:
    assert arithmetic.Clip(min=0, max=6).cost(SHAPE).operations == {"cmp": 120}
    assert arithmetic.Clip(max=6).cost(SHAPE).operations == {"cmp": 60}


@pytest.mark.parametrize(("bounds", "message"), [({}, "a lower bound"), ({"min": 2, "max": 1}, "must not be above")])
def test_bounds_without_effect_are_refused(bounds: dict[str, int], message: str) -> None:
    with pytest.raises(Impossible, match=message):
        arithmetic.Clip(**bounds).output(SHAPE)


def test_a_sign_costs_nothing_and_a_power_is_one_operation() -> None:
    assert not arithmetic.Abs().cost(SHAPE).flops
    assert arithmetic.Pow(exponent=3).cost(SHAPE).operations == {"pow": 60}


def test_moments_of_functions_of_normal_numbers() -> None:
    """Half-normal: mean √(2/π); log-normal: mean √e, mean square e²."""
    half = arithmetic.Abs().spread((Spread(),), SHAPE)
    assert half.mean == pytest.approx((2 / 3.141592653589793) ** 0.5)
    assert half.square == pytest.approx(1)
    grown = arithmetic.Exp().spread((Spread(),), SHAPE)
    assert grown.mean == pytest.approx(2.718281828459045**0.5)
    assert grown.square == pytest.approx(2.718281828459045**2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "int8", "scale": -1}, "the scale of quantize must be positive, got -1"),
        ({"format": "int8", "zero": 200}, "in int8 must be one from -128 to 127, got 200"),
        ({"format": "float8_e5m2", "zero": 3}, "in float8_e5m2 must be 0, got 3"),
    ],
)
def test_encodings_that_do_not_exist_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(Impossible, match=message):
        arithmetic.Quantize(**arguments).output(SHAPE)


def test_a_conversion_costs_nothing_and_an_encoding_its_limits_and_scales() -> None:
    assert not arithmetic.Cast(format="bfloat16").cost(SHAPE).flops
    assert arithmetic.Quantize(format="int8").cost(SHAPE).operations == {"div": 60, "mul": 60, "cmp": 120}
