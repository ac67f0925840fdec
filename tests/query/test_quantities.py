"""The table of quantities: complete, documented, and used by every verb."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import archcalc
from archcalc.analysis.counts import FORMULAS, Counts
from archcalc.analysis.fields import FIELD_QUANTITIES
from archcalc.query.quantities import ALIASES, COMMON, MEASURED, QUANTITIES, SUMS, find_quantity, quantity_named
from archcalc.query.targets import resolve

LANGUAGE = Path(__file__).resolve().parents[2] / "docs" / "language.md"


def test_every_count_and_reading_has_an_entry() -> None:
    assert {*FORMULAS, *FIELD_QUANTITIES} <= QUANTITIES.keys()
    assert all(hasattr(Counts, name) for name in SUMS)


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_meaning_is_one_sentence(name: str) -> None:
    assert re.fullmatch(r"[A-Z].*\.", QUANTITIES[name].meaning)


def test_the_language_page_lists_the_quantities_with_their_meanings() -> None:
    page = LANGUAGE.read_text(encoding="utf-8")
    for name in COMMON:
        assert f"| `{name}` | {QUANTITIES[name].meaning} |" in page
    for name in {*MEASURED} - {*COMMON}:
        assert f"`{name}`" in page


@pytest.mark.parametrize("word", ["n_1", "n_12"])
def test_numbered_axes_are_sizes(word: str) -> None:
    quantity = quantity_named(word)
    assert quantity is not None
    assert quantity.scopes == ("layer", "stage")


@pytest.mark.parametrize("word", ["n_0", "n_", "Macs", "folding", ""])
def test_other_words_are_not_quantities_with_a_value(word: str) -> None:
    with pytest.raises(LookupError) as error:
        find_quantity(word)
    assert error.value.args[0] == f"no quantity '{word}'"


def test_a_misspelt_word_is_corrected() -> None:
    with pytest.raises(LookupError) as error:
        find_quantity("parms")
    assert error.value.args[1] == "did you mean 'params'?"


CONVOLUTION = "3x32x32 -> conv 20 k5 -> flatten -> fc 10"


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("conv_1.weights", 5 * 5 * 3 * 20),
        ("conv_1.biases", 20),
        ("conv_1.neurons", 20 * 28 * 28),
        ("conv_1.units", 20 * 28 * 28),
        ("conv_1.feature_maps", 20),
        ("conv_1.maps", 20),
        ("conv_1.width", 28),
        ("conv_1.height", 28),
        ("conv_1.H", 28),
        ("fc_1.units", 10),
        ("weights", 1_500 + 20 * 28 * 28 * 10),
        ("biases", 30),
    ],
)
def test_textbook_counts_are_quantities(target: str, value: int) -> None:
    assert resolve(target, archcalc.load(CONVOLUTION).analyze()).values == (value,)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "unet"])
def test_every_parameter_is_a_weight_or_a_bias(name: str) -> None:
    totals = archcalc.load(name).analyze().totals
    assert totals.weights + totals.biases == totals.trainable
    assert 0 < totals.biases < totals.weights


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_read_as_its_quantity(alias: str) -> None:
    assert quantity_named(alias) is QUANTITIES[ALIASES[alias]]
