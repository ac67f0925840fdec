"""Formulas of products: multiply–accumulates and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.counters.formulas.common import Call, bias_part, covered, has_bias
from archcalc.counters.rules import CountedPart, Formula
from archcalc.counters.trace import Operation


def products_part(call: Call) -> Iterator[CountedPart]:
    """Yield the multiply–accumulates of a call."""
    macs, covers = covered(call)
    yield CountedPart(macs, "", covers)


def _macs_and_bias(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    yield from bias_part(call)


def _macs_and_bias_once(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    if has_bias(call):
        yield CountedPart(call.output.shape[-1], "once, not once per position", what="biases of linear layers")


MACS = Formula("K: a multiply–accumulate of the product is one operation", products_part)


def _unless_padding_is_a_word(call: Call) -> Iterator[CountedPart]:
    if not isinstance(call.weighted.arguments.get("padding"), str):
        yield from products_part(call)


MACS_WITH_PADDING = Formula(
    "K; 0 if the padding is a word such as 'same', which is another operator in a trace", _unless_padding_is_a_word
)

MACS_AND_BIAS = Formula("K, and m for the bias if there is one", _macs_and_bias)


MACS_AND_BIAS_ONCE = Formula("K, and the length of the bias once", _macs_and_bias_once)


def doubled(call: Call) -> Iterator[CountedPart]:
    """Yield twice the multiply–accumulates of a call."""
    macs, covers = covered(call)
    yield CountedPart(2 * macs, "", covers, "multiplication and addition as two operations")


def _twice_and_bias(call: Call) -> Iterator[CountedPart]:
    yield from doubled(call)
    yield from bias_part(call)


def _twice_and_input(call: Call) -> Iterator[CountedPart]:
    yield from doubled(call)
    yield CountedPart(call.input.numel, "1 per element", what="added matrices")


TWO_PER_MAC = Formula("2K: the multiplication and the addition are two operations", doubled)


TWO_PER_MAC_AND_BIAS = Formula("2K, and m for the bias if there is one", _twice_and_bias)


TWO_PER_MAC_AND_INPUT = Formula("2K, and the elements of the added matrix", _twice_and_input)


def _macs_and_input(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    yield CountedPart(call.input.numel, "1 per element", what="added matrices")


MACS_AND_INPUT = Formula("K, and the elements of the added matrix", _macs_and_input)


def _first_times_last(call: Call) -> Iterator[CountedPart]:
    operation = call.weighted
    first, second = operation.inputs[:2]
    yield CountedPart(first.numel * second.shape[-1], "", operation.operations, "matrix products of broadcast tensors")


FIRST_TIMES_LAST = Formula("elements of the first matrix times columns of the second: K", _first_times_last)


def _twice_first_times_last(call: Call) -> Iterator[CountedPart]:
    operation = call.weighted
    first, second = operation.inputs[:2]
    amount = 2 * first.numel * second.shape[-1]
    yield CountedPart(amount, "", operation.operations, "multiplication and addition as two operations")


TWICE_FIRST_TIMES_LAST = Formula("2 · elements of the first matrix · columns of the second", _twice_first_times_last)


def _is_vector_product(operation: Operation) -> bool:
    """Return whether a product has a vector, and is then another operator than that of matrices."""
    return any(len(each.shape) < 2 for each in operation.inputs[:2])


def _dispatched(per_mac: int, call: Call) -> Iterator[CountedPart]:
    operation = call.weighted
    if not _is_vector_product(operation) or operation.name == "einsum":
        what = "multiplication and addition as two operations" if per_mac == 2 else ""
        yield CountedPart(per_mac * operation.macs, "", operation.operations, what)


DISPATCHED_PRODUCT = Formula("K; 0 if one of the two is a vector", lambda call: _dispatched(1, call))


DISPATCHED_PRODUCT_FLOPS = Formula("2K; 0 if one of the two is a vector", lambda call: _dispatched(2, call))


def _dispatched_linear(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    read = call.weighted.input
    if has_bias(call) and (len(read.shape) == 2 or read.is_contiguous):
        yield CountedPart(call.output.numel, "1 per output", what="biases")


DISPATCHED_LINEAR = Formula(
    "K, and m for the bias if the input is a matrix or contiguous, so that it is added by addmm", _dispatched_linear
)


def _macs_and_rows(call: Call) -> Iterator[CountedPart]:
    yield from products_part(call)
    yield CountedPart(call.output.numel, "1 per output", what="biases")


MACS_AND_ROWS = Formula("K + m", _macs_and_rows)
