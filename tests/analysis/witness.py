"""Random graphs, and an independent witness of what their units see.

The witness runs the network once on arrays of sets: every position carries the input positions it depends on.
It does not use the windows of the operators: its kernels are the definitions of the layers, written out as loops.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from archcalc.graph import Graph, Input, Node, Ref
from archcalc.numeric import Impossible
from archcalc.ops import REGISTRY

Sets = dict[str, "np.ndarray[Any, Any]"]
"""Per input: positions of a layer, then positions of the input, flat."""

MAX_SIZE = 14


# The witness ---------------------------------------------------------------------------------------------------------


def dependencies(graph: Graph) -> list[Sets]:
    """Return which input positions every position of every layer depends on."""
    sets: list[Sets] = []
    channels: dict[int, Sets] = {}
    for index, node in enumerate(graph.nodes):
        features, own = graph.feature_axes[index], graph.positions(Ref(index))
        if node.is_input:
            positions = own
            sets.append({node.name: np.eye(int(np.prod(positions)), dtype=bool).reshape(*positions, -1)})
            continue
        arriving = [sets[ref.node] for ref in node.inputs]
        shapes = graph.input_shapes(node)
        names = dict.fromkeys(name for one in arriving for name in one)
        if node.op.name in REORDERING:  # nothing is mixed: channels stay separate until another layer reads the result
            (ref,), (shape,) = node.inputs, shapes
            whole = {name: spread(one, graph.feature_axes[ref.node], shape) for name, one in sets[ref.node].items()}
            channels[index] = {name: reorder(node, one) for name, one in channels.get(ref.node, whole).items()}
            sets.append(
                {name: one if features is None else one.any(axis=features) for name, one in channels[index].items()}
            )
            continue
        found = {}
        for name in names:
            size = next(one[name].shape[-1] for one in arriving if name in one)
            given = [
                one.get(name, np.zeros((*graph.positions(ref), size), dtype=bool))
                for one, ref in zip(arriving, node.inputs, strict=True)
            ]
            result = run(node, given, shapes)
            assert result.shape[:-1] == own, node
            found[name] = result
        sets.append(found)
    return sets


def spread(sets: Any, features: int | None, shape: tuple[int, ...]) -> Any:
    """Return the sets of positions repeated for every number of a tensor: they are the same for all features."""
    found = sets if features is None else np.expand_dims(sets, features)
    return np.broadcast_to(found, (*shape, sets.shape[-1]))


def reorder(node: Node, sets: Any) -> Any:
    """Return the sets of the numbers of a tensor in another order."""
    if node.op.name == "transpose":
        return np.transpose(sets, [*node.op.attributes()["order"], sets.ndim - 1])
    return sets.reshape(*node.output, sets.shape[-1])


def run(node: Node, given: list[Any], shapes: tuple[tuple[int, ...], ...]) -> Any:
    """Run one layer on arrays of sets."""
    op, name = node.op, node.op.name
    values = op.attributes()
    first = given[0]
    axes = range(first.ndim - 1)
    if name in ("add", "mul", "sub", "max"):
        return np.logical_or.reduce(np.broadcast_arrays(*given))
    if name == "concat":
        joined = values["axis"] % len(shapes[0])
        if values["crop"] == "smallest":
            smallest = np.min([one.shape for one in given], axis=0)
            for axis in axes:
                if axis + 1 != joined:
                    given = [centre(one, axis, smallest[axis]) for one in given]
        return np.concatenate(given, axis=joined - 1) if joined else np.logical_or.reduce(given)
    if name in ("slice", "split"):
        axis = values["axis"] % len(shapes[0])
        if axis == 0:
            return first
        if name == "split":
            return np.split(first, values["parts"], axis=axis - 1)[values["part"]]
        start, stop = values["range"]
        return first[(slice(None),) * (axis - 1) + (slice(start, stop, values["step"]),)]
    if name in ("softmax", "ln"):
        if name == "ln" and values["axis"] == "channels":
            return first
        mixed = axes if name == "ln" and values["axis"] == "all" else (first.ndim - 2,)
        for axis in mixed:
            first = np.repeat(first.any(axis=axis, keepdims=True), first.shape[axis], axis=axis)
        return first
    if name == "gap":
        return first.any(axis=tuple(axes), keepdims=True)
    if name == "relu":
        return first
    for axis in axes:
        kernel = KERNELS[name](values, axis, first.shape[axis])
        matrix = np.array(kernel, dtype=np.int64).reshape(-1, first.shape[axis])
        first = np.moveaxis(np.tensordot(matrix, first.astype(np.int64), (1, axis)), 0, axis) > 0
    return first


def centre(sets: Any, axis: int, size: int) -> Any:
    start = (sets.shape[axis] - size) // 2
    return np.take(sets, range(start, start + size), axis=axis)


Matrix = list[list[int]]
"""How often output position i reads input position j."""


def sliding(values: dict[str, Any], axis: int, n: int) -> Matrix:
    k, d = values["kernel"][axis], values["dilation"][axis]
    s = k if values["stride"] is None else values["stride"][axis]
    reach = d * (k - 1) + 1
    p0, p1 = sides(values["pad"], axis, n, reach, s)
    rows = []
    start = 0
    while True:
        fits = start + reach <= n + p0 + p1
        begun = values.get("ceil") and start - s + reach < n + p0 + p1 and start < n + p0
        if not fits and not begun:
            return rows
        places = [start + d * m - p0 for m in range(k)]
        rows.append([places.count(j) for j in range(n)])
        start += s


def sides(pad: Any, axis: int, n: int, reach: int, s: int) -> tuple[int, int]:
    if pad == "same":
        total = max((ceil(Fraction(n, s)) - 1) * s + reach - n, 0)
        return total // 2, total - total // 2
    if pad == "half":
        return (reach - 1) // 2, (reach - 1) // 2
    return tuple(pad[axis])  # type: ignore[return-value]


def scattering(values: dict[str, Any], axis: int, n: int) -> Matrix:
    k, s, d = values["kernel"][axis], values["stride"][axis], values["dilation"][axis]
    p0, p1 = values["pad"][axis]
    full = [[0] * n for _ in range((n - 1) * s + d * (k - 1) + 1 + values["outpad"][axis])]
    for j, m in product(range(n), range(k)):
        full[j * s + d * m][j] += 1
    return full[p0 : len(full) - p1]


def resizing(values: dict[str, Any], axis: int, n: int) -> Matrix:
    m = n * values["scale"][axis] if values["scale"] else values["to"][axis]
    rows = []
    for i in range(m):
        if values["mode"] == "nearest":
            read = {i * n // m}
        else:
            u = Fraction(2 * i + 1, 2) * Fraction(n, m) - Fraction(1, 2)
            if values["align_corners"]:
                u = Fraction(i * (n - 1), m - 1) if m > 1 else Fraction(0)
            read = {min(max(end, 0), n - 1) for end in (floor(u), ceil(u))}
        rows.append([int(j in read) for j in range(n)])
    return rows


def adapting(values: dict[str, Any], axis: int, n: int) -> Matrix:
    m = values["size"][axis]
    return [[int(i * n // m <= j < ceil(Fraction((i + 1) * n, m))) for j in range(n)] for i in range(m)]


def choosing(rows: Callable[[dict[str, Any], int, int], list[int]]) -> Callable[[dict[str, Any], int, int], Matrix]:
    """Return a layer whose outputs each copy one input position (outside: zero)."""
    return lambda values, axis, n: [[int(j == row) for j in range(n)] for row in rows(values, axis, n)]


def neighbourhood(values: dict[str, Any], axis: int, n: int) -> Matrix:
    size = values["size"]
    return [[int(0 <= j - i + size // 2 < size) for j in range(n)] for i in range(n)]


KERNELS: dict[str, Callable[[dict[str, Any], int, int], Matrix]] = {
    **dict.fromkeys(("conv", "dwconv", "maxpool", "avgpool"), sliding),
    "upconv": scattering,
    "upsample": resizing,
    "adaptive_avgpool": adapting,
    "lrn": neighbourhood,
    "pad": choosing(lambda v, axis, n: list(range(-v["margin"][axis][0], n + v["margin"][axis][1]))),
    "crop": choosing(lambda v, axis, n: list(range(v["margin"][axis][0], n - v["margin"][axis][1]))),
    "padded_identity": choosing(lambda v, axis, n: list(range(0, n, v["stride"][axis]))),
}


# Random graphs -------------------------------------------------------------------------------------------------------

SLIDING = ("conv", "dwconv", "maxpool", "avgpool")
RESAMPLING = ("upconv", "upsample", "upsample_to", "adaptive_avgpool")
CUTTING = ("pad", "crop", "slice", "split", "padded_identity")
REORDERING = ("reshape", "transpose")
MIXING = ("gap", "softmax", "ln", "lrn", "relu")
JOINING = ("add", "concat")
EVERYTHING = SLIDING * 2 + RESAMPLING + CUTTING + REORDERING * 2 + MIXING + JOINING * 3


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    ranks: tuple[int, ...] = (1, 2),
    kinds: tuple[str, ...] = EVERYTHING,
    most: int = 8,
    inputs: int = 2,
) -> Graph:
    """Return a random graph: every layer reads earlier ones, most often the last."""
    rank = draw(st.sampled_from(ranks))
    nodes: list[Node] = []
    for index in range(draw(st.integers(1, inputs))):
        shape = (2, *(draw(st.integers(3, 10 if rank == 1 else 6)) for _ in range(rank)))
        nodes.append(Node(f"in{index}", Input(shape), (), (shape,), (f"in{index}",)))
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(kinds))
        refs = [Ref(len(nodes) - 1)]
        if kind in JOINING:
            refs += [Ref(draw(st.integers(0, len(nodes) - 1))) for _ in range(draw(st.integers(1, 2)))]
        elif draw(st.integers(0, 3)) == 0:
            refs = [Ref(draw(st.integers(0, len(nodes) - 1)))]
        shapes = tuple(nodes[ref.node].output for ref in refs)
        try:
            op = REGISTRY[kind.removesuffix("_to")](**draw(attributes(kind, shapes)))
            outputs = op.outputs(shapes)
        except Impossible:
            continue
        if max(outputs[0][1:]) <= MAX_SIZE and outputs[0][0] <= 64:
            name = f"{op.name}{len(nodes)}"
            nodes.append(Node(name, op, tuple(refs), outputs, (name,)))
    graph = Graph("random", tuple(nodes), {"out": Ref(len(nodes) - 1)})
    assume(features_are_first(graph))
    return graph


def features_are_first(graph: Graph) -> bool:
    """Return whether all layers but those that reorder read and return features first, as the witness assumes."""
    features = graph.feature_axes
    return all(
        node.op.name in REORDERING or {features[index], *(features[ref.node] for ref in node.inputs)} == {0}
        for index, node in enumerate(graph.nodes)
    )


@st.composite
def attributes(draw: st.DrawFn, kind: str, shapes: tuple[tuple[int, ...], ...]) -> dict[str, Any]:
    """Return random attributes of an operator."""
    rank = len(shapes[0]) - 1

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(rank))

    def margins(high: int) -> tuple[tuple[int, int], ...]:
        return tuple((draw(st.integers(0, high)), draw(st.integers(0, high))) for _ in range(rank))

    if kind in SLIDING:
        pad = draw(st.sampled_from(["same", "half", None]))
        found: dict[str, Any] = {
            "kernel": each(1, 4),
            "stride": each(1, 3),
            "dilation": each(1, 3),
            "pad": pad or margins(3),
        }
        found |= {"channels": 2} if kind == "conv" else {}
        found |= {"ceil": draw(st.booleans())} if "pool" in kind else {}
        return found
    if kind == "upconv":
        return {
            "channels": 2,
            "kernel": each(1, 4),
            "stride": each(1, 3),
            "dilation": each(1, 3),
            "pad": margins(2),
            "outpad": each(0, 1),
        }
    if kind in ("upsample", "upsample_to"):
        mode = draw(st.sampled_from(["nearest", "bilinear", "corners"]))
        size = {"scale": each(1, 3)} if kind == "upsample" else {"to": each(1, 12)}
        return {**size, "mode": "nearest" if mode == "nearest" else "bilinear", "align_corners": mode == "corners"}
    if kind == "adaptive_avgpool":
        return {"size": each(1, 9)}
    if kind in ("pad", "crop"):
        return {"margin": margins(2)}
    if kind == "slice":
        start, step = draw(st.integers(0, 4)), draw(st.integers(1, 3))
        return {
            "range": (start, draw(st.sampled_from([None, start + 3]))),
            "axis": draw(st.integers(1, rank)),
            "step": step,
        }
    if kind == "split":
        parts = draw(st.integers(1, 3))
        return {"parts": parts, "part": draw(st.integers(0, parts - 1)), "axis": draw(st.integers(1, rank))}
    if kind == "padded_identity":
        return {"channels": shapes[0][0] + 1, "stride": each(1, 3)}
    if kind == "transpose":
        return {"order": tuple(draw(st.permutations(range(rank + 1))))}
    if kind == "reshape":
        return {"shape": draw(reshaped(shapes[0]))}
    if kind == "softmax":
        return {"axis": -1}
    if kind == "ln":
        return {"axis": draw(st.sampled_from(["all", "last", "channels"]))}
    if kind == "lrn":
        return {"size": draw(st.integers(1, 4)), "region": "within"}
    if kind == "concat":
        return {"axis": draw(st.integers(0, rank)), "crop": draw(st.sampled_from(["none", "smallest"]))}
    return {}


@st.composite
def reshaped(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return another shape with as many numbers and axes: factors of an axis move to its neighbours, or to any axis."""
    sizes = list(shape)
    for _ in range(draw(st.integers(1, 3))):
        axis = draw(st.integers(0, len(sizes) - 1))
        factor = draw(st.sampled_from([f for f in range(1, sizes[axis] + 1) if sizes[axis] % f == 0]))
        sizes[axis] //= factor
        sizes[draw(st.integers(0, len(sizes) - 1))] *= factor
    return tuple(sizes)
