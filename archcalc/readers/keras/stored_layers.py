"""The layers whose arrays a file of Keras has, without the network that they belong to.

Files of version 3 have a group for each layer, called after its class and numbered; newer ones also say its name. Files
of earlier versions, and HDF5 files of entire models, have groups with the names of the layers, and list their arrays.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from archcalc.readers.archive import Archive
from archcalc.readers.hdf5 import MAX_ARRAY_BYTES, SIGNATURE, numbers_of, open_hdf5, require_h5py
from archcalc.readers.keras.contents import WEIGHTS
from archcalc.readers.keras.groups import CONTAINERS
from archcalc.readers.keras.hdf5 import attribute_text, attribute_texts, is_group, members, object_at
from archcalc.readers.shards import shards
from archcalc.spec.errors import fail
from archcalc.spec.models import KERAS_INDEX

ENTIRE, LISTED = "model_weights", "layer_names"
"""The group of the arrays in HDF5 files of entire models, and the attribute that lists the layers."""
VARIABLES = "vars"
NO_ARRAYS = ("seed_generator",)
"""The parts of layers whose arrays no result depends on."""
MAX_DEPTH = 20
MAX_NAME = 1000


class StoredArray(NamedTuple):
    """An array of a layer."""

    part: str
    """The part of the layer that has it: ``cell``; empty for the layer itself."""
    place: int
    """Its index among the arrays of that part; among all of the layer, in files that list them."""
    path: str
    """Its path in the file."""


class StoredLayer(NamedTuple):
    """A layer with arrays."""

    name: str
    """Its name; empty if the file does not say it."""
    kind: str
    """Its class with underscores (``separable_conv2d``); empty if the file does not say it."""
    arrays: tuple[StoredArray, ...]
    is_listed: bool
    """Whether the file lists the arrays, those that are trained first, and does not tell parts."""


@contextmanager
def open_weights(path: Path, name: str) -> Iterator[Any]:
    """Open the group that has the arrays of a model.

    They are in a ``.keras`` file, an HDF5 file of weights or of an entire model, or in the files of an index.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        SpecError: it cannot be read, or is damaged.
    """
    if path.name.lower().endswith(KERAS_INDEX):
        with _joined(path, name) as root:
            yield root
        return
    with path.open("rb") as file:
        is_hdf5 = file.read(len(SIGNATURE)) == SIGNATURE
    if is_hdf5:
        with open_hdf5(path, name) as root:
            yield object_at(root, ENTIRE, name) if ENTIRE in root else root
        return
    with Archive(path, name) as archive:
        data = archive.read(WEIGHTS, min(archive.size(WEIGHTS), MAX_ARRAY_BYTES))
    with open_hdf5(io.BytesIO(data), f"{name}: {WEIGHTS}") as root:
        yield root


@contextmanager
def _joined(path: Path, name: str) -> Iterator[Any]:
    """Open a file in memory with the arrays of all files of an index, and the names of their layers.

    Any of the files of a layer may have its name, also one without arrays of it.
    """
    require_h5py(name)
    import h5py

    files = shards(path, name)
    with h5py.File(io.BytesIO(), "w") as joined:
        for file in files:
            with open_hdf5(path.parent / file, str(Path(name).parent / file)) as root:
                _add(root, joined, name, 0)
        yield joined


def _add(group: Any, joined: Any, name: str, depth: int) -> None:
    """Add the arrays in a group to another file."""
    own = attribute_text(group, "name", MAX_NAME)
    if own:
        joined.attrs["name"] = own
    for key, each in members(group).items():
        if key in joined and not (is_group(each) and is_group(joined[key])):
            fail("format", f"several files have the array '{each.name[:100]}'", origin=name)
        if not is_group(each):
            joined[key] = numbers_of(each, each.name, name)
        elif depth < 2 * MAX_DEPTH:
            _add(each, joined.require_group(key), name, depth + 1)


def lists_layers(group: Any) -> bool:
    """Return whether a file lists its layers and their arrays."""
    return group.name == f"/{ENTIRE}" or LISTED in group.attrs or f"{LISTED}0" in group.attrs


def container_of(group: Any, path: str) -> tuple[str, dict[str, Any]]:
    """Return the group that holds the layers of a model, and the groups of these, in a file that does not list them.

    Args:
        group: the group of the model; ``None`` if there is none.
        path: its path, empty or with a slash behind it.

    Returns:
        The path of the group of the layers with a slash behind it, and the groups by the last parts of their paths.
    """
    inner = {} if group is None else members(group)
    found = next((each for each in CONTAINERS if is_group(inner.get(each))), None)
    if found is None:
        return f"{path}{CONTAINERS[0]}/", {}
    held = members(inner[found])
    return f"{path}{found}/", {key: each for key, each in held.items() if is_group(each)}


def name_of(group: Any) -> str:
    """Return the name that the group of a layer says; empty if it says none."""
    own = members(group).get(VARIABLES)
    return "" if own is None else attribute_text(own, "name", MAX_NAME) or ""


def stored_layers(group: Any, name: str) -> list[StoredLayer]:
    """Return the layers that have arrays: in the order of the network, or for each class in that order.

    Args:
        group: the group that has the arrays.
        name: the name of the file in messages.

    Raises:
        SpecError: a group that is listed is missing, or a link to another file.
    """
    if not lists_layers(group):
        return [*_in_groups(group, "", "", 0)]
    found = []
    for layer in attribute_texts(group, LISTED):
        paths = attribute_texts(object_at(group, layer, name), "weight_names")
        arrays = tuple([StoredArray("", index, f"{layer}/{path}") for index, path in enumerate(paths)])
        if arrays:
            found.append(StoredLayer(layer, "", arrays, is_listed=True))
    return found


def _in_groups(group: Any, path: str, around: str, depth: int) -> Iterator[StoredLayer]:
    """Yield the layers in a group of a file of Keras 3, with those of nested models.

    Args:
        group: the group of the model.
        path: its path, empty or with a slash behind it.
        around: the names of the models around it, with a slash behind each.
        depth: the number of the models around it.
    """
    inside, held = container_of(group, path)
    for key in sorted(held, key=_place):
        own = name_of(held[key])
        if depth < MAX_DEPTH and any(each in held[key] for each in CONTAINERS):
            yield from _in_groups(held[key], f"{inside}{key}/", f"{around}{own or key}/", depth + 1)
            continue
        arrays = tuple(_arrays(held[key], f"{inside}{key}", "", depth))
        if arrays:
            kind, _ = _place(key)
            yield StoredLayer(f"{around}{own}" if own else "", kind, arrays, is_listed=False)


def _place(key: str) -> tuple[str, int]:
    """Return the class and the number in the name of the group of a layer: ``conv2d_1``."""
    kind, separator, number = key.rpartition("_")
    return (kind, int(number)) if separator and number.isdecimal() else (key, 0)


def _arrays(group: Any, path: str, part: str, depth: int) -> Iterator[StoredArray]:
    """Yield the arrays of a layer, and of the parts of it."""
    inner = members(group)
    own = inner.pop(VARIABLES, None)
    for index in sorted(int(key) for key in own if key.isdecimal()) if is_group(own) else ():
        yield StoredArray(part, index, f"{path}/{VARIABLES}/{index}")
    for key, each in inner.items() if depth < MAX_DEPTH else ():
        if key not in NO_ARRAYS and is_group(each):
            yield from _arrays(each, f"{path}/{key}", f"{part}/{key}".strip("/"), depth + 1)
