"""Every mistake about the numbers of arrays is named, seeded by formulas of NumPy that share nothing with archcalc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.grading.kinds.marking import marked

X = np.array([[1, 2, 0, 1, 3], [2, 1, 4, 2, 2], [1, 0, 1, 0, 1], [1, 2, 1, 0, 2], [2, 5, 3, 1, 2]])
K = np.array([[1, 0, -1], [2, 0, -2], [1, 3, -1]])
POOLED = np.array([[1, 3, 2, 9], [7, 4, 1, 5], [8, 5, 2, 3], [4, 2, 1, 4]])
V = np.array([1.0, 2.0, 4.0, 9.0])
TOKENS = np.array([[1.0, 0.5, -1.0, 0.0], [0.3, 2.0, 1.0, -0.5], [1.5, -0.2, 0.4, 1.0]])


def correlated(x: Any, k: Any, stride: int = 1, pad: int = 0, dilation: int = 1) -> Any:
    """Return the cross-correlation of two matrices."""
    x, span = np.pad(x, pad), dilation * (len(k) - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(x, (span, span))[::stride, ::stride, ::dilation, ::dilation]
    return (windows * k).sum((-1, -2))


def tiles(x: Any, of: Callable[..., Any]) -> Any:
    return of(x.reshape(2, 2, 2, 2), axis=(1, 3))


def softmax(x: Any, axis: int = -1) -> Any:
    raised = np.exp(x - x.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def attended(x: Any, scale: float, *, causal: bool = False) -> Any:
    scores = x @ x.T * scale
    return softmax(np.where(np.tri(len(x)), scores, -np.inf) if causal else scores) @ x


def text(array: Any) -> str:
    return repr(np.asarray(array).tolist())


def conv(spec: str = "conv 1 k3 nobias", kernel: Any = K) -> str:
    return f'network: "1x5x5 -> {spec}", input: {text(X)}, weights: {{conv_1.weight: {text(kernel)}}}'


def on(shape: str, spec: str, x: Any, more: str = "") -> str:
    return f'network: "{shape} -> {spec}", input: {text(x)}{", " * bool(more)}{more}, tolerance: 0.00001'


EPSILON = 1e-5
BATCH = 'weights: {bn_1.mean: "1", bn_1.variance: "4", bn_1.scale: "3", bn_1.shift: "2"}'
TWO = np.stack([X, X.T + 1])
ATTENTION = (
    "weights: {attention_1.query: eye, attention_1.key: eye, attention_1.value: eye, attention_1.output: eye, "
    "attention_1.query_bias: zeros, attention_1.key_bias: zeros, attention_1.value_bias: zeros, "
    "attention_1.output_bias: zeros}"
)
MAP = POOLED.reshape(1, 1, 4, 4).astype(float)


def normalised(x: Any, *, less: int = 0, eps: float = EPSILON) -> Any:
    return (x - x.mean()) / np.sqrt(x.var(ddof=less) + eps)


def response(x: Any, alpha: float, *, within: bool) -> Any:
    """Return local response normalisation of size 3, k = 1, beta = 1, over channels or over positions."""
    padded = np.pad(x**2, ((0, 0), (1, 1), (1, 1)) if within else ((1, 1), (0, 0), (0, 0)))
    window = (1, 3, 3) if within else (3, 1, 1)
    squares = np.lib.stride_tricks.sliding_window_view(padded, window).sum((-1, -2, -3))
    return x / (1 + alpha * squares)


LRN = np.arange(12.0).reshape(3, 2, 2)
AVERAGED = np.lib.stride_tricks.sliding_window_view(np.pad(POOLED, 1), (3, 3))[::2, ::2]
COUNTS = np.lib.stride_tricks.sliding_window_view(np.pad(np.ones((4, 4)), 1), (3, 3))[::2, ::2].sum((-1, -2))

SEEDED: list[tuple[str, str, Any]] = [
    ("kernel-flipped", conv(), correlated(X, K[::-1, ::-1])),
    ("kernel-transposed", conv(), correlated(X, K.T)),
    ("weights-transposed", on("2", "fc 2 nobias", [1, 2], "weights: {fc_1.weight: 1 2; 3 4}"), [7, 10]),
    (
        "first-channel-only",
        on("2x5x5", "conv 1 k3 nobias", TWO, f"weights: {{conv_1.weight: {text(np.stack([K, K.T])[None])}}}"),
        correlated(X, K),
    ),
    ("average-for-maximum", on("1x4x4", "maxpool 2", POOLED), tiles(POOLED, np.mean)),
    ("maximum-for-average", on("1x4x4", "avgpool 2", POOLED), tiles(POOLED, np.max)),
    ("average-for-maximum", on("1x4x4", "gmp", POOLED), [3.8125]),
    ("padding-in-average", on("1x4x4", "avgpool 3 s2 p1 exclude_pad", POOLED), AVERAGED.sum((-1, -2)) / 9),
    ("padding-not-in-average", on("1x4x4", "avgpool 3 s2 p1", POOLED), AVERAGED.sum((-1, -2)) / COUNTS),
    ("activation-left-out", conv("conv 1 k3 nobias -> relu"), correlated(X, K)),
    ("dropout-convention", on("3", "dropout 0.5", [1, 2, 3], "mode: train, masks: {dropout_1: 1 0 1}"), [1, 0, 3]),
    ("dropout-convention", on("3", "dropout 0.5 scale=inference", [1, 2, 3]), [1, 2, 3]),
    ("another-axis", on("3x4", "softmax axis=-1", TOKENS), softmax(TOKENS, axis=0)),
    ("sample-variance", on("4", "ln", V), normalised(V, less=1)),
    ("sample-variance", on("4", "ln noaffine", V), normalised(V, less=1)),
    ("sample-variance", on("1x4", "bn", V, "mode: train"), normalised(V, less=1)),
    ("sample-variance", on("1x4x4", "in", MAP), normalised(MAP, less=1)),
    ("sample-variance", on("4", "gn 2", V), [*normalised(V[:2], less=1), *normalised(V[2:], less=1)]),
    ("epsilon-left-out", on("4", "ln eps=0.5", V), normalised(V, eps=0)),
    ("epsilon-left-out", on("1x4", "bn eps=0.5", V, "mode: train"), normalised(V, eps=0)),
    ("variance-for-deviation", on("4", "ln", V), (V - V.mean()) / (V.var() + EPSILON)),
    ("variance-for-deviation", on("1x4", "bn", V, BATCH), 3 * (V - 1) / (4 + EPSILON) + 2),
    ("scale-and-shift-left-out", on("1x4", "bn", V, BATCH), (V - 1) / np.sqrt(4 + EPSILON)),
    ("shift-left-out", on("1x4", "bn", V, BATCH), 3 * (V - 1) / np.sqrt(4 + EPSILON)),
    ("mean-not-subtracted", on("1x4", "bn", V, BATCH), 3 * V / np.sqrt(4 + EPSILON) + 2),
    ("batch-statistics", on("1x4", "bn", V, BATCH), 3 * normalised(V) + 2),
    ("stored-statistics", on("1x4", "bn", V, f"{BATCH}, mode: train"), 3 * (V - 1) / np.sqrt(4 + EPSILON) + 2),
    ("other-region", on("3x2x2", "lrn 3 k=1 alpha=0.5 beta=1", LRN), response(LRN, 0.5, within=True)),
    ("other-region", on("3x2x2", "lrn 3 within k=1 alpha=0.5 beta=1", LRN), response(LRN, 0.5, within=False)),
    ("alpha-divided", on("3x2x2", "lrn 3 k=1 alpha=0.5 beta=1", LRN), response(LRN, 0.5 / 3, within=False)),
    ("scores-not-scaled", on("3x4", "attention heads=1", TOKENS, ATTENTION), attended(TOKENS, 1)),
    ("mask-left-out", on("3x4", "attention heads=1 causal", TOKENS, ATTENTION), attended(TOKENS, 1 / 2)),
    ("matrix-transposed", conv(), correlated(X, K).T),
    ("signs-reversed", conv(), -correlated(X, K)),
    ("row-missing", conv(), correlated(X, K)[:2]),
    ("row-missing", conv(), correlated(X, K)[1:]),
    ("column-missing", conv(), correlated(X, K)[:, :2]),
    ("row-and-column-missing", conv(), correlated(X, K)[:2, :2]),
    ("number-missing", on("4", "ln", V), normalised(V)[:3]),
    # mistakes about layers, which are known from shapes
    ("padding-ignored", conv("conv 1 k3 nobias p1"), correlated(X, K)),
    ("padding-assumed", conv(), correlated(X, K, pad=1)),
    ("stride-ignored", conv("conv 1 k3 nobias s2"), correlated(X, K)),
    ("dilation-ignored", conv("conv 1 k3 nobias d2"), correlated(X, K)),
    ("one-forgotten", conv(), correlated(X, K)[:2, :2]),
    ("pool-stride-one", on("1x4x4", "maxpool 2", POOLED), [[7, 4, 9], [8, 5, 5], [8, 5, 4]]),
    ("pooling-ignored", on("1x4x4", "maxpool 2", POOLED), POOLED),
    (
        "bias-left-out",
        on("2", "fc 2", [1, 2], 'weights: {fc_1.weight: 1 2; 3 4, fc_1.bias: "7 -3"}'),
        [5, 11],
    ),
]


@pytest.mark.parametrize(("code", "question", "answer"), SEEDED, ids=[f"{each[0]}-{each[1][:32]}" for each in SEEDED])
def test_a_seeded_mistake_is_explained(code: str, question: str, answer: Any) -> None:
    mark = marked(question, np.asarray(answer).tolist())
    assert code in [reason.code for reason in mark.reasons], mark.sentence
    assert (mark.verdict, mark.points) == ("explained", mark.of / 2)
    assert mark.sentence.count("reason:") == 1


def test_a_mistake_before_the_layer_is_said_to_be_there() -> None:
    question = conv("conv 1 k3 nobias p1 -> relu -> maxpool 3 s2")
    flipped = np.maximum(correlated(X, K[::-1, ::-1], pad=1), 0)
    windows = np.lib.stride_tricks.sliding_window_view(flipped, (3, 3))[::2, ::2].max((-1, -2))
    mark = marked(question, windows.tolist())
    assert mark.reasons[0].code == "kernel-flipped"
    assert "(In an earlier layer" in mark.sentence


def test_a_mistake_in_two_layers_is_found() -> None:
    kernels = f"weights: {{conv_1.weight: {text(K)}, conv_2.weight: {text(K)}}}"
    question = f'network: "1x5x5 -> (conv 1 k3 nobias)*2", input: {text(X)}, {kernels}'
    mark = marked(question, correlated(correlated(X, K[::-1, ::-1]), K[::-1, ::-1]).tolist())
    assert mark.reasons[0].code == "kernel-flipped"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (on("1x4", "avgpool 4", [1, 2, 3, 6]), [2.9]),  # between the average and others; no outcome is near
        (conv(), [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        (on("3", "relu", [-0.4, 1, 2]), [-0.3, 1, 2]),
    ],
)
def test_numbers_that_no_mistake_gives_are_not_explained(question: str, answer: Any) -> None:
    mark = marked(question, answer)
    assert (mark.verdict, mark.reasons) == ("wrong", ())


@pytest.mark.parametrize(("shift", "verdict"), [("0.2", "wrong"), ("7", "explained")])
def test_an_agreement_that_is_likely_by_chance_explains_nothing(shift: str, verdict: str) -> None:
    """3.0 is two units of its last digit from 3.2, but seventy from 10."""
    arrays = f'weights: {{bn_1.mean: "1", bn_1.variance: "4", bn_1.scale: "3", bn_1.shift: "{shift}"}}'
    question = f'network: "1 -> bn eps=0", input: "3", {arrays}'
    assert marked(question, "3.0").verdict == verdict
