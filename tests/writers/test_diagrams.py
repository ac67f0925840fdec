"""Diagrams in Mermaid and DOT: their boxes and arrows are those of the graph, and every text is quoted."""

from __future__ import annotations

import re

import pytest

from archcalc.api import load
from archcalc.graph import Graph
from archcalc.spec import Source, SpecError, read_spec
from archcalc.writers.diagram import diagram
from archcalc.writers.dot import write_dot
from archcalc.writers.mermaid import MAX_CHARACTERS, MAX_EDGES, write_mermaid

BRANCHES = """
input: 3x8x8
blocks:
  block(c): add(identity, conv c k3 half -> relu)
layers:
  - stem: conv 4 k1
  - body: (block(4))*2
heads:
  side: gap
"""
CHAIN = "3x8x8 -> " + " -> ".join(["relu"] * 600)


def graph(text: str) -> Graph:
    return read_spec(Source("net.yaml", text)).graph


def test_every_layer_is_a_box_with_arrows_from_what_it_reads() -> None:
    network = graph(BRANCHES)
    drawn = diagram(network)
    assert [box.path for box in drawn.boxes] == [node.path or (node.name,) for node in network.nodes]
    read = {(ref.node, index) for index, node in enumerate(network.nodes) for ref in node.inputs}
    assert {*drawn.edges} == read


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_layers_are_grouped_to_a_depth(depth: int) -> None:
    drawn = diagram(graph(BRANCHES), depth)
    stages = [box.path[-1] for box in drawn.boxes if not box.is_input]
    if depth < 2:
        assert len(stages) == (3 if depth else 1)
    assert max(len(box.path) for box in drawn.boxes) == max(depth, 1)
    assert all(source != target for source, target in drawn.edges)


def test_boxes_of_a_group_stand_together() -> None:
    lines = [line.strip() for line in write_dot(graph(BRANCHES)).splitlines()]
    assert sum(line.endswith("{") or line.startswith("subgraph") for line in lines) == lines.count("}")
    assert sum('label="body"' in line for line in lines) == 1


def test_mermaid_is_folded_to_what_it_can_draw() -> None:
    network = load("densenet201").graph
    assert len(diagram(network).edges) > MAX_EDGES or len(write_dot(network)) > MAX_CHARACTERS
    text = write_mermaid(network)
    assert text.count(" --> ") <= MAX_EDGES
    assert len(text) <= MAX_CHARACTERS
    assert len(diagram(network, 1).edges) < text.count(" --> ") < len(diagram(network).edges)


def test_networks_that_mermaid_cannot_draw_are_refused_with_the_reason() -> None:
    with pytest.raises(SpecError, match=r"at most 500 arrows, and the network has 600 at depth 1"):
        write_mermaid(graph(f'layers: "{CHAIN.partition(" -> ")[2]}"\ninput: 3x8x8'))


def test_too_deep_a_diagram_is_refused_with_a_depth_that_can_be_drawn() -> None:
    network = load("densenet201").graph
    with pytest.raises(SpecError, match=f"--depth {network.depth - 1}"):
        write_mermaid(network, network.depth)


NAMES = ['a "quoted" name', "<b>", "#quot;", "back\\slash", "`code`", "line\nbreak"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_quoted(name: str) -> None:
    from dataclasses import replace

    network = replace(graph("input: 3\nlayers: relu"), name=name)
    first, *nodes = network.nodes
    named = replace(network, nodes=(first, *(replace(node, name=name, path=("s", name)) for node in nodes)))
    box = next(line for line in write_mermaid(named).splitlines() if "relu" in line)
    assert not re.search(r'[<>`\\"]', re.sub(r"<br>", "", box.partition('"')[2].rpartition('"')[0]))
    label = next(line for line in write_dot(named).splitlines() if "relu" in line).partition("label=")[2]
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"\];', label)
