"""The spec language: from text to graph, and back.

``locate`` finds the text and ``document`` reads its YAML with places. ``tokens``, ``expressions`` and ``grammar`` parse
it to the syntax tree that ``syntax`` defines, and ``check`` finds wrong names. ``build`` expands the chains to a graph,
with the help of ``arguments`` and ``values``. ``read`` performs all of these steps; ``write`` and ``chains`` lead
back. Errors have places (``errors``), and the work is limited (``limits``).
"""

from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.read import load_spec, read_spec
from archcalc.spec.records import Expectation, GivenSettings, Spec
from archcalc.spec.zoo import bundled

__all__ = [
    "Expectation",
    "GivenSettings",
    "Limits",
    "Problem",
    "Source",
    "Spec",
    "SpecError",
    "bundled",
    "load_spec",
    "read_spec",
]
