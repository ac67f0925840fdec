"""The questions of a key, prepared for networks: their correct answers, and the question that an answer belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from archcalc.diagnosis.conventions import batch_norms
from archcalc.grading.key import Question
from archcalc.grading.kinds.base import PreparedQuestion
from archcalc.grading.subjects import Subject
from archcalc.query.places import find_place
from archcalc.query.targets import network_of
from archcalc.spec.errors import Problem, Problems, SpecError, fail, whole_text
from archcalc.spec.given_shapes import suggest_size

_NUMBERED = re.compile(r"(?:q|no|nr|question|response|answer|task|exercise|problem|ex|item)?[\s._#-]*(\d{1,4})\.?")
"""A number of a question: ``Question 3``, ``Response 3``, ``q3``, ``3``."""
_QUIZ_NUMBER = re.compile(r"\s*\d+\s*:\s*")
"""The number that learning management systems write before the text of a question."""


class AskedQuestions:
    """The questions of a key about the networks of a subject."""

    def __init__(self, questions: Iterable[Question], subject: Subject) -> None:
        """Prepare the questions.

        Raises:
            SpecError: a question cannot be asked; the errors of all questions are reported.
        """
        self.questions = tuple(questions)
        self.subject = subject
        self.targets: dict[str, str] = {}
        """The targets by the id of their question, in archcalc's notation."""
        self.prepared: dict[str, PreparedQuestion] = {}
        """The questions of other kinds, by id."""
        problems = Problems()
        for question in self.questions:
            with problems:
                self._prepare(question)
        problems.raise_any()
        self._numbered = dict(_by_number(self.questions))
        self._by_name = {target.casefold(): id for id, target in self.targets.items()}
        self._by_name |= {_words(question.text): question.id for question in self.questions if question.text}
        self._by_name |= {question.id.casefold(): question.id for question in self.questions}
        self._by_id = {question.id: question for question in self.questions}

    def find(self, written: str) -> Question | None:
        """Return the question that a name means: its id, target, text or number; ``None`` if it is not asked."""
        name = written.strip()
        found = self._by_name.get(name.casefold()) or self._by_name.get(self.subject.canonical(name).casefold())
        if found is None:
            found = self._by_name.get(_words(_QUIZ_NUMBER.sub("", name, count=1)))
        if found is None:
            number = _NUMBERED.fullmatch(name.casefold())
            found = self._numbered.get(int(number[1])) if number is not None else None
        return None if found is None else self._by_id[found]

    def correct_answer(self, question: Question) -> str:
        """Return the correct answer, as text; empty if a person decides."""
        if question.id in self.prepared:
            return self.prepared[question.id].correct
        target = self.targets[question.id]
        if not question.free:
            return self.subject.judge.actual(target).text
        from archcalc.numeric.symbolic import TEXT

        return self.subject.formulas.form(target, question.names).write(TEXT)

    def warnings(self) -> Iterator[Problem]:
        """Yield warnings about questions that are probably not meant as they are asked."""
        for question in self.questions:
            target = self.targets.get(question.id, "")
            place, _, quantity = target.rpartition(".")
            if quantity == "params" and not question.accept and self._has_statistics(target):
                assert question.target is not None
                trainable = f"{place}.trainable" if place else "trainable"
                message = (
                    "'params' counts 4 numbers per map of a batch norm, but many textbooks count the 2 learned ones"
                )
                hint = f"ask for {trainable} if you mean those, or accept both with accept: bn-statistics-left-out"
                yield Problem("key", message, whole_text(question.target), hint, level="warning")
                return  # once is enough

    def _has_statistics(self, target: str) -> bool:
        """Return whether batch norms are counted in a target."""
        if " / " in target:
            return False
        name, rest = network_of(target, self.subject.networks)
        graph = self.subject.networks[name].graph
        place = find_place(rest.rpartition(".")[0], graph)
        return any(batch_norms(graph.nodes[index].op) for index in place.layers)

    def _prepare(self, question: Question) -> None:
        if question.kind is not None:
            self.prepared[question.id] = question.kind.prepare(self.subject)
            return
        assert question.target is not None
        target = self.targets[question.id] = self.subject.canonical(question.target.value.strip())
        try:
            self.subject.judge.actual(target)
        except LookupError as error:
            fail("key", error.args[0], whole_text(question.target), error.args[1])
        known = self.subject.formulas.values(target) if question.free else ()
        for name in question.free:
            if name.value not in known:
                hint = suggest_size(name.value, known)
                fail("key", f"no variable or input size '{name.value[:40]}'", whole_text(name), hint)
        if question.free:
            try:
                self.subject.formulas.form(target, question.names)
            except SpecError as error:
                first = error.problems[0]
                message = f"question '{question.id[:40]}' has no formula as its answer: {first.message}"
                fail("key", message, whole_text(question.free[0]), first.hint)


def _by_number(questions: tuple[Question, ...]) -> Iterator[tuple[int, str]]:
    """Return the ids of the questions by number: the numbers in the ids, or else the places in the key."""
    numbered = [(int(match[1]), each.id) for each in questions if (match := _NUMBERED.fullmatch(each.id.casefold()))]
    if numbered:
        yield from numbered
    else:
        yield from ((place, question.id) for place, question in enumerate(questions, 1))


def _words(text: str) -> str:
    """Return a text without punctuation and case."""
    return " ".join(re.findall(r"\w+", text.casefold()))
