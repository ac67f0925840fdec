"""The kernels, one file per family of operators, as in `archcalc.ops`. Importing this registers all of them."""

from archcalc.executor.kernels import (
    activation,
    arithmetic,
    attention,
    conv,
    dense,
    gate,
    joins,
    norm,
    pool,
    product,
    rearrange,
    reduction,
    resample,
    source,
    structure,
)

__all__ = [
    "activation",
    "arithmetic",
    "attention",
    "conv",
    "dense",
    "gate",
    "joins",
    "norm",
    "pool",
    "product",
    "rearrange",
    "reduction",
    "resample",
    "source",
    "structure",
]
