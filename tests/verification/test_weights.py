"""The weights with which a network is measured."""

from __future__ import annotations

from archcalc.executor.weights import initial_arrays
from archcalc.spec import Source, read_spec
from archcalc.verification.verify import Check, verify

GRAPH = read_spec(Source("<expression>", "3x32x32 -> conv 4 k3 nobias -> bn -> relu -> gap -> fc 5"), inline=True).graph


def measured(**options: object) -> dict[str, Check]:
    return {check.aspect: check for check in verify(GRAPH, ("shapes", "params", "folding"), **options)}  # type: ignore[arg-type]


def test_given_weights_are_used_and_named() -> None:
    checks = measured(weights=initial_arrays(GRAPH, seed=3))
    assert all(check.holds for check in checks.values())
    for aspect in ("shapes", "folding"):
        assert checks[aspect].detail.endswith(", with the weights of the file")


def test_without_weights_random_ones_are_used() -> None:
    checks = measured()
    assert all(check.holds for check in checks.values())
    assert not any("of the file" in check.detail for check in checks.values())


def test_weights_of_another_shape_are_a_difference() -> None:
    weights = initial_arrays(GRAPH)
    weights["fc_1.weight"] = weights["fc_1.weight"][:, :3]
    checks = measured(weights=weights)
    (difference, *_) = checks["shapes"].differences
    assert "fc_1.weight must have shape 5x4, got 5x3" in str(difference.measured)
    assert checks["folding"].holds
    assert "of the file" not in checks["folding"].detail
