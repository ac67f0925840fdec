"""Corrected contents of files: their line endings, and patches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archcalc.validation.correct import LINE_ENDING, patch, with_line_endings

LINES = st.lists(st.tuples(st.text("ab \u2028\x85", max_size=2), st.sampled_from(["\n", "\r", "\r\n"])), max_size=8)
"""Lines with their ends."""


def normalised(content: str) -> str:
    return LINE_ENDING.sub("\n", content.removeprefix("\ufeff"))


def joined(lines: list[tuple[str, str]], last: str, mark: str) -> str:
    return mark + "".join(f"{number}{line}{end}" for number, (line, end) in enumerate(lines)) + last


@given(LINES, st.sampled_from(["", "end"]), st.sampled_from(["", "\ufeff"]), st.data())
def test_lines_keep_their_ends_when_others_are_removed(
    lines: list[tuple[str, str]], last: str, mark: str, data: st.DataObject
) -> None:
    content = joined(lines, last, mark)
    assert with_line_endings(content, normalised(content)) == content
    rows = [joined([line], "", f"{number}:") for number, line in enumerate(lines)]  # all different
    content = mark + "".join(rows) + last
    kept = [row for row in rows if data.draw(st.booleans())]
    expected = mark + "".join(kept) + last
    assert with_line_endings(content, normalised(expected)) == expected


@given(LINES, st.data())
def test_a_changed_line_keeps_its_end(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    rows = [(f"line {number}", end) for number, (_, end) in enumerate(lines)]
    changed = [(f"{row} changed" if data.draw(st.booleans()) else row, end) for row, end in rows]
    content, expected = ("".join(map("".join, each)) for each in (rows, changed))
    assert with_line_endings(content, normalised(expected)) == expected


def test_a_patch_names_the_file_as_git_does() -> None:
    assert patch("a b.yaml", "1\r\n2", "2").splitlines(keepends=True) == [
        "diff --git a/a b.yaml b/a b.yaml\n",
        "--- a/a b.yaml\t\n",
        "+++ b/a b.yaml\t\n",
        "@@ -1,2 +1 @@\n",
        "-1\r\n",
        " 2\n",
        "\\ No newline at end of file\n",
    ]
    assert patch("ö\n\udcff.yaml", "1\n", "2\n").startswith(
        'diff --git "a/\\303\\266\\012\\377.yaml" "b/\\303\\266\\012\\377.yaml"\n'
    )
