"""The stored arrays of Keras models: found by the order of layers and variables, as Keras finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from archcalc.arrays.texts import shape_text
from archcalc.executor.weights import stored_array_shapes
from archcalc.graph import Graph
from archcalc.readers.keras.config import INPUT, LayerDescription, ModelDescription
from archcalc.readers.keras.flat_model import Key
from archcalc.readers.keras.graph import ConvertedModel, FileVariable
from archcalc.readers.keras.groups import numbered_groups
from archcalc.readers.keras.hdf5 import array_at, attribute_texts, object_at
from archcalc.readers.keras.stored_layers import (
    VARIABLES,
    container_of,
    lists_layers,
    name_of,
    open_weights,
    stored_layers,
)
from archcalc.spec.errors import Problems, fail


def read_arrays(
    path: Path, name: str, model: ModelDescription, built: ConvertedModel, names: Iterable[str], problems: Problems
) -> dict[str, Any]:
    """Return stored arrays by their names, as operators have them, without those that do not fit.

    Args:
        path: the file: of the entire model, or of its weights.
        name: its name in messages.
        model: the model, whose layers are in the order of the file.
        built: its graph.
        names: the names of the arrays.
        problems: collects which arrays are missing, damaged, too large, or do not fit their layers, and which layers of
            the file are not those of the model.

    Raises:
        SpecError: the file cannot be read.
    """
    variables = {each: built.variables[each] for each in names}
    arrays = {}
    with open_weights(path, name) as group:
        if lists_layers(group):
            places = legacy_places(group, model, built, name, problems)
            paths = {each: places.get((key.layer, key.within, key.place)) for each, key in variables.items()}
            own = {layer.name for layer in model.layers}
            spare = [each for each in stored_layers(group, name) if each.name not in own]
        else:
            groups = dict(layer_groups(model, group))
            paths = {each: _path_of(groups[variable.layer], variable) for each, variable in variables.items()}
            inner = {*groups.values()}.difference(*map(_around, groups.values()))
            spare = [each for each in stored_layers(group, name) if inner.isdisjoint(_around(each.arrays[0].path))]
        for each, place in paths.items():
            with problems:
                if place is not None:
                    arrays[each] = _transformed(array_at(group, place, name), variables[each], each, name)
    for layer in spare:
        with problems:
            fail("format", f"the model has no layer for '{layer.name or layer.arrays[0].path}'", origin=name)
    return arrays


def _path_of(group: str, variable: FileVariable) -> str:
    """Return the path of an array in a file of Keras 3, given that of the group of its layer."""
    return "/".join(part for part in (group, variable.within, VARIABLES, str(variable.place)) if part)


def _around(path: str) -> set[str]:
    """Return the paths of the groups around an array."""
    return set(map(str, PurePosixPath(path).parents))


def require_shapes(graph: Graph, arrays: Mapping[str, Any], name: str, problems: Problems) -> None:
    """Require that arrays have the shapes that the layers need.

    Args:
        graph: the graph.
        arrays: the arrays by ``layer.array``.
        name: the name of the file in messages.
        problems: collects those that do not.
    """
    for array, needed in stored_array_shapes(graph, training=True).items():
        with problems:
            if array in arrays and arrays[array].shape != needed:
                given = shape_text(arrays[array].shape)
                fail("format", f"'{array}' would be {shape_text(needed)}, but the file has {given}", origin=name)


def _transformed(array: Any, variable: FileVariable, name: str, file: str) -> Any:
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        array = array.astype("f4")
    if variable.transform is None:
        return array
    try:
        return variable.transform(array)
    except (ValueError, IndexError, TypeError):
        message = f"the array '{name[:100]}' has the shape {array.shape}, which does not fit its layer"
        fail("format", message, origin=file)


def layer_groups(model: ModelDescription, group: Any, around: Key = (), path: str = "") -> Iterator[tuple[Key, str]]:
    """Yield every layer of a model with the path of the group that has its arrays, in files of Keras 3.

    The groups are called after the classes of the layers, and numbered in the order of the layers. Newer files also say
    the name of the layer.

    Args:
        model: the model.
        group: its group; ``None`` if the file has none.
        around: the names of the models around it.
        path: the path of the group, empty or with a slash behind it.
    """
    inside, held = container_of(group, path)
    named = {name_of(each): key for key, each in held.items()}
    for layer, numbered in numbered_groups(model):
        own = named.get(layer.name, numbered)
        key = (*around, layer.name)
        yield key, f"{inside}{own}"
        if layer.model is not None:
            yield from layer_groups(layer.model, held.get(own), key, f"{inside}{own}/")


def legacy_places(
    group: Any, model: ModelDescription, built: ConvertedModel, name: str, problems: Problems
) -> dict[tuple[Key, str, int], str]:
    """Return the paths of all variables in an HDF5 file of an entire model, without those of layers that do not fit.

    Every layer of the outer model has a group, which lists its arrays: those that are trained, then the others.
    """
    declared: dict[Key, dict[tuple[str, int], bool]] = {}
    for each in built.variables.values():
        declared.setdefault(each.layer, {}).setdefault((each.within, each.place), each.trained)
    places = {}
    for layer in model.layers:
        variables = [
            (key, part, trained)
            for key, is_trained in _inner(layer, (), True)
            for part, trained in ((part, own and is_trained) for part, own in declared.get(key, {}).items())
        ]
        ordered = [each for each in variables if each[2]] + [each for each in variables if not each[2]]
        if not ordered:
            continue
        paths = attribute_texts(object_at(group, layer.name, name), "weight_names") if layer.name in group else []
        with problems:
            if len(paths) != len(ordered):
                message = f"the layer '{layer.name[:60]}' has {len(paths)} arrays in the file, but needs {len(ordered)}"
                fail("format", message, origin=name)
            for (key, (within, index), _), path in zip(ordered, paths, strict=True):
                places[key, within, index] = f"{layer.name}/{path}"
    return places


def _inner(layer: LayerDescription, around: Key, trained: bool) -> Iterator[tuple[Key, bool]]:
    """Yield a layer and those inside it, with whether they are trained."""
    key = (*around, layer.name)
    own = trained and layer.config.get("trainable") is not False
    yield key, own
    for each in layer.model.layers if layer.model is not None else ():
        if each.class_name != INPUT:
            yield from _inner(each, key, own)
