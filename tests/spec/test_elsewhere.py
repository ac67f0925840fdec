"""Names of other tools: each means an operator that there is, and is none itself."""

from __future__ import annotations

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.spec.elsewhere import ELSEWHERE, suggest_operator


@pytest.mark.parametrize(("name", "meant"), ELSEWHERE.items())
def test_a_name_from_elsewhere_means_an_operator_and_is_none(name: str, meant: str) -> None:
    assert meant in REGISTRY
    assert name not in REGISTRY


@pytest.mark.parametrize("name", ["BatchNorm2d", "batch_norm", "BatchNormalization", "batchnorm1d"])
def test_case_underscores_and_dimensions_do_not_matter(name: str) -> None:
    assert suggest_operator(name, REGISTRY) == "did you mean 'bn'?"
