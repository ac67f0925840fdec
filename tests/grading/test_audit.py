"""Audits: which claims are accounted for, and what is refused in an audit."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from archcalc.grading.answers import read_answers
from archcalc.grading.grade import Grader
from archcalc.grading.key import read_key
from archcalc.grading.marks import GradedSubmission
from archcalc.grading.subjects import NetworkLibrary
from archcalc.spec.errors import Source

NETWORK = (
    "network: 8x32x32 -> conv 64 k3 half -> bn -> flatten -> fc 10\n"  # 4,672 weights and biases in the convolution
)


def audit(*claims: str, network: str = NETWORK) -> GradedSubmission:
    text = network + "claims:\n" + "".join(f"  - {claim}\n" for claim in claims)
    return Grader(None, NetworkLibrary()).grade(read_answers(Source("audit.yaml", text)), "audit")


@pytest.mark.parametrize(
    "claim",
    [
        "conv_1.params: 4,672",
        "conv_1.params: 4.7K",
        "conv_1.params: {printed: 4.6K, convention: truncated}",
        "conv_1.params: {printed: 4.56K, convention: kilo-1024}",
        "conv_1.params: {printed: '4,608', convention: bias-left-out}",
        "conv_1.params: {printed: 4.50K, convention: bias-left-out + kilo-1024}",
        "conv_1.params: {printed: 5K, erratum: 4.67K, because: of what follows}".replace("5K", "6K"),
        "conv_1.params: {printed: 4.9K, erratum: '4,608', convention: bias-left-out}",
        "conv_1.macs: {printed: 9.4M, convention: two-per-mac}",
        "bn_1.params: {printed: 128, convention: bn-statistics-left-out}",
        "conv_1.params: {printed: '> bn_1.macs', erratum: at most 5K}".replace("> bn_1.macs", "at most 4K"),
    ],
)
def test_claims_that_are_accounted_for(claim: str) -> None:
    graded = audit(claim)
    assert graded.status == 0, graded.marks[0].sentence
    assert graded.audit


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("conv_1.params: 4.6K", "truncated instead of rounded"),
        ("conv_1.params: '4,608'", "conv_1.params is 4,672, not 4,608"),
        ("conv_1.params: {printed: 4.7K, convention: kilo-1024}", "it is correct without a convention"),
        ("conv_1.params: {printed: 4.4K, convention: bias-left-out}", "does not follow bias-left-out"),
        ("conv_1.params: {printed: 4.7K, convention: truncated}", "it is correct without a convention"),
        ("conv_1.params: {printed: 4.7K, erratum: 4.67K}", "it is not an erratum"),
        ("conv_1.params: {printed: '4,608', erratum: 4.7K, convention: bias-left-out}", "it is not an erratum"),
        ("conv_1.params: {printed: 4.9K, erratum: 5.1K}", "5.1K, the correction of the erratum 4.9K, is wrong"),
        ("conv_1.params: {printed: 4.9K, erratum: many}", "many, the correction of the erratum 4.9K, is wrong"),
        ("conv_9.params: {printed: 4.9K, erratum: 5K}", "conv_9"),
        ("conv_1.params: {printed: 4.9K, errata: 5K}", "unknown key 'errata'"),
    ],
)
def test_claims_that_are_not_accounted_for(claim: str, reason: str) -> None:
    graded = audit(claim, "conv_1.params: 4,672")
    assert [mark.right for mark in graded.marks] == [False, True]
    assert reason in graded.marks[0].sentence


@pytest.mark.parametrize("codes", ["no-such", "bias-left-out+no-such", "bias-left-out+kilo-1024+two-per-mac"])
def test_unknown_conventions(codes: str) -> None:
    graded = audit(f"conv_1.params: {{printed: 1, convention: {codes}}}")
    assert graded.problems[0].render().startswith("audit.yaml:3:")
    with pytest.raises(SpecError):
        read_key(Source("key.yaml", f"questions: [{{target: params, accept: {codes}}}]"))


def test_a_key_accepts_conventions() -> None:
    key = "questions: [{id: a, target: conv_1.params, points: 2, accept: [kilo-1024, bias-left-out]}]\n" + NETWORK
    grader = Grader(read_key(Source("key.yaml", key)), NetworkLibrary())
    (mark,) = grader.grade(read_answers(Source("x.yaml", "answers: {a: '4,608'}")), "x").marks
    assert (mark.verdict, mark.right, mark.points, mark.code) == ("accepted", True, 2, "bias-left-out")
    assert "is accepted" in mark.sentence
