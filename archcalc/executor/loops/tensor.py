"""Tensors of counting numbers, and the few sums and maxima over them that every family needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any, TypeAlias, TypeVar

import numpy as np

from archcalc.executor.errors import MissingDefinition
from archcalc.executor.kernel import Array
from archcalc.executor.loops.scalar import Scalar, Tally, maximum
from archcalc.ops.base import Operator

Index: TypeAlias = tuple[int, ...]
Tensor: TypeAlias = dict[Index, Scalar]
"""Place (channel first, no batch) to number. It is as large as the places that were written."""
Tensors: TypeAlias = tuple[Tensor, ...]

Definition: TypeAlias = Callable[[Any, Tensors, dict[str, Tensor], Tally], Tensor]
"""A layer: of its operator, what it reads, its stored arrays, and the tally for numbers that it makes itself."""

DEFINITIONS: dict[type[Operator], Definition] = {}

Function = TypeVar("Function", bound=Definition)


def definition(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Decorator: this function defines these operators."""

    def register(function: Function) -> Function:
        for each in operators:
            if each in DEFINITIONS:
                raise ValueError(f"two definitions of {each.name!r}")
            DEFINITIONS[each] = function
        return function

    return register


def definition_of(op: Operator) -> Definition:
    """Return the loops that define an operator.

    Raises:
        MissingDefinition: there are none.
    """
    found = DEFINITIONS.get(type(op))
    if found is None:
        raise MissingDefinition("definition by loops", op.name)
    return found


def counting(array: Array, tally: Tally) -> Tensor:
    """An array as counting numbers."""
    return {index: Scalar(float(value), tally) for index, value in np.ndenumerate(array)}


def sizes(x: Tensor) -> Index:
    """The shape: one more than the largest place along every axis.

    Raises:
        ValueError: a place within it was not written.
    """
    shape = tuple(max(places) + 1 for places in zip(*x, strict=True))
    if len(x) != np.prod(shape, dtype=object):
        raise ValueError(f"{len(x)} numbers do not fill a tensor of {shape}")
    return shape


def plain(x: Tensor) -> Array:
    """The values as an array."""
    array = np.empty(sizes(x))
    for index, number in x.items():
        array[index] = number.value
    return array


def flat(x: Tensor) -> list[Scalar]:
    """All numbers in order, the last axis fastest."""
    return [x[index] for index in sorted(x)]


def along(axis: int, x: Tensor) -> int:
    """The axis that an operator numbers from the channels (0) or from the end (negative)."""
    return axis % len(sizes(x))


def lines(x: Tensor, axis: int) -> list[list[Index]]:
    """The places of a tensor in lines along an axis."""
    found: dict[Index, list[Index]] = {}
    for index in sorted(x):
        found.setdefault((*index[:axis], *index[axis + 1 :]), []).append(index)
    return list(found.values())


def total(numbers: Iterable[Scalar]) -> Scalar:
    """Their sum: one addition fewer than numbers."""
    return reduce(lambda a, b: a + b, numbers)


def largest(numbers: Iterable[Scalar]) -> Scalar:
    """Their maximum: one comparison fewer than numbers."""
    return reduce(maximum, numbers)


def weighted_sum(numbers: Sequence[Scalar], weights: Sequence[Scalar], bias: Scalar | None = None) -> Scalar:
    """Σ number·weight (+ bias): every product is a multiply–accumulate pair; the first one needs no addition."""
    result: Scalar | None = None
    for number, weight in zip(numbers, weights, strict=True):
        term = number * weight
        term.tally.macs += 1
        result = term if result is None else result + term
    if result is None:
        raise ValueError("a weighted sum of nothing")
    return result if bias is None else result + bias
