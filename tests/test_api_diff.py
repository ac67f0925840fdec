"""``archcalc.diff``: the comparison in Python."""

from __future__ import annotations

import archcalc


def test_networks_and_specs_are_compared() -> None:
    for _ in range(2):  # importing the packages behind it must not hide the function
        found = archcalc.diff(archcalc.load("resnet18"), "resnet34")
        assert [(row.kind, row.label, row.times) for row in found.rows] == [("added", "rest", n) for n in (1, 2, 4, 1)]
    params = next(figure for figure in found.totals if figure.quantity == "params")
    assert (params.before, params.after) == (11_699_112, 21_814_696)


def test_training_heads_count_if_asked() -> None:
    found = archcalc.diff("googlenet", "googlenet", training=True)
    assert found.is_equal
    assert found.totals[0].before > archcalc.diff("googlenet", "googlenet").totals[0].before
