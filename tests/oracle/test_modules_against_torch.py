"""Modules in the user's code are exported in a process of their own, and have the figures that PyTorch gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc as package
from tests.cli.conftest import Archcalc, archcalc  # noqa: F401

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NETWORK = """
import torch
from torch import nn

print("the user's code may print")


class Net(nn.Module):
    def __init__(self, classes=10, branch=False):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8 * 16 * 16, classes)
        self.unused = nn.Linear(5, 5)
        self.branch = branch

    def forward(self, image):
        x = self.body(image)
        if self.branch and x.sum() > 0:
            x = x * 2
        return self.head(nn.functional.max_pool2d(x, 2).flatten(1))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 16)

    def forward(self, tokens):
        return self.table(tokens)


class Pair(nn.Module):
    def forward(self, image, mask, scale=None):
        return image * mask


number = 3
"""


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def run(archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archcalc:  # noqa: F811
    (tmp_path / "net.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    return archcalc


def test_a_class_is_made_with_its_arguments(run: Archcalc) -> None:
    done = run("show", "./net.py:Net", "--shape", "3x32x32", "--arg", "classes=7", "--format", "json")
    assert done.status == 0
    record = json.loads(done.out)
    assert record["totals"]["trainable"] == (8 * 27 + 8) + 16 + (2048 * 7 + 7)
    assert [layer["name"] for layer in record["layers"]][-1] == "head"


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("./net.py:Net", ["--arg", "branch=True"], "net.py:"),
        ("./net.py:Nett", [], "has no 'Nett'"),
        ("./net.py:Net", ["--arg", "class=3"], "Net(classes=10, branch=False)"),
        ("./net.py:number", [], "error[argument]"),
        ("./other.py:Net", [], "there is no file"),
        ("no_such_package.module:Net", [], "cannot be imported"),
        ("./net.py:Net", ["--batch-axis", "image=9"], "there is no axis 9"),
        ("./net.py:Net", ["--shape", "picture=3x32x32"], "no input 'picture'"),
        ("./net.py:Pair", [], "the shape of the input 'mask' is needed\n  = give it: --shape mask=SHAPE"),
    ],
)
def test_a_module_that_cannot_be_read_is_one_error(run: Archcalc, spec: str, options: list[str], message: str) -> None:
    shape = [] if "--shape" in options else ["--shape", "3x32x32"]
    done = run("show", spec, *shape, *options)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_an_input_of_tokens(run: Archcalc) -> None:
    done = run("show", "./net.py:Tokens", "--shape", "12", "--format", "json")
    assert json.loads(done.out)["totals"]["params"] == 1600


def test_a_module_in_memory_runs_with_its_weights(torch: Any) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten()).train()
    x = torch.rand(2, 3, 8, 8)
    network = package.from_torch(model, x)
    assert model.training
    with torch.no_grad():
        expected = model.eval()(x).numpy()
    np.testing.assert_allclose(
        network.run({next(iter(network.graph.inputs)): x.numpy()}).output, expected, rtol=1e-5, atol=1e-6
    )
