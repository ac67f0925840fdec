"""Number formats, one for all tensors or one per kind."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.analysis.formats import Formats, read_formats


def test_a_word_without_a_kind_applies_to_all_kinds_that_are_not_named() -> None:
    assert read_formats("bf16") == Formats("bfloat16", "bfloat16", "bfloat16", "bfloat16")
    assert read_formats("fp16, weights=int4") == Formats("int4", "float16", "float16", "float16")
    assert read_formats("activations=half") == Formats(activations="float16")


@pytest.mark.parametrize("written", ["int3", "weights=", "layers=int8", "weights=int4,weights=int8", "", "int8,int4"])
def test_other_texts_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"dtype|kind|twice"):
        read_formats(written)


def test_every_kind_of_array_takes_the_bytes_of_its_own_format() -> None:
    """LeNet-like: 6·25 + 10·6·14·14 weights, 6 + 10 biases, 4·6 numbers of the batch norm."""
    analysis = archcalc.load("1x32x32 -> conv 6 k5 -> bn -> relu -> maxpool 2 -> fc 10").analyze()
    memory = analysis.memory("weights=int4,biases=fp32,norms=bf16,activations=int8")
    weights = 6 * 25 + 10 * 6 * 14 * 14
    assert memory.params == weights // 2 + 16 * 4 + 24 * 2
    assert memory.activations == analysis.totals.activations


def test_numbers_of_less_than_a_byte_are_packed_and_rounded_up() -> None:
    assert archcalc.load("3 -> fc 3 nobias").analyze().memory("int4").params == 5
