"""Values of padding: which positions units see, and which padding is possible."""

from __future__ import annotations

import pytest

from archcalc.analysis.intervals import Interval, bordered
from archcalc.analysis.unit import trace_back
from archcalc.numeric import Impossible
from archcalc.ops.resample import Pad
from tests.spec.reading import chain


@pytest.mark.parametrize(
    ("border", "before", "after"),
    [("reflect", (2, 1), (3, 2)), ("replicate", (0, 0), (4, 4)), ("circular", (3, 4), (0, 1))],
)
def test_padding_repeats_these_of_five_positions(border: str, before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """As PyTorch documents its ReflectionPad1d, ReplicationPad1d and CircularPad1d."""
    for places, expected in (((-2, -1), before), ((5, 6), after)):
        for place, number in zip(places, expected, strict=True):
            assert bordered((Interval(place, place),), border, 5) == (Interval(number, number),)
            assert bordered((Interval(place, place),), "zeros", 5) == ()


def test_units_at_borders_see_the_positions_that_the_padding_repeats() -> None:
    seen = {}
    for border in ("zeros", "reflect", "circular"):
        network = chain(f"pad 3:0 {border} -> conv 1 k2", "1x8")
        seen[border] = trace_back(network, 2, (0,), clip=True).get("input")
    assert seen["zeros"] is None
    assert [found and found.along(0) for found in (seen["reflect"], seen["circular"])] == [
        (Interval(2, 3),),
        (Interval(5, 6),),
    ]


@pytest.mark.parametrize(
    ("border", "most"), [("reflect", 4), ("circular", 5)]
)  # of five positions, as PyTorch allows them
def test_padding_that_repeats_positions_needs_them(border: str, most: int) -> None:
    assert Pad(margin=((most, 0),), border=border).output(((1, 5),)) == (1, 5 + most)
    with pytest.raises(Impossible, match=f"{border} padding of {most + 1} needs .* got 5"):
        Pad(margin=((0, most + 1),), border=border).output(((1, 5),))


def test_a_batch_norm_is_folded_into_a_convolution_after_it_unless_zeros_are_padded() -> None:
    from archcalc.analysis.fold import fold

    for border, folded in (("zeros", 0), ("reflect", 1), ("circular", 1)):
        assert len(fold(chain(f"bn -> conv 4 k3 half {border}")).folds) == folded
