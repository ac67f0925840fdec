"""Networks of PyTorch, exported and read back: shapes, parameters, products and results are those of PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from archcalc import load
from archcalc.analysis.propagate import analyze
from archcalc.executor.interpreter import Interpreter
from archcalc.graph import Graph, Ref
from archcalc.ops.base import REGISTRY
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.read import read_model
from archcalc.spec import Source, SpecError, read_spec
from tests.operators.torch_parts import counterpart
from tests.random_networks import layers

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def exported(graph: Graph, folder: Path, batch: int) -> tuple[Path, list[Any], Any]:
    """Export a network as a PyTorch module; return the file, inputs and their result."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleDict()
            for number, node in enumerate(graph.nodes):
                if not node.is_input:
                    shapes = [graph.shape(ref) for ref in node.inputs]
                    self.parts[f"n{number}"] = counterpart(node.op, shapes)

        def forward(self, *inputs: Any) -> Any:
            values: dict[Ref, Any] = {Ref(number): each for number, each in enumerate(inputs)}
            for number, node in enumerate(graph.nodes[len(inputs) :], len(inputs)):
                found = self.parts[f"n{number}"](*[values[ref] for ref in node.inputs])
                values |= zip(graph.made_by(number), found if isinstance(found, tuple) else (found,), strict=True)
            return values[next(iter(graph.outputs.values()))]

    model = Net().eval()
    for array in model.state_dict().values():
        if array.is_floating_point():
            array.uniform_(0.5, 1.5)
    inputs = tuple([torch.rand(batch, *shape) for shape in graph.inputs.values()])
    with torch.no_grad():
        result = model(*inputs)
    path = folder / "net.pt2"
    torch.export.save(torch.export.export(model, inputs), path)
    return path, [each.numpy() for each in inputs], result.numpy()


UNREAD = {"dft", "gru", "lstm", "rnn"}
"""The operators whose counterparts in PyTorch have no translation. Those of recurrent layers take parts of parameters;
the modules themselves are read (`test_model_files_against_torch`). Fourier transforms have complex numbers."""

DRAWS = 4
"""The number of random layers of every operator."""


LEFT_OUT = {"embedding", "moe", "relative_bias", "shift_mask", "subsample", "take"}
"""An embedding reads indices, not random numbers; the parameters of a subsampling are constants in its export; the
counterpart of `moe` computes all experts, and that of `take` is vectorised over the batch; the others are one for all
examples, and joined to each."""


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - LEFT_OUT))
@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
)
@given(st.data())
def test_every_operator_is_read_back(name: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Of an operator that is read, some forms may be refused, such as padding that differs by side."""
    texts = [data.draw(layers(name)) for _ in range(DRAWS)]
    folder = tmp_path_factory.mktemp("exported")
    read = [is_read_back(read_spec(Source("random.yaml", text)).graph, folder, text) for text in texts]
    assert any(read) is (name not in UNREAD), read


def is_read_back(graph: Graph, folder: Path, text: str) -> bool:
    """Return whether an exported network is read; if it is, it must be the same network."""
    path, inputs, expected = exported(graph, folder, batch=2)
    try:
        model = read_model(path, "net.pt2")
    except SpecError as error:
        if error.problems[0].code != "unknown-op":
            raise
        return False
    lowered = lower(model)
    ours, theirs = analyze(lowered.graph).totals, analyze(graph).totals
    assert (ours.trainable, ours.macs) == (theirs.trainable, theirs.macs), text
    weights = {name: array.astype(np.float32) for name, array in lowered.arrays(model.arrays).items()}
    result = Interpreter(lowered.graph, weights).run(dict(zip(model.inputs, inputs, strict=True))).output
    np.testing.assert_allclose(result, expected.reshape(result.shape), rtol=1e-3, atol=1e-4, err_msg=text)
    return True


def test_random_numbers_have_the_distributions_of_pytorch(tmp_path: Path) -> None:
    """Their means and variances agree; the numbers themselves depend on the generator."""
    import torch

    class Draws(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            share = x.sigmoid()
            return torch.stack(
                [
                    x + torch.randn_like(x) * share,
                    x * torch.rand(x.shape[0], 16),
                    torch.bernoulli(share),
                    torch.bernoulli(x, 0.3),
                    torch.randint(3, 9, x.shape).float(),
                    torch.randint_like(x, 5),
                    torch.normal(x, share),
                    torch.normal(x, 2.0),
                    torch.normal(1.0, 3.0, x.shape),
                    torch.empty_like(x).exponential_(2.0),
                    torch.zeros_like(x).normal_(3, 2),
                    torch.zeros_like(x).uniform_(-1, 2),
                ],
                1,
            )

    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Draws(), (torch.zeros(1, 16),)), path)
    network = load(str(path))
    assert sum(node.op.is_random for node in network.graph.nodes) == 12
    x = np.random.default_rng(0).standard_normal((4000, 16)).astype(np.float32)
    ours = network.run({"x": x}, seed=1).output
    theirs = Draws()(torch.from_numpy(x)).numpy()
    assert ours.shape == theirs.shape
    for function in (np.mean, np.std):
        np.testing.assert_allclose(function(ours, (0, 2)), function(theirs, (0, 2)), atol=0.03)
    assert np.unique(ours, axis=0).shape == ours.shape  # every example has its own


def test_bits_of_integers_are_those_of_pytorch(tmp_path: Path) -> None:
    import torch

    class Bits(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            a = x.to(torch.int32)
            b = a.flip(-1)
            found = [a & b, a | 12, a ^ b, ~a, a << 3, a >> 2, (a >> 1) & 1, a.to(torch.uint8) << 4]
            return torch.stack([each.float() for each in found], 1)

    x = torch.from_numpy(np.random.default_rng(0).integers(-100, 100, (1, 30)).astype(np.float32))
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Bits(), (x,)), path)
    np.testing.assert_array_equal(load(str(path)).run({"x": x.numpy()}).output, Bits()(x).numpy())
