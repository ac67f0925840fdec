"""A network in the language DOT of Graphviz.

Source: the documentation of Graphviz, "DOT Language".
"""

from __future__ import annotations

from archcalc.graph import Graph
from archcalc.spec.errors import escaped
from archcalc.writers.diagram import BoxPlace, DiagramBox, GroupEnd, GroupStart, diagram


def write_dot(graph: Graph, depth: int | None = None) -> str:
    """Return a directed graph, with a cluster for every group.

    Args:
        graph: the network.
        depth: the number of levels that are told apart; by default all of them.
    """
    drawn = diagram(graph, depth)
    lines = [
        f"digraph {_quoted(drawn.title)} {{",
        f"    label={_quoted(drawn.title)}; labelloc=t;",
        '    node [shape=box, fontname="Helvetica"];',
        *map(_line, drawn.outline()),
        *(f"    n{source} -> n{target};" for source, target in drawn.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _line(each: GroupStart | BoxPlace | GroupEnd) -> str:
    """Return the line of a box, or the first or last one of a group, which is a cluster."""
    indent = "    " * each.depth
    if isinstance(each, GroupStart):
        return f"{indent}subgraph cluster_{each.number} {{ label={_quoted(each.name)};"
    if isinstance(each, BoxPlace):
        return f"{indent}n{each.number} [label={_label(each.box)}{_style(each.box)}];"
    return f"{indent}}}"


def _label(box: DiagramBox) -> str:
    return '"' + "\\n".join(_inside_quotes(line) for line in box.lines) + '"'


def _style(box: DiagramBox) -> str:
    return ", style=rounded" if box.is_input else ", style=dashed" if box.is_training else ""


def _quoted(text: str) -> str:
    return f'"{_inside_quotes(text)}"'


def _inside_quotes(text: str) -> str:
    return escaped(text).replace("\\", "\\\\").replace('"', '\\"')
