"""Dynamic sizes: a file can be read at all sizes in their ranges; for others, the error names the range."""

from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc import SpecError
from tests.readers.programs import call, document, symbol, write


@pytest.fixture
def images(tmp_path: Path) -> str:
    """Return a convolution of images whose height has a range, and whose width is a multiple of 8 plus 1."""
    sizes = (symbol("s0", 2), 3, symbol("s1", 64), symbol("s2", 65, factor=8, offset=1))
    calls = [call("conv2d.default", "y", input="@x", weight="@p_weight", bias=None)]
    ranges = {"s1": (32, 512), "s2": (2, None)}
    program = document({"x": sizes}, calls, {"y": (2, 4, 62, 63)}, {"weight": (4, 3, 3, 3)}, ranges=ranges)
    return str(write(tmp_path / "images.pt2", program))


@pytest.fixture
def pair(tmp_path: Path) -> str:
    """Return the sum of two sequences, which have the same length."""
    sizes = (1, symbol("s0", 16), 8)
    calls = [call("add.Tensor", "y", self="@a", other="@b")]
    program = document({"a": sizes, "b": sizes}, calls, {"y": (1, 16, 8)}, ranges={"s0": (2, 128)})
    return str(write(tmp_path / "pair.pt2", program))


def reason(path: str, shapes: str | dict[str, object]) -> str:
    with pytest.raises(SpecError) as caught:
        archcalc.load(path, shapes=shapes)
    (problem,) = caught.value.problems
    assert (problem.code, problem.origin) == ("shape", path)
    return problem.message


@pytest.mark.parametrize("shape", ["3x32x17", "3x512x65", "3x100x1001"])
def test_sizes_in_their_ranges(images: str, shape: str) -> None:
    _, h, w = map(int, shape.split("x"))
    assert archcalc.load(images, shapes=shape).analyze().layers[-1].output == (4, h - 2, w - 2)


@pytest.mark.parametrize("h", [31, 513])
def test_a_size_outside_its_range_is_refused(images: str, h: int) -> None:
    assert reason(images, f"3x{h}x65") == f"the size H of the input 'x' must be between 32 and 512, got {h}"


def test_a_size_that_no_value_of_its_symbol_gives_is_refused(images: str) -> None:
    message = "the size W of the input 'x' must be at least 17, and 1 more than a multiple of 8, got 64"
    assert reason(images, "3x64x64") == message


def test_sweeps_leave_out_what_is_outside_the_range(images: str) -> None:
    rows = archcalc.sweep(images, shapes={"H": "16:64:16"}, quantities=["macs"])
    assert [row["H"] for row in rows] == [32, 48, 64]


def test_sizes_with_the_same_symbol_follow_the_given_one(pair: str) -> None:
    for name in ("a", "b"):
        graph = archcalc.load(pair, shapes={name: "20x8"}).graph
        assert graph.inputs == {"a": (20, 8), "b": (20, 8)}
    (form,) = archcalc.formula(pair, "activations", free=["n0"]).forms
    assert form.at(n0=100) == (800,)


def test_sizes_that_contradict_each_other_are_refused(pair: str) -> None:
    message = "the size C of the input 'b' depends on C of the input 'a', and must be 20, got 22"
    assert reason(pair, {"a": "20x8", "b": "22x8"}) == message


def test_ranges_are_notes(images: str) -> None:
    (note,) = archcalc.load(images).graph.notes
    assert note == (
        "dynamic sizes: H of the input 'x': between 32 and 512; "
        "W of the input 'x': at least 17, and 1 more than a multiple of 8"
    )


def test_a_file_with_fixed_sizes_has_no_range(tmp_path: Path) -> None:
    program = document({"x": (1, 3, 8, 8)}, [call("relu.default", "y", self="@x")], {"y": (1, 3, 8, 8)})
    network = archcalc.load(str(write(tmp_path / "net.pt2", program)), shapes="5x7")
    assert network.analyze().layers[-1].output == (5, 7)
    assert network.graph.notes == ()
