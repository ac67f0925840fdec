"""Sources store a tensor, and read nothing."""

from __future__ import annotations

from archcalc.ops import source


def test_a_learned_tensor_is_trainable_and_a_constant_is_not() -> None:
    """ViT-B/16's positions; the sinusoidal ones of Whisper tiny's encoder."""
    (learned,) = source.Learned(shape=(197, 768)).weights(())
    (constant,) = source.Constant(shape=(1500, 384)).weights(())
    assert (learned.count, learned.trainable) == (151_296, True)
    assert (constant.count, constant.trainable) == (576_000, False)
    assert source.Learned(shape=(197, 768)).output(()) == (197, 768)
