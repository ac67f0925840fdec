"""The spec language: from a text to a graph.

``locate`` finds the text, ``document`` reads YAML with positions, ``tokens``, ``expressions`` and ``grammar`` parse
expressions to what ``syntax`` defines, ``check`` finds wrong names, ``build`` expands chains to a graph with the help
of ``arguments`` and ``values``; ``read`` leads through all of it, ``write`` goes back. Errors carry their places
(``errors``); work is bounded (``limits``).
"""

from archcalc.spec.errors import Problem, Source, SpecError
from archcalc.spec.limits import Limits
from archcalc.spec.locate import bundled
from archcalc.spec.read import Expectation, Given, Spec, load_spec, read_spec

__all__ = [
    "Expectation",
    "Given",
    "Limits",
    "Problem",
    "Source",
    "Spec",
    "SpecError",
    "bundled",
    "load_spec",
    "read_spec",
]
