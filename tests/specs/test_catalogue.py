"""The stored catalogue of the bundled networks agrees with the specs."""

from __future__ import annotations

import pytest

from archcalc.query.quantities import SUMS
from archcalc.spec import bundled
from archcalc.spec.catalogue import FIGURES, catalogue, write_catalogue
from archcalc.spec.library_names import library_forms
from archcalc.spec.zoo import find_bundled, spellings
from tests.specs.catalogue import computed, entry_of, specs_of

UPDATE_HINT = "run: python -m tests.specs.catalogue"


def test_every_bundled_network_and_variant_is_in_the_catalogue() -> None:
    assert {entry.name for entry in catalogue()} == {spec for name in bundled() for spec in specs_of(name)}, UPDATE_HINT


@pytest.mark.slow
def test_the_catalogue_agrees_with_the_specs() -> None:
    assert write_catalogue(computed()) == write_catalogue(catalogue()), UPDATE_HINT


@pytest.mark.parametrize("spec", ["lenet5", "vgg-d", "mobilenet-v1"])
def test_an_entry_agrees_with_its_spec(spec: str) -> None:
    assert entry_of(spec) in catalogue(), UPDATE_HINT


def test_every_count_has_its_total() -> None:
    assert (*SUMS, "layers") == FIGURES


def test_every_network_says_what_it_is_and_where_it_comes_from() -> None:
    assert [entry.name for entry in catalogue() if not (entry.family and entry.task and entry.source)] == []


def test_no_two_networks_have_the_same_name() -> None:
    names = [(spellings(name)[0], entry.name) for entry in catalogue() for name in (entry.name, *entry.aliases)]
    owners = dict(names)
    assert [(name, spec, owners[name]) for name, spec in names if owners[name] != spec] == []


def test_no_name_of_a_network_means_another_one_in_a_library() -> None:
    found: dict[str, str] = {}
    for entry in catalogue():
        for name in (entry.name, *entry.aliases):
            assert found.setdefault(library_forms(name)[0][0], entry.name) == entry.name


def test_every_name_in_the_catalogue_finds_its_network() -> None:
    for entry in catalogue():
        for name in entry.aliases if entry.variant else (entry.name, *entry.aliases):
            assert find_bundled(name) in ((entry.file, entry.variant), (entry.file, ""))
