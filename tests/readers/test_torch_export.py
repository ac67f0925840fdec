"""Files of torch.export are read to graphs without PyTorch, and refused with one clear reason."""

from __future__ import annotations

import copy
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.executor.interpreter import Interpreter
from archcalc.readers.building import LoweredModel
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.read import read_model
from archcalc.spec.errors import SpecError
from tests.readers.programs import call, document, payloads, small_network, symbol, write
from tests.readers.test_subgraphs import program_of_graphs


def read(folder: Path, program: dict[str, Any]) -> LoweredModel:
    return lower(read_model(write(folder / "net.pt2", program), "net.pt2"))


def reason(folder: Path, program: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as caught:
        read(folder, program)
    (problem,) = caught.value.problems
    assert problem.origin == "net.pt2"
    return problem.message


def test_layers_are_named_after_modules(tmp_path: Path) -> None:
    graph = read(tmp_path, small_network()).graph
    assert [node.name for node in graph.nodes] == [
        "x",
        "stem/conv",
        "stem/act",
        "stem/add",
        "maxpool",
        "flatten",
        "head",
    ]
    assert [node.output for node in graph.nodes][-3:] == [(8, 3, 3), (72,), (10,)]
    assert analyze(graph).totals.params == 8 * 27 + 730


@pytest.mark.parametrize("batch", [2, 5])
def test_the_graph_does_not_depend_on_the_batch(tmp_path: Path, batch: int) -> None:
    one, many = read(tmp_path, small_network()).graph, read(tmp_path, small_network(batch)).graph
    assert [(node.name, node.outputs) for node in one.nodes] == [(node.name, node.outputs) for node in many.nodes]


def test_a_write_in_place_is_seen_by_later_reads(tmp_path: Path) -> None:
    """The sum reads the convolution's result after the activation has overwritten it."""
    graph = read(tmp_path, small_network()).graph
    act, add = graph.nodes[2], graph.nodes[3]
    assert graph.nodes[add.inputs[0].node] is act
    assert add.inputs[0] == add.inputs[1]


def sum_after_write(folder: Path, *writes: dict[str, Any], **sizes: tuple[int, ...]) -> Any:
    """Return (twice x, and what calls write into it) + x, for an x of −6 … 5."""
    calls = [call("mul.Tensor", "a", self="@x", other=2.0), *writes, call("add.Tensor", "y", self="@a", other="@x")]
    program = document({"x": (1, 3, 4)}, calls, {"a": (1, 3, 4), **sizes, "y": (1, 3, 4)})
    graph = read(folder, program).graph
    return Interpreter(graph, {}).run({"x": X}).output


X = np.arange(-6.0, 6.0, dtype=np.float32).reshape(1, 3, 4)


def test_a_write_through_a_view_changes_the_tensor_and_all_its_views(tmp_path: Path) -> None:
    """The sum reads a tensor after the activation of a view has overwritten it, and one made before a write."""
    flat = call("view.default", "v", self="@a", size=[1, 12])
    relu = call("relu_.default", "r", self="@v")
    positive = 2 * np.maximum(X, 0)
    found = sum_after_write(tmp_path, flat, relu, v=(1, 12), r=(1, 12))
    np.testing.assert_array_equal(found, positive + X)
    part = call("slice.Tensor", "p", self="@a", dim=1, start=0, end=2)
    last = call("slice.Tensor", "l", self="@a", dim=1, start=-1)
    neg = call("neg_.default", "n", self="@l")
    added = call("add_.Tensor", "s", self="@p", other="@n")
    expected = 2 * X
    expected[:, 2] *= -1
    expected[:, :2] += expected[:, 2:]
    found = sum_after_write(tmp_path, part, last, neg, added, p=(1, 2, 4), l=(1, 1, 4), n=(1, 1, 4), s=(1, 2, 4))
    np.testing.assert_array_equal(found, expected + X)


def test_a_copy_is_not_changed_by_a_write(tmp_path: Path) -> None:
    copied = call("clone.default", "c", self="@a")
    relu = call("relu_.default", "r", self="@c")
    np.testing.assert_array_equal(sum_after_write(tmp_path, copied, relu, c=(1, 3, 4), r=(1, 3, 4)), 3 * X)


def test_a_formula_whose_tensor_is_written_through_a_view_is_not_one_layer(tmp_path: Path) -> None:
    """Between the sigmoid of a tensor and its product with the tensor, a part of the tensor changes its sign."""
    calls = [
        call("mul.Tensor", "a", self="@x", other=2.0),
        call("slice.Tensor", "p", self="@a", dim=1, start=0, end=2),
        call("sigmoid.default", "s", self="@a"),
        call("neg_.default", "n", self="@p"),
        call("mul.Tensor", "y", self="@a", other="@s"),
    ]
    sizes = {"a": (1, 3, 4), "p": (1, 2, 4), "s": (1, 3, 4), "n": (1, 2, 4), "y": (1, 3, 4)}
    graph = read(tmp_path, document({"x": (1, 3, 4)}, calls, sizes)).graph
    expected = 2 * X / (1 + np.exp(-2 * X))
    expected[:, :2] *= -1
    np.testing.assert_allclose(Interpreter(graph, {}).run({"x": X}).output, expected, rtol=1e-5)


def test_a_write_that_cannot_be_followed_is_named(tmp_path: Path) -> None:
    calls = [call("diagonal.default", "d", self="@a", dim1=1, dim2=2), call("relu_.default", "r", self="@d")]
    with pytest.raises(SpecError) as caught:
        sum_after_write(tmp_path, *calls, d=(1, 3), r=(1, 3))
    assert "aten.diagonal" in caught.value.problems[0].hint


def test_parts_of_other_sizes_than_those_of_the_file_are_refused(tmp_path: Path) -> None:
    model = document(
        {"x": (1, 6, 4)},
        [call("split.Tensor", "a", self="@x", split_size=3, dim=1), call("relu.default", "y", self="@a")],
        {"a": (1, 3, 4), "b": (1, 3, 4), "y": (1, 3, 4)},
    )
    model["graph_module"]["graph"]["nodes"][0]["outputs"] = [{"as_tensors": [{"name": "a"}, {"name": "b"}]}]
    steps = read_model(write(tmp_path / "net.pt2", model), "net.pt2")
    assert lower(steps).graph.nodes[-1].output == (3, 4)
    with pytest.raises(SpecError, match="the size of an axis must be 6, as in the file, got 9"):
        lower(steps, {"x": (9, 4)})


def test_layers_know_the_arrays_of_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, small_network()).stored == {
        "stem/conv.weight": ("stem.conv.weight",),
        "head.weight": ("head.weight",),
        "head.bias": ("head.bias",),
    }


def test_a_shape_that_the_file_contradicts_is_an_error(tmp_path: Path) -> None:
    program = small_network()
    program["graph_module"]["graph"]["tensor_values"]["m"]["sizes"][2]["as_int"] = 4
    assert "makes 8x3x3, but the file records 8x4x3" in reason(tmp_path, program)


UNFIT = {
    "the argument 'weight' must be a tensor": call("prelu.default", "y", self="@x", weight=None),
    "the argument 'running_mean' is missing": call("batch_norm.default", "y", input="@x", running_mean=None, eps=1e-5),
    "a permutation that repeats an axis": call("permute.default", "y", self="@x", dims=[1, 1]),
    "the axis 7 does not exist": call("softmax.int", "y", self="@x", dim=7),
}


@pytest.mark.parametrize("expected", UNFIT)
def test_arguments_that_do_not_fit_are_named(tmp_path: Path, expected: str) -> None:
    program = document({"x": (1, 8)}, [UNFIT[expected]], {"y": (1, 8)}, {"weight": (8, 8)})
    with pytest.raises(SpecError) as caught:
        read(tmp_path, program)
    assert expected in caught.value.problems[0].hint


@pytest.mark.parametrize("sizes", [(0, 8), (1, 0), (1, 2**63), (1,) * 65])
def test_sizes_that_no_tensor_of_a_network_has(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    calls = [call("view.default", "y", self="@x", size=[1, 8])]
    with pytest.raises(SpecError):
        read(tmp_path, document({"x": sizes}, calls, {"y": (1, 8)}))


def test_sizes_that_depend_on_numbers_name_their_call(tmp_path: Path) -> None:
    size = symbol("u0", 3)
    del size["as_expr"]["hint"]
    program = document({"x": (1, 8)}, [call("nonzero.default", "y", module="pick", self="@x")], {"y": (size, 2)})
    where = "'nonzero' of 'pick' (torch.nn.Module, net.py:7)"
    assert reason(tmp_path, program) == f"the sizes of the result of {where} depend on the numbers in the input"


def test_an_unknown_version_of_the_schema_is_named(tmp_path: Path) -> None:
    program = small_network()
    program["schema_version"]["major"] = 9
    assert "version 9.20 of the schema" in reason(tmp_path, program)


def test_a_checkpoint_is_not_mistaken_for_a_program(tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"cposix\nsystem\n")
    with pytest.raises(SpecError, match="a checkpoint"):
        read_model(path, "net.pt2")


def nodes_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in nodes_of(each, (*path, key)))]


PROGRAMS = (small_network(), program_of_graphs())
PLACES = [(number, path) for number, program in enumerate(PROGRAMS) for path in nodes_of(program) if path]

unsuitable = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
    st.just({}),
    st.just([[{"as_int": 1}]]),
    st.just({"as_tensor": {"name": "x"}}),
    st.just({"as_expr": {"expr_str": "Pow(Integer(9), Integer(999999999))"}}),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), unsuitable, st.booleans())
def test_a_damaged_description_is_one_error_or_none(
    tmp_path_factory: pytest.TempPathFactory, damage: tuple[int, tuple[Any, ...]], value: Any, delete: bool
) -> None:
    number, place = damage
    program = copy.deepcopy(PROGRAMS[number])
    parent: Any = program
    for key in place[:-1]:
        parent = parent[key]
    if delete and isinstance(parent, dict):
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    path = write(tmp_path_factory.mktemp("damaged") / "net.pt2", program, payloads(PROGRAMS[number]))
    with suppress(SpecError):
        lower(read_model(path, "net.pt2"))


def test_a_parameter_without_numbers_in_the_file(tmp_path: Path) -> None:
    program = small_network()
    table = {name: each for name, each in payloads(program).items() if name != "head.weight"}
    path = write(tmp_path / "net.pt2", program, table)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/data/weights/weight_0", bytes(4 * 8 * 27))
    network = archcalc.load(str(path))
    with pytest.raises(SpecError, match=r"the file does not say where the numbers of 'head\.weight' are"):
        network.arrays()
