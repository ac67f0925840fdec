"""The Python API: the functions of the command line, with typed results.

>>> import archcalc
>>> archcalc.load("lenet5").analyze().totals.params
61706
"""

from archcalc.api.network import Network
from archcalc.api.questions import diff, formula, grade, sweep
from archcalc.api.reading import from_torch, load, load_checkpoint
from archcalc.spec import bundled

__all__ = ["Network", "bundled", "diff", "formula", "from_torch", "grade", "load", "load_checkpoint", "sweep"]
