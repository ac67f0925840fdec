"""Weights that several layers share: those of blocks under ``shared:``, and those of ``weights=@layer``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn, TypeAlias

from archcalc.graph import write_shape
from archcalc.numeric import is_plain, known_equal, require
from archcalc.ops.base import Weight
from archcalc.spec.errors import Problem, Span, fail

Tied: TypeAlias = Mapping[str, int]
"""The index of the layer that a weight belongs to, by the name of the weight; weights of the layer itself are left
out."""

ALONE: Tied = {}


class SharedSet:
    """The weights of a block under ``shared:``: those of its first call."""

    __slots__ = ("block", "call", "complete", "layers")

    def __init__(self, block: str, call: Span) -> None:
        self.block = block
        self.call = call
        """The place of the first call."""
        self.layers: dict[tuple[int, int], int] = {}
        """The layers of the first call by their item in the text, and how often it had occurred before."""
        self.complete = False


class SharedCall(NamedTuple):
    """A call of a block under ``shared:`` that is being built."""

    weights: SharedSet
    place: Span
    seen: Counter[int]
    """How often each item of the text has occurred."""

    def owner(self, item: int, layer: int) -> int | None:
        """Return the layer of the first call whose weights a layer uses; ``None`` if there is none.

        Args:
            item: the identity of the layer's item in the text.
            layer: the index of the layer.
        """
        key = item, self.seen[item]
        self.seen[item] += 1
        if not self.weights.complete:
            self.weights.layers[key] = layer
        return self.weights.layers.get(key)

    def differs(self, needed: str, other: str) -> NoReturn:
        """Raise the error that this call needs other weights than the first one."""
        place = ":".join(str(part) for part in Problem("sharing", "", self.weights.call).place() if part is not None)
        fail(
            "sharing",
            f"the calls of the shared block '{self.weights.block}' have one set of weights, but this one needs "
            f"{needed}, and the first one, at {place}, {other}",
            self.place,
            "give both calls the same sizes, or declare the block under 'blocks:', where each call has its own weights",
        )


def agree(one: Weight, other: Weight) -> bool:
    """Return whether two weights have equal shapes; those that are not plain numbers are required to be equal."""
    if len(one.shape) != len(other.shape):
        return False
    for here, there in zip(one.shape, other.shape, strict=True):
        if known_equal(here, there):
            continue
        if is_plain(here) and is_plain(there):
            return False
        require(here == there, "shared weights must have equal shapes")
    return True


def called_alike(weight: Weight, others: Sequence[Weight]) -> Weight | None:
    """Return the weight of the same name; ``None`` if there is none."""
    return next((other for other in others if other.name == weight.name), None)


def written(weight: Weight) -> str:
    """Return a weight as messages name it: ``weight 64x3x7x7``."""
    return f"{weight.name} {write_shape(weight.shape)}"
