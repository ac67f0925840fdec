"""Layered drawings: ranks, the order in rows, and positions."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcalc.drawing.layered import BoxSize, Edge, layered_drawing
from archcalc.drawing.order import order_rows
from archcalc.drawing.positions import positions
from archcalc.drawing.ranks import ranks

GAP = 10.0
SIZE = BoxSize(20, 30)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    """Draw the number of vertices of a directed acyclic graph, and its edges."""
    vertices = draw(st.integers(2, 12))
    every = [Edge(*pair) for pair in combinations(range(vertices), 2)]
    return vertices, draw(st.lists(st.sampled_from(every), max_size=20, unique=True))


def crossings(rows: list[list[int]], edges: list[tuple[int, int]]) -> int:
    place = {vertex: index for row in rows for index, vertex in enumerate(row)}
    level = {vertex: index for index, row in enumerate(rows) for vertex in row}
    return sum(
        level[a] == level[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    )


@given(graphs())
def test_edges_point_down_and_sources_stand_above_what_reads_them(graph: tuple[int, list[Edge]]) -> None:
    vertices, edges = graph
    found = ranks(vertices, edges)
    assert all(found[source] < found[target] for source, target in edges)
    for vertex in range(vertices):
        above = [source for source, target in edges if target == vertex]
        below = [found[target] for source, target in edges if source == vertex]
        assert above or not below or found[vertex] == min(below) - 1


@given(graphs(), st.data())
def test_ordering_adds_no_crossings(graph: tuple[int, list[Edge]], data: st.DataObject) -> None:
    vertices, edges = graph
    upper = data.draw(st.permutations(range(0, vertices, 2)))
    lower = data.draw(st.permutations(range(1, vertices, 2)))
    between = [(min(pair, key=lambda v: v % 2), max(pair, key=lambda v: v % 2)) for pair in edges if sum(pair) % 2]
    rows = [list(upper), list(lower)]
    found = order_rows(rows, between, fixed=(False, False))
    assert [sorted(row) for row in found] == [sorted(row) for row in rows]
    assert crossings(found, between) <= crossings(rows, between)


def test_crossings_that_are_not_needed_are_removed() -> None:
    edges = [(0, 5), (1, 4), (2, 3), (3, 8), (4, 7), (5, 6)]
    assert crossings(order_rows([[0, 1, 2], [3, 4, 5], [7, 6, 8]], edges, fixed=(False, False)), edges) == 0


@given(graphs())
def test_vertices_of_a_row_keep_their_distance(graph: tuple[int, list[Edge]]) -> None:
    vertices, edges = graph
    drawing = layered_drawing([SIZE] * vertices, edges, gap=GAP)
    for rank in range(drawing.rows):
        row = sorted(x for x, own in zip(drawing.x, drawing.ranks, strict=True) if own == rank)
        assert all(right - left >= SIZE.right + GAP + SIZE.left - 1e-6 for left, right in pairwise(row))


def test_a_chain_and_a_long_edge_beside_it_are_straight() -> None:
    edges = [*(Edge(at, at + 1) for at in range(4)), Edge(0, 4)]
    drawing = layered_drawing([SIZE] * 5, edges, gap=GAP)
    assert {*drawing.x} == {drawing.x[0]}
    bends = [x for _, x in drawing.paths[-1][1:-1]]
    assert len({*bends}) == 1
    assert abs(bends[0] - drawing.x[0]) >= GAP


def test_branches_are_symmetric() -> None:
    drawing = layered_drawing([BoxSize(20, 20)] * 4, [Edge(0, 1), Edge(0, 2), Edge(1, 3), Edge(2, 3)], gap=GAP)
    assert drawing.x[0] == drawing.x[3] == pytest.approx((drawing.x[1] + drawing.x[2]) / 2)


def test_the_piece_of_a_long_edge_that_another_edge_crosses_stays_straight() -> None:
    rows, bends = [[0, 1], [2, 6], [7, 3], [4, 5]], (6, 7)
    edges = [(0, 2), (1, 6), (6, 7), (2, 3), (7, 4), (3, 5)]
    x = positions(rows, edges, [(5, 5)] * 8, gap=GAP, real=min(bends))
    assert x[6] == x[7]
