"""Bundled networks beyond torchvision's are what is counted when they run, and when they are written out."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import smallest
from archcalc.spec.errors import Source
from archcalc.spec.read import load_spec, read_spec
from archcalc.spec.records import AS_WRITTEN, Given
from archcalc.spec.write_graph import write_graph
from archcalc.verification.verify import verify

SMALL = {
    "attention-unet": AS_WRITTEN,
    "bert": Given({"dim": "24", "heads": "4", "depth": "2"}, {"tokens": "6", "segments": "6"}),
    "c3d": Given({"classes": "5", "width": "4"}, {"": "3x16x16x16"}),
    "clip": Given(
        {"r": "32", "dim": "24", "heads": "4", "depth": "1", "words": "64", "both": "8", "vocab": "50"},
    ),
    "dcgan": Given({"width": "32"}, {"": "6"}),
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
    "t5": Given(
        {"dim": "24", "heads": "4", "depth": "2", "hidden": "32", "vocab": "50", "buckets": "8"},
        {"source": "6", "target": "5"},
    ),
    "transformer": Given(
        {"dim": "24", "heads": "4", "hidden": "32", "depth": "2", "vocab": "50"}, {"source": "6", "target": "4"}
    ),
    "unet3d": Given({"width": "1"}, {"": "3x92x92x92"}),
    "wavenet": AS_WRITTEN,
    "whisper": Given({"dim": "24", "heads": "4", "depth": "2", "vocab": "50"}, {"audio": "80x12", "text": "5"}),
    "yolov8": Given({"width": "1/8", "classes": "3"}, {"": "3x64x64"}),
}
"""Networks, with settings of those whose widths do not become narrower with their inputs."""


@pytest.mark.slow
@pytest.mark.parametrize("spec", SMALL)
def test_written_out_it_is_the_same_network(spec: str) -> None:
    before = load_spec(spec).graph
    again = read_spec(Source("again.yaml", write_graph(before))).graph
    first, second = analyze(before, receptive=False).totals, analyze(again, receptive=False).totals
    for quantity in ("params", "trainable", "macs", "connections", "flops", "layers"):
        assert getattr(first, quantity) == getattr(second, quantity)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SMALL)
def test_what_runs_is_what_is_counted(spec: str) -> None:
    graph = smallest(load_spec(spec, SMALL[spec]).graph, 32)
    for check in verify(graph, ("shapes", "params", "operations", "folding")):
        assert check.holds, (check.aspect, check.differences[:3])
