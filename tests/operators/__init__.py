"""One entry per operator: everything that tests have to know about it. See `tests.operators.entry`."""

from tests.operators import activation, conv, dense, merge, norm, pool, resample, structure  # noqa: F401  # enter them
from tests.operators.entry import ENTRIES, Entry

__all__ = ["ENTRIES", "Entry"]
