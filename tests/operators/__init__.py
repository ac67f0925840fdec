"""One entry per operator: everything that the tests know about it. See `tests.operators.entry`."""

from archcalc.ops import import_families
from tests.operators.entry import ENTRIES, Entry

import_families(__name__)

__all__ = ["ENTRIES", "Entry"]
