"""Other formats than the spec language: from a model to a graph.

Each format has a package that decodes its files to calls of operators and translates these calls to steps. What the
formats share is here: `steps` are the operations of a model on tensors as the file has them, with their batch axis;
`batch` finds the batch axis of every tensor; `lowering` writes the steps as the layers of a graph, without it.
`archive` reads zip files that are not trusted. `torch_module` exports modules of the user's code.

Importing this package registers the readers for SPEC arguments; each is imported when a model of its format is read.
"""

from __future__ import annotations

from pathlib import Path

from archcalc.spec.models import CONTENT_READERS, IMPORTER, READERS, ModelFile, ModelOptions


class _TorchExport:
    """A file of ``torch.export`` that is read when it is needed; see `archcalc.spec.models.ModelSource`."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._last: tuple[ModelOptions, ModelFile] | None = None

    def read(self, options: ModelOptions) -> ModelFile:
        options = options._replace(shapes={}, sizes={})  # the same file for all shapes
        if self._last is None or self._last[0] != options:
            from archcalc.readers.torch_export.read import read_file

            self._last = options, read_file(self._path, self._name, options)
        return self._last[1]


class _Onnx:
    """A file of ONNX that is read when it is needed, for the shapes that are given."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._last: tuple[ModelOptions, ModelFile] | None = None

    def read(self, options: ModelOptions) -> ModelFile:
        if self._last is None or self._last[0] != options:
            from archcalc.readers.onnx.read import read_onnx

            self._last = options, read_onnx(self._path, self._name, options)
        return self._last[1]


class _TorchModule:
    """An object in the user's code that is exported when it is needed; see `archcalc.spec.models.ModelSource`."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._last: tuple[ModelOptions, ModelFile] | None = None

    def read(self, options: ModelOptions) -> ModelFile:
        if self._last is None or self._last[0] != options:
            from archcalc.readers.torch_module.read import read_module

            self._last = options, read_module(self._spec, options)
        return self._last[1]


class _Keras:
    """A Keras model that is read when it is needed, once for all shapes unless the file does not say its input's."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        self._last: tuple[ModelOptions, ModelFile] | None = None

    def read(self, options: ModelOptions) -> ModelFile:
        if self._last is None or self._last[0] != options:
            from archcalc.readers.keras.read import read_keras

            self._last = options, read_keras(self._path, self._name, options)
        return self._last[1]


def _is_description(path: Path) -> bool:
    from archcalc.readers.keras.contents import is_description

    return is_description(path)


def _is_model_in_hdf5(path: Path) -> bool:
    from archcalc.readers.keras.contents import is_model_in_hdf5

    return is_model_in_hdf5(path)


READERS[".pt2"] = _TorchExport
READERS[".onnx"] = _Onnx
READERS[".keras"] = _Keras
CONTENT_READERS[".json"] = _is_description, _Keras
CONTENT_READERS.update(dict.fromkeys((".h5", ".hdf5"), (_is_model_in_hdf5, _Keras)))
IMPORTER.append(_TorchModule)
