"""The calls of all layers of a model in one order, with those inside nested models in their place."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from archcalc.readers.keras.config import (
    INPUT,
    InvalidDescription,
    LayerCall,
    LayerDescription,
    LayerOutput,
    ModelDescription,
)

MAX_CALLS = 50_000

NO_NAME = re.compile(r"[^\w-]+")
"""What no part of a layer's name may contain."""

Key = tuple[str, ...]
"""A layer, by the names of the models around it and its own; calls of one layer have the same."""


class CallOutput(NamedTuple):
    """A tensor: an output of a call, or of an input."""

    call: int
    """The index of the call; for inputs, −1 − their index."""
    output: int = 0


@dataclass(frozen=True, slots=True)
class FlatCall:
    """A call of a layer that is not a model."""

    layer: LayerDescription
    key: Key
    path: tuple[str, ...]
    """The path of its layer in the graph."""
    args: tuple[Any, ...]
    """Its arguments, with tensors as `CallOutput`."""
    kwargs: Mapping[str, Any]
    recorded: Mapping[CallOutput, tuple[int | None, ...]]
    """The shapes of the tensors that it reads, with the batch, as far as the file records them."""


@dataclass(frozen=True, slots=True)
class FlatModel:
    """A model without nested models."""

    name: str
    inputs: Mapping[str, tuple[int | None, ...] | None]
    """The shapes of the inputs by name, without the batch; ``None``: the file does not say it."""
    calls: tuple[FlatCall, ...]
    outputs: Mapping[str, CallOutput]


def flatten_model(model: ModelDescription) -> FlatModel:
    """Return a model without nested models.

    Raises:
        InvalidDescription: a call reads a tensor that is not made.
    """
    inputs: dict[str, tuple[int | None, ...] | None] = {}
    bound: list[CallOutput] = []
    by_name = {layer.name: layer for layer in model.layers}
    for number, end in enumerate(model.inputs):
        layer = by_name.get(end.layer)
        if layer is None or layer.class_name != INPUT:
            raise InvalidDescription(f"the input '{end.layer[:60]}' is not a layer of the model")
        inputs[_unique(cleaned(end.layer), inputs)] = _input_shape(layer.config)
        bound.append(CallOutput(-1 - number))
    if not inputs:
        raise InvalidDescription("the model has no input")
    flattening = _Flattening()
    made = flattening.expand(model, (), bound)
    names = list(model.output_names) or [each.layer for each in model.outputs]
    outputs: dict[str, CallOutput] = {}
    for name, each in zip(names, made, strict=True):
        outputs[_unique(cleaned(name), {**outputs, **inputs})] = each
    return FlatModel(cleaned(model.name), inputs, tuple(flattening.calls), outputs)


def cleaned(name: str) -> str:
    """Return a name in which characters have been replaced that names of layers cannot have."""
    return NO_NAME.sub("_", name).strip("_") or "layer"


def _unique(name: str, taken: Iterable[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _input_shape(config: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if shape is None:
        return None
    if not isinstance(shape, list) or not shape or not all(each is None or type(each) is int for each in shape):
        raise InvalidDescription("the shape of an input must be a list of sizes")
    if any(each is not None and each < 1 for each in shape[1:]):
        raise InvalidDescription("the sizes of an input must be positive")
    return tuple(shape[1:])


class _Flattening:
    def __init__(self) -> None:
        self.calls: list[FlatCall] = []

    def expand(self, model: ModelDescription, around: Key, bound: list[CallOutput]) -> list[CallOutput]:
        """Add the calls of a model, and return its outputs.

        Args:
            model: the model.
            around: the names of the models around its layers.
            bound: its inputs.
        """
        layers = {layer.name: layer for layer in model.layers}
        if len(bound) != len(model.inputs):
            raise InvalidDescription(f"the model '{model.name[:60]}' has {len(model.inputs)} inputs, got {len(bound)}")
        shift = _first_calls(model)
        known: dict[tuple[str, int], list[CallOutput] | int] = {
            (end.layer, end.call): [tensor] for end, tensor in zip(model.inputs, bound, strict=True)
        }

        def resolved(tensor: LayerOutput) -> CallOutput:
            made = known.get((tensor.layer, tensor.call - shift.get(tensor.layer, 0)))
            if made is None:
                raise InvalidDescription(
                    f"a call reads an output of '{tensor.layer[:60]}', which is not computed before it"
                )
            if isinstance(made, int):
                return CallOutput(made, tensor.output)
            if tensor.output >= len(made):
                raise InvalidDescription(f"'{tensor.layer[:60]}' has no output {tensor.output}")
            return made[tensor.output]

        for name, number in _ordered(model, shift):
            layer = layers[name]
            if layer.class_name == INPUT:
                continue
            call = layer.calls[number]
            key = (*around, name)
            if layer.model is not None:
                read = [resolved(each) for each in call.tensors()]
                known[name, number] = self.expand(layer.model, key, read)
                continue
            if len(self.calls) == MAX_CALLS:
                raise InvalidDescription(f"more than {MAX_CALLS:,} calls of layers")
            known[name, number] = len(self.calls)
            self.calls.append(_flat_call(layer, key, call, resolved))
        return [resolved(each) for each in model.outputs]


def _flat_call(
    layer: LayerDescription, key: Key, call: LayerCall, resolved: Callable[[LayerOutput], CallOutput]
) -> FlatCall:
    recorded = {resolved(each): each.shape for each in call.tensors() if each.shape is not None}
    path = tuple([cleaned(part) for name in key for part in name.split("/") if part]) or ("layer",)
    args, kwargs = (_mapped(each, LayerOutput, resolved) for each in (list(call.args), dict(call.kwargs)))
    return FlatCall(layer, key, path, tuple(args), kwargs, recorded)


def mapped_tensors(argument: Any, tensors: Mapping[CallOutput, CallOutput]) -> Any:
    """Return an argument of a call with other tensors."""
    return _mapped(argument, CallOutput, tensors.__getitem__)


def _mapped(value: Any, kind: type[Any], function: Callable[[Any], CallOutput]) -> Any:
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, list):
        return [_mapped(each, kind, function) for each in value]
    return {name: _mapped(each, kind, function) for name, each in value.items()} if isinstance(value, dict) else value


def _first_calls(model: ModelDescription) -> dict[str, int]:
    """Return the index that tensors have for the first call of each nested model, if it is not 0.

    The call by which Keras builds a nested model is not in the file, but counts in some versions.
    """
    nested = {layer.name: len(layer.calls) for layer in model.layers if layer.model is not None}
    named: dict[str, set[int]] = {}
    tensors = [each for layer in model.layers for call in layer.calls for each in call.tensors()]
    for each in (*tensors, *model.outputs):
        if each.layer in nested:
            named.setdefault(each.layer, set()).add(each.call)
    return {name: 1 for name, calls in named.items() if max(calls) == nested[name] and 0 not in calls}


def _ordered(model: ModelDescription, shift: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the calls of a model so that tensors are made before they are read, otherwise in the order of the file.

    Raises:
        InvalidDescription: calls read each other's results.
    """
    places: dict[tuple[str, int], int] = {}
    inputs = {each.layer for each in model.inputs}
    readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    waiting: dict[tuple[str, int], int] = {}
    for layer in model.layers:
        for number, call in enumerate(layer.calls):
            at = layer.name, number
            places[at] = len(places)
            read = {(each.layer, each.call - shift.get(each.layer, 0)) for each in call.tensors()}
            made = {each for each in read if each[0] not in inputs}
            waiting[at] = len(made)
            for each in made:
                readers.setdefault(each, []).append(at)
    ready = [(place, at) for at, place in places.items() if not waiting[at]]
    heapq.heapify(ready)
    found = []
    while ready:
        _, at = heapq.heappop(ready)
        found.append(at)
        for reader in readers.get(at, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (places[reader], reader))
    if len(found) < len(places):
        name = next(name for (name, number) in places if waiting[name, number])
        raise InvalidDescription(f"a call of '{name[:60]}' reads a tensor that is not computed before it")
    return found
