"""Joins: NumPy broadcasting as the oracle, the crop of the first U-Net by its published sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from archcalc.numeric import Impossible
from archcalc.ops import joins
from tests.ops.windows import seen


def test_joins_of_equal_shapes_cost_one_operation_less_than_inputs_per_number() -> None:
    three = ((64, 7, 7),) * 3
    n = 64 * 7 * 7
    assert joins.Add().output(three) == (64, 7, 7)
    assert joins.Add().cost(three).operations == {"add": 2 * n}
    assert joins.Sub().cost(three).operations == {"add": 2 * n}
    assert joins.Mul().cost(three).operations == {"mul": 2 * n}
    assert joins.Mul().cost(three).macs == 0
    assert joins.Max().cost(three).operations == {"cmp": 2 * n}


def test_broadcasting_is_that_of_numpy_for_equal_ranks() -> None:
    shapes = list(itertools.product((1, 2, 3), repeat=3))
    for a, b in itertools.product(shapes, shapes):
        try:
            expected = np.broadcast_shapes(a, b)
        except ValueError:
            with pytest.raises(Impossible):
                joins.Add().output((a, b))
        else:
            assert joins.Add().output((a, b)) == expected


def test_a_vector_gates_the_channels() -> None:
    gate = ((64, 56, 48), (64,))
    assert joins.Mul().output(gate) == (64, 56, 48)
    assert joins.Mul().output(gate[::-1]) == (64, 56, 48)
    assert joins.Mul().windows(gate)[1][0].is_pointwise  # type: ignore[union-attr]


def test_every_position_sees_the_one_position_of_a_broadcast_axis() -> None:
    tensor, gate = joins.Mul().windows(((64, 4, 4), (64, 1, 4)))
    assert all(w is not None for w in (*tensor, *gate))
    assert [seen(gate[1], i, 1) for i in range(4)] == [{0}] * 4  # type: ignore[arg-type]
    assert [seen(gate[2], i, 4) for i in range(4)] == [{0}, {1}, {2}, {3}]  # type: ignore[arg-type]
    assert [seen(tensor[1], i, 4) for i in range(4)] == [{0}, {1}, {2}, {3}]  # type: ignore[arg-type]


def test_an_error_names_all_shapes() -> None:
    with pytest.raises(Impossible, match="add needs equal shapes: 64x56x56 and 64x55x55"):
        joins.Add().output(((64, 56, 56), (64, 55, 55)))
    with pytest.raises(Impossible, match=r"mul needs tensors with the same number of axes .*: 64x56x56 and 64x56"):
        joins.Mul().output(((64, 56, 56), (64, 56)))
    with pytest.raises(Impossible, match="concat along axis 0 needs equal sizes on axis 1: 3x8x8 and 3x7x8 and 3x8x8"):
        joins.Concat().output(((3, 8, 8), (3, 7, 8), (3, 8, 8)))
    with pytest.raises(Impossible, match="same number of axes: 3x8x8 and 3"):
        joins.Concat().output(((3, 8, 8), (3,)))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concatenation_adds_the_sizes_of_its_axis(axis: int) -> None:
    shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    for size, shape in enumerate(shapes, start=1):
        shape[axis] = size
    inputs = tuple(map(tuple, shapes))
    assert joins.Concat(axis=axis).output(inputs) == np.concatenate([np.zeros(s) for s in inputs], axis).shape
    assert joins.Concat(axis=axis).cost(inputs).operations == {}


def test_concatenation_along_positions_shifts_the_windows() -> None:
    inputs = ((1, 3), (1, 2), (1, 4))
    first, second, third = (reach[1] for reach in joins.Concat(axis=1).windows(inputs))
    assert [seen(first, i, 3) for i in range(9)] == [{0}, {1}, {2}, *[set()] * 6]  # type: ignore[arg-type]
    assert [seen(second, i, 2) for i in range(9)] == [*[set()] * 3, {0}, {1}, *[set()] * 4]  # type: ignore[arg-type]
    assert [seen(third, i, 4) for i in range(9)] == [*[set()] * 5, {0}, {1}, {2}, {3}]  # type: ignore[arg-type]


def test_the_first_unet_crops_to_the_smaller_tensor_around_the_centre() -> None:
    op, inputs = joins.Concat(crop="smallest"), ((512, 64, 64), (512, 56, 56))  # Ronneberger et al. 2015, Figure 1
    assert op.output(inputs) == (1024, 56, 56)
    (_, rows, _), (_, inner, _) = op.windows(inputs)
    assert seen(rows, 0, 64) == {4}  # type: ignore[arg-type]
    assert seen(rows, 55, 64) == {59}  # type: ignore[arg-type]
    assert seen(inner, 55, 56) == {55}  # type: ignore[arg-type]
    odd = op.windows(((1, 7), (1, 4)))[0][1]
    assert seen(odd, 0, 7) == {1}  # type: ignore[arg-type]
