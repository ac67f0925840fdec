"""Formulas of transposed convolutions, which tools count in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archcalc.counters.formulas.common import Call, bias_part, covered, has_bias
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import Operation


def _per_output_kernel(call: Call) -> int:
    """Return the products of a transposed convolution if every output had an entire kernel: m · Cin/g · k."""
    weights = call.weighted
    weight = weights.tensor("weight")
    assert weight is not None
    groups: int = weights.arguments.get("groups", 1)
    return call.output.numel * (weight.shape[0] // groups) * prod(weight.shape[2:])


def _kernel_per_output(call: Call) -> Iterator[CountedPart]:
    _, covers = covered(call)
    yield CountedPart(
        _per_output_kernel(call), "the kernel per output, not per input", covers, "transposed convolutions"
    )


def _kernel_per_output_and_bias(call: Call) -> Iterator[CountedPart]:
    yield from _kernel_per_output(call)
    yield from bias_part(call)


KERNEL_PER_OUTPUT = Formula("m · Cin/g · k: the entire kernel for every output", _kernel_per_output)


KERNEL_PER_OUTPUT_AND_BIAS = Formula("m · Cin/g · k, and m for the bias if there is one", _kernel_per_output_and_bias)


def _twice_groups(call: Call) -> Iterator[CountedPart]:
    macs, covers = covered(call)
    groups = call.weighted.arguments.get("groups", 1)
    yield CountedPart(
        macs // groups, "divided by the groups twice" if groups > 1 else "", covers, "transposed convolutions"
    )


def _twice_groups_flops(call: Call) -> Iterator[CountedPart]:
    macs, covers = covered(call)
    operation = call.weighted
    groups = operation.arguments.get("groups", 1)
    yield CountedPart(2 * (macs // groups), "", covers, "multiplication and addition as two operations")
    if has_bias(call):
        yield CountedPart(_as_convolution(operation), "1 per output of a convolution with its arguments", what="biases")


def _as_convolution(operation: Operation) -> int:
    """Return the elements of the output that a convolution with the arguments of a transposed one would have."""
    weight = operation.tensor("weight")
    assert weight is not None
    kernel = weight.shape[2:]

    def per_axis(name: str, default: int) -> list[int]:
        value = operation.arguments.get(name, default)
        listed = value if isinstance(value, list) else [value]
        return listed * len(kernel) if len(listed) == 1 else listed

    sizes = zip(
        operation.input.shape[2:], kernel, per_axis("stride", 1), per_axis("padding", 0), per_axis("dilation", 1),
        strict=True,
    )  # fmt: skip
    return (
        operation.input.shape[0]
        * weight.shape[1]
        * prod((n + 2 * p - (d * (k - 1) + 1)) // s + 1 for n, k, s, p, d in sizes)
    )


TRANSPOSED_MACS = Formula("K / g: the groups divide twice", _twice_groups)


TRANSPOSED_FLOPS = Formula(
    "2K / g, and for the bias the outputs that a convolution with these arguments would have", _twice_groups_flops
)
