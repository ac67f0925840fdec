"""Layers written back as words: reading them again gives the same operator."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archcalc.graph import Graph, Node
from archcalc.ops.base import REGISTRY, Operator
from archcalc.spec import Source, read_spec
from archcalc.spec.grammar import JOINS
from archcalc.spec.write import connection_table, layer_words, write_join, write_layer
from tests.operators.writer import document, written
from tests.random_networks import layers

few = settings(max_examples=10, derandomize=True)


def read(text: str) -> Graph:
    return read_spec(Source("net.yaml", text)).graph


def read_again(network: Graph, node: Node) -> Node:
    """Return a layer, written and read again on inputs of the same shapes."""
    shapes = network.input_shapes(node)
    inputs = {f"in{number}": written(shape) for number, shape in enumerate(shapes or ((1,),))}
    given = dict(zip(node.op.tensor_arguments(), [*inputs][node.op.arity or 0 :], strict=False))
    words = layer_words(node.op, table="t", tensors={name: f"@{tensor}" for name, tensor in given.items()})
    tables = {}
    if (rows := connection_table(node.op)) is not None:
        tables = {"tables": {"t": "/".join("".join(".X"[cell] for cell in row) for row in rows)}}
    text = write_join(words, [f"@{name}" for name in inputs]) if node.op.name in JOINS else " ".join(words)
    again = read(document({"inputs": inputs, **tables, "layers": [text]}))
    return again.nodes[-1]


def attributes(op: Operator) -> dict[str, Any]:
    """Return the attributes of an operator, with one entry for equal axes, however many were written."""
    return {each.name: _once(getattr(op, each.name)) for each in fields(op)}


def _once(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value and len(set(value)) == 1 else value


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"identity"}))
@few
@given(data=st.data())
def test_every_layer_reads_back_as_itself(name: str, data: st.DataObject) -> None:
    network = read(data.draw(layers(name)))
    for _, node in network.layers():
        again = read_again(network, node)
        assert type(again.op) is type(node.op)
        assert attributes(again.op) == attributes(node.op)
        assert again.outputs == node.outputs


@given(
    st.fractions() | st.builds(lambda digits, places: Fraction(digits, 10**places), st.integers(), st.integers(0, 30))
)
@example(Fraction(12345678901234567, 10**6))
@example(Fraction(10**20 + 1, 10))
def test_numbers_are_written_exactly(value: Fraction) -> None:
    (_, node), *_ = read(f"input: 4\nlayers:\n  - scale ({value.numerator}/{value.denominator})\n").layers()
    (_, again), *_ = read(f"input: 4\nlayers:\n  - {write_layer(node.op)}\n").layers()
    assert attributes(again.op) == attributes(node.op)


@pytest.mark.parametrize(
    ("words", "short"),
    [
        ("conv 64 kernel=3 stride=2 pad=1", "conv 64 k3 s2 p1"),
        ("conv 2*C k=(1+2)x5 p0:1x1:2 nobias", "conv 16 k3x5 p0:1x1:2 nobias"),
        ("conv 8 k3 s1 d1 g1 half", "conv 8 k3 half"),
        ("maxpool 2 s2", "maxpool 2 s2"),
        ("dropout 0.50", "dropout"),
        ("lrn alpha=1/10000", "lrn"),
        ("slice 1:(C-1)", "slice 1:7"),
        ("leaky_relu 1/3", "leaky_relu 1/3"),
    ],
)
def test_defaults_are_left_out(words: str, short: str) -> None:
    (_, node), *_ = read(f"input: 8x16x16\nlayers:\n  - {words}\n").layers()
    assert write_layer(node.op) == short
