"""From a wrong value to what explains it: the simplest explanations, or none."""

from __future__ import annotations

from fractions import Fraction

from archcalc.claims.claim import Explanation
from archcalc.claims.written import Statement
from archcalc.diagnosis.mistake import FIELDS, Prior
from archcalc.diagnosis.numbers import slips
from archcalc.diagnosis.question import Question
from archcalc.diagnosis.registry import CODES, CUT_OFF
from archcalc.diagnosis.table import Outcome, Table, matching

MOST = 3
"""Explanations of one value."""


class Diagnosis:
    """Explains wrong values of one target."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.table = Table(question)

    def explain(self, statements: list[Statement]) -> tuple[Explanation, ...]:
        """What may have led to a value, in the order of `Prior` among equally simple ones; nothing if nothing known.

        One mistake comes before a slip of the pen, and that before two mistakes at once. Two mistakes explain a value
        only if it has digits enough to tell them from chance.
        """
        for statement in statements:
            if statement.relation != "=" or not statement.numbers:
                continue
            found = self._explain(statement)
            if found:
                return found[:MOST]
        return ()

    def _explain(self, statement: Statement) -> tuple[Explanation, ...]:
        table, question = self.table, self.question
        digits = evidence(statement, question)
        single = matching(table.singles, statement, question)
        slipped = tuple(Explanation(slip.code, slip.sentence) for slip in slips(statement, question.actual.values))
        if digits <= 2 and any(number.tolerance for number in statement.numbers):
            single = [each for each in single if each.prior <= Prior.COMMON]
            return slipped + _explanations(single)  # what is rounded so far is like many other numbers
        if single or slipped:
            return _explanations(single) or slipped
        enough = 3 if question.quantity in FIELDS | {"shape"} else 4
        if digits < enough - 1:
            return ()
        found = [(each.prior, each, "") for each in matching(table.pairs, statement, question)]
        cut_off = matching(table.singles, statement, question, cut_off=True)
        found += [(each.prior + Prior.COMMON, each, CUT_OFF) for each in cut_off]
        found.sort(key=lambda ranked: ranked[0])
        most = 2 * Prior.COMMON if digits < enough else found[0][0] + 1 if found else 0
        return tuple(_explanation(each, more) for prior, each, more in found if prior <= most)


def evidence(statement: Statement, question: Question) -> int:
    """How many digits of what is written have to be explained: of the different numbers that are not right."""
    wrong = set()
    actual = question.actual.values
    for place, number in enumerate(statement.numbers):
        right = actual[place] if place < len(actual) and len(actual) == len(statement.numbers) else None
        if isinstance(right, str) or right is None or abs(number.value - right) > number.tolerance:
            unit = 2 * number.tolerance or Fraction(1)
            wrong.add(str(int(abs(number.value) / unit)).rstrip("0") or "0")
    return sum(map(len, wrong))


def _explanations(outcomes: list[Outcome]) -> tuple[Explanation, ...]:
    return tuple(_explanation(each) for each in outcomes)


def _explanation(outcome: Outcome, more: str = "") -> Explanation:
    """What is said of an outcome, which may also be cut off."""
    sentence = f"this is what one gets if {outcome.clause}"
    return (
        Explanation(f"{outcome.code}+{more}", f"{sentence}, and it is {CODES[more]}")
        if more
        else (Explanation(outcome.code, sentence))
    )
