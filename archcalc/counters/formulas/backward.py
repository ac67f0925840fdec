"""Formulas of tools that count the backward pass: after the forward pass, or only that."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.counters.formulas.common import Call
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import TracedTensor


def with_backward(formula: Formula, *, forward: bool) -> Formula:
    """Return a formula of two operations per multiply–accumulate, with those of the gradients.

    Args:
        formula: that of the forward pass.
        forward: whether the operations of the forward pass are counted, too.
    """

    def parts(call: Call) -> Iterator[CountedPart]:
        for part in formula.parts(call):
            own = part.amount if forward else 0
            yield part._replace(amount=own + 2 * sum(each.gradients.macs for each in part.covers))

    return Formula(f"{formula.text}{'; again' * forward} for each factor that needs a gradient", parts)


def with_backward_of_groups(formula: Formula, *, forward: bool) -> Formula:
    """Return the same for convolutions, with the gradients of weights as often as there are groups.

    PyTorch's ``conv_backward_flop`` takes the gradient of the weights for a convolution of all input channels with the
    gradients of all output channels, although only those within a group are connected.
    """
    further = with_backward(formula, forward=forward)

    def parts(call: Call) -> Iterator[CountedPart]:
        yield from further.parts(call)
        amount = 2 * sum(each.gradients.further_groups for each in call.operations)
        if amount:
            yield CountedPart(amount, "times the groups", what="weight gradients of grouped convolutions")

    return Formula(f"{further.text}, for weights times the groups", parts)


def with_backward_through_steps(formula: Formula, *, forward: bool) -> Formula:
    """Return the same for recurrent layers, whose first steps read a state that needs no gradient."""
    further = with_backward(formula, forward=forward)

    def parts(call: Call) -> Iterator[CountedPart]:
        yield from further.parts(call)
        operation = call.weighted
        weights: list[TracedTensor] = operation.arguments["params"]
        state = operation.tensor("hx")
        if operation.gradients.macs and (state is None or not state.depends_on_parameters):
            shape = operation.input.shape
            examples = 1 if len(shape) < 3 else shape[0 if operation.arguments.get("batch_first", True) else 1]
            per_cell = 4 if operation.arguments.get("has_biases") else 2
            states = sum(each.numel for each in weights[1::per_cell])
            yield CountedPart(-2 * examples * states, what="gradients of initial states, which need none")

    return Formula(f"{further.text}, but not for initial states", parts)
