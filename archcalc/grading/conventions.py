"""Conventions that somebody names: does a value follow them?

Naming one is no guess, so here every convention counts, however likely it is.
"""

from __future__ import annotations

from archcalc.claims.claim import Claim, Judgement, Verdict
from archcalc.claims.compare import meanings
from archcalc.diagnosis import CODES
from archcalc.diagnosis.registry import CUT_OFF
from archcalc.diagnosis.table import Outcome, matching
from archcalc.grading.subjects import Subject
from archcalc.spec.errors import Text, fail, suggest, whole_text

TOGETHER = 2
"""How many conventions are worked out together."""


def read_codes(written: Text) -> frozenset[str]:
    """The codes of conventions that hold together, written with ``+`` between them.

    Raises:
        SpecError: nobody knows one of them, or they are too many.
    """
    codes = frozenset(code.strip() for code in written.value.split("+"))
    for code in codes:
        if code not in CODES:
            fail("unknown-name", f"no convention '{code[:40]}'", whole_text(written), suggest(code, CODES))
    if len(codes - {CUT_OFF}) > TOGETHER:
        fail("argument", f"more than {TOGETHER} conventions together", whole_text(written))
    return codes


def sentence_under(claim: Claim, judgement: Judgement, codes: frozenset[str], subject: Subject) -> str | None:
    """How the value comes about if these conventions are followed; ``None`` where it does not."""
    if codes == {CUT_OFF}:
        return f"it is {CODES[CUT_OFF]}" if judgement.verdict is Verdict.TRUNCATED else None
    if not codes or judgement.verdict is Verdict.UNREADABLE:
        return None
    wanted = codes - {CUT_OFF}
    try:
        table = subject.table(claim.target)
    except LookupError:  # a ratio follows no convention
        return None
    outcomes: list[Outcome] = table.singles if len(wanted) == 1 else table.pairs
    outcomes = [outcome for outcome in outcomes if frozenset(outcome.codes) == wanted]
    for statement in meanings(claim.value, table.question.actual):
        found = matching(outcomes, statement, table.question, cut_off=CUT_OFF in codes)
        if found:
            return found[0].clause + (f", and it is {CODES[CUT_OFF]}" if CUT_OFF in codes else "")
    return None
