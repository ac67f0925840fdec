"""Formulas as answers: correct if they equal the closed form, however they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import NetworkLibrary
from archcalc.numeric.symbolic import Condition, Symbols
from archcalc.spec.errors import Source

NETWORK = "network: colourisation-base\nassume: k % 2 == 1\n"
"""Channels NIC, filters NF, classes NC, kernels k x k; pictures of H x W."""


def judged(target: str, formula: str, network: str = NETWORK) -> Mark:
    text = f'{network}answers: {{{target}: "{formula}"}}\n'
    (mark,) = Grader(None, NetworkLibrary()).grade(read_answers(Source("x.yaml", text)), "x").marks
    return mark


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "formula"),
    [
        ("down1/conv.params", "k*k*NIC*NF + NF"),
        ("down1/conv.params", "NF*(k**2*NIC + 1)"),
        ("down1/conv.params", "NF · (1 + k² · NIC)"),
        ("down1/conv.params", "9*NIC*NF + NF"),  # k stays 3 where it is not named
        ("down1/conv.params", "9*32 + 32"),
        ("down1/conv.macs", "k*k*NIC*NF*H*W"),
        ("down1/conv.macs", "k^2*NIC*NF*32*32"),
        ("down1/conv.macs", "k**2*NIC*NF*1024"),
        ("down2/conv.params", "2*NF*(k*k*NF + 1)"),
    ],
)
def test_formulas_that_equal_the_closed_form_are_correct(target: str, formula: str) -> None:
    mark = judged(target, formula)
    assert (mark.verdict, mark.right) == ("exact", True), mark.sentence


@pytest.mark.parametrize(
    "formula", ["k*k*NIC*NF + NF = 896", "params = k*k*NIC*NF + NF = 3*3*1*32 + 32", "NF*(k*k*NIC + 1)"]
)
def test_a_formula_with_its_value_is_judged_as_the_formula(formula: str) -> None:
    key = read_key(Source("k.yaml", f"{NETWORK}questions: [{{target: down1/conv.params, free: 'NIC, NF, k'}}]\n"))
    file = read_answers(Source("x.yaml", f'down1/conv.params: "{formula}"\n'))
    (mark,) = Grader(key, NetworkLibrary()).grade(file, "x").marks
    assert (mark.verdict, mark.right) == ("exact", True), mark.sentence


def test_odd_kernels_need_no_assumption_in_the_answer() -> None:
    mark = judged("down1/conv.macs", "k*k*NIC*NF*H*W", "network: colourisation-base\n")
    assert (mark.verdict, mark.right) == ("exact", True)
    assert mark.sentence == "down1/conv.macs is H·W·NIC·NF·k², if k % 2 == 1, which holds here"


def test_formulas_that_are_wrong_for_odd_kernels_are_wrong() -> None:
    mark = judged("down1/conv.macs", "k*k*NIC*NF*(H-k+1)*(W-k+1)", "network: colourisation-base\n")
    assert (mark.verdict, mark.right, mark.code) == ("explained", False, "padding-ignored")


STRIDED = """\
network:
  spec: "(C)x(H)x(W) -> conv N k=K s=S p=P"
  set: {C: 3, H: 32, W: 40, N: 8, K: 3, S: 2, P: 1}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "formula", "code"),
    [
        ("params", "C*K^2*N", "bias-left-out"),
        ("params", "K^2*N + N", "input-channels-left-out"),
        ("params", "C*K*N + N", "kernel-once"),
        ("params", "C*K^2*N + C", "bias-per-input-channel"),
        ("params", "C*K^2 + 1", "one-filter"),
        ("macs", "N*C*K^2", "positions-left-out"),
        ("macs", "N*C*K^2*H*W", "input-positions"),
        ("macs", "N*C*K^2*floor((H-K+2*P)/S)*floor((W-K+2*P)/S)", "one-forgotten"),
        ("macs", "N*C*K^2*(floor((H-K+P)/S)+1)*(floor((W-K+P)/S)+1)", "padding-once"),
        ("macs", "2*N*C*K^2*(floor((H-K+2*P)/S)+1)*(floor((W-K+2*P)/S)+1)", "two-per-mac"),
        ("shape", "N x floor((H-K)/S)+1 x floor((W-K)/S)+1", "padding-ignored"),
        ("shape", "N x (H-K+2*P)/S+1 x (W-K+2*P)/S+1", "rounding-left-out"),
        ("shape", "C*N x floor((H-K+2*P)/S)+1 x floor((W-K+2*P)/S)+1", "filters-times-channels"),
        ("shape", "N x H-K+2*P+1 x W-K+2*P+1", "stride-ignored"),
    ],
)
def test_a_mistake_in_a_formula_is_named_like_one_in_a_number(target: str, formula: str, code: str) -> None:
    mark = judged(target, formula, STRIDED)
    assert (mark.verdict, mark.right) == ("explained", False), mark.sentence
    assert mark.code == code, mark.sentence


@pytest.mark.parametrize(
    ("target", "formula"),
    [
        ("down1/conv.params", "NF*(k**2*NIC + NF)"),
        ("down1/conv.params", "9*32 + 31"),
    ],
)
def test_other_formulas_are_wrong_and_get_an_example(target: str, formula: str) -> None:
    mark = judged(target, formula)
    assert (mark.verdict, mark.right) == ("wrong", False)
    assert f"not {formula}" in mark.sentence
    if "NIC" in formula:
        assert "At NIC = " in mark.sentence


@pytest.mark.parametrize(
    "formula",
    [
        "k*k*NIC*NG",
        "2NG",
        "k*(NF",
        "k*",
        "NF*" * 400 + "1",
        "NF//0",
        "k**k**k",
        "(H+W+k+NIC+NF)**60",
        "((((H+W)**90)**90)**90)**90",
        "H**100000000",
        "(" * 300,
    ],
)
def test_unreadable_formulas_get_a_reason(formula: str) -> None:
    mark = judged("down1/conv.params", formula)
    assert (mark.verdict, mark.right) == ("unreadable", False)
    assert mark.sentence
    assert mark.line == 3


def test_a_key_sets_the_free_names_of_a_formula() -> None:
    key = NETWORK + 'questions: [{id: q, target: down1/conv.params, points: 2, free: "NIC, NF, k"}]\n'
    grader = Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
    for answer, points in (("NF*(k*k*NIC+1)", 2), ("9*NIC*NF + NF", 0), ("320", 0)):
        (mark,) = grader.grade(read_answers(Source("x.yaml", f"answers: {{q: {answer}}}\n")), "x").marks
        assert mark.points == points, mark.sentence


def test_names_of_the_network_are_settings_and_sizes() -> None:
    assert judged("macs", "H*W*27*64*alpha", "network: 3x8x8 -> conv 64 k3 half nobias\n").verdict == "unreadable"
    assert judged("macs", "H*W*27*64", "network: 3x8x8 -> conv 64 k3 half nobias\n").verdict == "exact"
    network = "networks: {A: {spec: colourisation-base, set: {NF: 8}}, B: lenet5}\nassume: k % 2 == 1\n"
    assert judged("A.down1/conv.params", "k*k*NIC*8 + 8", network).verdict == "exact"


SEPARABLE = """
networks:
  S: {spec: "16x32x32 -> dwconv k=K half nobias -> conv N k1 nobias", set: {N: 8, K: 3}}
  T: {spec: "16x32x32 -> conv N k=K half nobias", set: {N: 8, K: 3}}
assume: K % 2 == 1
"""
WINDOW = """
network:
  spec: "(C)x(H)x(W) -> conv F k=K s=S p=P"
  set: {C: 3, H: 32, W: 32, K: 5, S: 2, P: 2, F: 20}
"""
SIDE = "(floor((H-K+2*P)/S)+1)*(floor((W-K+2*P)/S)+1)"


def marked(network: str, question: str, answer: str) -> Mark:
    """Return the mark of an answer to one question of a key."""
    grader = Grader(read_key(Source("key.yaml", f"{network}\nquestions: [{{id: q, {question}}}]\n")), NetworkLibrary())
    (mark,) = grader.grade(read_answers(Source("x.yaml", json.dumps({"q": answer}))), "x").marks
    return mark


@pytest.mark.parametrize(
    ("network", "question", "answer"),
    [
        (WINDOW, "target: conv_1.activations, free: 'H, W, K, S, P, F'", f"F*{SIDE}"),
        (WINDOW, "target: conv_1.activations, free: S", "20*(floor(31/S)+1)**2"),
        (WINDOW, "target: conv_1.activations, free: S", "20(⌊31/S⌋ + 1)²"),
        (
            WINDOW,
            "target: conv_1.activations, free: 'H, W, K, S, P, F'",
            "F·(⌊(H − K + 2·P)/S⌋ + 1)·(⌊(W − K + 2·P)/S⌋ + 1)",
        ),
        (WINDOW, "target: conv_1.params, free: 'K, C, F'", "F(K^2C+1)"),
        (WINDOW, "target: conv_1.params, free: 'K, C, F'", "$F (K^2 C + 1)$"),
        (WINDOW, "target: conv_1.params, free: 'K, C, F'", "FK²C + F = 20*(25*3 + 1)"),
        (
            WINDOW,
            "target: conv_1.shape, free: 'F, H, S'",
            r"F \times (\lfloor\frac{H-1}{S}\rfloor+1) \times (floor(31/S)+1)",
        ),
        (WINDOW, "target: conv_1.H, free: 'H, S'", "⌈H/S⌉"),
        (WINDOW, "target: conv_1.H, free: 'H, S'", "(H-1)//S + 1"),
        (WINDOW, "target: conv_1.weights, free: 'K, F'", "3K^2F"),
        (WINDOW, "target: conv_1.rf, free: K", "KxK"),
        (WINDOW, "target: conv_1.rf, free: K", "K"),
        (SEPARABLE, "target: S.macs / T.macs, free: 'N, K'", "1/N + 1/K^2"),
        (SEPARABLE, "target: S.macs / T.macs, free: 'N, K'", "(K^2 + N)/(N K^2)"),
        (SEPARABLE, "target: S.macs / T.macs, free: 'N, K'", r"\frac{1}{N} + \frac{1}{K^2}"),
        (SEPARABLE, "target: S.params, free: 'N, K'", "16 (K^2 + N)"),
        (SEPARABLE, "target: T.macs, free: 'N, K'", "32^2 * 16NK^2"),
    ],
)
def test_a_correct_formula_is_correct_however_it_is_written(network: str, question: str, answer: str) -> None:
    mark = marked(network, question, answer)
    assert (mark.verdict, mark.points) == ("exact", 1), mark.sentence


@pytest.mark.parametrize(
    ("question", "answer", "example"),
    [
        (
            "target: conv_1.params, free: 'K, C, F'",
            "F K^2 C",
            "The biases are left out.",
        ),
        (
            "target: conv_1.H, free: 'H, S'",
            "H//S + 1",
            "At H = 32, S = 2, the correct value is 16, but this formula gives 17.",
        ),
        ("target: conv_1.H, free: 'H, S'", "1/(H-32)", "this formula gives none, because a divisor is zero"),
        ("target: conv_1.shape, free: 'F, H, S'", "F x H/S x W/S", "is not a free name"),
        (
            "target: conv_1.shape, free: 'F, H'",
            "F x H x H",
            "the correct value is 20x16x16, but this formula gives 20x32x32",
        ),
        ("target: conv_1.shape, free: 'F, H'", "F x H", "must have 3 sizes, got 2"),
    ],
)
def test_a_wrong_formula_is_compared_with_the_correct_one_at_a_point(question: str, answer: str, example: str) -> None:
    mark = marked(WINDOW, question, answer)
    assert not mark.right
    assert example in mark.sentence


@given(values=st.tuples(*[st.integers(1, 9)] * 5))
def test_formulas_that_agree_at_some_points_only_are_different(values: tuple[int, ...]) -> None:
    """A formula that is correct only for the sizes of the question is not correct, however these are chosen."""
    kernel, stride, padding, filters, channels = values
    sizes = f"{{C: {channels}, H: 32, W: 32, K: {kernel}, S: {stride}, P: {padding}, F: {filters}}}"
    network = f"network: {{spec: '(C)x(H)x(W) -> conv F k=K s=S p=P', set: {sizes}}}"
    correct = (32 + 2 * padding - kernel) // stride + 1
    question = "target: conv_1.H, free: 'H, K, S, P'"
    assert not marked(network, question, f"(H - 32) + {correct}").right
    assert marked(network, question, "1 + ⌊(H + 2P − K)/S⌋").right


def test_formulas_that_normal_forms_cannot_compare_are_compared_at_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Symbols, "compare", lambda self, relation, value: Condition(self, ()))
    question = "target: conv_1.H, free: 'H, K, S, P'"
    mark = marked(WINDOW, question, "(H - K + 2P)//S + 1")
    assert (mark.verdict, mark.points) == ("exact", 1)
    assert "agrees at all points that were tried" in mark.sentence
    assert not marked(WINDOW, question, "(H - K + 2P)//S + 2").right


def test_a_value_is_not_an_answer_to_a_question_for_a_formula() -> None:
    mark = marked(WINDOW, "target: conv_1.params, free: 'K, C, F'", "-")
    assert (mark.verdict, mark.actual[:3]) == ("missing", "F·(")
    assert mark.sentence == f"conv_1.params is {mark.actual}; no answer was given."


def test_a_formula_that_is_not_defined_everywhere_does_not_change_how_others_are_judged() -> None:
    grader = Grader(
        read_key(Source("key.yaml", f"{WINDOW}\nquestions: [{{target: conv_1.H, free: H}}]\n")), NetworkLibrary()
    )
    answers = {"1/(H-32)": 0, "(H-1)//2 + 1": 1, "ceil(H/2)": 1}
    for answer, points in answers.items():
        (mark,) = grader.grade(read_answers(Source("x.yaml", json.dumps({"conv_1.H": answer}))), "x").marks
        assert mark.points == points, mark.sentence


def test_assumptions_about_one_network_do_not_apply_to_others() -> None:
    networks = """
networks:
  A: {spec: "8x32x32 -> conv N k=K half", set: {N: 8, K: 3}}
  B: {spec: "8x32x32 -> conv N k3", set: {N: 5}}
assume: K % 2 == 1
"""
    assert marked(networks, "target: B.weights, free: N", "72N").verdict == "exact"
    assert marked(networks, "target: A.macs, free: 'N, K'", "32*32*8 N K^2").verdict == "exact"
    assert "At N = 5, the correct value is 360" in marked(networks, "target: B.weights, free: N", "70N").sentence
    key = f"{networks}\nquestions: [{{target: B.weights, free: 'N, K'}}]\n"
    with pytest.raises(SpecError, match="no variable or input size 'K'"):
        Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
