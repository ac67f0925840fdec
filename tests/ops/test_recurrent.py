"""Recurrent layers: parameters as PyTorch and Keras print them, products per step, and impossible inputs."""

from __future__ import annotations

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import Operator, recurrent


def stored(op: Operator, *inputs: tuple[int, ...]) -> int:
    return sum(weight.count for weight in op.weights(inputs))


@pytest.mark.parametrize(
    ("op", "features", "params"),
    [
        (recurrent.Lstm(units=256), 4096, 4_458_496),  # torch.nn.LSTM(4096, 256)
        (recurrent.Lstm(units=256, recurrent_bias=False), 4096, 4_457_472),  # keras.layers.LSTM(256)
        (recurrent.Lstm(units=128, layers=2, bidirectional=True), 128, 659_456),  # torch.nn.LSTM(128, 128, 2, …)
        (
            recurrent.Lstm(units=64, layers=2, bidirectional=True, bias=False, proj=16),
            32,
            53_248,  # torch.nn.LSTM(32, 64, 2, …)
        ),
        (recurrent.Lstm(units=800, peepholes=True, proj=512, recurrent_bias=False), 40, 2_181_600),  # Sak et al. 2014
        (recurrent.Gru(units=256), 4096, 3_343_872),  # torch.nn.GRU(4096, 256); Keras, reset_after=True
        (
            recurrent.Gru(units=256, reset_after=False, recurrent_bias=False),
            4096,
            3_343_104,
        ),  # as in Keras
        (recurrent.Rnn(units=20, layers=2), 10, 1_480),  # torch.nn.RNN(10, 20, 2)
        (recurrent.Rnn(units=20, recurrent_bias=False), 10, 620),  # keras.layers.SimpleRNN(20)
    ],
)
def test_parameters_are_those_of_pytorch_and_keras(op: Operator, features: int, params: int) -> None:
    assert stored(op, (50, features)) == params


def test_biases_are_added_numbers() -> None:
    op = recurrent.Lstm(units=128, layers=2, bidirectional=True)
    assert sum(weight.count for weight in op.weights(((200, 128),)) if weight.added) == 4_096


def test_products_of_a_sequence_are_those_of_its_steps() -> None:
    """One product per weight and step."""
    op = recurrent.Lstm(units=128, layers=2, bidirectional=True, bias=False)
    step = stored(op, (1, 128))
    assert op.cost(((1, 128),)).macs == step
    assert op.cost(((200, 128),)).macs == 200 * step
    assert op.cost(((3, 200, 128),)).macs == 3 * 200 * step


def test_activations_of_gates_are_counted_by_kind() -> None:
    """LSTM: three logistic functions (one exponential and one division each) and two hyperbolic tangents per unit."""
    counts = recurrent.Lstm(units=5).cost(((7, 3),)).operations
    assert (counts["exp"], counts["div"], counts["tanh"]) == (7 * 15, 7 * 15, 7 * 10)
    counts = recurrent.Gru(units=5).cost(((7, 3),)).operations
    assert (counts["exp"], counts["div"], counts["tanh"]) == (7 * 10, 7 * 10, 7 * 5)
    assert recurrent.Rnn(units=5, act="relu").cost(((7, 3),)).operations["cmp"] == 7 * 5


def test_the_output_has_every_step_or_the_last_one() -> None:
    op = recurrent.Lstm(units=6, layers=2, bidirectional=True, proj=4)
    assert op.outputs(((9, 3),)) == ((9, 8), (4, 4), (4, 6))
    assert op.outputs(((5, 9, 3),)) == ((5, 9, 8), (5, 4, 4), (5, 4, 6))
    assert recurrent.Gru(units=6, final=True).outputs(((5, 9, 3),)) == ((5, 6), (5, 1, 6))


def test_forward_layers_see_earlier_positions_and_states_see_all() -> None:
    op = recurrent.Gru(units=6, state=True)
    shapes = ((9, 3), (1, 6))
    (positions, _), given = op.windows(shapes)
    assert positions is not None
    assert list(positions.positions(4)) == [0, 1, 2, 3, 4]
    assert given == (None, None)
    assert op.windows_of(1, shapes)[0] == (None, None)
    for everything in (recurrent.Gru(units=6, final=True), recurrent.Gru(units=6, bidirectional=True)):
        assert everything.windows(((9, 3),))[0] == (None, None)


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (recurrent.Lstm(units=4), ((16,),), "lstm needs positions and features, got a vector of 16"),
        (recurrent.Gru(units=4, state=True), ((9, 16), (2, 4)), "the state given to gru must be 1x4, got 2x4"),
        (recurrent.Gru(units=4, state=True), ((3, 9, 16), (1, 4)), "the state given to gru must be 3x1x4, got 1x4"),
        (recurrent.Lstm(units=4, proj=2, cell=True), ((9, 16), (1, 2)), "the cell given to lstm must be 1x4, got 1x2"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(op: Operator, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(Impossible, match=message):
        op.outputs(shapes)
