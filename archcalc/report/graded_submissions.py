"""Graded submissions as tables, records and JUnit test suites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from archcalc.arrays.texts import count_text
from archcalc.claims.claim import Verdict
from archcalc.grading.kinds.base import WrongEntry
from archcalc.grading.marks import GradedSubmission, Mark, common_mistakes, mean_points
from archcalc.report.junit import Case, Failure, Suite
from archcalc.report.table import Column, Table

MAX_NAMED_MISTAKES = 6
"""The maximum number of mistakes of a submission that are named in the table of a class."""

MAX_COMMON_MISTAKES = 5
"""The maximum number of common mistakes that are named below the table of a class."""


def points_text(points: Fraction) -> str:
    """Return points as text with at most two decimals: ``2``, ``0.5``, ``0.33``."""
    if points.denominator == 1:
        return str(points.numerator)
    return f"{float(points):.2f}".rstrip("0").rstrip(".")


def score_text(graded: GradedSubmission) -> str:
    """Return the score as text: ``7.5 of 10 points (75 %)``, or ``3 of 4 correct`` without a key."""
    if not graded.scored:
        return f"{graded.right} of {len(graded.marks)} {'accounted for' if graded.audit else 'correct'}"
    share = f" ({float(graded.share):.0%})".replace("%", " %") if graded.share is not None else ""
    return f"{points_text(graded.points)} of {points_text(graded.of)} point{'s' * (graded.of != 1)}{share}"


def submission_table(graded: GradedSubmission) -> Table:
    """Return the table of one submission, with one answer per row."""
    notes = [f"line {mark.line}: {mark.sentence}" if mark.line else mark.sentence for mark in graded.wrong]
    notes += accounting_notes(graded)
    notes += [f"to be graded by a person: {', '.join(mark.id for mark in graded.open)}"] if graded.open else []
    notes += [f"note: {note}" for note in graded.notes]
    table = Table(
        columns=(
            Column("question", "question" if graded.scored else "claim", folds=True),
            Column("answer", "answer", "right"),
            Column("verdict", "verdict", folds=True),
            Column("actual", "correct", "right"),
            Column("code", "reason", folds=True),
            Column("points", "points", "right"),
        ),
        rows=tuple(
            (
                mark.id,
                mark.value or None,
                mark.verdict,
                mark.actual or None,
                " or ".join(reason.code for reason in mark.reasons) or None,
                points_text(mark.points),
            )
            for mark in graded.marks
        ),
        title=f"{graded.name}: {score_text(graded)}",
        totals=((None, None, None, None, None, points_text(graded.points)),),
        notes=tuple(notes),
    )
    return table if graded.scored else _without_points(table)


def _without_points(table: Table) -> Table:
    rows = tuple(row[:-1] for row in table.rows)
    return table._replace(columns=table.columns[:-1], rows=rows, totals=())


def accounting_notes(graded: GradedSubmission) -> list[str]:
    """Return notes on an audit: the claims that follow conventions, and the errata."""
    followed = [f"{code}: {', '.join(ids)}" for code, ids in graded.conventions.items()]
    return followed + [f"erratum: {mark.sentence}" for mark in graded.errata]


def class_table(submissions: Sequence[GradedSubmission]) -> Table:
    """Return the table of several submissions, with one submission per row."""
    rows: list[tuple[Any, ...]] = []
    for graded in submissions:
        if graded.problems:
            line = graded.problems[0].place()[1]
            where = f"line {line}: " if line is not None else ""
            message = f"cannot be read: {where}{graded.problems[0].message}"
            rows.append((graded.name, None, points_text(graded.of), None, message))
        else:
            right = f"{graded.right}/{len(graded.marks)}"
            rows.append((graded.name, points_text(graded.points), points_text(graded.of), right, _mistakes(graded)))
    columns = (
        Column("name", "name", folds=True),
        Column("points", "points", "right"),
        Column("of", "of", "right"),
        Column("right", "correct", "right"),
        Column("mistakes", "mistakes", folds=True),
    )
    shown = [column for column in range(len(columns)) if submissions[0].scored or column not in (1, 2)]
    return Table(
        columns=tuple(columns[column] for column in shown),
        rows=tuple(tuple(row[column] for column in shown) for row in rows),
        title=count_text(len(submissions), _noun(submissions)),
        notes=tuple(_summary(submissions)),
    )


def _noun(submissions: Sequence[GradedSubmission]) -> str:
    """Return what to call the files: audits if all that can be read are audits, otherwise submissions."""
    kinds = {graded.audit for graded in submissions if not graded.problems}
    return "audit" if kinds == {True} else "submission"


def _mistakes(graded: GradedSubmission) -> str | None:
    """Return the first mistakes of a submission, in short."""
    wrong = [f"{mark.id}: {mark.reason_code}" for mark in graded.wrong]
    more = [f"and {len(wrong) - MAX_NAMED_MISTAKES:,} more"] if len(wrong) > MAX_NAMED_MISTAKES else []
    return "; ".join([*wrong[:MAX_NAMED_MISTAKES], *more]) or None


def _summary(submissions: Sequence[GradedSubmission]) -> list[str]:
    """Return notes with the mean of the points and the most common mistakes."""
    unreadable = sum(bool(graded.problems) for graded in submissions)
    read = len(submissions) - unreadable
    notes = []
    mean = mean_points(submissions)
    if mean is not None and submissions[0].scored:
        notes.append(f"mean: {points_text(mean)} points over {count_text(read, 'submission')}")
    if unreadable:
        notes.append(f"{count_text(unreadable, _noun(submissions))} cannot be read")
    by_hand = sum(len(graded.open) for graded in submissions)
    if by_hand:
        notes.append(f"{count_text(by_hand, 'answer')} to be graded by a person")
    common = [
        f"{id}: {code} ({count_text(count, 'time')})"
        for id, code, count in common_mistakes(submissions, MAX_COMMON_MISTAKES)
    ]
    return [*notes, *([f"most common mistakes: {'; '.join(common)}"] if common else [])]


def grades_table(submissions: Sequence[GradedSubmission], questions: Sequence[str]) -> Table:
    """Return a table for a spreadsheet, with one submission per row and the points of each question in a column."""
    rows = []
    for graded in submissions:
        marks = {mark.id: mark for mark in graded.marks}
        error = "; ".join(problem.message for problem in graded.problems) or None
        earned = [_number(marks[name].points) if name in marks else None for name in questions]
        total = None if graded.problems else _number(graded.points)
        rows.append((_cell(graded.name), _cell(graded.file), total, _number(graded.of), *earned, _cell(error)))
    names = ("name", "file", "points", "of", *questions, "error")
    return Table(tuple(Column(name, name) for name in names), tuple(rows))


def claims_table(submissions: Sequence[GradedSubmission]) -> Table:
    """Return a table for a spreadsheet, with one answer per row."""
    names = ("name", "file", "line", "id", "answer", "verdict", "right", "points", "of", "actual", "code", "sentence")
    rows: list[tuple[Any, ...]] = []
    for graded in submissions:
        person = (_cell(graded.name), _cell(graded.file))
        for problem in graded.problems:
            rows.append((*person, problem.place()[1], None, None, Verdict.UNREADABLE, False, *[None] * 3, problem.code))
            rows[-1] += (_cell(problem.message),)
        for mark in graded.marks:
            answered = (mark.line, _cell(mark.id), _cell(mark.value), mark.verdict, mark.right)
            earned = (_number(mark.points), _number(mark.of), mark.actual, mark.code or None, _cell(mark.sentence))
            rows.append((*person, *answered, *earned))
    return Table(tuple(Column(name, name) for name in names), tuple(rows))


def submission_record(graded: GradedSubmission) -> dict[str, Any]:
    """Return a submission as JSON-ready data."""
    return {
        "name": graded.name,
        "file": graded.file,
        "points": _number(graded.points),
        "of": _number(graded.of),
        "status": ("right", "failed", "error")[graded.status],
        "answers": [_mark_record(mark) for mark in graded.marks],
        "errors": [
            dict(zip(("file", "line", "column"), problem.place(), strict=True))
            | {"code": problem.code, "message": problem.message, "hint": problem.hint or None}
            for problem in graded.problems
        ],
        "notes": list(graded.notes),
    }


def _mark_record(mark: Mark) -> dict[str, Any]:
    return {
        "id": mark.id,
        "target": mark.target,
        "answer": mark.value or None,
        "verdict": mark.verdict,
        "right": mark.right,
        "points": _number(mark.points),
        "of": _number(mark.of),
        "actual": mark.actual or None,
        "code": mark.code or None,
        "sentence": mark.sentence,
        "reasons": [reason._asdict() for reason in mark.reasons],
        **({"entries": [_entry_record(entry) for entry in mark.entries]} if mark.entries else {}),
        "file": mark.file or None,
        "line": mark.line,
    }


def _entry_record(entry: WrongEntry) -> dict[str, Any]:
    return {"index": list(entry.at), "answer": entry.given, "actual": entry.correct or None}


def junit_suites(submissions: Iterable[GradedSubmission], checkout: str | None = None) -> list[Suite]:
    """Return submissions as JUnit test suites, with answers as test cases; files are relative to a checkout."""
    from archcalc.validation.findings import checkout_path  # with all of validation, which other formats do not need

    found = []
    for graded in submissions:
        file = checkout_path(checkout, graded.file)
        cases = [
            Case(
                mark.id,
                () if mark.right or mark.is_open else (Failure(mark.sentence, code=mark.reason_code),),
                checkout_path(checkout, mark.file) if mark.file else file,
                mark.line,
            )
            for mark in graded.marks
        ]
        if graded.problems:
            errors = [Failure(each.message, each.render(), each.code, "error") for each in graded.problems]
            cases.append(Case(file, errors, file, graded.problems[0].place()[1]))
        found.append(Suite(graded.name, cases))
    return found


def _number(points: Fraction) -> int | float:
    return points.numerator if points.denominator == 1 else round(float(points), 6)


def _cell(text: str | None) -> str | None:
    """Return a text that no spreadsheet takes for a formula, because names and answers are not trusted."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text
