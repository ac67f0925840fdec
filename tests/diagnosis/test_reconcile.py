"""Where a printed number comes from."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis
from archcalc.claims import Verdict
from archcalc.claims.claim_text import parse_claim_text
from archcalc.diagnosis.reconcile import Origin, reconcile
from archcalc.diagnosis.relatives import relatives
from archcalc.diagnosis.target import DiagnosedTarget
from archcalc.diagnosis.tools import CODES, TOOLS
from tests.specs.published import read_facts

PRINTED = read_facts("profilers.yaml")


@cache
def analysis(spec: str) -> Analysis:
    return archcalc.load(spec).analyze()


@pytest.mark.parametrize("facts", PRINTED, ids=lambda facts: facts["network"][:20])
def test_tools_print_what_their_rules_give(facts: dict[str, Any]) -> None:
    tools = {tool.code: tool for tool in TOOLS}
    for code, printed in facts["counts"].items():
        target = DiagnosedTarget(tools[code].quantity, analysis(facts["network"]))
        assert target.measure(None, tools[code].contribution) == (int(printed),), code


def test_the_tools_that_are_tried_are_known() -> None:
    assert len(TOOLS) == len(CODES)
    assert len({tool.code for tool in TOOLS}) == len(TOOLS)
    assert all(tool.source for tool in TOOLS)


def readings(text: str) -> list[Origin]:
    return reconcile(parse_claim_text(text))


def ways(text: str) -> set[tuple[str, str]]:
    return {(reading.network, reading.code) for reading in readings(text)}


def test_the_number_in_the_paper_is_truncated() -> None:
    (first, *_) = readings("resnet50 macs = 3.8G")
    assert (first.network, first.code, first.verdict) == ("resnet50", "", Verdict.TRUNCATED)


@pytest.mark.slow
def test_variants_conventions_and_tools_that_give_a_number() -> None:
    (first, *_) = readings("resnet50 macs = 4.1G")
    assert (first.network, first.code, first.verdict) == ("resnet50-v1.5", "", Verdict.ROUNDS)
    assert "stride differs in 6 layers" in first.sentence
    assert ("resnet50-v1.5", "tool:fvcore") in ways("resnet50 macs = 4.11G")
    assert ("resnet50-v1.5", "tool:thop") in ways("resnet50 macs = 4.13G")
    assert ("resnet50-v1.5", "two-per-mac") in ways("resnet50-v1.5 macs = 8.2G")
    assert ("resnet50", "bn-statistics-left-out") in ways("resnet50 params = 25,557,032")
    assert ("alexnet-2012", "") in ways("alexnet params = 60,965,224")
    assert ("googlenet", "bias-left-out+kilo-1024") in ways("googlenet conv2.params = 112K") | ways(
        "googlenet 3a.params = 159.5K"
    )
    assert ("xception", "") in ways("xception params = 22,910,480")


def test_an_unexplained_number_has_no_reading() -> None:
    assert readings("lenet5 params = 12,345") == []


def test_families_are_found_by_their_names() -> None:
    assert relatives("resnet50") == ["resnet-v1-50-slim", "resnet50-v1.5", "se-resnet50"]
    assert relatives("vgg-d") == []
    assert relatives("./resnet50.yaml") == []


def test_only_one_network_can_be_reconciled() -> None:
    with pytest.raises(ValueError, match="several"):
        readings("vgg-e.params > vgg-d.params")
    with pytest.raises(LookupError):
        readings("vgg-d conv9.params = 1")
