"""archcalc: exact answers about neural-network architectures, from a short text."""

from archcalc.api import Network, bundled, formula, load, sweep
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import Limits

__all__ = ["Limits", "Network", "SpecError", "bundled", "formula", "load", "sweep"]
__version__ = "0.1.0"
