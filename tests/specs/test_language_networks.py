"""Published networks that need sizes, local names, sharing, repetition indices or variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import smallest
from archcalc.spec import bundled
from archcalc.spec.errors import Source
from archcalc.spec.limits import DEFAULT
from archcalc.spec.read import load_spec, read_spec
from archcalc.spec.records import AS_WRITTEN, Given
from archcalc.spec.write_graph import write_graph
from archcalc.validation.examine import Options, ValidationTask, examine
from archcalc.validation.paths import FoundSpec
from archcalc.verification.verify import verify

SMALL = {
    "attention-unet": AS_WRITTEN,
    "bert": Given({"dim": "24", "heads": "4", "depth": "2"}, {"tokens": "6", "segments": "6"}),
    "c3d": Given({"classes": "5", "width": "4"}, {"": "3x16x16x16"}),
    "clip": Given(
        {"r": "32", "dim": "24", "heads": "4", "depth": "1", "words": "64", "both": "8", "vocab": "50"},
    ),
    "dcgan": Given({"width": "32"}, {"": "6"}),
    "deeplabv3": Given({"classes": "3"}, {"": "3x41x41"}),
    "densenet-cifar:bc_k12_100": Given({"depth": "16", "classes": "4"}),
    "espcn": AS_WRITTEN,
    "fpn": Given({"d": "8"}, {"": "3x32x32"}),
    "gpt2": Given({"dim": "24", "heads": "4", "depth": "2", "vocab": "50", "context": "8"}, {"": "6"}),
    "llama": Given(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "vocab": "50"}, {"": "6"}
    ),
    "mlp-mixer": Given({"p": "8", "dim": "16", "depth": "2", "classes": "5"}, {"": "3x32x32"}),
    "mixtral-8x7b": Given(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "experts": "4", "vocab": "50"},
        {"": "6"},
    ),
    "retinanet": Given({"d": "8", "classes": "3"}, {"": "3x64x64"}),
    "se-resnet50": Given({"width": "16", "classes": "5"}, {"": "3x64x64"}),
    "siamese": AS_WRITTEN,
    "swin": Given({"r": "64", "dim": "12", "deep": "2", "m": "2", "classes": "10"}),
    "t5": Given(
        {"dim": "24", "heads": "4", "depth": "2", "hidden": "32", "vocab": "50", "buckets": "8"},
        {"source": "6", "target": "5"},
    ),
    "transformer": Given(
        {"dim": "24", "heads": "4", "hidden": "32", "depth": "2", "vocab": "50"}, {"source": "6", "target": "4"}
    ),
    "unet3d": Given({"width": "1"}, {"": "3x92x92x92"}),
    "vit": Given({"r": "32", "dim": "24", "heads": "4", "depth": "2", "classes": "10"}),
    "wavenet": AS_WRITTEN,
    "whisper": Given({"dim": "24", "heads": "4", "depth": "2", "vocab": "50"}, {"audio": "80x12", "text": "5"}),
    "yolov8": Given({"width": "1/8", "classes": "3"}, {"": "3x64x64"}),
}
"""Networks of this language, with settings of those whose widths do not become narrower with their inputs."""

NETWORKS = sorted((Path(__file__).parent / "networks").glob("*.yaml"))
SPECS = {
    **{name: name for name in SMALL if name.partition(":")[0] in bundled()},
    **{path.stem: str(path) for path in NETWORKS},
}


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_published_numbers_hold_for_the_network_and_all_its_variants(path: Path) -> None:
    result = examine(Options(limits=DEFAULT), ValidationTask(FoundSpec(str(path), str(path))))
    assert [finding.message for finding in result.findings if finding.status] == []
    assert result.expectations


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_written_out_it_is_the_same_network(spec: str) -> None:
    before = load_spec(SPECS[spec]).graph
    again = read_spec(Source("again.yaml", write_graph(before))).graph
    first, second = analyze(before, receptive=False).totals, analyze(again, receptive=False).totals
    for quantity in ("params", "trainable", "macs", "connections", "flops", "layers"):
        assert getattr(first, quantity) == getattr(second, quantity)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_what_runs_is_what_is_counted(spec: str) -> None:
    graph = smallest(load_spec(SPECS[spec], SMALL.get(spec, AS_WRITTEN)).graph, 32)
    for check in verify(graph, ("shapes", "params", "operations", "folding")):
        assert check.holds, (check.aspect, check.differences[:3])
