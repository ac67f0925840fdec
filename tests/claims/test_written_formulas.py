"""Formulas as people write them are read in the notation of specs."""

from __future__ import annotations

import pytest

from archcalc.claims.written_formulas import in_notation, sizes_in_notation

NAMES = ("H", "K", "S", "P", "F", "DF", "M", "N", "alpha")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("F(K^2 + 1)", "F*(K**2 + 1)"),
        ("2HK", "2*H*K"),
        ("D_F^2 M", "DF**2*M"),
        (r"$\frac{H - K}{S} + 1$", "((H - K)/(S)) + 1"),
        (r"\left\lfloor \frac{H}{2} \right\rfloor", "floor(((H)/(2)))"),
        (r"3 \times \text{N} \cdot K", "3*N*K"),
        ("⌊H/2⌋", "floor(H/2)"),
        ("K² + 1,000", "K**2 + 1000"),
        ("α·F", "alpha*F"),
        ("ceiling(H/S)", "ceil(H/S)"),
    ],
)
def test_a_formula_is_rewritten(written: str, meant: str) -> None:
    assert in_notation(written, NAMES)[0].replace(" ", "") == meant.replace(" ", "")


def test_a_divisor_without_a_sign_has_two_readings() -> None:
    assert [reading.replace(" ", "") for reading in in_notation("H/2S", NAMES)] == ["H/2*S", "H/(2*S)"]


@pytest.mark.parametrize("written", ["F x (H - 2) x (K - 2)", "(F, H - 2, K - 2)", "torch.Size([F, H - 2, K - 2])"])
def test_the_sizes_of_a_shape_are_separated(written: str) -> None:
    sizes = [size.replace(" ", "").strip("()") for size in sizes_in_notation(written, NAMES)]
    assert sizes == ["F", "H-2", "K-2"]
