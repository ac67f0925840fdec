"""Formulas of operations per element."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import floor, prod

from archcalc.counters.formulas.common import Call, is_affine, times_text
from archcalc.counters.rules import CountedPart, Formula


def per_input(times: int, *, plain: int | None = None) -> Formula:
    """Return the formula of operations per element of the input, with another number without a learned scale."""
    text = f"{times_text(times)}n" + (f"; {times_text(plain)}n without a scale" if plain is not None else "")

    def parts(call: Call) -> Iterator[CountedPart]:
        count = plain if plain is not None and not is_affine(call) else times
        yield CountedPart(count * call.input.numel, f"{count} per element")

    return Formula(text, parts)


def per_output(times: int) -> Formula:
    """Return the formula of operations per element of the output."""

    def parts(call: Call) -> Iterator[CountedPart]:
        yield CountedPart(times * call.output.numel, f"{times} per output")

    return Formula(f"{times_text(times)}m", parts)


def _nothing(call: Call) -> Iterator[CountedPart]:
    return iter(())


NOTHING = Formula("0", _nothing)


def _window(call: Call) -> Iterator[CountedPart]:
    before, after = call.input.shape[2:], call.output.shape[2:]
    ratio = prod(map(Fraction, before, after), start=Fraction(1)) + 1
    yield CountedPart(floor(ratio * call.output.numel), "elements of a window and a division, per output")


WINDOW_PER_OUTPUT = Formula("⌊(∏ in/out + 1) · m⌋: the elements of an average window, and a division", _window)


def _whole_window(call: Call) -> Iterator[CountedPart]:
    before, after = call.input.shape[2:], call.output.shape[2:]
    window = prod(size // made for size, made in zip(before, after, strict=True))
    yield CountedPart((window + 1) * call.output.numel, "elements of a window and a division, per output")


WHOLE_WINDOW_PER_OUTPUT = Formula("(∏ ⌊in/out⌋ + 1) · m: the elements of a window, and a division", _whole_window)


def _softmax(call: Call) -> Iterator[CountedPart]:
    shape = call.input.shape
    axis = call.weighted.arguments.get("dim", -1)
    yield CountedPart(3 * prod(shape) - prod(shape) // shape[axis], "exponential, addition and division")


SOFTMAX = Formula("3n − n/classes: n exponentials, n − n/classes additions, n divisions", _softmax)


def upsampling(**times: int) -> Formula:
    """Return the formula of operations per output by the kind of interpolation."""

    def parts(call: Call) -> Iterator[CountedPart]:
        name = call.weighted.name.removesuffix("_")
        kind = next((kind for kind in sorted(times, key=len, reverse=True) if f"upsample_{kind}" in name), "")
        if kind:
            yield CountedPart(times[kind] * call.output.numel, f"{kind}: {times[kind]} per output")

    return Formula(", ".join(f"{kind} {times_text(count)}m" for kind, count in times.items()), parts)


def _one_sample(call: Call) -> Iterator[CountedPart]:
    yield CountedPart(call.output.numel // call.output.shape[0], "1 per output of one example")


ONE_SAMPLE = Formula("m of one example", _one_sample)


def _interpolated(call: Call) -> Iterator[CountedPart]:
    yield CountedPart(call.output.numel, "1 per output")


def _positions(call: Call) -> Iterator[CountedPart]:
    by_scale = call.weighted.arguments.get("output_size") is None
    amount = call.input.numel if by_scale else prod(call.output.shape[2:])
    yield CountedPart(amount, "1 per element of the input" if by_scale else "1 per position")


def _positions_or_scaled(call: Call) -> Iterator[CountedPart]:
    by_scale = call.weighted.arguments.get("output_size") is None
    amount = call.output.numel if by_scale else prod(call.output.shape[2:])
    yield CountedPart(amount, "1 per output" if by_scale else "1 per position")


INTERPOLATED = Formula("m", _interpolated)


POSITIONS = Formula("positions of the output if its size is given; n if a scale is given", _positions)


POSITIONS_OR_SCALED = Formula(
    "positions of the output if its size is given; m if a scale is given", _positions_or_scaled
)


def _broadcast(call: Call) -> Iterator[CountedPart]:
    operation = call.weighted
    tensors = [operation.tensor("self"), operation.tensor("other")]
    shapes = [each.shape for each in tensors if each is not None]
    yield CountedPart(_aligned_left(*shapes) if len(shapes) == 2 else prod(shapes[0]), "1 per element")


def _aligned_left(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """Return the elements of the result if shapes of different lengths were aligned at their first axes."""
    rank = max(len(first), len(second))
    padded = [(*shape, *(1,) * (rank - len(shape))) for shape in (first, second)]
    return prod(map(max, *padded))


BROADCAST = Formula("elements of the result, with shapes aligned at their first axes", _broadcast)


def batch_norm(affine: int, plain: int, *, training: tuple[int, int]) -> Formula:
    """Return the formula of batch norm per element of the input, with other numbers if it uses batch statistics."""

    def parts(call: Call) -> Iterator[CountedPart]:
        with_scale, without = training if call.weighted.arguments.get("training") else (affine, plain)
        times = with_scale if is_affine(call) else without
        yield CountedPart(times * call.input.numel, f"{times} per element")

    batch = f"{times_text(training[0])}n and {times_text(training[1])}n with batch statistics"
    return Formula(f"{times_text(affine)}n; {times_text(plain)}n without a scale; {batch}", parts)
