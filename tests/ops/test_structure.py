"""Operators that rearrange: NumPy does the same to an array of its positions, which then shows where each came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archcalc.numeric import Impossible
from archcalc.ops import Operator, structure


def sources(op: Operator, result: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    """Compare the windows of ``op`` with an array whose entries are the flat positions they were taken from."""
    assert op.output((shape,)) == result.shape
    for axis, window in enumerate(op.windows((shape,))[0]):
        if window is None:
            continue
        origin = np.unravel_index(result, shape)[axis]
        moves = axis if window.axis is None else window.axis
        places = np.indices(result.shape)[moves]
        assert window.size == 1
        assert (origin == (window.stride * places - window.padding) // window.up).all()


def numbered(*shape: int) -> np.ndarray[Any, Any]:
    return np.arange(np.prod(shape)).reshape(shape)


def test_flatten_loses_positions() -> None:
    assert structure.Flatten().output(((16, 5, 5),)) == (400,)
    assert structure.Flatten().windows(((16, 5, 5),)) == ((None, None, None),)
    assert structure.Flatten().output(((400,),)) == (400,)
    assert structure.Flatten().windows(((400,),)) == ((None,),)


def test_reshape_keeps_the_numbers_and_may_infer_one_size() -> None:
    assert structure.Reshape(shape=(16, 5, 5)).output(((400,),)) == (16, 5, 5)
    assert structure.Reshape(shape=(16, -1)).output(((400,),)) == (16, 25)
    assert structure.Reshape(shape=(-1,)).output(((16, 5, 5),)) == (400,)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((20, 20, 2), r"cannot reshape 16x5x5 \(400 numbers\) to 20x20x2"),
        ((-1, 7), r"cannot reshape 16x5x5 \(400 numbers\) to -1x7"),
        ((-1, -1), "one size"),
        ((0, -1), "at least 1"),
        ((-2, -200), "at least 1"),
    ],
)
def test_reshape_refuses_what_does_not_fit(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(Impossible, match=message):
        structure.Reshape(shape=shape).output(((16, 5, 5),))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_transpose_moves_windows_with_their_axes(order: tuple[int, ...]) -> None:
    shape = (2, 3, 4)
    op = structure.Transpose(order=order)
    sources(op, numbered(*shape).transpose(order), shape)
    assert None not in op.windows((shape,))[0]


def test_transpose_needs_every_axis_once() -> None:
    for order in ((0, 1), (0, 1, 1), (0, 1, 3)):
        with pytest.raises(Impossible, match="each of 0 … 2 once"):
            structure.Transpose(order=order).output(((2, 3, 4),))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_split_takes_one_of_equal_parts(axis: int, part: int) -> None:
    op = structure.Split(parts=3, part=part, axis=axis)
    sources(op, np.split(numbered(6, 9, 12), 3, axis)[part], (6, 9, 12))


def test_split_refuses_unequal_parts_and_parts_that_do_not_exist() -> None:
    with pytest.raises(Impossible, match="10 cannot be split into 3 equal parts"):
        structure.Split(parts=3, part=0).output(((10,),))
    with pytest.raises(Impossible, match="part 2 does not exist"):
        structure.Split(parts=2, part=2).output(((10,),))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize(("start", "stop"), [(None, None), (2, 7), (None, -1), (-4, None), (-7, -2), (0, 10), (9, 10)])
def test_slice_takes_what_numpy_takes(start: int | None, stop: int | None, step: int, axis: int) -> None:
    op = structure.Slice(range=(start, stop), step=step, axis=axis)
    array = numbered(10, 10)
    sources(op, array[start:stop:step] if axis == 0 else array[:, start:stop:step], (10, 10))


@pytest.mark.parametrize("places", [(0, 11), (-11, None), (5, 5), (7, 3), (10, None)])
def test_slice_refuses_what_is_outside_or_empty(places: tuple[int | None, int | None]) -> None:
    with pytest.raises(Impossible, match=r"outside|empty"):
        structure.Slice(range=places).output(((10, 10),))


def test_shuffle_and_identity_keep_the_shape() -> None:
    assert structure.ChannelShuffle(groups=3).output(((12, 4, 4),)) == (12, 4, 4)
    assert structure.Identity().output(((12, 4, 4),)) == (12, 4, 4)
    with pytest.raises(Impossible, match="10 channels are not divisible by 3 groups"):
        structure.ChannelShuffle(groups=3).output(((10, 4, 4),))


def test_rearranging_costs_nothing() -> None:
    inputs = ((12, 4, 4),)
    for op in (
        structure.Identity(),
        structure.Flatten(),
        structure.Reshape(shape=(-1,)),
        structure.Split(parts=2, part=1),
    ):
        assert op.cost(inputs).operations == {}
        assert op.weights(inputs) == ()
