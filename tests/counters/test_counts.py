"""What tools print, against what they have printed, and the terms that lead there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.counters.count import Count
from archcalc.counters.network import counts_of, trace_of
from archcalc.counters.registry import TOOLS, tools_named
from archcalc.spec import Source, read_spec
from tests.random_networks import networks
from tests.readers.programs import call, document, small_network, write
from tests.sample import SAMPLE

PRINTED = {
    # torchvision 0.28 with PyTorch 2.13: thop 0.1.1, ptflops 0.7.5 and 0.6.9, fvcore 0.1.5, torchinfo 1.8.0
    "vit:b_16": {
        "thop 0.1.1": 11_286_254_592,
        "ptflops 0.7.5": 17_606_030_584,
        "fvcore 0.1.5": 16_867_412_736,
        "fvcore 0.1.5 no_grad": 11_290_036_992,
        "torchinfo 1.8.0": 173_232_616,
    },
}


@cache
def counts(spec: str) -> dict[tuple[str, str], Count]:
    return {(each.tool.key, each.quantity.name): each for each in archcalc.load(spec).counters()}


@pytest.mark.parametrize("network", PRINTED)
def test_tools_print_what_their_rules_say(network: str) -> None:
    for tool, printed in PRINTED[network].items():
        assert counts(network)[tool, "macs"].value == printed, tool


@pytest.mark.parametrize("network", SAMPLE)
def test_terms_lead_from_the_figure_of_archcalc_to_the_number(network: str) -> None:
    for each in counts(network).values():
        assert each.start + sum(term.amount for term in each.terms) == each.value
        assert all(sum(term.layers.values()) == term.amount for term in each.terms)
        if each.quantity.rules:
            assert sum(each.by_layer.values()) == each.value


def test_every_tool_says_where_its_rules_come_from() -> None:
    assert len({tool.key for tool in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert tool.package
        assert tool.watches
        for quantity in tool.quantities:
            assert quantity.rules or quantity.source
            assert all(rule.source and (rule.what or rule.formula.text == "0") for rule in quantity.rules)


def test_a_tool_is_named_with_or_without_its_version() -> None:
    assert [tool.key for tool in tools_named("ptflops==0.6.9", "")] == ["ptflops 0.6.9"]
    assert [tool.key for tool in tools_named("fvcore no_grad", "")] == ["fvcore 0.1.5 no_grad"]
    assert len(tools_named("thop", "")) == 2


@pytest.mark.parametrize(
    ("written", "hint"), [("thopp", "thop, ptflops"), ("ptflops 9", "'ptflops 0.6.9'"), ("", "thop")]
)
def test_an_unknown_tool_lists_what_there_is(written: str, hint: str) -> None:
    with pytest.raises(archcalc.SpecError) as error:
        tools_named(written, "--tool")
    assert hint in str(error.value)


def read(folder: Path, program: dict[str, Any]) -> dict[tuple[str, str], Count]:
    return counts(str(write(folder / "net.pt2", program)))


def changed(program: dict[str, Any], result: str, **metadata: str) -> dict[str, Any]:
    """A program in which the call with a result was recorded otherwise."""
    for node in program["graph_module"]["graph"]["nodes"]:
        if node["outputs"][0]["as_tensor"]["name"] == result:
            node["metadata"].update(metadata)
    return program


def in_module(path: str, name: str) -> str:
    return f"L__self__,,Net;L__self__{path},{path},torch.nn.modules.{name}"


def test_modules_count_by_their_exact_class(tmp_path: Path) -> None:
    network = small_network()
    unknown = read(tmp_path, network)["thop 0.1.1", "macs"]
    assert unknown.value == 0
    named = changed(small_network(), "c", nn_module_stack=in_module("stem.conv", "conv.Conv2d"))
    (tmp_path / "named").mkdir()
    found = read(tmp_path / "named", named)["thop 0.1.1", "macs"]
    assert found.value == 8 * 36 * 27
    assert [term.label for term in found.terms] == ["linear layers outside of Linear modules, not counted"]


def test_functions_count_by_how_the_source_writes_them(tmp_path: Path) -> None:
    shapes = {"p": (1, 4, 4), "y": (1, 4, 4)}
    for place, (line, value, other) in enumerate(
        [("q.matmul(k)", 64, None), ("q @ k", 0, None), ("attend(q, k)", 64, 0)]
    ):
        calls = [
            call("relu.default", "p", self="@x"),
            call("matmul.default", "y", self="@p", other="@x"),
        ]
        program = document({"x": (1, 4, 4)}, calls, shapes)
        trace = f'File "net.py", line 7, in forward\n    {line}'
        program = changed(program, "y", torch_fn="matmul_1;method_descriptor.matmul", stack_trace=trace)
        (tmp_path / str(place)).mkdir()
        found = read(tmp_path / str(place), program)["calflops 0.3.2", "macs"]
        assert (found.value, found.other) == (value, other)


SMALL = {
    # printed by thop 0.1.1, ptflops 0.7.5, torchinfo 1.8.0, calflops 0.3.2, fvcore 0.1.5 and PyTorch 2.13 for modules
    # of torch.nn: LSTM(16, 32, 2, bidirectional=True) and Linear(64, 4), GRU(16, 32), RNN(16, 32, bias=False),
    # ConvTranspose2d(8, 4, 3, 2, 1, groups=2) with Upsample and AdaptiveAvgPool2d(1)
    "20x16 -> lstm 32 layers=2 bidirectional -> linear 4": (783360, 788560, 5200, 1510400, 758020, 5120, 10240),
    "20x16 -> gru 32": (100480, 100480, 96000, 188800, 96000, 0, 184320),
    "20x16 -> rnn 32 nobias": (31360, 31360, 30720, 60800, 30720, 0, 61440),
    "8x16x16 -> upconv 4 k3 s2 p1 g2 -> upsample 2 bilinear -> gap": (
        322900,
        102212,
        40708,
        56212,
        142228,
        113744,
        73728,
    ),
}
READ = (
    ("thop 0.1.1", "macs"), ("ptflops 0.7.5", "macs"), ("ptflops-aten 0.7.5", "macs"), ("calflops 0.3.2", "flops"),
    ("torchinfo 1.8.0", "macs"), ("fvcore 0.1.5", "macs"), ("flop-counter-mode 2.13", "flops"),
)  # fmt: skip


@pytest.mark.parametrize("network", SMALL)
def test_specs_are_counted_like_the_modules_that_they_stand_for(network: str) -> None:
    assert tuple(counts(network)[each].value for each in READ) == SMALL[network]


TRAINED = {
    # counted by PyTorch 2.13's FlopCounterMode on a CPU for y.sum().backward() with the modules of torch.nn
    "20x16 -> gru 32": 485376,
    "20x16 -> rnn 32 nobias": 161792,
    "4x16x16 -> conv 8 k1 -> upconv 4 k3 s2 p1 g2": 327680,
    "32 -> fc 8 -> fc 8": 1408,
}


@pytest.mark.parametrize("network", TRAINED)
def test_a_training_step_is_counted_like_that_of_modules(network: str) -> None:
    assert counts(network)["flop-counter-mode 2.13", "training_flops"].value == TRAINED[network]


OF_BOTH = {
    # calls on x and h = W·x (each of 4×4, so that a product has 64): their products, and those of their gradients
    "matmul.default": ({"self": "@h", "other": "@x"}, 1, 1),
    "bmm.default": ({"self": "@h", "mat2": "@h"}, 1, 2),
    "scaled_dot_product_attention.default": ({"query": "@x", "key": "@h", "value": "@x"}, 2, 2),
    "einsum.default": ({"equation": "bij,bjk,bkl->bil", "tensors": ["@x", "@x", "@h"]}, 2, 1),
}


@pytest.mark.parametrize("operator", OF_BOTH)
@pytest.mark.parametrize("is_trained", [True, False])
def test_a_file_says_which_factors_need_gradients(tmp_path: Path, operator: str, is_trained: bool) -> None:
    given, products, of_gradients = OF_BOTH[operator]
    linear = call("linear.default", "h", module="head", input="@x", weight="@p_head_weight", bias=None)
    shapes = dict.fromkeys("hy", (1, 4, 4))
    program = document({"x": (1, 4, 4)}, [linear, call(operator, "y", **given)], shapes, {"head.weight": (4, 4)})
    program["graph_module"]["graph"]["tensor_values"]["p_head_weight"]["requires_grad"] = is_trained
    found = read(tmp_path, program)["flop-counter-mode 2.13 meta", "training_flops"]
    assert found.value == 2 * 64 * (1 + products + (1 + of_gradients if is_trained else 0))


@given(networks())
@settings(max_examples=10)
def test_layers_that_are_alike_are_counted_as_each_by_itself(text: str) -> None:
    analysis = analyze(read_spec(Source("net.yaml", text)).graph)
    trace = trace_of(analysis.graph, None, analysis)
    together = counts_of(analysis, trace=trace)
    alone = counts_of(analysis, trace=replace(trace, kinds={}))
    assert [(each.value, each.terms, each.by_layer) for each in together] == [
        (each.value, each.terms, each.by_layer) for each in alone
    ]


def test_versions_of_a_tool_count_windows_differently() -> None:
    # printed by thop 0.1.1 and 0.0.31 for AdaptiveAvgPool2d((2, 2)) of 4×5×5
    found = counts("4x5x5 -> adaptive_avgpool 2")
    assert (found["thop 0.1.1", "macs"].value, found["thop 0.0.31", "macs"].value) == (116, 80)


def test_the_examples_of_a_file_are_a_term(tmp_path: Path) -> None:
    found = read(tmp_path, small_network(2))["fvcore 0.1.5", "macs"]
    assert found.value == 2 * found.start
    assert [(term.label, term.amount) for term in found.terms] == [("a batch of 2 examples", found.start)]


def test_a_file_at_another_size_is_counted_like_a_spec(tmp_path: Path) -> None:
    path = str(write(tmp_path / "net.pt2", small_network()))
    (found,) = archcalc.load(path).counters(["fvcore no_grad"])
    (other,) = archcalc.load(path, shapes="3x6x6").counters(["fvcore no_grad"])
    assert found.value == other.value == 8 * 36 * 27 + 720


def test_a_tool_that_fails_on_a_network_is_named(tmp_path: Path) -> None:
    calls = [
        call("expand.default", "e", self="@p_token", size=[1, 2, 4]),
        call("linear.default", "h", module="head", input="@e", weight="@p_head_weight", bias=None),
        call("add.Tensor", "y", self="@x", other="@h"),
    ]
    results = {"e": (1, 2, 4), "h": (1, 2, 4), "y": (1, 2, 4)}
    program = document({"x": (1, 2, 4)}, calls, results, {"token": (1, 1, 4), "head.weight": (4, 4)})
    found = read(tmp_path, program)
    assert "'head'" in found["flop-counter-mode 2.13 no_grad", "flops"].failure
    assert not found["flop-counter-mode 2.13", "flops"].failure


ATTENDED = {
    # counted by PyTorch 2.13's FlopCounterMode without gradients, for queries, keys and values of 1×2×5×4 on a CPU
    (5, 5): 0,
    (2, 5, 5): 800,
    (1, 5, 5): 800,
    (1, 1, 5, 5): 0,
    (1, 2, 1, 5): 0,
}


@pytest.mark.parametrize("mask", ATTENDED, ids=str)
def test_attention_is_fused_by_the_shape_of_its_mask(tmp_path: Path, mask: tuple[int, ...]) -> None:
    shape = (1, 2, 5, 4)
    given = {"query": "@x", "key": "@x", "value": "@x", "attn_mask": "@p_mask"}
    calls = [call("scaled_dot_product_attention.default", "y", **given)]
    found = read(tmp_path, document({"x": shape}, calls, {"y": shape}, {"mask": mask}))
    assert found["flop-counter-mode 2.13 no_grad", "flops"].value == ATTENDED[mask]


def test_torchsummary_adds_outputs_without_their_first_axis(tmp_path: Path) -> None:
    # A module that reads two windows as two examples, and an Identity and a Dropout behind it, which leave no traces.
    calls = [
        call("view.default", "w", self="@x", size=[2, 4, 8]),
        call("relu.default", "r", self="@w"),
        call("view.default", "y", self="@r", size=[1, 8, 8]),
    ]
    program = document({"x": (1, 8, 8)}, calls, {"w": (2, 4, 8), "r": (2, 4, 8), "y": (1, 8, 8)})
    block = "L__self__,,Net;a,block,net.Block"
    for result, stack in (("w", block), ("r", f"{block};b,block.attend,net.Attend"), ("y", block)):
        program = changed(program, result, nn_module_stack=stack)
    paths = ("block", "block.first", "block.attend", "block.identity")
    program["graph_module"]["module_call_graph"] += [{"fqn": path, "signature": None} for path in paths]
    found = read(tmp_path, program)["torchsummary 1.5.1", "forward_backward_bytes"]
    assert found.value == 2 * 4 * (4 * 8 + 8 * 8)
    assert found.other == found.value + 2 * 4 * (8 * 8 + 2 * 4 * 8)
