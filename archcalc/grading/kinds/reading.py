"""Reading the kind of a question from its entry in a key."""

from __future__ import annotations

import re
from collections.abc import Sequence

from archcalc.grading.documents import texts_of
from archcalc.grading.kinds.base import Kind
from archcalc.grading.kinds.by_hand import ByHand
from archcalc.grading.kinds.choices import LABELS, Choices
from archcalc.grading.kinds.comparison import ComparisonQuestion
from archcalc.grading.kinds.fixed import FixedValue
from archcalc.grading.kinds.solutions import Solutions, Which
from archcalc.grading.kinds.truth import KnownTruth, Statement, truth_of
from archcalc.spec.document import Content, List, Mapping, Scalar, expect_scalar
from archcalc.spec.errors import Text, fail, suggest, whole_text

KINDS = ("expect", "choices", "statement", "compare", "vary", "by_hand")
"""The keys that say what is asked instead of a figure; a question has one of them."""
DETAILS = ("tolerance", "answer", "which", "condition", "network")
"""The keys that belong to one of these."""


def read_kind(question: Mapping, target: Text | None) -> Kind | None:
    """Return the kind of a question; ``None`` if it asks for a figure or formula.

    Args:
        question: the entry of the key.
        target: its target, which may belong to choices.

    Raises:
        SpecError: the entry has other keys than its kind.
    """
    given = [key for key in KINDS if question.get(key) is not None]
    if "choices" in given and "vary" in given:
        given.remove("vary")
    if len(given) > 1:
        fail("key", f"a question must have one of '{given[0]}:' and '{given[1]}:', got both", question.span)
    kind = given[0] if given else ""
    if kind and kind != "choices" and target is not None:
        fail("key", f"a question must have a target or '{kind}:', got both", question.span)
    _check_details(question, kind)
    if kind == "expect":
        return _fixed(question)
    if kind == "choices":
        return _choices(question, target)
    if kind == "statement":
        return Statement(_text(question, "statement"))
    if kind == "compare":
        return _comparison(question)
    if kind == "vary":
        return _solutions(question, condition=True)
    return _by_hand(question) if kind == "by_hand" else None


def _check_details(question: Mapping, kind: str) -> None:
    belongs = {
        "tolerance": ("expect",),
        "answer": ("choices",),
        "which": ("compare", "vary"),
        "condition": ("vary", "choices"),
        "network": ("vary", "choices"),
    }
    for key, _ in question.pairs:
        wanted = belongs.get(key.text.value)
        if wanted is not None and kind not in wanted:
            fail("key", f"'{key.text.value}:' belongs to a question with '{wanted[0]}:'", key.span)


def _fixed(question: Mapping) -> Kind:
    content = question.get("expect")
    tolerance = _text(question, "tolerance") if question.get("tolerance") is not None else None
    if isinstance(content, List):
        return FixedValue(_listed(content), tolerance, is_matrix=True)
    expected = expect_scalar(content, "'expect:'").text if content is not None else None
    assert expected is not None
    truth = truth_of(expected.value) if re.fullmatch(r"\s*\w+\s*", expected.value) else None
    return FixedValue(expected, tolerance) if truth is None else KnownTruth(truth)


def _listed(content: List) -> Text:
    """Return a vector or matrix as text."""

    def written(each: Content) -> str:
        if isinstance(each, List):
            return "[" + ", ".join(map(written, each.items)) + "]"
        return expect_scalar(each, "an entry of a matrix").text.value

    return Text(content.span.text.source, written(content), content.span.text.start)


def _choices(question: Mapping, target: Text | None) -> Choices:
    content = question.get("choices")
    if isinstance(content, Mapping):
        options = {key.text.value: expect_scalar(value, "a choice").text for key, value in content.pairs}
    elif isinstance(content, List) and len(content.items) <= len(LABELS):
        texts = [expect_scalar(each, "a choice").text for each in content.items]
        options = dict(zip(LABELS, texts, strict=False))
    else:
        fail("key", f"'choices:' must be a mapping by label, or a list of at most {len(LABELS)}", question.span)
    if len(options) < 2:
        fail("key", "a question must have at least two choices", question.span)
    labels = tuple(texts_of(question, "answer"))
    solutions = _solutions(question, condition=False) if question.get("vary") is not None else None
    if sum(map(bool, (labels, target is not None, solutions is not None))) != 1:
        message = "choices must have an 'answer:', a 'target:', or 'vary:', which says which of them are correct"
        fail("key", message, question.span)
    place = next(iter(options.values()))
    return Choices(options, place, labels, target, solutions)


def _comparison(question: Mapping) -> ComparisonQuestion:
    targets = tuple(texts_of(question, "compare"))
    if len(targets) < 2:
        fail("key", "'compare:' must be a list of at least two targets", question.span)
    which = _word(question, ("largest", "smallest"))
    return ComparisonQuestion(targets, "smallest" if which == "smallest" else "largest")


def _solutions(question: Mapping, *, condition: bool) -> Solutions:
    vary = tuple(texts_of(question, "vary"))
    if condition and question.get("condition") is None:
        fail("key", "a question with 'vary:' must have a 'condition:'", question.span)
    known: tuple[Which, ...] = ("any", "smallest", "largest", "all")
    which = _word(question, known)
    return Solutions(
        vary,
        _text(question, "condition") if question.get("condition") is not None else None,
        next(each for each in known if each == which),
        _text(question, "network") if question.get("network") is not None else None,
    )


def _by_hand(question: Mapping) -> ByHand | None:
    written = _text(question, "by_hand")
    truth = truth_of(written.value)
    if truth is None:
        fail("key", f"'by_hand:' must be true or false, got '{written.value[:20]}'", whole_text(written))
    return ByHand() if truth else None


def _word(question: Mapping, known: Sequence[str]) -> str:
    """Return the word under ``which:``; the first of those known if it is missing."""
    content = question.get("which")
    if content is None:
        return known[0]
    written = expect_scalar(content, "'which:'").text
    if written.value not in known:
        hint = suggest(written.value, known)
        fail(
            "key", f"'which:' must be one of {', '.join(known)}, got '{written.value[:20]}'", whole_text(written), hint
        )
    return written.value


def _text(question: Mapping, key: str) -> Text:
    content = question.get(key)
    assert content is not None
    if isinstance(content, Scalar):
        return content.text
    fail("key", f"'{key}:' must be text", content.span)
