"""Symbols as numbers: closed forms of formulas, and the conditions under which they hold.

``number`` holds polynomials over atoms; ``floors`` and ``division`` bring their quotients into one form; ``domain`` and
``reach`` know where symbols and numbers lie, ``comparisons`` where they relate to 0; ``symbols`` is the kind of number
that decides and requires with these, ``rounds`` calculates again with what was learned (``free``); ``arrange``,
``shown`` and ``write`` put results into the form people write, ``growth`` tells what they tend to.
"""

from archcalc.numeric.symbolic.free import Free, Refined
from archcalc.numeric.symbolic.number import Comparison, Condition, Symbolic, TooComplex
from archcalc.numeric.symbolic.rounds import settled
from archcalc.numeric.symbolic.symbols import Symbols

__all__ = ["Comparison", "Condition", "Free", "Refined", "Symbolic", "Symbols", "TooComplex", "settled"]
