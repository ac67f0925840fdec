"""Why is a number wrong? The claim is recomputed under the mistakes and conventions that people really use.

A mistake changes the graph, an operator or its input, and the same formulas run again (`windows`, `counting`); or it
takes a right number from elsewhere (`places`) or writes it wrongly (`numbers`). `outcomes` holds what a target comes
out as under each, `search` looks a written value up in it, `follow` recognises other wrong answers carried forward.
"""

from archcalc.diagnosis.explainer import Explainer, judge_and_explain
from archcalc.diagnosis.registry import CODES

__all__ = ["CODES", "Explainer", "judge_and_explain"]
