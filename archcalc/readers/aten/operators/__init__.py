"""The translations of ATen operators, one file per family; importing this package registers them all."""

from archcalc.readers.aten.operators import (  # noqa: F401
    activation,
    arithmetic,
    attention,
    cells,
    comparison,
    convolution,
    joins,
    linear,
    normalisation,
    pooling,
    recurrent,
    reduction,
    repetition,
    resampling,
    selection,
    shape,
    sizes,
    windows,
    writing,
)
