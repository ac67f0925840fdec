"""Layers at every step of a sequence, and layers that go through its steps one after another.

The steps are layers of their own, which share their weights, as no operator does all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.arithmetic import Scale
from archcalc.ops.conv import Conv
from archcalc.ops.joins import Add, Concat, Mul
from archcalc.ops.structure import Slice
from archcalc.readers.keras.layers.activation import activated
from archcalc.readers.keras.layers.convolution import axes_of, outputs_first, windows
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.per_example import lifted
from archcalc.readers.steps import make

MAX_STEPS = 512
"""The number of steps that may be layers of their own."""
OF_FEATURES = frozenset(("Activation", "Dense", "Dropout", "Embedding", "LeakyReLU", "ReLU"))
"""The layers that treat all positions of a tensor alike, so that steps are positions like others."""


@converts("TimeDistributed")
def every_step(n: LayerView) -> Ref | list[Ref]:
    """Convert a layer or a model that reads every step by itself."""
    inner = n.get("layer")
    name = inner.get("class_name") if isinstance(inner, Mapping) else None
    if name in OF_FEATURES and n.rank(n.x) > 1:
        return n.inner(inner, [n.x], "layer")
    made = [n.inner(inner, [step], "layer") for step in steps_of(n, n.x)]
    if any(len(each) != 1 for each in made):
        raise Unconvertible("a layer of several outputs at every step")
    return stacked(n, [each for (each,) in made])


def number_of_steps(n: LayerView, size: Any) -> int:
    """Return the number of steps as a plain integer."""
    if type(size) is not int:
        raise Unconvertible("steps of a sequence whose length is open")
    if size > MAX_STEPS:
        raise Unconvertible(f"{size:,} steps, more than {MAX_STEPS} that can be layers of their own")
    return size


def steps_of(n: LayerView, x: Ref) -> Iterator[Ref]:
    """Yield the steps of a tensor, whose axis 1 is the time, without that axis."""
    rank = n.rank(x)
    if rank < 2:
        raise Unconvertible("steps of a tensor without an axis for them")
    shape, axis = n.shape(x), n.at(1, rank)
    for step in range(number_of_steps(n, shape[axis])):
        part = n.add(make(Slice, range=(step, step + 1), axis=axis), x)
        yield n.reshaped(part, (*shape[:axis], *shape[axis + 1 :]))


def stacked(n: LayerView, steps: Sequence[Ref]) -> Ref:
    """Return tensors as the steps of one, along a new axis 1."""
    axis = n.at(1, n.rank(steps[0]) + 1)
    return along(n, steps, axis)


def along(n: LayerView, tensors: Sequence[Ref], axis: int) -> Ref:
    """Return tensors next to each other along a new axis of the graph."""
    rows = []
    for each in tensors:
        shape = n.shape(each)
        rows.append(n.reshaped(each, (*shape[:axis], 1, *shape[axis:])))
    return rows[0] if len(rows) == 1 else n.add(make(Concat, axis=axis), *rows)


@converts("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def convolutional_lstm(n: LayerView) -> Ref | list[Ref]:
    """Convert an LSTM whose sums are convolutions: of all steps of the input at once, and of each previous output."""
    axes = axes_of(n.call.layer.class_name)
    x, *states = n.tensors
    if states or n.argument(len(n.call.args), "initial_state") is not None:
        raise Unconvertible("states before the first step")
    features = n.rank(x) if n.channels_last else 2
    steps = number_of_steps(n, n.file_shape(x)[0])
    filters, bias = n.integer("filters"), n.flag("use_bias", True)
    given = windows(n, axes)
    names = {"weight": n.variable(0, lambda kernel: outputs_first(axes)(kernel)[:, :, None], "cell")}
    recurrent = {"weight": n.variable(1, outputs_first(axes), "cell")}
    names |= {"bias": n.variable(2, within="cell")} if bias else {}
    read = make(Conv, channels=4 * filters, groups=1, bias=bias, **lifted(given))
    sums = n.add(read, n.with_features_first(x, features), stored=names)
    shape = n.shape(sums)
    own = {"kernel": given["kernel"], "stride": (1,) * axes, "dilation": (1,) * axes, "pad": "same"}
    of_output = make(Conv, channels=4 * filters, groups=1, bias=False, **own)
    hidden = cell = None
    outputs = []
    order = range(steps)
    for step in reversed(order) if n.flag("go_backwards", False) else order:
        row = n.reshaped(n.add(make(Slice, range=(step, step + 1), axis=1), sums), (shape[0], *shape[2:]))
        if hidden is None or cell is None:  # the states before the first step are zeros
            zeros = n.add(make(Scale, factor=0), n.add(make(Slice, range=(0, filters), axis=0), row))
            hidden = cell = zeros
        hidden, cell = next_states(n, n.add(Add(), row, n.add(of_output, hidden, stored=recurrent)), cell, filters)
        outputs.append(hidden)
    if n.flag("return_sequences", False):
        made = n.from_features_first(along(n, outputs, 1), features)
    else:
        made = n.from_features_first(outputs[-1])
    if not n.flag("return_state", False):
        return made
    return [made, *(n.from_features_first(each) for each in (hidden, cell) if each is not None)]


def next_states(n: LayerView, sums: Ref, cell: Ref, filters: int) -> tuple[Ref, Ref]:
    """Return the output and the cell state of the next step, from the sums of all gates and the cell state."""
    bounds = [(gate * filters, (gate + 1) * filters) for gate in range(4)]
    parts = [n.add(make(Slice, range=pair, axis=0), sums) for pair in bounds]
    gate, activation = n.get("recurrent_activation", "sigmoid"), n.get("activation", "tanh")
    write, forget, output = (activated(n, parts[place], gate) for place in (0, 1, 3))
    value = n.add(Mul(), write, activated(n, parts[2], activation))
    cell = n.add(Add(), n.add(Mul(), forget, cell), value)
    return n.add(Mul(), output, activated(n, cell, activation)), cell
