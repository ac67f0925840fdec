"""Pooling."""

from __future__ import annotations

from math import prod

from archcalc.ops.base import Operator
from archcalc.ops.joins import Add, Sub
from archcalc.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.pooling import places_of_maxima, unpooled
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates_function
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.operators.convolution import attributes, window
from archcalc.readers.onnx.registry import converts
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.per_example import PerExampleStep, lifted
from archcalc.readers.steps import Step, make


@converts("MaxPool", "AveragePool")
def pool(n: NodeView) -> None:
    if n.attribute("auto_pad", "NOTSET") == "SAME_UPPER" and any(n.outputs[1:]):
        raise Untranslatable("the indices of the maxima with a padding that depends on the size")
    n.call(
        f"onnx.{n.operator}",
        self=n.tensor(0),
        ceil=bool(n.attribute("ceil_mode", 0)),
        count_include_pad=bool(n.attribute("count_include_pad", 0)),
        by_columns=bool(n.attribute("storage_order", 0)),
        **window(n, tuple(n.attribute("kernel_shape"))),
    )


@translates_function("onnx.MaxPool", "onnx.AveragePool")
def sliding_pool(a: Arguments) -> list[Step]:
    cls: type[Operator] = MaxPool if a.operator == "MaxPool" else AvgPool
    given = {**attributes(a), "ceil": a.flag("ceil", default=False)}
    if cls is AvgPool:
        given["count_include_pad"] = a.flag("count_include_pad", default=False)
    axes = len(given["kernel"])
    op, one_more = make(cls, **given), make(cls, **lifted(given))
    result, *indices = a.call.outputs
    c = Composition(a)
    if result is not None:
        made = (a.reading.new(result),)
        c.add(PerExampleStep(op=op, lifted=one_more, axes=axes + 1, inputs=(a.tensor("self"),), outputs=made))
    for name in filter(None, indices):
        order = "F" if a.flag("by_columns", default=False) else "C"
        places = places_of_maxima(c, a.reading.sizes(name)[2:], given, order)
        a.reading.give(name, c.join(Add(), places, first_of_maps(c, a.sizes("self")[2:])))
    return c.steps


def first_of_maps(c: Composition, sizes: Sizes) -> int:
    """Return the index of the first element of every map among those of all maps of these sizes."""
    batch, channels, *_ = c.a.sizes("self")
    each, ones = prod(sizes), (1,) * len(sizes)
    if batch == 1:
        table = c.constant("arange", (channels,), start=0, end=channels * each, step=each)
        return c.reshape(table, (channels, *ones), (channels, *ones))
    table = c.constant("arange", (batch * channels,), start=0, end=batch * channels * each, step=each)
    return c.reshape(table, (batch, channels, *ones), (batch, channels, *ones))


@converts("MaxUnpool")
def unpool(n: NodeView) -> None:
    given = window(n, tuple(n.attribute("kernel_shape")))
    sizes, rows = n.sizes(0), zip(n.sizes(0)[2:], given["kernel"], given["stride"], strict=True)
    pads = given["pad"]
    made = [s * (m - 1) + k - pads[2 * at] - pads[2 * at + 1] for at, (m, k, s) in enumerate(rows)]
    whole = [int(file_value(each)) for each in n.needed_value(2).flat][2:] if n.has(2) else made
    arguments = {"self": n.tensor(0), "indices": n.tensor(1), "output_size": made}
    if whole == made:
        n.call("onnx.MaxUnpool", **arguments)
        return
    part = n.compute("onnx.MaxUnpool", (*sizes[:2], *made), **arguments)
    more = [n - m for n, m in zip(whole, made, strict=True)]
    behind = [side for each in reversed(more) for side in (0, each)]
    n.call("aten.pad.default", self=part, pad=behind, mode="constant", value=0.0)


@translates_function("onnx.MaxUnpool")
def elements_at_maxima(a: Arguments) -> list[Step]:
    """Translate elements at indices among those of all maps."""
    c, made = Composition(a), a.integers("output_size")
    return c.done(unpooled(c, c.join(Sub(), a.tensor("indices"), first_of_maps(c, made)), made))


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pool(n: NodeView) -> None:
    n.call(f"onnx.{n.operator}", self=n.tensor(0))


@translates_function("onnx.GlobalAveragePool", "onnx.GlobalMaxPool")
def pool_to_one(a: Arguments) -> list[Step]:
    op: Operator = GlobalAvgPool() if a.operator == "GlobalAveragePool" else GlobalMaxPool()
    rank = len(a.sizes("self"))
    return [PerExampleStep(op=op, axes=rank - 1, inputs=(a.tensor("self"),), outputs=(a.result(),))]
