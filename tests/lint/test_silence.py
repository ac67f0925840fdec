"""Warnings that a file switches off: its key ``ignore``, and comments."""

from __future__ import annotations

from tests.lint.warnings import codes, warnings
from tests.spec.reading import marked, problem

NET = """
    input: 3x55x55{0}
    {1}
    variables:
      idle: 1{2}
    layers:
      - pool: maxpool 2{3}
"""


def net(*pieces: str) -> str:
    return NET.format(*pieces, *[""] * (4 - len(pieces)))


def test_by_default_every_warning_is_given() -> None:
    assert codes(net()) == ["unused-variable", "dropped-border"]


def test_the_configuration_suppresses_warnings() -> None:
    assert codes(net(), "unused-variable") == ["dropped-border"]


def test_a_key_of_the_file_suppresses_one_code_or_several() -> None:
    assert codes(net("", "ignore: dropped-border")) == ["unused-variable"]
    assert codes(net("", "ignore: [dropped-border, unused-variable]")) == []


def test_a_comment_suppresses_warnings_on_its_line() -> None:
    assert codes(net("", "", "  # archcalc: ignore[unused-variable]")) == ["dropped-border"]
    assert codes(net("", "", "  # archcalc: ignore[unused-variable, unused-block] why")) == [
        "unused-ignore",
        "dropped-border",
    ]


def test_a_comment_on_its_own_line_applies_to_the_next() -> None:
    text = """
        input: 3x55x55
        layers:
          # archcalc: ignore[dropped-border]
          - pool: maxpool 2
          - again: maxpool 2
    """
    assert [found.place()[1] for found in warnings(text)] == [5]


def test_a_comment_applies_to_all_lines_of_its_text() -> None:
    text = """
        input: 3x55x55
        layers:
          - pool:  # archcalc: ignore[dropped-border]
              relu ->
              maxpool 2
          - again: relu ->
              maxpool 2    # archcalc: ignore[dropped-border]
    """
    assert not warnings(text)


def test_texts_that_look_like_comments_are_ignored() -> None:
    text = """
        name: "a # archcalc: ignore[dropped-border]"
        input: 3x55x55
        layers: [maxpool 2]
    """
    assert codes(text) == ["dropped-border"]


def test_an_ignore_that_suppresses_nothing_is_a_warning_itself() -> None:
    (found,) = warnings("input: 3x8x8\nignore: [dropped-border]\nlayers: [relu]")
    assert (found.code, marked(found)) == ("unused-ignore", "dropped-border")
    (found,) = warnings("input: 3x8x8\nlayers: [relu]  # archcalc: ignore[dropped-boarder]")
    assert (found.code, marked(found)) == ("unused-ignore", "dropped-boarder")
    assert found.hint == "did you mean 'dropped-border'?"
    assert not warnings("input: 3x8x8\nignore: dropped-border\nlayers: [relu]", "dropped-border")


def test_an_ignore_in_a_file_with_variants_may_be_for_another_of_them() -> None:
    text = "input: 3x(n)x8\nvariables: {{n: 8}}\nignore: [{}]\nlayers: [maxpool 2]\nvariants: {{odd: {{n: 7}}}}"
    assert not warnings(text.format("dropped-border"))
    assert codes(text.format("dropped-boarder")) == ["unused-ignore"]


def test_ignore_lists_texts() -> None:
    found = problem("input: 3x8x8\nignore: {a: b}\nlayers: [relu]")
    assert found.code == "yaml"
    assert not warnings("input: 3x8x8\nignore:\nlayers: [relu]")
