"""Grading by a key: points, partial credit, questions found by id or target, and texts that are no answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import PARTIAL, read_key
from archcalc.grading.marks import GradedSubmission, Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.spec.errors import Source

KEY = """\
network: lenet5
questions:
  - {id: q1, target: c1.params, text: How many parameters?}
  - {id: q2, layer: C3, quantity: Output Shape, points: 2}
  - c3.macs
  - {target: params, points: 0.5}
partial: {truncated: 0.25, wrong: 0.1}
"""


def grader(key: str | None = KEY) -> Grader:
    return Grader(read_key(Source("key.yaml", key)) if key is not None else None, NetworkLibrary())


def grade(text: str, key: str | None = KEY, name: str = "ada.yaml") -> GradedSubmission:
    return grader(key).grade(read_answers(Source(name, text)), "ada")


def marks(text: str, key: str | None = KEY) -> dict[str, Mark]:
    return {mark.id: mark for mark in grade(text, key).marks}


def verdicts(text: str, key: str | None = KEY) -> dict[str, tuple[str, Fraction]]:
    return {name: (mark.verdict, mark.points) for name, mark in marks(text, key).items()}


def test_points_of_every_verdict() -> None:
    graded = grade("answers: {q1: 157, q2: 16x10x10, c3.macs: 239K}\n")
    found = {mark.id: mark.points for mark in graded.marks}
    assert [mark.verdict for mark in graded.marks][1:2] == ["exact"]
    assert found["q2"] == 2
    assert found["params"] == 0
    assert [mark.id for mark in graded.marks] == ["q1", "q2", "c3.macs", "params"]
    assert graded.of == Fraction(9, 2)
    assert graded.status == 1


def test_rounded_and_truncated_answers() -> None:
    found = verdicts("answers: {params: 61.7K, c3.macs: 240K, q1: 156, q2: 16x10x10}\n")
    assert found["params"] == ("rounds", Fraction(1, 2))
    assert verdicts("answers: {params: 61K}\n")["params"] == ("truncated", Fraction(1, 8))


def test_all_correct_is_status_0() -> None:
    graded = grade('answers: {q1: 156, q2: 16x10x10, c3.macs: "240,000", params: "61,706"}\n')
    assert (graded.status, graded.points, graded.right) == (0, graded.of, 4)


def test_questions_are_found_by_id_and_by_target_in_any_case() -> None:
    text = "answers: {Q1: 156, C3.Output: 16x10x10, c3.mult-adds: 240K, Total.Parameters: 61706}\n"
    assert {verdict for verdict, _ in verdicts(text).values()} <= {"exact", "rounds"}


def test_unknown_and_missing_answers() -> None:
    graded = grade("answers: {q1: 156, c5.macs: 3, nonsense: 4}\n")
    assert [mark.verdict for mark in graded.marks] == ["exact", "missing", "missing", "missing"]
    assert graded.notes == ("not asked: c5.macs", "not asked: nonsense")
    assert graded.marks[1].sentence == "c3.shape is 16x10x10; no answer was given."


@pytest.mark.parametrize("answer", ["at most 1e99", "> 1", "c1.params", "0M", "1..1e9", "1e9 ± 100%", "global"])
def test_an_answer_that_holds_for_too_many_values_is_not_accepted(answer: str) -> None:
    verdict, points = verdicts(f"answers: {{q1: '{answer}'}}\n")["q1"]
    assert (verdict in ("unreadable", "coarse", "wrong"), points <= Fraction(1, 10)) == (True, True)


@pytest.mark.parametrize("about", ["≈ 61.7K", "~61,706", "about 62 thousand", r"$\approx61.7$ K", "ca. 61.71k"])
def test_an_approximate_answer_is_judged_as_an_exact_one(about: str) -> None:
    assert verdicts(f"answers: {{params: '{about}'}}\n")["params"][0] in ("exact", "rounds")


@pytest.mark.parametrize("about", ["≈ 60.5K", "about 64K", "~61,700", "≈ 61.7K ± 50%", "about 1..1e9"])
def test_calling_an_answer_approximate_gives_it_no_margin(about: str) -> None:
    assert verdicts(f"answers: {{params: '{about}'}}\n")["params"][0] not in ("exact", "rounds", "truncated")


def test_a_rounded_answer_has_the_digits_that_the_key_asks_for() -> None:
    key = KEY + "digits: 3\n"
    assert verdicts("answers: {params: 62K}\n", key)["params"] == ("coarse", 0)
    assert verdicts("answers: {params: 61.7K}\n", key)["params"][0] == "rounds"
    assert "3 significant digits" in marks("answers: {params: 62K}\n", key)["params"].sentence


def test_two_different_answers_to_one_question() -> None:
    text = 'target,answer\nq1,156\nc1.params,157\nparams,61706\ntotal.params,"61,706"\n'
    graded = grader().grade(read_answers(Source("a.csv", text)), "ada")
    found = {mark.id: mark for mark in graded.marks}
    assert (found["q1"].verdict, found["q1"].sentence) == ("unreadable", "two answers: 156 and 157")
    assert found["params"].verdict == "exact"


@pytest.mark.parametrize("zero", ["0", "none", "None", "zero", "0.0", "0K", "0.00M"])
def test_the_word_none_is_an_answer_and_zero_has_no_missing_digits(zero: str) -> None:
    key = "network: lenet5\nquestions: [s2.params]\n"
    for name, text in {"a.csv": f"target,answer\ns2.params,{zero}\n", "a.yaml": f"s2.params: {zero}\n"}.items():
        graded = grader(key).grade(read_answers(Source(name, text)), "ada")
        assert graded.marks[0].verdict == "exact"


def test_unreadable_lines_keep_their_reason_and_stop_no_other() -> None:
    found = marks("answers: {q1: [[1]], q2: many, params: '61,706'}\n")
    assert (found["q1"].verdict, found["q2"].verdict, found["params"].verdict) == ("unreadable", "unreadable", "exact")
    assert "'[[1]]' is not a number" in found["q1"].sentence
    assert "many" in found["q2"].sentence
    assert found["q2"].line == 1


def test_without_a_key_everything_claimed_counts_one_point() -> None:
    graded = grade("network: lenet5\nanswers: {C1.params: 156, macs: 1, nothing.params: 3}\n", None)
    assert (graded.marks[0].id, graded.marks[0].verdict) == ("c1.params", "exact")
    assert [mark.right for mark in graded.marks] == [True, False, False]
    assert (graded.points >= 1, graded.of) == (True, 3)
    assert "nothing" in graded.marks[2].sentence


def test_a_key_overrides_the_network_of_the_answers() -> None:
    assert verdicts("network: resnet50\nanswers: {params: 61706}\n")["params"][0] == "exact"


def test_a_key_without_network_leaves_it_to_the_answers() -> None:
    key = "questions: [c1.params, params]\n"
    assert verdicts("network: lenet5\nanswers: {params: 61706}\n", key)["params"][0] == "exact"
    graded = grade("network: resnet50\nanswers: {params: 3}\n", key)
    assert [problem.place()[0] for problem in graded.problems] == ["key.yaml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answers: {params: 3}\n", "names no network"),
        ("network: lenet55\nanswers: {params: 3}\n", "no bundled network 'lenet55'"),
        ("network: missing/net.yaml\nanswers: {params: 3}\n", "cannot read the file"),
        ("network: 3x8x8 -> conv\nanswers: {params: 3}\n", "conv"),
        ("network: lenet5\nset: {beta: 3}\nanswers: {params: 3}\n", "beta"),
        ("network: lenet5\nanswers: {}\n", "no answers"),
    ],
)
def test_a_submission_that_cannot_be_judged_is_a_separate_problem(text: str, message: str) -> None:
    graded = grade(text, None)
    assert graded.status == 2
    assert message in graded.problems[0].message
    assert graded.problems[0].place()[0]


def test_inline_networks_and_settings() -> None:
    text = "network: 8x8x3 -> conv 4 k3\nlayout: hwc\nanswers: {shape: 6x6x4, conv_1.params: 112}\n"
    assert {mark.verdict for mark in grade(text, None).marks} == {"exact"}
    text = "networks: {half: {spec: mobilenet-v1, set: {alpha: 0.5}}, all: mobilenet-v1}\n"
    text += "answers: [half.params < all.params]\n"
    assert grade(text, None).status == 0


def test_the_layout_of_a_key_is_that_of_its_inline_networks_and_answers() -> None:
    key = "network: {spec: '12x8x3 -> conv 4 k3', layout: hwc}\nquestions: [shape, conv_1.weights, conv_1.width]\n"
    text = "shape: 10x6x4\nconv_1.weights: 108\nconv_1.width: 6\n"
    assert {mark.verdict for mark in grade(text, key).marks} == {"exact"}
    formula = "network: {spec: '(H)x8x3 -> conv F k3', set: {H: 12, F: 4}, layout: hwc}\n"
    formula += "questions: [{target: shape, free: 'H, F'}]\n"
    assert grade("shape: (H-2) x 6 x F\n", formula).marks[0].verdict == "exact"
    assert grade("shape: F x (H-2) x 6\n", formula).marks[0].code == "layout"


def test_the_defaults_of_partial_credit() -> None:
    assert {verdict: float(share) for verdict, share in PARTIAL.items()} == {
        "exact": 1, "rounds": 1, "truncated": 1, "follow-through": 1, "explained": 0.5, "wrong": 0, "unreadable": 0,
        "missing": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("- 3\n", "key.yaml: error[key]"),
        ("network: lenet5\nquestion: []\n", "key.yaml:2:1: error[unknown-key]"),
        ("network: lenet5\nquestions: [{id: q}]\n", "key.yaml:2:13: error[missing]"),
        ("network: lenet5\nquestions: [a.params, a.params]\n", "key.yaml:2:23: error[duplicate]"),
        ("network: lenet5\nquestions: [{target: params, points: many}]\n", "key.yaml:2:38: error[key]"),
        ("network: lenet5\nquestions: [{target: params, points: 1e999}]\n", "key.yaml:2:38: error[key]"),
        ("network: lenet5\npartial: {explain: 1}\n", "key.yaml:2:11: error[key]"),
        ("network: lenet5\npartial: {explained: 2}\n", "key.yaml:2:"),
        ("network: lenet5\ndigits: 0\n", "key.yaml:2:9: error[key]"),
        ("network: lenet5\nquestions: [c9.params]\n", "key.yaml:2:13: error[key]"),
        ("network: lenet7\nquestions: [c1.params]\n", "key.yaml:1:10: error[not-found]"),
        ("network: 3x8x8 -> conv 4 k9\nquestions: [macs]\n", "key.yaml:1:19: error[shape]"),
        ("network: 3x8x8 -> conv 4 q=3\nquestions: [macs]\n", "key.yaml:1:26: error[argument]"),
        ("network: 3x8x8 -> conv N k3\nquestions: [macs]\n", "key.yaml:1:24: error[unknown-name]"),
        (
            "networks:\n  A: {spec: 3x8x8 -> conv N k3, set: {N: 4*M}}\nquestions: [macs]\n",
            "key.yaml:2:44: error[unknown-name]",
        ),
        (
            "networks:\n  A: {spec: 3x8x8 -> conv 4 k3, set: {N: 4}}\nquestions: [macs]\n",
            "key.yaml:2:42: error[unknown-name]",
        ),
        ("network: lenet5\nshape: 3x(2\nquestions: [macs]\n", "key.yaml:2:10: error[syntax]"),
        ("network: lenet5\nbatch: 0\nquestions: [macs]\n", "key.yaml:2:8: error[argument]"),
        ("network: lenet5\nquestions: [{target: macs, free: 'H, Q'}]\n", "key.yaml:2:38: error[key]"),
        ("network: lenet5\nquestions: [{target: s2.rf, free: 'H'}, {target: c9.rf}]\n", "key.yaml:2:50: error[key]"),
        ("network: lenet5\nassume: H % 2 > 3\nquestions: [{target: macs, free: H}]\n", "key.yaml:3:34: error[key]"),
    ],
)
def test_mistakes_in_a_key_are_named_with_their_places(key: str, place: str) -> None:
    with pytest.raises(SpecError) as caught:
        grader(key)
    assert str(caught.value).startswith(place)


def test_every_invalid_question_is_reported_in_one_run() -> None:
    with pytest.raises(SpecError) as caught:
        grader("network: lenet5\nquestions: [c9.params, {target: macs, free: Q}, c1.params]\n")
    assert [problem.place()[1:] for problem in caught.value.problems] == [(2, 13), (2, 45)]


def test_a_hint_about_an_inline_network_fits_the_file() -> None:
    with pytest.raises(SpecError, match="no variable or parameter 'N'") as caught:
        grader("network: 3x8x8 -> conv N k3\nquestions: [macs]\n")
    assert "{spec: …, set: {N: …}}" in caught.value.problems[0].hint


def test_batch_memory_and_peak_are_asked() -> None:
    key = "network: 3x8x8 -> conv 4 k3\nbatch: 10\nquestions: [macs, memory, peak, activations, conv_1.shape]\n"
    text = "macs: 38,880\nmemory: 448 bytes\npeak: 13,440 B\nactivations: 1,440\nconv_1.shape: 4x6x6\n"
    assert {mark.verdict for mark in grade(text, key).marks} == {"exact"}


def test_all_errors_of_a_key_are_reported_in_one_run() -> None:
    with pytest.raises(SpecError) as caught:
        read_key(Source("key.yaml", "colour: red\nquestions: [{id: q}, {target: a, points: x}]\npartial: {no: 1}\n"))
    assert len(caught.value.problems) == 4


LENET: dict[str, int] = {"c1.params": 156, "c3.params": 2416, "c3.macs": 240_000, "c5.params": 48_120, "params": 61_706}
STYLES: dict[str, Callable[[int], str]] = {
    "plain": str,
    "comma": lambda number: f"{number:,}",
    "underscore": lambda number: f"{number:_}",
    "blank": lambda number: f"{number:,}".replace(",", " "),
    "thousands": lambda number: f"{number / 1000:.3f}K",
    "rounded": lambda number: f"{number / 1000:.1f} thousand",
    "power": lambda number: f"{number / 1000:.2f}e3",
    "persian": lambda number: str(number).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
}
FORMS: dict[str, Callable[[list[tuple[str, str]]], str]] = {
    "a.yaml": lambda rows: "answers:\n" + "".join(f'  {target}: "{value}"\n' for target, value in rows),
    "a.json": lambda rows: json.dumps([{"question": target.upper(), "answer": value} for target, value in rows]),
    "a.csv": lambda rows: "Target,Answer\n" + "".join(f'{target},"{value}"\n' for target, value in rows),
    "a.md": lambda rows: "| id | value |\n|:--|--:|\n" + "".join(f"| `{a}` | **{b}** |\n" for a, b in rows),
}


@given(st.data())
def test_correct_answers_are_correct_in_every_form_and_style(data: st.DataObject) -> None:
    rows = [(target, STYLES[data.draw(st.sampled_from(list(STYLES)))](number)) for target, number in LENET.items()]
    rows = data.draw(st.permutations(rows))
    name = data.draw(st.sampled_from(list(FORMS)))
    graded = GRADER.grade(read_answers(Source(name, FORMS[name](rows))), "ada")
    assert graded.points == graded.of == len(LENET), [mark.sentence for mark in graded.marks if not mark.right]


GRADER = grader(f"network: lenet5\nquestions: [{', '.join(LENET)}]\n")


BATCH_NORM = "network: 3x8x8 -> conv 4 k3 nobias -> bn -> relu\n"


@pytest.mark.parametrize(
    ("questions", "places"),
    [
        ("[bn_1.params, params]", [(2, 13)]),
        ("[macs, {target: params}]", [(2, 28)]),
        ("[conv_1.params, bn_1.trainable, params / macs]", []),
        ("[{target: params, accept: bn-statistics-left-out}]", []),
    ],
)
def test_textbook_counts_of_a_batch_norm_are_mentioned_once(questions: str, places: list[tuple[int, int]]) -> None:
    found = grader(f"{BATCH_NORM}questions: {questions}\n").warnings
    assert [warning.place()[1:] for warning in found] == places
    for warning in found:
        assert "trainable" in warning.hint
        assert warning.level == "warning"


def test_an_answer_for_a_person_is_neither_correct_nor_wrong() -> None:
    key = "questions: [{id: q1, by_hand: yes, points: 3}, {id: q2, expect: 4}]\n"
    graded = grade("q1: Because.\nq2: 4\n", key)
    assert [(mark.verdict, mark.points, mark.is_open) for mark in graded.marks] == [
        ("by-hand", 0, True),
        ("exact", 1, False),
    ]
    assert (graded.status, graded.right, len(graded.open), graded.of) == (0, 1, 1, 4)
    assert [mark.verdict for mark in grade("q2: 4\n", key).wrong] == ["missing"]
