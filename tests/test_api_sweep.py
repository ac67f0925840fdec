"""Sweeps from Python."""

from __future__ import annotations

from fractions import Fraction

import pytest

import archcalc


def test_rows_are_exact_numbers_by_name() -> None:
    rows = list(archcalc.sweep("mobilenet-v1", set={"alpha": "0.5:1:0.25", "rho": ["6/7", 1]}, where="macs < 300M"))
    assert rows[0] == {"alpha": Fraction(1, 2), "rho": Fraction(6, 7), "params": 1_342_536, "macs": 109_970_432}
    assert [(row["alpha"], row["rho"]) for row in rows[1:]] == [(Fraction(1, 2), 1), (Fraction(3, 4), Fraction(6, 7))]


def test_shapes_and_layers() -> None:
    rows = archcalc.sweep("resnet18", shapes={"H=W": "193:224:31"}, quantities=("conv5_x.shape", "conv5_x.rf"))
    assert list(rows) == [
        {"H=W": 193, "conv5_x.shape": (512, 7, 7), "conv5_x.rf": (435,)},
        {"H=W": 224, "conv5_x.shape": (512, 7, 7), "conv5_x.rf": (435,)},
    ]
    shapes = {"": ["1x32x32", (3, 32, 32)]}
    assert [row["params"] for row in archcalc.sweep("lenet5", shapes=shapes)] == [61_706, 62_006]


def test_one_configuration_is_a_sweep_too() -> None:
    assert list(archcalc.sweep("lenet5", quantities=("params",))) == [{"params": 61_706}]


def test_mistakes() -> None:
    with pytest.raises(archcalc.SpecError, match="did you mean 'alpha'"):
        list(archcalc.sweep("mobilenet-v1", set={"alhpa": "1:2"}))
    with pytest.raises(archcalc.SpecError, match="did you mean 'macs'"):
        list(archcalc.sweep("mobilenet-v1", set={"alpha": "1:2"}, where="mac < 3"))
