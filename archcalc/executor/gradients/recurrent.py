"""Gradients of recurrent layers: backpropagation through time, from the last step to the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from archcalc.executor.gradient import EvaluatedLayer, Gradients, gradient
from archcalc.executor.gradients.dense import weighted_sum_gradients
from archcalc.executor.kernel import Array, Arrays, Context
from archcalc.executor.kernels.dense import weighted_sums
from archcalc.executor.kernels.recurrent import (
    CellArrays,
    SequencePass,
    Step,
    cell_of,
    evaluate_steps,
    gates_of,
    gru_step,
    logistic,
    lstm_step,
    rnn_step,
)
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn


class CellTarget(NamedTuple):
    """Where the gradients of a cell go."""

    cell: CellArrays
    """The gradients of its arrays, to which those of every step are added."""
    context: Context
    trained: bool
    """Whether they are needed."""


StepBack = Callable[[Any, SequencePass, int, Arrays, CellTarget], tuple[Array, Arrays]]
"""Maps an operator, a pass, the number of a step, the gradients of the states after the step, and the goal, to the
gradients of the sums of the inputs and of the states before the step."""


def _back(step: Step, back: StepBack) -> Callable[[Any, EvaluatedLayer, Arrays], Gradients]:
    """Return the vector–Jacobian product of a recurrent layer, given those of its steps."""

    def run(op: RecurrentLayer, layer: EvaluatedLayer, given: Arrays) -> Gradients:
        x, *_ = layer.inputs
        steps, directions = x.shape[-2], 1 + op.bidirectional
        passes: list[SequencePass] = []
        evaluate_steps(op, layer.inputs, layer.weights, layer.context.uncounted, step, passes)
        examples, width = len(passes[0].sequence), layer.weights["recurrent"].shape[-1]
        arrays = {name: np.zeros(array.shape, array.dtype) for name, array in layer.weights.items()}
        states = [each.reshape(examples, op.layers * directions, -1).copy() for each in given[1:]]
        g = given[0].reshape(examples, -1, directions * width)
        if op.final:  # the output of a direction is that after its last step
            for direction in range(directions):
                own = slice(direction * width, (direction + 1) * width)
                states[0][:, (op.layers - 1) * directions + direction] += g[:, 0, own]
            g = np.zeros((examples, steps, directions * width), x.dtype)
        for number in reversed(range(op.layers)):
            below = np.zeros_like(passes[number * directions].sequence)
            for direction in range(directions):
                place = number * directions + direction
                made = passes[place]
                goal = CellTarget(cell_of(op, arrays, number, direction), layer.context, layer.trained)
                own = slice(direction * width, (direction + 1) * width)
                after = tuple([each[:, place] for each in states])
                rows = np.empty_like(made.rows)
                for at in range(steps) if direction else reversed(range(steps)):
                    after = (after[0] + g[:, at, own], *after[1:])
                    rows[:, at], after = back(op, made, at, after, goal)
                for each, first in zip(states, after, strict=True):
                    each[:, place] = first
                flat, sums = (each.reshape(-1, each.shape[-1]) for each in (made.sequence, rows))
                needed = number > 0 or layer.needed[0]
                found = _of_cell(flat, sums, made.cell.input, goal.cell.input, goal, needed=needed)
                if found is not None:
                    below += found.reshape(below.shape)
            g = below
        before = dict(zip(op.further_outputs, states, strict=False))
        others = zip(op.tensor_arguments(), layer.inputs[1:], strict=True)
        of_input = g.reshape(x.shape) if layer.needed[0] else None
        return Gradients((of_input, *(before[name].reshape(each.shape) for name, each in others)), arrays)

    return run


def _of_cell(
    rows: Array, g: Array, arrays: dict[str, Array], target: dict[str, Array], goal: CellTarget, *, needed: bool = True
) -> Array | None:
    """Return the gradient of what an array of a cell multiplies if it is needed, and add those of the array."""
    found, stored = weighted_sum_gradients(rows, g, arrays, goal.context, needed=(needed, goal.trained))
    for name, each in stored.items():
        target[name] += each
    return found


def _of_output(rows: Array, g: Array, cell: dict[str, Array], target: dict[str, Array], goal: CellTarget) -> Array:
    """Return the gradient of outputs of an earlier step, or of what a projection reads, and add those of the array."""
    found = _of_cell(rows, g, cell, target, goal)
    assert found is not None
    return found


def _rnn_back(op: Rnn, made: SequencePass, at: int, given: Arrays, goal: CellTarget) -> tuple[Array, Arrays]:
    (output,), (g,) = made.after[at], given
    sums = g * (output > 0 if op.act == "relu" else 1 - output * output)
    return sums, (_of_output(made.before[at][0], sums, made.cell.recurrent, goal.cell.recurrent, goal),)


def _lstm_back(op: Lstm, made: SequencePass, at: int, given: Arrays, goal: CellTarget) -> tuple[Array, Arrays]:
    """Go back through h = o·tanh(c) and c = f·c′ + i·n, with the gates i, f and o and the new values n.

    With peepholes, o also reads c, and i and f read c′.
    """
    cell, (output, before), (_, kept) = made.cell, made.before[at], made.after[at]
    sums = made.rows[:, at] + weighted_sums(output, cell.recurrent, goal.context.uncounted)
    write, keep, new, show = np.split(sums, 4, -1)
    if cell.peepholes:
        write, keep, show = (
            gate + weight * read
            for gate, weight, read in zip((write, keep, show), cell.peepholes, (before, before, kept), strict=True)
        )
    write, keep, show = (logistic(gate, goal.context) for gate in (write, keep, show))
    new, shown = np.tanh(new), np.tanh(kept)
    g, of_kept = given
    if cell.projection:
        g = _of_output(show * shown, g, cell.projection, goal.cell.projection, goal)
    of_kept = of_kept + g * show * (1 - shown * shown)
    of_show = g * shown * show * (1 - show)
    if cell.peepholes:
        of_kept = of_kept + of_show * cell.peepholes[2]
    of_write, of_keep = of_kept * new * write * (1 - write), of_kept * before * keep * (1 - keep)
    of_before = of_kept * keep
    if cell.peepholes:
        of_before = of_before + of_write * cell.peepholes[0] + of_keep * cell.peepholes[1]
        if goal.trained:
            gates, read = (of_write, of_keep, of_show), (before, before, kept)
            for target, of_gate, each in zip(goal.cell.peepholes, gates, read, strict=True):
                target += (of_gate * each).sum(0)
    found = np.concatenate([of_write, of_keep, of_kept * write * (1 - new * new), of_show], -1)
    return found, (_of_output(output, found, cell.recurrent, goal.cell.recurrent, goal), of_before)


def _gru_back(op: Gru, made: SequencePass, at: int, given: Arrays, goal: CellTarget) -> tuple[Array, Arrays]:
    """Go back through h = (1 − z)·n + z·h′, with the gates r and z and the new values n."""
    (output,), (g,), read = made.before[at], given, made.rows[:, at]
    gates, candidate = slice(2 * op.units), slice(2 * op.units, None)
    of_gates, of_candidate = ((_rows(made.cell, part), _rows(goal.cell, part)) for part in (gates, candidate))
    anew = goal.context.uncounted
    reset, keep = gates_of(read[:, gates], weighted_sums(output, of_gates[0], anew), goal.context)
    if op.reset_after:
        sums = weighted_sums(output, of_candidate[0], anew)
        remembered = reset * sums
    else:
        remembered = weighted_sums(reset * output, of_candidate[0], anew)
    new = np.tanh(read[:, candidate] + remembered)
    of_new = g * (1 - keep) * (1 - new * new)
    found = g * keep
    if op.reset_after:
        of_reset = of_new * sums
        found += _of_output(output, of_new * reset, *of_candidate, goal)
    else:
        passed = _of_output(reset * output, of_new, *of_candidate, goal)
        of_reset = passed * output
        found += passed * reset
    sums_of_gates = np.concatenate([of_reset * reset * (1 - reset), g * (output - new) * keep * (1 - keep)], -1)
    found += _of_output(output, sums_of_gates, *of_gates, goal)
    return np.concatenate([sums_of_gates, of_new], -1), (found,)


def _rows(cell: CellArrays, part: slice) -> dict[str, Array]:
    """Return some rows of the arrays that multiply the previous output."""
    return {name: array[part] for name, array in cell.recurrent.items()}


gradient(Rnn)(_back(rnn_step, _rnn_back))
gradient(Lstm)(_back(lstm_step, _lstm_back))
gradient(Gru)(_back(gru_step, _gru_back))
