"""A submission as an HTML page: one self-contained file, readable on a phone, in light and dark mode."""

from __future__ import annotations

from archcalc.grading.marks import GradedSubmission
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded_submissions import points_text, score_text
from archcalc.report.pages import template
from archcalc.report.table import without_controls
from archcalc.report.worked_entries import worked_entries

PAGE = template(
    "graded_page.html",
    derivation_lines=derivation_lines,
    points_text=points_text,
    without_controls=without_controls,
    score_text=score_text,
    worked_entries=worked_entries,
)


def graded_page(graded: GradedSubmission, title: str = "") -> str:
    """Return the page of one submission, under the title of the homework."""
    share = 1.0 if graded.share is None else float(graded.share)
    return PAGE.render(graded=graded, title=title, share=share)
