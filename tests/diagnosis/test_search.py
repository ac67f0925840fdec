"""Looking up a written value among the outcomes of a target."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Verdict
from archcalc.claims.claim import CORRECT, PASSING
from archcalc.claims.compare import interpret
from archcalc.claims.feedback import Reason
from archcalc.diagnosis import judge_and_explain
from archcalc.diagnosis.mistake import Outcome
from archcalc.diagnosis.search import search
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.query.targets import Values
from archcalc.spec import Source, read_spec

NETWORK = "{input: 3x32x32, layers: [c: conv 8 k3 half]}"  # 8x32x32, 224 parameters


def found(target: str, text: str, outcomes: dict[str, Values], verdicts: tuple[Verdict, ...]) -> list[tuple[str, str]]:
    actual = DiagnosedTarget(target, analyze(read_spec(Source("net.yaml", NETWORK)).graph)).actual
    possible = [Outcome(reasons=(Reason(code),), values=values) for code, values in outcomes.items()]
    matches = search(possible, interpret(text, actual), actual, verdicts=verdicts)
    return [(match.code, str(match.verdict)) for match in matches]


def test_matches_come_in_the_order_of_the_outcomes() -> None:
    outcomes: dict[str, Values] = {"a": (1_240,), "b": (1_300,), "c": (1_200,), "d": (1_290,)}
    assert found("params", "1.2K", outcomes, CORRECT) == [("a", "rounds"), ("c", "exact")]
    assert found("params", "1.2K", outcomes, PASSING)[-1] == ("d+truncated", "truncated")


def test_an_explanation_by_a_suffix_needs_one() -> None:
    outcomes: dict[str, Values] = {"kilo-1024": (2_000,)}
    assert found("params", "2000", outcomes, CORRECT) == []
    assert found("params", "2.0K", outcomes, CORRECT) == [("kilo-1024", "exact")]


@pytest.mark.parametrize(
    ("text", "code"),
    [("8x30x30", "shorter"), ("1x8x30x30", "shorter"), ("30x30", "without channels"), ("1x30x30", None)],
)
def test_a_shape_may_have_a_batch_of_one_unless_its_rank_is_the_mistake(text: str, code: str | None) -> None:
    outcomes: dict[str, Values] = {"shorter": (8, 30, 30), "without channels": (30, 30)}
    assert [match for match, _ in found("c.shape", text, outcomes, CORRECT)] == ([code] if code else [])


def test_a_wrong_value_of_an_input_is_judged_as_that_of_a_layer_is() -> None:
    network = "{inputs: {first: 3x8x8}, layers: [c: '@first -> conv 4 k3']}"
    analysis = analyze(read_spec(Source("net.yaml", network)).graph)
    (one_map, unknown) = judge_and_explain([Claim("first.neurons", "64"), Claim("first.neurons", "8")], analysis)
    assert [each.code for each in one_map.explanations] == ["one-map"]
    assert unknown.verdict is Verdict.WRONG
