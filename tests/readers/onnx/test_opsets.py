"""Networks are read in old and new versions of the operators; the script in benchmarks goes through all versions."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from benchmarks.onnx_opsets import REFUSED, in_version, outcome_of
from tests.readers.onnx.opset_networks import networks


@pytest.mark.slow
@pytest.mark.parametrize("version", [0, 13, onnx.defs.onnx_opset_version()])
def test_results_in_a_version_of_the_operators(tmp_path: Path, version: int) -> None:
    """Every seventh of the many networks that resize is enough; 0: the version that a network is written in."""
    found = {}
    for number, (name, made) in enumerate(networks()):
        own = made.opset_import[0].version
        if ("Resize," in name and number % 7) or (version and version < own):
            continue
        converted = in_version(made, version or own)
        if converted is not None:
            found[name] = outcome_of(converted, tmp_path / "net.onnx")
    assert {name: each for name, each in found.items() if each != "equal" and not each.startswith(REFUSED)} == {}
    assert [*found.values()].count("equal") > 30
