"""Functions that are called for the positions of an axis, or a counted number of times, compute what PyTorch does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def networks() -> dict[str, Any]:
    """Return modules that read batch × 4 × 6."""
    import torch
    from torch import nn
    from torch._higher_order_ops.associative_scan import associative_scan
    from torch._higher_order_ops.map import map as mapped
    from torch._higher_order_ops.scan import scan
    from torch._higher_order_ops.while_loop import while_loop

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(6, 6)

    class Mapped(Net):
        def forward(self, x: Any) -> Any:
            return mapped(lambda row: torch.relu(self.linear(row)), x.transpose(0, 1).clone()).transpose(0, 1)

    class Scanned(Net):
        def forward(self, x: Any) -> Any:
            def step(state: Any, row: Any) -> Any:
                return torch.tanh(self.linear(row) + state), state * 2

            state, rows = scan(step, x[:, 0].clone(), x, dim=1)
            return rows + state[:, None]

    class Associative(Net):
        def forward(self, x: Any) -> Any:
            def both(one: Any, other: Any) -> Any:
                return one[0] * other[0], one[1] * other[0] + other[1]

            gates, sums = associative_scan(both, (x.sigmoid(), self.linear(x)), 1, combine_mode="generic")
            return gates + sums

    class Counted(Net):
        def forward(self, x: Any) -> Any:
            def step(count: Any, y: Any) -> Any:
                return count + 1, torch.relu(self.linear(y))

            return while_loop(lambda count, y: count < 3, step, (torch.zeros((), dtype=torch.long), x))[1]

    return {each.__name__: each for each in (Mapped, Scanned, Associative, Counted)}


@pytest.mark.parametrize("name", ["Mapped", "Scanned", "Associative", "Counted"])
def test_functions_that_are_called_several_times_are_layers(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net, x = networks()[name]().eval(), torch.randn(2, 4, 6)
    with torch.no_grad():
        torch.export.save(torch.export.export(net, (x,)), tmp_path / "net.pt2")
        expected = net(x).numpy()
    read = archcalc.load(str(tmp_path / "net.pt2"))
    totals = read.analyze().totals
    assert (totals.trainable, totals.macs) == (42, 4 * 36 * (3 if name == "Counted" else 1))
    found = read.run({next(iter(read.graph.inputs)): x.numpy()}).output
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-5 * np.abs(expected).max()
