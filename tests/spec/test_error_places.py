"""Errors name the exact line and column that they are about, in every style of YAML text."""

from __future__ import annotations

import random

import pytest
import yaml

from archcalc.spec import Problem, Source, SpecError
from archcalc.spec.errors import Span, Text
from tests.spec.reading import marked, problem, problems, wrong


def test_an_error_is_one_place_one_reason_one_hint() -> None:
    text = "name: x\ninput: 3x8x8\nlayers:\n  - conv1: conv 4 k1\n  - pool1: maxpol 3 s2\n"
    assert problem(text).render() == (
        "net.yaml:5:12: error[unknown-op]: no operator 'maxpol'\n"
        "  5 |   - pool1: maxpol 3 s2\n"
        "    |            ^^^^^^\n"
        "    = did you mean 'maxpool'?"
    )


def test_gutters_are_as_wide_as_the_line_number() -> None:
    text = "input: 3x8x8\nlayers:\n" + "  - relu\n" * 120 + "  - rleu\n"
    rows = problem(text).render().split("\n")
    assert rows[0].startswith("net.yaml:123:5: ")
    assert rows[1:] == ["  123 |   - rleu", "      |     ^^^^", "      = did you mean 'relu'?"]


WRITTEN = {
    "plain": "  - a: relu -> maxpol 2",
    "plain, two lines": "  - a: relu ->\n      maxpol 2",
    "plain, blank line": "  - a: relu ->\n\n\n      maxpol 2",
    "plain, blanks at the end": "  - a: relu   ->   \n        maxpol 2",
    "plain, comment after": "  - a: relu -> maxpol 2  # maxpol",
    "single": "  - a: 'relu -> maxpol 2'",
    "single, escaped quote in the name of a list": "  - '(relu -> maxpol 2)'",
    "single, two lines": "  - a: 'relu ->\n      maxpol 2'",
    "double": '  - a: "relu -> maxpol 2"',
    "double, escapes before": '  - a: "\\x72elu \\u2192\\t\\x20maxpol 2"',
    "double, escaped line ending": '  - a: "relu \\\n      -> maxpol 2"',
    "double, escaped line feed": '  - a: "relu\\n-> maxpol 2"',
    "double, wide escape": '  - a: "relu \\U00002192 maxpol 2"',
    "literal": "  - a: |\n      relu ->\n        maxpol 2",
    "literal, header": "  - a: |2-  # maxpol in a comment\n       relu ->\n        maxpol 2",
    "literal, blank lines": "  - a: |\n\n      relu ->\n\n      maxpol 2",
    "folded": "  - a: >\n      relu\n      -> maxpol 2",
    "folded, deeper": "  - a: >-\n      relu\n        -> maxpol\n      2",
    "folded, blank lines": "  - a: >+\n\n      relu ->\n\n\n      maxpol 2\n\n",
    "flow list": "  - a: [relu, 'tanh', maxpol 2]",
    "flow mapping": "  - {a: relu -> maxpol 2}",
    "block list": "  - a:\n      - relu\n      - maxpol 2",
    "non-ASCII before": "  - a: relu → → maxpol 2".replace("→ →", "→"),
    "tab before": '  - a: "relu\t->\tmaxpol 2"',
    "first of a line": "  - maxpol 2",
    "name is longer": "  - a_very_long_name_of_a_stage: relu6 -> maxpol 2",
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_the_place_is_exact_in_every_way_to_write_a_scalar(written: str) -> None:
    text = f"input: 3x8x8\nlayers:\n{written}\n"
    found = problem(text)
    lines = text.split("\n")
    at = [
        (n, line.rfind("maxpol") if "#" not in line or n > 3 else line.find("maxpol"))
        for n, line in enumerate(lines, 1)
    ]
    line, column = next((n, c) for n, c in reversed(at) if c >= 0)
    assert found.place() == ("net.yaml", line, column + 1)
    assert marked(found) == "maxpol"


STYLES = ("plain", "single", "double", "literal", "folded")


@pytest.mark.parametrize("style", STYLES)
def test_every_character_of_any_scalar_is_found_at_its_place(style: str) -> None:
    rng = random.Random(style)
    for _ in range(300):
        words = ["".join(rng.choices("abc@'\"→é#:\\", k=rng.randint(1, 4))) for _ in range(rng.randint(1, 6))]
        text = f"k:\n  - {_scalar(style, words, rng)}\n"
        event = [e for e in yaml.parse(text, Loader=yaml.SafeLoader) if isinstance(e, yaml.ScalarEvent)][1]
        assert event.start_mark is not None
        assert event.end_mark is not None
        scalar = Text(Source("x", text), event.value, event.start_mark.index, event.end_mark.index, event.style)
        before = -1
        for offset, character in enumerate(event.value):
            if not character.isspace():
                index = scalar.index(offset)
                assert index > before, (text, offset)
                assert text[index] == character or (text[index] == "\\" and style == "double"), (text, offset)
                before = index


def _scalar(style: str, words: list[str], rng: random.Random) -> str:
    """Return words with blanks and line endings between them, as a scalar in a style."""
    if style == "plain":
        words = ["w" + word.replace(":", "/").replace("#", "/") for word in words]
    elif style == "single":
        words = [word.replace("'", "''") for word in words]
    elif style == "double":
        words = ["".join(_escaped(character, rng) for character in word) for word in words]
    gaps = [rng.choice((" ", "  ", "\n    ", "\n\n    ", " \n     ")) for _ in words]
    raw = "".join(f"{word}{gap}" for word, gap in zip(words, gaps, strict=True))
    opening = {"plain": "", "single": "'", "double": '"', "literal": "|\n    ", "folded": ">-  # abc\n    "}[style]
    return f"{opening}{raw}{opening}" if style in ("single", "double") else f"{opening}{raw.rstrip()}"


def _escaped(character: str, rng: random.Random) -> str:
    if character not in '\\"' and rng.random() < 0.8:
        return character
    return rng.choice((f"\\u{ord(character):04X}", f"\\U{ord(character):08x}"))


def test_the_end_of_a_text_is_a_place() -> None:
    assert problem("input: 3x8x8\nlayers:\n  - a: relu ->\n  - tanh\n").place() == ("net.yaml", 3, 15)
    assert problem("input: 3x8x8\nlayers:\n  - a: 'relu ->'\n").place() == ("net.yaml", 3, 16)
    assert wrong("relu ->").place() == ("<expression>", 1, 19)


def test_an_expression_of_many_lines_has_places_in_them() -> None:
    found = wrong("relu\n  -> tanh\n  -> rleu")
    assert found.place() == ("<expression>", 3, 6)
    assert marked(found) == "rleu"


def test_carets_go_to_the_end_of_the_first_line() -> None:
    found = problem("input: 3x8x8\nlayers:\n  - a: add(identity,\n         conv 4 k3)\n")
    assert found.place() == ("net.yaml", 3, 8)
    assert marked(found) == "add(identity,"


def test_long_lines_are_cut_around_the_place() -> None:
    found = wrong("relu -> " * 500 + "rleu" + " -> relu" * 500)
    _, line, carets = found.render().split("\n")[:3]
    assert len(line) < 120
    assert line.startswith("  1 | …")
    assert line.endswith("…")
    assert marked(found) == "rleu"
    assert carets.count("^") == 4
    assert found.place()[2] == len("8x32x32 -> ") + 8 * 500 + 1


def test_wide_characters_do_not_shift_the_carets() -> None:
    found = problem('input: 3x8x8\nlayers: "界界 -> relu"\n')
    rows = found.render().split("\n")
    assert rows[2] == "    |          ^^^^"
    combined = problem("input: 3x8x8\nlayers: relu -> re\u0301lu\n")
    assert combined.place()[1:] == (2, 17 + 2)


def test_tabs_and_control_characters_are_shown_as_blanks() -> None:
    found = wrong("relu\t->\t\x1b[31m")
    assert found.render().isprintable() or "\n" in found.render()
    assert "\x1b" not in found.render()
    assert "\\x1b" in found.render()


def test_messages_have_a_bounded_length() -> None:
    for layers in ("a" * 10_000, "add(" + "relu, " * 500 + "conv 3 k3)", "reshape " + "x".join("1" * 5_000)):
        assert len(wrong(layers).render()) < 1_500


def test_a_problem_without_a_place_names_its_origin() -> None:
    assert Problem("not-found", "no such file", origin="net.yaml", hint="try").render() == (
        "net.yaml: error[not-found]: no such file\n  = try"
    )


def test_the_text_of_an_error_is_that_of_all_its_problems() -> None:
    found = problems("input: 3x8x8\nlayers: rleu -> tahn\n")
    assert str(SpecError(found)) == "\n".join(p.render() for p in found)
    assert SpecError(found).args == (found[0].message,)


def test_at_most_twenty_problems_are_shown() -> None:
    assert len(problems("input: 3x8x8\nlayers:\n" + "  - rleu\n" * 100)) == 20


def test_a_span_beyond_its_text_does_not_fail() -> None:
    for text in (
        Text(Source("x", ""), ""),
        Text(Source("x", "ab\n"), "ab"),
        Text(Source("x", "'ab'"), "ab", 0, 4, "'"),
    ):
        for start in range(4):
            assert Problem("c", "m", Span(text, start, start + 2)).render()


def test_a_hint_of_several_lines_is_aligned_with_its_beginning() -> None:
    assert Problem("missing", "no layers", origin="net.yaml", hint="write:\n  layers:").render() == (
        "net.yaml: error[missing]: no layers\n  = write:\n      layers:"
    )
