"""The key of a homework: the networks, the questions with their points, and the share that each verdict earns.

network: lenet5                        # or networks: {A: …, B: …}; set: and shape: as on the command line
questions:
  - c1.params                          # one point
  - {id: q2, target: c3.macs, points: 2, text: "How many multiplications does C3 take?", accept: two-per-mac}
partial: {explained: 0.25}             # the share of the points that a verdict earns
digits: 2                              # the minimum number of significant digits of a rounded answer
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from fractions import Fraction

from archcalc.claims.claim import Verdict
from archcalc.grading.columns import target_of
from archcalc.grading.conventions import read_codes
from archcalc.grading.documents import read_networks, text_of, texts_of
from archcalc.grading.kinds.base import QuestionKind
from archcalc.grading.kinds.reading import DETAILS, KINDS, SHARED, read_kind
from archcalc.grading.submission import NetworkText
from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar, expect_scalar, known_keys, read_document
from archcalc.spec.errors import Problems, Source, Text, fail, suggest, whole_text
from archcalc.spec.limits import DEFAULT, Limits

PARTIAL: Dictionary[Verdict, Fraction] = {
    Verdict.EXACT: Fraction(1),
    Verdict.ROUNDS: Fraction(1),
    Verdict.TRUNCATED: Fraction(1),
    Verdict.FOLLOW_THROUGH: Fraction(1),
    Verdict.EXPLAINED: Fraction(1, 2),
    Verdict.WRONG: Fraction(0),
    Verdict.UNREADABLE: Fraction(0),
    Verdict.MISSING: Fraction(0),
}
"""The share of a question's points that each verdict earns, unless the key says default."""

KEYS = (
    "title",
    "name",
    "source",
    "note",
    "network",
    "networks",
    "set",
    "shape",
    "layout",
    "batch",
    "assume",
    "questions",
    "points",
    "partial",
    "digits",
    *SHARED,
)
QUESTION_KEYS = (
    "id",
    "target",
    "layer",
    "quantity",
    "points",
    "text",
    "accept",
    "digits",
    "free",
    *KINDS,
    *DETAILS,
)
EXAMPLE = "for example:\n  network: lenet5\n  questions:\n    - {id: q1, target: c1.params, points: 2}"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of a key."""

    id: str
    place: Text
    """The place of errors of the question."""
    target: Text | None
    """The target whose figure or formula is asked; ``None`` for a question of another kind."""
    kind: QuestionKind | None = None
    """The kind of a question without a target."""
    points: Fraction
    text: str = ""
    """The question in words."""
    accept: tuple[frozenset[str], ...] = ()
    """The codes of conventions that count as correct; those of one set apply together (``a+b`` in the file)."""
    digits: int = 1
    """The minimum number of significant digits of a rounded answer."""
    free: tuple[Text, ...] = ()
    """The names that a formula must be in; if empty, the answer is a number, or a formula in any names."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a formula must be in, without their places."""
        return tuple(text.value for text in self.free)


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key of a homework."""

    networks: Dictionary[str, NetworkText] = field(default_factory=dict)
    """The networks by name; if empty, the answer files name them."""
    questions: tuple[Question, ...] = ()
    """The questions; if empty, every claim of an answer file counts one point."""
    partial: Dictionary[Verdict, Fraction] = field(default_factory=lambda: dict(PARTIAL))
    title: str = ""

    def points_for(self, verdict: Verdict, points: Fraction) -> Fraction:
        """Return the points that a verdict earns of those of a question.

        ``coarse`` counts as unreadable; the points of ``by-hand`` are given by a person.
        """
        if verdict is Verdict.BY_HAND:
            return points * 0
        return self.partial[Verdict.UNREADABLE if verdict is Verdict.COARSE else verdict] * points


def read_key(source: Source, limits: Limits = DEFAULT) -> Key:
    """Read a key.

    Raises:
        SpecError: the key has errors; all of them are reported with their places.
    """
    content = read_document(source, limits)
    if not isinstance(content, YamlMapping):
        fail("key", "a key must be a mapping with 'network:' and 'questions:'", origin=source.name, hint=EXAMPLE)
    problems = Problems()
    networks: dict[str, NetworkText] = {}
    questions: tuple[Question, ...] = ()
    partial = dict(PARTIAL)
    with problems:
        known_keys(content, KEYS, "a key")
    with problems:
        networks = read_networks(content)
    with problems:
        points = _points(content, Fraction(1))
        digits = _digits(content, 1)
        questions = _questions(content, points, digits, problems)
    with problems:
        partial |= _partial(content.get("partial"))
    problems.raise_any()
    title = text_of(content, "title") or text_of(content, "name")
    return Key(networks=networks, questions=questions, partial=partial, title=title)


def _questions(key: YamlMapping, points: Fraction, digits: int, problems: Problems) -> tuple[Question, ...]:
    """Return the questions of a key: a list of targets or mappings, or a mapping by id."""
    content = key.get("questions")
    if content is None or (isinstance(content, YamlScalar) and not content.text.value):
        return ()
    if isinstance(content, YamlScalar):
        fail("key", "'questions:' must be a list or a mapping, got text", content.span, EXAMPLE)
    found: dict[str, Question] = {}
    entries = [(None, item) for item in content.items] if isinstance(content, YamlList) else content.pairs
    for name, item in entries:
        with problems:
            question = _question(name.text.value if name is not None else "", item, key, points, digits)
            if question.id.casefold() in found:
                fail("duplicate", f"two questions are called '{question.id[:40]}'", whole_text(question.place))
            found[question.id.casefold()] = question
    return tuple(found.values())


def _question(name: str, content: Content, key: YamlMapping, points: Fraction, digits: int) -> Question:
    if isinstance(content, YamlScalar):
        id = name or content.text.value
        return Question(id=id, place=content.text, target=content.text, points=points, digits=digits)
    if isinstance(content, YamlList):
        fail("key", "a question must be a target or a mapping, got a list", content.span, EXAMPLE)
    known_keys(content, QUESTION_KEYS, "a question")
    target = None if content.get("grad") is not None else _target(content)  # the target of a loss is no figure
    kind = read_kind(content, target, key)
    if kind is not None:
        target = None
    elif target is None:
        message = f"a question must have a 'target:', a 'layer:' and a 'quantity:', or one of {', '.join(KINDS)}"
        fail("missing", message, content.span, EXAMPLE)
    id = name or text_of(content, "id") or (target.value if target is not None else "")
    if not id:
        fail("missing", "a question without a target must have an 'id:'", content.span, EXAMPLE)
    return Question(
        id=id,
        place=target if target is not None else content.pairs[0][0].text,
        target=target,
        kind=kind,
        points=_points(content, points),
        text=text_of(content, "text"),
        accept=tuple(map(read_codes, texts_of(content, "accept"))),
        digits=_digits(content, digits),
        free=_names(texts_of(content, "free")),
    )


def _target(content: YamlMapping) -> Text | None:
    """Return the target of a question; ``None`` if it has none."""
    target, layer, quantity = (content.get(key) for key in ("target", "layer", "quantity"))
    if target is not None:
        return expect_scalar(target, "'target:'").text
    if layer is None or quantity is None:
        return None
    place, word = expect_scalar(layer, "'layer:'").text, expect_scalar(quantity, "'quantity:'").text
    return Text(place.source, target_of(place.value, word.value), place.start)


def _names(texts: list[Text]) -> tuple[Text, ...]:
    """Return the names in texts such as ``N, K``, with their places."""
    found = [(text, match) for text in texts for match in re.finditer(r"[^\s,]+", text.value)]
    return tuple(Text(text.source, match[0], text.index(match.start())) for text, match in found)


def _partial(content: Content | None) -> dict[Verdict, Fraction]:
    if content is None:
        return {}
    if not isinstance(content, YamlMapping):
        hint = "for example: {explained: 0.25}"
        fail("key", "'partial:' must be a mapping from verdicts to shares of the points", content.span, hint)
    shares: dict[Verdict, Fraction] = {}
    for key, value in content.pairs:
        written = key.text.value.replace("_", "-").replace(" ", "-")
        if written not in PARTIAL:
            hint = suggest(written, PARTIAL, f"the verdicts are {', '.join(PARTIAL)}")
            fail("key", f"no verdict '{written[:40]}'", key.span, hint)
        verdict = Verdict(written)
        shares[verdict] = _number(expect_scalar(value, f"'{verdict}:'"))
        if shares[verdict] > 1:
            fail("key", "a share of the points must be at most 1", value.span)
    return shares


def _points(mapping: YamlMapping, default: Fraction) -> Fraction:
    content = mapping.get("points")
    return default if content is None else _number(expect_scalar(content, "'points:'"))


def _digits(mapping: YamlMapping, default: int) -> int:
    content = mapping.get("digits")
    if content is None:
        return default
    number = _number(expect_scalar(content, "'digits:'"))
    if number.denominator != 1 or not 1 <= number <= 100:
        fail("key", f"'digits:' must be an integer from 1 to 100, got {float(number):g}", content.span)
    return int(number)


def _number(written: YamlScalar) -> Fraction:
    text = written.text.value.strip()
    try:
        number = Fraction(text) if len(text) <= 20 and "e" not in text.lower() else Fraction(-1)
    except (ValueError, ZeroDivisionError):
        number = Fraction(-1)
    if number < 0:
        fail("key", f"a number must be a non-negative decimal such as 2 or 0.5, got '{text[:40]}'", written.span)
    return number
