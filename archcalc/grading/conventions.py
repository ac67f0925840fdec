"""Named conventions: whether a value follows them.

A key or an audit names the convention, so its prior does not matter here.
"""

from __future__ import annotations

from archcalc.claims.claim import CORRECT, Claim, Judgement, Verdict
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import Reason
from archcalc.diagnosis import CODES
from archcalc.diagnosis.registry import TRUNCATED
from archcalc.diagnosis.search import search
from archcalc.grading.subjects import Subject
from archcalc.spec.errors import Text, fail, suggest, whole_text

MAX_CODES = 2
"""The maximum number of conventions that are evaluated together, besides truncation."""


def read_codes(written: Text) -> frozenset[str]:
    """Return the codes of conventions that apply together, which are written with ``+`` between them.

    Raises:
        SpecError: a code is unknown, or there are too many.
    """
    codes = frozenset(code.strip() for code in written.value.split("+"))
    for code in codes:
        if code not in CODES:
            hint = suggest(code, CODES, "`archcalc check --list-feedback` lists the codes")
            fail("unknown-name", f"no convention has the code '{code[:40]}'", whole_text(written), hint)
    if len(codes - {TRUNCATED}) > MAX_CODES:
        fail("argument", f"at most {MAX_CODES} conventions can be combined, got {len(codes)}", whole_text(written))
    return codes


def reasons_under(
    claim: Claim, judgement: Judgement, codes: frozenset[str], subject: Subject
) -> tuple[Reason, ...] | None:
    """Return the conventions as reasons if they give the value; ``None`` if they do not."""
    if codes == {TRUNCATED}:
        return (Reason(TRUNCATED),) if judgement.verdict is Verdict.TRUNCATED else None
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
    verdicts = (Verdict.TRUNCATED,) if TRUNCATED in codes else CORRECT
    match = next(search(followed, interpret(claim.value, actual), actual, verdicts=verdicts), None)
    return match.reasons if match is not None else None
