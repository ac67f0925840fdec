"""The description of a Keras model in JSON: its layers, and how they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archcalc.readers.keras.functions import arguments_of, function_of

MODELS = frozenset(("Functional", "Model", "Sequential"))
"""The classes whose description has layers."""

INPUT = "InputLayer"

MAX_LAYERS = 200_000

OPTIONS = frozenset(("training", "mask", "name"))
"""The arguments of calls that do not change the result at inference."""


class InvalidDescription(Exception):
    """A part of the description that is not as Keras writes it; the message says which."""


class LayerOutput(NamedTuple):
    """A tensor of a model: an output of a call of a layer."""

    layer: str
    call: int
    output: int
    shape: tuple[int | None, ...] | None = None
    """Its shape with the batch, as far as the file records it."""


@dataclass(frozen=True, slots=True)
class LayerCall:
    """A call of a layer. Arguments are numbers, texts, tensors, slices, and lists of them."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def tensors(self) -> list[LayerOutput]:
        """Return the tensors among its arguments, in their order."""
        return list(tensors_in([*self.args, *self.kwargs.values()]))


@dataclass(frozen=True, slots=True)
class LayerDescription:
    """A layer of a model."""

    name: str
    class_name: str
    """The name of its class, without the package."""
    module: str
    """The module of its class; empty if the file does not say it."""
    config: Mapping[str, Any]
    calls: tuple[LayerCall, ...] = ()
    model: ModelDescription | None = None
    """The model that it is, if it is one."""

    @property
    def is_own(self) -> bool:
        """Whether its class is one of Keras's own."""
        return self.module.partition(".")[0] in ("", "keras", "keras_core", "tensorflow", "tf_keras")

    @property
    def is_operation(self) -> bool:
        """Whether it is a function of ``keras.ops`` and not a layer, so that it has neither weights nor a place in
        lists of layers."""
        is_unmarked = not self.module and self.model is None and "trainable" not in self.config and bool(self.calls)
        return ".ops" in self.module or is_unmarked


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model: its layers in the order of the file."""

    name: str
    layers: tuple[LayerDescription, ...]
    inputs: tuple[LayerOutput, ...]
    outputs: tuple[LayerOutput, ...]
    output_names: tuple[str, ...] = ()
    """The names under which it returns its outputs; empty if it returns them without."""


def tensors_in(value: Any) -> Iterator[LayerOutput]:
    """Yield the tensors in an argument."""
    if isinstance(value, LayerOutput):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from tensors_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors_in(each)


def decode(description: Any) -> ModelDescription:
    """Return the model of a description.

    Raises:
        InvalidDescription: it is not one that Keras writes.
    """
    if not isinstance(description, dict) or not isinstance(description.get("class_name"), str):
        raise InvalidDescription("not the description of a Keras model: it has no 'class_name'")
    class_name = description["class_name"]
    if class_name not in MODELS:
        kind = "layer" if isinstance(description.get("config"), dict) else "object"
        registered = str(description.get("registered_name") or "")
        if ">" in registered or "layers" in _mapping(description.get("config") or {}, "'config'"):
            raise InvalidDescription(
                f"the model is of the class '{class_name[:60]}', whose layers are defined in code: "
                "files of Sequential and Functional models describe their layers"
            )
        raise InvalidDescription(f"not the description of a Keras model, but of the {kind} '{class_name[:60]}'")
    return _model(class_name, description.get("config"))


def _model(class_name: str, config: Any) -> ModelDescription:
    if isinstance(config, list):  # Keras 2.0
        config = {"name": "sequential", "layers": config}
    config = _mapping(config, "the configuration of a model")
    entries = config.get("layers")
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InvalidDescription("'layers' must be a list of layers")
    if len(entries) > MAX_LAYERS:
        raise InvalidDescription(f"{len(entries):,} layers, more than {MAX_LAYERS:,}")
    name = str(config.get("name") or class_name.lower())
    if class_name == "Sequential" or "input_layers" not in config:
        return _sequential(name, config, entries)
    layers = tuple(map(_layer, entries))
    names = Counter(layer.name for layer in layers)
    if len(names) < len(layers):
        raise InvalidDescription(f"two layers have the name '{names.most_common(1)[0][0][:60]}'")
    outputs, output_names = _ends(config.get("output_layers"), "output_layers")
    inputs, _ = _ends(config["input_layers"], "input_layers")
    return ModelDescription(name, layers, inputs, outputs, output_names)


def _sequential(name: str, config: Mapping[str, Any], entries: list[Any]) -> ModelDescription:
    """Return a model whose layers follow each other; an input without a layer of its own gets one."""
    layers = list(map(_layer, entries))
    if not layers or layers[0].class_name != INPUT:
        first = _mapping(layers[0].config, "a configuration") if layers else {}
        shape = first.get("batch_input_shape") or config.get("build_input_shape")
        layers.insert(0, LayerDescription(f"{name}_input", INPUT, "keras.layers", {"batch_shape": shape}))
    names: set[str] = set()
    chained: list[LayerDescription] = []
    for each in layers:
        calls: tuple[LayerCall, ...] = ()
        if chained:
            calls = (LayerCall((LayerOutput(chained[-1].name, 0, 0),)),)
        if each.name in names:
            raise InvalidDescription(f"two layers have the name '{each.name[:60]}'")
        names.add(each.name)
        chained.append(LayerDescription(each.name, each.class_name, each.module, each.config, calls, each.model))
    return ModelDescription(
        name, tuple(chained), (LayerOutput(chained[0].name, 0, 0),), (LayerOutput(chained[-1].name, 0, 0),)
    )


def described(description: Any) -> LayerDescription:
    """Return the layer of a description inside the configuration of another layer.

    Raises:
        InvalidDescription: it is not one that Keras writes.
    """
    return _layer(_mapping(description, "a layer inside a layer"))


def _layer(entry: Mapping[str, Any]) -> LayerDescription:
    class_name = entry.get("class_name")
    if not isinstance(class_name, str):
        raise InvalidDescription("a layer has no 'class_name'")
    config = entry.get("config")
    if class_name in MODELS and isinstance(config, list):
        config = {"name": entry.get("name"), "layers": config}
    config = _mapping(config, "the configuration of a layer")
    name = entry.get("name") or config.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidDescription(f"a layer of the class '{class_name[:60]}' has no name")
    registered = str(entry.get("registered_name") or "")
    module = str(entry.get("module") or ("custom" if ">" in registered else ""))
    model = None
    if class_name in MODELS and isinstance(config.get("layers"), list):
        model = _model(class_name, config)
    nodes = entry.get("inbound_nodes") or []
    if not isinstance(nodes, list):
        raise InvalidDescription(f"'inbound_nodes' of '{name[:60]}' must be a list")
    own, of_function = function_of(class_name.rpartition(">")[2], config)
    calls = tuple(map(_call, nodes))
    if of_function:
        calls = tuple([LayerCall(call.args, arguments_of(call.kwargs)) for call in calls])
    return LayerDescription(name, own, of_function or module, config, calls, model)


def _call(node: Any) -> LayerCall:
    """Return a call, as Keras 3 writes it (``args`` and ``kwargs``) or Keras 2 (a list for each tensor)."""
    if isinstance(node, dict):
        args = _value(node.get("args", []))
        if not isinstance(args, list):
            raise InvalidDescription("'args' of a call must be a list")
        return LayerCall(tuple(args), _kwargs(_value(node.get("kwargs") or {})))
    if not isinstance(node, list):
        raise InvalidDescription("a call of a layer must be a list or a mapping")
    if node and isinstance(node[0], str):
        node = [node]
    tensors = [_listed(each) for each in node]
    options: dict[str, Any] = {}
    for each in node:
        if isinstance(each, list) and len(each) > 3:
            options |= {key: _listed_value(value) for key, value in _mapping(each[3], "arguments").items()}
    return LayerCall((tensors[0] if len(tensors) == 1 else tensors,), _kwargs(options))


def _kwargs(kwargs: Any) -> dict[str, Any]:
    return {key: value for key, value in _mapping(kwargs, "'kwargs'").items() if key not in OPTIONS}


def _listed(entry: Any) -> Any:
    """Return a tensor as Keras 2 writes it, with the arguments of the call behind it; or a constant."""
    if not isinstance(entry, list) or len(entry) < 3 or not isinstance(entry[0], str):
        raise InvalidDescription("a call of a layer must name tensors")
    if entry[0] == "_CONSTANT_VALUE":
        return entry[2]
    return LayerOutput(entry[0], _index(entry[1]), _index(entry[2]))


def _listed_value(value: Any) -> Any:
    is_tensor = isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and type(value[1]) is int
    if is_tensor:
        return _listed(value)
    if isinstance(value, list):
        return [_listed_value(each) for each in value]
    if isinstance(value, dict) and {*value} == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    return _value(value) if isinstance(value, dict) else value


def _value(value: Any) -> Any:
    """Return an argument as Keras 3 writes it."""
    if isinstance(value, list):
        return [_value(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind, config = value.get("class_name"), value.get("config")
    if kind == "__keras_tensor__":
        content = _mapping(config, "a tensor")
        history, shape = content.get("keras_history"), content.get("shape")
        if not isinstance(history, list) or len(history) != 3 or not isinstance(history[0], str):
            raise InvalidDescription("a tensor has no 'keras_history'")
        return LayerOutput(history[0], _index(history[1]), _index(history[2]), _sizes(shape))
    if kind == "__slice__":
        content = _mapping(config, "a slice")
        return slice(*[content.get(key) for key in ("start", "stop", "step")])
    if kind == "__ellipsis__":
        return Ellipsis
    if kind in ("__tuple__", "__numpy__", "__tensor__"):
        inner = config.get("value") if isinstance(config, dict) else config
        return _value(value.get("items") if inner is None else inner)
    return {key: _value(each) for key, each in value.items()}


def _ends(value: Any, what: str) -> tuple[tuple[LayerOutput, ...], tuple[str, ...]]:
    """Return the inputs or outputs of a model: one, a list, or a mapping, whose keys are their names."""
    if isinstance(value, dict):
        return tuple([_end(each, what) for each in value.values()]), tuple(map(str, value))
    if not isinstance(value, list) or not value:
        raise InvalidDescription(f"'{what}' must be a list")
    if isinstance(value[0], str):
        value = [value]
    return tuple(_nested_ends(value, what)), ()


def _nested_ends(value: Any, what: str) -> Iterator[LayerOutput]:
    """Yield the ends of a structure of lists and mappings."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        raise InvalidDescription(f"'{what}' must name layers")
    for each in value:
        if isinstance(each, list) and each and isinstance(each[0], str):
            yield _end(each, what)
        else:
            yield from _nested_ends(each, what)


def _end(value: Any, what: str) -> LayerOutput:
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        raise InvalidDescription(f"'{what}' must name layers")
    return LayerOutput(value[0], _index(value[1]), _index(value[2]))


def _index(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_LAYERS:
        raise InvalidDescription("the index of a call must be a number from 0 on")
    return value


def _sizes(value: Any) -> tuple[int | None, ...] | None:
    """Return a shape that is recorded; ``None`` if there is none."""
    if not isinstance(value, list) or not all(each is None or type(each) is int for each in value):
        return None
    return tuple(value)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidDescription(f"{what} must be a mapping")
    return value
