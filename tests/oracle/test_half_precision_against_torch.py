"""Exported programs in float16 and bfloat16 have the numbers that PyTorch computes in these formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from tests.oracle.lazy_imports import lazily

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

t, nn, f = lazily("torch"), lazily("torch.nn"), lazily("torch.nn.functional")


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def compiled(layers: Callable[[], dict[str, Any]], forward: Callable[[Any, Any], Any]) -> Any:
    """Return a module, given its layers and its function."""
    module = type("Net", (nn.Module,), {"forward": forward})()
    for name, layer in layers().items():
        setattr(module, name, layer)
    return module.eval()


def residual() -> Any:
    def forward(net: Any, x: Any) -> Any:
        x = t.relu(net.norm(net.first(x)))
        x = x + f.gelu(net.second(x))
        return t.softmax(net.head(x.mean((2, 3))), -1)

    return compiled(
        lambda: {
            "first": nn.Conv2d(3, 16, 3, padding=1),
            "norm": nn.BatchNorm2d(16),
            "second": nn.Conv2d(16, 16, 3, padding=1),
            "head": nn.Linear(16, 10),
        },
        forward,
    )


def with_conversions() -> Any:
    """Return a module that computes a softmax and a normalisation in float32, as language models do."""

    def forward(net: Any, x: Any) -> Any:
        h = net.first(x.flatten(2))
        shares = t.softmax(h @ h.transpose(1, 2), -1, dtype=t.float32).to(h.dtype)
        whole = h.float()
        normal = (whole * t.rsqrt(whole.pow(2).mean(-1, keepdim=True) + 1e-5)).type_as(h)
        return net.second(shares @ normal) + whole.half().to(h.dtype)

    return compiled(lambda: {"first": nn.Linear(64, 32), "second": nn.Linear(32, 32)}, forward)


def moved() -> Any:
    """Return a module that mostly moves numbers, of which some are in float32 before."""

    def forward(net: Any, x: Any) -> Any:
        wide = x.float() * 0.1
        parts = t.cat([wide.transpose(1, 2).to(x.dtype), x.transpose(1, 2)], 2).chunk(2, 2)
        return parts[0] * 3 + parts[1].sum((0, 1, 2, 3)).view(1) + f.max_pool2d(x, 3, 1, 1).transpose(1, 2)

    return compiled(dict, forward)


@pytest.mark.parametrize("form", ["float16", "bfloat16"])
@pytest.mark.parametrize("made", [residual, with_conversions, moved], ids=lambda made: made.__name__)
def test_results_are_those_of_pytorch(made: Callable[[], Any], form: str, tmp_path: Path) -> None:
    t.manual_seed(0)
    dtype = getattr(t, form)
    module, x = made().to(dtype), t.randn(1, 3, 8, 8).to(dtype)
    t.export.save(t.export.export(module, (x,)), str(tmp_path / "net.pt2"))
    network = archcalc.load(str(tmp_path / "net.pt2"))
    with t.no_grad():
        expected = module(x).float().numpy()
    found = network.run({"x": x.float().numpy()}).output
    assert (found == expected).mean() > 0.97
    np.testing.assert_allclose(found, expected, rtol=2.0 ** (-9 if form == "float16" else -6), atol=1e-4)
