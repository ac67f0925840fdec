"""Errors with a place: the source texts, spans in them, and the form in which people see an error.

A span points into a `Text`: one scalar of a file, or a whole inline expression. Where that text stands in the file is
worked out only when an error is printed, so correct specs pay nothing for positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Literal, NamedTuple, NoReturn

from archcalc.terminal import display_width

SNIPPET_WIDTH = 100
"""How much of a line is shown; longer lines are cut around the caret."""

MESSAGE_LENGTH = 400
"""How much of a message is shown: some list shapes, and there may be any number of them."""

NAMES_COMPARED = 1000
"""How many known names are compared with an unknown one."""


class Source(NamedTuple):
    """A text as it was given: a file, standard input, an inline expression, a command-line option."""

    name: str
    text: str


class Text:
    """A piece of a source that is read on its own: its value, and where its raw form stands in the source."""

    __slots__ = ("end", "source", "start", "style", "value")

    def __init__(
        self, source: Source, value: str, start: int = 0, end: int | None = None, style: str | None = None
    ) -> None:
        self.source = source
        self.value = value
        self.start = start
        self.end = end
        """Where the raw form of a YAML scalar ends; ``None`` where the value stands in the source as it is."""
        self.style = style or ""
        """The character that YAML marks the scalar with: a quote, ``|``, ``>``; nothing for a plain one."""

    def index(self, offset: int) -> int:
        """Where in the source a character of the value stands."""
        if self.end is None or not self.value:
            return self.start + offset
        where = _raw_index(self.source.text, self.start, self.end, self.style, self.value[: offset + 1])
        return where if offset < len(self.value) else where + 1

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column (0-based) of a character of the value."""
        text = self.source.text
        index = min(self.index(offset), len(text) + 1)
        return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1


def _raw_index(raw: str, start: int, end: int, style: str, value: str) -> int:
    """Where the last character of ``value``, the beginning of a YAML scalar, stands in its raw form.

    YAML folds and indents, so between the two only white space differs, but for the escapes of quoted scalars.
    """
    at = start
    if style in ("|", ">"):
        at = raw.find("\n", start, end) + 1 or end  # the header is a line of its own
    elif style:
        at += 1
    found = at
    for character in value:
        if not character.isspace():
            while at < end and raw[at].isspace():
                at += 1
        if style == '"':
            while raw.startswith("\\\n", at):  # a line that goes on: nothing of it is in the value
                at += 2
                while at < end and raw[at] in " \t\n":
                    at += 1
        if at >= end:
            return found
        found = at
        if style == '"' and raw[at] == "\\":
            at += 2 + {"x": 2, "u": 4, "U": 8}.get(raw[at + 1], 0)
        elif style == "'" and raw[at] == "'":
            at += 2
        elif raw[at].isspace() or not character.isspace():
            at += 1
    return found


class Span(NamedTuple):
    """Characters ``start`` to ``end`` of a text."""

    text: Text
    start: int
    end: int


def whole_text(text: Text) -> Span:
    """The span of all of a text."""
    return Span(text, 0, len(text.value))


@dataclass(frozen=True)
class Problem:
    """One error or warning: one place, one reason, one hint."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""
    origin: str = ""
    """What to name instead of a place, where there is none (a file that cannot be read)."""
    level: Literal["error", "warning"] = "error"

    def place(self) -> tuple[str, int | None, int | None]:
        """Source name, line and column (1-based; ``None`` where there is no place in it)."""
        if self.span is None:
            return self.origin, None, None
        line, column = self.span.text.place(self.span.start)
        return self.span.text.source.name, line + 1, column + 1

    def end(self) -> tuple[int | None, int | None]:
        """Line and column (1-based) behind the last character; ``None`` where there is no place."""
        if self.span is None:
            return None, None
        line, column = self.span.text.place(max(self.span.start, self.span.end - 1))
        return line + 1, column + 2

    def render(self) -> str:
        """The problem as editors and CI know it, with the line and a caret below it."""
        name, line, column = self.place()
        where = ":".join(str(part) for part in (name, line, column) if part is not None and part != "")
        what = f"{self.level}[{self.code}]: {self.message}"
        rows = [f"{where}: {what}" if where else what]
        if self.span is not None and line is not None and column is not None:
            rows += self._snippet(self.span, line)
        if self.hint:
            indent = " " * (len(str(line)) + 3) if line is not None else "  "
            rows += [f"{indent}= " + self.hint.replace("\n", f"\n{indent}  ")]
        return "\n".join(printable(row, keep="\n") for row in rows)

    def _snippet(self, span: Span, line: int) -> list[str]:
        text = span.text.source.text
        index = min(span.text.index(span.start), len(text))
        last = span.text.index(max(span.start, span.end - 1))
        start = text.rfind("\n", 0, index) + 1
        end = text.find("\n", index)
        end = len(text) if end < 0 else end
        first = max(start, min(index - SNIPPET_WIDTH // 3, end - SNIPPET_WIDTH))
        final = min(end, first + SNIPPET_WIDTH)
        before, after = "…" if first > start else "", "…" if final < end else ""
        shown = f"{before}{_blanked(text[first:final])}{after}".rstrip()
        indent = len(before) + display_width(_blanked(text[first:index]))
        carets = max(1, display_width(_blanked(text[index : min(last + 1, final)])))
        gutter = " " * len(str(line))
        return [f"  {line} | {shown}", f"  {gutter} | {' ' * indent}{'^' * carets}"]


def printable(text: str, keep: str = "") -> str:
    """The text with characters that a terminal would act upon (or cannot encode) written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def _blanked(text: str) -> str:
    """The text with a blank for everything that is not printable."""
    return "".join(c if c.isprintable() else " " for c in text)


class SpecError(Exception):
    """The input is wrong. Carries every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


def fail(code: str, message: str, span: Span | None = None, hint: str = "", origin: str = "") -> NoReturn:
    """Raise a `SpecError` with one problem."""
    if len(message) > MESSAGE_LENGTH:
        message = f"{message[:MESSAGE_LENGTH]}…"
    raise SpecError([Problem(code, message, span, hint, origin)])


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for a word nobody knows: the nearest known one, whatever its case, or ``otherwise``."""
    folded = {name.casefold(): name for name in islice(known, NAMES_COMPARED)}
    matches = get_close_matches(word[:60].casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[matches[0]]}'?" if matches else otherwise


class Problems:
    """Collects errors, so that one run shows all of a file."""

    def __init__(self, most: int = 20) -> None:
        self.found: list[Problem] = []
        self.most = most

    def __enter__(self) -> Problems:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, SpecError):
            self.found += error.problems
            if len(self.found) >= self.most:
                self.settle()
            return True
        return False

    def settle(self) -> None:
        """Raise what was collected, if anything was."""
        if self.found:
            raise SpecError(self.found[: self.most])
