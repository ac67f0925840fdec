"""Formulas of recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archcalc.counters.formulas.common import Call, covered, times_text
from archcalc.counters.formulas.products import products_part
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import TracedTensor


def recurrent_sizes(call: Call) -> tuple[int, int, int, int, bool, int]:
    """Return input features, units, layers, directions, whether there are biases, and steps for all examples."""
    operation = call.weighted
    arguments = operation.arguments
    weights = [each for each in arguments["params"] if len(each.shape) == 2]
    directions = 2 if arguments.get("bidirectional") else 1
    steps = prod(operation.input.shape[:-1])
    units = weights[1].shape[1]
    return weights[0].shape[1], units, arguments["num_layers"], directions, bool(arguments.get("has_biases")), steps


def thop_recurrent(gates: int, further: int) -> Formula:
    """Return the formula of thop for recurrent layers: per gate (i + H)H + H, 2H for biases; ``further`` H per step."""

    def parts(call: Call) -> Iterator[CountedPart]:
        features, units, layers, directions, biases, steps = recurrent_sizes(call)

        def cell(read: int) -> int:
            return gates * ((read + units) * units + units + (2 * units if biases else 0)) + further * units

        amount = directions * (cell(features) + (layers - 1) * cell(units * directions))
        _, covers = covered(call)
        yield CountedPart(amount * steps, "biases and gates besides the products", covers)

    return Formula(
        f"per step {times_text(gates)}((i+H)H + H + 2H for biases)" + (f" + {further}H" if further else ""), parts
    )


def all_weights_recurrent(further: int, *, per_mac: int = 1) -> Formula:
    """Return the formula of ptflops and its descendants for recurrent layers: weights and biases per step, and
    ``further`` H; two directions double those of the first."""

    def parts(call: Call) -> Iterator[CountedPart]:
        _, units, layers, directions, biases, steps = recurrent_sizes(call)
        params: list[TracedTensor] = call.weighted.arguments["params"]
        each_cell = 4 if biases else 2
        amount = 0
        for layer in range(layers):
            start = layer * directions * each_cell
            cell = params[start : start + each_cell]
            matrices, vectors = cell[:2], cell[2:]
            amount += sum(per_mac * each.numel - (per_mac - 1) * each.shape[0] for each in matrices)
            amount += sum(each.numel for each in vectors) + further * units
        _, covers = covered(call)
        yield CountedPart(amount * steps * directions, "biases and gates besides the products", covers)

    products = "the weights" if per_mac == 1 else "twice the weights, less the gates twice"
    return Formula(f"per step {products}, the biases, and {times_text(further)}H; doubled for two directions", parts)


def _with_biases(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    params: list[TracedTensor] = call.weighted.arguments["params"]
    vectors = sum(each.numel for each in params if len(each.shape) == 1)
    yield CountedPart(vectors * recurrent_sizes(call)[-1], "1 per output", what="biases")


MACS_AND_BIASES = Formula("K, and the biases per step", _with_biases)
