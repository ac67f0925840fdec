"""Warnings: what is no error but probably not meant, and the corrections that are mechanical.

A rule is one small function with a code; its docstring is its documentation (``rules``). ``text`` has those that look
at what is written (with the help of ``usage``), ``network`` those that look at the layers; ``silence`` reads what a
file says about warnings it does not want, ``fix`` corrects.
"""

from archcalc.lint.rules import RULES, Rule, Subject
from archcalc.lint.run import lint

__all__ = ["RULES", "Rule", "Subject", "lint"]
