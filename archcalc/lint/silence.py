"""What a file says about warnings it does not want: ``ignore:``, and comments ``# archcalc: ignore[code]``."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.spec.document import Content, List, Scalar
from archcalc.spec.errors import Problem, Span, Text, whole_text
from archcalc.spec.read import Spec

COMMENT = re.compile(r"(?:(?<=\s)|^)#[ \t]*archcalc:[ \t]*ignore\[(?P<codes>[^\]\n]*)\]", re.MULTILINE)
CODE = re.compile(r"[^\s,]+")


class Remark(NamedTuple):
    """A code that a file ignores: in all of it, or on one line."""

    code: str
    span: Span
    line: int | None = None
    """0-based; ``None``: everywhere."""


class Silence:
    """The remarks of a file, and which of them have silenced something."""

    def __init__(self, spec: Spec) -> None:
        self.source, self.text = spec.source, spec.source.text
        self.ends: list[int] = []
        """Where lines end, if a remark speaks of one."""
        self.remarks = [Remark(text.value.strip(), whole_text(text)) for text in spec.outline.ignored]
        if spec.outline.document is not None and "archcalc:" in self.text:
            self.ends = [match.start() for match in re.finditer("\n", self.text)]
            self.remarks += self.comments(spec.outline.document)
        self.used: set[tuple[str, int | None]] = set()
        self.known = {(remark.code, remark.line) for remark in self.remarks}

    def comments(self, document: Content) -> Iterator[Remark]:
        """The codes in comments."""
        places = sorted(_extents(document))
        for match in COMMENT.finditer(self.text):
            before = bisect_right(places, (match.start(), len(self.text))) - 1
            if before >= 0 and match.start() < places[before][1]:
                continue  # a text that only looks like a comment
            line = self.line(match.start())
            before_it = self.text[self.text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
            for code in CODE.finditer(match["codes"]):
                place = Text(self.source, code.group(), match.start("codes") + code.start())
                # on a line of its own, or behind a key whose text begins below, it speaks of the line below
                below = not before_it or before_it.endswith(":")
                yield Remark(code.group(), whole_text(place), line + 1 if below else line)

    def line(self, index: int) -> int:
        """The line (0-based) of a character."""
        return bisect_left(self.ends, index)

    def covers(self, problem: Problem) -> bool:
        """Whether a remark silences this warning: everywhere, or on a line of the text it was found in."""
        if problem.span is None or not self.known:
            return False
        text = problem.span.text
        lines = range(self.line(text.start), self.line(max(text.start, (text.end or text.start) - 1)) + 1)
        found = {(problem.code, line) for line in (None, *lines)} & self.known
        self.used |= found
        return bool(found)

    def idle(self) -> list[Remark]:
        """The remarks that have silenced nothing."""
        return [remark for remark in self.remarks if (remark.code, remark.line) not in self.used]


def _extents(content: Content) -> Iterator[tuple[int, int]]:
    """Where the texts of a document begin and end."""
    if isinstance(content, Scalar):
        yield content.text.start, content.text.end or content.text.start
    elif isinstance(content, List):
        for item in content.items:
            yield from _extents(item)
    else:
        for key, value in content.pairs:
            yield from _extents(key)
            yield from _extents(value)
