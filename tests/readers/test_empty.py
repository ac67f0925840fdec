"""Tensors without elements in files of torch.export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc import SpecError
from tests.readers.programs import call, document, write

X = {"x": (1, 5, 4)}
PART = call("slice.Tensor", "part", self="@x", dim=1, start=5, end=5)


def ran(folder: Path, program: dict[str, Any], **arrays: Any) -> Any:
    """Return the output of a program for inputs."""
    return archcalc.load(str(write(folder / "net.pt2", program))).run(arrays).output


@pytest.mark.parametrize(
    ("target", "expected"), [("sum.dim_IntList", 0), ("prod.dim_int", 1), ("logsumexp.default", -np.inf)]
)
def test_a_reduction_of_no_numbers_is_its_identity(tmp_path: Path, target: str, expected: float) -> None:
    axis: Any = 1 if target == "prod.dim_int" else [1]
    calls = [
        PART,
        call(target, "made", self="@part", dim=axis, keepdim=True),
        call("add.Tensor", "y", self="@x", other="@made"),
    ]
    program = document(X, calls, {"part": (1, 0, 4), "made": (1, 1, 4), "y": (1, 5, 4)})
    assert ran(tmp_path, program, x=np.ones((1, 5, 4))).ravel().tolist() == [1 + expected] * 20


@pytest.mark.parametrize("batch", [1, 2])
def test_a_part_without_elements_is_an_output(tmp_path: Path, batch: int) -> None:
    calls = [PART, call("relu.default", "y", self="@part")]
    program = document({"x": (batch, 5, 4)}, calls, {"part": (batch, 0, 4), "y": (batch, 0, 4)})
    network = archcalc.load(str(write(tmp_path / "net.pt2", program)))
    assert [(layer.op, layer.output, layer.macs) for layer in network.analyze().layers] == [("constant", (0, 4), 0)]
    assert network.run(batch=3).output.shape == (3, 0, 4)


def test_parts_of_which_one_has_no_elements(tmp_path: Path) -> None:
    split = call("split_with_sizes.default", "none", self="@x", split_sizes=[0, 5], dim=1)
    split["outputs"] = [{"as_tensors": [{"name": "none"}, {"name": "all"}]}]
    calls = [split, call("cat.default", "y", tensors=["@none", "@all", "@all"], dim=1)]
    program = document(X, calls, {"none": (1, 0, 4), "all": (1, 5, 4), "y": (1, 10, 4)})
    assert ran(tmp_path, program, x=np.ones((1, 5, 4))).sum() == 40


def test_other_sizes_than_those_in_the_file(tmp_path: Path) -> None:
    calls = [PART, call("sum.dim_IntList", "y", self="@part", dim=[1])]
    path = write(tmp_path / "net.pt2", document(X, calls, {"part": (1, 0, 4), "y": (1, 4)}))
    with pytest.raises(SpecError, match="a tensor without elements is known only for the sizes in the file, 5x4"):
        archcalc.load(str(path), shapes={"x": (7, 4)})


def test_what_cannot_be_computed_from_no_numbers_is_listed(tmp_path: Path) -> None:
    calls = [PART, call("view.default", "y", self="@part", size=[1, 8])]
    with pytest.raises(SpecError, match=r"1 × aten\.view: of a tensor without elements"):
        ran(tmp_path, document(X, calls, {"part": (1, 0, 4), "y": (1, 8)}))


def test_a_batch_of_no_examples(tmp_path: Path) -> None:
    calls = [call("relu.default", "y", self="@x")]
    with pytest.raises(SpecError, match="the batch has no examples"):
        ran(tmp_path, document({"x": (0, 4)}, calls, {"y": (0, 4)}))
