"""Derivations: every line's numbers evaluate to its value, and the last value is what the analysis says."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.explain import QUANTITIES, SUMS, Derivation, explain_layer, explain_sum
from archcalc.analysis.propagate import Layer
from tests.derivations import evaluate

EVERY_KIND = """\
3x31x37 -> conv 8 k3x5 s2x1 p1:2x0 d2 -> relu -> maxpool k3 s2 ceil p1 -> upconv 8 k4 s2 p1 -> dwconv k3 half
multiplier=2 -> add(identity, conv 16 k1) -> concat(upsample 2 bilinear -> conv 4 k3 s2 pad=same, conv 12 k1 nobias g4)
-> bn -> lrn -> ln -> gn 4 -> avgpool 2 -> adaptive_avgpool 3x5 -> sepconv 8 k3 half -> subsample 2
-> flatten -> fc 10 -> softmax"""


def derive(layer: Layer, analysis: archcalc.api.Analysis) -> dict[str, Derivation]:
    return {derivation.quantity: derivation for derivation in explain_layer(analysis, layer, QUANTITIES)}


@pytest.mark.parametrize(
    "spec", [EVERY_KIND, "resnet18", "mobilenet-v1", "unet", "googlenet", "lenet5-1998", "3 -> fc 4"]
)
def test_every_line_evaluates_to_its_value_and_the_last_is_the_analysis(spec: str) -> None:
    analysis = archcalc.load(spec).analyze()
    for layer in analysis.layers:
        derivations = derive(layer, analysis)
        for derivation in derivations.values():
            for step in derivation.steps:
                if step.numbers:
                    assert evaluate(step.numbers) == evaluate(step.value.replace(",", "")), (layer.name, step)
        for quantity in SUMS:
            value = getattr(layer, quantity)
            if value:
                assert derivations[quantity].steps[-1].value == f"{value:,}", (layer.name, quantity)
            else:
                assert quantity not in derivations


def test_the_first_layer_of_alexnet_as_on_the_blackboard() -> None:
    analysis = archcalc.load("3x227x227 -> conv 96 k11 s4").analyze()
    derivations = derive(analysis.layers[0], analysis)
    sizes = derivations["shape"].steps[-1]
    assert (sizes.symbol, sizes.formula) == ("H_out = W_out", "⌊(H + 2·p − k)/s⌋ + 1")
    assert (sizes.numbers, sizes.value) == ("⌊(227 + 2·0 − 11)/4⌋ + 1", "55")
    weight = derivations["params"].steps[0]
    assert (weight.formula, weight.numbers, weight.value) == ("C_out·C·k·k", "96·3·11·11", "34,848")


def test_a_dilated_kernel_gets_a_step_of_its_own() -> None:
    analysis = archcalc.load("3x32x32 -> conv 4 k3 d2").analyze()
    steps = derive(analysis.layers[0], analysis)["shape"].steps
    reach = next(step for step in steps if step.symbol == "K")
    assert (reach.formula, reach.numbers, reach.value) == ("d·(k − 1) + 1", "2·(3 − 1) + 1", "5")


def test_a_receptive_field_is_derived_step_by_step() -> None:
    analysis = archcalc.load("3x64x64 -> conv 8 k3 s2 -> relu -> maxpool 2 -> conv 8 k3").analyze()
    steps = derive(analysis.layers[-1], analysis)["rf"].steps
    written = [" = ".join(part for part in step[:4] if part) for step in map(_parts, steps)]
    assert written == [
        "RF_0 = 1",
        "RF_1 = RF_0 + (k − 1)·j_0 = 1 + (3 − 1)·1 = 3",
        "j_1 = j_0·s = 1·2 = 2",
        "RF_2 = RF_1 + (k − 1)·j_1 = 3 + (2 − 1)·2 = 5",
        "j_2 = j_1·s = 2·2 = 4",
        "RF_3 = RF_2 + (k − 1)·j_2 = 5 + (3 − 1)·4 = 13",
    ]


def _parts(step: object) -> tuple[str, ...]:
    return (step.symbol, step.formula, step.numbers, step.value)  # type: ignore[attr-defined]


@pytest.mark.parametrize("spec", [EVERY_KIND, "resnet18", "unet", "inception-v4", "alexnet-v2-slim"])
def test_the_last_line_of_a_field_is_the_field_of_the_analysis(spec: str) -> None:
    analysis = archcalc.load(spec).analyze()
    for layer in analysis.layers[:: max(1, len(analysis.layers) // 25)]:
        for axes in layer.fields.values():
            derived = [d for q, d in derive(layer, analysis).items() if q.startswith("rf")]
            ends = [[s.value for s in d.steps if s.symbol.startswith("RF")][-1].replace(",", "") for d in derived]
            for axis in axes:
                low, high = (None, None) if axis.is_global else axis.sizes()
                expected = "global" if axis.is_global else f"{low}–{high}" if low != high else str(high)
                assert expected in ends, layer.name


def test_paths_that_join_are_named_a_union_and_global_layers_a_word() -> None:
    analysis = archcalc.load("3x32x32 -> add(conv 3 k3 half, identity) -> gap").analyze()
    join = derive(analysis.layer("add_1"), analysis)["rf"].steps[-1]
    assert (join.formula, join.value) == ("RF_1 ∪ RF_0", "3")
    assert derive(analysis.layer("gap_1"), analysis)["rf"].steps[-1].value == "global"


def test_latex_has_no_bare_text_signs() -> None:
    analysis = archcalc.load(EVERY_KIND).analyze()
    for layer in analysis.layers:
        for derivation in explain_layer(analysis, layer, QUANTITIES, latex=True):
            for step in derivation.steps:
                for text in (step.symbol, step.formula, step.numbers):
                    assert not set(text) & set("·⌊⌋⌈⌉−"), text
                    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("name", archcalc.bundled())
def test_the_sums_of_a_network_are_its_totals(name: str) -> None:
    network = archcalc.load(name)
    totals = network.analyze().totals
    for quantity in SUMS:
        ((_, (derivation,)),) = network.explain(quantity=quantity)
        assert derivation.steps[-1].value == f"{getattr(totals, quantity):,}"


def test_sums_add_up() -> None:
    analysis = archcalc.load("lenet5").analyze()
    (derivation,) = explain_sum("lenet5", analysis.folded(1), ["params"])
    assert [step.value for step in derivation.steps] == ["156", "2,416", "48,120", "10,164", "850", "61,706"]
