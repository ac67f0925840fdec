"""Code for Keras: its structure is that of the network, and it is written as a person would format it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from archcalc.api import load
from archcalc.spec import SpecError
from archcalc.writers.keras.arrays import variables_of
from archcalc.writers.keras.write import write_keras
from tests.writers.code.networks import BLOCKS, graph


def code(text: str) -> str:
    return write_keras(graph(text))


def functions(text: str) -> dict[str, ast.FunctionDef]:
    return {each.name: each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)}


def parameters(function: ast.FunctionDef) -> list[str]:
    return [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]


def test_a_chain_of_layers_is_a_sequential_model() -> None:
    text = code("input: 3x8x8\nlayers: {a: conv 4 k3 -> relu, b: maxpool 2, head: gap -> fc 5}")
    assert [*functions(text)] == ["build_model"]
    assert "return keras.Sequential(" in text
    assert 'keras.Input((8, 8, 3), name="input")' in text
    assert 'layers.Conv2D(4, 3, activation="relu", name="a")' in text
    assert 'layers.GlobalAveragePooling2D(name="head_gap")' in text


def test_blocks_are_functions_whose_parameters_are_the_numbers_that_differ() -> None:
    found = functions(code(BLOCKS))
    assert parameters(found["unit"]) == ["x", "filters", "strides", "name"]
    assert parameters(found["residual"]) == ["x", "filters", "name"]


def test_repetitions_are_loops() -> None:
    text = code(BLOCKS)
    assert 'for i in range(1, 4):\n        x = residual(x, 8, name=f"stage1_residual_{i}")' in text
    assert 'for i in range(1, 3):\n        x = residual(x, 16, name=f"{name}_residual_{i}")' in text


def test_joins_in_sequence_are_a_loop_with_numbers_in_the_names() -> None:
    blocks = "blocks: {unit(c): conv c k3 half -> bn}"
    lines = code(f"input: 3x8x8\n{blocks}\nlayers: [{{a: '(add(identity, unit(3)))*4 -> unit(5)'}}]").split("\n")
    start = lines.index("    for i in range(1, 5):")
    names = [line.split("name=")[1] for line in lines[start + 1 : start + 3]]
    assert names == ['f"{name}_unit_{i}")', 'f"{name}_add_{i}")([x, y])']


def test_a_repetition_whose_result_is_returned_is_in_the_loop() -> None:
    text = code(
        "input: 4x8x8\nblocks:\n  unit(c): conv c k1 -> bn\n  stage(c): unit(c) -> (add(unit(c), identity))*3\n"
        "layers: {a: stage(8), b: stage(16)}"
    )
    stage = ast.unparse(functions(text)["stage"])
    assert stage.count("unit(") == 2
    assert "for i in range(1, 4):" in stage
    assert stage.endswith("return x")


def test_tensors_that_are_read_again_have_the_name_of_their_stage() -> None:
    text = write_keras(load("unet").graph)
    assert 'x = up(x, down4, 512, cropping=4, name="up4")' in text
    assert parameters(functions(text)["up"]) == ["x", "skip", "filters", "cropping", "name"]


def test_layers_keep_their_names_with_underscores() -> None:
    paths = {array: [each.path for each in found] for array, found in variables_of(graph(BLOCKS)).items()}
    assert paths["stem/conv.weight"] == ["stem_conv/kernel"]
    assert paths["stage1/bn_6.variance"] == ["stage1_residual_3_unit_2_bn/moving_variance"]
    assert paths["head/fc.bias"] == ["head_fc/bias"]


def test_names_that_are_equal_with_underscores_are_joined_by_more() -> None:
    text = "input: 8\nlayers: [{a_b: [c: fc 8, d: fc 8]}, {a: [b_c: fc 8, b: fc 8]}]"
    names = [each.split('"')[1] for each in code(text).split("name=")[1:]]
    assert len({*names}) == len(names)


def test_padding_is_a_word_where_keras_pads_equally() -> None:
    assert 'padding="same"' in code("input: 3x8x8\nlayers: [conv 4 k3 half]")
    assert 'padding="causal"' in code("input: 3x8\nlayers: [conv 4 k3 d=2 p=4:0]")
    strided = code("input: 3x8x8\nlayers: [conv 4 k3 s2 half]")
    assert "layers.ZeroPadding2D(" in strided
    assert "padding=" not in strided
    assert 'padding="same"' in code("input: 3x9x9\nlayers: [conv 4 k3 s2 half]")


def test_flattened_maps_are_channels_first_before_a_layer_with_weights() -> None:
    text = code("input: 3x8x8\nlayers: [conv 4 k3, fc 5]")
    comment, permute, flatten = text[text.index("# ") :].split("\n")[:3]
    assert "channels are first" in comment
    assert "layers.Permute((3, 1, 2)" in permute
    assert "layers.Flatten(" in flatten
    assert "Permute" not in code("input: 3x8x8\nlayers: [conv 4 k8, fc 5]")
    assert "Permute" not in code("input: 1x8x8\nlayers: [fc 5]")


def test_tokens_are_the_last_axis_but_one_without_a_transposition() -> None:
    text = write_keras(load("vit").graph)
    assert 'x = layers.Reshape((-1, 768), name="patches_rearrange")(x)' in text
    assert "transpose" not in text


@pytest.mark.parametrize(
    ("layer", "written"),
    [
        ("slice 0:1", "x[:, 0]"),
        ("slice (-1):", "x[:, -1]"),
        ("slice 2:3 axis=1", "x[..., 2]"),
        ("slice 0:2", "x[:, 0:2]"),
        ("slice 0:1 -> tanh", "x[:, 0:1]"),
    ],
)
def test_one_vector_for_a_fully_connected_layer_is_taken_without_its_axis(layer: str, written: str) -> None:
    text = code(f"input: 5x8\nlayers:\n  - body: linear 8\n  - head: '{layer} -> fc 3'")
    assert written in text
    assert ("Flatten" in text) == (":" in written.removeprefix("x[:"))


def test_axes_that_are_split_and_permuted_are_a_function_of_the_given_sizes() -> None:
    text = code("input: 8x8x3\nlayers: [\"rearrange '(a p) (b q) c = (a b) (p q) c' p=2 q=2\"]")
    assert parameters(functions(text)["ap_bq_c_to_ab_pq_c"]) == ["x", "p", "q"]
    assert "= x.shape[1:]" in text
    assert "n1 = x.shape[1]\n" in code("input: 6\nlayers: [\"rearrange '(a b) = (b a)' a=2\"]")


def test_layers_that_share_all_weights_are_called_again() -> None:
    tied = code("input: 16\nlayers: [{a: embedding 9 4}, {b: linear 9 nobias weights=@a}]")
    assert 'a_layer = layers.ReversibleEmbedding(9, 4, name="a")' in tied
    assert "a_layer(x, reverse=True)" in tied
    twice = code("input: 4x8\nlayers: [{a: linear 8}, {b: [linear 8 weights=@a, relu]}]")
    assert twice.count("layers.Dense(") == 1
    tower = "inputs: {l: 4, r: 4}\nshared: {t: fc 5 -> relu}\nlayers: [{a: '@l -> t'}, {b: '@r -> t'}, 'sub(@a, @b)']"
    assert code(tower).count("layers.Dense(") == 1


@pytest.mark.parametrize(
    "layers",
    [
        "{a: linear 8}, {b: [tanh, linear 8 nobias weights=@a]}",
        "{a: conv 4 k3 same}, {b: [tanh, conv 4 k3 s2 p1 weights=@a]}",
    ],
)
def test_layers_that_share_weights_but_differ_otherwise_are_refused(layers: str) -> None:
    with pytest.raises(SpecError, match="has the same arguments"):
        code(f"input: 4x8x8\nlayers: [{layers}]")


def test_commas_in_strings_divide_no_calls() -> None:
    text = code("input: 1\nblocks: {b: \"einsum('a, a = a', identity, identity) -> tanh\"}\nlayers: [fc 1, {c: b}]")
    assert '"ba,ba->ba"' in text


def test_training_heads_are_outputs_on_demand() -> None:
    text = code("input: 3x8x8\nlayers: {a: conv 4 k3, head: gap -> fc 5}\ntraining_heads: {aux: '@a -> gap -> fc 5'}")
    found = functions(text)["build_model"]
    assert parameters(found) == ["training_heads"]
    assert "if training_heads:" in text


def test_all_layers_that_keras_cannot_express_are_named() -> None:
    text = "input: 4x18x18\nlayers: {a: conv 4 k3 flip, b: relu, c: avgpool 2 d2, d: conv 4 k3 s2 d2}"
    with pytest.raises(SpecError) as error:
        code(text)
    assert [problem.message for problem in error.value.problems] == [
        "a: Keras's convolutions do not flip their kernels",
        "c: Keras's average pooling has no dilation",
        "d: Keras's convolutions cannot have both strides and a dilation",
    ]


def test_two_biases_of_recurrent_layers_are_refused_with_the_remedy() -> None:
    with pytest.raises(SpecError, match=r"one bias per gate \('onebias'"):
        code("input: 7x4\nlayers: [lstm 5]")
    assert "layers.Bidirectional(" in code("input: 7x4\nlayers: [lstm 5 onebias bidirectional]")


def test_a_network_without_layers_is_an_error() -> None:
    with pytest.raises(SpecError, match="the network has no layers"):
        code("input: 3x8x8\nlayers: [identity]")


@pytest.mark.slow
def test_files_are_formatted(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 88\n")
    for name in ("lenet5", "unet", "resnet50", "googlenet", "vit", "swin", "retinanet", "efficientnet", "llama"):
        (tmp_path / f"{name}.py").write_text(write_keras(load(name, training=True).graph))
    for check in (["format", "--check"], ["check", "--select", "E,F,I,UP"]):
        ran = subprocess.run([sys.executable, "-m", "ruff", *check, "."], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout


def test_masks_of_shifted_windows_are_computed_by_a_layer():
    """Saved models then contain the sizes of masks, instead of their numbers."""
    text = write_keras(load("swin").graph)
    assert "class ShiftMask(layers.Layer):" in text
    assert " = ShiftMask(size=size, window=(7, 7), shift=(3, 3)," in text
