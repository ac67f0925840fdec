"""Specs with blocks: what is found, and that they read as the same network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archcalc.api import load
from archcalc.graph import Graph
from archcalc.spec import Source, read_spec
from archcalc.spec.records import GivenSettings
from archcalc.writers.spec.blocks import Blocks
from archcalc.writers.spec.chain_tree import parse
from archcalc.writers.spec.chain_tree import text as text_of
from archcalc.writers.spec.compact import is_same, write_compact
from archcalc.writers.spec.entries import StageEntry
from archcalc.writers.spec.modules import Modules
from archcalc.writers.spec.patterns import filled, pattern_of

CHAINS = [
    "conv 64 k7 s2 p3 nobias -> bn -> relu",
    "add(conv 8 k1 -> bn, identity) -> relu -> (conv 8 k3 p1 -> relu)*2",
    "(add(concat(relu, gelu tanh, axis=1), identity))*3",
    "rearrange '(h p) (w q) c = (h w) (p q) c' p=7 q=7 -> einsum('a b, b c = a c', @one, identity)",
    "@left -> linear 8 weights=@right -> slice (-1):",
]


def graph(written: str) -> Graph:
    return read_spec(Source("net.yaml", written)).graph


@pytest.mark.parametrize("chain", CHAINS)
def test_trees_have_the_text_of_their_chain(chain: str) -> None:
    assert text_of(parse(chain)) == chain


@pytest.mark.parametrize("chain", CHAINS)
def test_patterns_filled_with_their_own_values_are_the_chain(chain: str) -> None:
    tree = parse(chain)
    assert filled(tree, iter(pattern_of(tree).values)) == tree


def test_chains_that_differ_in_numbers_only_have_one_pattern() -> None:
    one, other = (pattern_of(parse(chain)) for chain in ("conv 8 k3 p1 -> bn", "conv 16 k5 s2 p2 -> bn"))
    assert one.key == other.key
    assert (one.values, other.values) == (("8", "3", "1", "1", "1", "1"), ("16", "5", "2", "2", "1", "1"))
    assert pattern_of(parse("conv 8 k3 p1 nobias -> bn")).key != one.key


def found(*chains: str) -> tuple[list[tuple[str, str]], list[str]]:
    blocks = Blocks([parse(chain) for chain in chains], set())
    return [(block.heading, text_of(block.body)) for block in blocks.ordered()], [
        text_of(chain) for chain in blocks.chains
    ]


def test_numbers_that_vary_become_parameters_and_multiples_of_them() -> None:
    part = "conv {0} k1 nobias -> bn -> relu -> conv {0} k3 {1} p1 g{0} nobias -> bn -> conv {2} k1 nobias -> bn"
    chains = [part.format(c, stride, 4 * c).replace("  ", " ") for c, stride in ((8, ""), (16, "s2"), (32, "s2"))]
    blocks, calls = found(*chains)
    assert blocks == [
        (
            "branch(c, s=2)",
            "conv c k1 nobias -> bn -> relu -> conv c k3 s=s p1 g=c nobias -> bn -> conv 4*c k1 nobias -> bn",
        )
    ]
    assert calls == ["branch(8, s=1)", "branch(16)", "branch(32)"]


def test_blocks_call_blocks_and_repeat() -> None:
    unit = "conv {0} k3 p1 nobias -> bn -> relu -> conv {0} k3 p1 nobias -> bn"
    chains = [
        f"add({unit.format(c)}, conv {c} k1 nobias -> bn) -> relu -> (add({unit.format(c)}, identity) -> relu)*3"
        for c in (64, 128, 256)
    ]
    blocks, calls = found(*chains)
    assert [heading for heading, _ in blocks] == ["branch(c)", "projection(c)", "residual(c)"]
    assert calls == [f"projection({c}) -> residual({c})*3" for c in (64, 128, 256)]


def test_parts_that_refer_to_other_tensors_are_no_blocks() -> None:
    chain = "concat(@stem, conv 8 k3 p1 nobias) -> add(identity, @stem) -> mul(@stem, identity)"
    assert found(chain, chain) == ([], [chain, chain])


def test_names_that_are_taken_are_not_given_to_blocks() -> None:
    chain = "conv 8 k3 p1 nobias -> bn -> relu"
    blocks = Blocks([parse(f"{chain} -> maxpool 2 -> {chain}")] * 3, {"branch", "conv_bn_relu"})
    assert {"branch", "conv_bn_relu"}.isdisjoint(block.name for block in blocks.blocks)


def entry(name: str, *chains: str) -> StageEntry:
    return StageEntry(name, [StageEntry(f"part_{number}", chain) for number, chain in enumerate(chains)])


def test_equal_modules_become_a_block_and_repeat() -> None:
    chains = ("ln axis=last", "add(identity, @part_0)", "add(@part_0, identity)")
    modules = Modules(set())
    entries = modules.extracted([StageEntry("stem", "relu"), *(entry(f"layer_{n}", *chains) for n in range(3))])
    assert entries == [StageEntry("stem", "relu"), StageEntry("layer_2", "(layer)*3")]
    assert [block.name for block in modules.blocks] == ["layer"]


def test_modules_to_which_something_refers_are_not_joined() -> None:
    chains = ("relu", "add(identity, @part_0)")
    layers = [entry("layer_0", *chains), entry("layer_1", *chains), StageEntry("end", "add(identity, @layer_0)")]
    assert [each.chain for each in Modules(set()).extracted(layers)] == ["layer", "layer", "add(identity, @layer_0)"]


BIASED = """
input: 6x4
blocks:
  mixed: [x: identity, {b: learned 2x6x6}, "@x -> attention heads=2 score_bias=@b", {c: linear 4}, relu]
  layer: [x: identity, {a: mixed}, {c: linear 4}, "add(@c, @x)", "add(@a, identity)"]
layers:
  - body: (layer)*3
  - head: slice 0:1 -> fc 7
"""


def test_layers_without_a_chain_are_written_by_module() -> None:
    network = graph(BIASED)
    written = write_compact(network)
    assert is_same(network, written)
    assert "variables: {classes: 7}" in written
    assert "(body_layer)*3" in written


SHARED = """
inputs: {left: 1x16x16, right: 1x16x16}
shared:
  tower: conv 4 k3 -> relu -> conv 4 k3 -> relu -> fc 5
layers:
  - one: tower
  - other: "@right -> tower"
  - same: sub(@one, @other) -> abs -> fc 1
heads:
  seen: "@one -> fc 3"
training_heads:
  extra: "@other -> fc 2"
"""


def test_inputs_heads_and_shared_weights_are_kept() -> None:
    network = graph(SHARED)
    written = write_compact(network)
    assert is_same(network, written)
    again = graph(written)
    assert [*again.outputs] == [*network.outputs]
    assert [*again.training_outputs] == [*network.training_outputs]
    assert again.inputs == network.inputs


def test_a_deep_network_takes_few_lines() -> None:
    written = write_compact(load("resnet50").graph)
    assert len(written.splitlines()) < 25
    assert "residual(64)*2" in written
    assert "variables: {classes: 1000}" in written


WINDOWS = """
input: 8x8x16
blocks:
  windows(h, n, d):
    x: rearrange '(a p) (b q) c = (a b) (p q) c' p=4 q=4
    near: relative_bias 4x4 heads=h
    cut: shift_mask (n)x(n) window=4 shift=2
    out: "@x -> attention heads=h score_bias=@near mask=@cut -> rearrange '(a b) (p q) c = (a p) (b q) c' a=d p=4"
  layer(h, n, d, c): add(identity, ln axis=last -> windows(h, n, d)) -> add(identity, linear 4*c -> gelu -> linear c)
layers:
  - one: layer(2, 8, 2, 16)*2
  - two: slice :4 -> slice :4 axis=1 -> linear 32 -> layer(4, 4, 1, 32)*2
  - three: ln axis=last
"""


def as_in_a_model_file(network: Graph) -> Graph:
    """Return a network whose blocks are modules without names of their own."""
    paths = [tuple(part for part in node.path if part not in ("layer", "out")) for node in network.nodes]
    nodes = [replace(node, path=path) for node, path in zip(network.nodes, paths, strict=True)]
    return replace(network, nodes=tuple(nodes))


def test_modules_that_differ_in_numbers_are_one_block_within_chains() -> None:
    network = as_in_a_model_file(graph(WINDOWS))
    written = write_compact(network)
    assert is_same(network, written)
    assert written.count("relative_bias") == 1
    assert "shift_mask (n)x(n) window=4 shift=2" in written
    assert "linear 4*" in written


def test_numbers_in_names_are_no_arguments() -> None:
    modules = Modules(set())
    layers = [entry(f"layer_{n}", f"conv {n} k3", "add(identity, @part_0)", "mul(identity, @part_0)") for n in (4, 8)]
    assert [each.chain for each in modules.extracted(layers)] == ["layer(4)", "layer(8)"]
    (block,) = modules.blocks
    assert block.name == "layer(n)"
    assert not isinstance(block.chain, str)
    assert block.chain[0].chain == "conv n k3"


TRANSFORMER = """
input: 6
layers:
  - tokens: embedding 50 {0}
  - body: add(identity, learned 9x{0} -> slice 0:6) -> (add(identity, attention heads=2) -> linear {0})*3
  - logits: linear 50 nobias weights=@tokens
"""


def test_the_vocabulary_and_the_width_of_a_transformer_are_variables() -> None:
    written = write_compact(graph(TRANSFORMER.format(8)))
    assert "variables: {vocab: 50, width: 8}" in written
    wide = read_spec(Source("net.yaml", written), GivenSettings(set={"vocab": "7", "width": "12"})).graph
    assert is_same(graph(TRANSFORMER.format(12).replace("50", "7")), write_compact(wide))


def test_a_width_that_other_numbers_follow_is_no_variable() -> None:
    fixed = TRANSFORMER.format(8).replace("linear 8", "linear 8 -> rearrange 'n (c d) = n (d c)' c=2 d=4")
    assert "width" not in write_compact(graph(fixed))


def test_other_layers_or_other_sources_are_told_apart() -> None:
    network = graph("input: 3x8x8\nlayers: {a: conv 4 k3, b: relu, c: 'add(identity, @a)'}")
    assert not is_same(network, "input: 3x8x8\nlayers: {a: conv 4 k3, b: relu, c: 'add(@a, identity)'}")
    assert not is_same(network, "input: 3x8x8\nlayers: {a: conv 5 k3, b: relu, c: 'add(identity, @a)'}")
    assert not is_same(network, "input: 3x8x8\nlayers: {a: conv 4 k9}")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet121", "unet", "swin:t", "gpt2", "retinanet", "lstm-classifier"])
def test_bundled_networks_read_as_the_same_network(name: str) -> None:
    network = load(name).graph
    assert is_same(network, write_compact(network))
