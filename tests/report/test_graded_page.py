"""The HTML page of a submission: everything from the submission is text, never markup."""

from fractions import Fraction
from html.parser import HTMLParser

from archcalc.analysis.explain import Derivation, DerivationStep
from archcalc.claims import Verdict
from archcalc.grading.marks import GradedSubmission, Mark
from archcalc.report.graded_page import graded_page
from archcalc.spec.errors import Problem


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(field: str) -> str:
    return f"""<script src='x'>{field}("1" & '2')</script>{{{{ 7 * 7 }}}}"""


def test_every_text_of_a_submission_is_escaped() -> None:
    step = DerivationStep(hostile("symbol"), hostile("formula"), "", hostile("value"))
    mark = Mark(
        id=hostile("id"),
        target=hostile("target"),
        text=hostile("question"),
        value=hostile("answer"),
        verdict=Verdict.WRONG,
        right=False,
        points=Fraction(0),
        of=Fraction(1),
        actual=hostile("actual"),
        sentence=hostile("sentence"),
        derivation=(Derivation(hostile("layer"), hostile("quantity"), (step,)),),
    )
    graded = GradedSubmission(name=hostile("name"), file="a", marks=(mark,), of=Fraction(1), notes=(hostile("note"),))
    page = Page(graded_page(graded, hostile("title")))
    assert "script" not in page.tags
    fields = "title name id question answer actual sentence layer quantity symbol formula value note"
    assert [field for field in fields.split() if hostile(field) not in page.text] == []


def test_every_text_of_an_error_is_escaped() -> None:
    problem = Problem("yaml", hostile("message"), origin=hostile("file"))
    page = Page(graded_page(GradedSubmission(name="Ada", file="a", problems=(problem,))))
    assert "script" not in page.tags
    assert [field for field in ("message", "file") if hostile(field) not in page.text] == []


def test_partial_points_differ_from_none() -> None:
    marks = [
        Mark(id="q", target="q", verdict=Verdict.EXPLAINED, right=False, points=points, of=Fraction(1), sentence="no")
        for points in (Fraction(0), Fraction(1, 2))
    ]
    page = graded_page(GradedSubmission(name="Ada", file="a", marks=tuple(marks), of=Fraction(2)))
    assert [page.count(f'class="{style}"') for style in ("wrong", "part", "right")] == [1, 1, 0]
    assert 'aria-label="25%"' in page
