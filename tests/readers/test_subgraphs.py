"""Operators that call graphs: their graphs become layers of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
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


@pytest.mark.parametrize(("value", "expected"), [("1", 2 * X), ("-1", X + 1)])
def test_a_given_input_decides_a_condition(tmp_path: Path, value: str, expected: Any) -> None:
    calls = [
        call("gt.Scalar", "p", self="@flag", other=0),
        higher_order("cond", ["y"], {"as_tensor": {"name": "p"}}, TWICE, NEXT, tensors("x")),
    ]
    path = write(tmp_path / "net.pt2", document({"x": X.shape, "flag": ()}, calls, {"p": (), "y": X.shape}))
    with pytest.raises(SpecError) as caught:
        read_model(path, "net.pt2")
    assert "(--input flag=NUMBER)" in caught.value.problems[0].hint
    assert archcalc.load(str(path), partial=True).analyze().totals.is_complete is False
    found = archcalc.load(str(path), values={"flag": value}).run({"x": X}).output
    np.testing.assert_array_equal(found, expected)
    for name, written, expected_error in (("other", "1", "no input 'other'"), ("flag", "1,2", "must be a number")):
        with pytest.raises(SpecError, match=expected_error):
            read_model(path, "net.pt2", values={name: written})


def with_a_decision(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the file of a network whose input ``flag`` decides which graph is called, and its description."""
    calls = [higher_order("cond", ["y"], {"as_tensor": {"name": "flag"}}, TWICE, NEXT, tensors("x"))]
    described = document({"x": X.shape, "flag": ()}, calls, {"y": X.shape})
    return write(folder / "net.pt2", described), described


def test_constant_arguments_and_nested_inputs_leave_the_inputs_their_names(tmp_path: Path) -> None:
    path, described = with_a_decision(tmp_path)
    module = described["graph_module"]
    names = module["module_call_graph"][0]["signature"]["forward_arg_names"]
    module["signature"]["input_specs"].append({"constant_input": {"name": "n", "value": {"as_int": 2}}})
    for parameters, flag in ((["x", "decide", "n"], "decide"), (["inputs", "n"], "flag")):
        names[:] = parameters
        write(path, described)
        found = archcalc.load(str(path), values={flag: "1"}).run({"x": X}).output
        np.testing.assert_array_equal(found, 2 * X)


COUNT = graph(["i", "x"], [call("lt.Scalar", "less", self="@i", other=3)], ["less"], ())
STEP = graph(
    ["i", "x"],
    [call("add.Tensor", "next", self="@i", other=1), call("mul.Tensor", "y", self="@x", other=2.0)],
    ["next", "y"],
    X.shape,
)


def test_a_loop_is_repeated_as_often_as_constants_say(tmp_path: Path) -> None:
    calls = [
        call("zeros.default", "zero", size=[]),
        higher_order("while_loop", ["n", "y"], COUNT, STEP, tensors("zero", "x"), {"as_tensors": []}),
    ]
    np.testing.assert_array_equal(run(tmp_path, calls, zero=(), n=(), y=X.shape), 8 * X)


@pytest.mark.parametrize("first", ["x", "zero"])
def test_a_loop_of_unknown_or_endless_repetitions_cannot_be_counted(tmp_path: Path, first: str) -> None:
    """Its condition depends on the input, or is always true."""
    always = graph(["i", "x"], [call("ge.Scalar", "more", self="@i", other=-5)], ["more"], ())
    calls = [
        call("zeros.default", "zero", size=[]),
        higher_order("while_loop", ["n", "y"], always, STEP, tensors(first, "x"), {"as_tensors": []}),
    ]
    with pytest.raises(SpecError) as caught:
        run(tmp_path, calls, zero=(), n=(), y=X.shape)
    assert "1 × higher_order.while_loop" in caught.value.problems[0].hint
    assert ("the numbers in 'x' decide" if first == "x" else "repetitions") in caught.value.problems[0].hint


def test_a_map_calls_its_graph_for_every_position(tmp_path: Path) -> None:
    row = graph(["row", "w"], [call("mul.Tensor", "made", self="@row", other="@w")], ["made"], (1, 4))
    calls = [
        call("permute.default", "xs", self="@x", dims=[1, 0, 2]),
        call("ones.default", "w", size=[4]),
        higher_order("map_impl", ["rows"], row, tensors("xs"), tensors("w")),
        call("permute.default", "y", self="@rows", dims=[1, 0, 2]),
    ]
    np.testing.assert_array_equal(run(tmp_path, calls, xs=(2, 1, 4), w=(4,), rows=(2, 1, 4), y=X.shape), X)


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


def vmap(
    *given: tuple[str, str, int], size: int, calls: list[dict[str, Any]], taken: tuple[str, str, int]
) -> list[Any]:
    """Return the calls of a vectorised function: what it is given, its calls, and what it returns, with axes."""

    def part(name: str, result: str | None, *arguments: Any) -> dict[str, Any]:
        values = [{"as_tensor": {"name": each}} if isinstance(each, str) else {"as_int": each} for each in arguments]
        inputs = [{"name": "", "arg": value, "kind": 1} for value in values]
        outputs = [{"as_none": True} if result is None else {"as_tensor": {"name": result}}]
        target = f"torch._functorch.predispatch.{name}"
        return {"target": target, "inputs": inputs, "outputs": outputs, "metadata": {}}

    return [
        part("lazy_load_decompositions", None),
        part("_vmap_increment_nesting", None, size, 0),
        *(part("_add_batch_dim", inner, outer, axis, 1) for outer, inner, axis in given),
        *calls,
        part("_remove_batch_dim", taken[1], taken[0], 1, size, taken[2]),
        part("_vmap_decrement_nesting", None),
    ]


def test_vectorised_functions_are_called_for_every_position(tmp_path: Path) -> None:
    """Every row is multiplied by its sum, and its elements, in a function of their own, by 2."""
    inner = vmap(
        ("row", "one", 1), size=4, calls=[call("mul.Tensor", "two", self="@one", other=2.0)], taken=("two", "twice", 1)
    )
    sums = [
        call("sum.dim_IntList", "s", self="@row", dim=[-1], keepdim=True),
        call("mul.Tensor", "made", self="@twice", other="@s"),
    ]
    calls = vmap(("x", "row", 1), size=2, calls=[*inner, *sums], taken=("made", "y", 1))
    sizes = {"row": (1, 4), "one": (1,), "two": (1,), "twice": (1, 4), "s": (1, 1), "made": (1, 4), "y": X.shape}
    np.testing.assert_allclose(run(tmp_path, calls, **sizes), 2 * X * X.sum(-1, keepdims=True))


def program_of_graphs() -> dict[str, Any]:
    """Return a program that calls graphs in every way."""
    row = graph(["row"], [call("mul.Tensor", "made", self="@row", other=3.0)], ["made"], (1, 4))
    step = graph(["carry", "row"], [call("add.Tensor", "total", self="@carry", other="@row")], ["total"] * 2, (1, 4))
    calls = [
        call("zeros.default", "zero", size=[]),
        higher_order("while_loop", ["n", "a"], COUNT, STEP, tensors("zero", "x"), {"as_tensors": []}),
        call("gt.Scalar", "p", self="@zero", other=0),
        higher_order("cond", ["b"], {"as_tensor": {"name": "p"}}, TWICE, NEXT, tensors("a")),
        higher_order("wrap", ["c"], TWICE, {"as_tensor": {"name": "b"}}),
        call("permute.default", "d", self="@c", dims=[1, 0, 2]),
        higher_order("map_impl", ["e"], row, tensors("d"), {"as_tensors": []}),
        call("new_zeros.default", "first", self="@x", size=[1, 4]),
        higher_order("scan", ["last", "f"], step, tensors("first"), tensors("e"), {"as_tensors": []}),
        call("permute.default", "g", self="@f", dims=[1, 0, 2]),
        *vmap(("g", "h", 1), size=2, calls=[call("relu.default", "i", self="@h")], taken=("i", "y", 1)),
    ]
    sizes = {"zero": (), "n": (), "p": (), "first": (1, 4), "last": (1, 4), "h": (1, 4), "i": (1, 4)}
    rows = dict.fromkeys("def", (2, 1, 4))
    return document({"x": X.shape}, calls, {**sizes, **rows, **dict.fromkeys("abcgy", X.shape)})


def test_graphs_are_called_in_every_way(tmp_path: Path) -> None:
    path = write(tmp_path / "net.pt2", program_of_graphs())
    found = archcalc.load(str(path)).run({"x": X}).output
    np.testing.assert_allclose(found, np.maximum(3 * (2 * (8 * X + 1)).cumsum(axis=1), 0))


def test_graphs_with_too_many_calls_cannot_be_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each graph calls the one in it twice, so that a small file has very many calls."""
    monkeypatch.setattr("archcalc.readers.torch_export.inlining.MAX_CALLS", 50)
    deep = TWICE
    for _ in range(5):
        calls = [higher_order("wrap", [made], deep, tensors(read)) for read, made in (("x", "y"), ("y", "z"))]
        deep = graph(["x"], calls, ["z"], X.shape)
    with pytest.raises(SpecError) as caught:
        run(tmp_path, [higher_order("wrap", ["y"], deep, tensors("x"))], y=X.shape)
    assert "higher_order.wrap: more than 50 calls in graphs" in caught.value.problems[0].hint


def test_anything_but_a_graph_is_one_error(tmp_path: Path) -> None:
    deep = TWICE
    for _ in range(25):
        deep = graph(["x"], [higher_order("wrap", ["y"], deep, {"as_tensor": {"name": "x"}})], ["y"], X.shape)
    for arguments, expected in (
        ([{"as_bool": True}, {"as_tensor": {"name": "x"}}], "one graph, got 0"),
        ([TWICE], "wrong number of arguments"),
        ([deep, {"as_tensor": {"name": "x"}}], "nested more than 20 deep"),
    ):
        with pytest.raises(SpecError, match=expected):
            run(tmp_path, [higher_order("wrap", ["y"], *arguments)], y=X.shape)
