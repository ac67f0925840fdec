"""Networks that are too large for a measurement are reduced for it."""

from __future__ import annotations

import pytest

from archcalc.graph import Graph
from archcalc.verification import single_run
from archcalc.verification.receptive_fields import compare_fields
from archcalc.verification.reduction import reduce_network
from archcalc.verification.verify import verify
from tests.spec.reading import chain

NETWORK = chain("conv 32 k3 half -> bn -> relu -> conv 64 k3 half -> bn -> relu -> gap -> fc 10", "3x64x64")
LANGUAGE_MODEL = chain("embedding 1000 64 -> (attention heads=4 causal -> linear 64)*2 -> linear 1000", "4096")


def test_a_network_that_fits_stays_as_it_is() -> None:
    found = reduce_network(NETWORK, lambda analysis: True)
    assert found.graph is NETWORK
    assert found.is_full_size
    assert str(found) == "3x64x64"


def test_the_input_is_reduced_before_the_channels() -> None:
    found = reduce_network(NETWORK, lambda analysis: analysis.totals.macs < 6_000_000)
    assert str(found) == "3x16x16"
    assert found.analysis.totals.trainable == 20_234


@pytest.mark.parametrize("most", [3_000_000, 1_000_000, 300_000])
def test_channels_are_divided_until_the_network_fits(most: int) -> None:
    found = reduce_network(NETWORK, lambda analysis: analysis.totals.macs <= most)
    assert found.analysis.totals.macs <= most
    less = reduce_network(NETWORK, lambda analysis: analysis.totals.macs <= 4 * most)
    assert less.divisor < found.divisor, "no more than needed"


def test_a_network_is_reduced_as_far_as_possible() -> None:
    found = reduce_network(NETWORK, lambda analysis: False)
    assert found.divisor > 32
    assert not found.is_full_size


def details(network: Graph, *, full_size: bool = False) -> dict[str, str]:
    checks = [*verify(network, ("shapes", "params", "operations", "folding", "memory"), full_size=full_size)]
    assert all(check.holds for check in checks)
    return {check.aspect: check.detail for check in checks}


def test_runs_with_too_many_operations_are_reduced_unless_the_full_size_is_requested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single_run, "MAX_RUN_OPERATIONS", 10_000_000)
    for aspect, detail in details(NETWORK).items():
        assert "on 3x16x16" in detail, aspect
    assert details(NETWORK, full_size=True)["shapes"] == "on random inputs, float32, batch 1"


def test_receptive_fields_are_probed_on_the_smallest_input_that_has_the_same_ones() -> None:
    assert compare_fields(LANGUAGE_MODEL).detail == "on 16 positions"
    assert compare_fields(chain("conv 4 k5 -> maxpool 2 -> conv 4 k7 -> relu", "3x500")).detail == "on 18 positions"


def test_a_pool_whose_windows_depend_on_the_input_is_probed_at_its_own_size() -> None:
    assert compare_fields(chain("adaptive_avgpool 5", "3x500")).detail == "on 500 positions"
