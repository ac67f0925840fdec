"""One entry per operator: everything that tests have to know about it. See `tests.operators.entry`."""

from tests.operators import (  # noqa: F401  # enter them
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
from tests.operators.entry import ENTRIES, Entry

__all__ = ["ENTRIES", "Entry"]
