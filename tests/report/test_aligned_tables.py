"""Aligned columns on terminals of every width."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.report.aligned_tables import align_table, fold
from archcalc.report.table import Column, Table
from archcalc.terminal import display_width

TABLE = Table(
    (
        Column("layer", "layer", folds=True),
        Column("op", "operator", folds=True),
        Column("output", "output"),
        Column("params", "params", "right"),
        Column("macs", "MACs", "right"),
    ),
    (
        ("stem/conv_bn/conv", "conv 64 k7 s2 half nobias", "64x112x112", 9_408, 118_013_952),
        ("stem/relu", "relu", "64x112x112", 0, None),
    ),
    title="A network with a name, input 3x224x224",
    totals=(("total", None, None, 9_408, 118_013_952),),
    notes=("what else there is to say of it, in a sentence that is longer than a line",),
)
NATURAL = 17 + 25 + 10 + 6 + 11 + 4 * 2


def test_columns_are_two_blanks_apart_with_numbers_right_aligned() -> None:
    assert align_table(TABLE).splitlines()[1:5] == [
        "layer              operator                   output      params         MACs",
        "-----------------  -------------------------  ----------  ------  -----------",
        "stem/conv_bn/conv  conv 64 k7 s2 half nobias  64x112x112   9,408  118,013,952",
        "stem/relu          relu                       64x112x112       0            -",
    ]


def test_a_wide_terminal_changes_nothing() -> None:
    assert align_table(TABLE, width=NATURAL) == align_table(TABLE)
    assert align_table(TABLE, width=NATURAL - 1) != align_table(TABLE)


@given(st.integers(30, 90))
def test_no_width_breaks_a_number_or_overflows(width: int) -> None:
    lines = align_table(TABLE, width=width).splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert {"9,408", "118,013,952", "64x112x112", "3x224x224"} <= words


def test_texts_are_folded_between_words() -> None:
    lines = align_table(TABLE, width=66).splitlines()
    row = lines.index(next(line for line in lines if line.startswith("stem/conv")))
    assert [line.split("  ")[:2] for line in lines[row : row + 2]] == [["stem/conv_bn/conv", "conv 64 k7 s2"], ["", ""]]
    assert lines[row].endswith("64x112x112   9,408  118,013,952")
    assert lines[row + 1].split() == ["half", "nobias"]


@pytest.mark.parametrize("width", [60, 66, 72, 80, 120])
def test_a_name_is_in_one_piece(width: int) -> None:
    names = ["sep7_11/separable_1", "a_rather/deeply/nested_stage/with_a/long_name_12", "short"]
    rows = tuple((name, "conv 64 k3 half nobias", "64x112x112", 9_408, 118_013_952) for name in names)
    lines = align_table(TABLE._replace(rows=rows), width=width).splitlines()
    for name in names:
        assert sum(line.split()[0] == name for line in lines if line) == 1, name
    assert max(map(len, lines)) <= width


def test_a_name_that_is_too_long_has_a_line_above_its_row() -> None:
    name = "stage_with_a_name/that_is/much_too_long_for_its_column"
    lines = align_table(TABLE._replace(rows=((name, "relu", "64x112x112", 0, 1),)), width=60).splitlines()
    row = lines.index(name)
    assert lines[row + 1].split() == ["relu", "64x112x112", "0", "1"]
    assert not lines[row + 1].startswith("relu")


def test_columns_that_do_not_fit_continue_below_next_to_the_first() -> None:
    lines = align_table(TABLE, width=40).splitlines()
    heads = [line.split() for line in lines if line.startswith("layer")]
    assert [head[0] for head in heads] == ["layer"] * len(heads)
    assert [title for head in heads for title in head[1:]] == ["operator", "output", "params", "MACs"]
    assert sum(line.startswith("total") for line in lines) == len(heads)


def test_colour_adds_nothing_but_colour() -> None:
    for width in (None, 80, 50):
        painted = align_table(TABLE, width=width, color=True)
        assert "\x1b[1mtotal\x1b[0m" in painted
        assert re.sub(r"\x1b\[\d*m", "", painted) == align_table(TABLE, width=width)


def test_wide_characters_keep_columns_aligned() -> None:
    table = Table((Column("a", "name"), Column("b", "n", "right")), (("网络", 1), ("é", 22), ("plain", 333)))
    lines = align_table(table).splitlines()
    assert len({display_width(line) for line in lines}) == 1


@given(st.text("ab_/ 日", max_size=60), st.integers(1, 30))
def test_folding_loses_only_blanks(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    longest = max(map(display_width, re.findall(r"[^\s/_]*[/_]*", text)))
    assert all(display_width(line) <= max(width, longest) for line in lines)


@pytest.mark.parametrize("columns", [1, 3])
def test_a_table_without_rows_has_titles(columns: int) -> None:
    table = Table(tuple(Column(str(number), f"title{number}") for number in range(columns)), ())
    assert "title0" in align_table(table, width=10)
