"""Claims: what is said of a network (a target, a quantity, a relation, a value as written), and whether it holds."""

from archcalc.claims.judge import Verdict, judge_expectations

__all__ = ["Verdict", "judge_expectations"]
