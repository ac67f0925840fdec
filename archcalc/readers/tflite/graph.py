"""The nodes of ONNX that compute what a subgraph does, and which tensors there are with their axes in which order.

TensorFlow has the channels of maps last, the layers of our graphs have them first. Each tensor is known by one or more
variants with its axes in different orders; nodes that transpose it are only added where an operator needs another one.
Transpositions in the file add nothing but the order in which their result is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from archcalc.executor.kernel import Array
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.program import CODES
from archcalc.readers.onnx.tensors import MAX_VALUES
from archcalc.readers.tflite import operators  # noqa: F401  # registers the conversions
from archcalc.readers.tflite.buffers import has_numbers, numbers
from archcalc.readers.tflite.operation import OperationView, Order, SpaceToBatch, channels_first, in_file
from archcalc.readers.tflite.registry import CONVERSIONS, FOLLOWING, ON_MAPS
from archcalc.readers.tflite.schema import Subgraph, TfliteModel, TfliteOperator, TfliteTensor

DOMAIN = "tflite"
"""The domain of nodes that stand for operators without a conversion."""
WIDE = ("int32", "int64")
"""The formats of codes that are sums, to which nothing is rounded."""
MAX_NESTING = 20
"""How deep subgraphs call others that are read."""
OPSET = 24
"""The version of ONNX's operators."""


class OnnxGraph:
    """The nodes of a subgraph so far."""

    def __init__(
        self,
        model: TfliteModel,
        path: Path,
        name: str,
        number: int = 0,
        outer: OnnxGraph | None = None,
        within: str = "",
    ) -> None:
        """Start with the inputs.

        Args:
            model: the file.
            path: its path.
            name: its name in messages.
            number: the index of the subgraph.
            outer: the subgraph that calls it.
            within: the path of the operation that calls it.
        """
        self.nesting: int = 0 if outer is None else outer.nesting + 1
        self.within = within
        self.model, self.path, self.file, self.number = model, path, name, number
        self.subgraph: Subgraph = model.subgraphs[number]
        self.nodes: list[NodeProto] = []
        self.inputs: list[Any] = []
        self.turned: list[str] = []
        """The inputs that have the channels first here, and last in the file."""
        self.notes: dict[str, None] = {} if outer is None else outer.notes
        """What a run of the nodes computes otherwise than the file."""
        self.known: list[Any] = []
        """What is known about the outputs of operators without a conversion."""
        self.initializers: list[TensorProto] = [] if outer is None else outer.initializers
        self.tensors: dict[str, TfliteTensor] = {} if outer is None else outer.tensors
        """The stored tensors by the names of the initializers that stand for them."""
        self._taken: set[str] = set() if outer is None else outer._taken
        self._variants: dict[int, dict[Order, str]] = {}
        self._flat: dict[int, int] = {}
        """The maps that tensors are, flattened."""
        self._fixed: set[int] = set()
        self._dealt: dict[int, SpaceToBatch] = {}
        self._made: list[tuple[int, Order]] = []
        self._paths: dict[int, tuple[str, str]] = {}
        self.makers = {index: each for each in self.subgraph.operators for index in each.outputs}
        self.readers: dict[int, list[TfliteOperator]] = {}
        for each in self.subgraph.operators:
            for index in each.inputs:
                self.readers.setdefault(index, []).append(each)

    # tensors

    def rank(self, index: int) -> int:
        return len(self.subgraph.tensors[index].sizes)

    def is_constant(self, index: int) -> bool:
        """Return whether the file stores a tensor."""
        return index not in self.makers and index not in self.subgraph.inputs

    def is_fixed(self, index: int) -> bool:
        """Return whether a tensor is stored, or computed from stored ones only."""
        return self.is_constant(index) or index in self._fixed

    def orders(self, index: int) -> list[Order]:
        """Return the orders of axes in which a tensor is known."""
        if index not in self._variants and self.is_constant(index):
            return [in_file(self.rank(index))]
        return [*self._variants.get(index, ())]

    def value(self, index: int) -> Array:
        """Return the numbers of a tensor that must be stored."""
        tensor = self.subgraph.tensors[index]
        if not self.is_constant(index) or not has_numbers(tensor) or prod(tensor.sizes) > MAX_VALUES:
            raise Untranslatable("a tensor that must be fixed is computed")
        return numbers(self.path, tensor, self.file)

    def is_zero(self, index: int) -> bool:
        """Return whether a tensor is stored, and consists of zeros."""
        tensor = self.subgraph.tensors[index]
        stored = self.is_constant(index) and has_numbers(tensor) and not is_quantized(tensor)
        return stored and not numbers(self.path, tensor, self.file).any()

    def named(self, index: int, order: Order | None = None) -> str:
        """Return the name of a tensor with its axes in an order, by default that of the file."""
        wanted = in_file(self.rank(index)) if order is None else order
        if index not in self._variants:
            if index in self._flat:
                self._flatten(index)
            elif self.is_constant(index):
                self.register(index, self._stored(index))
            else:
                raise Untranslatable("it reads a tensor that no operator before it computes")
        variants = self._variants[index]
        if wanted not in variants:
            own = in_file(len(wanted))
            base = own if own in variants else next(iter(variants))
            perm = [base.index(axis) for axis in wanted]
            path, operator = self._paths.get(index, (self.subgraph.tensors[index].name, "TRANSPOSE"))
            (made,) = self.add("Transpose", [variants[base]], 1, path, operator, perm=perm)
            self.register(index, made, wanted)
        return variants[wanted]

    def register(self, index: int, name: str, order: Order | None = None) -> None:
        """Register the name of a tensor with its axes in an order, by default that of the file."""
        order = in_file(self.rank(index)) if order is None else order
        self._variants.setdefault(index, {})[order] = name
        self._made.append((index, order))

    def permute(self, source: int, made: int, order: Sequence[int]) -> None:
        """Register a tensor as another one with its axes in another order."""
        self.named(source, next(iter(self.orders(source)), None))
        for axes, name in self._variants[source].items():
            self.register(made, name, tuple([order.index(axis) for axis in axes]))

    def flatten(self, source: int, made: int) -> None:
        """Register a tensor as maps with all axes but the batch merged; they are merged where an operator needs it."""
        self._flat[made] = source

    def flattened(self, index: int) -> int | None:
        """Return the maps that a tensor is, flattened, if they are known with the channels first only."""
        found = self._flat.get(index) if index not in self._variants else None
        return found if found is not None and in_file(self.rank(found)) not in self.orders(found) else None

    def deal(self, made: int, how: SpaceToBatch) -> None:
        """Note that a tensor is another one whose positions are dealt out to the batch."""
        self._dealt[made] = how

    def dealt(self, index: int) -> SpaceToBatch | None:
        """Return how positions of a tensor are dealt out to the batch; ``None`` if they are not."""
        return self._dealt.get(index)

    def collector(self, index: int) -> TfliteOperator | None:
        """Return the operator that collects the positions of a tensor, if nothing else reads it."""
        readers = self.readers.get(index, [])
        alone = len(readers) == 1 and readers[0].name == "BATCH_TO_SPACE_ND" and index not in self.subgraph.outputs
        return readers[0] if alone else None

    def _flatten(self, index: int) -> None:
        whole = self.named(self._flat[index])
        target = self.constant(np.array([0, -1]))
        path, operator = self._paths[index]
        (made,) = self.add("Reshape", [whole, target], 1, path, operator)
        self.register(index, made)

    def _stored(self, index: int) -> str:
        """Return the name of a stored tensor, or of the real numbers that its codes encode."""
        tensor = self.subgraph.tensors[index]
        count = prod(tensor.sizes)
        if tensor.is_variable or (tensor.data is None and count):
            raise Untranslatable("it reads a tensor that is neither computed nor stored")
        if not has_numbers(tensor):
            raise Untranslatable("sparse weights" if tensor.is_sparse else f"numbers in the format {tensor.dtype}")
        proto = TensorProto(name=self.new(tensor.name), data_type=CODES[tensor.dtype], dims=tensor.sizes)
        if count <= MAX_VALUES and tensor.dtype not in ("int4", "bfloat16"):
            values = numbers(self.path, tensor, self.file)
            proto.CopyFrom(numpy_helper.from_array(values, proto.name))
        else:
            proto.data_location = TensorProto.EXTERNAL
            self.tensors[proto.name] = tensor
        self.initializers.append(proto)
        return self._real(proto.name, tensor)

    def _real(self, name: str, tensor: TfliteTensor) -> str:
        """Return the real numbers that the codes of a tensor encode."""
        codes = tensor.quantization
        if not is_quantized(tensor) or codes is None:
            return name
        inputs = [name, *self._encoding(tensor)]
        if not any(codes.offsets):
            del inputs[2:]
        (made,) = self.add("DequantizeLinear", inputs, 1, tensor.name, "DEQUANTIZE", axis=codes.axis)
        return made

    def _encoding(self, tensor: TfliteTensor) -> list[str]:
        """Return the scale and the offset of codes as tensors."""
        codes = tensor.quantization
        assert codes is not None
        single = len(codes.scales) == 1
        scale = np.array(codes.scales[0] if single else codes.scales, np.float32)
        offsets = codes.offsets or (0,)
        offset = np.array(offsets[0] if single else offsets, np.int64).astype(tensor.dtype)
        return [self.constant(scale), self.constant(np.broadcast_to(offset, scale.shape).copy())]

    def rounded(self, name: str, tensor: TfliteTensor, path: str, of: str) -> str:
        """Return numbers rounded to those that the codes of a tensor encode, if it has codes."""
        if not is_quantized(tensor) or tensor.dtype in WIDE:
            return name
        numbers = self._encoding(tensor)
        (codes,) = self.add("QuantizeLinear", [name, *numbers], 1, path, of)
        (made,) = self.add("DequantizeLinear", [codes, *numbers], 1, path, of)
        return made

    # nodes

    def new(self, name: str) -> str:
        """Return a name that no other tensor has."""
        base = found = name.replace("~", "_").lstrip("=") or "tensor"
        number = 1
        while found in self._taken:
            number += 1
            found = f"{base}:{number}"
        self._taken.add(found)
        return found

    def constant(self, values: Array) -> str:
        """Add numbers that the file does not have as a tensor."""
        name = self.new("constant")
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], count: int, path: str, of: str, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node, and return the names of its outputs.

        Args:
            operator: the operator of ONNX.
            inputs: the names of its inputs.
            count: the number of its outputs.
            path: the path of the operation in TensorFlow.
            of: the operator of the file.
            domain: the domain of the operator.
            attributes: the attributes of the node.
        """
        if self.within:
            path = path.removeprefix(f"{self.within}/")
        made = [self.new(path or operator) for _ in range(count)]
        node = helper.make_node(operator, list(inputs), made, path, doc_string=of, domain=domain or None, **attributes)
        self.nodes.append(node)
        return made

    # the whole

    def inlined(self, number: int, given: Sequence[str], outputs: int, path: str = "") -> list[str]:
        """Add the nodes of another subgraph, and return its outputs.

        Args:
            number: its index.
            given: its inputs.
            outputs: the number of its outputs.
            path: the path of the operation that calls it.
        """
        if self.nesting > MAX_NESTING or not 0 <= number < len(self.model.subgraphs):
            raise Untranslatable("a subgraph that does not exist, or calls itself")
        inner = OnnxGraph(self.model, self.path, self.file, number, self, path)
        subgraph = inner.subgraph
        if len(subgraph.inputs) != len(given) or len(subgraph.outputs) != outputs:
            raise Untranslatable("a subgraph with other inputs or outputs")
        for index, name in zip(subgraph.inputs, given, strict=True):
            inner.register(index, name)
        inner.convert()
        found = [inner.named(index) for index in subgraph.outputs]
        self.nodes += inner.nodes
        self.known += inner.known
        return found

    def branch_of(self, number: int, path: str, given: Sequence[str], outputs: int) -> GraphProto:
        """Return another subgraph as a branch, which reads the tensors of this one."""
        before = len(self.nodes)
        made = self.inlined(number, given, outputs, path)
        nodes = self.nodes[before:]
        del self.nodes[before:]
        return helper.make_graph(nodes, "branch", [], [helper.make_empty_tensor_value_info(name) for name in made])

    def graph_of(self, body: int, path: str, states: int, condition: int) -> GraphProto:
        """Return an iteration of a loop: what a subgraph makes of the states, and whether there is another one."""
        before = len(self.nodes)
        iteration, goes_on = self.new("iteration"), self.new("condition")
        given = [self.new("state") for _ in range(states)]
        made = self.inlined(body, given, states, path)
        again = self.inlined(condition, made, 1, path)
        nodes = self.nodes[before:]
        del self.nodes[before:]
        inputs, outputs = (
            [helper.make_empty_tensor_value_info(name) for name in names]
            for names in ((iteration, goes_on, *given), (*again, *made))
        )
        return helper.make_graph(nodes, "body", inputs, outputs)

    def run(self) -> None:
        """Convert the main subgraph."""
        for index in self.subgraph.inputs:
            self.add_input(index)
        self.convert()

    def convert(self) -> None:
        """Convert all operators."""
        for operator in self.subgraph.operators:
            n = OperationView(self, operator)
            self._paths.update((index, (n.path(), operator.name)) for index in operator.outputs)
            if all(map(self.is_fixed, (each for each in operator.inputs if each >= 0))):
                self._fixed.update(operator.outputs)
            nodes, made = len(self.nodes), len(self._made)
            conversion = None if operator.is_custom else CONVERSIONS.get(operator.name)
            try:
                if conversion is None:
                    raise Untranslatable("")
                conversion(n)
                continue
            except Untranslatable as error:
                reason = f"{error}"
            except (IndexError, ValueError, ArithmeticError, TypeError, LookupError):
                reason = "arguments that do not fit together"
            del self.nodes[nodes:]
            for index, order in self._made[made:]:
                self._variants[index].pop(order, None)
            self._variants = {index: each for index, each in self._variants.items() if each}
            del self._made[made:]
            self.unconverted(n, reason)

    def unconverted(self, n: OperationView, reason: str) -> None:
        """Add a node that stands for an operator without a conversion, so that it is listed."""
        read = [self.named(each) for each in n.operator.inputs if each in self._variants]
        made = self.add(
            n.name, read, len(n.operator.outputs), n.path(), n.name, DOMAIN, **({"reason": reason} if reason else {})
        )
        for index, name in zip(n.operator.outputs, made, strict=True):
            tensor = self.subgraph.tensors[index]
            sizes = [1 if axis == 0 and size < 0 else size for axis, size in enumerate(tensor.sizes)]
            if tensor.has_shape and tensor.dtype in CODES and min(sizes, default=1) >= 0:
                dtype = "float32" if is_quantized(tensor) else tensor.dtype
                self.known.append(helper.make_tensor_value_info(name, CODES[dtype], sizes))
            self.register(index, name)

    def add_input(self, index: int) -> None:
        """Add an input of the model."""
        tensor = self.subgraph.tensors[index]
        if tensor.dtype not in CODES:
            raise Untranslatable(f"the input '{tensor.name[:100]}' has numbers in the format {tensor.dtype}")
        rank = len(tensor.sizes)
        order = channels_first(rank) if self._reads_maps(index) else in_file(rank)
        name = self.new(self.names_of(is_input=True).get(index) or _own_name(tensor.name))
        sizes = [None if tensor.sizes[axis] < 0 else tensor.sizes[axis] for axis in order]
        self.inputs.append(helper.make_tensor_value_info(name, CODES[tensor.dtype], sizes))
        if order != in_file(rank):
            self.turned.append(name)
        if is_quantized(tensor):
            name = self._real(name, tensor)
        self.register(index, name, order)

    def names_of(self, *, is_input: bool) -> Mapping[int, str]:
        """Return the names of inputs or outputs in the first signature of the subgraph."""
        found = next((each for each in self.model.signatures if each.subgraph == self.number), None)
        return {} if found is None else found.inputs if is_input else found.outputs

    def _reads_maps(self, index: int) -> bool:
        """Return whether an operator of maps reads a tensor, or what others make of it that keep the order of axes."""
        waiting, seen = [index], {index}
        while waiting:
            for operator in self.readers.get(waiting.pop(), ()):
                if operator.name in ON_MAPS:
                    return True
                if operator.name in FOLLOWING:
                    new = [each for each in operator.outputs if each not in seen]
                    seen.update(new)
                    waiting += new
        return False

    def computed(self) -> Iterator[tuple[int, Order, str]]:
        """Yield the tensors that the network computes by index, with the order of their axes and a name."""
        for index, variants in self._variants.items():
            if not self.is_fixed(index):
                yield index, *next(iter(variants.items()))

    @property
    def layout(self) -> str:
        """The layout of the tensors: ``hwc`` if all maps have the channels last in the file, and first in the nodes."""
        computed = {index: [*orders] for index, orders in self._variants.items() if not self.is_fixed(index)}
        orders = [(self.rank(index), order) for index, each in computed.items() for order in each]
        first = [order == channels_first(rank) for rank, order in orders if rank > 2]
        return "hwc" if first and all(first) else "chw"

    def finished(self) -> tuple[GraphProto, str]:
        """Return the graph, and its layout."""
        layout = self.layout
        outputs = []
        names = self.names_of(is_input=False)
        for number, index in enumerate(self.subgraph.outputs):
            tensor = self.subgraph.tensors[index]
            order = channels_first(len(tensor.sizes)) if layout == "hwc" else None
            name = self.named(index, order)
            own = self.new(names.get(index) or _own_name(tensor.name) or f"output_{number}")
            path, operator = self._paths.get(index, (tensor.name, ""))
            self.nodes.append(helper.make_node("Identity", [name], [own], path, doc_string=operator))
            outputs.append(helper.make_empty_tensor_value_info(own))
        title = self.subgraph.name or "main"
        graph = helper.make_graph(self.nodes, title, self.inputs, outputs, self.initializers, value_info=self.known)
        return graph, layout


def _own_name(name: str) -> str:
    """Return the name of an input or an output without what converters add: ``serving_default_x:0``."""
    return name.removeprefix("serving_default_").removesuffix(":0").replace(":", "_")


def is_quantized(tensor: TfliteTensor) -> bool:
    """Return whether a tensor has codes of real numbers."""
    return tensor.quantization is not None and tensor.dtype.startswith(("int", "uint"))
