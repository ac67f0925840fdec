"""Operators that files write in several layers, or without the name that people use."""

from __future__ import annotations

import numpy as np
import pytest

from archcalc.writers.recognition import recognised
from archcalc.writers.recognition.idioms import with_idioms
from tests.writers.recognition.networks import graph, operators, same_totals, same_values

FORMS = {
    "conv 6 k3 g6": "dwconv",
    "conv 12 k3 p1 g6 nobias": "dwconv",
    "clip 0 6": "relu6",
    "mul(split 2 part=0 axis=0 -> silu, split 2 part=1 axis=0)": "swiglu",
    "mul(slice 3: -> gelu tanh, slice :3)": None,
    "mul(slice :3, slice 3: -> sigmoid)": "glu",
    "mul(slice :3 -> gelu tanh, slice 3:)": "geglu",
    "mul(slice :3 -> sigmoid, slice 3:)": None,
    "mul(slice 1:4 -> silu, slice 3:)": None,
    "concat(slice 2: axis=1, slice :2 axis=1, axis=1)": "roll",
    "concat(slice 4: axis=2, slice :4 axis=2, axis=2)": "roll",
    "concat(slice 2: axis=1, slice :3 axis=1, axis=1)": None,
    "conv 6 k3 g3": None,
    "clip 0 5": None,
}


@pytest.mark.parametrize(("written", "name"), FORMS.items())
def test_operators_have_the_names_that_people_use(written: str, name: str | None) -> None:
    network = graph(f'input: 6x5x5\nlayers:\n  - out: "{written}"\n')
    found = with_idioms(network)
    assert operators(found) == (operators(network) if name is None else [name])
    assert same_totals(network, found)
    layer = found.nodes[-1].name
    assert same_values(
        network, found, lambda arrays: {f"{layer}.{name.rpartition('.')[2]}": array for name, array in arrays.items()}
    )


GUARDED = """
input: 4x4
layers:
  - s: softmax axis=last
  - zero: constant 1
  - again: compare(@s, @s, how=equal)
  - unequal: compare(@again, @zero, how=equal)
  - out: where(@unequal, @zero, @s) -> linear 2
"""


def test_the_replacement_of_what_is_not_a_number_after_a_softmax_is_left_out() -> None:
    network = graph(GUARDED)
    assert operators(recognised(network, {"zero.value": np.zeros(1)})) == ["softmax", "linear"]
    assert "where" in operators(recognised(network, {"zero.value": np.ones(1)}))
    assert "where" in operators(recognised(network))
