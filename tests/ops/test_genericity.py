"""Every formula is generic in its numbers: a kind that cannot be inspected gives the same results as ints."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import REGISTRY, Operator, joins, norm
from tests.opaque import OpaqueNumber, plain_value
from tests.operators import ENTRIES
from tests.operators.entry import MAP, MAP2

PLAIN = {"axis", "order", "shift"}
"""Attributes that name axes rather than count anything: plain ints in every kind of number."""


def opaque(value: Any) -> Any:
    """Return a value with its numbers wrapped, except those with a special meaning (1 broadcasts, −1)."""
    if isinstance(value, tuple):
        return tuple(map(opaque, value))
    wrapped = type(value) in (int, Fraction) and value not in (1, -1)
    return OpaqueNumber(value) if wrapped else value


def results(op: Operator, inputs: Any) -> Any:
    """Return the results of all formulas, in plain numbers."""
    cost = op.cost(inputs)
    return (
        [plain_value(n) for n in op.output(inputs)],
        [(w.name, [plain_value(n) for n in w.shape], plain_value(w.count), w.trainable) for w in op.weights(inputs)],
        {kind: plain_value(count) for kind, count in cost.operations.items()},
        (plain_value(cost.macs), plain_value(cost.connections)),
        [
            [w and (*map(plain_value, (w.size, w.stride, w.padding, w.up)), w.axis) for w in reach]
            for reach in op.windows(inputs)
        ],
    )


@pytest.mark.parametrize("name", REGISTRY)
def test_formulas_never_look_at_their_numbers(name: str) -> None:
    for attributes, inputs in ENTRIES[name].cases:
        wrapped = {key: value if key in PLAIN or key == "table" else opaque(value) for key, value in attributes.items()}
        expected = results(REGISTRY[name](**attributes), inputs)
        assert results(REGISTRY[name](**wrapped), opaque(inputs)) == expected
        assert results(REGISTRY[name](**wrapped), inputs) == expected  # plain sizes with opaque attributes
        assert results(REGISTRY[name](**attributes), opaque(inputs)) == expected  # and the other way round


def test_requirements_reach_the_kind() -> None:
    with pytest.raises(Impossible, match="add needs equal shapes: "):
        joins.Add().output((opaque(MAP), opaque(MAP2)))
    with pytest.raises(Impossible, match="12 channels are not divisible by 5 groups"):
        norm.GroupNorm(groups=OpaqueNumber(5)).output((opaque(MAP),))


@pytest.mark.parametrize("ask", [bool, int, range, float, "{}".format, lambda n: n if n > 3 else 0])
def test_the_opaque_number_of_this_test_cannot_be_inspected(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="asked for"):
        ask(OpaqueNumber(5))
