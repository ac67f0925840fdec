"""Error messages for invalid YAML. Those of PyYAML and libyaml differ from each other and between versions."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import yaml

from archcalc.spec.errors import Problem, Source, Span, SpecError, Text
from archcalc.spec.limits import Limits

QUOTE_THIS = "this character has a meaning in YAML: put quotes around the whole value"
QUOTE_ALL = "put quotes around the whole of a value that starts with one of [ { @ * & ! % | > or a quote"
INDENTATION = "the entries of a list or mapping must start in the same column, each on its own line"
UNKNOWN = "invalid YAML"
TAB = ("YAML does not allow a tab here", "indent with spaces, not tabs")

MESSAGES = (
    (
        "mapping values",
        "YAML reads the ': ' in this value as a mapping",
        "put quotes around a value that contains ': '",
    ),
    ("that cannot start any token", "a value cannot start with this character", QUOTE_THIS),
    (r"\btabs?\b", *TAB),
    (
        "escape",
        "unknown escape sequence in double quotes",
        "in single quotes, every character stands for itself",
    ),
    ("quoted scalar", "the closing quote is missing", "put a quote at the end of the value too"),
    ("simple key", "': ' is missing in a line of a mapping", INDENTATION),
    ("block scalar", "invalid start of a block of text (after | or >)", QUOTE_ALL),
    ("flow (sequence|mapping|node)", "a closing bracket or a comma is missing", QUOTE_ALL),
    ("directive", "YAML reads a line that starts with % as a directive", QUOTE_ALL),
    ("anchor|alias", "'&' and '*' start a YAML anchor or alias, which is not supported", QUOTE_THIS),
    (r"\btags?\b", "'!' starts a YAML tag, which is not supported", QUOTE_THIS),
    ("document start|document separator", "the file continues after the end of its YAML document", QUOTE_ALL),
    ("block|not allowed|indent", "this entry does not belong to the list or mapping around it", INDENTATION),
)
"""A pattern in the parser's message (its context, then the problem), the message to replace it, and a hint."""


def translate(source: Source, error: yaml.YAMLError, limits: Limits) -> SpecError:
    """Return an error of the YAML parser as an error of the spec, at the character where parsing stopped."""
    marks: list[Any] = [getattr(error, name, None) for name in ("problem_mark", "context_mark")]
    mark: Any = next((found for found in marks if found is not None), None)
    index = min(mark.index if mark is not None else 0, len(source.text))
    too_deep = _nested_too_deeply(source.text[: index + 1], limits.nesting)
    if too_deep is not None:
        return nesting_error(Span(Text(source, " ", too_deep), 0, 1), limits)
    said = " ".join(filter(None, (getattr(error, "context", None), getattr(error, "problem", None))))
    message, hint = next(((text, hint) for phrase, text, hint in MESSAGES if re.search(phrase, said)), (UNKNOWN, ""))
    if source.text[index : index + 1] == "\t" and "start any token" in said:
        message, hint = TAB
    elif source.text[index : index + 1] in tuple("[{@*&!%>`|'\""):
        hint = QUOTE_THIS
    elif source.text[source.text.rfind("\n", 0, index) + 1 : index].rstrip()[-1:] in tuple("'\"]}|>"):
        hint = QUOTE_ALL
    return SpecError([Problem("yaml", message, Span(Text(source, " ", index), 0, 1), hint)])


def nesting_error(place: Span, limits: Limits) -> SpecError:
    """Return the error for lists or mappings that are nested deeper than allowed."""
    message = f"lists are nested deeper than {limits.nesting}"
    return SpecError([Problem("limit", message, place, "raise the limit with --max-nesting")])


def _nested_too_deeply(text: str, nesting: int) -> int | None:
    """Return the index at which unclosed brackets are nested too deeply, or ``None`` if they are not.

    The parser looks ahead to the end of a bracket and may fail there, at a limit of its own or at the end of the text,
    before it reports the first bracket. Brackets inside quotes or comments are not distinguished: with this many
    unclosed brackets, the text is not a spec in either case.
    """
    brackets = tuple(re.finditer(r"[\[{}\]]", text))
    depths = [*accumulate(1 if match.group() in "[{" else -1 for match in brackets)]
    if not depths or depths[-1] <= nesting:
        return None
    return next(match.start() for match, depth in zip(brackets, depths, strict=True) if depth > nesting)
