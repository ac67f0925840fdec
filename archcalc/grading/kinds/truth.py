"""True or false: words for truth values, and statements about networks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archcalc.claims.feedback import Reason
from archcalc.grading.kinds.base import CORRECT, AnswerResult, reason_for, unreadable_result, wrong_result
from archcalc.grading.subjects import Subject
from archcalc.query.conditions import holds, read_condition
from archcalc.spec.errors import SpecError, Text, fail, relocated
from archcalc.spec.syntax import Condition, Name, names_in

_TRUE = (
    *("true", "t", "yes", "y", "right", "correct", "✓", "✔"),
    *("да", "верно", "правда", "истина"),
    *("درست", "صحیح", "بله", "آری"),
)
_FALSE = (
    *("false", "f", "no", "n", "wrong", "incorrect", "✗", "✘"),
    *("нет", "неверно", "ложь"),
    *("نادرست", "غلط", "خیر", "نه"),
)
_WORDS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)


def truth_of(text: str) -> bool | None:
    """Return the truth value that a text begins with, as in ``true, because …``; ``None`` if there is none."""
    word = re.match(r"[\W_]*([^\W\d_]+|[✓✔✗✘])", text)
    return _WORDS.get(word[1].casefold()) if word is not None else None


def truth_text(value: bool) -> str:
    return "true" if value else "false"


@dataclass(frozen=True)
class KnownTruth:
    """Whether a statement in words is true, as the key says."""

    correct_value: bool

    needs_network = False

    def prepare(self, subject: Subject) -> TruthQuestion:
        """Return the question with its answer."""
        return TruthQuestion(self.correct_value)


@dataclass(frozen=True)
class NetworkStatement:
    """Whether a condition on the networks holds, such as ``A.params > 2*B.params``."""

    condition: Text

    needs_network = True

    def prepare(self, subject: Subject) -> TruthQuestion:
        """Evaluate the condition."""
        read = condition_in(self.condition)
        lookup = figures(subject)
        try:
            value = bool(holds(read, lookup))
        except SpecError as error:
            raise in_key(error, self.condition) from None
        names = dict.fromkeys(name.name for name in names_in(read))
        return TruthQuestion(
            value, tuple(reason_for("compared", target=name, actual=figure_text(lookup, name)) for name in names)
        )


@dataclass(frozen=True)
class TruthQuestion:
    """A statement that is known to be true or false."""

    value: bool
    figures: tuple[Reason, ...] = ()
    """The figures on which it depends."""

    @property
    def correct(self) -> str:
        return truth_text(self.value)

    def judge(self, answer: str) -> AnswerResult:
        """Judge an answer, which must be true or false in some words."""
        found = truth_of(answer)
        if found is None:
            return unreadable_result(f"an answer must be true or false, got '{answer[:40]}'")
        return CORRECT if found == self.value else wrong_result(*self.figures, hints=())


CONDITION = "a condition"
"""The name of the source of a condition of a key, whose errors are relocated to the key."""


def condition_in(text: Text) -> Condition:
    """Read a condition of a key.

    Raises:
        SpecError: the text is not a condition.
    """
    try:
        return read_condition(CONDITION, text.value)
    except SpecError as error:
        raise in_key(error, text) from None


def in_key(error: SpecError, text: Text) -> SpecError:
    """Return an error in a condition with its place in the key."""
    return relocated(error, {CONDITION: text})


def figures(subject: Subject) -> Callable[[Name], Any]:
    """Return a function that looks up the figures of targets, and variables and input sizes of the only network."""

    def found(name: Name) -> Any:
        try:
            actual = subject.judge.actual(subject.canonical(name.name))
        except LookupError as error:
            variables = subject.formulas.networks[next(iter(subject.networks))].values()
            if len(subject.networks) == 1 and name.name in variables:
                return variables[name.name]
            fail("key", error.args[0], name.span, error.args[1])
        return actual.values[0] if len(actual.values) == 1 else actual.values

    return found


def figure_text(lookup: Callable[[Name], Any], name: str) -> str:
    """Return a figure as text."""
    value = lookup(Name(name, None))  # type: ignore[arg-type]  # known names raise no error, which alone needs a place
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, Fraction):
        return f"{float(value):.4g}"
    return value if isinstance(value, str) else f"{value:,}"
