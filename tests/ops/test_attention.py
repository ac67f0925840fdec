"""Attention: parameters and products as published, and impossible inputs."""

from __future__ import annotations

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import attention
from archcalc.ops.window import Window

D, N = 768, 197


def stored(op: attention.Attention, *inputs: tuple[int, ...]) -> int:
    return sum(weight.count for weight in op.weights(inputs))


def test_attention_of_vit_has_four_projections_and_two_products() -> None:
    """ViT-B/16: 4·n·d² + 2·n²·d; the parameters of PyTorch's MultiheadAttention(768, 12)."""
    op = attention.Attention(heads=12)
    assert stored(op, (N, D)) == 2_362_368
    assert op.cost(((N, D),)).macs == 4 * N * D * D + 2 * N * N * D
    assert op.output(((64, 49, 96),)) == (64, 49, 96)


def test_shared_heads_have_fewer_keys_and_values() -> None:
    """A layer of Llama 3 8B: 32 heads of 128, 8 of them for keys and values, no biases."""
    op = attention.Attention(heads=32, kv_heads=8, causal=True, rope=500_000, bias=False)
    assert stored(op, (8192, 4096)) == 2 * 4096 * 4096 + 2 * 4096 * 1024
    assert op.cost(((10, 4096),)).macs == 10 * (2 * 4096 * 4096 + 2 * 4096 * 1024) + 2 * 10 * 10 * 4096


def test_biases_may_be_left_out_of_keys_or_of_the_output() -> None:
    """Whisper's keys have none."""
    whisper = attention.Attention(heads=6, key_bias=False)
    assert stored(whisper, (1500, 384)) == 4 * 384 * 384 + 3 * 384
    assert stored(attention.Attention(heads=6, out_bias=False), (1500, 384)) == 4 * 384 * 384 + 3 * 384
    assert sum(weight.count for weight in whisper.weights(((1500, 384),)) if weight.added) == 3 * 384


def test_a_context_gives_keys_and_values() -> None:
    op = attention.Attention(heads=8, context=True)
    shapes = ((48, 512), (64, 512))
    assert op.output(shapes) == (48, 512)
    assert op.cost(shapes).macs == 512 * 512 * (2 * 48 + 2 * 64) + 2 * 48 * 64 * 512
    own, other = op.windows(shapes)
    assert isinstance(own[0], Window)
    assert own[0].is_pointwise
    assert other == (None, None)


def test_products_without_projections_are_those_of_all_pairs() -> None:
    cost = attention.ScaledDotProductAttention(causal=True).cost(((12, N, 64),) * 3)
    assert cost.macs == 2 * 12 * N * N * 64
    assert cost.operations["exp"] == 12 * N * N


def test_causal_and_sliding_windows_end_at_the_query() -> None:
    ((causal, _),) = attention.Attention(heads=1, causal=True).windows(((9, 4),))
    ((sliding, _),) = attention.Attention(heads=1, causal=True, window=3).windows(((9, 4),))
    ((around, _),) = attention.Attention(heads=1, window=3).windows(((9, 4),))
    assert causal is not None
    assert sliding is not None
    assert around is not None
    assert [list(window.positions(4)) for window in (causal, sliding, around)] == [
        [0, 1, 2, 3, 4],
        [2, 3, 4],
        [3, 4, 5],
    ]


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (attention.Attention(heads=5), ((9, 16),), "a width of 16 is not divisible by 5 heads"),
        (attention.Attention(heads=4, kv_heads=3), ((9, 16),), "4 heads are not divisible by 3 heads of keys"),
        (attention.Attention(heads=16, rope=10), ((9, 16),), "need an even width of a head, got 1"),
        (attention.Attention(heads=4), ((16,),), "needs positions and features, got a vector of 16"),
        (attention.Attention(heads=4, mask=True), ((9, 16), (8, 9)), "the mask of attention needs equal shapes"),
        (attention.Attention(heads=4, mask=True), ((9, 16), (2, 4, 9, 9)), "has more axes than the scores"),
        (attention.Attention(heads=4, context=True), ((2, 9, 16), (3, 9, 16)), "equal leading axes"),
        (
            attention.ScaledDotProductAttention(),
            ((9, 16), (9, 16)),
            "needs queries, keys and values, and optionally a mask, got 2",
        ),
        (attention.ScaledDotProductAttention(), ((9, 16), (9, 8), (9, 8)), "need equal features"),
        (attention.ScaledDotProductAttention(), ((9, 16), (8, 16), (9, 8)), "as many values as keys"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    op: attention.Attention, shapes: tuple[tuple[int, ...], ...], message: str
) -> None:
    with pytest.raises(Impossible, match=message):
        op.output(shapes)
