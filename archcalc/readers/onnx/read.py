"""A model file as a SPEC: its sizes and values are given by the user where the file leaves them open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from archcalc.graph import Graph
from archcalc.numeric import Number
from archcalc.ops.base import Shape
from archcalc.readers.aten.program import Call, Program
from archcalc.readers.aten.translate import model_of
from archcalc.readers.file import LoweredFile, batch_axes, without_arguments, without_layers
from archcalc.readers.lowering import StepModel
from archcalc.readers.onnx.decode import Decoder
from archcalc.readers.onnx.description import record
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.protobuf import read_model
from archcalc.readers.onnx.tensors import MAX_AXES
from archcalc.readers.onnx.weights import arrays_of
from archcalc.spec.errors import SpecError, fail
from archcalc.spec.models import ModelOptions

DAMAGED = (TypeError, ValueError, LookupError, AttributeError, RuntimeError, OverflowError, MemoryError)
"""What fields of other kinds, and texts that are none, raise while a file is read."""


class OnnxFile(LoweredFile):
    """A model file that may leave sizes open."""

    def __init__(self, model: StepModel, given: Inputs) -> None:
        super().__init__(model)
        self.given = given

    def graph(
        self,
        shapes: Mapping[str, Shape],
        given: Collection[tuple[str, int]],
        attributes: Mapping[int, Mapping[str, Number]],
        observe: Callable[[int], None] | None,
    ) -> Graph:
        """Return the graph for given shapes, which must give all sizes that the file leaves open."""
        self.given.require(given)
        return replace(super().graph(shapes, given, attributes, observe), axis_names=self.axis_names)

    @property
    def axis_names(self) -> Mapping[str, tuple[str, int]]:
        return self.given.names


def read_onnx(path: Path, name: str, options: ModelOptions) -> OnnxFile:
    """Return an ``.onnx`` file.

    Args:
        path: the file.
        name: its name in messages.
        options: how to read it, with the shapes that are given.

    Raises:
        SpecError: the file cannot be read, or has operators that have no translation.
    """
    without_arguments(options)
    without_layers(options)
    proto = read_model(path, name)

    def decoder(inputs: Inputs) -> Decoder:
        return Decoder(proto, path, name, inputs, partial=options.partial)

    return decoded(decoder, name, options)


def decoded(decoder_of: Callable[[Inputs], Decoder], name: str, options: ModelOptions) -> OnnxFile:
    """Return a model of ONNX as a SPEC.

    Args:
        decoder_of: returns what goes through its nodes, given its inputs.
        name: the name of the file in messages.
        options: how to read it, with the shapes that are given in the order of the nodes.

    Raises:
        SpecError: it is not complete, or has operators that have no translation.
    """
    axes = batch_axes(options)
    inputs = Inputs(name, options.shapes, axes, options.values, options.sizes)

    def load(program: Program, constant_calls: Iterable[Call], names: Iterable[str]) -> Mapping[str, Any]:
        return arrays_of(decoder.tensors.arrays, name, program, constant_calls, names)

    def fixed() -> dict[str, Any]:
        return {
            each: decoder.tensors.arrays.array(each)
            for each, kept in program.stored.items()
            if kept.kind != "parameter"
        }

    try:
        decoder, program = _program(decoder_of, inputs, name)
        model = model_of(program, name, {**axes, **inputs.axes}, load, fixed, is_partial=options.partial)
    except SpecError:
        first = next(iter(inputs.axes), "")
        inputs.require([(each or first, at) for each in options.shapes for at in range(MAX_AXES)])
        raise
    about = decoder.notes(program)
    graph = decoder.model.graph
    return OnnxFile(replace(model, notes=about, record=record(graph, decoder.tensors), layout=decoder.layout), inputs)


def _program(decoder_of: Callable[[Inputs], Decoder], inputs: Inputs, name: str) -> tuple[Decoder, Program]:
    """Return the program of a model, and what its arrays are read with."""
    try:
        decoder = decoder_of(inputs)
        return decoder, decoder.program()
    except SpecError:
        raise
    except DAMAGED as error:
        fail("format", f"not a valid ONNX model: {type(error).__name__}: {error}"[:300], origin=name)
