"""A file of TensorFlow Lite as a SPEC: its operators become nodes of ONNX, which are read as those of a file."""

from __future__ import annotations

from pathlib import Path

from archcalc.graph import channels_first
from archcalc.readers.file import without_arguments, without_layers
from archcalc.readers.onnx.read import OnnxFile, decoded
from archcalc.readers.tflite.schema import read_model
from archcalc.spec.models import ModelOptions


def read_tflite(path: Path, name: str, options: ModelOptions) -> OnnxFile:
    """Return a ``.tflite`` file.

    Args:
        path: the file.
        name: its name in messages.
        options: how to read it, with the shapes that are given.

    Raises:
        SpecError: the file cannot be read, or has operators that have no conversion.
    """
    without_arguments(options)
    without_layers(options)
    model = read_model(path, name)
    from archcalc.readers.tflite.decode import decoder_of

    decoder, layout = decoder_of(model, path, name, partial=options.partial)
    shapes = {each: channels_first(shape, layout) for each, shape in options.shapes.items()}
    return decoded(decoder, name, options._replace(shapes=shapes))
