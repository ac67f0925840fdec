"""Joins by their definition."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from math import isfinite

from archcalc.executor.loops.scalar import Scalar, Tally, maximum, minimum
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, along, definition, sizes
from archcalc.ops.base import Operator
from archcalc.ops.formats import FORMATS
from archcalc.ops.joins import Add, Bitwise, Compare, Concat, Div, Max, Min, Mul, Sub, Where


def _joined(operator: type[Operator], join: Callable[[Scalar, Scalar], Scalar]) -> None:
    @definition(operator)
    def define(op: Operator, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
        return {place: reduce(join, numbers) for place, numbers in _at_places(inputs)}


def _at_places(inputs: Tensors) -> Iterator[tuple[Index, list[Scalar]]]:
    """Return every index of the result, with the numbers of all inputs that belong there."""
    rank = max(len(sizes(x)) for x in inputs)
    shapes = [(*sizes(x), *(1,) * (rank - len(sizes(x)))) for x in inputs]
    for place in product(*(range(max(along_axis)) for along_axis in zip(*shapes, strict=True))):
        yield place, [x[_read(place, sizes(x))] for x in inputs]


def _read(place: Index, shape: Index) -> Index:
    """Return the index of an input for an index of the result; an axis of size 1 broadcasts."""
    return tuple(0 if n == 1 else at for at, n in zip(place, shape, strict=False))


_joined(Add, lambda a, b: a + b)
_joined(Sub, lambda a, b: a - b)
_joined(Mul, lambda a, b: a * b)
_joined(Max, maximum)
_joined(Min, minimum)
_joined(Div, lambda a, b: a / b)


@definition(Where)
def where(op: Where, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    places = _at_places(inputs)
    return {place: one if condition > 0 else other for place, (condition, one, other) in places}


COMPARED: dict[str, Callable[[float, float], bool]] = {
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "not_equal": operator.ne,
}


@definition(Compare)
def compare(op: Compare, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    out: Tensor = {}
    for place, (one, other) in _at_places(inputs):
        tally.cmp += 1
        out[place] = Scalar(float(COMPARED[op.how](one.value, other.value)), tally)
    return out


@definition(Bitwise)
def bitwise(op: Bitwise, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    form, out = FORMATS[op.format], {}
    low, size = int(form.smallest), 2**form.bits
    for place, (one, other) in _at_places(inputs):
        tally.cmp += 1
        whole = (int(each.value) if isfinite(each.value) else 0 for each in (one, other))
        x, y = ((each - low) % size + low for each in whole)
        count = min(y, form.bits) if y >= 0 else form.bits
        if op.how == "right":
            found = x >> count
        elif op.how == "left":
            found = x << count
        else:
            found = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}[op.how](x, y)
        out[place] = Scalar(float((found - low) % size + low), tally)
    return out


@definition(Concat)
def concat(op: Concat, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    axis = along(op.axis, inputs[0])
    smallest = [min(column) for column in zip(*map(sizes, inputs), strict=True)]
    out: Tensor = {}
    offset = 0
    for x in inputs:
        shape = sizes(x)
        reach = [range(n) for n in shape]
        if op.crop == "smallest":
            for other in range(1, len(shape)):
                if other != axis:
                    first = (shape[other] - smallest[other]) // 2
                    reach[other] = range(first, first + smallest[other])
        for moved in product(*map(enumerate, reach)):
            place = [to for to, _ in moved]
            place[axis] += offset
            out[tuple(place)] = x[tuple(at for _, at in moved)]
        offset += shape[axis]
    return out
