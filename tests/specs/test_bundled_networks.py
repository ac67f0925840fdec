"""Bundled networks with each kind of construct, made as small as possible: measured counts equal computed ones."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import with_smallest_inputs
from archcalc.graph import Graph
from archcalc.spec.errors import Source
from archcalc.spec.read import load_spec, read_spec
from archcalc.spec.records import GivenSettings
from archcalc.verification.verify import verify
from archcalc.writers.spec.graph_text import write_graph

SMALL = {
    "attention-unet": GivenSettings(),
    "bert": GivenSettings({"dim": "24", "heads": "4", "depth": "2"}, {"tokens": "6", "segments": "6"}),
    "c3d": GivenSettings({"classes": "5", "width": "4"}, {"": "3x16x16x16"}),
    "clip": GivenSettings(
        {"r": "32", "dim": "24", "heads": "4", "depth": "1", "words": "64", "both": "8", "vocab": "50"},
    ),
    "convnext": GivenSettings({"w": "8", "classes": "10"}),
    "dcgan": GivenSettings({"width": "32"}, {"": "6"}),
    "deeplabv3": GivenSettings({"classes": "3"}, {"": "3x41x41"}),
    "densenet": GivenSettings({"g": "4", "n3": "2", "n4": "2"}),
    "densenet-cifar:bc_k12_100": GivenSettings({"depth": "16", "classes": "4"}),
    "efficientnet": GivenSettings({"width": "1/4"}),
    "efficientnet-v2": GivenSettings({"w1": "8", "w3": "8", "w4": "8", "w5": "8", "w6": "8", "w7": "8"}),
    "espcn": GivenSettings(),
    "fpn": GivenSettings({"d": "8"}, {"": "3x32x32"}),
    "gpt2": GivenSettings({"dim": "24", "heads": "4", "depth": "2", "vocab": "50", "context": "8"}, {"": "6"}),
    "llama": GivenSettings(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "vocab": "50"}, {"": "6"}
    ),
    "maxvit": GivenSettings({"m": "1", "dim": "32", "classes": "10"}, {"": "3x32x32"}),
    "mixtral-8x7b": GivenSettings(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "experts": "4", "vocab": "50"},
        {"": "6"},
    ),
    "mlp-mixer": GivenSettings({"p": "8", "dim": "16", "depth": "2", "classes": "5"}, {"": "3x32x32"}),
    "mobilenet-v3:lraspp": GivenSettings({}, {"": "3x41x41"}),
    "mvit:v1_b": GivenSettings({"r": "8", "t": "2", "dim": "8"}),
    "mvit:v2_s": GivenSettings({"r": "16", "t": "2", "dim": "8"}),
    "regnet:y_400mf": GivenSettings({"classes": "10"}),
    "resnet50:torchvision": GivenSettings({"width": "8"}),
    "retinanet": GivenSettings({"d": "8", "classes": "3"}, {"": "3x64x64"}),
    "se-resnet50": GivenSettings({"width": "16", "classes": "5"}, {"": "3x64x64"}),
    "shufflenet-v2:x0_5": GivenSettings({"last": "64"}),
    "siamese": GivenSettings(),
    "squeezenet:1_1": GivenSettings({"classes": "10"}),
    "swin": GivenSettings({"r": "64", "dim": "12", "deep": "2", "m": "2", "classes": "10"}),
    "swin3d": GivenSettings({"t": "2", "m": "2", "dim": "12", "deep": "2"}, {"": "3x8x64x64"}),
    "swin:v2_t": GivenSettings({"r": "64", "dim": "12", "deep": "2", "m": "2", "classes": "10"}),
    "t5": GivenSettings(
        {"dim": "24", "heads": "4", "depth": "2", "hidden": "32", "vocab": "50", "buckets": "8"},
        {"source": "6", "target": "5"},
    ),
    "transformer": GivenSettings(
        {"dim": "24", "heads": "4", "hidden": "32", "depth": "2", "vocab": "50"}, {"source": "6", "target": "4"}
    ),
    "unet3d": GivenSettings({"width": "1"}, {"": "3x92x92x92"}),
    "vit": GivenSettings({"r": "32", "dim": "24", "heads": "4", "depth": "2", "classes": "10"}),
    "wavenet": GivenSettings(),
    "whisper": GivenSettings({"dim": "24", "heads": "4", "depth": "2", "vocab": "50"}, {"audio": "80x12", "text": "5"}),
    "yolov8": GivenSettings({"width": "1/8", "classes": "3"}, {"": "3x64x64"}),
}
"""Settings that make networks narrower, where their widths do not follow from their inputs."""


def small(name: str) -> Graph:
    return with_smallest_inputs(load_spec(name, SMALL[name]).graph, 32)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_measured_and_computed_counts_agree(name: str) -> None:
    for check in verify(small(name), ("shapes", "params", "operations", "folding")):
        assert check.holds, (check.aspect, check.differences[:3])


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_written_spec_is_the_same_network(name: str) -> None:
    before = small(name)
    again = read_spec(Source("again.yaml", write_graph(before))).graph
    first, second = analyze(before, receptive=False).totals, analyze(again, receptive=False).totals
    for quantity in ("params", "trainable", "macs", "connections", "flops", "layers"):
        assert getattr(first, quantity) == getattr(second, quantity)
