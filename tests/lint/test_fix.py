"""Corrections: small, complete, and without effect on anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.analysis.propagate import analyze
from archcalc.lint import lint
from archcalc.lint.fix import fix, quote
from archcalc.report.records import network_json
from archcalc.spec import Source, SpecError, read_spec
from tests.random_networks import networks

SECTIONS = """\
# a network
name: n
input: 3x8x8        # small
variables:
  kept: 4
  # speaks of the next
  idle: 3           # goes with its line
  last: kept
blocks:
  f(c):             # used
    conv c k1
  g(c):
    - conv c k1

    - relu
  h: g(2)
tables: {t: X, u: XX}
layers:
  - a: f(kept)      # the layer
"""


def fixed(text: str, *ignore: str) -> str | None:
    """Return a spec file after its corrections; ``None`` if there are none."""
    found = fix(read_spec(Source("net.yaml", text)), ignore, read_spec)
    return found and found.source.text


def quoted(text: str) -> str | None:
    """Return the correction of a file that YAML does not accept; ``None`` if there is none."""
    source = Source("net.yaml", text)
    with pytest.raises(SpecError) as caught:
        read_spec(source)
    found = quote(source, caught.value, read_spec)
    return found and found.source.text


def test_unused_declarations_are_removed_with_their_lines_and_nothing_else() -> None:
    gone = [
        "  # speaks of the next\n  idle: 3           # goes with its line\n",
        "  last: kept\n",
        "  g(c):\n    - conv c k1\n\n    - relu\n",
    ]
    gone += ["  h: g(2)\n", "tables: {t: X, u: XX}\n"]
    expected = SECTIONS
    for piece in gone:
        assert piece in expected
        expected = expected.replace(piece, "")
    assert fixed(SECTIONS) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{a: 1, b: 2, c: 3}", "{b: 2}"),
        ("{b: 2, a: 1, c: 3,}", "{b: 2,}"),
        ("{ a: 1, b: 2 }", "{ b: 2 }"),
        ("{a: 1,\n  b: 2, # of use\n  c: 3}", "{b: 2}"),
        ("{b: 2, 'c': '3'}  # here", "{b: 2}  # here"),
    ],
)
def test_entries_in_braces_are_removed_with_their_commas(before: str, after: str) -> None:
    text = "input: 3x8x8\nvariables: {}\nlayers: [conv b k1]\n"
    assert fixed(text.replace("{}", before)) == text.replace("{}", after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n  # of b\n  b: 2\n  # of a,\n  # too\n  a: 1\n  c: 3", "\n  # of b\n  b: 2"),
        ("\n  # a heading\n\n  a: 1\n  b: 2", "\n  # a heading\n\n  b: 2"),
        ("\n    # of more than one entry\n  a: 1\n  b: 2", "\n    # of more than one entry\n  b: 2"),
        ("\n  # archcalc: ignore[x]\n  a: 1\n  b: 2", "\n  b: 2"),
        (" {\n  # of a\n  a: 1, # one\n  # of b\n  b: 2, # two\n}", " {\n  # of b\n  b: 2, # two\n}"),
        (" {a: 1,\n  # of b\n  b: 2}", " {\n  # of b\n  b: 2}"),
        (" {\n  # of both\n  a: 1, b: 2}", " {\n  # of both\n  b: 2}"),
        (" {b: 2, a: 1,\n  c: 3}", " {b: 2}"),
    ],
)
def test_the_comments_above_an_entry_are_removed_with_it_and_others_stay(before: str, after: str) -> None:
    text = "input: 3x8x8\nvariables:{}\nlayers: [conv b k1]\n"
    assert fixed(text.replace("{}", before)) == text.replace("{}", after)


def test_the_comment_at_the_beginning_of_a_file_stays() -> None:
    text = "# licence\n{}# of the section\nvariables: {a: 1}\ninput: 3x8x8\nlayers: [relu]\n"
    assert fixed(text.replace("{}", "")) == "# licence\n# of the section\ninput: 3x8x8\nlayers: [relu]\n"
    assert fixed(text.replace("{}", "\n")) == "# licence\n\ninput: 3x8x8\nlayers: [relu]\n"


def test_a_section_that_becomes_empty_is_removed() -> None:
    assert fixed("input: 3x8x8\nvariables: {a: 1}   # idle\nlayers: [relu]\n") == "input: 3x8x8\nlayers: [relu]\n"
    assert fixed("input: 3x8x8\nlayers: [relu]\nvariables:\n  a: 1") == "input: 3x8x8\nlayers: [relu]\n"


def test_json_stays_json() -> None:
    text = json.dumps({"input": "3x8x8", "variables": {"a": "1"}, "blocks": {"f": "relu"}, "layers": ["f"]}, indent=2)
    result = fixed(text)
    assert result is not None
    assert json.loads(result) == {"input": "3x8x8", "blocks": {"f": "relu"}, "layers": ["f"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("conv 4 k3 -> bn", "conv 4 k3 nobias -> bn"),
        ("[(conv 4 k3->bn)*2]", "[(conv 4 k3 nobias->bn)*2]"),
        ('"conv 4 k3 \\u2192 bn"', '"conv 4 k3 nobias \\u2192 bn"'),
        ("concat(conv 4 k1, dwconv k1) -> conv 2 k1 -> bn", "concat(conv 4 k1, dwconv k1) -> conv 2 k1 nobias -> bn"),
        ("conv 4 k3\n      -> bn  # norm", "conv 4 k3 nobias\n      -> bn  # norm"),
    ],
)
def test_a_cancelled_bias_is_taken_away(before: str, after: str) -> None:
    text = "input: 3x8x8\nlayers:\n  - a: {}\n"
    assert fixed(text.replace("{}", before)) == text.replace("{}", after)


@pytest.mark.parametrize("layers", ["conv 4 k3 bias=yes -> bn", "f -> bn -> f", "conv 4 k3 -> relu"])
def test_a_bias_that_is_explicit_or_used_elsewhere_stays(layers: str) -> None:
    assert fixed(f"input: 3x8x8\nblocks: {{f: conv 3 k1}}\nlayers:\n  - f -> {layers}\n") is None


def test_corrections_do_not_break_expectations() -> None:
    text = "input: 3x8x8\nvariables: {a: 1}\nlayers: [conv 4 k1 -> bn]\nexpect: {params: 32}\n"
    assert fixed(text) == text.replace("variables: {a: 1}\n", "")
    loose = text.replace("32", "at most 32")
    assert fixed(loose) == loose.replace("variables: {a: 1}\n", "").replace("k1", "k1 nobias")


def test_an_ignore_that_suppresses_nothing_is_removed() -> None:
    text = (
        "input: 3x8x8\n# archcalc: ignore[zzz] why\nignore: unused-block\nlayers:\n  - relu   # archcalc: ignore[x]\n"
    )
    assert fixed(text) == "input: 3x8x8\nlayers:\n  - relu\n"
    text = "input: 3x9x9\nlayers:\n  - maxpool 2   # archcalc: ignore[x, dropped-border,y] why\n"
    assert fixed(text) == text.replace("x, dropped-border,y", "dropped-border")
    text = "input: 3x9x9\nignore:\n  - dropped-border\n  - unused-block\nlayers:\n  - maxpool 2\n"
    assert fixed(text) == text.replace("  - unused-block\n", "")


def test_ignored_warnings_are_not_corrected() -> None:
    assert fixed(SECTIONS, "unused-variable", "unused-block", "unused-table") is None
    assert fixed("input: 3x8x8\nvariables: {a: 1} # archcalc: ignore[unused-variable]\nlayers: [relu]\n") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  - a: @input -> relu  # why\n", '  - a: "@input -> relu"  # why\n'),
        ("  - [conv 2 k1 -> relu]*2 -> gap\n", '  - "[conv 2 k1 -> relu]*2 -> gap"\n'),
        ("  - a: relu\n  - b: @a -> relu\n  - @b -> gap\n", '  - a: relu\n  - b: "@a -> relu"\n  - "@b -> gap"\n'),
    ],
)
def test_texts_that_yaml_would_convert_get_quotes(before: str, after: str) -> None:
    assert quoted(f"input: 3x8x8\nlayers:\n{before}") == f"input: 3x8x8\nlayers:\n{after}"


@pytest.mark.parametrize("wrong", ["  - a: @inptu -> relu\n", "  - 'relu\n", "  - {a: relu\n", "\t- relu\n", "  - %\n"])
def test_quotes_that_do_not_repair_the_file_are_not_added(wrong: str) -> None:
    assert quoted(f"input: 3x8x8\nlayers:\n{wrong}") is None


UNUSED = {"variables": ("idle_a", "1"), "blocks": ("idle_b(c)", "conv c k1 -> relu"), "tables": ("idle_t", "X")}


@pytest.mark.slow
@settings(max_examples=40)
@given(text=networks(), where=st.lists(st.booleans(), min_size=3, max_size=3))
def test_corrections_leave_every_number_as_it_is(text: str, where: list[bool]) -> None:
    document = {key: json.loads(value) for key, _, value in (line.partition(": ") for line in text.splitlines())}
    for (section, (name, value)), first in zip(UNUSED.items(), where, strict=True):
        entries = document.get(section) or {}
        document[section] = {name: value, **entries} if first else {**entries, name: value}
    ignore = ("bias-before-norm",)
    found = fix(read_spec(Source("net.yaml", json.dumps(document, indent=1))), ignore, read_spec)
    assert found is not None
    after = read_spec(found.source)
    analyses = [analyze(read_spec(Source("net.yaml", each)).graph) for each in (text, found.source.text)]
    numbers = [json.loads("".join(network_json(analysis))) for analysis in analyses]
    for record in numbers:
        record.pop("variables")
    assert numbers[0] == numbers[1]
    left = {problem.code for problem in lint(after, analyze(after.graph))}
    assert not left & {"unused-variable", "unused-block", "unused-table"}


def test_a_deeply_indented_section_keeps_its_indent() -> None:
    text = "input: 3x8x8\nvariables:\n      a: 1\n      b: 2\nlayers:\n- conv b k1\n"
    assert fixed(text) == text.replace("      a: 1\n", "")


def test_many_problems_are_all_corrected() -> None:
    lines = "".join(f"  v{i}: {f'v{i - 1}+1' if i else 1}\n" for i in range(60))
    remarks = "  - relu  # archcalc: ignore[x]\n" * 60
    text = f"input: 3x8x8\nvariables:\n{lines}layers:\n{remarks}"
    assert fixed(text) == "input: 3x8x8\nlayers:\n" + "  - relu\n" * 60
