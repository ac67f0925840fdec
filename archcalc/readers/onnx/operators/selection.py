"""Elements that are chosen by index or by size."""

from __future__ import annotations

from math import prod
from typing import Any

from archcalc.readers.aten.operators.scattering import put_at_places
from archcalc.readers.aten.program import TensorName
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.shape import MAX_SELECTED
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import argument, file_value
from archcalc.readers.steps import Step


@converts("TopK")
def largest(n: NodeView) -> None:
    axis = n.axis("axis", -1, len(n.sizes(0)))
    count = int(file_value(n.needed_value(1).flat[0])) if n.has(1) else n.attribute("k")
    n.call("aten.topk.default", self=n.tensor(0), k=count, dim=axis, largest=bool(n.attribute("largest", 1)))


@converts("ArgMax", "ArgMin")
def extreme_index(n: NodeView) -> None:
    axis = n.axis("axis", 0, len(n.sizes(0)))
    keep = bool(n.attribute("keepdims", 1))
    if n.attribute("select_last_index", 0):
        turned = n.compute("aten.flip.default", n.sizes(0), self=n.tensor(0), dims=[axis])
        target = f"aten.{n.operator.lower()}.default"
        place = n.compute(target, n.result_sizes(), self=turned, dim=axis, keepdim=keep)
        last = int(file_value(n.tensors.size_of(n.name(0), axis))) - 1
        n.call("aten.rsub.Scalar", self=place, other=last)
        return
    n.call(f"aten.{n.operator.lower()}.default", self=n.tensor(0), dim=axis, keepdim=keep)


def rows_of_table(n: NodeView, axis: int) -> None:
    """Add the vectors of a stored table at places that are a tensor."""
    sizes, places = n.sizes(0), n.sizes(1)
    rest = [size for at, size in enumerate(sizes) if at != axis]
    table, indices = n.tensor(0), counted(n, 1, sizes[axis])
    if axis or len(sizes) != 2:
        rows = (sizes[axis], prod(rest))
        label = f"{n.outputs[0]}=table"
        how = f".rows{axis}"
        table = TensorName(n.tensors.derive(label, [table.name], how, rows, lambda t: np_moved(t, axis).reshape(rows)))
    if axis == 0 and len(sizes) == 2:
        n.call("aten.embedding.default", weight=table, indices=indices)
        return
    made = n.compute("aten.embedding.default", (*places, prod(rest)), weight=table, indices=indices)
    own = [argument(n.tensors.size_of(n.name(1), at)) for at in range(len(places))]
    if axis == 0:
        n.call("aten.view.default", self=made, size=[*own, *rest])
        return
    whole = n.compute("aten.view.default", (*places, *rest), self=made, size=[*own, *rest])
    count = len(places)
    order = [*range(count, count + axis), *range(count), *range(count + axis, count + len(rest))]
    n.call("aten.permute.default", self=whole, dims=order)


def np_moved(table: Any, axis: int) -> Any:
    """Return a table with an axis in front."""
    return table.transpose([axis, *(at for at in range(table.ndim) if at != axis)])


@converts("Gather")
def gather(n: NodeView) -> None:
    sizes = n.sizes(0)
    axis = n.axis("axis", 0, len(sizes))
    indices = n.value(1)
    source = n.tensor(0)
    is_table = n.tensors.is_parameter(source.name)
    if is_table and (indices is None or indices.size > 1):
        rows_of_table(n, axis)
        return
    if indices is None:
        n.call("aten.index.Tensor", self=source, indices=[None] * axis + [n.tensor(1)])
        return
    if indices.ndim == 0:
        n.call("aten.select.int", self=source, dim=axis, index=argument(indices.flat[0]))
        return
    ranges = runs([from_start(int(file_value(each)), sizes[axis]) for each in indices.flat])
    if len(ranges) > MAX_SELECTED and len(sizes) == 2 and not axis:
        n.call("aten.embedding.default", weight=source, indices=counted(n, 1, sizes[axis]))
        return
    if len(ranges) > MAX_SELECTED:
        n.call("aten.index.Tensor", self=source, indices=[None] * axis + [n.tensor(1)])
        return
    made = []
    for each in ranges:
        if each == range(sizes[axis]):
            made.append(source)
            continue
        cut = (*sizes[:axis], len(each), *sizes[axis + 1 :])
        made.append(
            n.compute("aten.slice.Tensor", cut, self=source, dim=axis, start=each.start, end=each.stop, step=each.step)
        )
    whole: TensorName = made[0]
    if len(made) > 1:
        joined = (*sizes[:axis], indices.size, *sizes[axis + 1 :])
        whole = n.compute("aten.cat.default", joined, tensors=made, dim=axis)
    if indices.ndim == 1:
        n.tensors.alias(n.outputs[0], whole.name)
        return
    size = [argument(n.tensors.size_of(n.name(0), at)) for at in range(len(sizes))]
    n.call("aten.view.default", self=whole, size=[*size[:axis], *indices.shape, *size[axis + 1 :]])


def runs(places: list[int]) -> list[range]:
    """Return positions as few ranges: one, if they are at equal distances, else those of neighbours."""
    step = places[1] - places[0] if len(places) > 1 else 1
    if step > 0 and places == [*range(places[0], places[-1] + 1, step)]:
        return [range(places[0], places[-1] + 1, step)]
    starts = [at for at, place in enumerate(places) if at == 0 or place != places[at - 1] + 1]
    return [
        range(places[first], places[first] + last - first)
        for first, last in zip(starts, [*starts[1:], len(places)], strict=True)
    ]


@converts("GatherElements")
def gather_elements(n: NodeView) -> None:
    axis = n.axis("axis", 0, len(n.sizes(0)))
    n.call("aten.gather.default", self=n.tensor(0), dim=axis, index=counted(n, 1, n.sizes(0)[axis]))


def counted(n: NodeView, index: int, size: int) -> TensorName:
    """Return indices that are counted from the start, if they are known."""
    known = n.tensors.values.get(n.name(index))
    if known is None or known.dtype == object or not known.size:
        return n.tensor(index)
    counted_up = from_start(known, size)
    return n.tensor(index) if known.min() >= 0 else constant(n, "counted", counted_up)


def from_start(indices: Any, size: int) -> Any:
    """Return indices, of which those below 0 count from the end of an axis, counted from its start.

    Raises:
        Untranslatable: the axis does not have them.
    """
    import numpy as np

    if np.min(indices, initial=0) < -size or np.max(indices, initial=0) >= size:
        raise Untranslatable(f"an index outside of an axis of {size:,}")
    return indices % size


def constant(n: NodeView, label: str, value: Any) -> TensorName:
    """Return a tensor of fixed numbers."""
    name = f"{n.outputs_name}={label}"
    n.tensors.set_value(name, value)
    return TensorName(name)


def columns(n: NodeView) -> list[TensorName]:
    """Return indices, one row of numbers for each place, as one tensor for each axis that they index.

    With ``batch_dims``, the indices of the first axes are their own positions.
    """
    import numpy as np

    sizes, places = n.sizes(0), n.sizes(1)
    known, own = n.value(1), n.attribute("batch_dims", 0)
    if own + places[-1] > len(sizes):
        raise Untranslatable(f"indices into {own + places[-1]} axes of a tensor that has {len(sizes)}")
    if known is not None:
        before = np.indices(places[:-1], np.int64)[:own]
        after = np.moveaxis(np.asarray(known, np.int64), -1, 0)
        return [constant(n, f"axis{at}", from_start(each, sizes[at])) for at, each in enumerate([*before, *after])]
    if own:
        raise Untranslatable("indices that are computed for each example")
    return [n.compute("aten.select.int", places[:-1], self=n.tensor(1), dim=-1, index=at) for at in range(places[-1])]


@converts("GatherND")
def gather_places(n: NodeView) -> None:
    n.call("aten.index.Tensor", self=n.tensor(0), indices=columns(n))


HOW = {"none": "replace", "add": "sum", "mul": "prod", "max": "max", "min": "min"}
"""What values do to those that are there, by its name in ONNX."""


def how(n: NodeView) -> str:
    """Return what values do to those that are there."""
    named = n.attribute("reduction", "none")
    if named not in HOW:
        raise Untranslatable(f"the reduction '{named}'")
    return HOW[named]


@translates_function("onnx.ScatterND")
def put(a: Arguments) -> list[Step]:
    return put_at_places(a, a.text("how", "replace"))


@converts("ScatterND")
def scatter_places(n: NodeView) -> None:
    n.call("onnx.ScatterND", self=n.tensor(0), indices=columns(n), values=n.tensor(2), how=how(n))


@converts("ScatterElements", "Scatter")
def scatter_elements(n: NodeView) -> None:
    import numpy as np

    sizes, count = n.sizes(0), n.sizes(1)
    axis = n.axis("axis", 0, len(sizes))
    if [*count[:axis], *count[axis + 1 :]] == [*sizes[:axis], *sizes[axis + 1 :]]:
        index = counted(n, 1, sizes[axis])
        reduction = {"replace": None, "max": "amax", "min": "amin"}.get(how(n), how(n))
        n.call("aten.scatter.src", self=n.tensor(0), dim=axis, index=index, src=n.tensor(2), reduce=reduction)
        return
    places = [*np.indices(count)]
    places[axis] = from_start(n.needed_value(1), sizes[axis])
    indices = [constant(n, f"axis{at}", each) for at, each in enumerate(places)]
    n.call("onnx.ScatterND", self=n.tensor(0), indices=indices, values=n.tensor(2), how=how(n))


@converts("Trilu")
def triangle(n: NodeView) -> None:
    diagonal = int(file_value(n.needed_value(1).flat[0])) if n.has(1) else 0
    n.call("aten.triu.default" if n.attribute("upper", 1) else "aten.tril.default", self=n.tensor(0), diagonal=diagonal)


@converts("CumSum")
def cumulative_sum(n: NodeView) -> None:
    sizes, read = n.sizes(0), n.tensor(0)
    axis = int(n.needed_value(1).flat[0]) % len(sizes)
    if n.attribute("reverse", 0):
        read = n.compute("aten.flip.default", sizes, self=read, dims=[axis])
    total = n.compute("aten.cumsum.default", sizes, self=read, dim=axis)
    if n.attribute("exclusive", 0):
        total = n.compute("aten.sub.Tensor", sizes, self=total, other=read)
    if n.attribute("reverse", 0):
        total = n.compute("aten.flip.default", sizes, self=total, dims=[axis])
    n.tensors.alias(n.outputs[0], total.name)


@converts("Mod")
def remainder(n: NodeView) -> None:
    target = "aten.fmod.Tensor" if n.attribute("fmod", 0) else "aten.remainder.Tensor"
    n.call(target, self=n.tensor(0), other=n.tensor(1))
