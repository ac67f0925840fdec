"""No correct answer is ever called wrong: random networks, random quantities, random ways to write the value."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims import Claim, Verdict
from archcalc.diagnosis import judge_and_explain
from archcalc.query.quantities import MEASURED, SUMS
from archcalc.query.targets import Actual, resolve
from archcalc.spec import Source, read_spec
from tests.claims.writings import write_count, write_shape
from tests.random_networks import networks

CORRECT = (Verdict.EXACT, Verdict.ROUNDS)

BUNDLED = (
    *("lenet5", "lenet5-1998", "alexnet", "zfnet", "vgg-a", "googlenet", "resnet50", "mobilenet-v1", "unet"),
    *("homework-network-a", "homework-receptive-field", "separable-example", "colourisation-unet", "resnet18"),
)


@cache
def bundled(name: str) -> Analysis:
    return archcalc.load(name).analyze()


def targets(analysis: Analysis) -> st.SearchStrategy[str]:
    places = ["", *(layer.name for layer in analysis.layers), *analysis.graph.stages]
    place, quantity = st.sampled_from(places), st.sampled_from(MEASURED)
    return st.builds(lambda where, what: f"{where}.{what}" if where else what, place, quantity)


def write(data: Any, actual: Actual, target: str) -> str:
    """Return the true value of a target in one of many ways."""
    if actual.kind == "shape":
        return write_shape(data, actual.values, actual.layout)
    if actual.kind == "count":
        return write_count(data, int(actual.values[0]), target.rpartition(".")[2])
    return actual.text


def check(data: Any, analysis: Analysis) -> None:
    claims = []
    for _ in range(data.draw(st.integers(1, 5))):
        target = data.draw(targets(analysis))
        try:
            actual = resolve(target, analysis)
        except LookupError:  # a vector has no field, an input no layers
            continue
        value = write(data, actual, target)
        if value not in ("unknown", "causal"):  # fields that no answer can state
            claims.append(Claim(target, value))
    for judgement in judge_and_explain(claims, analysis):
        assert judgement.verdict in CORRECT, (judgement.claim, judgement.sentence)
        assert judgement.holds
        assert not judgement.explanations


@pytest.mark.slow
@settings(max_examples=80)
@given(networks(), st.data())
def test_correct_answers_about_random_networks(text: str, data: Any) -> None:
    check(data, analyze(read_spec(Source("random.yaml", text)).graph))


@settings(max_examples=60)
@given(st.sampled_from(BUNDLED), st.data())
def test_correct_answers_about_bundled_networks(name: str, data: Any) -> None:
    check(data, bundled(name))


@pytest.mark.slow
@settings(max_examples=60)
@given(st.sampled_from(BUNDLED), st.data())
def test_a_wrong_value_is_never_called_correct(name: str, data: Any) -> None:
    """Whatever the verdict is, judging it does not fail."""
    analysis = bundled(name)
    target = data.draw(targets(analysis).filter(lambda each: each.rpartition(".")[2] in SUMS))
    actual = resolve(target, analysis)
    wrong = int(actual.values[0]) + data.draw(st.integers(1, 10**6))
    (judgement,) = judge_and_explain([Claim(target, f"{wrong:,}")], analysis)
    assert not judgement.holds
    assert judgement.verdict in (Verdict.EXPLAINED, Verdict.WRONG)
    assert bool(judgement.explanations) is (judgement.verdict is Verdict.EXPLAINED)
    assert len(judgement.explanations) <= 3


@pytest.mark.parametrize(("spec", "target", "value"), [("vgg-a", "macs", "7.6085G"), ("resnet50", "params", "25.610M")])
def test_a_truncated_value_is_not_called_correct(spec: str, target: str, value: str) -> None:
    analysis = bundled(spec)
    exact = Fraction(resolve(target, analysis).values[0])
    cut = f"{int(exact // 10**5) / 10:.1f}M"
    (judgement,) = judge_and_explain([Claim(target, cut)], analysis)
    assert judgement.verdict in (Verdict.TRUNCATED, Verdict.ROUNDS)
    (named,) = judge_and_explain([Claim(target, f"{cut} truncated")], analysis)
    assert named.holds
