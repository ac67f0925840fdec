"""Claims about networks (a target, and a value as written), and the judgement of whether they hold."""

from archcalc.claims.claim import Claim, Explanation, Judgement, Verdict
from archcalc.claims.judge import Judge, judge, judge_expectations

__all__ = ["Claim", "Explanation", "Judge", "Judgement", "Verdict", "judge", "judge_expectations"]
