"""Work that is divided into chunks for the cache gives what undivided work gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.executor.kernels import chunks
from archcalc.ops.base import REGISTRY
from tests.executor.layers import layers_of, read
from tests.random_networks import layers


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"identity"}))
@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), chunk=st.sampled_from([1, 7, 64]))
def test_divided_work_has_the_same_result(name: str, data: st.DataObject, seed: int, chunk: int) -> None:
    for layer in layers_of(read(data.draw(layers(name))), seed):
        (whole, *_), alone = layer.run(tally=Counter())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chunks, "CHUNK", chunk)
            (divided, *_), together = layer.run(tally=Counter())
        np.testing.assert_allclose(divided, whole, rtol=1e-12, atol=1e-12, err_msg=str(layer.op))
        assert together.tally == alone.tally
