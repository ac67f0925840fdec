"""Combinations of all elements along axes."""

from __future__ import annotations

from archcalc.readers.tflite.operation import OperationView, in_file
from archcalc.readers.tflite.registry import converts

REDUCTIONS = {
    "MEAN": "ReduceMean",
    "REDUCE_MAX": "ReduceMax",
    "REDUCE_MIN": "ReduceMin",
    "REDUCE_PROD": "ReduceProd",
    "SUM": "ReduceSum",
}


@converts(*REDUCTIONS, follows=True)
def reduction(n: OperationView) -> None:
    order, rank = n.order(0), n.rank(0)
    axes = sorted({n.axis(each, rank) for each in n.integers(1)})
    at = n.constant(sorted(order.index(axis) for axis in axes))
    keep = n.option("KeepDims")
    made = n.add(REDUCTIONS[n.name], n.read(0, order), at, keepdims=int(keep))
    left = order if keep else tuple([axis for axis in order if axis not in axes])
    ranked = tuple([sorted(left).index(axis) for axis in left])
    n.computed(made, ranked, selects=n.name in ("REDUCE_MAX", "REDUCE_MIN"))


@converts("ARG_MAX", "ARG_MIN")
def extreme(n: OperationView) -> None:
    (axis,) = n.integers(1)
    operator = "ArgMax" if n.name == "ARG_MAX" else "ArgMin"
    n.result(n.add(operator, n.read(0), axis=n.axis(axis, n.rank(0)), keepdims=0))


@converts("CUMSUM")
def running_sum(n: OperationView) -> None:
    exclusive, reverse = (int(n.option(each)) for each in ("Exclusive", "Reverse"))
    n.computed(n.add("CumSum", n.read(0), n.read(1), exclusive=exclusive, reverse=reverse), in_file(n.rank(0)))
