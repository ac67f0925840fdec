"""The MACs of whole networks are half of what PyTorch's `FlopCounterMode` counts on the meta device."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from tests.operators.torch_parts import counterpart

pytestmark = [pytest.mark.torch, pytest.mark.slow]

NETWORKS = (
    "attention-unet",
    "espcn",
    "mlp-mixer",
    "retinanet",
    "siamese",
    "transformer",
    "unet3d",
    "wavenet",
    "yolov8",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_the_products_that_pytorch_counts(name: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    graph = archcalc.load(name).graph
    for layer in analyze(graph).layers:
        node = graph.nodes[layer.node]
        shapes = [tuple(map(int, shape)) for shape in graph.input_shapes(node)]
        with torch.device("meta"), torch.no_grad():
            module = counterpart(node.op, shapes).eval()
            with FlopCounterMode(display=False) as counter:
                module(*(torch.zeros(1, *shape) for shape in shapes))
        assert 2 * layer.macs == counter.get_total_flops(), layer.name
