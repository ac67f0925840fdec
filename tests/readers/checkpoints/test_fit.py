"""Which tensors of a checkpoint a network has: by name, by order, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.executor.errors import ArrayError
from archcalc.executor.weights import initial_arrays, stored_array_shapes
from archcalc.readers.checkpoints.weights import read_checkpoint_weights
from tests.readers.checkpoints.files import state_dict, write_safetensors, write_torch
from tests.readers.programs import small_network, write

SPEC = """
input: 3x8x8
layers:
  - stem: conv 4 k3 nobias -> bn -> relu
  - body: conv 4 k3 -> relu -> conv 4 k1
  - head: fc 5
"""
PYTORCH = {
    "0.weight": (4, 3, 3, 3),
    "1.weight": (4,),
    "1.bias": (4,),
    "1.running_mean": (4,),
    "1.running_var": (4,),
    "1.num_batches_tracked": (),
    "3.weight": (4, 4, 3, 3),
    "3.bias": (4,),
    "5.weight": (4, 4, 1, 1),
    "5.bias": (4,),
    "fc.weight": (5, 64),
    "fc.bias": (5,),
}
"""The tensors of the network in an order and with names of PyTorch."""
BY_NAME = {
    "stem.conv.weight": "0.weight",
    "stem.bn.weight": "1.weight",
    "stem.bn.bias": "1.bias",
    "stem.bn.running_mean": "1.running_mean",
    "stem.bn.running_var": "1.running_var",
    "body.conv_1.weight": "3.weight",
    "body.conv_1.bias": "3.bias",
    "body.conv_2.weight": "5.weight",
    "body.conv_2.bias": "5.bias",
    "head.weight": "fc.weight",
    "head.bias": "fc.bias",
}
ARRAYS = {
    "stem/conv.weight": "0.weight",
    "stem/bn.scale": "1.weight",
    "stem/bn.shift": "1.bias",
    "stem/bn.mean": "1.running_mean",
    "stem/bn.variance": "1.running_var",
    "body/conv_1.weight": "3.weight",
    "body/conv_1.bias": "3.bias",
    "body/conv_2.weight": "5.weight",
    "body/conv_2.bias": "5.bias",
    "head.weight": "fc.weight",
    "head.bias": "fc.bias",
}


def numbers(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        name: np.array(7, "i8") if name.endswith("tracked") else rng.uniform(0.5, 1, shape).astype("f4")
        for name, shape in shapes.items()
    }


@pytest.fixture
def network(tmp_path: Path) -> archcalc.Network:
    (tmp_path / "net.yaml").write_text(SPEC)
    return archcalc.load(str(tmp_path / "net.yaml"))


def read(network: archcalc.Network, path: Path) -> Any:
    return read_checkpoint_weights(str(path), network.graph, network.spec.model)


def problems(network: archcalc.Network, path: Path) -> list[str]:
    with pytest.raises(ArrayError) as caught:
        read(network, path)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "a.b.c."])
def test_tensors_are_found_by_the_names_of_layers(network: archcalc.Network, tmp_path: Path, prefix: str) -> None:
    arrays = numbers(PYTORCH)
    named = {f"{prefix}{name}": arrays[other] for name, other in reversed(BY_NAME.items())}  # in any order
    found = read(network, write_safetensors(tmp_path / "net.safetensors", named))
    assert not found.by_order
    assert found.arrays.keys() == ARRAYS.keys()
    for name, other in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], arrays[other])


def test_tensors_are_found_by_their_order(network: archcalc.Network, tmp_path: Path) -> None:
    arrays = numbers(PYTORCH)
    found = read(network, write_torch(tmp_path / "net.pth", state_dict(arrays)))
    assert len(found.by_order) == 5
    for name, other in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], arrays[other])


def test_another_order_is_not_guessed(network: archcalc.Network, tmp_path: Path) -> None:
    arrays = numbers(PYTORCH)
    other = {name: arrays[name] for name in sorted(arrays, key=lambda name: name[::-1])}
    found = problems(network, write_torch(tmp_path / "net.pth", state_dict(other)))
    assert found[0].startswith(
        "tensors cannot be assigned to the layers by their order: stem/conv needs weight 4x3x3x3"
    )
    assert "head has no tensors for weight 5x64, bias 5" in found
    assert "'fc.bias' (5) belongs to no layer" in found


def test_the_order_of_a_format_that_sorts_tensors_says_nothing(tmp_path: Path) -> None:
    network = archcalc.load("2 -> fc 2 nobias -> fc 2 nobias")
    arrays = {f"{name}.weight": np.full((2, 2), at, "f4") for at, name in enumerate(("first", "body"))}
    found = problems(network, write_safetensors(tmp_path / "net.safetensors", arrays))
    assert "layers with equal shapes could be confused" in found[0]
    assert read(network, write_torch(tmp_path / "net.pth", state_dict(arrays))).by_order == ("fc_1", "fc_2")
    different = archcalc.load("2 -> fc 2 nobias -> fc 3 nobias")
    arrays["body.weight"] = np.ones((3, 2), "f4")
    assert read(different, write_safetensors(tmp_path / "net.safetensors", arrays)).by_order == ("fc_1", "fc_2")


def test_everything_that_does_not_fit_is_listed(network: archcalc.Network, tmp_path: Path) -> None:
    arrays = numbers(PYTORCH)
    named = {name: arrays[other] for name, other in BY_NAME.items()}
    named["head.weight"] = np.zeros((10, 64), "f4")
    del named["stem.bn.bias"]
    named["aux.weight"] = np.zeros(3, "f4")
    assert problems(network, write_safetensors(tmp_path / "net.safetensors", named)) == [
        "head.weight must have shape 5x64, got 10x64 of 'head.weight'",
        "stem/bn has no tensors for shift 4",
        "'aux.weight' (3) belongs to no layer",
    ]


def test_numbers_that_are_not_finite_are_named(network: archcalc.Network, tmp_path: Path) -> None:
    arrays = numbers(PYTORCH) | {"fc.bias": np.full(5, np.nan, "f4")}
    path = write_torch(tmp_path / "net.pth", state_dict(arrays))
    with pytest.raises(ArrayError, match=r"head\.bias holds numbers that are not finite"):
        read(network, path)


@pytest.mark.parametrize("dtype", ["f2", "f8", "i8"])
def test_other_number_formats_are_converted(tmp_path: Path, dtype: str) -> None:
    network = archcalc.load("2 -> fc 3")
    arrays = {"weight": np.arange(6, dtype=dtype).reshape(3, 2), "bias": np.array([1, 2, 3], "f4")}
    found = read(network, write_torch(tmp_path / "net.pth", state_dict({f"fc_1.{k}": v for k, v in arrays.items()})))
    assert found.arrays["fc_1.weight"].dtype == np.float32
    assert found.arrays["fc_1.weight"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_linear_layer_may_be_stored_as_a_convolution(tmp_path: Path) -> None:
    network = archcalc.load("2 -> fc 3 nobias")
    weight = np.arange(6, dtype="f4").reshape(3, 2, 1, 1)
    found = read(network, write_safetensors(tmp_path / "net.safetensors", {"fc_1.weight": weight}))
    assert found.arrays["fc_1.weight"].tolist() == [[0, 1], [2, 3], [4, 5]]


def attention_tensors(style: str) -> dict[str, Any]:
    """Return tensors of one attention with 4 features under the names of libraries."""
    rows = {f"{name}_{kind}": np.full((4, 4) if kind == "weight" else 4, at, "f4") for kind in ("weight", "bias")
            for at, name in enumerate("qkvo")}  # fmt: skip
    if style == "separate":
        modules = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}
        return {f"{modules[key[0]]}.{key[2:]}": array for key, array in rows.items()}
    joined = {kind: np.concatenate([rows[f"{name}_{kind}"] for name in "qkv"]) for kind in ("weight", "bias")}
    if style == "torch":
        names = {"in_proj_weight": joined["weight"], "in_proj_bias": joined["bias"]}
        return names | {"out_proj.weight": rows["o_weight"], "out_proj.bias": rows["o_bias"]}
    return {"qkv.weight": joined["weight"], "qkv.bias": joined["bias"], "proj.weight": rows["o_weight"]} | {
        "proj.bias": rows["o_bias"]
    }


@pytest.mark.parametrize("module", ["attention_1", "another"])
@pytest.mark.parametrize("style", ["separate", "torch", "timm"])
def test_attention_has_the_names_of_libraries(tmp_path: Path, style: str, module: str) -> None:
    network = archcalc.load("3x4 -> attention heads=2")
    tensors = {f"{module}.{name}": array for name, array in attention_tensors(style).items()}
    found = read(network, write_safetensors(tmp_path / "net.safetensors", tensors))
    for at, name in enumerate(("query", "key", "value", "output")):
        assert np.all(found.arrays[f"attention_1.{name}"] == at)
        assert np.all(found.arrays[f"attention_1.{name}_bias"] == at)


@pytest.mark.parametrize("options", ["", " layers=2", " layers=2 bidirectional", " proj=2"])
def test_recurrent_layers_join_the_tensors_of_pytorch(tmp_path: Path, options: str) -> None:
    network = archcalc.load(f"5x3 -> lstm 4{options}")
    layers, ways = 1 + ("layers" in options), 1 + ("bidirectional" in options)
    width = 2 if "proj" in options else 4
    tensors = {}
    for layer in range(layers):
        for way in ("", "_reverse")[:ways]:
            end, read_width = f"l{layer}{way}", 3 if layer == 0 else width * ways
            shapes = {"weight_ih": (16, read_width), "weight_hh": (16, width), "bias_ih": (16,), "bias_hh": (16,)}
            shapes |= {"weight_hr": (2, 4)} if "proj" in options else {}
            tensors |= {f"rnn.{name}_{end}": np.full(shape, len(tensors), "f4") for name, shape in shapes.items()}
    found = read(network, write_torch(tmp_path / "net.pth", state_dict(tensors)))
    assert {name: array.shape for name, array in found.arrays.items()} == stored_array_shapes(network.graph)


def test_learned_tensors_come_before_those_of_the_layers(tmp_path: Path) -> None:
    network = archcalc.load("2x4 -> linear 4 -> concat(learned 1x4, identity) -> add(identity, learned 3x4)")
    tensors = {
        "token": np.full((1, 1, 4), 1, "f4"),
        "positions": np.full((1, 3, 4), 2, "f4"),
        "proj.weight": np.full((4, 4), 3, "f4"),
        "proj.bias": np.full(4, 4, "f4"),
    }
    found = read(network, write_torch(tmp_path / "net.pth", state_dict(tensors))).arrays
    assert [float(array.flat[0]) for array in found.values()] == [3, 4, 1, 2]


def test_a_model_file_names_its_tensors(tmp_path: Path) -> None:
    network = archcalc.load(str(write(tmp_path / "net.pt2", small_network())))
    in_file = network.spec.model.recorded.stored  # type: ignore[union-attr]
    expected = initial_arrays(network.graph, seed=5)
    arrays = {names[0]: expected[array] for array, names in in_file.items()}
    found = read(network, write_torch(tmp_path / "net.pth", state_dict(dict(reversed(arrays.items())))))
    assert found.arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found.arrays[name], array)
