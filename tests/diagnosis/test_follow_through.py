"""Earlier wrong answers carried forward: a correct step from one gets its points."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Judgement, Verdict
from archcalc.diagnosis import judge_and_explain
from archcalc.spec import Source, read_spec

NETWORK = """\
input: 2x30x30
layers:
  - a: conv 7 k4 s2 -> relu
  - b: maxpool 2
  - c: conv 11 k3 p1 -> relu
  - d: flatten -> fc 13
"""  # 7x14x14, 7x7x7, 11x7x7, 13; 231, 704 and 7,020 parameters; MACs 43,904 + 33,957 + 7,007


def judged(*claims: tuple[str, str], text: str = NETWORK) -> dict[str, Judgement]:
    analysis = analyze(read_spec(Source("net.yaml", text)).graph)
    return {each.target: each for each in judge_and_explain([Claim(*claim) for claim in claims], analysis)}


@pytest.mark.parametrize(
    "claims",
    [
        (("a.shape", "7x16x16"), ("b.shape", "7x8x8")),
        (("a.shape", "7x16x16"), ("b.shape", "7x8x8"), ("c.shape", "11x8x8")),
        (("b.shape", "7x8x8"), ("d.params", "9,165")),  # 11·8·8·13 + 13
        (("a.shape", "9x14x14"), ("c.params", "902")),  # 9·11·9 + 11
        (("a.shape", "7x16x16"), ("a.macs", "57,344")),  # 16·16·7·2·16, with its own shape
        (("a.params", "230"), ("a.macs", "43,708")),  # (230 − 7)·14·14: a bias multiplies nothing
        (("a.params", "250"), ("c.params", "704"), ("d.params", "7,020"), ("params", "7,974")),
        (("a.params", "250"), ("params", "7,974")),  # the other parts as they are
        (("a.rf", "5"), ("b.rf", "7")),
        (("b.rf", "8"), ("c.rf", "16")),  # 8 + 2·4
        (("b.rf_stride", "2"), ("c.rf", "10")),  # 6 + 2·2
    ],
)
def test_a_correct_step_from_a_wrong_answer(claims: tuple[tuple[str, str], ...]) -> None:
    found = judged(*claims)
    carried = found[claims[-1][0]]
    assert carried.verdict is Verdict.FOLLOW_THROUGH, carried.sentence
    assert not carried.holds
    assert carried.explanations[0].code == "follow-through"
    assert any(target in carried.sentence for target, _ in claims[:-1])


def test_a_wrong_step_from_a_wrong_answer_gets_no_follow_through() -> None:
    found = judged(("a.shape", "7x16x16"), ("b.shape", "7x9x9"), ("d.params", "7,777"))
    assert found["b.shape"].verdict is not Verdict.FOLLOW_THROUGH
    assert found["d.params"].verdict is not Verdict.FOLLOW_THROUGH


def test_a_wrong_part_does_not_make_an_incomplete_total_correct() -> None:
    for parts in ((("a.params", "250"),), (("a.params", "250"), ("c.params", "704"))):
        total = sum(int(value) for _, value in parts)
        assert judged(*parts, ("params", f"{total}"))["params"].verdict in (Verdict.WRONG, Verdict.EXPLAINED)


def test_a_wrong_number_of_parameters_does_not_make_biases_multiply() -> None:
    found = judged(("a.params", "230"), ("a.macs", "45,080"))["a.macs"]  # 230·14·14
    assert found.verdict in (Verdict.WRONG, Verdict.EXPLAINED)


def test_a_correct_answer_stays_correct_after_a_wrong_one() -> None:
    assert judged(("a.shape", "7x16x16"), ("b.shape", "7x7x7"))["b.shape"].verdict is Verdict.EXACT


def test_impossible_earlier_shapes_are_not_carried_forward() -> None:
    found = judged(("b.shape", "7x0x0"), ("c.shape", "11x9x9"), ("d.params", "5"), ("c.macs", "17"))
    assert {each.verdict for each in found.values()} <= {Verdict.WRONG, Verdict.EXPLAINED}


def test_a_total_that_is_not_the_sum_of_correct_parts() -> None:
    found = judged(("a.params", "231"), ("c.params", "704"), ("d.params", "7,020"), ("params", "6,543"))["params"]
    assert found.verdict is Verdict.EXPLAINED
    assert found.explanations[0].code == "not-the-sum"
    assert "7,955" in found.sentence
