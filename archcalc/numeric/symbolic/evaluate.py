"""Values of numbers and conditions at points: where the symbols have given values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd
from typing import Any, TypeAlias

from archcalc.numeric.helpers import simplified
from archcalc.numeric.symbolic.number import Atom, Comparison, Condition, Number, Plain, terms_of

Point: TypeAlias = Mapping[Atom, Plain]
"""The values of symbols."""


def evaluate(number: Number, point: Point, known: dict[Atom, Plain] | None = None) -> Plain:
    """Return the value of a number at a point. ``known`` collects the values of atoms that occur more than once.

    Raises:
        ZeroDivisionError: a divisor is zero there.
    """
    known = dict(point) if known is None else known
    total: Plain = 0
    for monomial, coefficient in terms_of(number).items():
        term = coefficient
        for atom, exponent in monomial:
            if atom not in known:
                known[atom] = _atom_value(atom, point, known)
            factor = known[atom]
            term = term * (factor**exponent if exponent > 0 else Fraction(1) / factor**-exponent)
        total = total + term
    value: Plain = simplified(total)
    return value


def _atom_value(atom: Atom, point: Point, known: dict[Atom, Plain]) -> Plain:
    if atom.op == "truth":
        return int(holds(atom.args[0], point, known))
    values: list[Any] = [evaluate(arg, point, known) for arg in atom.args]
    value: Plain = _OPERATIONS[atom.op](*values)
    return value


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "floor": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "gcd": gcd,
    "max": max,
    "min": min,
    "reciprocal": lambda a: simplified(Fraction(1) / a),
}


def holds(condition: Condition, point: Point, known: dict[Atom, Plain] | None = None) -> bool:
    """Return whether a condition holds at a point."""
    return all(comparison_holds(part, point, known) for part in condition.parts)


def comparison_holds(part: Comparison, point: Point, known: dict[Atom, Plain] | None = None) -> bool:
    """Return whether a comparison holds at a point."""
    value = evaluate(part.value, point, known)
    if part.relation in ("in", "not in"):
        return (value in part.among) == (part.relation == "in")
    return {"==": value == 0, "!=": value != 0, ">=": value >= 0, ">": value > 0}[part.relation]
