"""Bundled networks with each kind of construct, made as small as possible: measured counts equal computed ones."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import with_smallest_inputs
from archcalc.graph import Graph
from archcalc.spec.errors import Source
from archcalc.spec.read import load_spec, read_spec
from archcalc.spec.records import Given
from archcalc.verification.verify import verify
from archcalc.writers.spec.graph_text import write_graph

SMALL = {
    "attention-unet": Given(),
    "bert": Given({"dim": "24", "heads": "4", "depth": "2"}, {"tokens": "6", "segments": "6"}),
    "c3d": Given({"classes": "5", "width": "4"}, {"": "3x16x16x16"}),
    "clip": Given(
        {"r": "32", "dim": "24", "heads": "4", "depth": "1", "words": "64", "both": "8", "vocab": "50"},
    ),
    "convnext": Given({"w": "8", "classes": "10"}),
    "dcgan": Given({"width": "32"}, {"": "6"}),
    "deeplabv3": Given({"classes": "3"}, {"": "3x41x41"}),
    "densenet": Given({"g": "4", "n3": "2", "n4": "2"}),
    "densenet-cifar:bc_k12_100": Given({"depth": "16", "classes": "4"}),
    "efficientnet": Given({"width": "1/4"}),
    "efficientnet-v2": Given({"w1": "8", "w3": "8", "w4": "8", "w5": "8", "w6": "8", "w7": "8"}),
    "espcn": Given(),
    "fpn": Given({"d": "8"}, {"": "3x32x32"}),
    "gpt2": Given({"dim": "24", "heads": "4", "depth": "2", "vocab": "50", "context": "8"}, {"": "6"}),
    "llama": Given(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "vocab": "50"}, {"": "6"}
    ),
    "maxvit": Given({"m": "1", "dim": "32", "classes": "10"}, {"": "3x32x32"}),
    "mixtral-8x7b": Given(
        {"dim": "32", "heads": "4", "kv_heads": "2", "depth": "2", "hidden": "24", "experts": "4", "vocab": "50"},
        {"": "6"},
    ),
    "mlp-mixer": Given({"p": "8", "dim": "16", "depth": "2", "classes": "5"}, {"": "3x32x32"}),
    "mobilenet-v3:lraspp": Given({}, {"": "3x41x41"}),
    "mvit:v1_b": Given({"r": "8", "t": "2", "dim": "8"}),
    "mvit:v2_s": Given({"r": "16", "t": "2", "dim": "8"}),
    "regnet:y_400mf": Given({"classes": "10"}),
    "resnet50:torchvision": Given({"width": "8"}),
    "retinanet": Given({"d": "8", "classes": "3"}, {"": "3x64x64"}),
    "se-resnet50": Given({"width": "16", "classes": "5"}, {"": "3x64x64"}),
    "shufflenet-v2:x0_5": Given({"last": "64"}),
    "siamese": Given(),
    "squeezenet:1_1": Given({"classes": "10"}),
    "swin": Given({"r": "64", "dim": "12", "deep": "2", "m": "2", "classes": "10"}),
    "swin3d": Given({"t": "2", "m": "2", "dim": "12", "deep": "2"}, {"": "3x8x64x64"}),
    "swin:v2_t": Given({"r": "64", "dim": "12", "deep": "2", "m": "2", "classes": "10"}),
    "t5": Given(
        {"dim": "24", "heads": "4", "depth": "2", "hidden": "32", "vocab": "50", "buckets": "8"},
        {"source": "6", "target": "5"},
    ),
    "transformer": Given(
        {"dim": "24", "heads": "4", "hidden": "32", "depth": "2", "vocab": "50"}, {"source": "6", "target": "4"}
    ),
    "unet3d": Given({"width": "1"}, {"": "3x92x92x92"}),
    "vit": Given({"r": "32", "dim": "24", "heads": "4", "depth": "2", "classes": "10"}),
    "wavenet": Given(),
    "whisper": Given({"dim": "24", "heads": "4", "depth": "2", "vocab": "50"}, {"audio": "80x12", "text": "5"}),
    "yolov8": Given({"width": "1/8", "classes": "3"}, {"": "3x64x64"}),
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
