"""The bundled specs: which there are, that their `expect` sections hold, and that their variables can be set."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc.analysis.propagate import Analysis
from archcalc.claims import judge_expectations
from archcalc.spec.catalogue import catalogue

SPECS = Path(__file__).parents[2] / "specs"

REQUESTED = {
    *("lenet1", "lenet5", "lenet5-1998", "alexnet", "alexnet-2012", "zfnet"),
    *("vgg-a", "vgg-a-lrn", "vgg-b", "vgg-c", "vgg-d", "vgg-e"),
    *("googlenet", "googlenet-naive"),
    *("plain18", "plain34", "resnet18", "resnet34", "resnet34-a", "resnet50", "resnet101", "resnet152"),
    *("resnet50-v1.5", "resnet101-v1.5", "resnet152-v1.5"),
    *("xception", "mobilenet-v1", "mobilenet-v1-full", "inception-v4", "inception-resnet-v2", "unet"),
    *("colourisation-base", "colourisation-unet"),
    *("homework-network-a", "homework-network-b", "homework-receptive-field"),
    *("separable-example", "separable-example-standard", "spatially-separable-example"),
    *("alexnet-v2-slim", "resnet-v1-50-slim"),
}


def test_the_networks_that_were_asked_for() -> None:
    assert set(archcalc.bundled()) >= REQUESTED


VARIANTS = [pytest.param(entry.name, marks=[pytest.mark.slow] * bool(entry.variant)) for entry in catalogue()]


@pytest.mark.parametrize("name", VARIANTS)
def test_expectations_hold(name: str) -> None:
    network = archcalc.load(name)
    verdicts = judge_expectations(network.spec, network.analyze())
    assert verdicts or network.spec.variants, "a bundled spec says what to expect of it"
    assert [verdict.message for verdict in verdicts if not verdict.holds] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in archcalc.bundled() if archcalc.load(name).spec.variants])
def test_expectations_of_variants_hold(name: str) -> None:
    for variant in archcalc.load(name).spec.variants:
        network = archcalc.load(f"{name}:{variant}")
        verdicts = judge_expectations(network.spec, network.analyze())
        assert verdicts, f"{variant} says what to expect of it"
        assert [verdict.message for verdict in verdicts if not verdict.holds] == []


@pytest.mark.parametrize("name", archcalc.bundled())
def test_bundled_specs_begin_with_their_title(name: str) -> None:
    text = (SPECS / f"{name}.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert name == name.lower()
    assert next(line for line in lines if not line.startswith("#")).startswith("name: "), "the title comes first"
    assert max(map(len, lines)) <= 120
    assert len(lines) <= 80
    assert text == text.rstrip() + "\n"
    assert all(line == line.rstrip() for line in lines)


def having(variable: str, *, task: str = "", family: str = "") -> list[str]:
    """Return the bundled specs with this variable, for a task or of a family."""
    found = [each for each in catalogue() if task in ("", each.task) and family in ("", each.family)]
    return sorted({entry.file for entry in found if f" {variable}=" in f" {entry.variables}"})


@pytest.mark.parametrize("name", having("classes", task="classification"))
def test_classes_can_be_set(name: str) -> None:
    network = archcalc.load(name, set={"classes": 7})
    output = next(iter(network.graph.outputs.values()))
    assert network.graph.shape(output)[0] == 7


@pytest.mark.parametrize("name", having("width", family="ResNet"))
def test_half_the_width_is_a_quarter_of_the_work(name: str) -> None:
    whole = archcalc.load(name).analyze().stage("conv4_x")
    half = archcalc.load(name, set={"width": 32}).analyze().stage("conv4_x")
    assert whole.macs == 4 * half.macs


def test_versions_differ_in_multiplications_only() -> None:
    for name in ("resnet50", "resnet101", "resnet152"):
        paper, later = archcalc.load(name).analyze().totals, archcalc.load(f"{name}-v1.5").analyze().totals
        assert paper.params == later.params
        assert paper.macs < later.macs


def test_auxiliary_heads_count_in_training_only() -> None:
    network = archcalc.load("googlenet")
    heads = [network.analyze().stage(name).params for name in ("aux1", "aux2")]
    assert heads == [3_188_840, 3_190_888]
    assert network.analyze(training=True).totals.params == network.analyze().totals.params + sum(heads)


def test_naive_inception_is_the_same_network_without_reductions() -> None:
    naive, reduced = archcalc.load("googlenet-naive").analyze(), archcalc.load("googlenet").analyze()
    for stage in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        assert widths(naive, stage) == widths(reduced, stage)
        assert naive.stage(stage).macs > reduced.stage(stage).macs


def widths(analysis: Analysis, stage: str) -> dict[tuple[int, ...], int]:
    """Return the output maps of an inception module's main branches by kernel: the first 1x1, the 3x3 and the 5x5."""
    found: dict[tuple[int, ...], int] = {}
    for layer in analysis.stage(stage).layers:
        if layer.op == "conv":
            found.setdefault(layer.attributes["kernel"], layer.output[0])
    return found
