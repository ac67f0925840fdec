"""Audits: every claim of a paper is correct as printed, follows a named convention, or is an erratum.

A claim fails an audit if it is none of these, or if what the audit says about it is false: a convention that does not
give the printed value, an erratum that is correct as printed, or a correction that is wrong.
"""

from __future__ import annotations

from dataclasses import replace

from archcalc.claims.claim import Claim, Judgement, Verdict
from archcalc.claims.feedback import ENGLISH
from archcalc.diagnosis.explainer import UNEXPLAINED
from archcalc.grading.conventions import read_codes, reasons_under
from archcalc.grading.marks import Mark, NamedReason
from archcalc.grading.subjects import Subject
from archcalc.grading.submission import Answer
from archcalc.spec.errors import Text, whole_text


def audit_mark(mark: Mark, answer: Answer, judgement: Judgement, subject: Subject) -> Mark:
    """Return the mark of a claim, given what the audit says about it.

    Raises:
        SpecError: the audit names an unknown convention.
    """
    if judgement.fault is not None:
        return mark
    codes = read_codes(answer.convention) if answer.convention is not None else frozenset[str]()
    if answer.erratum is not None:
        return _erratum(mark, answer, answer.erratum, codes, judgement, subject)
    if not codes:
        return mark if judgement.holds else _fails(mark, judgement.sentence)
    followed = None if judgement.holds else reasons_under(judgement.claim, judgement, codes, subject)
    if followed is None:
        reason = "it is correct without a convention" if judgement.holds else judgement.sentence
        return _fails(mark, f"{judgement.value} does not follow {' + '.join(sorted(codes))}: {reason}")
    accounted = ENGLISH.say(
        "convention",
        target=judgement.target,
        actual=judgement.actual,
        value=judgement.value,
        sentence=ENGLISH.reasons(followed),
    )
    return _passes(mark, Verdict.CONVENTION, accounted, answer)


def _erratum(
    mark: Mark, answer: Answer, correction: Text, codes: frozenset[str], judgement: Judgement, subject: Subject
) -> Mark:
    compared = judgement.remark if judgement.remark != UNEXPLAINED else None
    other = f" and {ENGLISH.reasons([compared]).rstrip('.')}" if compared is not None else ""
    printed = f"{judgement.target} is {judgement.actual}{other}"
    if judgement.holds or reasons_under(judgement.claim, judgement, codes, subject) is not None:
        return _fails(mark, f"{printed}: {judgement.value} is correct, so it is not an erratum")
    claim = Claim(judgement.target, correction.value.strip(), place=whole_text(correction))
    (corrected,) = subject.judge.judge([claim], explain=False)
    under = None if corrected.holds else reasons_under(claim, corrected, codes, subject)
    if not corrected.holds and under is None:
        return _fails(mark, f"{printed}: {claim.value}, the correction of the erratum {judgement.value}, is wrong, too")
    accounted = f"{printed}; {judgement.value} is wrong, {claim.value} would be correct"
    return _passes(mark, Verdict.ERRATUM, accounted + (f". {ENGLISH.reasons(under)}" if under else ""), answer)


def _fails(mark: Mark, sentence: str) -> Mark:
    return replace(mark, right=False, points=mark.of * 0, sentence=sentence)


def _passes(mark: Mark, verdict: Verdict, sentence: str, answer: Answer) -> Mark:
    reason = f" ({answer.reason.strip()})" if answer.reason else ""
    codes = (NamedReason(answer.convention.value.strip(), sentence),) if answer.convention is not None else ()
    return replace(mark, verdict=verdict, right=True, points=mark.of, sentence=sentence + reason, reasons=codes)
