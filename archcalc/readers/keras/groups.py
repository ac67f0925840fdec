"""The names of the groups of layers in files of Keras 3: their classes, numbered in the order of the layers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archcalc.readers.keras.config import LayerDescription, ModelDescription
from archcalc.readers.keras.flat_model import Key

CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
"""The groups that hold the layers of a model, in files of Keras 3, and of version 2 before."""


def numbered_groups(model: ModelDescription) -> Iterator[tuple[LayerDescription, str]]:
    """Yield every layer of a model with the name of its group."""
    numbers: dict[str, int] = {}
    for layer in model.layers:
        if not layer.is_operation:
            kind = snake(layer.class_name)
            numbers[kind] = number = numbers.get(kind, -1) + 1
            yield layer, f"{kind}_{number}" if number else kind


def group_names(model: ModelDescription, around: Key = (), path: str = "") -> Iterator[tuple[Key, str]]:
    """Yield every layer of a model, and of those nested in it, with the path of its group.

    Args:
        model: the model.
        around: the names of the models around it.
        path: the path of the group, empty or with a slash behind it.
    """
    for layer, name in numbered_groups(model):
        key, own = (*around, layer.name), f"{path}{CONTAINERS[0]}/{name}"
        yield key, own
        if layer.model is not None:
            yield from group_names(layer.model, key, f"{own}/")


def snake(name: str) -> str:
    """Return the name of a class with underscores, as Keras writes it: ``separable_conv2d``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
