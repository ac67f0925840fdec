"""Tensors in float16 and bfloat16: runs have the numbers that ONNX's reference and ONNX Runtime compute in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import archcalc
from archcalc.engine.runner import Runner
from archcalc.executor.kernel import Array
from archcalc.executor.narrow import in_formats
from archcalc.readers.onnx.program import CODES

ml_dtypes = pytest.importorskip("ml_dtypes", minversion="0.5")

node = helper.make_node
DTYPES: dict[str, Any] = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


def model(nodes: list[Any], form: str, stored: dict[str, Array], sizes: list[int]) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", CODES[form], sizes)],
        [helper.make_tensor_value_info("y", CODES[form], None)],
        [numpy_helper.from_array(array.astype(DTYPES[form]), name) for name, array in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def numbers(*sizes: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(sizes)


def loaded(made: ModelProto, path: Path) -> archcalc.Network:
    (path / "net.onnx").write_bytes(made.SerializeToString())
    return archcalc.load(str(path / "net.onnx"))


def products(form: str) -> ModelProto:
    """Return a network of layers that are nodes of their own."""
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("Mul", ["a", "a"], ["b"]),
        node("Relu", ["a"], ["c"]),
        node("Sub", ["b", "c"], ["d"]),
        node("Reshape", ["d", "shape"], ["e"]),
        node("Softmax", ["e"], ["f"]),
        node("Div", ["f", "e"], ["y"]),
    ]
    made = model(nodes, form, {"w": numbers(12, 32)}, [2, 3, 12])
    made.graph.initializer.append(numpy_helper.from_array(np.array([0, 3, 8, 4]), "shape"))
    return made


def weights_of(network: archcalc.Network) -> dict[str, Array]:
    found = network.arrays("float32")
    assert found is not None
    return dict(found)


@pytest.mark.parametrize("form", DTYPES)
def test_every_result_is_rounded_as_by_the_reference_of_onnx(form: str, tmp_path: Path) -> None:
    """Within two numbers of the format: the reference adds numbers in bfloat16 one by one."""
    if form == "bfloat16" and defs.onnx_opset_version() < 28:
        pytest.skip("the reference of this version of onnx cannot multiply matrices in bfloat16")
    made, x = products(form), numbers(2, 3, 12, seed=2).astype(DTYPES[form])
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})  # type: ignore[misc]
    network = loaded(made, tmp_path)
    found = network.run({"x": x.astype(np.float32)}).output
    assert (found == found.astype(DTYPES[form])).all()
    assert (found == expected.astype(np.float32)).mean() > (0.99 if form == "float16" else 0.7)
    rtol = 2 * float(ml_dtypes.finfo(DTYPES[form]).eps)
    np.testing.assert_allclose(found, expected.astype(np.float32), rtol=rtol)
    exact = network.run({"x": x.astype(np.float64)}, dtype="float64").output
    assert not (exact == found).any()


OPERATORS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "Conv": (["w", "b"], {"pads": [1, 1, 1, 1]}),
    "BatchNormalization": (["b", "s", "m", "v"], {}),
    "InstanceNormalization": (["b", "s"], {}),
    "AveragePool": ([], {"kernel_shape": [3, 3]}),
    "LayerNormalization": (["l"], {}),
    "Sigmoid": ([], {}),
    "Gelu": ([], {}),
    "LogSoftmax": ([], {}),
    "ReduceMean": ([], {"keepdims": 0}),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_computes_in_float32_and_rounds_its_result_as_onnx_runtime_does(
    operator: str, tmp_path: Path
) -> None:
    read, attributes = OPERATORS[operator]
    stored = {"w": numbers(3, 3, 3, 3), "l": numbers(40), "v": np.abs(numbers(3)) + 0.1}
    stored |= {name: numbers(3, seed=seed) for seed, name in enumerate("bsm")}
    own = {name: stored[name] for name in read}
    made = model([node(operator, ["x", *read], ["y"], **attributes)], "float16", own, [1, 3, 20, 40])
    x = numbers(1, 3, 20, 40, seed=3).astype(np.float16)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    (expected,) = onnxruntime.InferenceSession(made.SerializeToString(), options).run(None, {"x": x})
    found = loaded(made, tmp_path).run({"x": x.astype(np.float32)}).output.reshape(expected.shape)
    assert (found == expected).mean() > 0.98
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("form", DTYPES)
@pytest.mark.parametrize("workers", [1, 2])
def test_repeated_runs_round_as_well(form: str, workers: int, tmp_path: Path) -> None:
    network = loaded(products(form), tmp_path)
    first, second = ({"x": numbers(2, 3, 12, seed=seed).astype(np.float32)} for seed in (4, 5))
    with Runner(network.graph, weights_of(network), workers=workers) as runner:
        for inputs in (first, first, second):
            np.testing.assert_array_equal(runner.run(inputs).output, network.run(inputs).output)


def test_inputs_and_stored_arrays_of_the_caller_keep_their_numbers(tmp_path: Path) -> None:
    nodes = [node("Identity", ["x"], ["a"]), node("Add", ["a", "b"], ["y"])]
    network = loaded(model(nodes, "float16", {"b": numbers(5)}, [2, 5]), tmp_path)
    x, weights = numbers(2, 5).astype(np.float32), {name: array + 1e-6 for name, array in weights_of(network).items()}
    given = {"x": x.copy(), **{name: array.copy() for name, array in weights.items()}}
    found = network.run({"x": x}, weights=weights).output
    assert all((given[name] == array).all() for name, array in {"x": x, **weights}.items())
    (b,) = weights.values()
    np.testing.assert_array_equal(found, (x.astype(np.float16) + b).astype(np.float16))


def test_arrays_that_share_memory_are_copied() -> None:
    x = np.full((2, 3), 1 / 3, np.float32)
    own = np.full((3, 2), 1 / 3, np.float32).T
    repeated = np.broadcast_to(np.array([1 / 3], np.float32), (2, 3))
    arrays, formats = [x[:, ::2], own, x.T, repeated], ["float16", "bfloat16", "", "float16"]
    view, rounded, other, spread = in_formats(arrays, formats, [x])
    assert (x == np.float32(1 / 3)).all()
    assert (view == np.float32(np.float16(1 / 3))).all()
    assert rounded is own
    assert (own == np.float32(ml_dtypes.bfloat16(1 / 3))).all()
    assert other.base is x
    assert (spread == np.float32(np.float16(1 / 3))).all()
