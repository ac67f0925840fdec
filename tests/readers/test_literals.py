"""Numbers in a file that fit only its own sizes: an error names the call and the line of the source that has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc import SpecError
from tests.readers.programs import call, document, write


def at(line: int, each: dict[str, Any]) -> dict[str, Any]:
    """Return a call in another line of the source."""
    each["metadata"]["stack_trace"] = f'File "net.py", line {line}, in forward\n    …'
    return each


def network(folder: Path, shape: str, *arguments: Any) -> archcalc.Network:
    return archcalc.load(str(write(folder / "net.pt2", document(*arguments))), shapes=shape)


def refused(folder: Path, shape: str, *arguments: Any) -> tuple[str, str]:
    """Return the message and the hint for another shape."""
    with pytest.raises(SpecError) as caught:
        network(folder, shape, *arguments)
    (problem,) = caught.value.problems
    assert problem.code == "shape"
    return problem.message, problem.hint


def test_a_literal_shape(tmp_path: Path) -> None:
    calls = [at(3, call("view.default", "v", self="@x", size=[1, 192])), at(4, call("relu.default", "y", self="@v"))]
    message, _ = refused(tmp_path, "3x10x10", {"x": (1, 3, 8, 8)}, calls, {"v": (1, 192), "y": (1, 192)})
    assert message == "cannot reshape 3x10x10 (300 numbers) to 192, in 'view' (Net, net.py:3)"


def test_a_literal_size_before_a_join(tmp_path: Path) -> None:
    """The join fails, but the upsampling has the number."""
    sizes = {"kernel_size": [2, 2]}
    calls = [
        at(3, call("max_pool2d.default", "p", self="@x", **sizes)),
        at(4, call("upsample_nearest2d.vec", "u", input="@p", output_size=[8, 8], scale_factors=None)),
        at(5, call("relu.default", "r", self="@u")),
        at(6, call("cat.default", "y", tensors=["@x", "@r"], dim=1)),
    ]
    results = {"p": (1, 3, 4, 4), "u": (1, 3, 8, 8), "r": (1, 3, 8, 8), "y": (1, 6, 8, 8)}
    message, hint = refused(tmp_path, "3x12x12", {"x": (1, 3, 8, 8)}, calls, results)
    assert "in 'cat' (Net, net.py:6)" in message
    assert hint == "in this file, 'upsample_nearest2d' (Net, net.py:4) makes 3x8x8 for every size of the input"


def test_a_stored_tensor_of_the_size_in_the_file(tmp_path: Path) -> None:
    calls = [at(3, call("add.Tensor", "y", self="@x", other="@p_positions"))]
    arguments = {"x": (1, 16, 8)}, calls, {"y": (1, 16, 8)}, {"positions": (1, 16, 8)}
    message, hint = refused(tmp_path, "20x8", *arguments)
    assert message == "add needs equal shapes: 20x8 and 16x8, in 'add' (Net, net.py:3)"
    assert hint == "in this file, 'learned' of 'positions' makes 1x16x8 for every size of the input"


def test_as_many_positions_as_the_file_has(tmp_path: Path) -> None:
    unbind = call("unbind.int", "a", self="@x", dim=1)
    unbind["outputs"] = [{"as_tensors": [{"name": "a"}, {"name": "b"}]}]
    calls = [at(3, unbind), at(4, call("add.Tensor", "y", self="@a", other="@b"))]
    for length in (1, 3):
        message, _ = refused(tmp_path, f"{length}x8", {"x": (1, 2, 8)}, calls, dict.fromkeys("aby", (1, 8)))
        assert message == f"the size of an axis must be 2, as in the file, got {length}, in 'unbind' (Net, net.py:3)"


@pytest.mark.parametrize(
    ("start", "stop", "before", "lengths"),
    [
        (4, None, 12, {20: 16, 10: 6}),
        (4, 2**63 - 1, 12, {20: 16, 10: 6}),
        (-3, 2**63 - 1, 3, {20: 3, 10: 3}),
        (0, -3, 13, {20: 17, 10: 7}),
        (2, 9, 7, {20: 7, 10: 7}),
        (0, 100, 16, {20: 20, 10: 10, 150: 100}),
    ],
)
def test_slices_mean_the_same_for_every_size(
    tmp_path: Path, start: int, stop: int | None, before: int, lengths: dict[int, int]
) -> None:
    """The lengths are those of Python's slices."""
    calls = [call("slice.Tensor", "s", self="@x", dim=1, start=start, end=stop), call("relu.default", "y", self="@s")]
    results = {"s": (1, before, 8), "y": (1, before, 8)}
    for length, expected in lengths.items():
        assert expected == len(range(length)[start:stop])
        found = network(tmp_path, f"{length}x8", {"x": (1, 16, 8)}, calls, results)
        assert found.analyze().layers[-1].output == (expected, 8)
