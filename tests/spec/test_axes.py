"""Axes by number and by word, channels first and channels last."""

from __future__ import annotations

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.graph import Graph
from archcalc.spec import SpecError
from archcalc.spec.write import write_layer
from tests.spec.reading import chain, graph, last, wrong


def channels_last(layers: str, shape: str = "8x9x3") -> Graph:
    return graph(f"layout: hwc\ninput: {shape}\nlayers: {layers}\n")


@pytest.mark.parametrize("operator", ["softmax", "log_softmax", "ln", "rms_norm", "linear 5", "slice 0:2"])
@pytest.mark.parametrize(("word", "numbers"), [("last", (-1, 2)), ("channels", (0, -3))])
def test_every_operator_reads_an_axis_as_a_word_and_as_a_number(
    operator: str, word: str, numbers: tuple[int, ...]
) -> None:
    written = [chain(f"{operator} axis={axis}", "4x8x9") for axis in (word, *numbers)]
    assert len({(network.nodes[-1].output, analyze(network).totals.params) for network in written}) == 1


def test_joins_read_an_axis_as_a_word_too() -> None:
    assert chain("concat(identity, identity, axis=last)", "4x8x9").nodes[-1].output == (4, 8, 18)
    assert channels_last("concat(identity, identity, axis=last)").nodes[-1].output == (6, 8, 9)


def test_the_last_axis_of_a_channels_last_file_is_that_of_the_channels() -> None:
    """Keras: Dense(2) on 7x7x1024 gives 7x7x2 with 2,050 parameters."""
    network = channels_last("linear 2", "7x7x1024")
    assert (network.nodes[-1].output, analyze(network).totals.params) == ((2, 7, 7), 2_050)
    for layers in ("ln axis=last", "ln axis=-1", "rms_norm"):
        assert last(channels_last(layers)).axis == "channels"
    for layers in ("softmax axis=last", "softmax axis=-1", "softmax axis=0"):
        assert last(channels_last(layers)).axis == 0


def test_numbers_from_zero_on_count_from_the_channels_in_every_layout() -> None:
    for axis in (0, 1, 2):
        assert last(channels_last(f"softmax axis={axis}")).axis == last(chain(f"softmax axis={axis}")).axis == axis


@pytest.mark.parametrize("shape", ["8x9x3", "9x3", "3"])
@pytest.mark.parametrize("axis", ["last", "channels", "-1", "-2", "-3", "0", "1"])
@pytest.mark.parametrize("operator", ["softmax", "linear 5", "ln", "rms_norm"])
def test_a_layer_is_written_in_the_layout_that_it_is_read_in(operator: str, axis: str, shape: str) -> None:
    try:
        network = channels_last(f"{operator} axis={axis}", shape)
    except SpecError:  # no such axis
        return
    again = channels_last(write_layer(last(network), "hwc"), shape)
    assert last(again).attributes() == last(network).attributes()


def test_a_variable_may_be_called_like_the_words_for_axes() -> None:
    text = "input: 3x8x9\nvariables: {last: 1}\nlayers: softmax axis=last\n"
    assert last(graph(text)).axis == 1


@pytest.mark.parametrize(
    ("layers", "message"), [("linear 5 axis=1", "the axis of linear must be last, channels, 0 or -1, got 1")]
)
def test_an_axis_that_an_operator_cannot_take_is_an_error(layers: str, message: str) -> None:
    assert wrong(layers).message == message
