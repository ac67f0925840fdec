"""Arguments of the functions in Python that have no meaning are errors, and iterators serve as well as lists."""

from __future__ import annotations

from typing import Any

import pytest

from archcalc import formula, load, sweep


@pytest.mark.parametrize("batch", [0, -1, 1.5])
def test_a_batch_is_a_positive_integer(batch: Any) -> None:
    with pytest.raises(ValueError, match="the batch must be a positive integer"):
        load("lenet5").analyze(batch=batch)


def test_an_unknown_layout_is_an_error() -> None:
    with pytest.raises(ValueError, match="the layout must be chw or hwc, got 'nhwc'"):
        load("lenet5", shapes="32x32x1", layout="nhwc")
    with pytest.raises(ValueError, match="the layout must be"):
        [*sweep("lenet5", shapes={"": ["32x32x1"]}, layout="nhwc")]
    with pytest.raises(ValueError, match="the layout must be"):
        load("lenet5").report(layout="nhwc")


@pytest.mark.parametrize("aspects", [["nothing"], "shapes"])
def test_an_unknown_aspect_is_not_verified(aspects: Any) -> None:
    with pytest.raises(ValueError, match="an aspect must be one of shapes, params"):
        load("lenet5").verify(aspects)


def test_free_symbols_may_come_from_an_iterator() -> None:
    (found,) = formula("3x8x8 -> conv 4 k1", "macs", free=iter(["H"])).forms
    assert str(found.values[0]) == "96·H"
