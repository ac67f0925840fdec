"""Caffe."""

from __future__ import annotations

from archcalc.counters.measures import with_moving_average_factor
from archcalc.counters.rules import Tool, ToolQuantity

CAFFE = Tool(
    name="caffe",
    title="Caffe",
    version="1.0",
    package="github.com/BVLC/caffe",
    use="the sum of the sizes of all blobs",
    watches="blobs of layers: BatchNorm has mean, variance and the factor that both are divided by",
    quantities=(
        ToolQuantity(
            "params",
            "parameters",
            "params",
            measure=with_moving_average_factor,
            source="src/caffe/layers/batch_norm_layer.cpp BatchNormLayer::LayerSetUp",
        ),
    ),
)
