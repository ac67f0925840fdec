"""Feedback in a course's own words."""

from __future__ import annotations

import pytest

from archcalc.claims.feedback import ENGLISH, Feedback, Reason, placeholders
from archcalc.claims.sentences import SENTENCES
from archcalc.diagnosis import CODES
from archcalc.grading.answers import read_answers
from archcalc.grading.feedback_file import feedback_template, read_feedback
from archcalc.grading.grade import Grader
from archcalc.grading.subjects import NetworkLibrary
from archcalc.query.quantities import SUMS
from archcalc.spec.errors import Source, SpecError

RUSSIAN = """\
wrong: "{target}: {actual}, а не {value}."
reason: "Вероятная причина: {sentence}"
another-reason: "Или: {sentence}"
no-answer: "{target}: нет ответа."
hidden-wrong: "{target}: Неверно."
bias-left-out: "Смещения не учтены."
other-quantity: "Это {counted}, а не {asked}."
quantity.macs: "число умножений"
quantity.params: "число параметров"
"""
PERSIAN = 'one-filter: "فقط یک فیلتر شمرده شده است."\n'


def feedback(text: str) -> Feedback:
    return read_feedback(Source("words.yaml", text))


def sentences(answers: str, words: Feedback, *, hide: bool = False) -> list[str]:
    file = read_answers(Source("x.yaml", f"network: lenet5\nanswers: {answers}\n"))
    graded = Grader(None, NetworkLibrary(), feedback=words).grade(file, "x")
    return [mark.sentence for mark in (graded.hidden(words) if hide else graded).marks]


def test_marks_are_in_the_words_of_the_course() -> None:
    (sentence,) = sentences("{c1.params: 150}", feedback(RUSSIAN))
    assert sentence == "c1.params: 156, а не 150. Вероятная причина: Смещения не учтены."


def test_names_of_quantities_are_translated_too() -> None:
    (sentence,) = sentences("{c1.params: 117600}", feedback(RUSSIAN))
    assert "Это число умножений, а не число параметров." in sentence


def test_sentences_that_a_course_does_not_give_stay_english() -> None:
    (sentence,) = sentences("{c1.params: 26}", feedback(PERSIAN))
    assert sentence.startswith("c1.params is 156, not 26. Likely reason: فقط یک فیلتر شمرده شده است.")
    assert sentences("{c1.params: 157}", feedback(PERSIAN)) == sentences("{c1.params: 157}", ENGLISH)


def test_hidden_answers_are_in_the_words_of_the_course() -> None:
    assert sentences("{c1.params: 101}", feedback(RUSSIAN), hide=True) == ["c1.params: Неверно."]


def test_hidden_answers_say_whether_the_answer_is_correct() -> None:
    answers = "{c1.params: 101, c3.params: 2400, c1.macs: 117600, c3.macs: ''}"
    assert sentences(answers, ENGLISH, hide=True) == [
        "c1.params is not correct.",
        "c3.params is not correct. Likely reason: The biases are left out.",
        "c1.macs is correct.",
        "c3.macs: no answer was given.",
    ]


def test_a_sentence_for_all_kinds_of_layers_replaces_those_for_one_kind() -> None:
    words = feedback(PERSIAN)
    assert words.reasons([Reason("one-filter", kind="fully-connected")]) == words.reasons([Reason("one-filter")])


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "no sentences"),
        ("- a\n- b\n", 1, "mapping"),
        ("wrong: x\nbias-left-aut: x\n", 2, "no sentence has the code 'bias-left-aut'"),
        ("reason: '{sentense}'\n", 1, "unknown word in braces: '{sentense}'"),
        ("bias-left-out: '{target}'\n", 1, "unknown word in braces: '{target}'"),
        ("bias-left-out: [a]\n", 1, "bias-left-out"),
    ],
)
def test_an_invalid_catalogue_is_refused_with_its_place(text: str, line: int | None, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        feedback(text)
    (problem,) = raised.value.problems
    assert message in problem.message
    assert problem.place()[1] == line


def test_the_template_is_the_catalogue() -> None:
    words = feedback(feedback_template())
    assert all(words.say(code) == ENGLISH.say(code) for code in SENTENCES)


def test_every_code_and_quantity_has_a_complete_sentence_or_a_name() -> None:
    assert set(CODES) <= set(SENTENCES)
    assert {f"quantity.{name}" for name in SUMS} <= set(SENTENCES)
    for code in CODES:
        sentence = SENTENCES[code]
        assert sentence[0].isupper() or sentence[0] in "{1", sentence
        assert sentence.endswith("."), sentence


def test_variants_for_kinds_of_layers_have_the_words_of_their_sentence() -> None:
    for code, sentence in SENTENCES.items():
        general, _, kind = code.partition("/")
        assert not kind or placeholders(sentence) == placeholders(SENTENCES[general])
