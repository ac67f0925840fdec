"""archcalc: exact answers about neural-network architectures, from a short text."""

from archcalc import readers as _readers  # noqa: F401  # registers the readers of model files
from archcalc.api import Network, bundled, diff, formula, from_torch, grade, load, load_checkpoint, sweep
from archcalc.spec.errors import SpecError
from archcalc.spec.limits import Limits

__all__ = [
    "Limits",
    "Network",
    "SpecError",
    "bundled",
    "diff",
    "formula",
    "from_torch",
    "grade",
    "load",
    "load_checkpoint",
    "sweep",
]
__version__ = "0.1.0"
