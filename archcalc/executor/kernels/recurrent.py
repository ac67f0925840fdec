"""Kernels of recurrent layers: the sums of the inputs of all steps at once, the rest step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.kernel import Array, Arrays, Context, Sizes, Weights, kernel, storage
from archcalc.executor.kernels.counted import add, divide, exp, maximum, multiply, subtract, tanh
from archcalc.executor.kernels.dense import weighted_sums
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn


class CellArrays(NamedTuple):
    """The stored arrays of one layer in one direction."""

    input: dict[str, Array]
    """The weight of the sums of the inputs, and their bias."""
    recurrent: dict[str, Array]
    """The weight of the sums of the previous output, and their bias."""
    projection: dict[str, Array]
    """The weight of the projection; empty if there is none."""
    peepholes: Arrays
    """The weights with which the gates i, f and o read c; empty if they do not."""


Step = Callable[[Any, Array, Arrays, CellArrays, Context], Arrays]
"""Maps an operator, the sums of the inputs of one step, the states before it (the output first), and the cell to the
states after it."""


@storage(Rnn, Lstm, Gru)
def recurrent_storage(op: RecurrentLayer, shapes: tuple[Sizes, ...]) -> dict[str, Sizes]:
    """Return ``input``, ``deeper`` (of further layers), ``recurrent``, biases, ``peephole`` and ``projection``.

    Their rows are those of all layers, of both directions of each, and of all gates of each, in this order.
    """
    directions = 1 + op.bidirectional
    rows = op.gates * op.units
    projected = getattr(op, "proj", None)
    width = projected or op.units
    found: dict[str, Sizes] = {"input": (directions * rows, shapes[0][-1])}
    if op.layers > 1:
        found["deeper"] = ((op.layers - 1) * directions * rows, directions * width)
    every = op.layers * directions * rows
    found["recurrent"] = (every, width)
    if op.bias:
        found["bias"] = (every,)
        if op.recurrent_bias:
            found["recurrent_bias"] = (every,)
    if getattr(op, "peepholes", False):
        found["peephole"] = (op.layers * directions * 3 * op.units,)
    if projected:
        found["projection"] = (op.layers * directions * width, op.units)
    return found


def cell_of(op: RecurrentLayer, weights: Weights, layer: int, direction: int) -> CellArrays:
    directions = 1 + op.bidirectional
    index, count = layer * directions + direction, op.layers * directions

    def part(name: str, place: int, parts: int) -> Array:
        array = weights[name]
        found: Array = array.reshape(parts, -1, *array.shape[1:])[place]
        return found

    def with_bias(weight: Array, name: str) -> dict[str, Array]:
        return {"weight": weight} | ({"bias": part(name, index, count)} if name in weights else {})

    read = part("deeper", index - directions, count - directions) if layer else part("input", direction, directions)
    return CellArrays(
        with_bias(read, "bias"),
        with_bias(part("recurrent", index, count), "recurrent_bias"),
        {"weight": part("projection", index, count)} if "projection" in weights else {},
        tuple(np.split(part("peephole", index, count), 3)) if "peephole" in weights else (),
    )


class SequencePass(NamedTuple):
    """A pass of one layer in one direction over all steps, which the gradient needs."""

    cell: CellArrays
    sequence: Array
    """The inputs: examples × steps × features."""
    rows: Array
    """The sums of the inputs of all steps."""
    before: list[Arrays]
    """The states before each step, by the number of the step."""
    after: list[Arrays]
    """The states after each step."""


def evaluate_steps(
    op: RecurrentLayer,
    inputs: Arrays,
    weights: Weights,
    context: Context,
    step: Step,
    passes: list[SequencePass] | None = None,
) -> Arrays:
    """Return the outputs of all steps (or of the last one of each direction) and the last states.

    The passes of all layers, of both directions of each, are appended to ``passes``.
    """
    x, *given = inputs
    lead, steps, directions = x.shape[:-2], x.shape[-2], 1 + op.bidirectional
    sequence = x.reshape(-1, *x.shape[-2:])
    first = dict(zip(op.tensor_arguments(), given, strict=True))
    widths = (weights["recurrent"].shape[-1], op.units)
    before = [
        first[name].reshape(len(sequence), -1, width)
        if name in first
        else np.zeros((len(sequence), op.layers * directions, width), x.dtype)
        for name, width in zip(op.further_outputs, widths, strict=False)
    ]
    last: list[Arrays] = []
    for layer in range(op.layers):
        found = np.empty((len(sequence), steps, directions * widths[0]), x.dtype)
        for direction in range(directions):
            cell = cell_of(op, weights, layer, direction)
            rows = weighted_sums(sequence.reshape(-1, sequence.shape[-1]), cell.input, context)
            rows = rows.reshape(len(sequence), steps, -1)
            states = tuple([each[:, len(last)] for each in before])
            own = slice(direction * widths[0], (direction + 1) * widths[0])
            made = SequencePass(cell, sequence, rows, [()] * steps, [()] * steps)
            for at in reversed(range(steps)) if direction else range(steps):
                made.before[at] = states
                states = step(op, rows[:, at], states, cell, context)
                made.after[at] = states
                found[:, at, own] = states[0]
            if passes is not None:
                passes.append(made)
            last.append(states)
        sequence = found
    if op.final:
        output = np.concatenate([states[0] for states in last[-directions:]], -1).reshape(*lead, -1)
    else:
        output = sequence.reshape(*lead, steps, -1)
    kept = [np.stack(each, 1) for each in zip(*last, strict=True)]
    return (output, *(each.reshape(*lead, *each.shape[1:]) for each in kept))


def logistic(x: Array, context: Context) -> Array:
    """Return 1/(1 + e⁻ˣ)."""
    grown = -x
    add(context, exp(context, grown, out=grown), 1, out=grown)
    return divide(context, 1, grown, out=grown)


@kernel(Rnn)
def rnn(op: Rnn, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return evaluate_steps(op, inputs, weights, context, rnn_step)


def rnn_step(op: Rnn, read: Array, states: Arrays, cell: CellArrays, context: Context) -> Arrays:
    sums = add(context, read, weighted_sums(states[0], cell.recurrent, context))
    return (maximum(context, sums, 0) if op.act == "relu" else tanh(context, sums),)


@kernel(Lstm)
def lstm(op: Lstm, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return evaluate_steps(op, inputs, weights, context, lstm_step)


def lstm_step(op: Lstm, read: Array, states: Arrays, cell: CellArrays, context: Context) -> Arrays:
    output, kept = states
    sums = add(context, read, weighted_sums(output, cell.recurrent, context))
    write, keep, new, show = np.split(sums, 4, -1)
    if cell.peepholes:
        write, keep = (
            add(context, gate, multiply(context, weight, kept))
            for gate, weight in zip((write, keep), cell.peepholes, strict=False)
        )
    write, keep = logistic(write, context), logistic(keep, context)
    new = multiply(context, write, tanh(context, new))
    kept = add(context, multiply(context, keep, kept), new)
    if cell.peepholes:
        show = add(context, show, multiply(context, cell.peepholes[2], kept))
    output = multiply(context, logistic(show, context), tanh(context, kept))
    return (weighted_sums(output, cell.projection, context) if cell.projection else output), kept


@kernel(Gru)
def gru(op: Gru, inputs: Arrays, weights: Weights, context: Context) -> Arrays:
    return evaluate_steps(op, inputs, weights, context, gru_step)


def gru_step(op: Gru, read: Array, states: Arrays, cell: CellArrays, context: Context) -> Arrays:
    (output,) = states
    gates, candidate = slice(2 * op.units), slice(2 * op.units, None)
    if op.reset_after:
        sums = weighted_sums(output, cell.recurrent, context)
        reset, keep = gates_of(read[:, gates], sums[:, gates], context)
        remembered = multiply(context, reset, sums[:, candidate])
    else:
        rows = {name: array[gates] for name, array in cell.recurrent.items()}
        reset, keep = gates_of(read[:, gates], weighted_sums(output, rows, context), context)
        rows = {name: array[candidate] for name, array in cell.recurrent.items()}
        remembered = weighted_sums(multiply(context, reset, output), rows, context)
    new = tanh(context, add(context, read[:, candidate], remembered))
    new = multiply(context, subtract(context, 1, keep), new)
    return (add(context, new, multiply(context, keep, output)),)


def gates_of(read: Array, remembered: Array, context: Context) -> list[Array]:
    """Return the two gates of a GRU, given their sums of the inputs and of the previous output."""
    return np.split(logistic(add(context, read, remembered), context), 2, -1)
