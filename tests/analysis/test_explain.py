"""Derivations: every line's numbers evaluate to its value, and the last value is what the analysis says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.explain import (
    Contradiction,
    Derivation,
    explain_folding,
    explain_layer,
    explain_memory,
    explain_stage_folding,
    explain_sums,
)
from archcalc.analysis.formats import read_formats, stored_bytes
from archcalc.analysis.propagate import Analysis, Layer, analyze
from archcalc.graph import Graph
from archcalc.ops.base import OPERATION_KINDS, REGISTRY
from archcalc.query.quantities import SUMS
from archcalc.spec import Source, read_spec
from tests.derivations import evaluate
from tests.random_networks import layers
from tests.sample import SAMPLE

DERIVATIONS = ("shape", *SUMS, *OPERATION_KINDS, "memory", "rf", "folding")

EVERY_KIND = """\
3x31x37 -> conv 8 k3x5 s2x1 p1:2x0 d2 -> relu -> maxpool k3 s2 ceil p1 -> upconv 8 k4 s2 p1 -> dwconv k3 half
multiplier=2 -> add(identity, conv 16 k1) -> concat(upsample 2 bilinear -> conv 4 k3 s2 pad=same, conv 12 k1 nobias g4)
-> bn -> lrn -> ln -> gn 4 -> avgpool 2 -> adaptive_avgpool 3x5 -> sepconv 8 k3 half -> subsample 2
-> flatten -> fc 10 -> softmax"""


def derive(layer: Layer, analysis: Analysis) -> dict[str, Derivation]:
    return {derivation.quantity: derivation for derivation in explain_layer(analysis, layer, DERIVATIONS)}


def check(network: Graph) -> None:
    """Require that every line of every derivation has its value, and that the last value is that of the analysis."""
    analysis = analyze(network, batch=3)
    for layer in analysis.layers:
        derivations = derive(layer, analysis)
        for derivation in derivations.values():
            for step in derivation.steps:
                if step.numbers:
                    assert evaluate(step.numbers) == evaluate(step.value.replace(",", "")), (layer.name, step)
        counts = {quantity: getattr(layer, quantity) for quantity in SUMS} | dict(layer.operations)
        for quantity, count in counts.items():
            if count:
                assert derivations[quantity].steps[-1].value == f"{count:,}", (layer.name, quantity)
            else:
                assert quantity not in derivations
        assert {*derivations} & {*OPERATION_KINDS} == {kind for kind, count in layer.operations.items() if count}
        if layer.params:
            params, activations = derivations["memory"].steps
            assert (params.value, activations.value) == (f"{4 * layer.params:,}", f"{4 * layer.activations:,}")


@pytest.mark.slow
@pytest.mark.parametrize("spec", [EVERY_KIND, "resnet18", "mobilenet-v1", "unet", "googlenet", "lenet5-1998"])
def test_derivations_of_known_networks_are_correct_line_by_line(spec: str) -> None:
    check(archcalc.load(spec).graph)


@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(max_examples=8, derandomize=True)
@given(data=st.data())
def test_derivations_of_every_operator_are_correct_line_by_line(name: str, data: st.DataObject) -> None:
    check(read_spec(Source("random.yaml", data.draw(layers(name)))).graph)


def test_a_derivation_that_contradicts_the_analysis_is_not_shown() -> None:
    analysis = archcalc.load("lenet5").analyze()
    layer = analysis.layer("c1/conv")
    wrong = replace(layer, cost=replace(layer.cost, macs=1))
    with pytest.raises(Contradiction, match="macs is derived as 117600, the analysis says 1"):
        explain_layer(analysis, wrong, ["macs"])


@pytest.mark.parametrize("dtype", ["int4", "weights=int4,biases=int4,norms=fp16,activations=int4"])
def test_derivations_pack_numbers_of_less_than_a_byte_as_the_analysis_does(dtype: str) -> None:
    analysis = archcalc.load("3x3x3 -> conv 3 k1 -> tanh -> bn -> fc 3 nobias").analyze(batch=3)
    formats = read_formats(dtype)
    for layer in analysis.layers:
        found = explain_layer(analysis, layer, ["memory", "saved"], dtype=dtype)
        derived = {each.quantity: each.steps for each in found}
        *stored, _ = [step.value for step in derived["memory"]]
        assert stored[-1:] == [f"{stored_bytes(analysis.graph, [layer.node], formats):,}"] * bool(layer.params)
        assert derived["saved"][-1].value == f"{analysis.training_cost.saved([layer.node], formats):,}"
    assert explain_memory(analysis, dtype).steps


def test_a_quantity_that_a_layer_does_not_have_is_zero_on_request() -> None:
    analysis = archcalc.load("lenet5").analyze()
    *_, exponentials = explain_layer(analysis, analysis.layer("c1/conv"), ["exp"])
    assert [step.value for step in exponentials.steps] == ["0"]


def test_the_first_layer_of_alexnet_as_on_the_blackboard() -> None:
    analysis = archcalc.load("3x227x227 -> conv 96 k11 s4").analyze()
    derivations = derive(analysis.layers[0], analysis)
    sizes = derivations["shape"].steps[-1]
    assert (sizes.symbol, sizes.formula) == ("H_out = W_out", "⌊(H + 2·p − k)/s⌋ + 1")
    assert (sizes.numbers, sizes.value) == ("⌊(227 + 2·0 − 11)/4⌋ + 1", "55")
    weight = derivations["params"].steps[0]
    assert (weight.formula, weight.numbers, weight.value) == ("C_out·C_in·k·k", "96·3·11·11", "34,848")


def test_a_dilated_kernel_has_a_separate_step() -> None:
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


@pytest.mark.slow
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


def test_joined_paths_are_a_union_and_global_layers_a_word() -> None:
    analysis = archcalc.load("3x32x32 -> add(conv 3 k3 half, identity) -> gap").analyze()
    join = derive(analysis.layer("add_1"), analysis)["rf"].steps[-1]
    assert (join.formula, join.value) == ("RF_1 ∪ RF_0", "3")
    assert derive(analysis.layer("gap_1"), analysis)["rf"].steps[-1].value == "global"


def test_latex_has_no_unicode_operators() -> None:
    analysis = archcalc.load(EVERY_KIND).analyze()
    for layer in analysis.layers:
        for derivation in explain_layer(analysis, layer, DERIVATIONS, form="latex"):
            for step in derivation.steps:
                for text in (step.symbol, step.formula, step.numbers):
                    assert not set(text) & set("·⌊⌋⌈⌉−"), text
                    assert text.count("{") == text.count("}")


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_the_sums_of_a_network_are_its_totals(name: str) -> None:
    network = archcalc.load(name)
    totals = network.analyze().totals
    for quantity in SUMS:
        ((_, derivations),) = network.explain(quantity=quantity)
        assert derivations[-1].steps[-1].value == f"{getattr(totals, quantity):,}"


def test_sums_add_up_and_name_their_largest_part_first() -> None:
    analysis = archcalc.load("lenet5").analyze()
    (derivation,) = explain_sums("lenet5", analysis.totals, analysis.folded(1), ["params"])
    assert [step.value for step in derivation.steps] == ["48,120", "10,164", "2,416", "850", "156", "61,706"]
    assert [step.note for step in derivation.steps] == ["78.0 %", "16.5 %", "3.9 %", "1.4 %", "0.3 %", ""]
    with pytest.raises(Contradiction):
        explain_sums("lenet5", analysis.totals, analysis.folded(1)[1:], ["params"])


@pytest.mark.parametrize("name", SAMPLE)
def test_the_peak_of_memory_is_the_sum_of_the_live_tensors(name: str) -> None:
    analysis = archcalc.load(name).analyze(batch=2)
    *parts, live, peak = explain_memory(analysis, "float16").steps[2:]
    assert peak.value == f"{analysis.memory('float16').peak:,}"
    assert sum(int(part.value.replace(",", "")) for part in parts) == int(live.value.replace(",", ""))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v1", "googlenet", "inception-v4", "colourisation-unet"])
def test_the_saving_of_folding_is_the_difference_of_the_networks(name: str) -> None:
    network = archcalc.load(name)
    before, after = (analyze(graph).totals for graph in (network.graph, network.fold().folded))
    steps = {step.symbol: step.value for step in explain_folding(network.analyze(), None).steps}
    for quantity in ("params", "mults", "flops"):
        saved = getattr(before, quantity) - getattr(after, quantity)
        assert steps.get(f"{quantity}_saved", "0") == f"{saved:,}"


def test_folding_into_the_layer_after_is_stated_with_the_reason_for_what_stays() -> None:
    analysis = archcalc.load("3x32x32 -> bn -> conv 8 k3 half -> relu -> bn -> conv 4 k3").analyze()
    kept, taken = (explain_folding(analysis, analysis.layer(name)).steps for name in ("bn_1", "bn_2"))
    assert [(step.symbol, step.value) for step in kept] == [("stays", "as it is")]
    assert kept[0].note.endswith("conv_1 after it has zero padding")
    assert taken[0].note == "per channel; bn_2 is folded into conv_2, the layer after it"
    assert [step.value for step in taken if step.symbol == "params_saved"] == ["32"]


def test_folding_of_a_stage_states_each_change_once_and_what_stays() -> None:
    analysis = archcalc.load("resnet18").analyze()
    stage = next(group for group in analysis.folded(1) if group.name == "conv2_x")
    derivations = explain_stage_folding(analysis, stage)
    notes = [step.note for one in derivations for step in one.steps if step.symbol == "a"]
    assert [note.split()[2] for note in notes] == [f"conv2_x/bn_{number}" for number in range(1, 5)]
    assert not [step for one in derivations for step in one.steps if step.symbol == "saved"]
