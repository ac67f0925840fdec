"""Number formats, against what NumPy and ml_dtypes say about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archcalc.ops.formats import FLOATS, FORMATS, INTEGERS, NumberFormat

ml_dtypes = pytest.importorskip("ml_dtypes", minversion="0.5")


def dtype_of(form: NumberFormat) -> np.dtype[Any]:
    """Return a format as that of NumPy, or of ml_dtypes."""
    name = {"float4_e2m1": "float4_e2m1fn"}.get(form.name, form.name)
    return np.dtype(getattr(ml_dtypes, name, None) or name)


@pytest.mark.parametrize("form", FLOATS, ids=lambda form: form.name)
def test_floating_point_numbers(form: NumberFormat) -> None:
    about = ml_dtypes.finfo(dtype_of(form))
    assert float(form.largest) == float(about.max)
    assert float(form.least) == float(about.smallest_subnormal if form.zero else about.tiny)
    assert form.bits == about.bits
    assert 2.0**-form.fraction == float(about.eps)


@pytest.mark.parametrize("form", INTEGERS, ids=lambda form: form.name)
def test_integers(form: NumberFormat) -> None:
    about = ml_dtypes.iinfo(dtype_of(form))
    assert (form.smallest, form.largest, form.bits) == (about.min, about.max, about.bits)


@pytest.mark.parametrize("form", [form for form in FORMATS.values() if form.bits <= 16], ids=lambda form: form.name)
def test_a_format_contains_another_if_no_number_changes_on_the_way_there_and_back(form: NumberFormat) -> None:
    """All numbers of a format, which its codes are, are tried."""
    codes = np.arange(2**form.bits, dtype=np.uint16 if form.bits > 8 else np.uint8)
    with np.errstate(all="ignore"):
        numbers = codes.view(dtype_of(form)).astype(np.float64)
        for other in FORMATS.values():
            if other.bits > 16:
                continue
            if other.is_integer:
                kept = bool(
                    np.all(
                        (numbers == np.rint(numbers))
                        & (numbers >= float(other.smallest))
                        & (numbers <= float(other.largest))
                    )
                )
            else:
                kept = np.array_equal(numbers.astype(dtype_of(other)).astype(np.float64), numbers, equal_nan=True)
            assert other.contains(form) == kept, other.name
