"""The places of the layers of a model: the lines of the user's source that the file records."""

from __future__ import annotations

from archcalc.graph import Graph
from archcalc.spec.errors import Source, Span, Text


def source_lines(graph: Graph) -> tuple[Span | None, ...]:
    """Return the line of the source of every layer, one span for all layers of a line; ``None`` where it is unknown.

    The sources are not read: the text of a line is what the file records about the first call in it.
    """
    known: dict[str, Span] = {}
    places: list[Span | None] = []
    for node in graph.nodes:
        written = "" if node.origin is None else node.origin.line
        file, colon, number = written.rpartition(":")
        if not colon or not number.isdecimal() or len(number) > MAX_DIGITS:
            places.append(None)
            continue
        if written not in known:
            line = int(number) - 1
            text = str(node.origin)
            known[written] = Span(Text(Source(file, "\n" * line + text), text, line), 0, len(text))
        places.append(known[written])
    return tuple(places)


MAX_DIGITS = 6
"""The digits of a line's number that are read: the empty lines before it are held in memory."""
