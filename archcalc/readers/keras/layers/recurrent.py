"""Recurrent layers, alone and in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.graph import Ref
from archcalc.numeric import Number
from archcalc.ops.arithmetic import Scale
from archcalc.ops.base import Operator
from archcalc.ops.joins import Add, Mul
from archcalc.ops.recurrent import Gru, Lstm, RecurrentLayer, Rnn
from archcalc.ops.structure import Slice
from archcalc.readers.keras.groups import snake
from archcalc.readers.keras.registry import Unconvertible, converts
from archcalc.readers.keras.view import LayerView
from archcalc.readers.steps import make

CLASSES: dict[str, type[RecurrentLayer]] = {
    "SimpleRNN": Rnn,
    "LSTM": Lstm,
    "GRU": Gru,
    "CuDNNLSTM": Lstm,
    "CuDNNGRU": Gru,
    "SimpleRNNCell": Rnn,
    "LSTMCell": Lstm,
    "GRUCell": Gru,
}


def gates(cls: type[RecurrentLayer], array: Any) -> Any:
    """Return an array with its last axis, the gates, first: in the order of archcalc, which for GRU is r, z, n."""
    import numpy as np

    parts = np.split(array, 3, -1) if cls is Gru else [array]
    ordered = [parts[1], parts[0], parts[2]] if len(parts) == 3 else parts
    return np.concatenate(ordered, -1).T


class RecurrentConfiguration(NamedTuple):
    """A recurrent layer of one direction, or of both, as its configuration describes it."""

    op: RecurrentLayer
    stored: Mapping[str, tuple[str, ...]]


def cells(
    n: LayerView, config: Mapping[str, Any], name: str, parts: tuple[str, ...], *, final: bool
) -> RecurrentConfiguration:
    """Return the operator of a recurrent layer with its arrays.

    Args:
        n: the call.
        config: the configuration of the layer, or of its cell.
        name: the class of the layer or cell.
        parts: the parts of the layer that have its variables, one for each direction.
        final: whether the output is that of the last step.
    """
    view = LayerView(n.graph, n.call, config)
    cls = CLASSES[name]
    attributes: dict[str, Any] = {"units": view.integer("units")}
    activation, gate = view.get("activation", "tanh"), view.get("recurrent_activation", "sigmoid")
    if cls is Rnn and activation in ("tanh", "relu"):
        attributes["act"] = activation
    elif activation != "tanh" or (gate != "sigmoid" and cls is not Rnn):
        raise Unconvertible(f"the activations {activation} and {gate}: only tanh and sigmoid are known")
    bias = view.flag("use_bias", True)
    two = cls is Gru and view.flag("reset_after", False)
    if cls is Gru:
        attributes["reset_after"] = two
    op = make(cls, bias=bias, recurrent_bias=two, final=final, bidirectional=len(parts) == 2, **attributes)
    found: dict[str, list[str]] = {}
    for part in parts:
        found.setdefault("input", []).append(n.variable(0, lambda a: gates(cls, a), part))
        found.setdefault("recurrent", []).append(n.variable(1, lambda a: gates(cls, a), part))
        if bias and two:
            found.setdefault("bias", []).append(n.variable(2, lambda a: gates(cls, a[0]), part))
            found.setdefault("recurrent_bias", []).append(second_bias(n, cls, part))
        elif bias:
            found.setdefault("bias", []).append(n.variable(2, lambda a: gates(cls, a), part))
    return RecurrentConfiguration(op, {array: tuple(names) for array, names in found.items()})


def second_bias(n: LayerView, cls: type[RecurrentLayer], part: str) -> str:
    """Return the second row of the biases, which are one variable."""
    return n.variable(2, lambda a: gates(cls, a[1]), part, role="second")


def stack(n: LayerView, described: Any, *, every: bool) -> Ref:
    """Convert a layer of several cells, each of which reads the outputs of the one before it at the same step."""
    found = [each for each in described if isinstance(each, Mapping) and each.get("class_name") in CLASSES]
    if not found or len(found) < len(described):
        raise Unconvertible("a stack of cells other than those of recurrent layers")
    numbers: dict[str, int] = {}
    made = n.in_file(n.x)
    for place, cell in enumerate(found, 1):
        name = snake(cell["class_name"])
        numbers[name] = number = numbers.get(name, -1) + 1
        part = f"cell/cells/{name}_{number}" if number else f"cell/cells/{name}"
        final = place == len(found) and not every
        op, stored = cells(n, cell["config"], cell["class_name"], (part,), final=final)
        made = n.add(op, made, stored=stored)
    return n.from_file(made)


def layer_of(n: LayerView, config: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], str]:
    """Return the configuration and the class of the cell of a layer; an ``RNN`` has a cell of its own."""
    if name != "RNN":
        return config, name
    cell = config.get("cell")
    if not isinstance(cell, Mapping) or cell.get("class_name") not in CLASSES:
        what = cell.get("class_name") if isinstance(cell, Mapping) else "?"
        raise Unconvertible(f"the recurrent cell '{str(what)[:60]}'")
    return {**config, **cell["config"]}, cell["class_name"]


@converts("SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU", "RNN")
def recurrent(n: LayerView) -> Ref | list[Ref]:
    cell = n.config.get("cell")
    if isinstance(cell, Mapping) and cell.get("class_name") == "StackedRNNCells":
        if n.flag("return_state", False) or n.flag("go_backwards", False) or len(n.tensors) > 1:
            raise Unconvertible("states of a stack of cells, or one that reads the sequence backwards")
        return stack(n, cell.get("config", {}).get("cells") or (), every=n.flag("return_sequences", False))
    config, name = layer_of(n, n.config, n.call.layer.class_name)
    if n.flag("go_backwards", False):
        raise Unconvertible("a layer that reads the sequence backwards, outside Bidirectional")
    every = n.flag("return_sequences", False)
    op, stored = cells(n, config, name, ("cell",), final=not every)
    x, *states = n.tensors
    given = n.argument(len(n.call.args), "initial_state")
    if given is not None:
        states.append(given)
    else:
        states += [n.graph.tensor(each) for each in n.call.kwargs.get("initial_state", ()) or ()]
    names = op.further_outputs[: len(states)]
    if len(names) != len(states):
        raise Unconvertible(f"{len(states)} states before the first step")
    if states:
        op = make(type(op), **{**{each: getattr(op, each) for each in op._names}, **dict.fromkeys(names, True)})
    rows = [n.reshaped(each, (1, *n.shape(each))) for each in states]
    made = n.add(op, n.in_file(x), *rows, stored=stored)
    output = n.from_file(made)
    if not n.flag("return_state", False):
        return output
    further = [made._replace(output=number) for number in range(1, len(op.further_outputs) + 1)]
    return [output, *(n.reshaped(each, n.shape(each)[1:]) for each in further)]


@converts("Bidirectional")
def bidirectional(n: LayerView) -> Ref | list[Ref]:
    """Convert a layer and its copy for the other direction, whose results are joined."""
    inner, other = n.config.get("layer"), n.config.get("backward_layer")
    if not isinstance(inner, Mapping) or inner.get("class_name") not in (*CLASSES, "RNN"):
        raise Unconvertible("a layer in both directions that is not recurrent")
    own: Mapping[str, Any] = inner.get("config") or {}
    config, name = layer_of(n, own, inner["class_name"])
    if isinstance(other, Mapping) and isinstance(other.get("config"), Mapping):
        kept = {"units", "use_bias", "reset_after", "activation", "recurrent_activation", "return_sequences"}
        if any(other["config"].get(each) != own.get(each) for each in kept):
            raise Unconvertible("directions that differ")
    if own.get("return_state") or len(n.tensors) > 1:
        raise Unconvertible("states of both directions")
    parts = ("forward_layer/cell", "backward_layer/cell")
    op, stored = cells(n, config, name, parts, final=not own.get("return_sequences"))
    made = n.add(op, n.in_file(n.x), stored=stored)
    mode = n.config.get("merge_mode", "concat")
    if mode == "concat":
        return n.from_file(made)
    axis = n.rank(made) - 1
    units: Number = op.units
    halves = [n.add(make(Slice, range=pair, axis=axis), made) for pair in ((0, units), (units, 2 * units))]
    if mode is None:
        return [n.from_file(each) for each in halves]
    joins: dict[Any, tuple[Operator, ...]] = {
        "sum": (Add(),),
        "mul": (Mul(),),
        "ave": (Add(), make(Scale, factor=Fraction(1, 2))),
    }
    if mode not in joins:
        raise Unconvertible(f"the merge mode '{str(mode)[:40]}'")
    first, *rest = joins[mode]
    return n.from_file(n.apply(n.add(first, *halves), *rest))
