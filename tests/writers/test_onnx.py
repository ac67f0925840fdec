"""Written ONNX models: valid, computed alike by ONNX Runtime, and read again as the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from archcalc.api import Network, load
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial
from archcalc.graph import Graph
from archcalc.spec import Source, SpecError, read_spec
from archcalc.writers.onnx.write import write_onnx
from tests.executor.onnx_models import session

TOKENS = """
input: 4x6
layers:
  - tokens: concat(learned 1x6, identity) -> add(identity, learned (n0)x6)
  - body: attention heads=2 causal -> ln axis=last -> linear 8 -> gelu -> linear 6
  - last: rms_norm -> geglu
"""
SHARED = """
inputs: {left: 1x8x8, right: 1x8x8}
shared:
  tower: conv 4 k3 -> bn -> relu -> fc 5
layers:
  - one: tower
  - other: "@right -> tower"
  - same: sub(@one, @other) -> abs -> fc 1
heads:
  seen: "@one"
"""
IMAGE = """
input: 3x9x9
layers:
  - conv 6 k3 s2 same -> gn 2 -> prelu channels -> upconv 4 k2 s2 -> in -> maxpool 2 -> gap -> fc 3 -> softmax
"""
NETWORKS = {"tokens": TOKENS, "shared": SHARED, "image": IMAGE}


def graph(text: str) -> Graph:
    return read_spec(Source("net.yaml", text)).graph


def inputs_of(network: Graph, batch: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal((batch, *shape), np.float32) for name, shape in network.inputs.items()}


@pytest.mark.parametrize("opset", [18, 21])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_models_are_valid_and_onnx_runtime_agrees_for_any_batch(text: str, opset: int) -> None:
    network = graph(text)
    weights = initial(network, seed=3)
    model = write_onnx(network, weights, opset=opset)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    run = session(model)
    for batch in (1, 3):
        inputs = inputs_of(network, batch)
        ours = Interpreter(network, weights).run(inputs).outputs
        theirs = dict(zip([each.name for each in run.get_outputs()], run.run(None, inputs), strict=True))
        assert theirs.keys() == ours.keys()
        for name, expected in theirs.items():
            np.testing.assert_allclose(ours[name], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_models_read_as_the_same_network(tmp_path: Path, text: str, *, weights: bool) -> None:
    network = graph(text)
    again = written(network, tmp_path, weights=weights)
    before, after = Network(read_spec(Source("net.yaml", text))).analyze().totals, again.analyze().totals
    assert (after.trainable, after.macs) == (before.trainable, before.macs)
    outputs = [again.graph.shape(ref) for ref in again.graph.outputs.values()]
    assert outputs == [network.shape(ref) for ref in network.outputs.values()]
    assert again.graph.inputs == network.inputs


def written(network: Graph, folder: Path, *, weights: bool) -> Network:
    path = folder / "net.onnx"
    path.write_bytes(write_onnx(network, initial(network) if weights else None))
    return load(str(path))


def test_layers_and_arrays_keep_their_names(tmp_path: Path) -> None:
    network = load("resnet18").graph
    model = onnx.load_from_string(write_onnx(network))
    made = {name for node in model.graph.node for name in node.output}
    assert {node.name for _, node in network.layers()} - {*network.outputs} <= made | {network.nodes[-1].name}
    assert "conv2_x.conv_1.weight" in made
    again = written(network, tmp_path, weights=False).graph
    lost = {node.name for _, node in network.layers()} - {node.name for _, node in again.layers()}
    assert lost == {"head/fc"}  # a node that flattens, and one that multiplies


def test_a_model_without_weights_is_small_and_runs() -> None:
    network = load("vgg16").graph
    model = write_onnx(network)
    assert len(model) < 100_000
    assert session(model).get_inputs()[0].shape == ["batch", 3, 224, 224]


def test_arrays_without_numbers_are_not_weights(tmp_path: Path) -> None:
    assert written(graph(SHARED), tmp_path, weights=False).arrays() is None


def test_layers_that_a_version_cannot_express_are_all_named() -> None:
    network = graph("input: 3x9x9\nlayers: {a: avgpool 2 d2, b: conv 3 k1, c: avgpool 2 d2}")
    assert write_onnx(network, opset=19)
    with pytest.raises(SpecError) as error:
        write_onnx(network, opset=18)
    assert [problem.message for problem in error.value.problems] == [
        f"{name}: AveragePool has no attribute 'dilations' in opset 18" for name in ("a", "c")
    ]


@pytest.mark.parametrize("opset", [17, 999])
def test_other_versions_are_refused(opset: int) -> None:
    with pytest.raises(SpecError, match="the opset must be from 18 to"):
        write_onnx(graph(SHARED), opset=opset)
