"""Number formats that NumPy does not have, against those of the package ml_dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.readers.decoding import decoded, raw_dtype

ml_dtypes = pytest.importorskip("ml_dtypes", minversion="0.5")


@pytest.mark.parametrize("name", ["e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu"])
def test_all_numbers_of_eight_bits(name: str) -> None:
    codes = np.arange(256, dtype=raw_dtype(f"float8_{name}"))
    expected = codes.view(getattr(ml_dtypes, f"float8_{name}")).astype(np.float32)
    np.testing.assert_array_equal(decoded(codes, f"float8_{name}"), expected)


def test_all_bfloat16() -> None:
    codes = np.arange(2**16, dtype=raw_dtype("bfloat16"))
    np.testing.assert_array_equal(decoded(codes, "bfloat16"), codes.view(ml_dtypes.bfloat16).astype(np.float32))


def test_the_other_byte_order() -> None:
    raw = np.array([1.5, -2], ">f8")
    found = decoded(raw, "float64")
    assert found.dtype == np.dtype("=f8")
    assert found.tolist() == [1.5, -2]
