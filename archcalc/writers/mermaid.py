"""A network as a flowchart in Mermaid's language, which GitHub, GitLab and many editors draw.

Source: the documentation of Mermaid, "Flowcharts - Basic Syntax".
"""

from __future__ import annotations

import json

from archcalc.graph import Graph
from archcalc.spec.errors import escaped, fail
from archcalc.writers.diagram import BoxPlace, Diagram, DiagramBox, GroupEnd, GroupStart, diagram

MAX_EDGES = 500
"""The maximum number of arrows that Mermaid draws unless it is configured otherwise (``maxEdges``)."""
MAX_CHARACTERS = 50_000
"""The longest text that it draws (``maxTextSize``)."""

ENTITIES = str.maketrans({char: f"#{ord(char)};" for char in '"#<>&`\\'})
"""What stands for the characters that have a meaning in quoted texts."""


def write_mermaid(graph: Graph, depth: int | None = None) -> str:
    """Return a flowchart.

    Args:
        graph: the network.
        depth: the number of levels that are told apart; by default, as many as Mermaid can draw.

    Raises:
        SpecError: Mermaid does not draw so many arrows, or so long a text.
    """
    wanted = graph.depth if depth is None else min(depth, graph.depth)
    least = wanted if depth is not None else min(1, wanted)
    reason = ""
    for levels in range(wanted, least - 1, -1):
        drawn = diagram(graph, levels)
        text = _flowchart(drawn) if len(drawn.edges) <= MAX_EDGES else ""
        if text and len(text) <= MAX_CHARACTERS:
            return text
        reason = _too_large(drawn, text)
    smaller = f"--depth {wanted - 1}, or " if depth is not None and wanted > 1 else ""
    hint = f"{smaller}--depth 0 for a single box; DOT has no limits (--to dot)"
    fail("write", f"{reason} at depth {least}", hint=hint, origin=graph.name[:60])


def _too_large(drawn: Diagram, text: str) -> str:
    if not text:
        return f"Mermaid draws at most {MAX_EDGES} arrows, and the network has {len(drawn.edges):,}"
    return f"Mermaid draws texts of at most {MAX_CHARACTERS:,} characters, and that of the network has {len(text):,}"


def _flowchart(drawn: Diagram) -> str:
    title = json.dumps(escaped(drawn.title), ensure_ascii=False)
    lines = ["---", f"title: {title}", "---", "flowchart TD", *map(_line, drawn.outline())]
    lines += [f"    n{source} --> n{target}" for source, target in drawn.edges]
    return "\n".join(lines) + "\n"


def _line(each: GroupStart | BoxPlace | GroupEnd) -> str:
    """Return the line of a box, or the first or last one of a group, which is a subgraph."""
    indent = "    " * each.depth
    if isinstance(each, GroupStart):
        return f'{indent}subgraph g{each.number}["{_text(each.name)}"]'
    return f"{indent}n{each.number}{_shape(each.box)}" if isinstance(each, BoxPlace) else f"{indent}end"


def _shape(box: DiagramBox) -> str:
    """Return a box with its text: rounded for an input, with slanted sides for what is used in training only."""
    before, after = ("([", "])") if box.is_input else ("[/", "/]") if box.is_training else ("[", "]")
    return f'{before}"{"<br>".join(map(_text, box.lines))}"{after}'


def _text(text: str) -> str:
    return escaped(text).translate(ENTITIES)
