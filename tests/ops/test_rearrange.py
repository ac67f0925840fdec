"""Patterns in einops' notation: their results, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.numeric import Impossible
from archcalc.ops import product, rearrange, reduction
from archcalc.ops.pattern import parse


def test_patterns_have_three_spellings_of_the_arrow() -> None:
    for text in ("c (h p) 1 = h (p c)", "c (h p) 1 -> h (p c)", "c(h p) 1→h(p c)"):
        parsed = parse(text)
        assert parsed.inputs == ((("c",), ("h", "p"), ()),)
        assert parsed.output == (("h",), ("p", "c"))


def test_patches_of_vit_and_windows_of_swin() -> None:
    assert rearrange.Rearrange(pattern="c h w = (h w) c", sizes=()).output(((768, 14, 14),)) == (196, 768)
    windows = rearrange.Rearrange(pattern="(a p) (b q) c = (a b) (p q) c", sizes=(("p", 7), ("q", 7)))
    assert windows.output(((56, 56, 96),)) == (64, 49, 96)


@pytest.mark.parametrize(
    ("pattern", "sizes", "message"),
    [
        ("c h w x = c h w x", {}, "the axis 'x' of the pattern is one too many: the tensor has 3"),
        ("c (h w) d e = c", {}, "the axis 'e' of the pattern is one too many"),
        ("c h = h c", {}, "the pattern has 2 axes, but the tensor has 3"),
        ("c h w = c h", {}, "the axis 'w' is missing on the right"),
        ("c h w = c h w a", {}, "the axis 'a' is missing on the left"),
        ("c (h p) w = c h p w", {}, "the sizes of 'h p' do not follow from an axis of 20: give all but one"),
        ("c (h p) w = c h p w", {"p": 3}, "an axis of 20 is not divisible into 'h p': the others have size 3"),
        (
            "c (h p) w = c h p w",
            {"p": 3, "h": 5},
            "the axis 'h p' of the pattern has size 15, but 20 in the tensor",
        ),
        ("c 1 w = c w", {}, "the axis '1' of the pattern has size 1, but 20 in the tensor"),
        ("c h w = w h c", {"p": 3}, "the pattern has no axis 'p'"),
        ("c h h = c h", {}, "the axis 'h' occurs twice"),
        ("c (h (p q)) w = c", {}, "must not be nested"),
        ("c (h w = c", {}, "is not closed"),
        ("c h) w = c", {}, "closed, but not opened"),
        ("c h w", {}, "must have one '='"),
        ("c, h = c", {}, "reads one tensor"),
        ("c (h 2) w = c h w", {}, "sizes in a pattern must have names"),
        ("c h w = c ? w", {}, "consists of names"),
    ],
)
def test_wrong_patterns_say_what_is_wrong(pattern: str, sizes: dict[str, int], message: str) -> None:
    with pytest.raises(Impossible, match=message.replace("(", r"\(").replace("?", r"\?")):
        rearrange.Rearrange(pattern=pattern, sizes=tuple(sizes.items())).output(((12, 20, 18),))


def test_new_axes_of_a_repetition_need_a_size() -> None:
    assert rearrange.Repeat(pattern="h w = h (w a)", sizes=(("a", 3),)).output(((4, 5),)) == (4, 15)
    with pytest.raises(Impossible, match="the size of the new axis 'a' is missing"):
        rearrange.Repeat(pattern="h w = h w a", sizes=()).output(((4, 5),))


def test_reductions_cost_an_operation_fewer_than_there_are_elements() -> None:
    pooled = rearrange.Reduce(pattern="c (h p) w = c h", sizes=(("p", 2),), how="max")
    assert pooled.cost(((3, 4, 5),)).operations == {"cmp": 60 - 6}
    assert reduction.Mean(axis=(1, 2)).cost(((3, 4, 5),)).operations == {"add": 57, "div": 3}
    assert reduction.Sum(axis=(-1,), keep=True).output(((3, 4, 5),)) == (3, 4, 1)
    with pytest.raises(Impossible, match="over all axes must keep them"):
        reduction.Sum(axis=(0, 1)).output(((3, 4),))
    with pytest.raises(Impossible, match="is given twice"):
        reduction.Sum(axis=(0, -2)).output(((3, 4),))


def test_blocks_of_positions_and_channels_are_inverse() -> None:
    """ESPCN's upscaling by 3 (Shi et al. 2016)."""
    assert rearrange.PixelShuffle(block=3).output(((9, 85, 85),)) == (1, 255, 255)
    assert rearrange.SpaceToDepth(block=3).output(((1, 255, 255),)) == (9, 85, 85)
    with pytest.raises(Impossible, match="8 channels are not divisible into blocks of 9 positions"):
        rearrange.PixelShuffle(block=3).output(((8, 85, 85),))
    with pytest.raises(Impossible, match="85 positions are not divisible into blocks of 2"):
        rearrange.SpaceToDepth(block=2).output(((8, 85, 85),))


@pytest.mark.parametrize("shapes", [((4, 5), (5, 3)), ((2, 4, 5), (5, 3)), ((2, 4, 5), (1, 5, 3)), ((4, 5), (7, 5, 3))])
def test_matrix_products_have_the_shape_that_numpy_has(shapes: tuple[tuple[int, ...], ...]) -> None:
    one, other = map(np.zeros, shapes)
    assert product.MatMul().output(shapes) == np.matmul(one, other).shape


def test_products_count_their_terms() -> None:
    """The attention scores of ViT-B/16: 12 heads of 64, 197 tokens."""
    scores = product.Einsum(pattern="h q d, h k d = h q k").cost(((12, 197, 64), (12, 197, 64)))
    assert scores.macs == 12 * 197 * 197 * 64
    assert product.MatMul().cost(((12, 197, 64), (12, 64, 197))).operations == dict(scores.operations)


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (product.MatMul(), ((4, 5), (4, 3)), "has size 5, but the second-to-last of the second 4"),
        (product.MatMul(), ((4, 5), (5,)), "at least two axes"),
        (product.MatMul(), ((4, 5), (5, 3), (3, 2)), "multiplies two tensors, got 3"),
        (product.MatMul(), ((2, 4, 5), (3, 5, 3)), "matmul needs equal shapes"),
        (product.Einsum(pattern="a b, b c = a c"), ((4, 5), (4, 3)), "the axis 'b' has size 5 in one tensor and 4"),
        (product.Einsum(pattern="a b, b c = a d"), ((4, 5), (5, 3)), "the axis 'd' is missing on the left"),
        (product.Einsum(pattern="a b = a"), ((4, 5), (5, 3)), "must have two tensors on the left, got 1"),
        (product.Einsum(pattern="(a b), c = a"), ((4,), (5,)), "must be one name"),
    ],
)
def test_wrong_products_are_refused(op: product.Product, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(Impossible, match=message):
        op.output(shapes)
