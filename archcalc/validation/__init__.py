"""Many specs, one verdict: what `archcalc validate` does, without a terminal.

``paths`` finds the specs, ``configuration`` what the project says about warnings, ``examine`` looks at one spec,
``many`` at all of them (in several processes where that pays), ``baseline`` compares with the numbers that ``store``
keeps, ``correct`` corrects a file, ``codes`` documents every code.
"""

from archcalc.validation.examine import Asked, Outcome, examine
from archcalc.validation.many import examine_all
from archcalc.validation.paths import Target, find

__all__ = ["Asked", "Outcome", "Target", "examine", "examine_all", "find"]
