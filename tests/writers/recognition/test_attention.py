"""Attention that is written out, in the ways in which exporters and people write it."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.writers.recognition.attention import with_attention
from tests.writers.recognition.networks import Arrays, graph, operators, same_totals, same_values

SEPARATE = """
input: {input}
layers:
  - x: identity
  - q: linear 8 -> rearrange 'n (h d) = h n d' h=2
  - k: "@x -> linear 8 -> rearrange 'n (h d) = h n d' h=2"
  - v: "@x -> linear 8 -> rearrange 'n (h d) = h n d' h=2"
  - out: {products} -> rearrange 'h n d = n (h d)' -> linear 8
"""
PACKED = """
input: 5x8
layers:
  - all: linear 24 -> reshape 5x3x8 -> transpose 1x0x2
  - q: slice 0:1 -> reshape 5x2x4 -> transpose 1x0x2
  - k: "@all -> slice 1:2 -> reshape 5x2x4 -> transpose 1x0x2"
  - v: "@all -> slice 2:3 -> reshape 5x2x4 -> transpose 1x0x2"
  - out: sdpa(@q, @k, identity) -> transpose 1x0x2 -> reshape 5x8 -> linear 8
"""
FUSED = "sdpa(@q, @k, identity)"


def separate(products: str = FUSED) -> str:
    return SEPARATE.format(input="5x8", products=products)


def only_attention(written: str) -> str:
    """Return the one layer of attention that a network is recognised as."""
    network = graph(written)
    found = with_attention(network)
    assert same_totals(network, found)
    (layer,) = [node for node in found.nodes if node.op.name == "attention"]
    rest = {*operators(found)} - {"attention", "learned", "constant"}
    assert not rest, rest
    shown = {name: value for name, value in layer.op.attributes().items() if value not in (None, False)}
    return " ".join(f"{name}={value}" for name, value in sorted(shown.items()))


PLAIN = "bias=True heads=2 key_bias=True out_bias=True"

FORMS = {
    "one layer": FUSED,
    "scaled products": "matmul(@q, @k -> transpose 0x2x1) -> scale 0.5 -> softmax axis=last -> matmul(identity, @v)",
    "scaled queries": "matmul(@q -> scale 0.5, @k -> transpose 0x2x1) -> softmax axis=last -> matmul(identity, @v)",
    "both scaled": "matmul(@q -> scale 0.70710678, @k -> transpose 0x2x1 -> scale 0.70710678) -> softmax axis=last "
    "-> matmul(identity, @v)",
}


@pytest.mark.parametrize("products", FORMS.values(), ids=FORMS)
def test_products_in_one_layer_or_several_are_attention(products: str) -> None:
    assert only_attention(separate(products)) == PLAIN


def test_attention_computes_what_its_layers_computed() -> None:
    network = graph(separate())
    found = with_attention(network)

    def converted(arrays: Arrays) -> Arrays:
        names = {"query": "q/linear", "key": "k/linear", "value": "v/linear", "output": "out/linear"}
        attention = found.nodes[-1].name
        return {
            f"{attention}.{name}{suffix}": arrays[f"{layer}.{kind}"]
            for name, layer in names.items()
            for suffix, kind in (("", "weight"), ("_bias", "bias"))
        }

    assert same_values(network, found, converted)


def test_packed_projections_are_split() -> None:
    network = graph(PACKED)
    found = with_attention(network)
    assert only_attention(PACKED) == PLAIN

    def converted(arrays: Arrays) -> Arrays:
        attention = found.nodes[-1].name
        parts = {kind: np.split(arrays[f"all/linear.{kind}"], 3) for kind in ("weight", "bias")}
        made = {}
        for place, name in enumerate(("query", "key", "value")):
            made[f"{attention}.{name}"] = parts["weight"][place]
            made[f"{attention}.{name}_bias"] = parts["bias"][place]
        return {
            **made,
            f"{attention}.output": arrays["out/linear.weight"],
            f"{attention}.output_bias": arrays["out/linear.bias"],
        }

    assert same_values(network, found, converted)


def test_projections_may_be_packed_by_head() -> None:
    by_head = PACKED.replace("reshape 5x3x8 -> transpose 1x0x2", "rearrange 'n (h s d) = s n (h d)' h=2 s=3")
    assert only_attention(by_head) == PLAIN


def test_a_context_gives_keys_and_values() -> None:
    written = separate().replace("input: 5x8", "inputs: {input: 5x8, other: 7x6}")
    written = written.replace("@x -> linear", "@other -> linear")
    assert only_attention(written) == "bias=True context=True heads=2 key_bias=True out_bias=True"


@pytest.mark.parametrize("shape", ["5x5", "2x5x5"])
def test_what_is_added_to_the_scores_is_a_mask(shape: str) -> None:
    masked = separate("sdpa(@q, @k, @v, @mask)").replace("  - out", f"  - mask: constant {shape}\n  - out")
    assert only_attention(masked) == "bias=True heads=2 key_bias=True mask=True out_bias=True"


def test_causal_attention_and_missing_biases_are_kept() -> None:
    written = separate("sdpa(@q, @k, identity, causal=yes)").replace('k: "@x -> linear 8', 'k: "@x -> linear 8 nobias')
    assert only_attention(written) == "bias=True causal=True heads=2 out_bias=True"
    written = separate().replace("linear 8", "linear 8 nobias")
    assert only_attention(written) == "heads=2 key_bias=True out_bias=True"


def test_heads_may_be_narrower_than_the_features() -> None:
    narrow = separate().replace("linear 8 -> rearrange", "linear 6 -> rearrange")
    assert only_attention(narrow) == "bias=True dim=6 heads=2 key_bias=True out_bias=True"


def test_windows_are_leading_axes() -> None:
    written = SEPARATE.format(input="3x5x8", products=FUSED)
    for old, new in (("n (h d) = h n d", "w n (h d) = w h n d"), ("h n d = n (h d)", "w h n d = w n (h d)")):
        written = written.replace(old, new)
    assert only_attention(written) == PLAIN
    merged = written.replace("w h n d'", "(w h) n d'").replace("'w h n d = w", "'(w h) n d = w")
    assert only_attention(merged.replace("= w n (h d)' ->", "= w n (h d)' h=2 ->")) == PLAIN


OTHER = {
    "another factor": separate("sdpa(@q, @k, identity, factor=0.3)"),
    "keys that are queries": separate("sdpa(@q, @q, identity)"),
    "projections that others read": separate() + "heads: {seen: '@q -> gap'}\n",
    "a part that nothing reads": PACKED.replace("linear 24", "linear 32").replace("5x3x8", "5x4x8"),
    "another softmax": separate(FORMS["scaled products"].replace("axis=last", "axis=1")),
    "scaled values": separate(FORMS["scaled products"].replace("@v", "@v -> scale 2")),
    "no projection behind": separate().replace(" -> linear 8\n", "\n"),
    "more features behind": separate().replace("n (h d)' -> linear 8", "n (h d)' -> linear 9"),
    "heads that stay apart": separate().replace("'h n d = n (h d)'", "'h n d = h (n d)' -> reshape 5x8"),
    "two contexts": separate().replace("input: 5x8", "inputs: {input: 5x8, a: 5x8}").replace('v: "@x', 'v: "@a'),
    "a bias of the keys only": separate().replace("q: linear 8", "q: linear 8 nobias"),
    "shared weights": separate().replace('v: "@x -> linear 8', 'w: "@x -> linear 8"\n  - v: "@x -> linear 8 weights=@w')
    + "heads: {seen: '@w -> gap'}\n",
}


@pytest.mark.parametrize("written", OTHER.values(), ids=OTHER)
def test_other_layers_are_kept(written: str) -> None:
    network = graph(written)
    assert with_attention(network) is network
