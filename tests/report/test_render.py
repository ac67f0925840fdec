"""Tables in every format."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from html.parser import HTMLParser

import pytest

from archcalc.report.render import FORMATS, render, write_json
from archcalc.report.table import Column, Table, bytes_text
from archcalc.terminal import display_width

TABLE = Table(
    columns=(Column("name", "layer", folds=True), Column("shape", "output"), Column("macs", "MACs", "right")),
    rows=(("stage/conv_1", "96x55x55", 105_415_200), ("a|b_c & <d>", None, 0)),
    title="A & B",
    totals=(("total", None, 105_415_200),),
    notes=("50% of <it>",),
)


def test_plain_is_aligned_with_separators_in_numbers() -> None:
    assert render(TABLE, "plain") == (
        "A & B\n"
        "layer         output           MACs\n"
        "------------  --------  -----------\n"
        "stage/conv_1  96x55x55  105,415,200\n"
        "a|b_c & <d>   -                   0\n"
        "------------  --------  -----------\n"
        "total                   105,415,200\n"
        "50% of <it>\n"
    )


def test_rich_without_colour_is_only_text() -> None:
    assert "\x1b" not in render(TABLE, "rich")
    assert "\x1b" in render(TABLE, "rich", color=True)


@pytest.mark.parametrize("width", [26, 30, 36, 80])
def test_rich_keeps_to_the_width_and_never_breaks_a_number(width: int) -> None:
    written = render(TABLE, "rich", width=width)
    assert max(map(display_width, written.splitlines())) <= width
    assert written.count("105,415,200") == 2
    assert "96x55x55" in written


def test_markdown_escapes_the_bars_in_cells() -> None:
    lines = render(TABLE, "markdown").splitlines()
    assert r"a\|b_c & <d>" in "\n".join(lines)
    body = [line for line in lines if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in body}) == 1
    assert body[1].endswith(":|")


def test_latex_escapes_its_own_characters_and_keeps_the_rest_in_comments() -> None:
    written = render(TABLE, "latex")
    assert r"a|b\_c \& \ensuremath{<}d\ensuremath{>}" in written
    assert written.startswith("% A & B\n")
    assert "% 50% of <it>" in written
    assert written.count(r"\midrule") == 2


def test_html_is_well_formed_and_escaped() -> None:
    opened: list[str] = []
    texts: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

        def handle_data(self, data: str) -> None:
            texts.append(data)

    checker = Checker()
    checker.feed(render(TABLE, "html"))
    checker.close()
    assert not opened
    assert "a|b_c & <d>" in texts


def test_csv_is_raw() -> None:
    found = list(csv.DictReader(io.StringIO(render(TABLE, "csv"))))
    assert found == [
        {"name": "stage/conv_1", "shape": "96x55x55", "macs": "105415200"},
        {"name": "a|b_c & <d>", "shape": "", "macs": "0"},
    ]


def test_json_is_raw() -> None:
    assert json.loads(render(TABLE, "json"))[0] == {"name": "stage/conv_1", "shape": "96x55x55", "macs": 105_415_200}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_writes_an_empty_table_and_ends_its_last_line(form: str) -> None:
    assert render(TABLE._replace(rows=(), totals=(), notes=(), title=""), form).endswith("\n")
    assert render(TABLE, form).endswith("\n")


@pytest.mark.parametrize("form", ["rich", "plain", "markdown", "latex", "html"])
def test_control_characters_do_not_reach_people(form: str) -> None:
    evil = "a\x1b[2J\nb\x07"
    columns = (Column("x", evil), *TABLE.columns[1:])
    written = render(TABLE._replace(columns=columns, rows=((evil, evil, 1),), title=evil, notes=(evil,)), form)
    assert not set(written) & {"\x1b", "\x07"}
    assert "\nb" not in written


def test_lists_of_numbers_are_on_one_line_and_texts_that_look_like_them_are_unchanged() -> None:
    document = {"shape": [3, 224, 224], "text": "[\n  1,\n  2\n]", "empty": [], "names": ["a", "b"]}
    written = write_json(document)
    assert '"shape": [3, 224, 224]' in written
    assert json.loads(written) == document


def test_fractions_are_texts_for_programs() -> None:
    table = Table((Column("x", "x"),), ((Fraction(1, 2),),))
    assert render(table, "csv") == "x\n1/2\n"
    assert json.loads(render(table, "json")) == [{"x": "1/2"}]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (102_440_608, "97.7 MiB"),
        (3 * 2**40, "3.0 TiB"),
        (2**60, "1,048,576.0 TiB"),
        (1024**400, f"{1024**396:,}.0 TiB"),
    ],
)
def test_bytes_are_written_with_units(count: int, text: str) -> None:
    assert bytes_text(count) == text
