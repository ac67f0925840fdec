"""torchvision's networks have the parameters and multiply-accumulates that torchvision publishes."""

from __future__ import annotations

import pytest

from tests.specs.torchvision import PublishedNetwork, load, published


@pytest.mark.slow
@pytest.mark.parametrize("network", published(), ids=lambda row: f"{row.model}-{row.height}")
def test_parameters_and_macs_are_those_that_are_published(network: PublishedNetwork) -> None:
    spec = load(network.model, network.height, network.width)
    alone, training = spec.analyze().totals, spec.analyze(training=True).totals
    assert (training if network.heads_in_params else alone).trainable == network.params
    macs = (training if network.heads_in_macs else alone).macs
    assert f"{macs / 10**9:.3f}" == f"{network.gmacs:.3f}"


def test_all_of_torchvision_is_published() -> None:
    models = {(row.task, row.model) for row in published()}
    assert [sum(task == each for each, _ in models) for task in ("classification", "segmentation", "video")] == [
        80,
        6,
        9,
    ]
