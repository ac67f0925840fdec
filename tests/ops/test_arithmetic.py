"""Functions of single numbers: what they cost, and what they refuse."""

from __future__ import annotations

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
