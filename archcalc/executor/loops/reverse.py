"""Gradients of recorded numbers, by the chain rule on the operations that gave them (reverse mode).

It shares nothing with the vector–Jacobian products of the operators, of which it is a witness. With recorded numbers as
the gradients of the results, it also records how a gradient is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from archcalc.executor.loops.numbers import function, power
from archcalc.executor.loops.record import RecordedNumber, in_order, plain

Place: TypeAlias = tuple[str, tuple[int, ...]]
"""The name of an array and the index of a number in it."""

PRODUCTS: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "+": lambda g, y, a, b: (g, g),
    "-": lambda g, y, a, b: (g, -g),
    "*": lambda g, y, a, b: (g * b, g * a),
    "/": lambda g, y, a, b: (g / b, -(g * y) / b),
    "^": lambda g, y, a, b: (g * b * power(a, b - 1) if b else g * 0, None),
    "max": lambda g, y, a, b: (g, None) if plain(a) > plain(b) else (None, g),
    "min": lambda g, y, a, b: (None, g) if plain(a) > plain(b) else (g, None),
    "neg": lambda g, y, a: (-g,),
    "abs": lambda g, y, a: (g * float((plain(a) > 0) - (plain(a) < 0)),),
    "sqrt": lambda g, y, a: (g / (2 * y),),
    "exp": lambda g, y, a: (g * y,),
    "log": lambda g, y, a: (g / a,),
    "tanh": lambda g, y, a: (g * (1 - y * y),),
    "erf": lambda g, y, a: (g * (2 / math.sqrt(math.pi)) * function("exp", -(a * a)),),
    "sin": lambda g, y, a: (g * function("cos", a),),
    "cos": lambda g, y, a: (-g * function("sin", a),),
    "atan": lambda g, y, a: (g / (1 + a * a),),
    "floor": lambda g, y, a: (None,),
    "round": lambda g, y, a: (g,),
}
"""The gradients of the operands of an operation, given that of its result, the result, and the operands; ``None`` where
it is 0 (an exponent is a constant). Rounding to a number format passes the gradient straight through."""


def reverse_mode_gradients(results: Iterable[tuple[RecordedNumber, Any]], of: Place | None = None) -> dict[Place, Any]:
    """Return the gradient of a weighted sum of recorded numbers with respect to the numbers that were given.

    Args:
        results: numbers and their weights: the gradients of these numbers. If these are recorded numbers, so are the
            gradients.
        of: the given number whose gradient is asked for; by default all of them.
    """
    found: dict[Place, Any] = {}
    given: dict[RecordedNumber, Any] = {}
    for number, weight in results:
        _add(given, number, weight)
    recorded = any(isinstance(weight, RecordedNumber) for weight in given.values())
    order = in_order(given, last_first=True)
    wanted = set(order) if of is None else _depending(order, of)
    for number in reversed(order):
        g = given.pop(number, None)
        if g is None or number not in wanted:
            continue
        if not number.operation:
            if number.operands:
                _add(found, number.operands, g)
            continue
        if recorded and number.name:
            g = g.named(f"∂L/∂({number.name})" if " " in number.name else f"∂L/∂{number.name}")
        operands = number.operands if recorded else tuple(map(plain, number.operands))
        if number.operation == "*" and number.operands[0] is number.operands[1]:
            passed: tuple[Any, ...] = (g * (2 * operands[0]), None)  # the derivative of a square
        else:
            passed = PRODUCTS[number.operation](g, number if recorded else number.value, *operands)
        for operand, own in zip(number.operands, passed, strict=True):
            if isinstance(operand, RecordedNumber) and own is not None and operand in wanted:
                _add(given, operand, own)
    return found


def _add(found: dict[Any, Any], key: Any, g: Any) -> None:
    found[key] = found[key] + g if key in found else g


def _depending(order: Iterable[RecordedNumber], of: Place) -> set[RecordedNumber]:
    """Return the numbers that depend on a given one, and it itself; every number stands after its operands."""
    found: set[RecordedNumber] = set()
    for number in order:
        if number.operands == of if not number.operation else not found.isdisjoint(_operands(number)):
            found.add(number)
    return found


def _operands(number: RecordedNumber) -> list[RecordedNumber]:
    return [each for each in number.operands if isinstance(each, RecordedNumber)] if number.operation else []
