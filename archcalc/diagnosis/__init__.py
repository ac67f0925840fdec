"""Why is a number wrong? The claim is recomputed under the mistakes and conventions that people really use.

A mistake changes the graph, an operator or its input, and the same formulas run again (`windows`, `counting`); or it
takes a right number from elsewhere (`places`) or writes it wrongly (`numbers`). `table` holds what a target comes out
as under each, `diagnose` looks a written value up in it, `follow` recognises earlier answers carried forward.
"""

from archcalc.diagnosis.diagnose import Diagnosis
from archcalc.diagnosis.question import Question
from archcalc.diagnosis.registry import CODES

__all__ = ["CODES", "Diagnosis", "Question"]
