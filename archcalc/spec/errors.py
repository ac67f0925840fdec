"""Errors with a place: the source texts, spans in them, and the form in which people see an error.

A span points into a `Text`: one scalar of a file, or a whole inline expression. Where that text stands in the file is
worked out only when an error is printed, so correct specs pay nothing for positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

SNIPPET_WIDTH = 100
"""How much of a line is shown; longer lines are cut around the caret."""


class Source(NamedTuple):
    """A text as it was given: a file, standard input, an inline expression, a command-line option."""

    name: str
    text: str

    def lines(self) -> list[str]:
        return self.text.split("\n")


class Text:
    """A piece of a source that is read on its own: its value, and where its raw form stands (0-based line, column)."""

    __slots__ = ("end", "source", "start", "value")

    def __init__(
        self, source: Source, value: str, start: tuple[int, int] = (0, 0), end: tuple[int, int] | None = None
    ) -> None:
        self.source = source
        self.value = value
        self.start = start
        self.end = end

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column (0-based) of a character of the value.

        YAML folds lines, indents and escapes: every character of the value is looked for in the raw text from where
        the one before was found, blanks matching blanks. An escape that is spelt otherwise leaves the place where it
        was.
        """
        lines = self.source.lines()
        line, column = self.start
        if self.end is None or line >= len(lines):
            return line, column + offset
        last_line, last_column = self.end
        raw = [
            (number, position, character)
            for number in range(line, min(last_line, len(lines) - 1) + 1)
            for position, character in enumerate(lines[number] + "\n")
            if (number > line or position >= column) and (number < last_line or position < last_column)
        ]
        index = 0
        found = (line, column)
        for character in self.value[: offset + 1]:
            probe = index
            while probe < len(raw) and not (
                raw[probe][2] == character or (character.isspace() and raw[probe][2].isspace())
            ):
                probe += 1
            if probe < len(raw):
                found = raw[probe][:2]
                index = probe + 1
        if offset >= len(self.value):
            return found[0], found[1] + (1 if self.value else 0)
        return found


class Span(NamedTuple):
    """Characters ``start`` to ``end`` of a text."""

    text: Text
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another one in the same text."""
        return Span(self.text, self.start, other.end)


def whole_text(text: Text) -> Span:
    """The span of all of a text."""
    return Span(text, 0, len(text.value))


@dataclass(frozen=True)
class Problem:
    """One error: one place, one reason, one hint."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""
    origin: str = ""
    """What to name instead of a place, where there is none (a file that cannot be read)."""

    def place(self) -> tuple[str, int | None, int | None]:
        """Source name, line and column (1-based; ``None`` where there is no place in it)."""
        if self.span is None:
            return self.origin, None, None
        line, column = self.span.text.place(self.span.start)
        return self.span.text.source.name, line + 1, column + 1

    def render(self) -> str:
        """The error as editors and CI know it, with the line and a caret below it."""
        name, line, column = self.place()
        where = ":".join(str(part) for part in (name, line, column) if part is not None and part != "")
        rows = [f"{where}: error[{self.code}]: {self.message}" if where else f"error[{self.code}]: {self.message}"]
        if self.span is not None and line is not None and column is not None:
            rows += self._snippet(line, column)
        if self.hint:
            indent = " " * (len(str(line)) + 2) if line is not None else "  "
            rows += [f"{indent}= {self.hint}"]
        return "\n".join(rows)

    def _snippet(self, line: int, column: int) -> list[str]:
        assert self.span is not None
        lines = self.span.text.source.lines()
        if line > len(lines):
            return []
        text = "".join(
            " " if character.isspace() or not character.isprintable() else character for character in lines[line - 1]
        )
        last_line, last_column = self.span.text.place(max(self.span.start, self.span.end - 1))
        width = last_column + 2 - column if last_line == line - 1 else len(text) - column + 1
        width = max(1, width)
        if len(text) > SNIPPET_WIDTH:
            first = max(0, min(column - 1 - SNIPPET_WIDTH // 3, len(text) - SNIPPET_WIDTH))
            text = (
                ("…" if first else "")
                + text[first : first + SNIPPET_WIDTH]
                + ("…" if first + SNIPPET_WIDTH < len(text) else "")
            )
            column -= first - (1 if first else 0)
            width = min(width, max(1, len(text) - column + 1))
        gutter = " " * len(str(line))
        return [f"  {line} | {text.rstrip()}", f"  {gutter} | {' ' * (column - 1)}{'^' * width}"]


class SpecError(Exception):
    """The input is wrong. Carries every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


def fail(code: str, message: str, span: Span | None = None, hint: str = "", origin: str = "") -> NoReturn:
    """Raise a `SpecError` with one problem."""
    raise SpecError([Problem(code, message, span, hint, origin)])


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for a word nobody knows: the nearest known one, or ``otherwise``."""
    matches = get_close_matches(word[:60], list(known), n=1, cutoff=0.6)
    return f"did you mean '{matches[0]}'?" if matches else otherwise


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
