"""Products of tensors by their definition."""

from __future__ import annotations

from cmath import exp
from itertools import product
from math import pi

from archcalc.executor.loops.exact import ExactNumber, InexactError
from archcalc.executor.loops.scalar import Scalar, Tally
from archcalc.executor.loops.tensor import Index, Tensor, Tensors, definition, sizes, weighted_sum
from archcalc.ops.pattern import parse
from archcalc.ops.product import Einsum, FourierTransform, MatMul


@definition(MatMul)
def matmul(op: MatMul, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    one, other = inputs
    rank = max(len(sizes(x)) for x in inputs) - 2
    shapes = [(*(1,) * (rank + 2 - len(sizes(x))), *sizes(x)) for x in inputs]
    (*lead, m, k), (*others, _, n) = shapes
    out: Tensor = {}
    for place in product(*(range(max(pair)) for pair in zip(lead, others, strict=True))):
        for i, j in product(range(m), range(n)):
            row = [one[(*_read(place, sizes(one)[:-2]), i, t)] for t in range(k)]
            column = [other[(*_read(place, sizes(other)[:-2]), t, j)] for t in range(k)]
            out[(*place, i, j)] = weighted_sum(row, column)
    return out


def _read(place: Index, shape: Index) -> Index:
    """Return the leading index of a tensor, aligned from the last axis; an axis of size 1 broadcasts."""
    return tuple(0 if n == 1 else at for at, n in zip(place[len(place) - len(shape) :], shape, strict=True))


@definition(Einsum)
def einsum(op: Einsum, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    parsed = parse(op.pattern)
    known: dict[str, int] = {}
    for axes, x in zip(parsed.inputs, inputs, strict=True):
        known.update({name: n for (name,), n in zip(axes, sizes(x), strict=True)})
    summed = [name for name in known if name not in parsed.output_names]
    out: Tensor = {}
    for values in product(*(range(known[name]) for name in parsed.output_names)):
        place = dict(zip(parsed.output_names, values, strict=True))
        factors: tuple[list[Index], list[Index]] = ([], [])
        for more in product(*(range(known[name]) for name in summed)):
            place.update(zip(summed, more, strict=True))
            for indices, axes in zip(factors, parsed.inputs, strict=True):
                indices.append(tuple([place[name] for (name,) in axes]))
        one, other = ([x[index] for index in indices] for x, indices in zip(inputs, factors, strict=True))
        out[values] = weighted_sum(one, other)
    return out


@definition(FourierTransform)
def dft(op: FourierTransform, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensor:
    """Sum the products with exp(∓2πi·j·k/N); of one-sided frequencies, also those of their conjugates."""
    (x,) = inputs
    if any(isinstance(each.value, ExactNumber) for each in x.values()):
        raise InexactError("the exponentials of dft have no exact form")
    *lead, n, parts = sizes(x)
    whole = op.inverse and op.onesided
    size = n if not whole else op.size or 2 * (n - 1)
    made = n // 2 + 1 if op.onesided and not op.inverse else size
    out: Tensor = {}
    for place in product(*map(range, lead)):
        numbers = [x[(*place, j, part)] for j in range(n) for part in range(parts)]
        for k in range(made):
            factors = [exp((2j if op.inverse else -2j) * pi * (j * k % size) / size) for j in range(n)]
            if op.inverse:
                factors = [each / size for each in factors]
            if whole:
                factors = [each * (1 if 2 * j % size == 0 else 2) for j, each in enumerate(factors)]
            for part in range(1 if whole else 2):
                row = [
                    (each * unit).imag if part else (each * unit).real for each in factors for unit in (1, 1j)[:parts]
                ]
                out[(*place, k, part)] = weighted_sum(numbers, [Scalar(each, tally) for each in row])
    return out
