"""Go through the nodes of a model in their order: sizes are evaluated, all others become calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from archcalc.graph import Origin
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.program import Call, Meta, Program, Stored, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.batch import Sizes
from archcalc.readers.onnx import operators  # noqa: F401  # registers the conversions
from archcalc.readers.onnx.contributed import outputs_of
from archcalc.readers.onnx.functions import default_attributes, defined_by_onnx, expanded
from archcalc.readers.onnx.inference import DOMAINS, Inference, Misfit, meta_of
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.names import clean, origin_of
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.program import DTYPES, FLOATS, Derived
from archcalc.readers.onnx.protobuf import Message
from archcalc.readers.onnx.registry import CONVERSIONS, MICROSOFT
from archcalc.readers.onnx.sizes import Size, plain
from archcalc.readers.onnx.stored import DERIVATIONS
from archcalc.readers.onnx.values import FUNCTIONS, MAX_VALUES, NotEvaluated, concrete, result_format
from archcalc.readers.onnx.weights import Arrays, array_in_graph
from archcalc.spec.errors import SpecError, fail

MAX_NODES = 1_000_000
MAX_NESTING = 20
"""The number of nodes that are read, and how deep branches are nested."""

OF_PARAMETERS = frozenset(
    (
        *("Add", "Cast", "Ceil", "Clip", "Concat", "DequantizeLinear", "Div", "Floor", "Mul", "Neg", "Pow"),
        *("QuantizeLinear", "Reciprocal", "Round", "Slice", "Split", "Sqrt", "Sub"),
    )
)
"""The operators whose output has the numbers of parameters in another form, if it has no more of them."""

SCATTERS = ("ScatterND", "ScatterElements")
"""The operators that write numbers into a constant, which is then no parameter."""

JOINS = frozenset(("add", "sub", "mul", "where", "maximum", "minimum"))
"""The operators of ATen that read masks."""

MAX_MASK = 10_000_000
"""The number of elements of a tensor whose numbers are looked at."""

QUANTIZED = "Quantize"
"""A part of the names of operators that round numbers to integers."""

ROUNDING = "quantized: integers stand for the real numbers that they encode; a run does not round"

MAX_AXES = 64
MAX_SIZE = 2**63 - 1


class Decoder:
    """The state of the reading; see `archcalc.readers.onnx.nodes.Decoder`."""

    def __init__(self, message: Message, path: Path, name: str, inputs: Inputs) -> None:
        self.message, self.name, self.given = message, name, inputs
        self.arrays = Arrays(path, name, self)
        model = message.model
        self.inference = Inference({each.domain: each.version for each in model.opset_import}, model.ir_version)
        self.metas: dict[str, Meta] = {}
        self.values: dict[str, Any] = {}
        """The values of tensors that are known while the file is read."""
        self.trained_values: dict[str, Any] = {}
        """Those of small tensors of real numbers, which may be parameters."""
        self.stored: dict[str, Stored] = {}
        """The arrays that are the same for all inputs."""
        self.initializers: dict[str, Any] = {}
        self.spans = message.initializers
        self.derived: dict[str, Derived] = {}
        self.constant_nodes: dict[str, Any] = {}
        """The nodes that compute constants from constants, by the name of an output."""
        self.aliases: dict[str, str] = {}
        self.taken: set[str] = set()
        """The names of stored arrays in messages and in the names of layers."""
        self.calls: list[Call] = []
        self.sizes_by_name: dict[str, int] = {}
        self.measured: dict[tuple[str, int], Size] = {}
        self.unknown: set[str] = set()
        self.known: dict[str, Meta] = {}
        """What the file itself says about tensors."""
        self.uses = Counter(name for node in model.graph.node for name in node.input)
        self.uses.update(each.name for each in model.graph.output)
        self.call_of: dict[str, int] = {}
        self.gone: set[int] = set()
        """The calls that have become parts of others."""
        self.makers: dict[str, list[str]] = {}
        """What each tensor is computed from."""
        self.temporary = 0
        self.functions = {(each.domain, each.name): each for each in model.functions}

    # The graph

    def program(self) -> Program:
        """Return the program of the file.

        Raises:
            SpecError: the graph is not complete.
        """
        graph = self.message.model.graph
        self.add_known(graph)
        for tensor in graph.initializer:
            self.add_initializer(tensor)
        if graph.sparse_initializer:
            self.refuse("it has sparse initializers, which are not supported")
        inputs = self.given.metas(graph, self.initializers)
        self.metas.update(inputs)
        for each, value in self.given.values.items():
            self.set_value(each, value)
            del inputs[each]
        if not inputs:
            self.refuse("all inputs are given as numbers, so nothing is left to compute")
        for node in graph.node:
            self.node(node, 0)
        outputs = []
        for each in graph.output:
            name = self.resolved(each.name)
            if name not in self.metas and name not in self.unknown:
                self.refuse(f"no node computes the output '{each.name[:100]}'")
            if name != each.name and name in self.metas and name not in self.stored:  # under its own name
                self.metas[each.name] = self.metas[name]
                self.emit("aten.to.dtype", {"self": TensorName(name)}, [each.name], Origin("", "", "Identity", ""))
                name = each.name
            outputs.append(name)
        self.calls = [call for at, call in enumerate(self.calls) if at not in self.gone]
        self.find_masks()
        stored = self.used_arrays(outputs)
        return Program(
            title=clean(graph.name) or "model",
            inputs=inputs,
            dynamic=self.given.dynamic,
            input_names={},
            stored=stored,
            calls=tuple(self.calls),
            outputs=tuple(dict.fromkeys(outputs)),
            output_names=(),
            metas=self.metas,
            sizes=self.sizes_by_name,
            has_weights=True,
        )

    def refuse(self, reason: str, hint: str = "") -> NoReturn:
        fail("format", reason, origin=self.name, hint=hint)

    def add_known(self, graph: Any) -> None:
        """Note what a graph says about the sizes of its tensors, where it says so."""
        for each in (*graph.value_info, *graph.output):
            meta = meta_of(each.type)
            if meta is not None:
                self.known[each.name] = meta

    def add_initializer(self, tensor: Any) -> None:
        """Note a stored tensor; numbers are read if they are few."""
        sizes = tuple(tensor.dims)
        if len(sizes) > MAX_AXES or any(not 0 <= size <= MAX_SIZE for size in sizes):
            self.refuse(f"the initializer '{tensor.name[:100]}' has impossible sizes")
        dtype = DTYPES.get(tensor.data_type)
        if dtype is None:
            self.refuse(f"the initializer '{tensor.name[:100]}' has an unknown number format")
        self.initializers[tensor.name] = tensor
        self.metas[tensor.name] = Meta(sizes, dtype)
        count = _count(sizes)
        trained = dtype in FLOATS and count > 1
        self.stored[tensor.name] = Stored(self.unique(tensor.name), "parameter" if trained else "constant", None)
        if count <= MAX_VALUES:
            self.read_values(tensor, sizes, self.trained_values if trained else self.values)

    def read_values(self, tensor: Any, sizes: Sizes, values: dict[str, Any]) -> None:
        """Read the numbers of a small tensor, if they are in the file."""
        try:
            if tensor.name not in self.spans:
                array = array_in_graph(tensor)
            elif values is self.values:
                array = self.arrays.array(tensor.name)
            else:
                return
        except (ValueError, SpecError):
            return  # in another file, which may be missing
        if array.shape == sizes:
            values[tensor.name] = array

    def unique(self, name: str) -> str:
        """Return a name for a stored array that no other has."""
        base = clean(name) or "constant"
        found, number = base, 1
        while found in self.taken:
            number += 1
            found = f"{base}_{number}"
        self.taken.add(found)
        return found

    # Nodes

    def node(self, node: Any, nesting: int) -> None:
        """Read a node."""
        if node.op_type == "Constant" and node.domain in DOMAINS:
            self.constant(node)
            return
        inputs = [self.resolved(name) if name else "" for name in node.input]
        self.makers.update((name, inputs) for name in node.output)
        for name in inputs:
            if name and name not in self.metas and name not in self.values and name not in self.unknown:
                self.refuse(
                    f"node '{node.name or node.op_type}' reads '{name[:100]}', which no node before it computes",
                    "the nodes of a model must be in an order in which tensors are computed before they are read",
                )
        if node.op_type == "If":
            self.branch(node, inputs, nesting)
            return
        n = NodeView(node, self.inference.version(node.domain), self, Origin("", "", node.op_type, ""), inputs)
        if (node.domain, node.op_type) in self.functions and self.expand(n, nesting):
            return
        if self.evaluate(n):
            return
        if any(name in self.unknown for name in inputs):
            self.skip(n)
            return
        self.infer(n)
        derivation = DERIVATIONS.get(key_of(n))
        if derivation is not None and n.has(0) and n.inputs[0] in self.stored and derivation(n):
            return
        if self.is_constant_node(n) or self.is_trained_node(n):
            self.constant_result(n)
            return
        if any(name and name not in self.metas for name in n.outputs):
            self.skip(n, "the sizes of its output depend on the numbers in tensors")
            return
        self.convert(n, nesting)

    def constant(self, node: Any) -> None:
        """Read a node that stores a tensor."""
        n = NodeView(node, 0, self, Origin("", "", "Constant", ""), ())
        (output,) = node.output
        for attribute in node.attribute:
            if attribute.name == "value":
                tensor = attribute.t
                copy = type(tensor)()
                copy.CopyFrom(tensor)
                copy.name = output
                self.add_initializer(copy)
                return
            if attribute.name.startswith("value_") and "string" not in attribute.name:
                import numpy as np

                value = np.array(n.attribute(attribute.name))
                value = value.astype(np.int64 if "int" in attribute.name else np.float32)
                self.set_value(output, value)
                return
        self.refuse(f"the constant '{output[:100]}' is of a kind that is not supported")

    def set_value(self, name: str, value: Any, dtype: str = "") -> None:
        """Note the values of a tensor that is the same for all inputs, or depends on their sizes only."""
        self.values[name] = value
        self.metas[name] = Meta(tuple(value.shape), dtype or str(value.dtype))
        self.stored[name] = Stored(self.unique(name), "constant", None)

    def branch(self, node: Any, inputs: Sequence[str], nesting: int) -> None:
        """Read the branch of an ``If`` that its condition chooses."""
        condition = self.values.get(inputs[0]) if inputs else None
        if condition is None or nesting > MAX_NESTING:
            self.refuse(
                f"which branch {origin_of(node, None)} takes depends on the numbers in "
                f"{self.cause(inputs[0]) if inputs else 'nothing'}",
                self.given.value_hint(self.inputs_of(inputs[0]) if inputs else []),
            )
        chosen = "then_branch" if bool(plain(condition.flat[0])) else "else_branch"
        graph = next((each.g for each in node.attribute if each.name == chosen), None)
        if graph is None or len(graph.output) != len(node.output):
            self.refuse(f"node '{node.name or 'If'}' has no complete '{chosen}'")
        self.add_known(graph)
        for tensor in graph.initializer:
            self.add_initializer(tensor)
        for inner in graph.node:
            self.node(inner, nesting + 1)
        for name, output in zip(node.output, graph.output, strict=True):
            self.alias(name, output.name)

    def inputs_of(self, name: str) -> list[str]:
        """Return the inputs of the model that a tensor depends on."""
        found: list[str] = []
        waiting, seen = [name], {name}
        while waiting:
            each = waiting.pop()
            if each in self.given.axes:
                found.append(each)
            for other in self.makers.get(each, ()):
                if other and other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return found

    def cause(self, name: str) -> str:
        """Return the inputs that a tensor depends on as text."""
        return ", ".join(f"'{each}'" for each in self.inputs_of(name)) or f"'{name}'"

    def evaluate(self, n: NodeView) -> bool:
        """Evaluate a node whose inputs have known values, or that measures a tensor; return whether that succeeded."""
        if n.node.domain not in DOMAINS:
            return False
        measured = n.operator in ("Shape", "Size") and len(n.inputs) == 1 and n.inputs[0] in self.metas
        if measured and n.inputs[0] not in self.values:
            self.measure(n)
            return True
        function = FUNCTIONS.get(n.operator)
        values = [self.values.get(name) if name else None for name in n.inputs]
        known = all(value is not None or not name for name, value in zip(n.inputs, values, strict=True))
        if function is None or not known or not n.inputs:
            return False
        try:
            made = function(n, values)
        except (NotEvaluated, Untranslatable):
            return False
        except (ValueError, IndexError, TypeError, KeyError, OverflowError, AttributeError):
            return False
        results = made if isinstance(made, list) else [made]
        import numpy as np

        arrays = [np.asarray(each) for each in results]
        if len(arrays) != len(n.outputs) or sum(each.size for each in arrays) > MAX_VALUES:
            return False
        for name, value in zip(n.outputs, arrays, strict=True):
            self.set_value(name, value, result_format(n) if value.dtype == object else "")
        return True

    def measure(self, n: NodeView) -> None:
        """Note the sizes of a tensor as numbers that follow the inputs."""
        import numpy as np

        name = n.inputs[0]
        sizes = self.metas[name].sizes
        found = [self.size_of(name, axis) for axis in range(len(sizes))]
        value = np.empty(len(found), object)
        value[:] = found
        if n.operator == "Size":
            count: Any = 1
            for each in found:
                count = each * count
            value = np.empty((), object)
            value[()] = count
        else:
            value = value[n.attribute("start", 0) : n.attribute("end", None)]
        self.set_value(n.outputs[0], value, "int64")

    def infer(self, n: NodeView) -> None:
        """Note the sizes of the outputs of a node."""
        inputs = {name: self.metas[name] for name in n.inputs if name}
        values = {name: self.concrete(name) for name in n.inputs if name in self.values}
        values |= {name: self.trained_values[name] for name in n.inputs if name in self.trained_values}
        try:
            if any(each.HasField("g") for each in n.node.attribute):
                found = {}  # a loop, which may run any number of times
            elif n.node.domain == MICROSOFT:
                found = outputs_of(self.inference, n.node, [self.metas.get(name) for name in n.inputs])
            else:
                found = self.inference.outputs(n.node_with(n.inputs), inputs, values)
        except Misfit as error:
            origin = origin_of(n.node, None)
            hint = f"the sizes that are given may not fit: {self.given.written()}" if self.given.dynamic else ""
            fail("shape", f"the inputs of {origin} do not fit: {error}", origin=self.name, hint=hint)
        for name in n.outputs:
            meta = found.get(name) or self.known.get(name)
            if name and meta is not None:
                self.metas[name] = meta

    def is_constant_node(self, n: NodeView) -> bool:
        """Return whether a node computes something from constants only."""
        read = [name for name in n.inputs if name]
        if n.operator.startswith(("Random", "Bernoulli", "Multinomial")) or not all(map(self.is_stored, read)):
            return False
        kinds = {self.stored[name].kind for name in read}
        return kinds <= {"constant"} or (n.operator in SCATTERS and "constant" in kinds)

    def is_trained_node(self, n: NodeView) -> bool:
        """Return whether a node only converts or rearranges parameters, so that its output has their numbers."""
        if n.operator not in OF_PARAMETERS or n.node.domain not in DOMAINS or not all(map(self.is_stored, n.inputs)):
            return False
        trained = [name for name in n.inputs if name and self.stored[name].kind == "parameter"]
        before = sum(_count(self.sizes(name)) for name in trained)
        made = [name for name in n.outputs if name]
        if not made or any(name not in self.metas for name in made):
            return False
        after = sum(_count(self.sizes(name)) for name in made)
        return after <= before and (len(trained) == 1 or n.operator == "Concat")

    def constant_result(self, n: NodeView) -> None:
        """Note the outputs of a node that is evaluated when a run needs them."""
        read = [name for name in n.inputs if name]
        first = next((name for name in read if self.stored[name].kind == "parameter"), "")
        for name in n.outputs:
            if not name:
                continue
            if name not in self.metas:
                self.unknown.add(name)
                continue
            self.constant_nodes[name] = n.node_with(n.inputs)
            label = self.unique(self.stored[first].name if first else name)
            self.stored[name] = Stored(label, "parameter" if first else "constant", None)

    def expand(self, n: NodeView, nesting: int) -> bool:
        """Read the nodes of the function that an operator is; return whether it is one."""
        function = self.functions.get((n.node.domain, n.operator))
        if function is None:
            function = defined_by_onnx(self.inference, n.node, [self.metas.get(name) for name in n.inputs])
        if function is None or nesting > MAX_NESTING:
            return False
        self.temporary += 1
        outer = self.inference
        defaults = default_attributes(outer, n.node)
        self.inference = Inference({each.domain: each.version for each in function.opset_import}, outer.ir_version)
        for inner in expanded(function, n.node, defaults, n.inputs, f"={self.temporary}."):
            self.node(inner, nesting + 1)
        self.inference = outer
        return True

    def convert(self, n: NodeView, nesting: int) -> None:
        """Add the calls of a node."""
        key = key_of(n)
        n.origin = origin_of(n.node, self.own_weight(n))
        conversion = CONVERSIONS.get(key)
        before = len(self.calls)
        try:
            if conversion is None:
                raise Untranslatable("")
            conversion(n)
            return
        except Untranslatable as error:
            reason = f"{error}"
        except (IndexError, ValueError, ArithmeticError, TypeError):
            reason = "arguments that do not fit together"
        del self.calls[before:]
        if not self.expand(n, nesting):
            self.unconverted(n, key, reason)

    def skip(self, n: NodeView, reason: str = "") -> None:
        """Note the outputs of a node whose sizes are unknown, and that it has no translation if that is so."""
        self.unknown.update(name for name in n.outputs if name)
        key = key_of(n)
        if key not in CONVERSIONS or reason:
            n.origin = origin_of(n.node, None)
            self.unconverted(n, key, reason if key in CONVERSIONS else "")

    def unconverted(self, n: NodeView, key: str, reason: str) -> None:
        """Add a call that has no translation, so that it is listed."""
        arguments = {f"input{index}": TensorName(name) for index, name in enumerate(n.inputs) if name in self.metas}
        target = f"onnx.{key.replace('.', '_')}"
        self.calls.append(Call(target, arguments, n.outputs or ("",), n.origin, reason=reason))

    def own_weight(self, n: NodeView) -> str | None:
        """Return the name of the weight of a layer."""
        if len(n.inputs) > 1 and n.inputs[1] in self.stored and self.stored[n.inputs[1]].kind == "parameter":
            return self.stored[n.inputs[1]].name
        return None

    # What nodes ask for

    def resolved(self, name: str) -> str:
        seen = 0
        while name in self.aliases and seen < MAX_NODES:
            name, seen = self.aliases[name], seen + 1
        return name

    def sizes(self, name: str) -> Sizes:
        meta = self.metas.get(self.resolved(name))
        if meta is None:
            raise Untranslatable("the sizes of a tensor are not known")
        return meta.sizes

    def dtype(self, name: str) -> str:
        return self.metas[self.resolved(name)].dtype

    def value(self, name: str) -> Any | None:
        found = self.resolved(name)
        return self.values.get(found, self.trained_values.get(found))

    def is_parameter(self, name: str) -> bool:
        found = self.resolved(name)
        return found in self.stored and self.stored[found].kind == "parameter"

    def is_private(self, name: str) -> bool:
        return self.uses[self.resolved(name)] == 1

    def made_by(self, name: str) -> Call | None:
        found = self.call_of.get(self.resolved(name))
        return None if found is None else self.calls[found]

    def remove(self, name: str) -> None:
        self.gone.add(self.call_of.pop(self.resolved(name)))

    def concrete(self, name: str) -> Any:
        """Return the values of a tensor for the file's sizes, in its number format."""
        return concrete(self.values[name], self.metas[name].dtype)

    def is_stored(self, name: str) -> bool:
        return self.resolved(name) in self.stored

    def alias(self, name: str, of: str) -> None:
        name_of = self.resolved(of)
        if name != name_of:
            self.aliases[name] = name_of

    def emit(self, target: str, arguments: Mapping[str, Any], outputs: Sequence[str | None], origin: Origin) -> None:
        self.call_of.update((name, len(self.calls)) for name in outputs if name is not None)
        self.calls.append(Call(target, arguments, tuple(outputs), origin))

    def intermediate(self, sizes: Sizes, dtype: str) -> str:
        self.temporary += 1
        name = f"={self.temporary}"
        self.metas[name] = Meta(tuple(sizes), dtype)
        return name

    def derive(
        self, name: str, sources: Sequence[str], how: str, sizes: Sizes, function: Any, *, trained: bool = False
    ) -> str:
        sources = [self.resolved(each) for each in sources]
        first = self.stored[sources[0]]
        self.stored[name] = Stored(f"{first.name}{how}", "parameter" if trained else first.kind, None)
        known = self.metas.get(name, self.metas[sources[0]]).dtype
        self.metas[name] = Meta(tuple(sizes), "float32" if trained else known)
        self.derived[name] = Derived(tuple(sources), function)
        return name

    def size_of(self, name: str, axis: int) -> Any:
        name = self.resolved(name)
        found = self.measured.get((name, axis))
        if found is None:
            label = f"={name}.{axis}"
            value = self.metas[name].sizes[axis]
            if name in self.stored:
                return value
            self.sizes_by_name[label] = value
            origin = Origin("", "", "Shape", "")
            self.calls.append(Call("aten.sym_size.int", {"self": TensorName(name), "dim": axis}, (label,), origin))
            found = self.measured[name, axis] = Size(value, label, self.calculated)
        return found

    def calculated(self, function: str, arguments: tuple[Any, ...], value: Any) -> Size:
        self.temporary += 1
        label = f"={self.temporary}"
        self.sizes_by_name[label] = value
        self.calls.append(
            Call(function, {str(at): each for at, each in enumerate(arguments)}, (label,), Origin("", "", "", ""))
        )
        return Size(value, label, self.calculated)

    def notes(self) -> tuple[str, ...]:
        """Return what else there is to know about the model."""
        quantized = any(QUANTIZED in call.origin.function for call in self.calls)
        return (ROUNDING,) if quantized else ()

    # Stored arrays

    def imports(self) -> tuple[list[Any], int]:
        return list(self.message.model.opset_import), self.message.model.ir_version

    def find_masks(self) -> None:
        """Let stored tensors of which a look at the numbers tells that they are masks not be parameters."""
        for call in self.calls:
            if call.target.split(".")[1] not in JOINS:
                continue
            for name in tensors_in([*call.arguments.values()]):
                each = self.stored.get(name)
                if each is not None and each.kind == "parameter" and len(self.sizes(name)) > 1 and self.is_mask(name):
                    self.stored[name] = replace(each, kind="constant")

    def is_mask(self, name: str) -> bool:
        """Return whether a stored tensor consists of zeros, and ones or very small numbers in other places."""
        if _count(self.sizes(name)) > MAX_MASK:
            return False
        try:
            array = self.arrays.array(name)
        except SpecError:
            return False  # its numbers are missing
        low, high = array.min(), array.max()
        two_values = bool(((array == low) | (array == high)).all())
        return two_values and low != high and ((high == 0 and low <= -100) or (low == 0 and high == 1))

    def used_arrays(self, outputs: Iterable[str]) -> dict[str, Stored]:
        """Return the stored arrays, without those that only serve to derive others, and without copies."""
        read = {name for call in self.calls for name in tensors_in([*call.arguments.values()])} | set(outputs)
        hidden = {source for each in self.derived.values() for source in each.sources}
        hidden |= {name for node in self.constant_nodes.values() for name in node.input}
        hidden |= self.values.keys()
        return {
            name: each
            for name, each in self.stored.items()
            if name in read or (name in self.initializers and name not in hidden)
        }


def key_of(n: NodeView) -> str:
    """Return the name of an operator, with its domain if that is not ONNX's own."""
    return n.operator if n.node.domain in DOMAINS else f"{n.node.domain}.{n.operator}"


def _count(sizes: Sizes) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
