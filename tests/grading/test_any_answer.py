"""Any claim about any network gets a verdict, never an exception, and every explanation has a known code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.claims import Claim, Verdict
from archcalc.diagnosis import CODES, judge_and_explain
from archcalc.ops import REGISTRY
from archcalc.query.quantities import MEASURED
from archcalc.query.targets import resolve
from archcalc.spec import Source, read_spec
from tests.random_networks import layers, networks

NUMBERS = st.integers(-5, 300) | st.integers(0, 10**40)
VALUES = (
    NUMBERS.map(str)
    | st.lists(NUMBERS, min_size=1, max_size=5).map(lambda sizes: "x".join(map(str, sizes)))
    | st.text(max_size=30)
    | st.text("0123456789.,x×@()[]-+*/^=<>≈%~KMGBi eE", max_size=25)
)


@st.composite
def claims(draw: Any, analysis: Analysis) -> list[Claim]:
    places = st.sampled_from(["", *(layer.name for layer in analysis.layers), *analysis.graph.stages])
    found = []
    for _ in range(draw(st.integers(1, 8))):
        place, quantity = draw(places), draw(st.sampled_from(MEASURED))
        target = f"{place}.{quantity}" if place else quantity
        value = draw(VALUES)
        if draw(st.booleans()):  # nearly correct
            try:
                value = near(draw, resolve(target, analysis).text)
            except LookupError:
                continue
        found.append(Claim(target, value))
    return found


def near(draw: Any, text: str) -> str:
    """Return the value with one digit, or one number, changed."""
    parts = text.replace(",", "").split("x")
    place = draw(st.integers(0, len(parts) - 1))
    if parts[place].lstrip("-").isdigit():
        parts[place] = str(abs(int(parts[place]) * draw(st.sampled_from([1, 1, 2, 10])) + draw(st.integers(-3, 3))))
    return "x".join(parts)


@pytest.mark.slow
@settings(max_examples=60)
@given(networks(), st.data())
def test_any_list_of_claims_is_judged(text: str, data: Any) -> None:
    analysis = analyze(read_spec(Source("random.yaml", text)).graph)
    said = data.draw(claims(analysis))
    judgements = judge_and_explain(said, analysis)
    assert [judgement.claim for judgement in judgements] == said
    for judgement in judgements:
        assert judgement.sentence
        assert (judgement.fault is not None) is (judgement.verdict is Verdict.UNREADABLE)
        assert judgement.holds is (judgement.verdict in (Verdict.EXACT, Verdict.ROUNDS))
        codes = [part for explanation in judgement.explanations for part in explanation.code.split("+")]
        assert set(codes) <= CODES.keys()
        assert bool(codes) is (judgement.verdict in (Verdict.EXPLAINED, Verdict.FOLLOW_THROUGH))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(max_examples=3)
@given(data=st.data())
def test_wrong_claims_about_every_operator_are_judged(name: str, data: Any) -> None:
    analysis = analyze(read_spec(Source("layer.yaml", data.draw(layers(name)))).graph)
    claims = [Claim(quantity, value) for quantity in MEASURED for value in ("7777777", "7x7")]
    assert all(judgement.sentence for judgement in judge_and_explain(claims, analysis))


@settings(max_examples=40)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_as_a_claim_is_judged(target: str, value: str) -> None:
    analysis = analyze(read_spec(Source("net.yaml", "{input: 1x8x8, layers: [c: conv 2 k3]}")).graph)
    (judgement,) = judge_and_explain([Claim(target, value)], analysis)
    assert judgement.verdict is Verdict.UNREADABLE
    assert judgement.problem().message
