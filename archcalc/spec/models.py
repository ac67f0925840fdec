"""Models of other formats as SPECs: what a reader of a format provides, and how a SPEC argument names such a model.

The readers are above this package, and register themselves in `READERS` and `IMPORTER`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Shape

_NAME = r"[A-Za-z_]\w*"
PYTHON_OBJECT = re.compile(rf"(?P<place>.+\.py|{_NAME}(?:\.{_NAME})+):(?P<name>{_NAME}(?:\.{_NAME})*)")
"""An object in the user's code: ``package.module:object`` with a dot in the module, or ``file.py:object``."""


INDEX_SUFFIX = ".index.json"
"""The end of the name of the index of a checkpoint in several files."""
HDF5 = (".h5", ".hdf5")
"""The ends of the names of HDF5 files, which hold a model or a checkpoint."""
KERAS = ".keras"
"""The end of the name of the file of a Keras model."""
KERAS_INDEX = ".weights.json"
"""The end of the name of the index of weights of Keras in several files."""
CHECKPOINTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", *HDF5, INDEX_SUFFIX, KERAS_INDEX)
"""The ends of the names of checkpoints, which have the parameters of a network, but no network."""


class ModelOptions(NamedTuple):
    """What decides how a model is read, besides its file or module."""

    arguments: Mapping[str, str] = {}
    """The arguments of the class or function that makes it, as Python literals or texts, by name."""
    batch_axes: Mapping[str, str] = {}
    """The axes of inputs that are the batch, by name: an index, or ``none``."""
    shapes: Mapping[str, Shape] = {}
    """The shapes of inputs that are given, without the batch, by name; ``""``: the first."""
    partial: bool = False
    """Whether operators that cannot be counted are layers without a cost, instead of an error."""
    values: Mapping[str, str] = {}
    """The numbers that inputs have, by name, as written."""
    sizes: Mapping[str, int] = {}
    """The sizes that are given by names, which may be those of the file."""
    layers: Mapping[str, str] = {}
    """The expressions that declare layers, by name or class."""


class ModelFile(Protocol):
    """A model that was read."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """The shapes of the inputs as the file has them, without the batch."""
        ...

    @property
    def layout(self) -> str:
        """The layout in which shapes are written and printed."""
        ...

    @property
    def axis_names(self) -> Mapping[str, tuple[str, int]]:
        """The names that the file has for sizes of inputs: the input and the index without the batch by name."""
        ...

    def graph(
        self,
        shapes: Mapping[str, Shape],
        given: Collection[tuple[str, int]],
        attributes: Mapping[int, Mapping[str, Number]],
        observe: Callable[[int], None] | None,
    ) -> Graph:
        """Return the graph for given shapes of the inputs.

        Args:
            shapes: the shapes without the batch.
            given: the axes whose sizes were given, by the name of the input and the index. Sizes that depend on them
                follow.
            attributes: numbers that replace attributes of layers, by index of the layer and name of the attribute.
            observe: called with the index of every layer before its formulas are evaluated.

        Raises:
            SpecError: a layer cannot exist on these shapes.
        """
        ...

    def arrays(self) -> Mapping[str, Any] | None:
        """Return the stored arrays of the file by ``layer.array``; ``None`` if it has no numbers."""
        ...

    def constants(self) -> Mapping[str, Any]:
        """Return the numbers of stored tensors that are not trained, by ``layer.array``.

        They tell masks and tables from each other. Those that the file does not have, and large ones, are left out.
        """
        ...

    def require_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Require that a run on given inputs, by name with the batch in front, computes what the model does.

        Raises:
            SpecError: the model treats these inputs in a way that runs do not.
        """
        ...


class ModelSource(Protocol):
    """Where a model is read from."""

    def read(self, options: ModelOptions) -> ModelFile:
        """Return the model; with the same options again, without reading it again.

        Raises:
            SpecError: it cannot be read, or the options do not fit it.
        """
        ...


READERS: dict[str, Callable[[Path, str], ModelSource]] = {}
"""The readers of files by suffix (``.pt2``), which take a path and its name in messages."""

FIXES_INPUTS: set[str] = set()
"""The suffixes of files that may be read with numbers in place of inputs (`ModelOptions.values`)."""

CONTENT_READERS: dict[str, tuple[Callable[[Path], bool], Callable[[Path, str], ModelSource]]] = {}
"""The readers of files that only their content tells from others with the same suffix, and what recognises them."""

IMPORTER: list[Callable[[str], ModelSource]] = []
"""The reader of objects in the user's code, which takes a SPEC argument that matches `PYTHON_OBJECT`."""


def model_file(spec: str, path: Path | None = None) -> ModelSource | None:
    """Return the source of a SPEC argument that names a model file; ``None`` for all others.

    Args:
        spec: the argument.
        path: the file, if it is elsewhere.
    """
    path = Path(spec) if path is None else path
    suffix = Path(spec).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None and suffix in CONTENT_READERS:
        recognises, found = CONTENT_READERS[suffix]
        reader = found if recognises(path) else None
    return None if reader is None else reader(path, spec)


def is_model(spec: str) -> bool:
    """Return whether a SPEC argument has the form of a model: the name of such a file, or a Python object."""
    return model_file(spec) is not None or PYTHON_OBJECT.fullmatch(spec) is not None


def python_object(spec: str) -> ModelSource | None:
    """Return the source of a SPEC argument that names an object in the user's code; ``None`` for all others."""
    return IMPORTER[0](spec) if IMPORTER and PYTHON_OBJECT.fullmatch(spec) is not None else None


def is_checkpoint(spec: str) -> bool:
    """Return whether an argument names a checkpoint, perhaps with a part, by the end of its name.

    It does not if it is the file of a model, as files in HDF5 may be.
    """
    file, _ = split_part(spec)
    return file.lower().endswith(CHECKPOINTS) and model_file(file) is None


def has_weights_of_keras(file: str) -> bool:
    """Return whether a file has weights as Keras stores them, by the end of its name: of a model, or alone."""
    return file.lower().endswith((KERAS, KERAS_INDEX, *HDF5))


def split_part(spec: str) -> tuple[str, str]:
    """Return the file of a checkpoint, and the name of the part after a colon; empty if there is none."""
    file, colon, part = spec.rpartition(":")
    return (file, part) if colon and file.lower().endswith(CHECKPOINTS) else (spec, "")
