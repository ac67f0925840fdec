"""The translations of ATen operators, one file per family; importing this package registers them all."""

from archcalc.readers.torch_export.operators import (  # noqa: F401
    activation,
    arithmetic,
    attention,
    convolution,
    joins,
    linear,
    normalisation,
    pooling,
    recurrent,
    reduction,
    repetition,
    resampling,
    shape,
    sizes,
    writing,
)
