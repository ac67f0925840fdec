"""Multiple choice: one choice or several are correct; the key says which, or archcalc computes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase

from archcalc.claims.claim import Claim
from archcalc.claims.claimed_value import same_value
from archcalc.claims.feedback import Reason
from archcalc.grading.kinds.base import (
    CORRECT,
    AnswerResult,
    PreparedQuestion,
    reason_for,
    unreadable_result,
    wrong_result,
)
from archcalc.grading.kinds.solutions import Solutions
from archcalc.grading.subjects import Subject
from archcalc.spec.errors import Text, fail, suggest, whole_text

_LABELLED = re.compile(r"[(\[]?\s*(\w+)\s*(?:[).:\]]+\s*|\s*[-–—]\s+|\s+)(\S.*)", re.DOTALL)
_BRACKETED = re.compile(r"(?:(?:option|choice|answer)\s+)?[(\[]?\s*(\w+)\s*[).:\]]?", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*(?:[,;/&+]|\band\b|\s)\s*")
LABELS = tuple(ascii_lowercase)
"""The labels of choices that are given as a list."""


@dataclass(frozen=True)
class Choices:
    """Choices by label, and what says which are correct: the key, a target, or the settings that are possible."""

    options: Mapping[str, Text]
    place: Text
    """The place of errors."""
    labels: tuple[Text, ...] = ()
    """The labels of the correct choices, if the key gives them."""
    target: Text | None = None
    """The target of which a correct choice is the value."""
    solutions: Solutions | None = None
    """The settings of which a correct choice gives the value."""

    @property
    def needs_network(self) -> bool:
        """Whether the correct choices are computed."""
        return not self.labels

    def prepare(self, subject: Subject) -> ChoiceQuestion:
        """Find the correct choices."""
        texts = {label: text.value.strip() for label, text in self.options.items()}
        if self.target is not None:
            return self._by_value(texts, self.target, subject)
        if self.solutions is not None:
            return self._by_solution(texts, self.solutions.prepare_choice(subject))
        known = {label.casefold(): label for label in texts}
        for label in self.labels:
            if label.value.strip().casefold() not in known:
                hint = suggest(label.value, texts, f"the choices are {', '.join(texts)}")
                fail("key", f"there is no choice '{label.value[:20]}'", whole_text(label), hint)
        return ChoiceQuestion(texts, frozenset(known[label.value.strip().casefold()] for label in self.labels))

    def _by_value(self, texts: dict[str, str], written: Text, subject: Subject) -> ChoiceQuestion:
        target = subject.canonical(written.value.strip())
        try:
            actual = subject.judge.actual(target)
        except LookupError as error:
            fail("key", error.args[0], whole_text(written), error.args[1])
        judged = subject.judge.judge([Claim(target, text) for text in texts.values()])
        correct = frozenset(label for label, each in zip(texts, judged, strict=True) if each.holds)
        if not correct:
            fail("key", f"no choice is correct: {target} is {actual.text}", whole_text(self.place))
        explained = {
            label: each.explanations[0] for label, each in zip(texts, judged, strict=True) if each.explanations
        }
        reasons = {label: each.reasons for label, each in explained.items()}
        codes = {label: each.code for label, each in explained.items()}
        return ChoiceQuestion(texts, correct, reasons, codes, any_of=True)

    def _by_solution(self, texts: dict[str, str], solutions: PreparedQuestion) -> ChoiceQuestion:
        outcomes = {label: solutions.judge(text) for label, text in texts.items()}
        for label, outcome in outcomes.items():
            if outcome.verdict == "unreadable":
                fail("key", f"choice '{label[:20]}': {outcome.error}", whole_text(self.options[label]))
        correct = frozenset(label for label, outcome in outcomes.items() if outcome == CORRECT)
        reasons = {label: outcome.reasons for label, outcome in outcomes.items() if outcome.reasons}
        return ChoiceQuestion(texts, correct, reasons)


@dataclass(frozen=True)
class ChoiceQuestion:
    """Choices, with the correct ones, and the reasons why the others are wrong."""

    options: Mapping[str, str]
    labels: frozenset[str]
    """The labels of the correct choices."""
    reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    """Why wrong choices are wrong, by label."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """The codes of the mistakes that lead to wrong choices, by label."""
    any_of: bool = False
    """Whether one correct choice is a complete answer; else all of them are to be chosen."""

    @property
    def correct(self) -> str:
        chosen = [f"{label}) {text}" for label, text in self.options.items() if label in self.labels]
        return ", ".join(chosen) or "none of them"

    def judge(self, answer: str) -> AnswerResult:
        """Judge an answer: labels, or the text of a choice, or both (``b) 61,706``)."""
        try:
            chosen = self._chosen(answer)
        except ValueError as error:
            return unreadable_result(str(error))
        if chosen == self.labels or (self.any_of and len(chosen) == 1 and chosen <= self.labels):
            return CORRECT
        extra = [label for label in self.options if label in chosen - self.labels]
        missed = [label for label in self.options if label in self.labels - chosen]
        for label in extra:
            if label in self.reasons:
                return wrong_result(*self.reasons[label], code=self.codes.get(label, ""))
        if missed and not extra and chosen:
            return wrong_result(
                reason_for("choices-missing", labels=", ".join(missed)), hints=(reason_for("choices-incomplete"),)
            )
        return wrong_result()

    def _chosen(self, answer: str) -> frozenset[str]:
        """Return the labels that an answer names.

        Raises:
            ValueError: it names something else, or contradicts itself.
        """
        written = answer.strip()
        for label, text in self.options.items():
            if written.casefold() == text.casefold() or same_value(written, text):
                return frozenset({label})
        known = {label.casefold(): label for label in self.options}
        single = _BRACKETED.fullmatch(written)
        if single is not None and single[1].casefold() in known:
            return frozenset({known[single[1].casefold()]})
        if re.fullmatch(r"(?:all|all of (?:them|the above|these))\.?", written, re.IGNORECASE):
            return frozenset(self.options)
        if re.fullmatch(r"(?:none|none of (?:them|the above|these)|no choice)\.?", written, re.IGNORECASE):
            return frozenset()
        labels = self._labels(written)
        if labels is not None:
            return labels
        both = _LABELLED.fullmatch(written)
        if both is not None and both[1].casefold() in known:
            label, text = known[both[1].casefold()], both[2].strip()
            others = [each for each, own in self.options.items() if each != label and same_value(text, own)]
            if others:
                raise ValueError(f"{label} is {self.options[label]}, not {text[:40]}, which is {others[0]}")
            return frozenset({label})
        raise ValueError(f"an answer must be one of {', '.join(self.options)}, got '{answer[:40]}'")

    def _labels(self, written: str) -> frozenset[str] | None:
        """Return the labels of a list such as ``a, c``, ``a) and c)``, ``AC`` or of texts; ``None`` for other texts."""
        known = {text.casefold(): label for label, text in self.options.items()}
        known |= {label.casefold(): label for label in self.options}
        parts = [re.sub(r"[()\[\].:]", "", part).casefold() for part in _SEPARATORS.split(written)]
        parts = [part for part in parts if part]
        if len(parts) == 1 and len(parts[0]) > 1 and all(len(label) == 1 for label in self.options):
            parts = [*parts[0]]
        if not parts or not all(part in known for part in parts) or len({*parts}) < len(parts):
            return None
        return frozenset(known[part] for part in parts)
