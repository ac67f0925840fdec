"""The file results.json of one submission, which Gradescope reads (documentation of Gradescope Autograders)."""

from __future__ import annotations

from typing import Any

from archcalc.grading.marks import GradedSubmission, Mark
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded_submissions import score_text
from archcalc.report.worked_entries import worked_entries


def gradescope(graded: GradedSubmission, *, explain: bool = False) -> dict[str, Any]:
    """Return the results of one submission, ready for JSON.

    Args:
        graded: the graded submission.
        explain: whether to derive the correct values of answers that are not correct.
    """
    if graded.problems:
        errors = "\n".join(problem.render() for problem in graded.problems)
        return {"score": 0.0, "output": f"The submission cannot be read.\n{errors}", "stdout_visibility": "hidden"}
    notes = "".join(f"\n{note}" for note in graded.notes)
    return {
        "score": float(graded.points),
        "output": f"{graded.name}: {score_text(graded)}{notes}",
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": [_test(number, mark, explain=explain) for number, mark in enumerate(graded.marks, 1)],
    }


def _test(number: int, mark: Mark, *, explain: bool) -> dict[str, Any]:
    lines = [f"your answer: {mark.value}" if mark.value else "no answer", mark.sentence]
    if explain:
        lines += [line for derivation in mark.derivation for line in ("", *derivation_lines(derivation))]
        lines += [line for title, steps in worked_entries(mark) for line in ("", f"{title}:", *steps)]
    status = {} if mark.is_open else {"status": "passed" if mark.passes else "failed"}
    return {
        "number": str(number),
        "name": mark.text or mark.id,
        "name_format": "text",
        "score": float(mark.points),
        "max_score": float(mark.of),
        **status,
        "output": "\n".join(lines),
        "output_format": "text",
        "tags": [mark.verdict, *(reason.code for reason in mark.reasons)],
    }
