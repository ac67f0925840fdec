"""Generated code for PyTorch: the modules that it defines have the parameters, shapes and outputs of the network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed
from archcalc.api import load
from archcalc.executor.inputs import vocabularies
from archcalc.graph import Graph
from archcalc.spec import GivenSettings, SpecError, load_spec
from archcalc.writers.code.arguments import settings_of
from archcalc.writers.pytorch.registry import LAYERS
from archcalc.writers.pytorch.reserved import ATTRIBUTES
from archcalc.writers.pytorch.write import write_pytorch
from tests.oracle import awkward_names
from tests.oracle.generated_pytorch import class_of, differences, module_of
from tests.random_networks import layers, networks
from tests.sample import SAMPLE
from tests.writers.code.networks import LOOPS, SHARED, graph

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")]

some = settings(max_examples=15, derandomize=True)

TOLERANCE = 2e-3
"""The largest difference, relative to the largest number of an output; deep networks amplify rounding errors."""

TABLE = """
input: 3x9x9
tables: {some: X.XX / .XX. / XXXX, more: X..X / .X.X / .XX. / ..XX}
layers:
  - a: conv 4 k3 s2 half table=some -> tanh
  - b: conv 4 k2x3 pad=0:1x1 table=more nobias -> fc 2 -> rbf 3
"""
AXES = """
input: 4x2x4x6x6
layers:
  - a: conv 6 k1x3x3x3 s1x1x2x2 half -> bn -> relu
  - b: dwconv k1x2x3x3 pad=0x0:1x1x1 nobias
  - c: "rearrange 'c h t y x = h (t y x) c' -> linear 3"
"""
NETWORKS = {"shared": SHARED, "loops": LOOPS, "table": TABLE, "axes": AXES}


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def is_written(network: Graph) -> bool:
    """Return whether PyTorch can express a network; what it cannot is an error with reasons."""
    try:
        return bool(write_pytorch(network))
    except SpecError as error:
        if any(problem.code != "write" for problem in error.problems):
            raise
        return False


def agrees(network: Graph) -> None:
    counted = sum(parameter.numel() for parameter in module_of(network).parameters() if parameter.requires_grad)
    assert counted == trained(network)
    assert max(differences(network).values()) < TOLERANCE


def trained(network: Graph) -> int:
    """Return the number of trained numbers, those of training heads included."""
    return int(analyze(network, training=True).totals.trainable)


@pytest.mark.parametrize("name", sorted(LAYERS))
@settings(some)
@given(data=st.data())
def test_every_operator_that_is_written_computes_the_same(name: str, data: st.DataObject) -> None:
    network = graph(data.draw(layers(name)))
    if is_written(network):
        assert max(differences(network).values(), default=0) < TOLERANCE


@settings(some, max_examples=60)
@given(networks())
def test_random_networks_compute_the_same(text: str) -> None:
    network = graph(text)
    indices = {index for index, name in enumerate(network.inputs) if name in vocabularies(network)}
    readers = [node.op.name for node in network.nodes if indices & {ref.node for ref in node.inputs}]
    assume({*readers} <= {"embedding"})  # PyTorch's indices are integers, which other layers do not read
    if is_written(network):
        assert max(differences(network).values(), default=0) < TOLERANCE


@settings(some, max_examples=60)
@given(awkward_names.networks())
def test_networks_whose_names_mean_something_else_compute_the_same(text: str) -> None:
    assert max(differences(graph(text)).values()) < TOLERANCE


def test_names_of_attributes_are_those_of_modules(torch: Any) -> None:
    plain = {name for name in dir(torch.nn.Sequential()) if not name.startswith("__")}
    assert not plain - ATTRIBUTES


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_loops_shared_weights_and_heads_agree(text: str) -> None:
    agrees(graph(text))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*sorted({*SAMPLE} - {"lenet5-1998"}), "vit", "swin", "fpn", "convnext", "wavenet"])
def test_bundled_networks_agree_when_they_are_narrowed(name: str) -> None:
    agrees(narrowed(load(name).graph, 8))


@pytest.mark.parametrize("name", ["lenet1", "lenet5-1998"])
def test_networks_with_connection_tables_agree(name: str) -> None:
    agrees(load(name).graph)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["unet", "vit", "gpt2", "resnet50", "vggnet", "swin", "llama", "densenet", "t5"])
def test_arguments_give_the_network_that_the_spec_gives_with_these_values(torch: Any, name: str) -> None:
    arguments_agree(torch, name)


def arguments_agree(torch: Any, name: str) -> int:
    """Compare what is stored with other values of each argument and of all of them; return their number."""

    def read(variables: Mapping[str, str], sizes: Mapping[str, Any]) -> Graph:
        return load_spec(name, GivenSettings(variables, numbers=sizes, training_heads="all")).graph

    plain = read({}, {})
    made = class_of(write_pytorch(plain, read))
    keys = {setting.name: setting for setting in settings_of(plain)}
    defaults = {each.name.rstrip("_"): each for each in inspect.signature(made).parameters.values()}
    assert all(each.default == float(keys[key].of(plain)) for key, each in defaults.items())
    for chosen in [*([key] for key in defaults), [*defaults]]:
        for factor in (5, 7):
            try:
                network = read({}, {keys[key].key: factor * keys[key].of(plain) for key in chosen})
            except SpecError:
                continue
            values = {each.name: keys[key].of(network) for key, each in defaults.items()}
            with torch.device("meta"):
                module = made(**{key: each if isinstance(each, int) else float(each) for key, each in values.items()})
            stored = sum(each.numel() for each in module.parameters() if each.requires_grad)
            assert stored == trained(network), chosen
    return len(defaults)


def test_training_heads_are_returned_in_training_only(torch: Any) -> None:
    network = graph(LOOPS)
    module = module_of(network)
    x = torch.zeros(2, 3, 16, 16)
    assert len(module.train()(x)) == 2
    assert module.eval()(x).shape == (2, 5)


def test_names_in_the_state_are_those_of_layers() -> None:
    state = module_of(load("lenet5").graph).state_dict()
    assert [*state] == [
        f"{layer}.{array}"
        for layer in ("c1.conv", "c3.conv", "c5.conv", "f6.fc", "out.fc")
        for array in ("weight", "bias")
    ]


def test_modules_of_model_files_have_the_names_of_the_model(torch: Any, tmp_path: Any) -> None:
    from torch import nn

    class Block(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(channels)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.norm(self.conv(x)) + x)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
            self.layers = nn.Sequential(*[Block(8) for _ in range(3)])
            self.head = nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            return self.head(self.layers(self.stem(x)).mean((2, 3)))

    model = Model().eval()
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3, 16, 16),)), path)
    network = load(str(path)).graph
    written = module_of(network)
    assert "for _ in range(3)" in write_pytorch(network)
    assert "class Block(nn.Module)" in write_pytorch(network)
    written.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(written.eval()(x), model(x))
