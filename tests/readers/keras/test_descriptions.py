"""Descriptions of both formats: nesting, sharing, several inputs, open sizes, and layers that only code knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.counters.network import counts_of
from archcalc.counters.tools.keras import KERAS
from archcalc.executor.kernel import Array
from archcalc.readers.keras.layers.unsupported import DECLINED
from archcalc.readers.keras.registry import CONVERSIONS
from archcalc.spec.errors import SpecError
from benchmarks.keras_models import CLASSES
from tests.readers.keras.descriptions import functional, image, layer, write

FILES = Path(__file__).parent / "files"
OLD_SHARED = {
    "class_name": "Functional",
    "keras_version": "2.11.0",
    "backend": "tensorflow",
    "config": {
        "name": "pair",
        "layers": [
            {"class_name": "InputLayer", "name": "a", "config": {"batch_input_shape": [None, 5], "name": "a"}},
            {"class_name": "InputLayer", "name": "b", "config": {"batch_input_shape": [None, 5], "name": "b"}},
            {
                "class_name": "Sequential",
                "name": "tower",
                "config": {
                    "name": "tower",
                    "layers": [
                        {
                            "class_name": "Dense",
                            "config": {
                                "name": "fc",
                                "trainable": True,
                                "units": 3,
                                "activation": "hard_sigmoid",
                                "batch_input_shape": [None, 5],
                            },
                        }
                    ],
                },
                "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]],
            },
            {
                "class_name": "Add",
                "name": "sum",
                "config": {"name": "sum", "trainable": True},
                "inbound_nodes": [[["tower", 1, 0, {}], ["tower", 2, 0, {}]]],
            },
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["sum", 0, 0]],
    },
}
"""As Keras 2 writes it: a nested model that is called twice, whose calls count from 1."""


def total(network: archcalc.Network, quantity: str) -> int:
    """Return a total of a network."""
    return analyze(network.graph, receptive=False).totals.of(quantity)


def test_calls_of_one_layer_share_its_parameters(tmp_path: Path):
    network = archcalc.load(write(tmp_path, OLD_SHARED))
    assert total(network, "params") == 5 * 3 + 3
    assert total(network, "macs") == 2 * 5 * 3
    assert list(network.graph.inputs) == ["a", "b"]


def test_a_function_depends_on_the_version(tmp_path: Path):
    """Keras 2 has 0.2·x + 0.5 where version 3 has x/6 + 0.5; see ``keras.activations.hard_sigmoid``."""
    old = archcalc.load(write(tmp_path, OLD_SHARED))
    names = [node.op.name for _, node in old.graph.layers()]
    assert names.count("clip") == 2
    new = functional(image(4), layer("Activation", "gate", "image", activation="hard_sigmoid"))
    assert [node.op.name for _, node in archcalc.load(write(tmp_path, new)).graph.layers()] == ["hardsigmoid"]


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("celu", lambda x: np.maximum(x, 0) + np.minimum(np.exp(x) - 1, 0)),
        ("hard_tanh", lambda x: np.clip(x, -1, 1)),
        ("tanh_shrink", lambda x: x - np.tanh(x)),
    ],
)
def test_an_activation_of_a_layer_has_its_definition(
    tmp_path: Path, name: str, definition: Callable[[Array], Array]
) -> None:
    model = functional(image(5), layer("Activation", "gate", "image", activation=name))
    x = np.array([-2, -0.5, 0, 0.5, 2])
    found = archcalc.load(write(tmp_path, model)).run({"image": x}, dtype="float64").output[0]
    np.testing.assert_allclose(found, definition(x), rtol=1e-12, atol=1e-12)


def test_nested_models_are_folded_by_name(tmp_path: Path):
    network = archcalc.load(write(tmp_path, OLD_SHARED))
    assert {node.path[0] for _, node in network.graph.layers()} == {"tower", "sum"}


def test_shapes_are_those_of_keras(tmp_path: Path):
    model = functional(image(9, 7, 3), layer("Conv2D", "c", "image", filters=4, kernel_size=[3, 2], strides=[2, 1]))
    network = archcalc.load(write(tmp_path, model))
    assert network.graph.layout == "hwc"
    assert network.graph.shape(network.tensor("c")) == (4, 4, 6)
    assert total(network, "params") == 3 * 2 * 3 * 4 + 4


def test_channels_first_stay_first(tmp_path: Path):
    options = {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}
    network = archcalc.load(write(tmp_path, functional(image(3, 9, 7), layer("Conv2D", "c", "image", **options))))
    assert network.graph.layout == "chw"
    assert network.graph.shape(network.tensor("c")) == (4, 7, 5)


def test_a_layer_in_another_format_is_turned(tmp_path: Path):
    other = layer("Conv2D", "c2", "c1", filters=5, kernel_size=1, data_format="channels_first")
    model = functional(image(3, 9, 7), layer("Conv2D", "c1", "image", filters=4, kernel_size=1), other)
    network = archcalc.load(write(tmp_path, model))
    assert total(network, "params") == 7 * 4 + 4 + 3 * 5 + 5


OPEN = functional(
    image(None, None, 3),
    layer("Conv2D", "c", "image", filters=4, kernel_size=3),
    layer("GlobalAveragePooling2D", "g", "c"),
)


def test_open_sizes_must_be_given(tmp_path: Path):
    path = write(tmp_path, OPEN)
    with pytest.raises(SpecError, match="--shape image=HxWx3"):
        archcalc.load(path)
    assert total(archcalc.load(path, shapes="20x30x3"), "macs") == 18 * 28 * 3 * 3 * 3 * 4


def test_open_sizes_may_be_symbols(tmp_path: Path):
    formula = archcalc.formula(write(tmp_path, OPEN), "macs", free=["H", "W"])
    assert "108·(H − 2)·(W − 2)" in str(formula)


CUSTOM = functional(
    image(8, 8, 3),
    layer("Lambda", "lam", "image"),
    {**layer("Mine", "m1", "lam"), "module": None, "registered_name": "package>Mine"},
    {**layer("Mine", "m2", "m1"), "module": "my.layers"},
    layer("Flatten", "f", "m2"),
    layer("Dense", "d", "f", units=2),
)


def test_layers_that_only_code_knows_are_listed_together(tmp_path: Path):
    with pytest.raises(SpecError) as caught:
        archcalc.load(write(tmp_path, CUSTOM))
    text = str(caught.value)
    assert "2 × Mine, in 'm1', 'm2'" in text
    assert f"1 × Lambda: {DECLINED['Lambda']}, in 'lam'" in text
    assert "--layer" in text
    assert "--partial" not in text  # since the file does not give the shapes of what they make


@pytest.mark.parametrize("names", [("lam", "Mine"), ("Lambda", "Mine"), ("lam", "Mine", "m2")])
def test_layers_are_declared_by_name_or_class(names: tuple[str, ...], tmp_path: Path):
    declared = dict.fromkeys(names, "relu") | {"Mine": "conv 4 k3 same"} | ({"m2": "relu"} if "m2" in names else {})
    network = archcalc.load(write(tmp_path, CUSTOM), layers=declared)
    second = 0 if "m2" in names else 4 * 4 * 9 + 4
    assert total(network, "params") == 3 * 4 * 9 + 4 + second + 256 * 2 + 2


def test_a_declaration_must_be_of_a_layer(tmp_path: Path):
    with pytest.raises(SpecError, match="no layer or class 'Min'"):
        archcalc.load(write(tmp_path, CUSTOM), layers={"Min": "relu"})


def test_only_keras_models_have_declarations():
    with pytest.raises(SpecError, match="only layers of a Keras model"):
        archcalc.load("lenet5", layers={"c1": "relu"})


def test_partial_counts_the_rest_where_shapes_are_recorded(tmp_path: Path):
    dense = layer("Dense", "d", "lam", units=2)
    dense["inbound_nodes"][0]["args"][0]["config"]["shape"] = [None, 6]
    network = archcalc.load(write(tmp_path, functional(image(8), layer("Lambda", "lam", "image"), dense)), partial=True)
    assert total(network, "params") == 6 * 2 + 2
    assert any("Lambda" in note for note in network.graph.notes)


def test_a_spec_in_json_is_still_a_spec(tmp_path: Path):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"input": "3x8x8", "layers": ["conv 4 k3"]}))
    assert total(archcalc.load(str(path)), "params") == 3 * 4 * 9 + 4


def test_a_sequential_model_needs_a_shape(tmp_path: Path):
    entries = [layer("Dense", "d", units=2)]
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": entries}}
    path = write(tmp_path, model)
    with pytest.raises(SpecError, match="does not give the shape of the input"):
        archcalc.load(path)
    assert total(archcalc.load(path, shapes="7"), "params") == 7 * 2 + 2


def of_tensorflow(function: str, name: str, *call: Any) -> dict[str, Any]:
    """Return a function of TensorFlow as Keras 2 describes it."""
    config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": "TFOpLambda", "name": name, "config": config, "inbound_nodes": [[*call]]}


def test_unknown_functions_of_tensorflow_are_listed(tmp_path: Path):
    entry = {"class_name": "InputLayer", "name": "a", "config": {"batch_input_shape": [None, 5], "name": "a"}}
    layers = [entry, of_tensorflow("signal.fft", "f", ["a", 0, 0, {}])]
    ends = {"input_layers": [["a", 0, 0]], "output_layers": [["f", 0, 0]]}
    path = write(tmp_path, {"class_name": "Functional", "config": {"name": "m", "layers": layers, **ends}})
    with pytest.raises(SpecError, match=r"1 × tf\.signal\.fft, in 'f'"):
        archcalc.load(path)


@pytest.mark.parametrize(
    ("shape", "reason"), [((600, 4), "600 steps, more than 512"), ((4,), "without an axis for them")]
)
def test_steps_that_cannot_be_layers_are_refused(shape: tuple[int, ...], reason: str, tmp_path: Path):
    inner = layer("LayerNormalization", "norm")
    path = write(tmp_path, functional(image(*shape), layer("TimeDistributed", "td", "image", layer=inner)))
    with pytest.raises(SpecError, match=reason):
        archcalc.load(path)


def test_steps_of_open_length_are_refused_with_a_reason(tmp_path: Path):
    inner = layer("LayerNormalization", "norm")
    path = write(tmp_path, functional(image(None, 4), layer("TimeDistributed", "td", "image", layer=inner)))
    with pytest.raises(SpecError, match="open"):
        archcalc.formula(path, "macs", free=["n0"])
    assert total(archcalc.load(path, shapes="3x4"), "params") == 8


def test_every_layer_of_keras_is_converted_or_declined():
    known = {*Path(FILES, CLASSES).read_text().split()}
    assert known <= {*CONVERSIONS, *DECLINED}
    assert not {*CONVERSIONS} & {*DECLINED}


def test_the_documentation_names_the_declined_layers():
    page = Path(__file__).parents[3].joinpath("docs", "model-files.md").read_text()
    assert [name for name in DECLINED if f"`{name}`" not in page] == []


def test_a_declined_layer_says_why(tmp_path: Path):
    path = write(tmp_path, functional(image(3), layer("StringLookup", "words", "image")))
    with pytest.raises(SpecError, match=f"1 × StringLookup: {DECLINED['StringLookup']}, in 'words'"):
        archcalc.load(path)


def broken(**changes: Any) -> dict[str, Any]:
    """Return the description of a model with other entries in its last layer."""
    return functional(image(8, 8, 3), {**layer("Conv2D", "c", "image", filters=4, kernel_size=3), **changes})


UNREADABLE = {
    "another class": ({"class_name": "Dense", "config": {"units": 3}}, "of the layer"),
    "own class": (
        {"class_name": "Net", "registered_name": "package>Net", "config": {}},
        "whose layers are defined in code",
    ),
    "no layers": ({"class_name": "Functional", "config": {}}, "'layers' must be a list"),
    "a cycle": (
        functional(image(3), layer("ReLU", "r", "s"), layer("ReLU", "s", "r")),
        "a tensor that is not computed before it",
    ),
    "unknown output": (
        functional(image(3), layer("ReLU", "r", "nothing")),
        "a tensor that is not computed before it",
    ),
    "names": (functional(image(3), layer("ReLU", "image", "image")), "two layers have the name 'image'"),
    "no filters": (broken(config={"kernel_size": 3}), "'filters' is missing"),
    "filters": (broken(config={"filters": "x", "kernel_size": 3}), "'filters' must be an integer"),
    "padding": (broken(config={"filters": 1, "kernel_size": 3, "padding": "odd"}), "the padding 'odd'"),
    "kernel": (broken(config={"filters": 4, "kernel_size": 30}), "does not fit"),
    "negative": (broken(config={"filters": -4, "kernel_size": 3}), "'filters' must be at least 1"),
    "nodes": (broken(inbound_nodes=[3]), "a call of a layer"),
    "batch axis": (
        functional(image(3, 3), layer("Concatenate", "c", "image", "image", axis=0)),
        "the axis of the batch",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_wrong_is_said(case: str, tmp_path: Path):
    description, message = UNREADABLE[case]
    with pytest.raises(SpecError, match=message):
        archcalc.load(write(tmp_path, description))


def function(class_name: str, *args: Any, module: str = "numpy", **config: Any) -> dict[str, Any]:
    """Return a function of ``keras.ops`` as Keras 3 describes it; texts are the names of the layers that it reads."""

    def argument(value: Any) -> Any:
        if isinstance(value, list):
            return [argument(each) for each in value]
        is_name = isinstance(value, str)
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [value, 0, 0]}} if is_name else value

    own = layer(class_name, class_name.lower(), **config)
    return {**own, "module": f"keras.src.ops.{module}", "inbound_nodes": [{"args": argument([*args]), "kwargs": {}}]}


def array(value: Any) -> dict[str, Any]:
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (function("Add", "map", "row"), "whose batches would not be aligned"),
        (function("Matmul", "map", "row"), "a product with vectors"),
        (function("Add", "row", array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])), "numbers of its own for each example"),
        (function("Add", "row", array([[1.0, 2.0], [3.0]])), "neither a tensor nor an array"),
        (function("Einsum", "map", "map", subscripts="bij,bkj->ik"), "a product along the batch"),
        (function("Einsum", "map", subscripts="bii->bi"), "the diagonal"),
        (function("Take", "map", [0, 9], axis=1), "positions beyond 4"),
        (function("Split", "map", indices_or_sections=3, axis=1), "4 positions in 3 equal parts"),
        (function("Concatenate", ["map", "row"], axis=1), "whose batches would not be aligned"),
        (function("Roll", "map", shift=1), "includes the batch"),
        (function("BroadcastTo", "map", shape=[None, 8, 3]), "neither equal those of the tensor"),
        (function("Pad", "map", pad_width=[[1, 1], [0, 0], [0, 0]]), "without the batch"),
    ],
)
def test_functions_that_mix_examples_are_refused(made: dict[str, Any], reason: str, tmp_path: Path):
    inputs = [["map", 0, 0], ["row", 0, 0]]
    model = functional(image(4, 3, name="map"), image(3, name="row"), made, inputs=inputs)
    with pytest.raises(SpecError, match=reason):
        archcalc.load(write(tmp_path, model))


def test_arrays_in_the_description_are_no_weights(tmp_path: Path):
    model = functional(image(2, 3, name="map"), function("Add", "map", array([1.0, 2.0, 3.0])))
    network = archcalc.load(write(tmp_path, model))
    (total_params, *others) = counts_of(analyze(network.graph), network.spec.model, (KERAS,))
    assert [total_params.value, *(each.value for each in others)] == [0, 0, 0, 0]
    made = network.run({"map": [[[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]})
    assert made.outputs["add"].tolist() == [[[2.0, 3.0, 4.0], [1.0, 2.0, 3.0]]]
