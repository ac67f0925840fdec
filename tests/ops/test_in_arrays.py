"""Every formula on arrays: each entry is the result for it alone, or is masked where the layer is impossible."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.numeric import Impossible, PlainNumberRequired
from archcalc.numeric.arrays import GridEvaluation, Numbers
from archcalc.ops import REGISTRY
from tests.operators import ENTRIES
from tests.ops.test_genericity import PLAIN

COUNT = 5
"""The number of configurations of a run."""


class Chooser:
    """Replaces some integers by arrays, and records their entries."""

    def __init__(self, draw: st.DataObject, run: GridEvaluation) -> None:
        self.draw = draw
        self.run = run

    def varied(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self.varied, value))
        if type(value) is not int or not self.draw.draw(st.booleans()):
            return value
        others = st.integers(max(0, value - 3), value + 6) if value >= 0 else st.just(value)
        return self.run.numbers([value, *self.draw.draw(st.lists(others, min_size=COUNT - 1, max_size=COUNT - 1))], 0)


def entry(value: Any, index: int) -> Any:
    """Return a value in one configuration."""
    if isinstance(value, Numbers):
        return value.at((index,))
    if isinstance(value, tuple):
        return tuple(entry(part, index) for part in value)
    return value


def results(op: Any, inputs: Any) -> tuple[Any, ...]:
    """Return shape, weights and costs."""
    output = op.output(inputs)
    cost = op.cost(inputs)
    weights = tuple((weight.name, weight.shape, weight.count) for weight in op.weights(inputs))
    return (output, weights, tuple(sorted(cost.operations.items())), cost.macs, cost.connections)


def without_zeros(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return results without empty weights and kinds of operations that do not occur, where these are known."""
    output, weights, operations, *others = found
    return (output, tuple(w for w in weights if w[-1]), tuple(kind for kind in operations if kind[-1]), *others)


@pytest.mark.slow
@pytest.mark.parametrize("name", REGISTRY)
@settings(max_examples=25)
@given(data=st.data())
def test_each_entry_is_what_ints_give(name: str, data: st.DataObject) -> None:
    attributes, inputs = data.draw(st.sampled_from(ENTRIES[name].cases))
    run = GridEvaluation((COUNT,))
    choose = Chooser(data, run)
    varied = {
        key: value if key in PLAIN or key == "table" else choose.varied(value) for key, value in attributes.items()
    }
    shapes = choose.varied(inputs)
    cls = REGISTRY[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = results(cls(**varied), shapes)
        except (Impossible, PlainNumberRequired, ZeroDivisionError):
            found = None
    for index in range(COUNT):
        masked = bool(np.broadcast_to(run.first_violation, (COUNT,))[index])
        alone = {key: entry(value, index) for key, value in varied.items()}
        try:
            expected = results(cls(**alone), entry(shapes, index))
        except (Impossible, ZeroDivisionError):
            assert masked or found is None
            continue
        if found is not None:
            assert not masked
            assert without_zeros(entry(found, index)) == without_zeros(expected)
