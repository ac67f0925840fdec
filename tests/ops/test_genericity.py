"""Every formula is generic in its number: a kind that refuses to be looked at gives the same results as ints."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from archcalc.numeric import Impossible
from archcalc.ops import REGISTRY, Operator, merge, norm
from tests.opaque import Opaque, told

MAP, MAP2, VECTOR = (12, 20, 18), (12, 9, 8), (12,)
TWO = {"stride": (2, 3), "pad": ((1, 0), (2, 1)), "dilation": (2, 1)}
TABLE = tuple(tuple((row + column) % 3 == 0 for column in range(4)) for row in range(12))

Case = tuple[dict[str, Any], tuple[tuple[int, ...], ...]]

JOINED: list[Case] = [({}, (MAP, MAP, MAP)), ({}, (MAP, VECTOR)), ({}, ((12, 1, 18), MAP))]
CASES: dict[str, list[Case]] = {
    "conv": [
        ({"channels": 8, "kernel": (3, 5), **TWO}, (MAP,)),
        ({"channels": 8, "kernel": (3, 5), **TWO, "groups": 4, "bias": False}, (MAP,)),
        ({"channels": 4, "kernel": (3, 5), **TWO, "table": TABLE}, (MAP,)),
        *(
            ({"channels": 8, "kernel": (4, 5), **TWO, "pad": word}, (MAP,))
            for word in ("same", "half", "valid", "full")
        ),
    ],
    "dwconv": [({"kernel": (3, 5), **TWO, "multiplier": 2}, (MAP,))],
    "sepconv": [({"channels": 8, "kernel": (3, 5), **TWO, "multiplier": 2}, (MAP,))],
    "upconv": [
        ({"channels": 8, "kernel": (3, 5), **TWO, "outpad": (1, 0), "groups": 2}, (MAP,)),
        ({"channels": 8, "kernel": (3, 2), **TWO, "pad": "same", "outpad": (0, 0)}, (MAP,)),
    ],
    "fc": [({"features": 10}, (MAP,)), ({"features": 10, "bias": False}, (VECTOR,))],
    "linear": [({"features": 10}, (MAP,)), ({"features": 10}, (VECTOR,))],
    "rbf": [({"features": 10}, (VECTOR,)), ({"features": 10, "trainable": True}, (MAP,))],
    "embedding": [({"vocabulary": 100, "dim": 8}, (VECTOR,)), ({"vocabulary": 100, "dim": 8}, (MAP,))],
    "maxpool": [
        ({"kernel": (3, 4), **TWO}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "stride": None, "ceil": True}, (MAP,)),
        ({"kernel": (3, 4), **TWO, "pad": "same"}, (MAP,)),
    ],
    "avgpool": [({"kernel": (3, 4), **TWO, "ceil": True, "count_include_pad": False}, (MAP,))],
    "subsample": [({"kernel": (2, 2), "pad": ((0, 0),) * 2, "dilation": (1, 1)}, (MAP,))],
    "gap": [({}, (MAP,))],
    "gmp": [({}, (MAP,))],
    "adaptive_avgpool": [({"size": (7, 6)}, (MAP,))],
    "adaptive_maxpool": [({"size": (30, 4)}, (MAP,))],
    "upsample": [
        ({"scale": (2, 3)}, (MAP,)),
        ({"scale": (2, 3), "mode": "bilinear"}, (MAP,)),
        ({"to": (7, 31)}, (MAP,)),
        ({"to": (7, 31), "mode": "bilinear"}, (MAP,)),
        ({"to": (1, 31), "mode": "bilinear", "align_corners": True}, (MAP,)),
    ],
    "pad": [({"margin": ((1, 2), (0, 3))}, (MAP,))],
    "crop": [({"margin": ((1, 2), (0, 3))}, (MAP,))],
    "padded_identity": [({"channels": 16, "stride": (2, 3)}, (MAP,))],
    "bn": [({}, (MAP,)), ({"affine": False}, (VECTOR,))],
    "ln": [({"axis": axis}, (shape,)) for axis in ("all", "last", "channels") for shape in (MAP, VECTOR)],
    "in": [({}, (MAP,)), ({"affine": True}, (MAP,))],
    "gn": [({"groups": 4}, (MAP,)), ({"groups": 4, "affine": False}, (VECTOR,))],
    "lrn": [({}, (MAP,)), ({"size": 4, "region": "within"}, (MAP,))],
    "standardize": [({"mean": (3,), "std": (2,)}, (MAP,)), ({"mean": (3,) * 12, "std": (2,) * 12}, (MAP,))],
    "prelu": [({}, (MAP,)), ({"slopes": "channels"}, (MAP,))],
    "gelu": [({}, (MAP,)), ({"form": "tanh"}, (MAP,))],
    "scale": [({"factor": Fraction(17, 100)}, (MAP,))],
    "maxout": [({"pieces": 3}, (MAP,))],
    "softmax": [({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
    "log_softmax": [({"axis": axis}, (MAP,)) for axis in (0, 1, -1)],
    "dropout": [({"rate": Fraction(1, 5)}, (VECTOR,))],
    "reshape": [({"shape": (3, 80, 18)}, (MAP,)), ({"shape": (24, -1)}, (MAP,))],
    "transpose": [({"order": (1, 2, 0)}, (MAP,)), ({"order": (0, 2, 1)}, (MAP,))],
    "shuffle": [({"groups": 4}, (MAP,))],
    "split": [({"parts": 2, "part": 1}, (MAP,)), ({"parts": 2, "part": 1, "axis": -1}, (MAP,))],
    "slice": [
        ({"range": (2, None)}, (MAP,)),
        ({"range": (-9, -2), "axis": 1, "step": 3}, (MAP,)),
        ({"range": (None, 7), "axis": 2}, (MAP,)),
    ],
    "add": JOINED,
    "sub": JOINED,
    "mul": JOINED,
    "max": JOINED,
    "concat": [
        ({}, (MAP, MAP)),
        ({"axis": 1}, (MAP, (12, 7, 18))),
        ({"crop": "smallest"}, (MAP, MAP2)),
        ({}, (VECTOR, VECTOR)),
    ],
}

PLAIN = {"axis", "order"}
"""Attributes that name axes rather than count anything: plain ints of every kind of calculation."""


def opaque(value: Any) -> Any:
    """A value with all numbers in it wrapped, but for those that mean more than their size (1 broadcasts, −1)."""
    if isinstance(value, tuple):
        return tuple(map(opaque, value))
    wrapped = type(value) in (int, Fraction) and value not in (1, -1)
    return Opaque(value) if wrapped else value


def results(op: Operator, inputs: Any) -> Any:
    """All that the formulas say, in plain numbers."""
    cost = op.cost(inputs)
    return (
        [told(n) for n in op.output(inputs)],
        [(w.name, [told(n) for n in w.shape], told(w.count), w.trainable) for w in op.weights(inputs)],
        {kind: told(count) for kind, count in cost.operations.items()},
        (told(cost.macs), told(cost.connections)),
        [
            [w and (*map(told, (w.size, w.stride, w.padding, w.up)), w.axis) for w in reach]
            for reach in op.windows(inputs)
        ],
    )


@pytest.mark.parametrize("name", REGISTRY)
def test_formulas_never_look_at_their_numbers(name: str) -> None:
    for attributes, inputs in CASES.get(name, [({}, (MAP,))]):
        wrapped = {key: value if key in PLAIN or key == "table" else opaque(value) for key, value in attributes.items()}
        expected = results(REGISTRY[name](**attributes), inputs)
        assert results(REGISTRY[name](**wrapped), opaque(inputs)) == expected
        assert results(REGISTRY[name](**wrapped), inputs) == expected  # plain sizes beside opaque attributes
        assert results(REGISTRY[name](**attributes), opaque(inputs)) == expected  # and the other way round


def test_requirements_reach_the_kind() -> None:
    with pytest.raises(Impossible, match="add needs equal shapes: "):
        merge.Add().output((opaque(MAP), opaque(MAP2)))
    with pytest.raises(Impossible, match="12 channels are not divisible by 5 groups"):
        norm.GroupNorm(groups=Opaque(5)).output((opaque(MAP),))


@pytest.mark.parametrize("ask", [bool, int, range, float, "{}".format, lambda n: n if n > 3 else 0])
def test_the_opaque_number_of_this_test_refuses_to_be_looked_at(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="asked for"):
        ask(Opaque(5))
