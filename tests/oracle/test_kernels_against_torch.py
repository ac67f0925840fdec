"""What kernels compute, in training mode too, against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archcalc.executor.kernel import KERNELS
from tests.executor.layers import FAMILIES, Layer, layers_of, read
from tests.random_networks import layers

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")]

some = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

HERE = {family.__name__ for family in FAMILIES}
NAMES = sorted(op.name for op, kernel in KERNELS.items() if kernel.__module__ in HERE)

TOLERANCE = {np.float32: 3e-5, np.float64: 1e-10}


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def counterpart(layer: Layer) -> Any:
    """The module of PyTorch with the layer's stored arrays in it: both keep them in the same order."""
    import torch

    from tests.oracle.counterparts import COUNTERPARTS

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.from_numpy(layer.inputs[0]).dtype)
    try:
        module = COUNTERPARTS[layer.op.name](layer.op, [x.shape[1:] for x in layer.inputs])
    finally:
        torch.set_default_dtype(before)
    theirs = [*module.parameters(), *(b for name, b in module.named_buffers() if "num_batches" not in name)]
    with torch.no_grad():
        for tensor, ours in zip(theirs, layer.weights.values(), strict=True):
            tensor.copy_(torch.from_numpy(ours).reshape(tensor.shape))
    return module


def expected(module: Any, layer: Layer) -> Any:
    import torch

    with torch.no_grad():
        return module(*map(torch.from_numpy, layer.inputs)).numpy()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "identity"])
@some
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float32, np.float64]))
def test_every_kernel_agrees_with_pytorch(name: str, data: st.DataObject, seed: int, dtype: Any) -> None:
    for layer in layers_of(read(data.draw(layers(name))), seed, dtype=dtype):
        if layer.op.name != name:
            continue
        theirs = expected(counterpart(layer).eval(), layer)
        for overwrite in (False, True):
            (ours,), _ = layer.run(overwrite=overwrite)
            assert ours.dtype == dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(
                ours, theirs, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=str(layer.op)
            )
