"""Go through the nodes that stand for the operators of a file; lists and names are in terms of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import helper

from archcalc.arrays.texts import shape_text
from archcalc.readers.aten.program import Program
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx import reconciliation
from archcalc.readers.onnx.decode import Decoder
from archcalc.readers.onnx.description import ROUNDING, format_note, parameters_by_format, turned_note
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.tflite.buffers import TfliteArrays
from archcalc.readers.tflite.graph import DOMAIN, OPSET, OnnxGraph, is_quantized
from archcalc.readers.tflite.names import TfliteNames
from archcalc.readers.tflite.schema import DAMAGED, TfliteModel
from archcalc.spec.errors import fail


def decoder_of(
    model: TfliteModel, path: Path, name: str, *, partial: bool
) -> tuple[Callable[[Inputs], TfliteDecoder], str]:
    """Return what makes a decoder for given inputs, and the layout of the model.

    Args:
        model: the file.
        path: its path.
        name: its name in messages.
        partial: whether operators that cannot be counted are layers without a cost.

    Raises:
        SpecError: it has inputs or outputs that are no numbers.
    """
    nodes = OnnxGraph(model, path, name)
    try:
        nodes.run()
        graph, layout = nodes.finished()
    except Untranslatable as error:
        fail("format", f"{error}", origin=name)
    except DAMAGED:
        fail(
            "format", "not a complete TensorFlow Lite model: its operators and tensors do not fit together", origin=name
        )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)])

    def decoder(inputs: Inputs) -> TfliteDecoder:
        return TfliteDecoder(proto, path, name, inputs, nodes, layout, partial=partial)

    return decoder, layout


WEIGHTS_ONLY = "quantised: only weights are integers; runtimes also round what they are multiplied by, a run does not"


class TfliteDecoder(Decoder):
    """The state of the reading."""

    def __init__(
        self, proto: Any, path: Path, name: str, inputs: Inputs, nodes: OnnxGraph, layout: str, *, partial: bool
    ) -> None:
        super().__init__(proto, path, name, inputs, partial=partial)
        self.nodes_of_file, self.layout = nodes, layout
        self.tensors.names = TfliteNames(proto.graph.node)
        buffers = TfliteArrays(path, name, self.tensors)
        buffers.tensors = nodes.tensors
        self.tensors.arrays = buffers

    def target(self, n: NodeView, key: str) -> str:
        return f"{DOMAIN}.{n.node.doc_string}"

    def unconverted(self, n: NodeView, key: str, reason: str, *, outputs: bool = True) -> None:
        reason = n.attribute("reason", "") if n.node.domain == DOMAIN else reason
        super().unconverted(n, key, reason, outputs=outputs)

    def program(self) -> Program:
        """Return the program of the file.

        Raises:
            SpecError: it is not complete, or records another shape of a tensor than it has.
        """
        found = super().program()
        for index, sizes in self.sizes_in_file().items():
            tensor = self.nodes_of_file.subgraph.tensors[index]
            recorded = tensor.sizes
            if len(sizes) != len(recorded) or any(
                own not in (-1, size) for own, size in zip(recorded, sizes, strict=True)
            ):
                reason = f"its shape is {shape_text(sizes)}, but the file records {shape_text(recorded)}"
                self.refuse(f"the tensor '{tensor.name[:100]}': {reason}")
        return found

    def sizes_in_file(self) -> dict[int, tuple[int, ...]]:
        """Return the sizes of all tensors that the network computes, in the order of axes of the file, by index."""
        found = {}
        for index, order, name in self.nodes_of_file.computed():
            meta = self.tensors.metas.get(self.tensors.resolved(name))
            if meta is not None and len(meta.sizes) == len(order):
                found[index] = tuple([meta.sizes[order.index(axis)] for axis in range(len(order))])
        return found

    def notes(self, program: Program) -> tuple[str, ...]:
        """Return the number formats of parameters, where layouts differ, and what else there is to know."""
        nodes = self.nodes_of_file
        quantized = [index for index, each in enumerate(nodes.subgraph.tensors) if is_quantized(each)]
        found = [ROUNDING] if not all(map(nodes.is_fixed, quantized)) else [WEIGHTS_ONLY] if quantized else []
        counts = parameters_by_format(self.tensors, program)
        if counts.keys() - {"float32"}:
            found += format_note(counts)
        if self.layout == "chw":
            found += turned_note(nodes.turned)
        found += nodes.notes
        others = [each.key for each in nodes.model.signatures if each.subgraph != nodes.number]
        if others:
            names = ", ".join(f"'{each[:100]}'" for each in others)
            found.append(f"only the main subgraph is read; the file has others, with the signatures {names}")
        return (*found, *reconciliation.notes(self.tensors))
