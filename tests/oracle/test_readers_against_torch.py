"""Networks of PyTorch, exported and read back: shapes, parameters, products and results are those of PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.executor.interpreter import Interpreter
from archcalc.graph import Graph
from archcalc.ops.base import REGISTRY
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.translate import read_model
from archcalc.spec import Source, SpecError, read_spec
from tests.operators.torch_parts import counterpart
from tests.random_networks import layers

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

UNREAD: set[str] = set()
"""The operators whose counterpart in PyTorch has no translation."""


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def exported(graph: Graph, folder: Path, batch: int) -> tuple[Path, Any, Any]:
    """Export a network of one input as a module of PyTorch; return the file, an input and its result."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleDict()
            for number, node in enumerate(graph.nodes):
                if not node.is_input:
                    shapes = [graph.shape(ref) for ref in node.inputs]
                    self.parts[f"n{number}"] = counterpart(node.op, shapes)

        def forward(self, x: Any) -> Any:
            values: list[Any] = []
            for number, node in enumerate(graph.nodes):
                inputs = [values[ref.node] for ref in node.inputs]
                values.append(x if node.is_input else self.parts[f"n{number}"](*inputs))
            return values[-1]

    model = Net().eval()
    for array in model.state_dict().values():
        if array.is_floating_point():
            array.uniform_(0.5, 1.5)
    x = torch.rand(batch, *graph.nodes[0].output)
    with torch.no_grad():
        result = model(x)
    path = folder / "net.pt2"
    torch.export.save(torch.export.export(model, (x,)), path)
    return path, x.numpy(), result.numpy()


NOT_READ_BACK = {
    "attention",
    "constant",
    "einsum",
    "embedding",
    "learned",
    "matmul",
    "mean",
    "pixel_shuffle",
    "rearrange",
    "reduce",
    "repeat",
    "roll",
    "sdpa",
    "space_to_depth",
    "sum",
}
"""Operators whose counterparts in PyTorch are several calls, or read tensors of another kind."""


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - NOT_READ_BACK))
@settings(
    max_examples=4,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_every_operator_is_read_back(name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    text = data.draw(layers(name))
    graph = read_spec(Source("random.yaml", text)).graph
    if len(graph.inputs) > 1:
        return
    path, x, expected = exported(graph, tmp_path_factory.mktemp("exported"), batch=2)
    try:
        model = read_model(path, "net.pt2")
    except SpecError as error:
        if error.problems[0].code != "unknown-op":
            raise
        pytest.skip(error.problems[0].message)
    lowered = lower(model)
    ours, theirs = analyze(lowered.graph).totals, analyze(graph).totals
    assert (ours.trainable, ours.macs) == (theirs.trainable, theirs.macs), text
    arrays = model.arrays(set(lowered.stored.values()))
    weights = {name: arrays[stored] for name, stored in lowered.stored.items()}
    result = Interpreter(lowered.graph, weights).run({next(iter(model.inputs)): x}).output
    np.testing.assert_allclose(result, expected.reshape(result.shape), rtol=1e-3, atol=1e-4, err_msg=text)
