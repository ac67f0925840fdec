"""Grading: the marks of the answers of a submission, or of the claims of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from archcalc.claims.claim import PASSING, Claim, Explanation, Judgement, Verdict
from archcalc.claims.claimed_value import same_value, without_hedge
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import ENGLISH, Feedback
from archcalc.grading.asked_questions import AskedQuestions
from archcalc.grading.audit import audit_mark
from archcalc.grading.columns import quantity_of
from archcalc.grading.conventions import reasons_under
from archcalc.grading.key import Key, Question
from archcalc.grading.kinds.base import unreadable_result
from archcalc.grading.kinds.follow_through import WrongAnswer, as_start, with_follow_through
from archcalc.grading.marks import GradedSubmission, Mark, NamedReason
from archcalc.grading.rows import in_one_line
from archcalc.grading.subjects import NetworkLibrary, Subject
from archcalc.grading.submission import Answer, AnswerFile, NetworkText
from archcalc.grading.table_sources import marks_by_source
from archcalc.query.targets import Actual
from archcalc.spec.errors import Problem, SpecError, Text, fail, whole_text


class Grader:
    """Grades any number of submissions by one key; what they share is computed once."""

    def __init__(
        self, key: Key | None, library: NetworkLibrary, *, explain: bool = True, feedback: Feedback = ENGLISH
    ) -> None:
        """Prepare a key.

        Args:
            key: the key; without it every claim counts one point.
            library: loads the networks.
            explain: whether to explain wrong answers.
            feedback: the sentences of the marks.

        Raises:
            SpecError: a network of the key cannot be read, or a question cannot be asked; all errors are reported.
        """
        self.key = key or Key()
        self.scored = key is not None
        self.library = library
        self.explain = explain
        self.feedback = feedback
        self.total = sum((question.points for question in self.key.questions), Fraction(0))
        self._asked = self._prepared(self.key.networks) if self.key.networks or self._needs_no_network else None
        self.warnings = tuple(self._asked.warnings()) if self._asked is not None else ()
        """Warnings about the key."""

    @property
    def _needs_no_network(self) -> bool:
        """Whether no question of the key is about a network."""
        kinds = [question.kind for question in self.key.questions]
        return bool(kinds) and all(kind is not None and not kind.needs_network for kind in kinds)

    def _prepared(self, networks: Mapping[str, NetworkText]) -> AskedQuestions:
        return AskedQuestions(self.key.questions, self.library.subject(networks))

    def is_question(self, written: str) -> bool:
        """Return whether a name, such as the title of a column, is that of a question of the key, or of a figure."""
        if self._asked is not None and self.key.questions:
            return self._asked.find(written) is not None
        names = {question.id.casefold() for question in self.key.questions}
        place, dot, word = written.strip().rpartition(".")
        return written.strip().casefold() in names or bool(place and dot and quantity_of(word))

    def unreadable(self, name: str, file: str, error: SpecError) -> GradedSubmission:
        """Return the result of a submission that cannot be read."""
        return GradedSubmission(name=name, file=file, of=self.total, problems=error.problems, scored=self.scored)

    def grade(self, submission: AnswerFile, name: str) -> GradedSubmission:
        """Grade one submission. Errors in it are not raised, but are part of the result."""
        file = submission.source.name
        try:
            asked = self._asked or self._prepared(_networks(submission))
            if self.key.questions:
                marks, notes = self._grade_answers(submission, asked)
            elif submission.columns:
                marks, notes = self._grade_table(submission, asked.subject)
            else:
                marks, notes = self._grade_claims(submission, asked.subject), []
        except SpecError as error:
            return self.unreadable(submission.name or name, file, error)
        of = sum((mark.of for mark in marks), Fraction(0))
        return GradedSubmission(
            name=submission.name or name,
            file=file,
            marks=tuple(marks),
            of=of,
            notes=(*submission.notes, *notes),
            scored=self.scored,
            audit=submission.audit and not self.scored,
        )

    def _grade_claims(self, submission: AnswerFile, subject: Subject) -> list[Mark]:
        """Return the marks of all claims of a file, at one point each."""
        if not submission.answers:
            fail("answers", "the file has no answers", origin=submission.source.name)
        targets = [subject.canonical(answer.target.value.strip()) for answer in submission.answers]
        judgements = self._judge(targets, [()] * len(targets), submission.answers, subject)
        marks = []
        for answer, judgement in zip(submission.answers, judgements, strict=True):
            question = Question(id=judgement.target, place=answer.target, target=answer.target, points=Fraction(1))
            mark = self._mark(question, answer, judgement, subject)
            marks.append(audit_mark(mark, answer, judgement, subject) if submission.audit and not self.scored else mark)
        return marks

    def _grade_table(self, submission: AnswerFile, subject: Subject) -> tuple[list[Mark], list[str]]:
        """Return the marks of the figures of a table of networks, and notes on what made its columns."""
        claims = [_claim(answer, subject.canonical(answer.target.value.strip())) for answer in submission.answers]
        judgements = subject.judge.judge(claims, explain=False)
        marks = []
        for answer, judgement in zip(submission.answers, judgements, strict=True):
            question = Question(id=judgement.target, place=answer.target, target=answer.target, points=Fraction(1))
            marks.append(self._mark(question, answer, judgement, subject))
        return marks_by_source(marks, judgements, submission, self.library)

    def _grade_answers(self, submission: AnswerFile, asked: AskedQuestions) -> tuple[list[Mark], list[str]]:
        """Return the marks of the questions of the key, in its order, and notes."""
        given: dict[str, Answer] = {}
        twice: dict[str, Problem] = {}
        notes = []
        for answer in submission.answers:
            question = asked.find(answer.target.value)
            if question is None:
                notes.append(f"not asked: {answer.target.value.strip()[:60]}")
            elif question.id not in given or not given[question.id].value.value:
                given[question.id] = answer
            elif answer.value.value and not same_value(answer.value.value, given[question.id].value.value):
                values = f"{given[question.id].value.value[:40]} and {answer.value.value[:40]}"
                twice[question.id] = Problem("answers", f"two answers: {values}", whole_text(answer.value))
        answers, questions, marks, wrong = [], [], {}, list[WrongAnswer]()
        for question in self.key.questions:
            found = given.get(question.id)
            if found is None or not (found.value.value.strip() or found.problem):
                marks[question.id] = self._missing(question, asked)
                continue
            problem = twice.get(question.id) or found.problem
            if question.kind is not None:
                marks[question.id] = self._other_mark(question, found, problem, asked, wrong)
                continue
            if not question.free:
                actual = asked.subject.judge.actual(asked.targets[question.id])
                problem = problem or _form_error(found, question, actual)
            answers.append(found if problem is None else Answer(found.target, found.value, problem))
            questions.append(question)
        targets = [asked.targets[question.id] for question in questions]
        names = [question.names for question in questions]
        judgements = self._judge(targets, names, list(map(_without_hedge, answers)), asked.subject)
        for question, answer, judgement in zip(questions, answers, judgements, strict=True):
            marks[question.id] = self._mark(question, answer, judgement, asked.subject)
        return [marks[question.id] for question in self.key.questions], notes

    def _judge(
        self, targets: Sequence[str], names: Sequence[tuple[str, ...]], answers: Sequence[Answer], subject: Subject
    ) -> list[Judgement]:
        """Return the judgements in the order of the answers, including those of unreadable lines.

        Args:
            targets: the target of each answer.
            names: the names that each must be a formula in; none if it may be a number.
            answers: the answers.
            subject: the networks.
        """
        found: list[Judgement | None] = []
        claims = []
        for target, free, answer in zip(targets, names, answers, strict=True):
            claim = _claim(answer, target)
            known = subject.formula(claim, free) if free else None
            if answer.problem is not None:
                verdict = Verdict.COARSE if answer.problem.code == Verdict.COARSE else Verdict.UNREADABLE
                known = Judgement(claim=claim, verdict=verdict, fault=answer.problem)
            found.append(known)
            if known is None:
                claims.append(claim)
        judged = iter(subject.judge.judge(claims, explain=self.explain))
        return [judgement or next(judged) for judgement in found]

    def _other_mark(
        self,
        question: Question,
        answer: Answer,
        problem: Problem | None,
        asked: AskedQuestions,
        earlier: list[WrongAnswer],
    ) -> Mark:
        """Return the mark of an answer to a question that asks for no figure.

        Args:
            question: the question.
            answer: the answer.
            problem: the error of the answer, if it has one.
            asked: the questions of the key.
            earlier: the wrong arrays of earlier answers, to which this one is added.
        """
        value, written = answer.value.value.strip(), in_one_line(answer.value.value)
        correct = asked.correct_answer(question)
        prepared = asked.prepared[question.id]
        outcome = prepared.judge(value) if problem is None else unreadable_result(problem.message)
        if outcome.verdict in (Verdict.WRONG, Verdict.EXPLAINED):
            outcome = with_follow_through(prepared, value, outcome, earlier)
            if (start := as_start(question.id, prepared, value)) is not None:
                earlier.append(start)
        say, name = self.feedback.say, question.id
        explanations = outcome.explanations if self.explain else ()
        guesses = " ".join(self.feedback.alternatives([each.reasons for each in explanations]))
        if outcome.verdict is Verdict.BY_HAND:
            sentence = say("by-hand", target=name)
        elif outcome.verdict is Verdict.UNREADABLE:
            sentence = outcome.error
        elif outcome.verdict in (Verdict.WRONG, Verdict.EXPLAINED, Verdict.FOLLOW_THROUGH):
            said = [self.feedback.reasons([each]) for each in outcome.reasons]
            said += [guesses] if guesses else []
            sentence = " ".join([say("wrong", target=name, actual=correct, value=written), *said])
        elif outcome.verdict is Verdict.TRUNCATED:
            sentence = say("truncated-value", target=name, actual=correct, value=written)
        else:
            sentence = f"{name} is {correct}"
        hints = " ".join(self.feedback.reasons([each]) for each in outcome.hints)
        named = (NamedReason(outcome.code, hints),) if outcome.code else ()
        return Mark(
            id=name,
            target="",
            text=question.text,
            value=written,
            verdict=outcome.verdict,
            right=outcome.verdict in PASSING,
            points=self.key.points_for(outcome.verdict, question.points),
            of=question.points,
            actual=correct,
            sentence=sentence,
            reasons=(*self._named(explanations), *named),
            reason=guesses or hints or outcome.error,
            entries=outcome.entries,
            worked=outcome.worked,
            file=answer.target.source.name,
            line=_line(answer),
        )

    def _named(self, explanations: Sequence[Explanation]) -> tuple[NamedReason, ...]:
        """Return explanations with their codes and in words."""
        return tuple(NamedReason(each.code, self.feedback.reasons(each.reasons)) for each in explanations)

    def _mark(self, question: Question, answer: Answer, judgement: Judgement, subject: Subject) -> Mark:
        explanations = judgement.explanations
        mark = Mark(
            id=question.id,
            target=judgement.target,
            text=question.text,
            value=answer.value.value.strip(),
            verdict=judgement.verdict,
            right=judgement.verdict in PASSING,
            points=self.key.points_for(judgement.verdict, question.points),
            of=question.points,
            actual=judgement.actual,
            sentence=judgement.in_words(self.feedback),
            reasons=self._named(explanations),
            reason=" ".join(judgement.reasons_in_words(self.feedback)) if explanations else "",
            derivation=judgement.derivation,
            file=answer.target.source.name,
            line=_line(answer),
        )
        return mark if mark.right else self._accepted(mark, question, judgement, subject)

    def _accepted(self, mark: Mark, question: Question, judgement: Judgement, subject: Subject) -> Mark:
        """Return the mark, with all points if the key accepts a convention that the answer follows."""
        for codes in question.accept:
            reasons = reasons_under(judgement.claim, judgement, codes, subject)
            if reasons is not None:
                reason = self.feedback.reasons(reasons)
                accepted = {"target": judgement.target, "actual": judgement.actual, "value": judgement.value}
                return replace(
                    mark,
                    verdict=Verdict.ACCEPTED,
                    right=True,
                    points=question.points,
                    sentence=self.feedback.say("accepted", sentence=reason, **accepted),
                    reasons=(NamedReason("+".join(sorted(codes)), reason),),
                    reason=reason,
                )
        return mark

    def _missing(self, question: Question, asked: AskedQuestions) -> Mark:
        target = asked.targets.get(question.id, "")
        actual = asked.correct_answer(question)
        return Mark(
            id=question.id,
            target=target,
            text=question.text,
            verdict=Verdict.MISSING,
            right=False,
            points=self.key.points_for(Verdict.MISSING, question.points),
            of=question.points,
            actual=actual,
            sentence=self.feedback.say(
                "no-answer" if actual else "no-answer-to", target=target or question.id, actual=actual
            ),
        )


def _line(answer: Answer) -> int:
    """Return the line of an answer in its file."""
    return (answer.value if answer.value.value else answer.target).place(0)[0] + 1


def _without_hedge(answer: Answer) -> Answer:
    """Return the answer without ``about``, because a key accepts a rounded number, but grants no further margin."""
    written, value = answer.value, without_hedge(answer.value.value)
    return answer if value == written.value else replace(answer, value=Text(written.source, value, written.start))


def _claim(answer: Answer, target: str) -> Claim:
    value, place = answer.value.value.strip(), whole_text(answer.value)
    return Claim(target, value, place=place, target_place=whole_text(answer.target))


def _form_error(answer: Answer, question: Question, actual: Actual) -> Problem | None:
    """Return the error of a value that may be correct without being an answer: a bound, another target, or too few
    digits."""
    try:
        claimed = interpret(without_hedge(answer.value.value), actual)[0]
    except ValueError:
        return None  # the judge reports it
    place, written = whole_text(answer.value), answer.value.value.strip()[:40]
    if claimed.relation != "=" or claimed.other:
        return Problem("answers", f"an answer must be a value, got the relation '{written}'", place)
    if not any(actual.values):
        return None  # a zero has no significant digits
    for number in claimed.numbers:
        if number.tolerance and abs(number.value) < 2 * number.tolerance * 10 ** (question.digits - 1):
            digits = f"{question.digits} significant digit{'s' * (question.digits != 1)}"
            return Problem(Verdict.COARSE, f"the answer must have at least {digits}, got '{written}'", place)
    return None


def _networks(submission: AnswerFile) -> Mapping[str, NetworkText]:
    if not submission.networks:
        hint = "add, for example, 'network: lenet5', or give a --key that names the network"
        fail("missing", "the file names no network", origin=submission.source.name, hint=hint)
    return submission.networks
