"""Judging the expectations of a spec."""

import pytest

import archcalc
from archcalc import SpecError
from archcalc.analysis.propagate import analyze
from archcalc.claims import Claim, Judgement, Verdict, judge_expectations
from archcalc.claims import judge as judge_claims
from archcalc.claims.judge import judge_each
from archcalc.diagnosis import judge_and_explain
from archcalc.spec import Source, read_spec

NETWORK = """\
input: 3x32x32
layers:
  - c1: conv 8 k3 half -> relu
  - s2: maxpool 2
  - up: upsample 2 -> conv 4 k3x5 half
  - out: gap -> fc 10
heads:
  mask: "@s2 -> conv 1 k1"
expect:
"""


def judge(*lines: str, text: str = NETWORK) -> list[Judgement]:
    spec = read_spec(Source("net.yaml", text + "".join(f"  {line}\n" for line in lines)))
    return judge_expectations(spec, analyze(spec.graph))


@pytest.mark.parametrize(
    "line",
    [
        "c1.shape: 8x32x32",
        "c1/conv.params: 224",
        "c1.params: 224",
        "params: 767",  # 224, 4·8·15 + 4, 4·10 + 10 and 8 + 1
        "c1.macs: 221,184",
        "mask.shape: 1x16x16",
        "shape: 10",
        "c1.rf: 3",
        "s2.rf_stride: 2",
        "up.rf: at most 20",
        "out.rf: global",
        "rf: global",
        "layers: 8",
        "c1.layers: 2",
        "macs: below 1M",
    ],
)
def test_targets_of_every_kind(line: str) -> None:
    (verdict,) = judge(line)
    assert verdict.holds, verdict.message


@pytest.mark.parametrize("value", ["3²", "3^2", "3x3", "3 px", "3x3 pixels"])
def test_a_square_field_may_be_written_with_both_sizes(value: str) -> None:
    assert judge(f"c1.rf: {value}")[0].holds


@pytest.mark.parametrize("value", ["8x32x32 = 8192", "8192 = 8x32x32", "CxHxW = 8x32x32"])
def test_a_shape_with_its_size_is_a_shape(value: str) -> None:
    assert judge(f"c1.shape: {value}")[0].holds
    assert not judge(f"c1.shape: {value.replace('32', '31')}")[0].holds


@pytest.mark.parametrize(("value", "holds"), [("2 x 110.6K", True), ("2 × 0.11M", True), ("2 x 110.5K", False)])
def test_a_product_is_as_exact_as_its_rounded_factor(value: str, holds: bool) -> None:
    assert judge(f"c1.macs: {value}")[0].holds is holds


def test_fields_that_differ_between_axes_are_written_per_axis() -> None:
    assert judge("up.rf: 6x8")[0].holds
    assert judge("up.rf: at most 8")[0].holds
    assert not judge("up.rf: at most 7")[0].holds
    assert not judge("up.rf: 8")[0].holds
    assert not judge("c1.rf: 3x4")[0].holds
    assert judge("c1.rf: 3x3")[0].holds


def test_a_failed_expectation_shows_its_place_and_both_values() -> None:
    (verdict,) = judge("c1.shape: 6x28x28")
    assert not verdict.holds
    shown = verdict.problem().render()
    assert shown.startswith("net.yaml:10:13: error[expectation]: c1.shape is 8x32x32, expected 6x28x28")
    assert "^^^^^^^" in shown


def test_all_wrong_targets_and_values_are_reported_in_one_run() -> None:
    with pytest.raises(SpecError) as caught:
        judge("c9.shape: 1x2", "c1.sape: 1", "c1.macs: lots")
    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == 3
    hints = [problem.hint for problem in caught.value.problems]
    assert "'c1'" in hints[0] or "'s2'" in hints[0] or "show" in hints[0]
    assert hints[1] == "did you mean 'shape'?"
    assert "not a number" in messages[2]


def test_shapes_follow_the_layout_of_the_file() -> None:
    text = "layout: hwc\ninput: 32x24x3\nlayers:\n  - c1: conv 8 k3 half\nexpect:\n"
    assert judge("c1.shape: 32x24x8", text=text)[0].holds


def test_stages_without_layers_and_inputs_are_targets() -> None:
    text = "input: 3x8x8\nlayers:\n  - a: identity\n  - b: (relu)*0\nexpect:\n"
    lines = ("shape: 3x8x8", "a.shape: 3x8x8", "b.params: 0", "input.shape: 3x8x8", "layers: 0")
    assert all(verdict.holds for verdict in judge(*lines, text=text))
    assert judge("a.rf: 1", text=text)[0].holds  # an input sees itself


def test_expectations_that_cannot_be_judged_do_not_hide_failures() -> None:
    spec = read_spec(Source("net.yaml", NETWORK + "  c1.params: 1\n  c1.bad: 2\n"))
    verdicts, problems = judge_each(spec, analyze(spec.graph))
    assert [verdict.holds for verdict in verdicts] == [False]
    assert [problem.message for problem in problems] == ["no quantity 'bad'"]


LENET = "lenet5"


def verdicts(spec: str, *claims: tuple[str, str]) -> list[Judgement]:
    return judge_and_explain([Claim(*claim) for claim in claims], archcalc.load(spec).analyze())


def test_every_verdict() -> None:
    found = verdicts(
        LENET,
        ("params", "61,706"),
        ("params", "61.7K"),
        ("params", "62 thousand"),
        ("params", "61 thousand"),
        ("params", "61 thousand truncated"),
        ("c1.params", "150"),
        ("c1.params", "1"),
        ("c1.params", "many"),
        ("c9.params", "150"),
    )
    assert [str(each.verdict) for each in found] == [
        *("exact", "rounds", "rounds", "truncated", "truncated", "explained", "wrong", "unreadable", "unreadable")
    ]
    assert [each.holds for each in found] == [True, True, True, False, True, False, False, False, False]
    assert found[5].explanations[0].code == "bias-left-out"
    assert found[5].derivation[-1].quantity == "params"
    assert "truncated" in found[3].sentence
    assert found[8].problem().hint


def test_networks_are_compared_with_each_other() -> None:
    networks = {name: archcalc.load(f"homework-network-{name.lower()}").analyze() for name in ("A", "B")}
    claims = [
        Claim("A.params", "> B.params"),
        Claim("B.mults", "< A.mults"),
        Claim("A.params / B.params", "≈ 7%"),
        Claim("A.params / B.params", "6.7%"),
        Claim("A.mults", "309,329,920"),
        Claim("params", "1"),
        Claim("A.params", "> C.params"),
    ]
    found = judge_claims(claims, networks)
    assert [each.holds for each in found] == [False, False, True, True, True, False, False]
    assert [str(each.verdict) for each in found[5:]] == ["unreadable", "unreadable"]


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("out.shape", "10x1x1"),
        ("out.shape", "1x10"),
        ("c1.shape", "6@28x28"),
        ("c1.shape", "1x6x28x28"),
        ("c1.params", "5*5*6 + 6"),
        ("c3.params", "150·16 + 16 = 2416"),
        ("c1.macs", "28x28x6x5x5"),
        ("params", "246,824 bytes"),
        ("params", "241 KiB"),
        ("params", "241 KB"),
        ("params", "61.706"),
        ("c1.rf", "5x5"),
    ],
)
def test_values_are_correct_in_other_notations(target: str, value: str) -> None:
    (found,) = verdicts(LENET, (target, value))
    assert found.holds, found.sentence


def test_a_formula_is_judged_by_the_given_judge_of_formulas() -> None:
    def formula(claim: Claim) -> Judgement | None:
        if "+ 6" not in claim.value:
            return None
        return Judgement(claim=claim, verdict=Verdict.EXACT, actual="6·k² + 6", holds=True)

    claims = [Claim("c1.params", value) for value in ("k·k·6 + 6", "k*k*6", "many")]
    found = judge_claims(claims, archcalc.load(LENET).analyze(), formula=formula)
    assert [str(each.verdict) for each in found] == ["exact", "unreadable", "unreadable"]
    (without,) = judge_claims(claims[:1], archcalc.load(LENET).analyze())
    assert without.verdict is Verdict.UNREADABLE


def test_without_an_explainer_a_wrong_value_has_no_reason() -> None:
    (found,) = judge_claims([Claim("c1.params", "150")], archcalc.load(LENET).analyze())
    assert found.verdict is Verdict.WRONG
    assert found.sentence == "c1.params is 156, not 150."
    assert not found.explanations
    assert not found.derivation


@pytest.mark.parametrize("target", ["b.rf", "rf", "b.rf_stride"])
def test_a_layer_that_sees_nothing_has_no_field_to_claim(target: str) -> None:
    """Every unit of b reads between the numbers that a spread out: padding or nothing."""
    text = "input: 2x8\nlayers:\n  - a: upconv 2 k1 s2 nobias\n  - b: conv 2 k1 s2 p1\nexpect:\n"
    with pytest.raises(SpecError, match="'b' does not depend on any input"):
        judge(f"{target}: 1", text=text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("moved.rf: unknown", ""),
        ("mix.rf: causal", ""),
        ("moved.rf: 3", "moved.rf is unknown, expected 3"),
        ("mix.rf: global", "mix.rf is causal, expected global"),
        ("c.rf: unknown", "c.rf is 3, expected unknown"),
        ("c.rf: at least 2", ""),
        ("mix.rf: at least 2", "mix.rf is causal, expected at least 2"),
    ],
)
def test_fields_without_a_size_have_words(line: str, message: str) -> None:
    network = """\
inputs: {image: 4x9, tokens: 4x8}
layers:
  - c: "@image -> conv 4 k3 half"
  - moved: reshape 6x6
  - mix: "@tokens -> attention heads=2 causal"
expect:
"""
    (verdict,) = judge(line, text=network)
    assert verdict.holds == (not message)
    assert message in verdict.message


def test_words_for_fields_are_values_of_fields_only() -> None:
    with pytest.raises(SpecError, match="'unknown' must be the value of a receptive field"):
        judge("c1.params: unknown")
