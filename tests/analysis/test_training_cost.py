"""What a training step costs: published figures, the first layer, frozen layers, in-place activations, checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.formats import read_formats
from archcalc.analysis.propagate import analyze
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph
from archcalc.spec import Source, read_spec
from tests.executor.layers import read
from tests.random_networks import networks

MIB = 2**20
FLOAT32 = read_formats("float32")


def graph_of(text: str, **given: Any) -> Graph:
    return archcalc.load(text, **given).graph


def cost_of(text: str, *, batch: int | None = None, training: bool = False, **setup: Any) -> TrainingCost:
    return TrainingCost(graph_of(text), TrainingSetup(**setup), batch=batch, training=training)


def saved(cost: TrainingCost, dtype: str = "float32") -> Any:
    return cost.saved(cost.runs, read_formats(dtype))


def memory(cost: TrainingCost, dtype: str = "float32") -> Any:
    return cost.parts(read_formats(dtype)).total


SHARED = 'input: "1024"\nshared: {w: linear 1024 nobias}\nlayers: "w()*100"\n'


def test_a_shared_linear_layer_applied_100_times_keeps_its_100_inputs() -> None:
    """A well-known exercise: 4,000 MiB are kept; with the last output and the weight, 4,044 MiB exist."""
    cost = TrainingCost(read_spec(Source("shared.yaml", SHARED)).graph, DEFAULT_SETUP, batch=10_240)
    assert saved(cost) == 4_000 * MIB
    parts = cost.parts(FLOAT32)
    moment, uses = cost.worst_moment(FLOAT32)
    assert moment == cost.moments.loss
    assert (uses["saved"], uses["passing"], parts.weights) == (4_000 * MIB, 40 * MIB, 4 * MIB)
    assert parts.gradients == parts.weights


TRANSFORMER_LAYER = """
input: {s}x{h}
blocks:
  attend:
    - q: linear {h} -> rearrange 's (a d) = a s d' a={a}
    - k: '@x -> linear {h} -> rearrange "s (a d) = a d s" a={a}'
    - v: '@x -> linear {h} -> rearrange "s (a d) = a s d" a={a}'
    - 'matmul(@q, @k) -> scale 1/8 -> softmax axis=last -> dropout 0.1'
    - 'matmul(identity, @v) -> rearrange "a s d = s (a d)" -> linear {h} -> dropout 0.1'
layers:
  - add(identity, ln axis=last -> attend)
  - add(identity, ln axis=last -> linear 4*{h} -> gelu -> linear {h} -> dropout 0.1)
"""


@pytest.mark.parametrize(("s", "b", "h", "a"), [(128, 3, 64, 4), (256, 1, 128, 8)])
def test_a_transformer_layer_keeps_the_bytes_of_korthikanti_et_al(s: int, b: int, h: int, a: int) -> None:
    """Korthikanti et al. 2022, equation 1: sbh(34 + 5as/h) with 16 bits, masks of one byte, and two layer norms."""
    text = TRANSFORMER_LAYER.format(s=s, h=h, a=a).replace("    - q: linear", "    - x: identity\n    - q: linear")
    cost = TrainingCost(read_spec(Source("layer.yaml", text)).graph, DEFAULT_SETUP, batch=b)
    assert saved(cost, "bfloat16") * h == s * b * h * (34 * h + 5 * a * s)


@pytest.mark.parametrize("name", ["vgg16", "alexnet", "lenet5"])
def test_the_backward_pass_has_twice_the_macs_of_all_layers_but_the_first(name: str) -> None:
    cost = cost_of(name)
    macs = {layer.node: layer.macs for layer in archcalc.load(name).analyze().layers}
    first = next(index for index, count in macs.items() if count)
    for index, count in macs.items():
        assert cost.backward_macs([index]) == (1 if index == first else 2) * count
    assert cost.training_macs(cost.runs) == 3 * sum(macs.values()) - macs[first]


def test_layers_before_the_first_trained_one_have_no_backward_pass_and_keep_nothing() -> None:
    text = "3x8x8 -> conv 4 k3 -> relu -> conv 4 k3 -> relu -> fc 2"
    frozen = cost_of(text, frozen=("conv_1",))
    assert frozen.backward_macs(frozen.runs) == cost_of(text).backward_macs(frozen.runs) - 3888 - 2304
    assert saved(frozen) == 4 * (4 * 6 * 6 + 4 * 4 * 4)  # the outputs of both activations
    between = cost_of(text, frozen=("conv_2",))  # its input still needs a gradient
    assert between.backward_macs(between.runs) == cost_of(text).backward_macs(between.runs) - 2304
    nothing = cost_of(text, frozen=("conv_1", "conv_2", "fc_1"))
    assert (nothing.backward_macs(nothing.runs), saved(nothing), nothing.needs) == (0, 0, {})


@pytest.mark.parametrize(
    ("layer", "elements"),
    [
        ("rnn 6 final", 5 * 6),  # 1 − h² at every step
        ("rnn 6", 5 * 6),
        ("gru 6", 5 * 6 + 5 * 4 * 6),  # h at every step, besides r, z, n, and the sums that r multiplies
        ("lstm 6", 5 * 5 * 6),  # i, f, g, o and c at every step
        ("moe 8 experts=4 top=2 nobias", 5 * 2 * (1 + 1 + 8 + 4)),  # choice, share, rectified numbers and output
        ("attention heads=1 nobias", 5 * 5 + 3 * 5 * 4),  # shares, queries, keys and values
    ],
)
def test_a_frozen_layer_keeps_what_its_own_derivatives_are_computed_from(layer: str, elements: int) -> None:
    cost = cost_of(f"5x4 -> linear 4 -> {layer} -> tanh", frozen=(f"{layer.split()[0]}_1",))
    (index,) = (index for index, node in cost.graph.layers() if node.op.name == layer.split()[0])
    assert cost.saved([index], FLOAT32) == 4 * elements


def test_indices_and_comparisons_pass_no_gradient_on() -> None:
    assert cost_of("7 -> embedding 10 4 -> linear 3").backward_macs([2]) == 2 * 7 * 4 * 3
    assert cost_of("4 -> fc 3 -> floor -> fc 2").backward_macs([1]) == 0
    assert cost_of("4 -> fc 3 -> floor -> fc 2").backward_macs([3]) == 6


@pytest.mark.parametrize("part", ["split 2 part=1", "slice 0:4", "slice 0:8 step=2", "transpose 0x2x1 -> slice 4:8"])
def test_in_pytorch_a_part_of_a_tensor_keeps_all_of_it(part: str) -> None:
    text = f"3x6x6 -> conv 8 k1 -> {part} -> conv 2 k1"
    assert saved(cost_of(text)) == 4 * (3 * 36 + 4 * 36)
    assert saved(cost_of(text, as_pytorch=True)) == 4 * (3 * 36 + 8 * 36)
    cropped = "3x6x6 -> conv 8 k1 -> crop 1 -> conv 2 k1"
    assert saved(cost_of(cropped, as_pytorch=True)) == 4 * (3 * 36 + 8 * 36)


def test_in_pytorch_several_parts_of_a_tensor_are_in_the_memory_of_one() -> None:
    text = "8x6x6 -> conv 8 k1 -> concat(split 2 part=0 -> conv 2 k1, split 2 part=1 -> conv 2 k1) -> fc 2"
    both = 4 * (8 * 36 + 8 * 36 + 4 * 36)
    assert saved(cost_of(text)) == saved(cost_of(text, as_pytorch=True)) == both


def test_only_activations_whose_derivative_follows_from_their_output_write_over_their_input() -> None:
    text = "2x6x6 -> conv 4 k3 -> {} -> conv 2 k3"
    input_and_both = 4 * (2 * 36 + 2 * 4 * 16)
    for name, plain, in_place in (("relu", False, False), ("elu", True, False), ("gelu", True, True)):
        outputs = input_and_both if plain else input_and_both - 4 * 64
        assert saved(cost_of(text.format(name))) == outputs, name
        outputs = input_and_both if in_place else input_and_both - 4 * 64
        assert saved(cost_of(text.format(name), in_place=True)) == outputs, name
    elu = text.format("elu")
    assert memory(cost_of(elu, in_place=True)) < memory(cost_of(elu))


def test_nothing_is_written_over_what_another_layer_reads_or_keeps() -> None:
    for text in ("4x6x6 -> conv 4 k3 p1 -> add(elu, identity) -> conv 2 k1", "6 -> fc 4 -> sigmoid -> elu -> fc 2"):
        assert saved(cost_of(text, in_place=True)) == saved(cost_of(text)), text


def test_optimizers_store_none_one_or_two_numbers_per_trained_parameter() -> None:
    trained = archcalc.load("resnet18").analyze().totals.trainable
    for optimizer, numbers in (("sgd", 0), ("momentum", 1), ("adam", 2), ("adamw", 2)):
        assert cost_of("resnet18", optimizer=optimizer).parts(FLOAT32).optimizer == 4 * numbers * trained


def test_mixed_precision_with_adam_takes_16_bytes_per_parameter() -> None:
    """Rajbhandari et al. 2020 (ZeRO), section 3.1: 2 + 2 bytes in half precision, 12 bytes in single precision."""
    cost = cost_of("1024 -> fc 1024 -> fc 10", optimizer="adam", master="float32")
    parts = cost.parts(read_formats("float16"))
    assert parts.total - parts.tensors == 16 * archcalc.load("1024 -> fc 1024 -> fc 10").analyze().totals.params


BLOCKS = 'input: "64"\nblocks: {b: "fc 256 -> gelu -> fc 64"}\nlayers:\n  - stack: "b()*6"\n  - fc 2\n'


def test_a_checkpoint_keeps_its_input_and_computes_its_tensors_twice() -> None:
    graph = read_spec(Source("blocks.yaml", BLOCKS)).graph
    plain = TrainingCost(graph, DEFAULT_SETUP)
    each = TrainingCost(graph, TrainingSetup(checkpoints=("stack/*",)))
    whole = TrainingCost(graph, TrainingSetup(checkpoints=("stack",)))
    assert saved(plain) == 4 * (6 * (64 + 256 + 256) + 64)
    assert saved(each) == 4 * 7 * 64  # the inputs of the blocks, and that of the last layer
    assert saved(whole) == 4 * 2 * 64
    macs = 6 * 2 * 64 * 256
    for cost in (each, whole):
        assert cost.training_macs(cost.runs) == plain.training_macs(cost.runs) + macs
    assert memory(each) < memory(whole)  # computed anew at once, all of its tensors exist together
    assert memory(each) < memory(plain)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(text=networks())
def test_the_parts_fit_together(text: str) -> None:
    """Of random networks: sums over layers, what in-place activations keep, the worst moment."""
    graph = read(text)
    plain = TrainingCost(graph, DEFAULT_SETUP)
    layers = [layer for layer in analyze(graph, receptive=False).layers if not layer.training]
    macs = sum(layer.macs for layer in layers)
    backward = plain.backward_macs(plain.runs)
    assert backward <= 2 * macs
    assert plain.training_macs(plain.runs) == macs + backward
    rows = plain.by_row("saved", [[index] for index in plain.runs], FLOAT32)
    assert sum(rows) == saved(plain)
    assert plain.parts(FLOAT32).tensors >= saved(plain)
    assert saved(TrainingCost(graph, TrainingSetup(in_place=True))) <= saved(plain)
    _, uses = plain.worst_moment(FLOAT32)
    worst = plain.moments.worst(FLOAT32, 1)
    spans = [(span.first, span.last, span.tensor.bytes(FLOAT32, 1)) for span in plain.moments.spans]
    live = [sum(size for first, last, size in spans if first <= at <= last) for at in range(plain.moments.count)]
    assert max(live) == worst == sum(uses.values())


@pytest.mark.parametrize("setup", [{"optimizer": "lamb"}, {"master": "fp"}])
def test_unknown_optimizers_and_formats_are_refused(setup: Any) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        TrainingSetup(**setup)


@pytest.mark.parametrize("setup", [{"frozen": ("nosuch",)}, {"checkpoints": ("c1", "c1/conv")}])
def test_places_that_do_not_exist_or_overlap_are_refused(setup: Any) -> None:
    with pytest.raises(LookupError):
        cost_of("lenet5", **setup)
