"""Names in other tools: each means one operator, and is not the name of one."""

from __future__ import annotations

import pytest

from archcalc.ops.base import REGISTRY
from archcalc.spec.aliases import operator_spelled, suggest_operator
from archcalc.spec.other_names import OTHER_NAMES, Replacement, plain
from tests.spec.reading import chain

ALIASES = [(alias, name) for name, cls in REGISTRY.items() for alias in cls.aliases]


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_an_alias_means_one_operator_and_is_not_the_name_of_one(alias: str, name: str) -> None:
    assert alias not in REGISTRY
    assert suggest_operator(alias, REGISTRY) == f"did you mean '{name}'?"


@pytest.mark.parametrize("name", ["BatchNorm2d", "batch_norm", "BatchNormalization", "batchnorm1d"])
def test_case_underscores_and_dimensions_do_not_matter(name: str) -> None:
    assert suggest_operator(name, REGISTRY) == "did you mean 'bn'?"


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_no_other_name_is_that_of_an_operator(name: str) -> None:
    assert operator_spelled(name) not in REGISTRY, f"remove '{name}' from the table of other names: it is an operator"
    assert name == plain(name), "the table has names in the form in which they are looked up"


@pytest.mark.parametrize("instead", {each for each in OTHER_NAMES.values() if each.write})
def test_replacements_are_valid(instead: Replacement) -> None:
    chain(instead.write, "64x8x8")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Dense", "write linear 10 (along the last axis, as in Keras; fc 10 flattens first)"),
        ("DeformConv2dPack", "write deform_conv 64 k3 half"),
        ("RoIPool", "'RoIPool' is not supported: roi_align reads the boxes of a tensor, one map at a time"),
        ("ReflectionPad2d", "write pad 1 reflect"),
        ("conv1x1", "write conv 64 k1"),
        ("LPPool2d", "'LPPool2d' is not supported"),
        ("globalpool", "write gap"),
        ("BiLSTM", "write lstm 128 bidirectional"),
    ],
)
def test_a_name_from_another_framework_gets_its_replacement(name: str, hint: str) -> None:
    assert suggest_operator(name, REGISTRY) == hint


@pytest.mark.parametrize("name", ["rope", "knn", "zzz", "lrm2", "pol"])
def test_similar_spelling_does_not_mean_similar_meaning(name: str) -> None:
    assert "did you mean" not in suggest_operator(name, ["crop", "lrn", "maxpool", "mul", "max"])


def test_an_operator_has_precedence_over_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "lppool", REGISTRY["maxpool"])
    assert suggest_operator("lp_pool2d", REGISTRY) == "did you mean 'lppool'?"
