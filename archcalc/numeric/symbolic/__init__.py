"""Symbols as numbers: closed forms of formulas, and the conditions under which they hold.

``number`` holds polynomials over atoms, ``floors`` brings floors into one form, ``reach`` and ``domain`` know where
values lie, ``symbols`` is the kind of number with its decisions and requirements, ``arrange`` and ``write`` put results
into the form people write.
"""

from archcalc.numeric.symbolic.number import Comparison, Condition, Symbolic, TooComplex
from archcalc.numeric.symbolic.symbols import Free, Refined, Symbols, settled

__all__ = ["Comparison", "Condition", "Free", "Refined", "Symbolic", "Symbols", "TooComplex", "settled"]
