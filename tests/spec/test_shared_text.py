"""Chains of the same wording are read once, yet every error and every layer has the place of its own text."""

from __future__ import annotations

import pytest

from archcalc import SpecError
from archcalc.analysis.propagate import analyze
from archcalc.lint import lint
from archcalc.spec import Source, Spec, read_spec


def read(text: str) -> Spec:
    return read_spec(Source("net.yaml", text))


def error_lines(text: str) -> list[int | None]:
    with pytest.raises(SpecError) as caught:
        read(text)
    return [problem.place()[1] for problem in caught.value.problems]


@pytest.mark.parametrize("layer", ["nothing 3", "conv q k3", "conv 3 k3 size=2", "conv"])
def test_a_wrong_name_is_an_error_at_each_of_its_places(layer: str) -> None:
    assert error_lines(f"input: 3x9x9\nlayers:\n  - {layer}\n  - relu\n  - {layer}\n  - '{layer}'\n") == [3, 5, 6]


def test_a_wrong_reference_is_an_error_at_each_of_its_places() -> None:
    assert error_lines("input: 3x9x9\nlayers:\n  - '@no -> relu'\n  - a: relu\n  - b: '@no -> relu'\n") == [3, 5]


def test_an_impossible_layer_is_an_error_where_it_is_impossible() -> None:
    assert error_lines("input: 3x9x9\nlayers:\n  - conv 4 k5\n  - conv 4 k5\n  - stage: conv 4 k5\n") == [5]


def test_layers_are_placed_in_their_own_text() -> None:
    spec = read("input: 3x9x9\nlayers:\n  - conv 4 k3\n  - [conv 4 k3, bn]\n  - a: conv 4 k3\nheads:\n  b: conv 4 k3\n")
    places = [span.text.place(span.start) for span in spec.outline.places if span is not None]
    assert places == [(2, 4), (3, 5), (3, 16), (4, 7), (6, 5)]


def test_warnings_are_placed_in_their_own_text() -> None:
    spec = read("input: 3x9x9\nlayers:\n  - conv 4 k1\n  - bn\n  - conv 4 k1\n  - bn\n")
    found = [problem.place()[1] for problem in lint(spec, analyze(spec.graph)) if problem.code == "bias-before-norm"]
    assert found == [3, 5]


def test_layers_of_the_same_text_are_distinguished_by_values_of_names() -> None:
    blocks = "blocks:\n  cb(c, k=1): conv c k=k -> conv C//2 k1\n"
    text = f"input: 3x9x9\n{blocks}layers:\n  - cb(8)\n  - cb(4)\n  - cb(4, k=3)\n"
    shapes = [node.output for _, node in read(text).graph.layers()]
    assert shapes == [(8, 9, 9), (4, 9, 9), (4, 9, 9), (2, 9, 9), (4, 7, 7), (2, 7, 7)]


def test_layers_of_the_same_text_are_distinguished_by_a_word() -> None:
    text = "input: 3x9x9\nblocks:\n  b(act): conv 3 k1 -> act\nlayers: [b(relu), b(tanh), b(relu)]\n"
    assert [node.op.name for _, node in read(text).graph.layers()][1::2] == ["relu", "tanh", "relu"]
