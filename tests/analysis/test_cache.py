"""The key–value cache: what is kept is enough to generate token by token, and published sizes per token."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from archcalc.analysis.cache import CACHED, cache_of
from archcalc.analysis.propagate import analyze
from archcalc.executor.kernel import Context, kernel_of
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph
from archcalc.query.targets import Evaluator
from archcalc.spec import Source, read_spec


def read(text: str) -> Graph:
    return read_spec(Source("net.yaml", text), inline="layers:" not in text).graph


def kept(graph: Graph, quantity: str = "kv_cache") -> Any:
    return CACHED[quantity](cache_of(graph, [index for index, _ in graph.layers()]))


@pytest.mark.parametrize(
    "options",
    [
        "heads=4 causal",
        "heads=4 kv_heads=2 causal",
        "heads=4 kv_heads=1 dim=16 causal nobias",
        "heads=2 causal window=3",
    ],
)
def test_a_cache_of_this_size_generates_the_same_tokens(options: str) -> None:
    """Keys and values are appended token by token, and the oldest dropped as soon as there is one more than counted."""
    graph = read(f"7x12 -> attention {options}")
    ((_, node),) = graph.layers()
    op: Any = node.op
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(size=shape) for name, shape in stored_shapes(graph, node).items()}
    x = rng.normal(size=(7, 12))
    (expected,) = kernel_of(op)(op, (x[None],), weights, Context())
    keys: list[Any] = []
    values: list[Any] = []

    def project(token: Any, name: str) -> Any:
        return weights[name] @ token + weights.get(f"{name}_bias", 0)

    for position, token in enumerate(x):
        keys.append(project(token, "key"))
        values.append(project(token, "value"))
        if sum(map(np.size, keys + values)) > kept(graph):
            del keys[0], values[0]
        queries = project(token, "query").reshape(op.heads, -1)
        shared = op.heads // (op.kv_heads or op.heads)
        heads = []
        for head, query in enumerate(queries):
            own = slice(head // shared * len(query), (head // shared + 1) * len(query))
            scores = np.array(keys)[:, own] @ query / np.sqrt(len(query))
            shares = np.exp(scores) / np.exp(scores).sum()
            heads.append(shares @ np.array(values)[:, own])
        np.testing.assert_allclose(project(np.concatenate(heads), "output"), expected[0, position])
    assert sum(map(np.size, keys + values)) == kept(graph)
    assert keys[0].size + values[0].size == kept(graph, "kv_cache_per_token")


@pytest.mark.parametrize(
    ("layer", "sizes"),
    [
        ("conv 4 k3", (0, 0)),
        ("attention heads=2", (0, 0)),
        ("attention heads=2 window=3", (0, 0)),
        ("attention heads=2 causal", (9 * 2 * 8, 2 * 8)),
        ("attention heads=2 causal window=20", (9 * 2 * 8, 2 * 8)),
        ("attention heads=4 kv_heads=1 causal", (9 * 2 * 2, 2 * 2)),
        ("sdpa(identity, identity, linear 5, causal=yes)", (9 * (8 + 5), 8 + 5)),
        ("sdpa(identity, identity, identity)", (0, 0)),
    ],
)
def test_only_causal_attention_has_a_cache(layer: str, sizes: tuple[int, int]) -> None:
    graph = read(f"9x8 -> {layer}")
    assert tuple(kept(graph, quantity) for quantity in CACHED) == sizes


def test_cross_attention_keeps_its_context() -> None:
    """It is as long as the context, however many tokens are generated."""
    graph = read("inputs: {x: 5x8, y: 11x6}\nlayers:\n  - a: attention heads=2 context=@y\n")
    assert (kept(graph), kept(graph, "kv_cache_per_token")) == (11 * 2 * 8, 0)


def test_layers_that_share_weights_have_separate_caches() -> None:
    graph = read("input: 5x8\nshared:\n  mix: attention heads=2 causal\nlayers:\n  - a: mix\n  - b: mix\n")
    assert kept(graph) == 2 * 5 * 2 * 8


def test_it_grows_with_the_batch_and_the_number_format() -> None:
    analysis = analyze(read("9x8 -> attention heads=2 causal"), batch=3)
    evaluator = Evaluator.of(analysis, "float16")
    for target in ("kv_cache", "attention_1.kv_cache"):
        assert evaluator.values(evaluator.target(target)) == (3 * 9 * 2 * 8 * 2,)
    assert analysis.memory("float16").kv_cache == 3 * 9 * 2 * 8 * 2


@pytest.mark.parametrize(
    ("layers", "heads", "kib"),
    [(32, "32 kv_heads=8", 128), (32, "32", 512), (80, "64 dim=8192 kv_heads=8", 320)],
    ids=["Llama 3 8B", "Llama 2 7B", "Llama 3 70B"],
)
def test_published_sizes_per_token_in_sixteen_bits(layers: int, heads: str, kib: int) -> None:
    text = f"10x4096 -> (attention heads={heads} causal rope nobias)*{layers}"
    evaluator = Evaluator.of(analyze(read(text), receptive=False), "bfloat16")
    (found,) = evaluator.values(evaluator.target("kv_cache_per_token"))
    assert Fraction(found, 1024) == kib
