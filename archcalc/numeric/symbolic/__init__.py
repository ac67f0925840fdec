"""Symbolic numbers: closed forms of formulas, and the conditions under which they hold.

From the bottom up: ``number`` (polynomials over atoms, and the `Context` that they ask for more); ``domain``,
``free_symbol`` (what symbols may be); ``evaluate``, ``bounds``, ``quasi_periodic``, ``comparisons``, ``quotients``,
``floors`` (algorithms on numbers); ``symbols`` (the context: decisions and requirements); ``factor``, ``cancel``,
``original``, ``conditions``, ``writer`` (display); ``fixpoint`` (calculations repeated with what was found out);
``samples``, ``asymptotics``.
"""

from archcalc.numeric.symbolic.asymptotics import leading_terms
from archcalc.numeric.symbolic.cancel import cancel
from archcalc.numeric.symbolic.conditions import conditions
from archcalc.numeric.symbolic.evaluate import Point, evaluate
from archcalc.numeric.symbolic.fixpoint import fixpoint
from archcalc.numeric.symbolic.free_symbol import FreeSymbol
from archcalc.numeric.symbolic.number import Comparison, Condition, SymbolicNumber, TooComplex, terms_of
from archcalc.numeric.symbolic.quotients import over_common_divisor
from archcalc.numeric.symbolic.samples import samples
from archcalc.numeric.symbolic.substitution import in_free_symbols
from archcalc.numeric.symbolic.symbols import Symbols
from archcalc.numeric.symbolic.writer import LATEX, PYTHON, TEXT, Writer

__all__ = [
    "LATEX",
    "PYTHON",
    "TEXT",
    "Comparison",
    "Condition",
    "FreeSymbol",
    "Point",
    "SymbolicNumber",
    "Symbols",
    "TooComplex",
    "Writer",
    "cancel",
    "conditions",
    "evaluate",
    "fixpoint",
    "in_free_symbols",
    "leading_terms",
    "over_common_divisor",
    "samples",
    "terms_of",
]
