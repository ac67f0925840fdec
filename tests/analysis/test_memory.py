"""Bytes of parameters and activations, and the peak of live tensors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.formats import BITS
from archcalc.analysis.memory import peak_elements
from archcalc.graph import Graph, Ref
from archcalc.spec import Source, read_spec
from tests.random_networks import networks


def graph(text: str) -> Graph:
    return archcalc.load(text).graph


def test_parameters_and_activations_take_the_bytes_of_their_number_format() -> None:
    analysis = archcalc.load("lenet5").analyze()
    for dtype, bits in BITS.items():
        memory = analysis.memory(dtype)
        assert memory.params == 61_706 * bits // 8
        assert memory.activations == analysis.totals.activations * bits // 8
        assert memory.peak == peak_elements(analysis.graph) * bits // 8


def test_an_unknown_number_format_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"float32.*'float12'"):
        archcalc.load("lenet5").analyze().memory("float12")


def test_a_batch_multiplies_activations_and_the_peak_but_not_parameters() -> None:
    network = archcalc.load("resnet18")
    one, eight = network.analyze().memory(), network.analyze(batch=8).memory()
    assert (eight.params, eight.activations, eight.peak) == (one.params, 8 * one.activations, 8 * one.peak)


def test_in_a_chain_the_input_and_the_output_of_a_layer_are_live_together() -> None:
    assert peak_elements(graph("1x10 -> conv 3 k1 -> conv 5 k1 -> conv 1 k1")) == 30 + 50


def test_a_tensor_of_a_skip_connection_is_live_until_it_is_added() -> None:
    assert peak_elements(graph("2x10 -> add(conv 2 k1 -> conv 4 k1 -> conv 2 k1, identity)")) == 20 + 20 + 40


def test_the_peak_is_found_wherever_it_is() -> None:
    assert peak_elements(graph("1x100 -> conv 1 k91")) == 110
    assert peak_elements(graph("1x10 -> conv 1 k1 -> upsample 10")) == 110


def spec(text: str) -> Graph:
    return read_spec(Source("net.yaml", text)).graph


def test_inputs_are_live_from_the_start_and_outputs_to_the_end() -> None:
    two = spec("inputs: {a: 1x10, b: 1x90}\nlayers:\n  - conv 1 k1\n  - concat(identity, @b, axis=1)\n")
    assert peak_elements(two) == 10 + 90 + 100  # a is freed before the join runs, the first layer's output is not
    headed = spec("input: 1x10\nlayers:\n  - a: conv 7 k1\n  - conv 1 k1\nheads: {early: '@a -> relu'}\n")
    assert peak_elements(headed) == 70 + 10 + 70


def test_tensors_of_training_heads_are_live_only_in_training() -> None:
    network = spec("input: 1x10\nlayers:\n  - a: conv 1 k1\n  - b: relu\ntraining_heads: {aux: '@a -> conv 50 k1'}\n")
    assert peak_elements(network) == 20
    assert peak_elements(network, training=True) == 10 + 10 + 500


@pytest.mark.slow
@settings(max_examples=60, derandomize=True)
@given(networks())
def test_the_peak_is_the_largest_sum_of_what_is_still_needed(text: str) -> None:
    """Compared with the definition, step by step."""
    network = spec(text)
    for training in (False, True):
        nodes = [index for index, node in enumerate(network.nodes) if training or not node.training]
        outputs = {*network.outputs.values(), *(network.training_outputs.values() if training else ())}
        inputs = [index for index in nodes if network.nodes[index].is_input]
        peak = 0
        for now in nodes:
            live = 0
            for made in nodes:
                if made > now and made not in inputs:
                    continue
                for number, shape in enumerate(network.nodes[made].outputs):
                    ref = Ref(made, number)
                    readers = [index for index in nodes if ref in network.nodes[index].inputs]
                    if made == now or ref in outputs or any(reader >= now for reader in readers):
                        live += elements(shape)
            peak = max(peak, live)
        assert peak_elements(network, training=training) == peak


def elements(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
