"""Counters of exported models have the numbers that tools print for the models, also where a spec cannot have them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

import archcalc
from archcalc.counters.network import counts_of
from benchmarks.corpora import CORPORA
from tests.counters.prints import Prints, differing, recorded_prints
from tests.oracle.exported_models import export
from tests.oracle.torchvision_import import import_torchvision

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

WRITTEN_OTHERWISE = [
    each for each in recorded_prints() if each.unlike and each.network not in ("densenet121", "convnext_tiny")
]


@pytest.mark.parametrize("prints", WRITTEN_OTHERWISE, ids=lambda prints: prints.network)
def test_counters_of_an_exported_model_are_what_tools_print(prints: Prints, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    try:
        import_torchvision()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    path = tmp_path / f"{prints.network}.pt2"
    export(partial(CORPORA["torchvision"].example, prints.network), path)
    network = archcalc.load(str(path))
    assert differing(prints, counts_of(network.analyze(), network.spec.model)) == {}
