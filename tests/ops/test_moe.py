"""Mixtures of experts: parameters of all experts, cost of those that are used."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.analysis.propagate import analyze
from archcalc.executor.kernel import Context, kernel_of
from archcalc.numeric import Impossible
from archcalc.ops.moe import MixtureOfExperts
from archcalc.query.targets import resolve
from archcalc.spec import Source, read_spec

MIXTRAL = MixtureOfExperts(hidden=14336, experts=8, act="silu", gated=True, bias=False)


def test_a_layer_of_mixtral_stores_all_experts_and_uses_two() -> None:
    weights = MIXTRAL.weights(((4096, 4096),))
    assert sum(weight.count for weight in weights) == 8 * 3 * 14336 * 4096 + 8 * 4096
    assert sum(weight.active_count for weight in weights) == 2 * 3 * 14336 * 4096 + 8 * 4096
    assert MIXTRAL.cost(((10, 4096),)).macs == 10 * (2 * 3 * 14336 * 4096 + 8 * 4096)
    assert MIXTRAL.output(((10, 4096),)) == (10, 4096)


def test_a_layer_of_switch_has_experts_of_two_layers() -> None:
    """Switch base: 128 experts of 768 and 3072, one per token, biases left out."""
    op = MixtureOfExperts(hidden=3072, experts=128, top=1, bias=False)
    assert sum(weight.count for weight in op.weights(((512, 768),))) == 128 * (2 * 768 * 3072 + 768)
    assert op.cost(((1, 768),)).macs == 2 * 768 * 3072 + 128 * 768


def test_the_largest_scores_choose_and_share() -> None:
    """Two of three experts, each of one unit that multiplies by its own number."""
    op = MixtureOfExperts(hidden=1, experts=3, bias=False)
    router, up, down = np.array([[0.0], [1.0], [2.0]]), np.ones((3, 1, 1)), np.array([[[100.0]], [[1.0]], [[10.0]]])
    x = np.array([[[1.0], [3.0]]])
    (found,) = kernel_of(op)(op, (x,), {"router": router, "up": up, "down": down}, Context())
    share = 1 / (1 + np.exp(-x[0, :, 0]))
    np.testing.assert_allclose(found[0, :, 0], x[0, :, 0] * (share * 10 + (1 - share) * 1))


def test_active_params_are_params_where_no_layer_is_conditional() -> None:
    network = read_spec(Source("net.yaml", "input: 3x8x8\nlayers:\n  - conv 4 k3 -> bn\n  - fc 10\n"))
    analysis = analyze(network.graph)
    assert resolve("active_params", analysis) == resolve("params", analysis)


def test_active_params_of_shared_experts_count_once() -> None:
    text = "input: 5x6\nshared:\n  mix: moe 8 experts=4 top=1 nobias\nlayers:\n  - a: mix\n  - b: mix\n"
    analysis = analyze(read_spec(Source("net.yaml", text)).graph)
    assert resolve("params", analysis).values == (4 * 2 * 8 * 6 + 4 * 6,)
    assert resolve("active_params", analysis).values == (2 * 8 * 6 + 4 * 6,)


def test_no_token_uses_more_experts_than_there_are() -> None:
    with pytest.raises(Impossible, match="at most the number of experts, 8, got 9"):
        MixtureOfExperts(hidden=4, experts=8, top=9).output(((3, 4),))
