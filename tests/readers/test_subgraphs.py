"""Operators that call graphs: their graphs become layers of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc.executor.interpreter import Interpreter
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.read import read_model
from archcalc.spec.errors import SpecError
from tests.readers.programs import call, document, meta, write

X = np.arange(-4.0, 4.0, dtype=np.float32).reshape(1, 2, 4)


def graph(inputs: list[str], calls: list[dict[str, Any]], outputs: list[str], size: tuple[int, ...]) -> dict[str, Any]:
    """Return a graph as an argument; all of its tensors have the same sizes."""
    names = [*inputs, *(each["outputs"][0]["as_tensor"]["name"] for each in calls)]
    content = {
        "inputs": [{"as_tensor": {"name": name}} for name in inputs],
        "outputs": [{"as_tensor": {"name": name}} for name in outputs],
        "nodes": calls,
        "tensor_values": {name: meta(*size) for name in names},
        "sym_int_values": {},
        "sym_bool_values": {},
    }
    return {"as_graph": {"name": "inner", "graph": content}}


def higher_order(name: str, results: list[str], *arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a call of an operator that calls graphs, whose arguments have no names."""
    made = call("relu.default", results[0], self="@x")
    made["target"] = f"torch.ops.higher_order.{name}"
    made["inputs"] = [{"name": "", "arg": each, "kind": 1} for each in arguments]
    made["outputs"] = [{"as_tensor": {"name": each}} for each in results]
    return made


def tensors(*names: str) -> dict[str, Any]:
    return {"as_tensors": [{"name": name} for name in names]}


def run(folder: Path, calls: list[dict[str, Any]], **sizes: tuple[int, ...]) -> Any:
    path = write(folder / "net.pt2", document({"x": X.shape}, calls, sizes))
    model = read_model(path, "net.pt2")
    lowered = lower(model)
    return Interpreter(lowered.graph, lowered.arrays(model.arrays)).run({"x": X}).output


TWICE = graph(["x"], [call("mul.Tensor", "y", self="@x", other=2.0)], ["y"], X.shape)
NEXT = graph(["x"], [call("add.Tensor", "y", self="@x", other=1.0)], ["y"], X.shape)


@pytest.mark.parametrize("name", ["wrap_with_set_grad_enabled", "wrap_with_autocast", "tag_activation_checkpoint"])
def test_a_graph_has_names_of_its_own(tmp_path: Path, name: str) -> None:
    """Both graphs call their argument x, and their result y, as the program does; one is in the other."""
    nested = graph(["x"], [higher_order(name, ["y"], NEXT, {"as_tensor": {"name": "x"}})], ["y"], X.shape)
    calls = [
        higher_order(name, ["a"], {"as_bool": False}, TWICE, {"as_tensor": {"name": "x"}}),
        higher_order(name, ["b"], nested, {"as_tensor": {"name": "a"}}),
        call("add.Tensor", "y", self="@b", other="@x"),
    ]
    found = run(tmp_path, calls, a=X.shape, b=X.shape, y=X.shape)
    np.testing.assert_array_equal(found, 2 * X + 1 + X)


def test_a_graph_may_write_into_its_argument(tmp_path: Path) -> None:
    negated = graph(["x"], [call("neg_.default", "y", self="@x")], ["y"], X.shape)
    calls = [
        call("mul.Tensor", "a", self="@x", other=2.0),
        higher_order("wrap_with_set_grad_enabled", ["b"], {"as_bool": False}, negated, {"as_tensor": {"name": "a"}}),
        call("add.Tensor", "y", self="@a", other="@x"),
    ]
    np.testing.assert_array_equal(run(tmp_path, calls, a=X.shape, b=X.shape, y=X.shape), -X)


@pytest.mark.parametrize(("value", "expected"), [(True, 2 * X), (False, X + 1)])
def test_a_fixed_condition_chooses_a_graph(tmp_path: Path, value: bool, expected: Any) -> None:
    calls = [higher_order("cond", ["y"], {"as_bool": value}, TWICE, NEXT, tensors("x"))]
    np.testing.assert_array_equal(run(tmp_path, calls, y=X.shape), expected)


def test_a_condition_that_depends_on_numbers_cannot_be_counted(tmp_path: Path) -> None:
    calls = [
        call("relu.default", "p", self="@x"),
        higher_order("cond", ["y"], {"as_tensor": {"name": "p"}}, TWICE, NEXT, tensors("x")),
    ]
    with pytest.raises(SpecError) as caught:
        run(tmp_path, calls, p=X.shape, y=X.shape)
    assert "1 × higher_order.cond" in caught.value.problems[0].hint


def test_a_scan_calls_its_graph_for_every_position(tmp_path: Path) -> None:
    """The sums of the positions so far, and twice these sums."""
    step = graph(
        ["carry", "row"],
        [
            call("add.Tensor", "total", self="@carry", other="@row"),
            call("mul.Tensor", "made", self="@total", other=2.0),
        ],
        ["total", "made"],
        (1, 4),
    )
    calls = [
        call("permute.default", "xs", self="@x", dims=[1, 0, 2]),
        call("new_zeros.default", "zero", self="@x", size=[1, 4]),
        higher_order("scan", ["last", "rows"], step, tensors("zero"), tensors("xs"), {"as_tensors": []}),
        call("unsqueeze.default", "u", self="@last", dim=0),
        call("cat.default", "both", tensors=["@rows", "@u"], dim=0),
        call("permute.default", "y", self="@both", dims=[1, 0, 2]),
    ]
    sizes = {"xs": (2, 1, 4), "zero": (1, 4), "last": (1, 4), "rows": (2, 1, 4), "u": (1, 1, 4), "both": (3, 1, 4)}
    totals = X.cumsum(axis=1)
    found = run(tmp_path, calls, **sizes, y=(1, 3, 4))
    np.testing.assert_array_equal(found, np.concatenate([2 * totals, totals[:, -1:]], axis=1))


def test_anything_but_a_graph_is_one_error(tmp_path: Path) -> None:
    deep = TWICE
    for _ in range(25):
        deep = graph(["x"], [higher_order("wrap", ["y"], deep, {"as_tensor": {"name": "x"}})], ["y"], X.shape)
    for arguments, expected in (
        ([{"as_bool": True}, {"as_tensor": {"name": "x"}}], "without a graph"),
        ([TWICE], "wrong number of arguments"),
        ([deep, {"as_tensor": {"name": "x"}}], "nested more than 20 deep"),
    ):
        with pytest.raises(SpecError, match=expected):
            run(tmp_path, [higher_order("wrap", ["y"], *arguments)], y=X.shape)
