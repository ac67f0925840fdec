"""Audits: every number that a paper prints is right as it stands, or follows a named convention, or is an erratum.

An audit fails where a claim is none of these, and where what it says is not so: a convention that does not give the
printed number, an erratum that is right after all, or whose right value is wrong.
"""

from __future__ import annotations

from dataclasses import replace

from archcalc.claims.claim import Claim, Judgement, Verdict
from archcalc.diagnosis.explainer import UNEXPLAINED
from archcalc.grading.conventions import read_codes, sentence_under
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import Subject
from archcalc.grading.submission import Answer
from archcalc.spec.errors import Text, whole_text


def audited(mark: Mark, answer: Answer, judgement: Judgement, subject: Subject) -> Mark:
    """The mark of a claim of an audit, by what the audit says of it.

    Raises:
        SpecError: it names a convention that nobody knows.
    """
    if judgement.fault is not None:
        return mark
    codes = read_codes(answer.convention) if answer.convention is not None else frozenset[str]()
    if answer.erratum is not None:
        return _erratum(mark, answer, answer.erratum, codes, judgement, subject)
    if not codes:
        return mark if judgement.holds else _fails(mark, judgement.sentence)
    sentence = None if judgement.holds else sentence_under(judgement.claim, judgement, codes, subject)
    if sentence is None:
        reason = "it holds as it stands" if judgement.holds else judgement.sentence
        return _fails(mark, f"{judgement.value} does not follow {' + '.join(sorted(codes))}: {reason}")
    said = f"{judgement.target} is {judgement.actual}; {judgement.value} is right where {sentence}"
    return _passes(mark, Verdict.CONVENTION, said, answer)


def _erratum(
    mark: Mark, answer: Answer, right: Text, codes: frozenset[str], judgement: Judgement, subject: Subject
) -> Mark:
    other = f" and {judgement.remark}" if judgement.remark not in ("", UNEXPLAINED) else ""
    printed = f"{judgement.target} is {judgement.actual}{other}"
    if judgement.holds or sentence_under(judgement.claim, judgement, codes, subject) is not None:
        return _fails(mark, f"{printed}: {judgement.value} is right, and no erratum")
    claim = Claim(judgement.target, right.value.strip(), place=whole_text(right))
    (corrected,) = subject.judge.judge([claim], explain=False)
    under = None if corrected.holds else sentence_under(claim, corrected, codes, subject)
    if not corrected.holds and under is None:
        return _fails(mark, f"{printed}: nor is {claim.value} right, which stands for the erratum {judgement.value}")
    said = f"{printed}; {judgement.value} is wrong, {claim.value} would be right"
    return _passes(mark, Verdict.ERRATUM, said + (f" where {under}" if under else ""), answer)


def _fails(mark: Mark, sentence: str) -> Mark:
    return replace(mark, right=False, points=mark.of * 0, sentence=sentence)


def _passes(mark: Mark, verdict: Verdict, sentence: str, answer: Answer) -> Mark:
    because = f" ({answer.because.strip()})" if answer.because else ""
    code = answer.convention.value.strip() if answer.convention is not None else ""
    return replace(mark, verdict=verdict, right=True, points=mark.of, sentence=sentence + because, code=code)
