"""Where a printed number comes from."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis
from archcalc.claims import Verdict
from archcalc.claims.claim_text import parse_claim_text
from archcalc.counters.network import counts_of
from archcalc.counters.registry import TOOLS
from archcalc.diagnosis.printed_counts import code_of
from archcalc.diagnosis.reconcile import NumberOrigin, reconcile
from archcalc.diagnosis.relatives import relatives
from tests.specs.published import read_facts

PRINTED = read_facts("profilers.yaml")


@cache
def analysis(spec: str) -> Analysis:
    return archcalc.load(spec).analyze()


@pytest.mark.parametrize("facts", PRINTED, ids=lambda facts: facts["network"][:20])
def test_tools_print_what_their_rules_say(facts: dict[str, Any]) -> None:
    counted = counts_of(analysis(facts["network"]))
    values = {code_of(each.tool): each.value for each in counted if each.quantity.name in ("macs", "flops")}
    values |= {code_of(each.tool): each.value for each in counted if each.tool.name == "pytorch"}
    assert {code: values[code] for code in facts["counts"]} == {
        code: int(printed) for code, printed in facts["counts"].items()
    }


def test_every_tool_has_a_code_of_its_own() -> None:
    codes = [code_of(tool) for tool in TOOLS]
    assert len(set(codes)) == len(codes)
    assert {"tool:thop", "tool:thop-0.0", "tool:ptflops", "tool:ptflops-0.6.9", "tool:fvcore-no_grad"} <= set(codes)


def readings(text: str) -> list[NumberOrigin]:
    return reconcile(parse_claim_text(text))


def ways(text: str) -> set[tuple[str, str]]:
    return {(reading.network, reading.code) for reading in readings(text)}


def test_a_number_of_a_training_step_is_explained_by_how_it_was_counted() -> None:
    net = "4x8x8 -> conv 8 k1 -> dwconv k3 -> gap -> fc 2"
    for value, code in (("60,128", ""), ("30,064", "+macs-for-flops")):
        assert (net, f"tool:pytorch-flop-counter{code}") in ways(f"{net} training_macs = {value}")


def test_the_number_in_the_paper_is_truncated() -> None:
    (first, *_) = readings("resnet50 macs = 3.8G")
    assert (first.network, first.code, first.verdict) == ("resnet50", "", Verdict.TRUNCATED)


@pytest.mark.slow
def test_variants_conventions_and_tools_that_give_a_number() -> None:
    (first, *_) = readings("resnet50 macs = 4.1G")
    assert (first.network, first.code, first.verdict) == ("resnet50:torchvision", "", Verdict.ROUNDS)
    assert "stride differs in 6 layers, 1 softmax fewer" in first.sentence
    assert ("resnet50:torchvision", "tool:fvcore") in ways("resnet50 macs = 4.11G")
    assert ("resnet50-v1.5", "tool:pytorch-flop-counter") in ways("resnet50-v1.5 macs = 8.2G")
    assert ("resnet50", "tool:pytorch-parameters") in ways("resnet50 params = 25,557,032")
    assert ("alexnet-2012", "") in ways("alexnet params = 60,965,224")
    assert ("googlenet", "bias-left-out+kilo-1024") in ways("googlenet conv2.params = 112K") | ways(
        "googlenet 3a.params = 159.5K"
    )
    assert ("xception", "") in ways("xception params = 22,910,480")


@pytest.mark.slow
def test_a_tool_is_found_with_its_version_and_the_terms_that_lead_to_the_number() -> None:
    (only,) = readings("resnet50 macs = 4133742592")  # thop 0.1.1 on torchvision's resnet50
    assert (only.network, only.code, only.tools) == ("resnet50:torchvision", "tool:thop", ("thop 0.1.1",))
    assert only.count is not None
    assert only.count.start + sum(term.amount for term in only.count.terms) == 4133742592
    assert "batch norm (4 per element)" in {term.label for term in only.count.terms}


def test_a_rounded_number_has_several_candidates_the_most_common_first() -> None:
    found = readings("resnet18:torchvision macs = 1.82G")
    assert [each.code for each in found if each.tools][:2] == ["tool:fvcore", "tool:thop"]
    assert "tool:ptflops-0.6.9" in {each.code for each in found}


def test_a_number_of_a_tool_is_found_in_the_other_unit() -> None:
    # 416,520 MACs, one per output of an average pool (1,176 and 400), 29 for the softmax of 10 classes
    assert ("lenet5", "tool:thop") in ways("lenet5 flops = 418,125")
    (twice, *_) = readings("lenet5 flops = 836,250")
    assert twice.code == "tool:thop+two-per-mac"


def test_bytes_are_looked_for_among_the_sizes_that_tools_print() -> None:
    assert ("resnet18:torchvision", "tool:torchinfo") in ways("resnet18:torchvision activations = 39.75MB")
    assert ("resnet18", "tool:keras") in ways("resnet18 params = 44.63MiB")


def test_a_classifier_may_be_left_out_of_what_a_tool_counts() -> None:
    # 418,125 (see above) without 120 · 84 and 84 · 10 products
    found = ways("lenet5 macs = 407,205")
    assert ("lenet5", "tool:thop+fully-connected-left-out") in found


def test_a_network_may_be_built_otherwise_than_assumed() -> None:
    (only,) = readings("mobilenet-v2 macs = 327486720")  # thop 0.1.1 on torchvision's mobilenet_v2
    assert only.code == "tool:thop+pooling-functions"
    assert only.sentence.endswith("global pooling is a function (F.adaptive_avg_pool2d), not a module.")


def test_a_layer_has_what_a_tool_counts_in_it() -> None:
    found = readings(
        "resnet18:torchvision conv1.macs = 121,225,216"
    )  # 118,013,952, and 4 per element of its batch norm
    assert [(each.code, each.count) for each in found] == [("tool:thop", None)]


def test_a_number_that_nothing_gives_has_no_reading() -> None:
    assert readings("lenet5 params = 12,345") == []


def test_families_are_found_by_their_names() -> None:
    assert relatives("resnet50") == ["resnet50:torchvision", "resnet-v1-50-slim", "resnet50-v1.5", "se-resnet50"]
    assert relatives("resnet50:torchvision") == ["resnet50"]
    assert relatives("efficientnet-b0") == []
    assert relatives("vgg-d") == []
    assert relatives("./resnet50.yaml") == []


def test_only_one_network_can_be_reconciled() -> None:
    with pytest.raises(ValueError, match="several"):
        readings("vgg-e.params > vgg-d.params")
    with pytest.raises(LookupError):
        readings("vgg-d conv9.params = 1")
