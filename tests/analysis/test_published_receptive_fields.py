"""The published receptive fields, found in a second way: by tracing back from units, not by the closed form.

`tests/specs/test_published_numbers.py` compares the closed form with the same table.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import archcalc
from archcalc.analysis.unit import unit_box

FACTS = Path(__file__).parent.parent / "facts"


def vgg_layer(name: str, convolutions: dict[str, int]) -> str:
    stage, _, number = name.removeprefix("conv").partition("_")
    if name.startswith("pool"):
        return f"conv{name[4:]}/maxpool"
    return f"conv{stage}/conv" if convolutions[stage] == 1 else f"conv{stage}/conv_{number}"


def mobilenet_layer(name: str) -> str:
    number = int(name.split("_")[1])
    return f"sep7_11/conv_{number - 6}" if 7 <= number <= 11 else f"sep{number}" if number else "conv0"


LAYERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "alexnet_v2": ("alexnet-v2-slim", lambda name: name),
    "vgg_a": ("vgg-a", lambda name: vgg_layer(name, {"1": 1, "2": 1, "3": 2, "4": 2, "5": 2})),
    "vgg_16": ("vgg-d", lambda name: vgg_layer(name, {"1": 2, "2": 2, "3": 3, "4": 3, "5": 3})),
    "mobilenet_v1": ("mobilenet-v1", mobilenet_layer),
    "resnet_v1_50": ("resnet-v1-50-slim", lambda name: name),
}

with (FACTS / "receptive_fields.yaml").open(encoding="utf-8") as file:
    ROWS = [(entry["network"], row) for entry in yaml.safe_load(file) for row in entry["end_points"]]


@pytest.mark.parametrize(("network", "row"), ROWS, ids=[f"{network}-{row['name']}" for network, row in ROWS])
def test_units_see_the_published_windows(network: str, row: dict[str, Any]) -> None:
    spec, layer_of = LAYERS[network]
    loaded = archcalc.load(spec)
    node = loaded.tensor(layer_of(row["name"])).node
    for place in ((0, 0), (1, 0), (3, 4)):
        (window,) = unit_box(loaded.graph, node, place, clip=False).values()
        for axis, at in zip(window, place, strict=True):
            assert axis.size == row["size"]
            assert axis.first == at * row["stride"] - row["padding"]


@pytest.mark.parametrize(("pool_stride", "sizes"), [(1, [3, 5, 9, 13]), (2, [3, 5, 13, 21])])
def test_the_homework_with_both_readings_of_its_pooling_stride(pool_stride: int, sizes: list[int]) -> None:
    loaded = archcalc.load("homework-receptive-field", set={"pool_stride": pool_stride})
    layers = ["conv1", "pool1", "conv2", "pool2"]
    assert [loaded.receptive_field(layer)["input"][0].size for layer in layers] == sizes
    found = [loaded.unit_field(layer, (1, 1)).windows["input"] for layer in layers]
    assert [[axis.size for axis in window] for window in found] == [[size, size] for size in sizes]
