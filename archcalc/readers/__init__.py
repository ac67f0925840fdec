"""Other formats than the spec language: from a model to a graph.

`torch_export` and `onnx` decode files to programs of calls, which `aten` translates to steps: the operations of a model
on tensors as the file has them, with their batch axis (`steps`). `batch` finds the batch axis of every tensor, and
`lowering` writes the steps as the layers of a graph, without it. `torch_module` exports modules of the user's code.
`tflite` makes nodes of ONNX of a file. `keras` converts the layers of a model one by one. `checkpoints` reads
parameters without a network.

`building` is the graph so far, for all of them. `archive`, `hdf5` and `json_text` read files that are not trusted.

Importing this package registers the readers for SPEC arguments; each is imported when a model of its format is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from archcalc.spec.models import CONTENT_READERS, FIXES_INPUTS, HDF5, IMPORTER, KERAS, READERS, ModelFile, ModelOptions


class _Source(ABC):
    """A model that is read when it is needed, and again for other options; see `archcalc.spec.models.ModelSource`."""

    _last: tuple[ModelOptions, ModelFile] | None = None

    def read(self, options: ModelOptions) -> ModelFile:
        if self._last is None or self._last[0] != options:
            self._last = options, self._read(options)
        return self._last[1]

    @abstractmethod
    def _read(self, options: ModelOptions) -> ModelFile: ...


class _File(_Source):
    """A model file."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name


class _TorchExport(_File):
    """A file of ``torch.export``, which is the same for all shapes."""

    def read(self, options: ModelOptions) -> ModelFile:
        return super().read(options._replace(shapes={}, sizes={}))

    def _read(self, options: ModelOptions) -> ModelFile:
        from archcalc.readers.torch_export.read import read_file

        return read_file(self._path, self._name, options)


class _Onnx(_File):
    """A file of ONNX."""

    def _read(self, options: ModelOptions) -> ModelFile:
        from archcalc.readers.onnx.read import read_onnx

        return read_onnx(self._path, self._name, options)


class _TensorFlowLite(_File):
    """A file of TensorFlow Lite."""

    def _read(self, options: ModelOptions) -> ModelFile:
        from archcalc.readers.tflite.read import read_tflite

        return read_tflite(self._path, self._name, options)


class _Keras(_File):
    """A Keras model, or its description."""

    def _read(self, options: ModelOptions) -> ModelFile:
        from archcalc.readers.keras.read import read_keras

        return read_keras(self._path, self._name, options)


class _TorchModule(_Source):
    """An object in the user's code, which is exported."""

    def __init__(self, spec: str) -> None:
        self._spec = spec

    def _read(self, options: ModelOptions) -> ModelFile:
        from archcalc.readers.torch_module.read import read_module

        return read_module(self._spec, options)


def _is_description(path: Path) -> bool:
    from archcalc.readers.keras.contents import is_description

    return is_description(path)


def _is_model_in_hdf5(path: Path) -> bool:
    from archcalc.readers.keras.contents import is_model_in_hdf5

    return is_model_in_hdf5(path)


READERS[".pt2"] = _TorchExport
READERS[".onnx"] = _Onnx
READERS[".tflite"] = _TensorFlowLite
READERS[KERAS] = _Keras
FIXES_INPUTS.update((".pt2", ".onnx", ".tflite"))
CONTENT_READERS[".json"] = _is_description, _Keras
CONTENT_READERS.update(dict.fromkeys(HDF5, (_is_model_in_hdf5, _Keras)))
IMPORTER.append(_TorchModule)
