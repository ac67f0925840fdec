"""Diagnosis: which known mistakes and conventions explain a wrong claim.

A mistake changes an operator or its input, and the same formulas run again (`windows`, `counting`); or it takes the
correct figure of something else (`places`) or writes the figure wrongly (`numbers`). A convention counts layers
differently (`conventions`). `outcomes` computes the value of a target under each of them, `search` looks a written
value up among these values, and `follow` recognises steps that start from other wrong claims.
"""

from archcalc.diagnosis.explainer import Explainer, judge_and_explain
from archcalc.diagnosis.registry import CODES

__all__ = ["CODES", "Explainer", "judge_and_explain"]
