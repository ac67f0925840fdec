"""Warnings about specs that are valid but probably not intended, and the corrections that can be made automatically.

A rule is a small function with a code; its docstring is its documentation (``rules``). The rules in ``text`` look at
the text of a spec (with the help of ``usage``), those in ``reading`` at how it is read, those in ``network`` at its
layers. ``ignores`` reads which warnings a file ignores, ``run`` runs all rules over a spec, and ``fix`` corrects its
text with the help of ``edits``.
"""

from archcalc.lint.rules import FIXABLE, RULES, LintContext, LintRule
from archcalc.lint.run import lint

__all__ = ["FIXABLE", "RULES", "LintContext", "LintRule", "lint"]
