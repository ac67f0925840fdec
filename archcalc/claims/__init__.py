"""Claims: what is said of a network (a target, a quantity, a relation, a value as written), and whether it holds."""

from archcalc.claims.claim import Claim, Explanation, Judgement, Verdict
from archcalc.claims.judge import Judge, judge, judge_expectations

__all__ = ["Claim", "Explanation", "Judge", "Judgement", "Verdict", "judge", "judge_expectations"]
