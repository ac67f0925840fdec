"""Questions which of several figures is the largest or the smallest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from archcalc.grading.kinds.base import CORRECT, AnswerResult, reason_for, unreadable_result, wrong_result
from archcalc.grading.subjects import Subject
from archcalc.spec.errors import Text, fail, whole_text

_EQUAL = re.compile(
    r"(?:they are |both |the )*(?:equal|same|=|==|neither|none|tie|equally large)\b.*|=+", re.IGNORECASE
)
_RELATION = re.compile(r"(?P<left>.*?)\s*(?P<sign><|>|=+|≈)\s*(?P<right>.*)")


@dataclass(frozen=True)
class ComparisonQuestion:
    """Which of several figures is the largest (or the smallest)."""

    targets: tuple[Text, ...]
    which: Literal["largest", "smallest"]

    needs_network = True

    def prepare(self, subject: Subject) -> ComparedFigures:
        """Evaluate the targets."""
        values: dict[str, Fraction] = {}
        texts: dict[str, str] = {}
        for text in self.targets:
            written = text.value.strip()
            try:
                actual = subject.judge.actual(subject.canonical(written))
            except LookupError as error:
                fail("key", error.args[0], whole_text(text), error.args[1])
            (value, *more) = actual.values
            if more or isinstance(value, str):
                fail("key", f"'{written[:40]}' is not a single number, so it cannot be compared", whole_text(text))
            values[written], texts[written] = Fraction(value), actual.text
        return ComparedFigures(values, texts, self.which)


@dataclass(frozen=True)
class ComparedFigures:
    """Figures, of which one or several are the largest (or the smallest)."""

    values: dict[str, Fraction]
    texts: dict[str, str]
    which: Literal["largest", "smallest"]

    @property
    def best(self) -> list[str]:
        """The targets with the correct value; several if they are equal."""
        choose = max if self.which == "largest" else min
        value = choose(self.values.values())
        return [target for target, each in self.values.items() if each == value]

    @property
    def correct(self) -> str:
        return self.best[0] if len(self.best) == 1 else f"{' and '.join(self.best)} are equal"

    def judge(self, answer: str) -> AnswerResult:
        """Judge an answer: a target, the name of its network or layer, ``equal``, or a relation such as ``A > B``."""
        relation = _RELATION.fullmatch(answer.strip())
        if relation is not None and len(self.values) == 2:
            return self._related(relation)
        if _EQUAL.fullmatch(answer.strip()):
            return CORRECT if len(self.best) > 1 else self._wrong()
        named = self._named(answer)
        if named is None:
            expected = ", ".join(self._short(target) for target in self.values)
            return unreadable_result(f"an answer must be one of {expected}, or equal, got '{answer[:40]}'")
        return CORRECT if self.best == [named] else self._wrong()

    def _related(self, relation: re.Match[str]) -> AnswerResult:
        targets = list(self.values)
        left, right = (
            self._named(side) if side else target
            for side, target in zip((relation["left"], relation["right"]), targets, strict=True)
        )
        if left is None or right is None:
            return unreadable_result(f"a relation must be one of {' and '.join(targets)}, got '{relation.string[:40]}'")
        one, other = self.values[left], self.values[right]
        holds = {"<": one < other, ">": one > other}.get(relation["sign"], one == other)
        return CORRECT if holds else self._wrong()

    def _wrong(self) -> AnswerResult:
        figures = [reason_for("compared", target=target, actual=text) for target, text in self.texts.items()]
        return wrong_result(*figures, hints=())

    def _named(self, answer: str) -> str | None:
        """Return the target that an answer names: in full, or by the part in which the targets differ."""
        written = answer.strip().strip(".'\"").casefold()
        words = {written, *re.findall(r"[\w./-]*\w", written)}
        found = [target for target in self.values if words & self._names(target)]
        return found[0] if len(found) == 1 else None

    def _names(self, target: str) -> set[str]:
        """Return the names of a target: in full, in short, or that of its network if it is the only target of that."""
        network = target.partition(".")[0]
        alone = sum(each.startswith(f"{network}.") for each in self.values) == 1
        return {name.casefold() for name in (target, self._short(target), *([network] if alone else []))}

    def _short(self, target: str) -> str:
        """Return a target without the parts that all of them begin or end with: A for A.params next to B.params."""
        parts = [each.split(".") for each in self.values]
        own = target.split(".")
        while len(own) > 1 and all(len(each) > 1 and each[-1] == own[-1] for each in parts):
            own, parts = own[:-1], [each[:-1] for each in parts]
        while len(own) > 1 and all(len(each) > 1 and each[0] == own[0] for each in parts):
            own, parts = own[1:], [each[1:] for each in parts]
        return ".".join(own)
