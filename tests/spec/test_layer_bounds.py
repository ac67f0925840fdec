"""Networks beyond the limit are refused before anything is expanded, by a bound that is never too high."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from archcalc.spec import Limits, Source, Spec, SpecError, read_spec
from archcalc.spec.build import _Builder
from archcalc.spec.layer_bounds import LayerBounds
from archcalc.spec.limits import DEFAULT
from tests.random_networks import networks


def read(text: str, limits: Limits = DEFAULT) -> Spec:
    return read_spec(Source("net.yaml", text), limits=limits)


def bound(spec: Spec) -> int:
    network = spec.outline.network
    expansion = LayerBounds(network.blocks, network.variables, DEFAULT)
    return sum(expansion.least(each.chain) for each in (*network.stages, *network.heads, *network.training_heads))


COUNTED = [
    "layers: (conv 3 k1 -> relu)*n",
    "layers: [((conv 3 k1)*n -> relu)*(n+1), (identity)*n]",
    "blocks:\n  b(k, m=2*k): (relu)*k -> (tanh)*m\nlayers: [b(n), 'b(2, m=3)', (b(1))*n]",
    "blocks:\n  inner(k): (relu)*k\n  outer(k, j=k): inner(j) -> inner(k=k+1)\nlayers: outer(n)*3",
    "layers: ['add(identity, (conv 3 k1)*n -> relu)', '@input -> (relu)*n']",
    "blocks:\n  one: {y: (relu)*n, out: tanh}\n  all: [{x: one}, {z: 'add(@x/y*)'}]\nlayers: all",
    "layers: relu\nheads: {h: (relu)*n}\ntraining_heads: {t: (tanh)*n}",
]


@pytest.mark.parametrize("sections", COUNTED)
def test_the_bound_is_the_number_of_layers_where_counts_are_known(sections: str) -> None:
    spec = read(f"input: 3x4x4\nvariables: {{n: 4}}\n{sections}\n")
    assert bound(spec) == len(list(spec.graph.layers()))


@given(networks())
@settings(max_examples=50)
def test_the_bound_is_never_too_high(text: str) -> None:
    spec = read(text)
    assert bound(spec) <= len(list(spec.graph.layers()))


def test_counts_that_depend_on_the_tensor_are_not_part_of_the_bound() -> None:
    spec = read("input: 8x4x4\nblocks:\n  b(k=C): (relu)*k\nlayers: [(conv 4 k1)*(C//4), b, b(C), relu]\n")
    assert len(list(spec.graph.layers())) == 2 + 4 + 4 + 1
    assert bound(spec) == 1


@pytest.mark.parametrize("sections", COUNTED)
def test_nothing_is_expanded_beyond_the_limit(sections: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(*arguments: object) -> None:
        raise AssertionError("a layer was made")

    monkeypatch.setattr(_Builder, "emit", emit)
    text = f"input: 3x4x4\nvariables: {{n: 1000000000}}\n{sections.replace('layers: relu', 'layers: identity')}\n"
    with pytest.raises(SpecError) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert problem.code == "limit"
    assert problem.place()[1] is not None


def test_blocks_that_double_are_bounded_in_time() -> None:
    blocks = "".join(f"  b{i}(k): b{i + 1}(2*k) -> b{i + 1}(2*k + 1)\n" for i in range(40))
    with pytest.raises(SpecError, match="limit"):
        read(f"input: 3x4x4\nblocks:\n{blocks}  b40(k): (relu)*k\nlayers: b0(1)\n")
