"""Operators of ONNX Runtime have the results that it computes, with the parameters and MACs of what they consist of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

import archcalc
from tests.readers.onnx.models import model, weights, write

B, S, D, N = 2, 5, 8, 2
"""Examples, positions, features and heads."""


class Case(NamedTuple):
    """A node, and the figures that are known for it."""

    operator: str
    inputs: Mapping[str, Sequence[int] | Any]
    """The inputs in their order: sizes of those that are drawn, arrays that are stored; ``None``: missing."""
    attributes: Mapping[str, Any]
    outputs: int = 1
    macs: int | None = None
    trainable: int | None = None
    integers: Mapping[str, Any] = {}
    """The inputs that are integers of a run."""


def tables(count: int, width: int) -> dict[str, Any]:
    """Return the cosines and sines of positions."""
    angles = np.outer(np.arange(count), 1 / 100 ** (np.arange(width) / width))
    return {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}


def packed(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


SCORES = 2 * B * N * S * (S + 1) * (D // N)
PROJECTED = B * S * D * 3 * D
MASK = np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32)
SEPARATE = {"q": [B, S, D], "k": [B, S + 1, D], "v": [B, S + 1, D]}
WEIGHTS = {"x": [B, S, D], "w": weights(D, 3 * D), "b": weights(3 * D)}
POSITIONS = np.array([[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]])
GROUPED = {"l": np.array([S - 1] * B, np.int32), "t": np.array(S, np.int32), **tables(16, 8)}
NEXT = {"l": np.array([6] * B, np.int32), "t": np.array(7, np.int32), **tables(16, 8)}
ROTATED = {"x": [B, S, 16], "p": POSITIONS, **tables(16, 4)}
NO = None
HEADS = {"num_heads": N}
SHARED = {"num_heads": 4, "kv_num_heads": 2, "do_rotary": 1}
TOKENS = {
    "ids": np.array([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]], np.int32),
    "segments": np.array([[0, 0, 1, 1, 1]] * 2, np.int32),
}
IMAGE = {"x": [1, 3, 6, 6], "w": weights(4, 3, 3, 3), "b": weights(4)}
QUARTERS = {"x": [B, S, 32], "w": packed(3, 2, 8), "scales": np.abs(weights(6))}

CASES = {
    "multi-head": Case("MultiHeadAttention", {**SEPARATE, "b": weights(3 * D)}, HEADS, 1, SCORES, 3 * D),
    "multi-head, masks": Case(
        "MultiHeadAttention",
        {**SEPARATE, "b": NO, "m": np.array([[1, 1, 1, 0, 0, 1], [1] * 6], np.int32), "s": weights(1, N, S, S + 1)},
        HEADS,
        1,
        SCORES,
    ),
    "multi-head, a cache": Case(
        "MultiHeadAttention",
        {**SEPARATE, "b": NO, "m": NO, "s": NO, "pk": [B, N, 3, D // N], "pv": [B, N, 3, D // N]},
        HEADS,
        3,
        2 * B * N * S * (S + 4) * (D // N),
    ),
    "multi-head, keys with heads": Case(
        "MultiHeadAttention", {"q": [B, S, D], "k": [B, N, 6, 4], "v": [B, N, 6, 4]}, HEADS
    ),
    "projected": Case("Attention", WEIGHTS, HEADS, 1, PROJECTED + 2 * B * S * S * D, 3 * D * (D + 1)),
    "projected, a mask": Case("Attention", {**WEIGHTS, "m": MASK}, HEADS),
    "projected, causal": Case("Attention", WEIGHTS, {**HEADS, "unidirectional": 1}),
    "projected, a cache": Case("Attention", {**WEIGHTS, "m": NO, "p": [2, B, N, 3, D // N]}, HEADS, 2),
    "projected, other values": Case(
        "Attention",
        {"x": [B, S, D], "w": weights(D, 20), "b": weights(20)},
        {**HEADS, "qkv_hidden_sizes": [8, 8, 4]},
    ),
    "rotary": Case("RotaryEmbedding", ROTATED, {}, 1, 0, 0),
    "rotary, interleaved": Case(
        "RotaryEmbedding", {"x": [B, S, 16], "p": POSITIONS, **tables(16, 4)}, {"interleaved": 1}
    ),
    "rotary, some features": Case(
        "RotaryEmbedding",
        {"x": [B, S, 16], "p": np.array([3]), **tables(16, 2)},
        {"num_heads": 2, "rotary_embedding_dim": 4},
    ),
    "grouped": Case(
        "GroupQueryAttention",
        {"q": [B, S, 64], "k": [B, S, 32], "v": [B, S, 32], "pk": NO, "pv": NO, **GROUPED},
        SHARED,
        3,
        2 * B * S * S * 64,
        0,
    ),
    "grouped, the next position": Case(
        "GroupQueryAttention",
        {"q": [B, 1, 64], "k": [B, 1, 32], "v": [B, 1, 32], "pk": [B, 2, 6, 16], "pv": [B, 2, 6, 16], **NEXT},
        SHARED,
        3,
        2 * B * 7 * 64,
    ),
    "embedding": Case(
        "EmbedLayerNormalization",
        {
            "ids": [B, S],
            "segments": [B, S],
            "words": weights(11, D),
            "places": weights(9, D),
            "kinds": weights(2, D),
            "g": weights(D),
            "b": weights(D),
        },
        {},
        2,
        0,
        (11 + 9 + 2 + 2) * D,
        TOKENS,
    ),
    "skip": Case(
        "SkipLayerNormalization",
        {"x": [B, S, D], "z": [B, S, D], "g": weights(D), "b": weights(D), "c": weights(D)},
        {},
    ),
    "skip, simplified": Case("SkipSimplifiedLayerNormalization", {"x": [B, S, D], "z": [B, S, D], "g": weights(D)}, {}),
    "fast gelu": Case("FastGelu", {"x": [B, S, D], "b": weights(D)}, {}),
    "gelu": Case("Gelu", {"x": [B, S, D]}, {}),
    "quick gelu": Case("QuickGelu", {"x": [B, S, D]}, {}),
    "matmul": Case("FusedMatMul", {"x": [B, S, D], "w": weights(3, D)}, {"transB": 1, "alpha": 0.5}, 1, B * S * D * 3),
    "conv, a sum": Case("FusedConv", {**IMAGE, "z": [1, 4, 4, 4]}, {"activation": "Relu"}, 1, 27 * 64, 4 * 28),
    "conv": Case("FusedConv", IMAGE, {"activation": "LeakyRelu", "activation_params": [0.1]}),
    "gemm": Case(
        "FusedGemm",
        {"x": [B, D], "w": weights(5, D), "b": weights(5)},
        {"activation": "LeakyRelu", "activation_alpha": 0.3, "transB": 1},
    ),
    "four bits": Case("MatMulNBits", QUARTERS, {"K": 32, "N": 3, "bits": 4, "block_size": 16}, 1, B * S * 96, 96),
    "four bits, offsets": Case(
        "MatMulNBits", {**QUARTERS, "zeros": packed(3)}, {"K": 32, "N": 3, "bits": 4, "block_size": 16}
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[*CASES])
def test_results_and_figures(tmp_path: Path, case: Case) -> None:
    drawn = {name: each for name, each in case.inputs.items() if isinstance(each, list)}
    stored = {name: each for name, each in case.inputs.items() if isinstance(each, np.ndarray)}
    outputs = [f"y{number}" for number in range(case.outputs)]
    names = [name if each is not None else "" for name, each in case.inputs.items()]
    made = model(
        [helper.make_node(case.operator, names, outputs, domain="com.microsoft", **case.attributes)],
        drawn,
        stored,
        outputs,
        formats=dict.fromkeys(case.integers, TensorProto.INT32),
    )
    if case.operator == "EmbedLayerNormalization":  # the second output, of lengths, is not asked for
        del made.graph.output[1]
        made.graph.node[0].output[1] = ""
    rng = np.random.default_rng(0)
    given = {
        name: case.integers.get(name, rng.standard_normal(sizes).astype(np.float32)) for name, sizes in drawn.items()
    }
    plain = onnxruntime.SessionOptions()  # older optimisations of a fused convolution reject its sum
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made.SerializeToString(), plain, providers=["CPUExecutionProvider"])
    expected = session.run(None, given)
    network = archcalc.load(str(write(tmp_path, made)), batch_axes=dict.fromkeys(drawn, "none"))
    ran = network.run({name: each[None].astype(np.float32) for name, each in given.items()})
    for found, needed in zip(ran.outputs.values(), expected, strict=True):
        assert found[0].size == needed.size
        np.testing.assert_allclose(found[0].reshape(needed.shape), needed, rtol=1e-4, atol=1e-5)
    totals = network.analyze().totals
    assert case.macs in (None, totals.macs)
    assert case.trainable in (None, totals.trainable)


def test_numbers_of_sixteen_bits(tmp_path: Path) -> None:
    """Constants have the format of the tensors that they are combined with."""
    domain = {"domain": "com.microsoft"}
    made = model(
        [
            helper.make_node("FusedMatMul", ["x", "w"], ["a"], alpha=0.5, **domain),
            helper.make_node("QuickGelu", ["a"], ["b"], **domain),
            helper.make_node("MultiHeadAttention", ["b", "b", "b", "", "m"], ["y"], num_heads=N, **domain),
        ],
        {"x": [B, S, D]},
        {"w": weights(D, D).astype(np.float16), "m": MASK},
        formats={"x": TensorProto.FLOAT16},
    )
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    network = archcalc.load(str(write(tmp_path, made)), batch_axes={"x": "none"})
    assert network.analyze().totals.macs == B * S * D * D + 2 * B * S * S * D
