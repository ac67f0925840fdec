"""Conventions that somebody names: does a value follow them?

Naming one is no guess, so here every convention counts, however likely it is.
"""

from __future__ import annotations

from archcalc.claims.claim import RIGHT, Claim, Judgement, Verdict
from archcalc.claims.compare import interpret
from archcalc.diagnosis import CODES
from archcalc.diagnosis.registry import TRUNCATED
from archcalc.diagnosis.search import search
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
    if len(codes - {TRUNCATED}) > TOGETHER:
        fail("argument", f"more than {TOGETHER} conventions together", whole_text(written))
    return codes


def sentence_under(claim: Claim, judgement: Judgement, codes: frozenset[str], subject: Subject) -> str | None:
    """How the value comes about if these conventions are followed; ``None`` where it does not."""
    if codes == {TRUNCATED}:
        return f"it is {CODES[TRUNCATED]}" if judgement.verdict is Verdict.TRUNCATED else None
    if not codes or judgement.fault is not None:
        return None
    wanted = codes - {TRUNCATED}
    try:
        diagnosis = subject.explainer.diagnosis(claim.target)
    except LookupError:  # a ratio follows no convention
        return None
    outcomes, actual = diagnosis.outcomes, diagnosis.target.actual
    possible = outcomes.singles if len(wanted) == 1 else outcomes.pairs
    followed = [outcome for outcome in possible if frozenset(outcome.codes) == wanted]
    verdicts = (Verdict.TRUNCATED,) if TRUNCATED in codes else RIGHT
    match = next(search(followed, interpret(claim.value, actual), actual, verdicts=verdicts), None)
    return match.clause if match is not None else None
