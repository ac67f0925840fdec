"""Values as people write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.claims.claimed_value import other_interpretations, read_claimed_value, read_number


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [
        ("61,706", 61706, 0),
        ("61706", 61706, 0),
        ("61 706", 61706, 0),
        ("61\u202f706", 61706, 0),
        ("61'706", 61706, 0),
        ("61_706", 61706, 0),
        ("۶۱۷۰۶", 61706, 0),
        ("569M", 569_000_000, 500_000),
        ("4.2M", 4_200_000, 50_000),
        ("1.8e9", 1_800_000_000, 50_000_000),
        ("1.8·10^9", 1_800_000_000, 50_000_000),
        ("60 million", 60_000_000, 500_000),
        ("11.3 G", 11_300_000_000, 50_000_000),
        ("3.8B", 3_800_000_000, 50_000_000),
        ("60 thousand", 60_000, 500),
        ("0.5", Fraction(1, 2), Fraction(1, 20)),
        ("-3", -3, 0),
    ],
)
def test_numbers_are_read_with_their_precision(text: str, value: Fraction, tolerance: Fraction) -> None:
    assert read_number(text)[:2] == (value, tolerance)


@given(st.integers(0, 10**30))
def test_integers_are_exact(number: int) -> None:
    for text in (str(number), f"{number:,}", f"{number:_}"):
        claimed = read_claimed_value(text)
        assert claimed.holds((number,))
        assert not claimed.holds((number + 1,))
        assert not claimed.holds((number - 1,))


@given(st.integers(0, 10**12), st.integers(0, 3))
def test_a_rounded_number_holds_for_what_rounds_to_it(number: int, decimals: int) -> None:
    written = f"{number / 10**6:.{decimals}f}M"
    half = Fraction(10**6, 10**decimals) / 2
    claimed = read_claimed_value(written)
    middle = claimed.numbers[0].value
    assert claimed.holds((middle - half,))
    assert claimed.holds((middle + half,))
    assert not claimed.holds((middle + half + 1,))
    assert not claimed.holds((middle - half - 1,))


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("at most 500K", 500_000, 500_001),
        ("<= 500K", 500_000, 500_001),
        ("at least 3", 3, 2),
        (">= 3", 3, 2),
        ("below 7", 6, 7),
        ("< 7", 6, 7),
        ("above 7", 8, 7),
        ("> 7", 8, 7),
        ("= 7", 7, 8),
    ],
)
def test_bounds(text: str, holds: int, fails: int) -> None:
    assert read_claimed_value(text).holds((holds,))
    assert not read_claimed_value(text).holds((fails,))


def test_shapes_hold_part_by_part() -> None:
    for text in ("6x28x28", "6×28×28", "6 x 28 x 28"):
        assert read_claimed_value(text).holds((6, 28, 28))
        assert not read_claimed_value(text).holds((6, 28, 27))
        assert not read_claimed_value(text).holds((6, 28))
    assert read_claimed_value("84").holds((84,))


@pytest.mark.parametrize("word", ["global", "causal", "unknown"])
def test_words_for_receptive_fields(word: str) -> None:
    claimed = read_claimed_value(word)
    assert claimed.holds((word,))
    assert claimed.exact((word,))
    assert not claimed.holds((483,))
    assert not any(claimed.holds((other,)) for other in ("global", "causal", "unknown") if other != word)
    assert read_claimed_value(f"5x{word}").holds((5, word))
    assert not read_claimed_value("483").holds((word,))
    assert read_claimed_value("at least 483").holds((word,)) == (word == "global")
    assert read_claimed_value(f"at most {word}").holds((483,)) == (word == "global")


def test_the_word_global_and_ratios() -> None:
    assert read_claimed_value("global").holds(("global",))
    assert not read_claimed_value("global").holds((483,))
    assert not read_claimed_value("483").holds(("global",))
    assert read_claimed_value("at least 483").holds(("global",))
    assert read_claimed_value("1/2").holds((Fraction(1, 2),))


@pytest.mark.parametrize(
    "text", ["", "many", "12 apples", "2..1", "1,2,3", "6x", "0/0", "9" * 300, "at most", "1e99999999"]
)
def test_texts_that_are_not_values_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_claimed_value(text)


@pytest.mark.parametrize(
    ("text", "value", "tolerance"),
    [
        ("61,706", 61_706, 0),
        ("61 706", 61_706, 0),
        ("61_706", 61_706, 0),
        ("61{,}706", 61_706, 0),
        ("133M", 133_000_000, 500_000),
        ("3.8×10^9", 3_800_000_000, 50_000_000),
        (r"3.8 \times 10^9", 3_800_000_000, 50_000_000),
        (r"$3.8 \times 10^{9}$", 3_800_000_000, 50_000_000),
        (r"3.8\times10^9", 3_800_000_000, 50_000_000),
        (r"3.8\cdot10^{9}", 3_800_000_000, 50_000_000),
        ("3.8 X 10^9", 3_800_000_000, 50_000_000),
        ("3.8 × 1e9", 3_800_000_000, 50_000_000),
        ("3.8 e9", 3_800_000_000, 50_000_000),
        ("11 px", 11, 0),
        ("3.8·10⁹", 3_800_000_000, 50_000_000),
        ("3.8*10**9", 3_800_000_000, 50_000_000),
        ("4.1 GMACs", 4_100_000_000, 50_000_000),
        ("138 M parameters", 138_000_000, 500_000),
        ("60 thousand of weights", 60_000, 500),
        ("۳۰۹٬۳۲۹٬۹۲۰", 309_329_920, 0),
        ("٣٫٨ میلیون", 3_800_000, 50_000),
        ("۶۰ هزار", 60_000, 500),
        ("1,23", Fraction(123, 100), Fraction(1, 200)),
        ("1.234,5", Fraction(12345, 10), Fraction(1, 20)),
        ("1.234.567", 1_234_567, 0),
        ("1'234'567", 1_234_567, 0),
        ("12,34,567", 1_234_567, 0),
        ("27 KiB", 27 * 1024, 512),
        ("27 KB", 27_000, 500),
        ("5%", Fraction(5, 100), Fraction(1, 200)),
        ("2^20", 2**20, 0),
        ("**61,706**", 61_706, 0),
        ("none", 0, 0),
        ("-1/2", Fraction(-1, 2), 0),
    ],
)
def test_ways_to_write_a_number(text: str, value: Fraction, tolerance: Fraction) -> None:
    assert read_number(text)[:2] == (value, tolerance)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("55x55x96", (55, 55, 96)),
        ("55×55×96", (55, 55, 96)),
        ("(96, 55, 55)", (96, 55, 55)),
        ("[96,55,55]", (96, 55, 55)),
        ("96,55,55", (96, 55, 55)),
        ("128,128,128", (128, 128, 128)),
        ("torch.Size([6, 28, 28])", (6, 28, 28)),
        ("(None, 28, 28, 6)", (28, 28, 6)),
        ("112²×64", (112, 112, 64)),
        (r"$55 \times 55 \times 96$", (55, 55, 96)),
        ("(۹۶، ۵۵، ۵۵)", (96, 55, 55)),
        ("1x1x4,096", (1, 1, 4096)),
        ("(120,)", (120,)),
        (r"96\times55\times55", (96, 55, 55)),
        ("96 х 55 х 55", (96, 55, 55)),  # from a Cyrillic keyboard
        ("96x55x55 px", (96, 55, 55)),
        ("W=54, H=55, C=96", (96, 55, 54)),
        ("(N=1, C=96, H=55, W=54)", (96, 55, 54)),
        ("channels: 96, height: 55, width: 54", (96, 55, 54)),
    ],
)
def test_ways_to_write_a_shape(text: str, sizes: tuple[int, ...]) -> None:
    assert tuple(number.value for number in read_claimed_value(text, shape=True).numbers) == sizes


def test_maps_at_a_size_are_channels_first() -> None:
    claimed = read_claimed_value("6@28x28", shape=True)
    assert claimed.channels_first
    assert [number.value for number in claimed.numbers] == [6, 28, 28]


@pytest.mark.parametrize("text", ["H=5, H=5, W=5", "x=6, y=5, z=5", "C=6, H=5 and W=5"])
def test_a_shape_of_unknown_labels_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="a shape must be written as"):
        read_claimed_value(text, shape=True)


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("100..200", 200, 201),
        ("100–200", 100, 99),
        ("between 100 and 200", 150, 250),
        ("1-2M", 1_500_000, 2_600_000),
        ("100..200K", 150_000, 50_000),
        ("≈ 60M", 62_000_000, 64_000_000),
        ("≈ 5%", Fraction(51, 1000), Fraction(6, 100)),
        ("60M ± 2%", 61_000_000, 62_000_000),
        ("60M ± 1M", 61_000_000, 61_100_000),
        ("no more than 5M", 5_000_000, 5_000_001),
        ("fewer than 10", 9, 10),
        ("less than or equal to 10", 10, 11),
        ("greater than 10", 11, 10),
        ("exactly 10", 10, 11),
    ],
)
def test_ranges_and_margins(text: str, holds: int, fails: int) -> None:
    assert read_claimed_value(text).holds((holds,))
    assert not read_claimed_value(text).holds((fails,))


def test_ambiguous_numbers_have_a_second_reading() -> None:
    assert [each.numbers[0].value for each in other_interpretations("61.706")] == [61_706]
    assert [each.numbers[0].value for each in other_interpretations("4 MB")] == [4 * 1024**2]
    assert [each.numbers[0][:3:2] for each in other_interpretations("246824 B")] == [(246_824, "bytes")]
    assert [len(each.numbers) for each in other_interpretations("16x10x10 = 1600", shape=True)][:1] == [3]
    assert [each.numbers[0].value for each in other_interpretations("61,706K")] == [61_706]
    assert not list(other_interpretations("120,000"))  # nobody writes 120 like this
    assert not list(other_interpretations("61,70"))
    assert not list(other_interpretations("<= 61.706"))


def test_a_minus_after_a_product_sign_does_not_make_a_range() -> None:
    assert read_claimed_value("0x-1").holds((0, -1))
    assert read_claimed_value("-1/2x3").holds((Fraction(-1, 2), 3))


@pytest.mark.parametrize("text", ["22.8x", "22.8 ×", "22.8 times"])
def test_a_ratio_may_be_written_as_a_multiple(text: str) -> None:
    assert read_claimed_value(text).holds((Fraction(6400, 281),))


def test_a_calculation_before_the_result_is_allowed() -> None:
    assert read_claimed_value("6*(5*5+1) = 156").holds((156,))


def test_another_target_may_replace_its_number() -> None:
    claimed = read_claimed_value("> B.params")
    assert claimed.other == "B.params"
    assert claimed.with_figures((5,)).holds((6,))
