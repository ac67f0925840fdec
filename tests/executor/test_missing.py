"""Operators that the executor does not define are named."""

from __future__ import annotations

import numpy as np
import pytest

import archcalc as api
from archcalc.executor import kernels  # noqa: F401  # registers them
from archcalc.executor.errors import MissingDefinition
from archcalc.executor.kernel import KERNELS
from archcalc.executor.loops import measure_layer
from archcalc.executor.loops.tensor import DEFINITIONS
from archcalc.ops.activation import Relu

SPEC = "3x8x8 -> conv 4 k3 -> relu"


def test_a_missing_kernel_names_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KERNELS, Relu)
    with pytest.raises(MissingDefinition, match="no kernel for the operator 'relu'"):
        api.load(SPEC).run()


def test_missing_loops_name_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(DEFINITIONS, Relu)
    with pytest.raises(MissingDefinition, match="no definition by loops for the operator 'relu'"):
        measure_layer("relu_1", Relu(), (np.zeros(3),), {})


@pytest.mark.parametrize("definitions", [KERNELS, DEFINITIONS], ids=["kernel", "loops"])
def test_verify_fails_and_says_what_is_missing(
    definitions: dict[type, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(definitions, Relu)
    checks = list(api.load(SPEC).verify(["shapes", "exact"]))
    assert any("for the operator 'relu'" in str(each.measured) for check in checks for each in check.differences)
