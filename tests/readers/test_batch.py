"""The batch axis of every tensor is found, even where only a later step determines it."""

from __future__ import annotations

import pytest

from archcalc.ops.activation import Relu
from archcalc.ops.dense import Linear
from archcalc.ops.product import MatMul
from archcalc.readers.batch import BatchAxis, Undecided, batch_axes
from archcalc.readers.joining import ConcatenationStep, MatrixProductStep
from archcalc.readers.one_example import locate_batch_axes
from archcalc.readers.steps import ElementwiseStep, LastAxisStep, PermutationStep, ReshapeStep, Step, make


def places(steps: list[Step], sizes: list[tuple[int, ...]], batch: int = 1, axis: int | None = 0) -> list[object]:
    given = {0: None if axis is None else BatchAxis(axis)}
    return list(batch_axes(steps, sizes, given, batch))


def linear(read: int, made: int) -> Step:
    return LastAxisStep(op=make(Linear, features=4), inputs=(read,), outputs=(made,))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_permutation_moves_the_batch(batch: int) -> None:
    step = PermutationStep(order=(1, 2, 0), inputs=(0,), outputs=(1,))
    assert places([step], [(batch, 5, 7), (5, 7, batch)], batch)[1] == BatchAxis(2)


@pytest.mark.parametrize("batch", [2, 3])
def test_windows_become_part_of_the_batch_axis(batch: int) -> None:
    """Eight windows of 4 tokens each: the batch is the outer part of the first axis."""
    step = ReshapeStep(target=(batch * 8, 4, 6), inputs=(0,), outputs=(1,))
    assert places([step], [(batch, 32, 6), (batch * 8, 4, 6)], batch)[1] == BatchAxis(0, 1, 8)


@pytest.mark.parametrize("batch", [1, 2])
def test_heads_of_sequences_with_positions_first(batch: int) -> None:
    """(L, B, E) to (L, B·heads, d): the axis has batch × heads positions, and the tokens keep theirs."""
    step = ReshapeStep(target=(10, batch * 3, 4), inputs=(0,), outputs=(1,))
    assert places([step], [(10, batch, 12), (10, batch * 3, 4)], batch, axis=1)[1] == BatchAxis(1, 1, 3)


def test_a_later_layer_decides_between_two_readings_of_a_batch_of_one() -> None:
    """1×6 to 1×6×1: the batch could be the last axis, but a layer along the last axis rules that out."""
    steps = [ReshapeStep(target=(6, 1, 1), inputs=(0,), outputs=(1,)), linear(1, 2)]
    sizes = [(6, 1), (6, 1, 1), (6, 1, 4)]
    assert places(steps, sizes, axis=1)[1:] == [BatchAxis(1), BatchAxis(1)]
    turned: list[Step] = [
        ReshapeStep(target=(6, 1, 1), inputs=(0,), outputs=(1,)),
        PermutationStep(order=(0, 2, 1), inputs=(1,), outputs=(2,)),
        linear(2, 3),
    ]
    sizes = [(6, 1), (6, 1, 1), (6, 1, 1), (6, 1, 4)]
    assert places(turned, sizes, axis=1)[1:] == [BatchAxis(2), BatchAxis(1), BatchAxis(1)]


def test_a_step_that_would_mix_the_examples_is_named() -> None:
    steps = [ElementwiseStep(op=Relu(), inputs=(0,), outputs=(1,)), linear(1, 2)]
    with pytest.raises(Undecided) as caught:
        places(steps, [(5, 2), (5, 2), (5, 4)], 2, axis=1)
    assert caught.value.step == 1


@pytest.mark.parametrize("batch", [1, 3])
def test_the_batch_may_be_rows_of_a_matrix_that_meets_the_same_one(batch: int) -> None:
    """(8, B·6, 4) times 8 matrices 4×5 of the model, and a matrix times columns."""
    rows = MatrixProductStep(op=MatMul(), inputs=(0, 1), outputs=(2,))
    sizes = [(8, batch * 6, 4), (8, 4, 5), (8, batch * 6, 5)]
    place = BatchAxis(1, 1, 6)
    assert batch_axes([rows], sizes, {0: place, 1: None}, batch)[2] == place
    columns = MatrixProductStep(op=MatMul(), inputs=(1, 0), outputs=(2,))
    sizes = [(4, batch), (8, 5, 4), (8, 5, batch)]
    assert batch_axes([columns], sizes, {0: BatchAxis(1), 1: None}, batch)[2] == BatchAxis(2)


def test_examples_that_are_mixed_are_read_as_one() -> None:
    """Similarities of all pairs of examples: a matrix times its transpose."""
    steps: list[Step] = [
        PermutationStep(order=(1, 0), inputs=(0,), outputs=(1,)),
        MatrixProductStep(op=MatMul(), inputs=(0, 1), outputs=(2,)),
        ElementwiseStep(op=Relu(), inputs=(2,), outputs=(3,)),
    ]
    found = locate_batch_axes(steps, [(1, 5), (5, 1), (1, 1), (1, 1)], {0: BatchAxis(0)}, 1)
    assert found.places[:4] == [BatchAxis(0), BatchAxis(1), None, None]
    assert [step.outputs for step in found.mixing] == [(2,)]
    with pytest.raises(Undecided) as caught:
        locate_batch_axes(steps, [(2, 5), (5, 2), (2, 2), (2, 2)], {0: BatchAxis(0)}, 2)
    assert caught.value.step == 1


def test_a_tensor_that_is_the_same_for_all_examples_joins_at_the_batch() -> None:
    step = ConcatenationStep(axis=1, inputs=(0, 1), outputs=(2,))
    assert batch_axes([step], [(1, 4, 8), (1, 1, 8), (1, 5, 8)], {0: BatchAxis(0), 1: None}, 1)[2] == BatchAxis(0)
