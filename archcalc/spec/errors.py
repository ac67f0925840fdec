"""Errors with places: source texts, spans in them, and the rendering of errors.

A span points into a `Text`: one scalar of a file, or an entire inline expression. Its line and column in the file are
computed only when an error is rendered, so valid specs do not pay for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from archcalc.spec.similarity import closest
from archcalc.terminal import display_width, readable

if TYPE_CHECKING:
    from archcalc.spec.models import ModelSource

SNIPPET_WIDTH = 100
"""The number of characters of a line that are shown; longer lines are cut around the caret."""

MAX_MESSAGE_LENGTH = 400
"""The number of characters of a message that are shown: some messages list shapes, which may be many."""

MAX_NAMES_COMPARED = 1000
"""The number of known names that are compared with an unknown one."""


class Source(NamedTuple):
    """A text as given by the user: a file, standard input, an inline expression or a command-line option."""

    name: str
    text: str
    variant: str = ""
    """The variant of the network that is asked for; empty for the network itself."""
    model: ModelSource | None = None
    """The model of another format that takes the place of a text, which is empty then."""


class Text:
    """A part of a source that is parsed on its own: its value, and the place of its raw form in the source."""

    __slots__ = ("end", "source", "start", "style", "value")

    def __init__(
        self, source: Source, value: str, start: int = 0, end: int | None = None, style: str | None = None
    ) -> None:
        self.source = source
        self.value = value
        self.start = start
        self.end = end
        """The index at which the raw form of a YAML scalar ends; ``None`` if the value is in the source verbatim."""
        self.style = style or ""
        """The style indicator of the YAML scalar: a quote, ``|`` or ``>``; empty for a plain one."""

    def index(self, offset: int) -> int:
        """Return the index in the source of a character of the value."""
        if self.end is None or not self.value:
            return self.start + offset
        where = _raw_index(self.source.text, self.start, self.end, self.style, self.value[: offset + 1])
        return where if offset < len(self.value) else where + 1

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column (0-based) of a character of the value."""
        text = self.source.text
        index = min(self.index(offset), len(text) + 1)
        return text.count("\n", 0, index), index - text.rfind("\n", 0, index) - 1


def _raw_index(raw: str, start: int, end: int, style: str, value: str) -> int:
    """Return the index in ``raw`` of the last character of ``value``, a prefix of the value of a YAML scalar.

    YAML folds and indents, so the two differ only in white space, apart from the escapes of quoted scalars.
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
            while raw.startswith("\\\n", at):  # an escaped line break, which is not in the value
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
    """Return the span of an entire text."""
    return Span(text, 0, len(text.value))


@dataclass(frozen=True)
class Problem:
    """One error or warning: one place, one reason, one hint."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""
    origin: str = ""
    """What to print instead of a place if there is none, such as the name of a file that cannot be read."""
    level: Literal["error", "warning"] = "error"
    undefined: str = ""
    """The name that has no value, if that is the problem: a command may have a way to give it one."""

    def place(self) -> tuple[str, int | None, int | None]:
        """Return the name of the source, the line and the column (1-based; ``None`` without a place)."""
        if self.span is None:
            return self.origin, None, None
        line, column = self.span.text.place(self.span.start)
        return self.span.text.source.name, line + 1, column + 1

    def end(self) -> tuple[int | None, int | None]:
        """Return the line and column (1-based) after the last character (``None`` without a place)."""
        if self.span is None:
            return None, None
        line, column = self.span.text.place(max(self.span.start, self.span.end - 1))
        return line + 1, column + 2

    def render(self) -> str:
        """Return the finding in the form that editors and CI recognise, with the line and carets below it."""
        name, line, column = self.place()
        where = ":".join(str(part) for part in (name, line, column) if part is not None and part != "")
        what = f"{self.level}[{self.code}]: {self.message}"
        rows = [f"{where}: {what}" if where else what]
        if self.span is not None and line is not None and column is not None:
            rows += self._snippet(self.span, line)
        if self.hint:
            indent = " " * (len(str(line)) + 3) if line is not None else "  "
            first, *more = self.hint.split("\n")
            rows += [f"{indent}= {first}", *(f"{indent}  {line}" for line in more)]
        return "\n".join(map(escaped, rows))

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


def escaped(text: str) -> str:
    """Return the text with control characters, and others that a terminal cannot print, as escape sequences."""
    if text.isprintable():
        return text
    text = readable(text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _blanked(text: str) -> str:
    """Return the text with a space for every character that is not printable."""
    return "".join(c if c.isprintable() else " " for c in text)


class SpecError(Exception):
    """The input is invalid. ``problems`` has every error that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(problem.render() for problem in self.problems)


def fail(code: str, message: str, span: Span | None = None, hint: str = "", origin: str = "") -> NoReturn:
    """Raise a `SpecError` with one problem."""
    if len(message) > MAX_MESSAGE_LENGTH:
        message = f"{message[:MAX_MESSAGE_LENGTH]}…"
    raise SpecError([Problem(code, message, span, hint, origin)])


def fail_to_read(error: OSError | ValueError, name: str, hint: str = "") -> NoReturn:
    """Raise the `SpecError` for a file that cannot be read.

    Args:
        error: the reason; a `ValueError` if no file can have this name.
        name: the name of the file.
        hint: what may help.
    """
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    fail("not-found", f"cannot read the file: {reason}", hint=hint, origin=name)


def relocated(error: SpecError, places: Mapping[str, Text]) -> SpecError:
    """Return an error in texts that a file quotes, such as an inline expression, with its places in that file.

    Args:
        error: the error.
        places: the quoting texts by the name of the source (or the origin) in the error.
    """
    return SpecError([_relocated(problem, places) for problem in error.problems])


def _relocated(problem: Problem, places: Mapping[str, Text]) -> Problem:
    span = problem.span
    text = places.get(problem.origin if span is None else span.text.source.name)
    if text is None:
        return problem
    start = text.value.find(span.text.value) if span is not None else -1
    within = whole_text(text) if span is None or start < 0 else Span(text, start + span.start, start + span.end)
    return replace(problem, span=within, origin="")


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint for an unknown word: the most similar known word, regardless of case, or ``otherwise``."""
    found = closest(word, islice(known, MAX_NAMES_COMPARED))
    return f"did you mean '{found}'?" if found is not None else otherwise


def listing(noun: str, names: Collection[str], most: int | None = None) -> str:
    """Return the hint that lists known names, or the first of them: ``the inputs are a, b``, ``the only input is a``.

    Args:
        noun: what the names are of, in the singular.
        names: the names, of which there is at least one.
        most: the number of names that are listed, if there are more; by default all.
    """
    if len(names) == 1:
        return f"the only {noun} is {next(iter(names))}"
    shown = [*islice(names, most)]
    return f"the {noun}s are {', '.join(shown)}{', …' if len(shown) < len(names) else ''}"


class Problems:
    """Collects errors, so that one run reports all errors of a file.

    Used as a context manager, it catches each `SpecError`, and raises them together once there are ``limit``.
    """

    def __init__(self, limit: int = 20) -> None:
        self.found: list[Problem] = []
        self.limit = limit

    def __enter__(self) -> Problems:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, SpecError):
            self.found += error.problems
            if len(self.found) >= self.limit:
                self.raise_any()
            return True
        return False

    def raise_any(self) -> None:
        """Raise the collected errors, if there are any."""
        if self.found:
            raise SpecError(self.found[: self.limit])
