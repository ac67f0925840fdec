"""Code for PyTorch: its structure is that of the network, and it is written as a person would format it."""

from __future__ import annotations

import ast
import subprocess
import sys
import zlib
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from archcalc.api import load
from archcalc.graph import Graph
from archcalc.spec import GivenSettings, Source, SpecError, read_spec
from archcalc.writers.code.calls import literal
from archcalc.writers.pytorch.write import numbered, state_names, write_pytorch
from tests.random_networks import networks
from tests.sample import SAMPLE
from tests.writers.code.networks import BLOCKS, graph

CHAIN = "input: 3x8x8\nlayers: {a: conv 4 k3 -> relu, b: conv 4 k3 -> relu, head: gap -> fc 5}"


def classes(code: str) -> dict[str, ast.ClassDef]:
    return {each.name: each for each in ast.parse(code).body if isinstance(each, ast.ClassDef)}


def parameters(cls: ast.ClassDef) -> list[str]:
    (constructor,) = (each for each in cls.body if getattr(each, "name", "") == "__init__")
    return [each.arg for each in constructor.args.args[1:]]  # type: ignore[attr-defined]


def test_a_chain_is_a_sequence_without_a_method() -> None:
    (network,) = classes(write_pytorch(graph(CHAIN))).values()
    assert ast.unparse(network.bases[0]) == "nn.Sequential"
    assert [each.name for each in network.body if isinstance(each, ast.FunctionDef)] == ["__init__"]


def test_blocks_are_classes_whose_parameters_are_the_numbers_that_differ() -> None:
    code = write_pytorch(graph(BLOCKS))
    found = classes(code)
    assert parameters(found["Unit"]) == ["in_channels", "out_channels", "kernel_size", "stride"]
    assert parameters(found["Residual"]) == ["in_channels"]
    assert "padding=kernel_size // 2" in code
    assert "return self.unit_2(self.unit_1(x)) + x" in code


def test_widths_inside_a_module_are_hidden_ones() -> None:
    text = """
    input: 8x8x8
    blocks:
      narrow(h, c): conv h k1 -> relu -> conv c k1
      kept(h, c=C): add(identity, conv h k1 -> relu -> conv c k1)
    layers: [{a: "narrow(4, 6) -> narrow(5, 7)"}, {b: kept(3) -> conv 9 k1 -> kept(4)}]
    """
    found = classes(write_pytorch(graph(text)))
    assert parameters(found["Narrow"]) == ["in_channels", "hidden_channels", "out_channels"]
    assert parameters(found["Kept"]) == ["in_channels", "hidden_channels"]


def test_repetitions_are_loops() -> None:
    code = write_pytorch(graph(BLOCKS))
    assert '[(f"residual_{i}", Residual(8)) for i in range(1, 4)]' in code
    assert 'for i in range(1, 3):\n            self.add_module(f"residual_{i}", Residual(16))' in code


def test_layers_that_are_repeated_together_are_a_loop() -> None:
    text = "input: 3x8x8\nblocks: {unit(c): conv c k3 half -> bn}\nlayers: {a: (unit(3) -> relu)*4 -> unit(5)}"
    code = write_pytorch(graph(text))
    assert "for i in range(1, 5):" in code
    assert 'self.add_module(f"relu_{i}", nn.ReLU())' in code
    assert "self.unit_5 = Unit(5)" in code


def test_tensors_that_are_read_again_have_the_name_of_their_stage() -> None:
    code = write_pytorch(load("unet").graph)
    assert "x = self.up4(x, down4)" in code
    assert parameters(classes(code)["Up"]) == ["in_channels", "out_channels"]


def test_one_vector_for_a_fully_connected_layer_is_taken_without_its_axis() -> None:
    spec = "input: 5x8\nlayers:\n  - body: linear 8\n  - head: slice {} -> fc 3"
    assert "self.fc(x[:, 0])" in write_pytorch(graph(spec.format("0:1")))
    assert "self.fc(x[:, 0:2].flatten(1))" in write_pytorch(graph(spec.format("0:2")))


def test_layers_of_two_kinds_share_a_weight_and_equal_ones_a_module() -> None:
    tied = "input: 16\nlayers: [{a: embedding 9 4}, {b: linear 9 nobias weights=@a}]"
    assert "self.b.weight = self.a.weight" in write_pytorch(graph(tied))
    inside = "input: 4x8\nlayers: [{a: linear 8}, {b: [linear 8 weights=@a, relu]}]"
    assert "self.b.linear = self.a" in write_pytorch(graph(inside))


def test_layers_keep_their_names_in_the_state() -> None:
    names = state_names(graph(BLOCKS))
    assert names["stem/conv.weight"] == ("stem.conv.weight",)
    assert names["stage1/bn_6.variance"] == ("stage1.residual_3.unit_2.bn.running_var",)
    assert names["head/fc.bias"] == ("head.fc.bias",)


def test_a_name_that_is_no_identifier_is_one_in_the_code() -> None:
    text = 'input: 3x8x8\nlayers: {3a: conv 4 k3, class: relu -> conv 4 k1, float: "add(@3a, identity)"}'
    code = write_pytorch(graph(text))
    ast.parse(code)
    assert "x = self.stage_3a(x)" in code
    assert "return x + self.class_(x)" in code


def test_names_that_become_equal_are_told_apart() -> None:
    text = "inputs: {A: 4, a: 4}\nlayers: {class: fc 4 -> relu, class_: fc 4 -> tanh, Out: 'add(@a, @A, @class)'}"
    code = write_pytorch(graph(text))
    assert "def forward(self, a: Tensor, a_2: Tensor)" in code
    assert {"self.class_", "self.class__"} <= {ast.unparse(each) for each in ast.walk(ast.parse(code))}


def test_repetitions_of_one_block_in_several_places_have_names_of_their_own() -> None:
    blocks = "blocks: {unit(c=C): 'add(identity, conv c k3 half)'}"
    network = graph(f"input: 3x8x8\n{blocks}\nlayers: {{a: '(unit)*2 -> add(identity, relu) -> (unit)*3', b: fc 2}}")
    names = {name for names in state_names(network).values() for name in names}
    assert {"a.unit_1.0.conv.weight", "a.unit_3.2.conv.weight"} <= names


def test_names_with_quotes_and_braces_are_written_as_they_are() -> None:
    assert literal('a"\\\n{') == '"a\\"\\\\\\n{"'
    assert eval(numbered('"{x}\\'), {"i": 3}) == '"{x}\\3'


def test_the_inputs_of_a_network_are_arguments_in_their_order() -> None:
    text = "inputs: {one: 4, other: 4, third: 4}\nlayers: [{a: 'sub(@other, @one)'}]\nheads: {last: '@third'}"
    code = write_pytorch(graph(text))
    (network,) = classes(code).values()
    assert [ast.unparse(each) for each in network.body[-1].body] == ["a = other - one", "return (a, third)"]  # type: ignore[attr-defined]
    assert "self, one: Tensor, other: Tensor, third: Tensor" in code


def test_variables_that_the_code_follows_are_arguments() -> None:
    text = """
    input: 3x16x16
    variables: {width: 8, alpha: 1, rate: 0.2, class: 10, times: 3, unused: 4}
    blocks: {unit(c): conv c k3 half -> relu}
    layers:
      - stem: unit(width) -> unit(2*width)
      - body: (unit(2*width))*times -> dropout rate
      - rounded: unit(divisible(alpha*16, 8))
      - head: gap -> fc class
    """

    def read(variables: Mapping[str, str], sizes: Mapping[str, Any]) -> Graph:
        return read_spec(Source("net.yaml", text), GivenSettings(variables, numbers=sizes)).graph

    code = write_pytorch(read({}, {}), read)
    *_, network = classes(code).values()
    assert parameters(network) == ["in_channels", "width", "rate", "class_", "times"]
    assert "self.stem = " in code
    assert "Unit(width, 2 * width)" in code
    assert "Body(2 * width, blocks=times, p=rate)" in code
    assert "nn.Linear(16, class_)" in code


def test_all_layers_that_pytorch_cannot_express_are_named() -> None:
    text = "input: 4x8x8\nlayers: {a: conv 4 k3 flip, b: relu, c: avgpool 2 d2}"
    with pytest.raises(SpecError) as error:
        write_pytorch(graph(text))
    assert [problem.message for problem in error.value.problems] == [
        "a: PyTorch's convolutions do not flip their kernels",
        "c: PyTorch's average pooling has no dilation",
    ]


def test_a_network_without_layers_is_an_error() -> None:
    with pytest.raises(SpecError, match="the network has no layers"):
        write_pytorch(graph("input: 3x8x8\nlayers: [identity]"))


def test_conversions_do_not_affect_later_ones() -> None:
    """The class that a layer uses has the name of a block of another network."""
    network = graph("input: 8\nblocks: {radial_basis: fc 8 -> relu -> fc 8}\nlayers: {a: (radial_basis)*2 -> relu}")
    before = write_pytorch(network)
    assert "class RadialBasis(nn.Module)" in write_pytorch(graph("input: 8\nlayers: {a: rbf 4}"))
    assert write_pytorch(network) == before
    assert "RadialBasis" in classes(before)


@pytest.mark.slow
def test_files_are_formatted(tmp_path: Path) -> None:
    for name in (
        *SAMPLE,
        "mvit",
        "resnet50",
        "vit",
        "swin",
        "retinanet",
        "efficientnet",
        "llama",
        "mixtral-8x7b",
        "t5",
    ):
        (tmp_path / f"{name}.py").write_text(write_pytorch(load(name, training=True).graph))
    assert not style_errors(tmp_path)


@pytest.mark.slow
def test_files_of_random_networks_are_formatted(tmp_path: Path) -> None:
    @settings(max_examples=150, derandomize=True)
    @given(networks())
    def write(text: str) -> None:
        with suppress(SpecError):  # PyTorch cannot express all of them
            (tmp_path / f"{zlib.crc32(text.encode())}.py").write_text(write_pytorch(graph(text)))

    write()
    assert not style_errors(tmp_path)


@pytest.mark.slow
def test_every_kind_of_attention_is_formatted(tmp_path: Path) -> None:
    options = [("", f" {each}") for each in ("causal", "rope", "alibi", "window=3", "kv_heads=2", "dim=16", "nobias")]
    tensors = [("", f" {each}") for each in ("context=@c", "score_bias=@s", "mask=@s")]
    for number, chosen in enumerate(product(*options, *tensors)):
        inputs = "inputs: {x: 6x8, c: 6x8, s: 4x6x6}"
        text = f"{inputs}\nlayers: [{{a: '@x -> attention heads=4{''.join(chosen)}'}}]\nheads: {{c_: '@c', s_: '@s'}}"
        (tmp_path / f"a{number}.py").write_text(write_pytorch(graph(text)))
    assert not style_errors(tmp_path)


def style_errors(folder: Path) -> str:
    """Return what ruff finds in files."""
    (folder / "ruff.toml").write_text("line-length = 88\n")
    checks = (["format", "--diff"], ["check", "--select", "E,F,I,UP"])
    runs = [subprocess.run([sys.executable, "-m", "ruff", *c, "."], cwd=folder, capture_output=True) for c in checks]
    return "".join(ran.stdout.decode() for ran in runs if ran.returncode)
