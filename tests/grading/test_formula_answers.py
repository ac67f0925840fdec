"""Formulas as answers: right if they are the closed form, however they are written."""

from __future__ import annotations

import pytest

from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import Mark
from archcalc.grading.subjects import Library
from archcalc.spec.errors import Source

NETWORK = "network: colourisation-base\nassume: k % 2 == 1\n"
"""Channels NIC, filters NF, classes NC, kernels k x k; pictures of H x W."""


def judged(target: str, formula: str, network: str = NETWORK) -> Mark:
    text = f'{network}answers: {{{target}: "{formula}"}}\n'
    (mark,) = Grader(None, Library()).grade(read_answers(Source("x.yaml", text)), "x").marks
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
def test_what_equals_the_closed_form_is_right(target: str, formula: str) -> None:
    mark = judged(target, formula)
    assert (mark.verdict, mark.right) == ("exact", True), mark.sentence


@pytest.mark.parametrize(
    "formula", ["k*k*NIC*NF + NF = 896", "params = k*k*NIC*NF + NF = 3*3*1*32 + 32", "NF*(k*k*NIC + 1)"]
)
def test_a_formula_with_its_value_is_the_formula(formula: str) -> None:
    key = read_key(Source("k.yaml", f"{NETWORK}questions: [{{target: down1/conv.params, free: 'NIC, NF, k'}}]\n"))
    file = read_answers(Source("x.yaml", f'down1/conv.params: "{formula}"\n'))
    (mark,) = Grader(key, Library()).grade(file, "x").marks
    assert (mark.verdict, mark.right) == ("exact", True), mark.sentence


def test_odd_kernels_need_not_be_said() -> None:
    mark = judged("down1/conv.macs", "k*k*NIC*NF*H*W", "network: colourisation-base\n")
    assert (mark.verdict, mark.right) == ("exact", True)
    assert mark.sentence == "down1/conv.macs is NIC·NF·H·W·k², if k % 2 == 1, which holds here"


def test_what_is_wrong_for_odd_kernels_stays_wrong() -> None:
    mark = judged("down1/conv.macs", "k*k*NIC*NF*(H-k+1)*(W-k+1)", "network: colourisation-base\n")
    assert (mark.verdict, mark.right) == ("wrong", False)


@pytest.mark.parametrize(
    ("target", "formula"),
    [
        ("down1/conv.params", "k*k*NIC*NF"),
        ("down1/conv.params", "NF*(k**2*NIC + NF)"),
        ("down1/conv.macs", "k*k*NIC*NF*(H-k+1)*(W-k+1)"),
        ("down1/conv.params", "9*32 + 31"),
    ],
)
def test_what_does_not_is_wrong_with_an_example(target: str, formula: str) -> None:
    mark = judged(target, formula)
    assert (mark.verdict, mark.right) == ("wrong", False)
    assert f"not {formula}" in mark.sentence
    if "NIC" in formula:
        assert "At NIC = " in mark.sentence


@pytest.mark.parametrize(
    "formula",
    [
        "k*k*NIC*NG",
        "2NF",
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
def test_what_cannot_be_read_says_why(formula: str) -> None:
    mark = judged("down1/conv.params", formula)
    assert (mark.verdict, mark.right) == ("unreadable", False)
    assert mark.sentence
    assert mark.line == 3


def test_a_key_says_in_which_names() -> None:
    key = NETWORK + 'questions: [{id: q, target: down1/conv.params, points: 2, free: "NIC, NF, k"}]\n'
    grader = Grader(read_key(Source("key.yaml", key)), Library())
    for answer, points in (("NF*(k*k*NIC+1)", 2), ("9*NIC*NF + NF", 0), ("320", 0)):
        (mark,) = grader.grade(read_answers(Source("x.yaml", f"answers: {{q: {answer}}}\n")), "x").marks
        assert mark.points == points, mark.sentence


def test_names_of_the_network_are_settings_and_sizes() -> None:
    assert judged("macs", "H*W*27*64*alpha", "network: 3x8x8 -> conv 64 k3 half nobias\n").verdict == "unreadable"
    assert judged("macs", "H*W*27*64", "network: 3x8x8 -> conv 64 k3 half nobias\n").verdict == "exact"
    network = "networks: {A: {spec: colourisation-base, set: {NF: 8}}, B: lenet5}\nassume: k % 2 == 1\n"
    assert judged("A.down1/conv.params", "k*k*NIC*8 + 8", network).verdict == "exact"
