"""Chains that are repeated word for word are built once, which must not show in what is built."""

from __future__ import annotations

import pytest

from archcalc.spec import Limits, Source, SpecError, read_spec

LINES = ("conv 4 k3 half -> bn", "add(relu, conv 4 k1)", "maxpool 2", "conv 4 k3 half -> bn", "add(relu, conv 4 k1)")


def spec(lines: tuple[str, ...], head: str = "input: 4x16x16") -> str:
    return f"{head}\nlayers:\n" + "".join(f"  - {line}\n" for line in lines)


def test_repeated_lines_are_built_like_lines_of_other_wordings() -> None:
    others = tuple(line.replace(" ", "  " if number % 2 else "   ") for number, line in enumerate(LINES))
    repeated, different = (
        read_spec(Source("net.yaml", spec(lines))) for lines in (LINES * 3, (*LINES, *others, *LINES))
    )
    assert [(node.name, node.path, node.inputs, node.outputs) for node in repeated.graph.nodes] == [
        (node.name, node.path, node.inputs, node.outputs) for node in different.graph.nodes
    ]


def test_layers_of_repeated_lines_have_their_own_places() -> None:
    found = read_spec(Source("net.yaml", spec(LINES)))
    lines = [place.text.value for place in found.outline.places if place is not None]
    starts = [place.text.index(0) for place in found.outline.places if place is not None]
    assert lines == [line for line in LINES for _ in range({"m": 1, "c": 2, "a": 3}[line[0]])]
    assert starts == sorted(starts)
    assert len({*starts}) == len(LINES)


def test_a_repeated_line_beyond_the_limit_is_the_one_that_is_named() -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(Source("net.yaml", spec(LINES * 3)), limits=Limits(layers=20))
    (problem,) = caught.value.problems
    assert problem.place()[1] == 12


def test_a_chain_whose_variable_or_repetition_matters_is_built_anew() -> None:
    text = "input: 4x8x8\nblocks:\n  f(n): conv n k1\nlayers:\n  - (conv 4*(i + 1) k1 -> f(i + 2))*3\n"
    graph = read_spec(Source("net.yaml", text)).graph
    assert [node.output[0] for node in graph.nodes[1:]] == [4, 2, 8, 3, 12, 4]
