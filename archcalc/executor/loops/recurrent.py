"""Recurrent layers by their definition: step by step, unit by unit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple, TypeAlias

from archcalc.executor.loops.scalar import Scalar, Tally, exp, maximum, named, tanh
from archcalc.executor.loops.tensor import Tensor, Tensors, definition, sizes, weighted_sum
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn

Row: TypeAlias = list[Scalar]
Sum: TypeAlias = Callable[[int, Row], Scalar]
"""The weighted sum of a row of numbers with the weights of a unit of a gate, which are numbered gate by gate."""
Step: TypeAlias = Callable[["Cell", Row, list[Row]], list[Row]]
"""Maps a cell, the inputs of one step, and the states before it (the output first) to the states after it."""


class Cell(NamedTuple):
    """The weights of one layer in one direction."""

    read: Sum
    """The sums of the inputs."""
    remember: Sum
    """The sums of the previous outputs."""
    project: Sum
    peepholes: Row
    """The weights with which gates read c, which are numbered gate by gate."""


def _logistic(x: Scalar) -> Scalar:
    return 1 / (1 + exp(-x))


@definition(Rnn)
def rnn(op: Rnn, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensors:
    def step(cell: Cell, x: Row, states: list[Row]) -> list[Row]:
        (h,) = states
        sums = [cell.read(k, x) + cell.remember(k, h) for k in range(op.units)]
        return [[named("output", maximum(each, 0.0) if op.act == "relu" else tanh(each)) for each in sums]]

    return _evaluated(op, inputs, weights, [op.units], tally, step)


@definition(Lstm)
def lstm(op: Lstm, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensors:
    def step(cell: Cell, x: Row, states: list[Row]) -> list[Row]:
        h, c = states
        output, kept = [], []
        for k in range(op.units):
            rows = [k + gate * op.units for gate in range(4)]
            i, f, g, o = (cell.read(row, x) + cell.remember(row, h) for row in rows)
            if op.peepholes:
                i, f = i + cell.peepholes[rows[0]] * c[k], f + cell.peepholes[rows[1]] * c[k]
            into, forget, candidate = named("input gate", _logistic(i)), named("forget gate", _logistic(f)), tanh(g)
            kept.append(named("cell state", forget * c[k] + into * named("candidate", candidate)))
            if op.peepholes:
                o = o + cell.peepholes[rows[2]] * kept[k]
            output.append(named("output", named("output gate", _logistic(o)) * tanh(kept[k])))
        return [output if op.proj is None else [cell.project(k, output) for k in range(op.proj)], kept]

    return _evaluated(op, inputs, weights, [op.proj or op.units, op.units], tally, step)


@definition(Gru)
def gru(op: Gru, inputs: Tensors, weights: dict[str, Tensor], tally: Tally) -> Tensors:
    def step(cell: Cell, x: Row, states: list[Row]) -> list[Row]:
        (h,) = states
        units = range(op.units)
        r = [named("reset gate", _logistic(cell.read(k, x) + cell.remember(k, h))) for k in units]
        z = [
            named("update gate", _logistic(cell.read(k + op.units, x) + cell.remember(k + op.units, h))) for k in units
        ]
        if op.reset_after:
            memories = [r[k] * cell.remember(k + 2 * op.units, h) for k in units]
        else:
            reset = [r[k] * h[k] for k in units]
            memories = [cell.remember(k + 2 * op.units, reset) for k in units]
        n = [named("candidate", tanh(cell.read(k + 2 * op.units, x) + memories[k])) for k in units]
        return [[named("output", (1 - z[k]) * n[k] + z[k] * h[k]) for k in units]]

    return _evaluated(op, inputs, weights, [op.units], tally, step)


def _evaluated(
    op: RecurrentLayer, inputs: Tensors, weights: dict[str, Tensor], widths: list[int], tally: Tally, step: Step
) -> Tensors:
    """Return the outputs of all steps (or of the last one of each direction) and the last states.

    Args:
        op: the layer.
        inputs: the sequence, and the states before the first step that are given.
        weights: the stored arrays.
        widths: the features of the output of one direction, and of further states.
        tally: the tally for zeros.
        step: the step of one cell.
    """
    x, *others = inputs
    given = dict(zip(op.tensor_arguments(), others, strict=True))
    directions = 1 + op.bidirectional
    output: Tensor = {}
    last: list[Tensor] = [{} for _ in widths]
    for lead in product(*map(range, sizes(x)[:-2])):
        sequence = [[x[(*lead, t, j)] for j in range(sizes(x)[-1])] for t in range(sizes(x)[-2])]
        for layer in range(op.layers):
            found: list[Row] = [[] for _ in sequence]
            finals: Row = []
            for direction in range(directions):
                place = layer * directions + direction
                states = [
                    [given[name][(*lead, place, k)] if name in given else Scalar(0.0, tally) for k in range(width)]
                    for name, width in zip(op.further_outputs, widths, strict=True)
                ]
                cell = _cell(op, weights, layer, direction)
                for t in reversed(range(len(sequence))) if direction else range(len(sequence)):
                    states = step(cell, sequence[t], states)
                    found[t] = found[t] + states[0]
                finals = finals + states[0]
                for kept, state in zip(last, states, strict=True):
                    kept.update({(*lead, place, k): number for k, number in enumerate(state)})
            sequence = found
        if op.final:
            output.update({(*lead, k): number for k, number in enumerate(finals)})
        else:
            output.update({(*lead, t, k): number for t, row in enumerate(sequence) for k, number in enumerate(row)})
    return (output, *last)


def _cell(op: RecurrentLayer, weights: dict[str, Tensor], layer: int, direction: int) -> Cell:
    """Return the weights of one layer in one direction."""
    directions = 1 + op.bidirectional
    rows = op.gates * op.units
    cell = layer * directions + direction
    read = ("deeper", (cell - directions) * rows) if layer else ("input", direction * rows)
    projected = sizes(weights["projection"])[0] // (op.layers * directions) if "projection" in weights else 0
    peepholes = sizes(weights["peephole"])[0] // (op.layers * directions) if "peephole" in weights else 0
    return Cell(
        _sum(weights, *read, "bias", cell * rows),
        _sum(weights, "recurrent", cell * rows, "recurrent_bias", cell * rows),
        _sum(weights, "projection", cell * projected, "", 0),
        [weights["peephole"][cell * peepholes + row,] for row in range(peepholes)],
    )


def _sum(weights: dict[str, Tensor], name: str, first: int, bias: str, first_bias: int) -> Sum:
    """Return the weighted sums of consecutive rows of a stored array, from the first row of a cell."""

    def found(unit: int, numbers: Row) -> Scalar:
        own = [weights[name][first + unit, j] for j in range(len(numbers))]
        return weighted_sum(numbers, own, weights[bias][first_bias + unit,] if bias in weights else None)

    return found
