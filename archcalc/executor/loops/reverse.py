"""Gradients of recorded numbers, by the chain rule on the operations that gave them (reverse mode).

It shares nothing with the vector–Jacobian products of the operators, of which it is a witness.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from archcalc.executor.loops.numbers import power
from archcalc.executor.loops.record import Recorded, plain

Place: TypeAlias = tuple[str, tuple[int, ...]]
"""The name of an array and the index of a number in it."""

PARTIALS: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "+": lambda y, a, b: (1, 1),
    "-": lambda y, a, b: (1, -1),
    "*": lambda y, a, b: (b, a),
    "/": lambda y, a, b: (1 / b, -y / b),
    "^": lambda y, a, b: (b * power(a, b - 1) if b else 0, 0),
    "max": lambda y, a, b: (1, 0) if a > b else (0, 1),
    "min": lambda y, a, b: (0, 1) if a > b else (1, 0),
    "neg": lambda y, a: (-1,),
    "abs": lambda y, a: (math.copysign(1, a) if a else 0,),
    "sqrt": lambda y, a: (0.5 / y,),
    "exp": lambda y, a: (y,),
    "log": lambda y, a: (1 / a,),
    "tanh": lambda y, a: (1 - y * y,),
    "erf": lambda y, a: (2 / math.sqrt(math.pi) * math.exp(-a * a),),
    "sin": lambda y, a: (math.cos(a),),
    "cos": lambda y, a: (-math.sin(a),),
    "floor": lambda y, a: (0,),
}
"""The derivatives of an operation with respect to its operands, given its result and the operands.

An exponent is a constant.
"""


def reverse(results: Iterable[tuple[Recorded, float]]) -> dict[Place, float]:
    """Return the gradient of a weighted sum of recorded numbers with respect to the numbers that were given.

    Args:
        results: numbers and their weights.
    """
    results = list(results)
    of: dict[Recorded, float] = {}
    for number, weight in results:
        of[number] = of.get(number, 0.0) + weight
    found: dict[Place, float] = {}
    for number in reversed(list(_in_order(number for number, _ in results))):
        g = of.pop(number, 0.0)
        if not number.operation:
            if number.operands:
                found[number.operands] = found.get(number.operands, 0.0) + g
            continue
        partials = PARTIALS[number.operation](number.value, *map(plain, number.operands))
        for operand, partial in zip(number.operands, partials, strict=True):
            if isinstance(operand, Recorded):
                of[operand] = of.get(operand, 0.0) + g * partial
    return found


def _in_order(results: Iterable[Recorded]) -> Iterator[Recorded]:
    """Yield numbers and all those they were computed from, operands first."""
    seen: set[int] = set()
    pending = [(number, False) for number in results]
    while pending:
        number, done = pending.pop()
        if done:
            yield number
        elif id(number) not in seen:
            seen.add(id(number))
            pending.append((number, True))
            operands = number.operands if number.operation else ()
            pending += [(each, False) for each in operands if isinstance(each, Recorded)]
