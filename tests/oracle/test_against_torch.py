"""Every shape and every parameter count of random networks, against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.graph import Graph, Ref
from archcalc.ops.base import REGISTRY
from archcalc.spec import Source, SpecError, read_spec
from tests.operators.torch_parts import counterpart, stored
from tests.random_networks import layers, networks

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")]

BATCH = 2
"""Some layers of PyTorch refuse to normalise a single number."""

some = settings(max_examples=400, derandomize=True)


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def read(text: str) -> Graph:
    return read_spec(Source("random.yaml", text)).graph


def compare(network: Graph) -> int:
    """Run the network in PyTorch, compare the shapes and the parameters of every layer, and return their number."""
    import torch

    values: dict[Ref, torch.Tensor] = {}
    counted = {layer.node: layer for layer in analyze(network, training=True).layers}
    with torch.no_grad():
        for index, node in enumerate(network.nodes):
            if node.is_input:
                values[Ref(index)] = torch.zeros(BATCH, *node.output)
                continue
            inputs = [values[ref] for ref in node.inputs]
            module = counterpart(node.op, [tuple(x.shape[1:]) for x in inputs]).eval()
            found = module(*inputs)
            where = f"{node.name}: {node.op} on {[tuple(x.shape[1:]) for x in inputs]}"
            made = zip(network.made_by(index), found if isinstance(found, tuple) else (found,), strict=True)
            for ref, tensor in made:
                values[ref] = tensor.float().expand(BATCH, *(-1,) * len(network.shape(ref)))
                assert tuple(values[ref].shape) == (BATCH, *network.shape(ref)), where
            assert (counted[index].params, counted[index].trainable) == stored(module), where
    return len(counted)


@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(some, max_examples=60)
@given(data=st.data())
def test_every_operator_agrees_with_pytorch(name: str, data: st.DataObject) -> None:
    compare(read(data.draw(layers(name))))


@some
@given(networks())
def test_random_networks_agree_with_pytorch(text: str) -> None:
    """PyTorch's layers have at most three axes of positions."""
    network = read(text)
    assume(all(len(shape) <= 4 for node in network.nodes for shape in node.outputs))
    compare(network)


@pytest.mark.parametrize("pool", ["maxpool", "avgpool"])
def test_ceil_mode_agrees_for_every_small_window(torch: Any, pool: str) -> None:
    cls = {"maxpool": torch.nn.MaxPool1d, "avgpool": torch.nn.AvgPool1d}[pool]
    compared = 0
    for n in range(1, 11):
        for k in range(1, 6):
            for s in range(1, 6):
                for p in range(k // 2 + 1):
                    for ceil in (False, True):
                        theirs = cls(k, s, p, ceil_mode=ceil)
                        text = f"1x{n} -> {pool} {k} s{s} p{p}{' ceil' * ceil}"
                        try:
                            ours = read_spec(Source("e", text), inline=True).graph.nodes[-1].output
                        except SpecError:
                            with pytest.raises(RuntimeError):
                                theirs(torch.zeros(1, 1, n))
                        else:
                            assert (1, *ours) == tuple(theirs(torch.zeros(1, 1, n)).shape), text
                            compared += 1
    assert compared > 500


def test_convolutions_agree_for_every_small_window_and_fail_where_pytorch_fails(torch: Any) -> None:
    compared = failed = 0
    for n in range(1, 9):
        for k in range(1, 5):
            for s in range(1, 4):
                for d in range(1, 4):
                    for p in range(4):
                        text = f"2x{n} -> conv 4 k{k} s{s} d{d} p{p} g2"
                        theirs = torch.nn.Conv1d(2, 4, k, s, p, d, 2)
                        try:
                            ours = read_spec(Source("e", text), inline=True).graph.nodes[-1].output
                        except SpecError:
                            with pytest.raises(RuntimeError):
                                theirs(torch.zeros(1, 2, n))
                            failed += 1
                        else:
                            assert (1, *ours) == tuple(theirs(torch.zeros(1, 2, n)).shape), text
                            compared += 1
    assert compared > 500
    assert failed > 50


def test_transposed_convolutions_agree_and_invert_the_size_of_convolutions(torch: Any) -> None:
    for n in range(1, 6):
        for k in range(1, 6):
            for s in range(1, 4):
                for d in range(1, 3):
                    for p in range(3):
                        for extra in range(max(s, d)):
                            text = f"3x{n} -> upconv 2 k{k} s{s} p{p} d{d} outpad={extra}"
                            theirs = torch.nn.ConvTranspose1d(3, 2, k, s, p, extra, dilation=d)
                            try:
                                ours = read_spec(Source("e", text), inline=True).graph.nodes[-1].output
                            except SpecError:
                                with pytest.raises(RuntimeError):
                                    theirs(torch.zeros(1, 3, n))
                            else:
                                assert (1, *ours) == tuple(theirs(torch.zeros(1, 3, n)).shape), text


@pytest.mark.parametrize(
    "text",
    [
        "3x7x9 -> conv 6 k4 same -> conv 6 k3 s2 same -> conv 6 k2 d3 same -> conv 6 k5x2 s3x1 same",
        "3x7x9 -> conv 6 k4 half -> conv 6 k2 full -> conv 6 k3 p0:2x1:0 -> conv 9 k1 g3 nobias ws",
        "4x9 -> dwconv k3 multiplier=3 s2 -> sepconv 5 k2 d2 multiplier=2 nobias -> upconv 7 k3 s2 same",
        "2x5x6x7 -> conv 4 k2x3x1 p1x0x0 -> upconv 2 k2 s2 -> maxpool k2x1x2 ceil -> adaptive_avgpool 3x2x1 -> gap",
        "3x6x5 -> upconv 4 k1 s3 same -> upconv 4 k2 s3 d2 half -> upconv 2 k4 s2 p0:1x1:1 outpad=1",
        "3x13 -> maxpool 3 s2 p1 ceil -> avgpool 2 s3 p0:1 ceil exclude_pad -> subsample 2 ceil",
        "5x7x7 -> adaptive_maxpool 3x5 -> adaptive_avgpool 9 -> upsample to=4x11 bilinear align_corners",
        "6x4x4 -> lrn 4 -> lrn 3 within -> gn 3 -> in affine -> ln axis=channels -> maxout 3 -> transpose 2x0x1",
        "6 -> embedding 9 4 -> linear 3 nobias -> ln axis=last -> reshape 2x(-1) -> fc 4 -> rbf 3 trainable -> softmax",
        "8x6x6 -> concat(crop 1, slice 0:3 axis=(-1), pad 1:2x0, crop=smallest) -> mul(identity, gap, fc C)",
        "4x5x5 -> upconv 6 k3 g2 -> upconv 6 k1 s2 g6 nobias -> upconv 4 k2 s2 full g2 outpad=1 -> upsample 3x1",
        "4x8x8 -> add(conv 8 k1 s2, padded_identity 8 s2) -> split 4 part=3 -> split 2 part=1 axis=(-1)",
    ],
)
def test_corner_cases_agree_with_pytorch(text: str) -> None:
    assert compare(read_spec(Source("<expression>", text), inline=True).graph) >= 3
