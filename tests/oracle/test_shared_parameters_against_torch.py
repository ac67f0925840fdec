"""A parameter that several layers have, as weights or as tensors, counts once, and is the same array in runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, read_spec
from archcalc.writers.spec.graph_text import write_graph
from tests.oracle.lazy_imports import lazily

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

t, nn, f = lazily("torch"), lazily("torch.nn"), lazily("torch.nn.functional")


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def tokens() -> Any:
    return t.randint(0, 6, (2, 5))


def vectors() -> Any:
    return t.randn(2, 4, 6)


def maps() -> Any:
    return t.randn(2, 4, 8, 8)


def with_same(array: str, one: Any, other: Any) -> Any:
    """Return two modules of which the second has an array of the first."""
    setattr(other, array, getattr(one, array))
    return nn.ModuleList([one, other])


def pairs(net: Any, x: Any) -> Any:
    """Call a convolution of one map on three maps of each example."""
    return net(x.unflatten(0, (-1, 1)).repeat(1, 3, 1, 1, 1).flatten(0, 1)).unflatten(0, (-1, 3)).mean((1, 3, 4))


Case = tuple[Callable[[], Any], Callable[[], Any], Callable[[Any, Any], Any]]

CASES: dict[str, Case] = {
    "linear, tensor": (lambda: nn.Linear(6, 6), vectors, lambda m, x: m(x) + m.weight[:4]),
    "bias, factor": (lambda: nn.Linear(6, 6), vectors, lambda m, x: m(x) * m.bias),
    "table, linear": (lambda: nn.Embedding(6, 3), tokens, lambda m, x: f.linear(m(x), m.weight)),
    "table, transpose": (lambda: nn.Embedding(6, 3), tokens, lambda m, x: m(x) @ m.weight.T + m.weight.sum(1)),
    "matrix, transpose": (
        lambda: nn.Linear(6, 3),
        vectors,
        lambda m, x: m(x) @ m.weight + x @ m.weight.T @ m.weight,
    ),
    "transpose, transpose": (
        lambda: nn.Linear(6, 3, bias=False),
        vectors,
        lambda m, x: x @ m.weight.t() + x @ m.weight.transpose(0, 1),
    ),
    "transpose, written": (lambda: nn.Linear(6, 3), vectors, lambda m, x: f.linear(m(x), m.weight.permute(1, 0) * 1)),
    "convolution, transposed": (
        lambda: nn.Conv2d(4, 7, 3),
        maps,
        lambda m, x: f.conv_transpose2d(m(x), m.weight) / m.weight.norm(),
    ),
    "transposed convolution, tensor": (
        lambda: nn.ConvTranspose2d(4, 7, 3),
        maps,
        lambda m, x: m(x) * m.weight.mean() + m.bias[:, None, None],
    ),
    "convolution, of several": (
        lambda: nn.Conv2d(4, 7, 3),
        maps,
        lambda m, x: m(x).mean((2, 3)) + pairs(m, x) + m.weight.sum((1, 2, 3)),
    ),
    "layer norm, tensors": (lambda: nn.LayerNorm(6), vectors, lambda m, x: m(x) * m.weight + m.bias),
    "shift, bias": (
        lambda: with_same("bias", nn.Linear(6, 6), nn.LayerNorm(6)),
        vectors,
        lambda m, x: m[1](m[0](x)),
    ),
    "scale, slope": (
        lambda: with_same("weight", nn.BatchNorm2d(4), nn.PReLU(4)),
        maps,
        lambda m, x: m[1](m[0](x)) * m[0].running_mean[:, None, None],
    ),
    "group norm, tensor": (lambda: nn.GroupNorm(2, 4), maps, lambda m, x: m(x) * m.bias[:, None, None]),
    "rms norm, tensor": (lambda: nn.RMSNorm(6), vectors, lambda m, x: m(x) * m.weight),
    "slope, factor": (lambda: nn.PReLU(), vectors, lambda m, x: m(x) * m.weight),
    "lstm, parts": (
        lambda: nn.LSTM(6, 5, 2, batch_first=True, bidirectional=True),
        vectors,
        lambda m, x: m(x)[0].sum(-1) + m.weight_hh_l1[3, 2] + m.bias_ih_l1_reverse.sum(),
    ),
    "gru, linear": (
        lambda: nn.GRU(6, 5, batch_first=True),
        vectors,
        lambda m, x: f.linear(x, m.weight_ih_l0, m.bias_hh_l0) + m(x)[0].repeat(1, 1, 3),
    ),
    "cell, tensor": (lambda: nn.LSTMCell(6, 5), vectors, lambda m, x: m(x[:, 0])[0] + m.bias_hh[:5]),
    "attention, tensor": (
        lambda: nn.MultiheadAttention(6, 2, batch_first=True),
        vectors,
        lambda m, x: m(x, x, x, need_weights=False)[0] + m.in_proj_bias[:6] + m.out_proj.weight[0],
    ),
}


def exported(name: str, path: Path) -> tuple[Any, Any, Any]:
    """Export a case; return its module, what it reads, and its result."""

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.part = make()

        def forward(self, x: Any) -> Any:
            return forward(self.part, x)

    t.manual_seed(0)
    make, example, forward = CASES[name]
    net, x = Net().eval(), example()
    for array in net.parameters():
        array.data.uniform_(0.2, 1)
    t.export.save(t.export.export(net, (x,)), path)
    with t.no_grad():
        return net, x, net(x)


@pytest.mark.parametrize("name", CASES)
def test_a_parameter_counts_once_and_is_one_array(name: str, tmp_path: Path) -> None:
    net, x, expected = exported(name, tmp_path / "net.pt2")
    read = archcalc.load(str(tmp_path / "net.pt2"))
    assert read.analyze().totals.trainable == sum(each.numel() for each in net.parameters())
    found = read.run({next(iter(read.graph.inputs)): x.numpy()}).output
    assert np.abs(found.reshape(expected.shape) - expected.numpy()).max() <= 1e-5 * np.abs(expected.numpy()).max()


@pytest.mark.parametrize("name", ["linear, tensor", "matrix, transpose", "scale, slope", "lstm, parts"])
def test_a_network_with_shared_parameters_is_written_and_read_back(name: str, tmp_path: Path) -> None:
    exported(name, tmp_path / "net.pt2")
    read = archcalc.load(str(tmp_path / "net.pt2"))
    again = read_spec(Source("net.yaml", write_graph(read.graph))).graph
    ours, theirs = analyze(again).totals, read.analyze().totals
    assert (ours.params, ours.macs, ours.layers) == (theirs.params, theirs.macs, theirs.layers)
