"""Names of other tools: each means one operator, and is none itself."""

from __future__ import annotations

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.spec.aliases import suggest_operator

ALIASES = [(alias, name) for name, cls in REGISTRY.items() for alias in cls.aliases]


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_an_alias_means_one_operator_and_is_none(alias: str, name: str) -> None:
    assert alias not in REGISTRY
    assert suggest_operator(alias, REGISTRY) == f"did you mean '{name}'?"


@pytest.mark.parametrize("name", ["BatchNorm2d", "batch_norm", "BatchNormalization", "batchnorm1d"])
def test_case_underscores_and_dimensions_do_not_matter(name: str) -> None:
    assert suggest_operator(name, REGISTRY) == "did you mean 'bn'?"
