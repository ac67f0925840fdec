"""Formulas of nodes of ONNX, whose constants stand for operations of processors."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archcalc.counters.formulas.common import Call, times_text
from archcalc.counters.formulas.products import products_part
from archcalc.counters.rules import CountedPart, Formula


def per_output_and_operand(times: int) -> Formula:
    """Return the formula of operations per element of the output and per input after the first one."""

    def parts(call: Call) -> Iterator[CountedPart]:
        operands = max(1, len(call.weighted.inputs) - 1)
        yield CountedPart(times * operands * call.output.numel, f"{times * operands} per output")

    return Formula(f"{times_text(times)}m for every input after the first one, at least once", parts)


def _products_and_bias(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    if len(call.weighted.inputs) > 2:
        yield CountedPart(call.output.numel, "1 per output", what="biases")


PRODUCTS_AND_BIAS = Formula("K, and m for the bias if there is one", _products_and_bias)


def _kernel_per_output(call: Call) -> Iterator[CountedPart]:
    yield CountedPart(
        call.output.numel * prod(call.weighted.arguments["kernel_shape"]), "elements of a window, per output"
    )


KERNEL_PER_OUTPUT = Formula("m times the elements of a window", _kernel_per_output)


def _average(call: Call) -> Iterator[CountedPart]:
    yield CountedPart(call.input.numel + 4 * call.output.numel, "1 per element and 4 per output")


AVERAGE = Formula("n + 4m: additions, and a division that counts as 4", _average)


def _layer_norm(call: Call) -> Iterator[CountedPart]:
    shape = call.input.shape
    axis = call.weighted.arguments.get("axis", -1)
    yield CountedPart(7 * prod(shape) + 29 * (prod(shape) // shape[axis]), "7 per element and 29 per position")


LAYER_NORM = Formula("7n + 29n/s: s is the size of the first axis that is normalised", _layer_norm)


def _resize(call: Call) -> Iterator[CountedPart]:
    times = {"linear": 4, "cubic": 8}.get(call.weighted.arguments.get("mode", "nearest"), 0)
    yield CountedPart(times * call.output.numel, f"{times} per output")


RESIZE = Formula("nearest 0, linear 4m, cubic 8m", _resize)
