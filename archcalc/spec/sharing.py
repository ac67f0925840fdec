"""Weights that several layers share: those of blocks under ``shared:``, and those of ``weights=@layer``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn, TypeAlias

from archcalc.graph import write_shape
from archcalc.numeric import is_plain, known_equal, require
from archcalc.ops.base import Operator, Weight
from archcalc.spec.errors import Problem, Span, fail
from archcalc.spec.syntax import Argument
from archcalc.spec.values import TensorValue, Value, describe

TiedWeights: TypeAlias = Mapping[str, int]
"""The index of the layer that a weight belongs to, by the name of the weight; weights of the layer itself are left
out."""

UNTIED: TiedWeights = {}

OwnedWeights: TypeAlias = Mapping[str, tuple[Weight, int]]
"""The weights of a layer by name, each with the index of the layer that it belongs to."""


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


def shapes_agree(one: Weight, other: Weight) -> bool:
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


def weights_of_layer(
    op: Operator, weights: Sequence[Weight], argument: Argument, named: Value, owned: Callable[[int], OwnedWeights]
) -> dict[str, int]:
    """Return the weights that ``weights=@path`` ties to those of an earlier layer.

    Args:
        op: the operator that uses them.
        weights: its weights.
        argument: the argument in the text.
        named: its value.
        owned: returns the weights of an earlier layer.

    Raises:
        SpecError: it names no layer or several, or one that stores nothing of the kind.
    """
    others = owned(named_layer(argument, named))
    if not any(weight.name in others for weight in weights):
        names = " and ".join(others) or "nothing"
        message = f"{op.name} stores nothing that it could share: that layer stores {names}"
        fail("sharing", message, argument.span)
    tied = {}
    for weight in weights:
        if weight.name in others:
            other, tied[weight.name] = others[weight.name]
            if not shapes_agree(weight, other):
                message = f"shared weights must have equal shapes: {written(weight)} here, {written(other)} there"
                fail("sharing", message, argument.span)
    return tied


def named_layer(argument: Argument, named: Value) -> int:
    """Return the index of the layer that ``weights=@path`` names.

    Raises:
        SpecError: it names none, or several.
    """
    if not isinstance(named, TensorValue):
        fail("sharing", f"weights= must name a layer, got {describe(named)}", argument.span, "write weights=@layer")
    layers = named.mark.layers
    if len(layers) != 1:
        hint = f"name one of them: weights=@{named.name}/…" if layers else ""
        count = f"{len(layers):,} layers" if layers else "no layer"
        fail("sharing", f"weights= must name one layer, but '@{named.name}' has {count}", argument.span, hint)
    return layers[0]


def weights_of_call(
    op: Operator, weights: Sequence[Weight], tied: TiedWeights, call: SharedCall, first: OwnedWeights | None
) -> dict[str, int]:
    """Return the weights that a call of a shared block takes from the first call.

    Args:
        op: the operator that uses them.
        weights: its weights.
        tied: those that belong to another layer anyway.
        call: the call.
        first: the weights of the same layer in the first call; ``None`` if there is no such layer.

    Raises:
        SpecError: the first call does not have them, or has them in other shapes.
    """
    found = {}
    for weight in weights:
        if weight.name in tied:
            continue
        if first is None or weight.name not in first:
            call.differs(f"the {written(weight)} of {op.name}", "does not")
        other, found[weight.name] = first[weight.name]
        if not shapes_agree(weight, other):
            call.differs(f"the {written(weight)} of {op.name}", f"needs {written(other)}")
    return found


def written(weight: Weight) -> str:
    """Return a weight as messages name it: ``weight 64x3x7x7``."""
    return f"{weight.name} {write_shape(weight.shape)}"
