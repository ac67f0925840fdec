"""The operators of the language, one file per family.

To add one, see ``CONTRIBUTING.md``.
"""

from archcalc.ops import (
    activation,
    arithmetic,
    attention,
    conv,
    dense,
    gate,
    joins,
    moe,
    norm,
    pool,
    position,
    product,
    rearrange,
    recurrent,
    reduction,
    resample,
    sampling,
    source,
    structure,
)
from archcalc.ops.base import OPERATION_KINDS, REGISTRY, Cost, Operator, Shape, Shapes, Weight
from archcalc.ops.window import Reach, Window

FAMILIES = (
    conv,
    dense,
    pool,
    resample,
    sampling,
    norm,
    activation,
    gate,
    arithmetic,
    structure,
    rearrange,
    reduction,
    joins,
    product,
    attention,
    recurrent,
    moe,
    source,
    position,
)
"""The families in the order of the documentation."""

__all__ = [
    "FAMILIES",
    "OPERATION_KINDS",
    "REGISTRY",
    "Cost",
    "Operator",
    "Reach",
    "Shape",
    "Shapes",
    "Weight",
    "Window",
    "activation",
    "arithmetic",
    "attention",
    "conv",
    "dense",
    "gate",
    "joins",
    "moe",
    "norm",
    "pool",
    "position",
    "product",
    "rearrange",
    "recurrent",
    "reduction",
    "resample",
    "sampling",
    "source",
    "structure",
]
