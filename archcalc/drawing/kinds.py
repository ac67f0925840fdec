"""Kinds of layers: which layers of a picture have the same colour."""

from __future__ import annotations

from archcalc.ops.base import Operator

KINDS = {
    "input": "input",
    "weights": "convolution",
    "dense": "linear",
    "norm": "normalisation",
    "activation": "activation",
    "pool": "pooling, resampling",
    "attention": "attention, matrix product",
    "recurrent": "recurrent",
    "join": "join",
    "shape": "reshape, select",
    "source": "stored tensor",
    "group": "several layers",
    "other": "other",
}
"""The names of the kinds in a legend, in their order there."""

_OF_FAMILY = {
    "conv": "weights",
    "dense": "dense",
    "pool": "pool",
    "resample": "pool",
    "sampling": "pool",
    "norm": "norm",
    "activation": "activation",
    "gate": "activation",
    "arithmetic": "activation",
    "structure": "shape",
    "rearrange": "shape",
    "selection": "shape",
    "reduction": "pool",
    "joins": "join",
    "product": "attention",
    "attention": "attention",
    "recurrent": "recurrent",
    "moe": "dense",
    "source": "source",
    "position": "source",
}
"""The kind of the operators of each family."""
LIGHT = frozenset({"norm", "activation"})
"""The kinds that can be a line in the box of the layer before them."""


def kind_of(op: Operator) -> str:
    """Return the kind of an operator; ``other`` for one that cannot be counted."""
    return _OF_FAMILY.get(op.family, "other")
