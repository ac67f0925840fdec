"""The warnings that a file ignores: its ``ignore:`` section, and comments ``# archcalc: ignore[code]``."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.spec.document import Content, YamlList, YamlScalar
from archcalc.spec.errors import Problem, Span, Text, whole_text
from archcalc.spec.records import Spec

COMMENT = re.compile(r"(?:(?<=\s)|^)#[ \t]*archcalc:[ \t]*ignore\[(?P<codes>[^\]\n]*)\]", re.MULTILINE)
CODE = re.compile(r"[^\s,]+")


class IgnoredCode(NamedTuple):
    """A code that a file ignores, in the whole file or on one line."""

    code: str
    span: Span
    line: int | None = None
    """The line, counted from 0; ``None`` for the whole file."""


class IgnoredCodes:
    """The ignored codes of a file, and which of them had an effect."""

    def __init__(self, spec: Spec) -> None:
        self.source, self.text = spec.source, spec.source.text
        self.ends: list[int] = []
        """The indices at which lines end; empty unless codes may be ignored on single lines."""
        self.codes = [IgnoredCode(text.value.strip(), whole_text(text)) for text in spec.outline.ignored]
        if spec.outline.document is not None and "archcalc:" in self.text:
            self.ends = [match.start() for match in re.finditer("\n", self.text)]
            self.codes += self.comments(spec.outline.document)
        self.used: set[tuple[str, int | None]] = set()
        self.known = {(each.code, each.line) for each in self.codes}

    def comments(self, document: Content) -> Iterator[IgnoredCode]:
        """Yield the codes in comments."""
        places = sorted(_extents(document))
        for match in COMMENT.finditer(self.text):
            before = bisect_right(places, (match.start(), len(self.text))) - 1
            if before >= 0 and match.start() < places[before][1]:
                continue  # text inside a scalar that only looks like a comment
            line = self.line(match.start())
            before_it = self.text[self.text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
            for code in CODE.finditer(match["codes"]):
                place = Text(self.source, code.group(), match.start("codes") + code.start())
                # a comment on a line of its own, or after a key whose value starts below, applies to the line below
                below = not before_it or before_it.endswith(":")
                yield IgnoredCode(code.group(), whole_text(place), line + 1 if below else line)

    def line(self, index: int) -> int:
        """Return the line, counted from 0, of the character at an index."""
        return bisect_left(self.ends, index)

    def covers(self, problem: Problem) -> bool:
        """Return whether a warning is ignored, in the whole file or on a line of the text it was found in."""
        if problem.span is None or not self.known:
            return False
        text = problem.span.text
        lines = range(0)
        if text.source is self.source:  # not an option, such as --shape
            lines = range(self.line(text.start), self.line(max(text.start, (text.end or text.start) - 1)) + 1)
        found = {(problem.code, line) for line in (None, *lines)} & self.known
        self.used |= found
        return bool(found)

    def unused(self) -> list[IgnoredCode]:
        """Return the ignored codes that had no effect."""
        return [each for each in self.codes if (each.code, each.line) not in self.used]


def _extents(content: Content) -> Iterator[tuple[int, int]]:
    """Yield the indices at which the scalars of a document begin and end."""
    if isinstance(content, YamlScalar):
        yield content.text.start, content.text.end or content.text.start
    elif isinstance(content, YamlList):
        for item in content.items:
            yield from _extents(item)
    else:
        for key, value in content.pairs:
            yield from _extents(key)
            yield from _extents(value)
