"""Calls that repeat elements."""

from __future__ import annotations

from typing import Any

from archcalc.readers.aten.operators.shape import reshaped
from archcalc.readers.aten.registry import Arguments, translates
from archcalc.readers.batch import Sizes
from archcalc.readers.patterns import RepetitionStep
from archcalc.readers.steps import InputSize, Step


def repeated(a: Arguments, counts: tuple[Any, ...], *, interleaved: bool = False, read: str = "self") -> list[Step]:
    """Return the step that repeats elements along every axis of the result, as often as its count says."""
    return [RepetitionStep(counts=counts, interleaved=interleaved, inputs=(a.tensor(read),), outputs=(a.result(),))]


def counts_of(before: Sizes, after: Sizes, target: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return how often elements are repeated along every axis, if axes of size 1 are expanded."""
    aligned = (*(1,) * (len(after) - len(before)), *before)
    return tuple([1 if n == m else size for n, m, size in zip(aligned, after, target, strict=True)])


@translates("expand")
def expand(a: Arguments) -> list[Step]:
    before, after = a.sizes("self"), a.reading.sizes(a.result_name)
    target = a.size_list("size")
    if before == after:
        return reshaped(a, tuple([InputSize(axis) if size == -1 else size for axis, size in enumerate(target)]))
    return repeated(a, counts_of(before, after, target))


@translates("expand_as", "broadcast_to")
def expand_as(a: Arguments) -> list[Step]:
    before, after = a.sizes("self"), a.reading.sizes(a.result_name)
    if before == after:
        a.reading.same(a.result_name, a.name("self"))
        return []
    return repeated(a, counts_of(before, after, after))


@translates("repeat")
def repeat(a: Arguments) -> list[Step]:
    return repeated(a, a.size_list("repeats"))


@translates("tile")
def tile(a: Arguments) -> list[Step]:
    counts = a.size_list("dims")
    return repeated(a, (*(1,) * (len(a.sizes("self")) - len(counts)), *counts))


@translates("repeat_interleave")
def repeat_interleave(a: Arguments) -> list[Step]:
    rank = len(a.sizes("self"))
    axis = a.axis("dim", rank)
    counts: list[Any] = [1] * rank
    counts[axis] = a.size("repeats", None)
    return repeated(a, tuple(counts), interleaved=True)
