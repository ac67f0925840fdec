"""Tensors of counting numbers, and sums and maxima over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import numpy as np

from archcalc.executor.errors import MissingDefinition
from archcalc.executor.kernel import Array
from archcalc.executor.loops.numbers import NumberSubstitute
from archcalc.executor.loops.scalar import Scalar, Tally, maximum
from archcalc.ops.base import Operator

Index: TypeAlias = tuple[int, ...]
Tensor: TypeAlias = dict[Index, Scalar]
"""Numbers by index (channel first, no batch). The shape follows from the indices that were written."""
Tensors: TypeAlias = tuple[Tensor, ...]

Definition: TypeAlias = Callable[[Any, Tensors, dict[str, Tensor], Tally], Tensor | Tensors]
"""A function of an operator, its inputs, its stored arrays, and the tally for new numbers; returns the output, or all
outputs if there are several."""

DEFINITIONS: dict[type[Operator], Definition] = {}

TEXTBOOK: dict[type[Operator], Definition] = {}
"""The definitions as textbooks write them, of operators whose own definition computes something once beforehand."""

Function = TypeVar("Function", bound=Definition)


def definition(*operators: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the definition of some operators."""

    def register(function: Function) -> Function:
        for each in operators:
            if each in DEFINITIONS:
                raise ValueError(f"two definitions of {each.name!r}")
            DEFINITIONS[each] = function
        return function

    return register


def textbook(operator: type[Operator]) -> Callable[[Function], Function]:
    """Return a decorator that registers a function as the definition of an operator that a record is to show."""

    def register(function: Function) -> Function:
        TEXTBOOK[operator] = function
        return function

    return register


def evaluate(
    op: Operator,
    inputs: Tensors,
    stored: dict[str, Tensor],
    tally: Tally,
    instead: Mapping[type[Operator], Definition] = MappingProxyType({}),
) -> Tensors:
    """Return the outputs of an operator by the loops that define it, or by those that some operators have instead.

    Raises:
        MissingDefinition: the operator has no definition.
    """
    found = instead.get(type(op)) or DEFINITIONS.get(type(op))
    if found is None:
        raise MissingDefinition("definition by loops", op.name)
    outputs = found(op, inputs, stored, tally)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def counting(array: Array, tally: Tally) -> Tensor:
    """Return an array as counting numbers; the objects of an array of objects take the place of floats."""
    if array.dtype == object:
        return {index: Scalar(value, tally) for index, value in np.ndenumerate(array)}
    return {index: Scalar(float(value), tally) for index, value in np.ndenumerate(array)}


def sizes(x: Tensor) -> Index:
    """Return the shape of a tensor: one more than the largest index along every axis.

    Raises:
        ValueError: an index within the shape was not written.
    """
    shape = tuple(max(places) + 1 for places in zip(*x, strict=True))
    if len(x) != np.prod(shape, dtype=object):
        raise ValueError(f"{len(x)} numbers do not fill a tensor of {shape}")
    return shape


def plain(x: Tensor) -> Array:
    """Return the values as an array: of floats, or of objects if any of them is one."""
    exact = any(isinstance(number.value, NumberSubstitute) for number in x.values())
    array = np.empty(sizes(x), object if exact else float)
    for index, number in x.items():
        array[index] = number.value
    return array


def flat(x: Tensor) -> list[Scalar]:
    """Return all numbers in order, the last axis fastest."""
    return [x[index] for index in sorted(x)]


def along(axis: int, x: Tensor) -> int:
    """Return the index of an axis that is counted from the channels (0) or from the end (negative)."""
    return axis % len(sizes(x))


def lines(x: Tensor, axis: int) -> list[list[Index]]:
    """Return the indices of a tensor in lines along an axis."""
    found: dict[Index, list[Index]] = {}
    for index in sorted(x):
        found.setdefault((*index[:axis], *index[axis + 1 :]), []).append(index)
    return list(found.values())


def total(numbers: Iterable[Scalar]) -> Scalar:
    """Return the sum of numbers, by one addition fewer than there are numbers."""
    return reduce(lambda a, b: a + b, numbers)


def largest(numbers: Iterable[Scalar]) -> Scalar:
    """Return the maximum of numbers, by one comparison fewer than there are numbers."""
    return reduce(maximum, numbers)


def weighted_sum(numbers: Sequence[Scalar], weights: Sequence[Scalar], bias: Scalar | None = None) -> Scalar:
    """Return Σ number·weight (+ bias); every product counts as a multiply–accumulate operation."""
    result: Scalar | None = None
    for number, weight in zip(numbers, weights, strict=True):
        term = number * weight
        term.tally.macs += 1
        result = term if result is None else result + term
    if result is None:
        raise ValueError("a weighted sum must have at least one term")
    return result if bias is None else result + bias
