"""Specs of torchvision's networks as PyTorch exports them: short, and with PyTorch's figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.api import Network, load
from archcalc.spec import Source, read_spec
from archcalc.writers.spec.compact import forms, is_same, write_compact
from tests.oracle.test_torchvision import models

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

LINES = {"resnet50": 16, "vgg16": 12, "vit_b_16": 13, "densenet121": 15}
"""The maximum number of lines of each spec."""


@pytest.mark.parametrize("name", LINES)
def test_an_export_becomes_a_short_spec_of_the_same_network(name: str, tmp_path: Path) -> None:
    import torch

    with torch.device("meta"):
        model = models().get_model(name).eval()
        program = torch.export.export(model, (torch.empty(1, 3, 224, 224),))
    torch.export.save(program, tmp_path / f"{name}.pt2")
    network = load(str(tmp_path / f"{name}.pt2"))
    spec = write_compact(network.graph)
    again = Network(read_spec(Source("again.yaml", spec)))
    assert len(spec.splitlines()) <= LINES[name]
    assert any(is_same(form, spec) for form in forms(network.graph))
    assert again.analyze().totals.trainable == sum(each.numel() for each in model.parameters())
    assert again.analyze().totals.macs == network.analyze().totals.macs
