"""Go through the nodes of a model in their order: sizes are evaluated, all others become calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from archcalc.arrays.texts import shape_text
from archcalc.graph import Origin
from archcalc.readers.aten.program import Call, Program, ProgramTensor, TensorMetadata, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx import operators, reconciliation, rewrites  # noqa: F401  # registers what is done with operators
from archcalc.readers.onnx.codes import encoded
from archcalc.readers.onnx.constant_nodes import EqualNodes, is_constant_node, is_placeholder, is_trained_node, kind_of
from archcalc.readers.onnx.derived_arrays import DERIVATIONS
from archcalc.readers.onnx.description import notes
from archcalc.readers.onnx.empty_tensors import note_empty, require_inferred_sizes
from archcalc.readers.onnx.evaluation import evaluate
from archcalc.readers.onnx.fixed_tables import find_fixed_tables, find_masks
from archcalc.readers.onnx.functions import default_attributes, defined_by_onnx, expanded
from archcalc.readers.onnx.inference import DOMAINS, Inference, Misfit, meta_of
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.layout import put_channels_first
from archcalc.readers.onnx.names import title
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.open_shapes import note_shape
from archcalc.readers.onnx.program import TEXT
from archcalc.readers.onnx.registry import CONVERSIONS, IMPOSSIBLE, MICROSOFT
from archcalc.readers.onnx.rewriting import OPSET, REWRITES, Body
from archcalc.readers.onnx.runtime_operators import outputs_of
from archcalc.readers.onnx.sequences import is_of_sequences, read_sequences
from archcalc.readers.onnx.sizes import argument
from archcalc.readers.onnx.subgraphs import MAX_NESTING, READERS, read_subgraphs
from archcalc.readers.onnx.tensors import OnnxTensors
from archcalc.readers.onnx.values import FUNCTIONS
from archcalc.spec.errors import SpecError, fail

MAX_NODES = 200_000
"""The number of nodes of a graph that are read."""

MAX_INNER_NODES = 30_000
"""The number of nodes that are read of functions, branches and iterations, each as often as it runs."""


class Decoder:
    """The state of the reading."""

    layout = "chw"
    """The layout in which shapes are printed."""

    def __init__(self, model: Any, path: Path, name: str, inputs: Inputs, *, partial: bool = False) -> None:
        self.model, self.name, self.given, self.partial = model, name, inputs, partial
        self.tensors = OnnxTensors(model, path, name)
        self.inference = Inference({each.domain: each.version for each in model.opset_import}, model.ir_version)
        self.unknown: set[str] = set()
        """The tensors whose sizes are not known."""
        self.known: dict[str, TensorMetadata] = {}
        """What the file itself says about tensors."""
        self.equal_nodes = EqualNodes()
        self.makers: dict[str, list[str]] = {}
        """What each tensor is computed from."""
        self.nodes = self.inner_nodes = 0
        """The number of nodes that have been read of the graph, and of what its nodes stand for."""
        self.expansions = 0
        """The number of graphs that nodes were replaced by."""
        self.without_numbers = False
        """Whether stored arrays have no numbers."""
        self.turned: list[str] = []
        """The inputs that have the channels last in the file."""
        self.functions = {(each.domain, each.name): each for each in model.functions}

    # The graph

    def program(self) -> Program:
        """Return the program of the file.

        Raises:
            SpecError: the graph is not complete.
        """
        graph, tensors = self.model.graph, self.tensors
        self.turned = put_channels_first(graph, [name for name, axis in self.given.batch_axes.items() if axis != 0])
        self.add_known(graph)
        for tensor in graph.initializer:
            tensors.add_initializer(tensor)
        if graph.sparse_initializer:
            self.refuse("it has sparse initializers, which are not supported")
        inputs = self.given.metas(graph, tensors.initializers)
        tensors.metas.update(inputs)
        for each, value in self.given.values.items():
            tensors.set_value(each, value)
            del inputs[each]
        for each in filter(tensors.is_empty, inputs):
            tensors.set_empty(each)
        if not inputs:
            self.refuse("all inputs are given as numbers, so nothing is left to compute")
        for node in graph.node:
            self.node(node, 0)
        outputs = []
        for own, name in self.named_outputs():
            if name not in tensors.metas and name not in self.unknown:
                self.refuse(f"no node computes the output '{own[:100]}'")
            if tensors.is_decoded(name):
                read = tensors.renamed(name) if name == own else name
                name = encoded(tensors, read, Origin("", "", "QuantizeLinear", "")).name
            is_shared = name not in tensors.stored or name in outputs
            if name != own and name in tensors.metas and is_shared:  # under its own name
                tensors.metas[own] = tensors.metas[name]
                origin = Origin("", "", "Identity", "")
                tensors.emit("aten.alias.default", {"self": TensorName(name)}, [own], origin)
                name = own
            if name in tensors.metas or not self.partial:
                outputs.append(name)
        if not outputs and self.unknown:
            self.refuse("the sizes of all its outputs are not known")
        tensors.calls = tensors.remaining_calls()
        tensors.find_weights()
        find_fixed_tables(tensors)
        stored = tensors.used_arrays(outputs)
        return Program(
            title=title(graph.name, self.tensors.arrays.path.stem),
            inputs=inputs,
            dynamic=self.given.dynamic,
            input_names={},
            stored=stored,
            calls=tuple(tensors.calls),
            outputs=tuple(dict.fromkeys(outputs)),
            output_names=(),
            metas=tensors.metas,
            sizes=tensors.sizes_by_name,
            open_shapes={
                name: tuple(map(argument, shape)) for name, shape in tensors.open_shapes.items() if name in stored
            },
            has_weights=not self.without_numbers,
            rounds_steps=True,
        )

    def notes(self, program: Program) -> tuple[str, ...]:
        """Return what else there is to know about the model, given its program."""
        return notes(self.tensors, program, self.turned)

    def named_outputs(self) -> Iterator[tuple[str, str]]:
        """Yield the outputs by their names, and the tensors that they are; a sequence is several outputs."""
        for each in self.model.graph.output:
            name = self.tensors.resolved(each.name)
            found = self.tensors.sequences.get(name)
            if found is None:
                yield each.name, name
            for at, element in enumerate(found or ()):
                yield f"{each.name}.{at}", self.tensors.resolved(element)

    def refuse(self, reason: str, hint: str = "") -> NoReturn:
        fail("format", reason, origin=self.name, hint=hint)

    def add_known(self, graph: Any) -> None:
        """Note what a graph says about the sizes of its tensors, where it says so."""
        for each in (*graph.value_info, *graph.output):
            meta = meta_of(each.type)
            if meta is not None:
                self.known[each.name] = meta

    # Nodes

    def node(self, node: Any, nesting: int) -> None:
        """Read a node."""
        if nesting:
            self.inner_nodes += 1
            if self.inner_nodes > MAX_INNER_NODES:
                self.refuse(f"its functions, branches and loops have more than {MAX_INNER_NODES:,} nodes to run")
        else:
            self.nodes += 1
            if self.nodes > MAX_NODES:
                self.refuse(f"it has more than {MAX_NODES:,} nodes")
        if node.op_type == "Constant" and node.domain in DOMAINS:
            self.constant(node)
            return
        if is_placeholder(node):
            self.placeholder(node)
            return
        inputs = [self.tensors.resolved(name) if name else "" for name in node.input]
        self.makers.update((name, inputs) for name in node.output)
        for name in inputs:
            if name and not self.is_known(name):
                self.refuse_unread(node, name)
        n = NodeView(node, self.inference.version(node.domain), self.tensors, Origin("", "", node.op_type, ""), inputs)
        known = self.equal_nodes.outputs(n)
        if known is None:
            self.read(n, nesting)
        else:
            for name, other in zip(n.outputs, known, strict=True):
                self.tensors.alias(name, other)

    def read(self, n: NodeView, nesting: int) -> None:
        """Read a node that is not a constant, given the names of its inputs."""
        if n.operator in READERS and n.node.domain in DOMAINS:
            self.subgraphs(n, nesting)
            return
        if (n.node.domain, n.operator) in self.functions and self.expand(n, nesting):
            return
        if n.node.domain in DOMAINS and is_of_sequences(n):
            self.sequence(n)
            return
        if evaluate(n):
            note_shape(n)
            return
        if any(name in self.unknown for name in n.inputs):
            self.skip(n)
            return
        reads_empty = any(map(self.tensors.is_empty, n.inputs))
        if key_of(n) in REWRITES and not reads_empty:
            self.rewrite(n, nesting)
            return
        self.infer(n)
        if note_empty(n):
            return
        if key_of(n) in REWRITES:
            self.rewrite(n, nesting)
            return
        derivation = DERIVATIONS.get(key_of(n))
        known = all(name in self.tensors.metas for name in n.outputs if name)
        if derivation is not None and known and n.has(0) and n.inputs[0] in self.tensors.stored and derivation(n):
            note_shape(n)
            require_inferred_sizes(n)
            return
        if all(map(self.tensors.is_stored, filter(None, n.inputs))):
            find_masks(self.tensors, n.inputs)
        if is_constant_node(n) or is_trained_node(n):
            self.constant_result(n)
            note_shape(n)
            require_inferred_sizes(n)
            return
        if any(name and name not in self.tensors.metas for name in n.outputs):
            self.ask(n)
            if key_of(n) not in CONVERSIONS and self.expand(n, nesting):
                return
            self.skip(n, "the sizes of its output depend on the numbers in tensors")
            return
        self.convert(n, nesting)

    def is_known(self, name: str) -> bool:
        """Return whether a tensor or a sequence has been read, or is one of those that are not understood."""
        tensors = self.tensors
        return name in tensors.metas or name in tensors.values or name in tensors.sequences or name in self.unknown

    def sequence(self, n: NodeView) -> None:
        """Read a node of sequences or optional tensors."""
        if any(name in self.unknown for name in n.inputs):
            self.skip(n)
            return
        try:
            read_sequences(n)
        except Untranslatable as error:
            self.unknown.update(filter(None, n.outputs))
            n.origin = n.place()
            self.unconverted(n, key_of(n), f"{error}")

    def refuse_unread(self, node: Any, name: str) -> NoReturn:
        """Refuse a node because of a tensor that is not known where the node reads it."""
        reads = f"node '{node.name or node.op_type}' reads '{name[:100]}'"
        if not any(name in other.output for other in self.model.graph.node):
            self.refuse(f"{reads}, which the file neither computes nor stores")
        order = "the nodes of a model must be in an order in which tensors are computed before they are read"
        self.refuse(f"{reads}, which no node before it computes", order)

    def constant(self, node: Any) -> None:
        """Read a node that stores a tensor."""
        n = NodeView(node, 0, self.tensors, Origin("", "", "Constant", ""), ())
        (output,) = node.output
        for attribute in node.attribute:
            if attribute.name == "value":
                tensor = attribute.t
                copy = type(tensor)()
                copy.CopyFrom(tensor)
                copy.name = output
                self.tensors.add_initializer(copy, kind_of(node))
                return
            if attribute.name.startswith("value_") and "string" not in attribute.name:
                import numpy as np

                value = np.array(n.attribute(attribute.name))
                value = value.astype(np.int64 if "int" in attribute.name else np.float32)
                self.tensors.set_value(output, value)
                return
        self.refuse(f"the constant '{output[:100]}' is of a kind that is not supported")

    def placeholder(self, node: Any) -> None:
        """Read a node that stands for a stored array without numbers, as if these were in a file that is missing."""
        from onnx import TensorProto

        sizes = self.tensors.values.get(node.input[0])
        if sizes is None:
            self.refuse(f"the sizes of the stored array '{node.output[0][:100]}' are computed")
        tensor = TensorProto(name=node.output[0], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
        tensor.dims.extend(map(int, sizes.flat))
        self.tensors.add_initializer(tensor, kind_of(node) or "parameter")
        self.without_numbers = True

    def subgraphs(self, n: NodeView, nesting: int) -> None:
        """Read a node that contains graphs."""
        before = len(self.tensors.calls)
        try:
            read_subgraphs(self, n, nesting)
        except Untranslatable as error:
            self.tensors.undo(before)
            self.uncounted(n, f"{error}")

    def undecided(self, n: NodeView, what: str, *names: str) -> None:
        """Refuse a node because numbers in tensors decide what it does; return where lower bounds are asked for.

        Args:
            n: the node.
            what: what they decide.
            names: the tensors.
        """
        if not self.partial:
            reason = f"{what} depends on the numbers in {self.cause(*names)}"
            self.refuse(f"{n.place()}: {reason}", self.given.value_hint(self.inputs_of(*names)))

    def ask(self, n: NodeView) -> None:
        """Refuse a node whose outputs have sizes that inputs of the model decide which can be given as numbers."""
        unknown = [
            name for name in n.inputs if name and name not in self.tensors.values and not self.tensors.is_stored(name)
        ]
        names = [name for name in unknown if self.given.countable.issuperset(self.inputs_of(name))]
        if self.inputs_of(*names):
            self.undecided(n, "the size of its output", *names)

    def uncounted(self, n: NodeView, reason: str, *, outputs: bool = True) -> None:
        """List a node as one that is not counted.

        Args:
            n: the node.
            reason: why.
            outputs: whether the list says what its outputs are; otherwise, other calls compute them.
        """
        if outputs:
            self.infer(n)
            self.unknown.update(name for name in n.outputs if name and name not in self.tensors.metas)
        n.origin = n.place()
        self.unconverted(n, key_of(n), reason, outputs=outputs)

    def new_prefix(self) -> str:
        """Return a text that precedes names which no other tensors have."""
        self.expansions += 1
        return f"={self.expansions}~"

    def inputs_of(self, *names: str) -> list[str]:
        """Return the inputs of the model that tensors depend on."""
        found: list[str] = []
        waiting, seen = [*reversed(names)], set(names)
        while waiting:
            each = waiting.pop()
            if each in self.given.axes:
                found.append(each)
            for other in self.makers.get(each, ()):
                if other and other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return found

    def cause(self, *names: str) -> str:
        """Return the inputs that tensors depend on as text."""
        return ", ".join(f"'{each}'" for each in self.inputs_of(*names) or names)

    def infer(self, n: NodeView) -> None:
        """Note the sizes of the outputs of a node."""
        inputs = {name: self.tensors.metas[name] for name in n.inputs if name}
        values = {name: self.tensors.concrete(name) for name in n.inputs if name in self.tensors.values}
        values |= {name: self.tensors.trained_values[name] for name in n.inputs if name in self.tensors.trained_values}
        try:
            if any(each.HasField("g") for each in n.node.attribute):
                found = {}  # how often a loop runs is not known
            elif n.node.domain == MICROSOFT:
                found = outputs_of(self.inference, n.node, [self.tensors.metas.get(name) for name in n.inputs])
            else:
                found = self.inference.outputs(n.node_with(n.inputs), inputs, values)
        except Misfit as error:
            origin = n.place()
            hint = f"the sizes that are given may not fit: {self.given.written()}" if self.given.dynamic else ""
            sizes = " and ".join(shape_text(meta.sizes) for meta in inputs.values())
            reason = f"the inputs of {origin}{f', {sizes},' if sizes else ''} do not fit: {error}"
            fail("shape", reason, origin=self.name, hint=hint)
        for name in n.outputs:
            meta = found.get(name) or self.known.get(name)
            if name and meta is not None:
                self.tensors.metas[name] = meta

    def is_evaluated(self, name: str) -> bool:
        """Return whether a constant whose sizes depend on numbers can be evaluated, and note its sizes."""
        try:
            array = self.tensors.arrays.array(name)
        except SpecError:
            del self.tensors.constant_nodes[name]
            return False
        self.tensors.metas[name] = TensorMetadata(array.shape, str(array.dtype))
        return True

    def constant_result(self, n: NodeView) -> None:
        """Note the outputs of a node that is evaluated when a run needs them."""
        read = [name for name in n.inputs if name]
        if n.operator == "Mul" and self.tensors.scales.intersection(read):
            for name in read:  # scales of codes are no parameters
                self.tensors.let_be_constant(name)
        first = next((name for name in read if self.tensors.stored[name].kind == "parameter"), "")
        for name in n.outputs:
            if not name:
                continue
            self.tensors.constant_nodes[name] = n.node_with(n.inputs)
            self.tensors.constant_imports[name] = self.inference.imports
            if name not in self.tensors.metas and not self.is_evaluated(name):
                self.unknown.add(name)
                continue
            label = self.tensors.unique(self.tensors.stored[first].name if first else name)
            self.tensors.stored[name] = ProgramTensor(label, "parameter" if first else "constant", None)

    def expand(self, n: NodeView, nesting: int) -> bool:
        """Read the nodes of the function that an operator is; return whether it is one."""
        function = self.functions.get((n.node.domain, n.operator))
        if function is None:
            function = defined_by_onnx(self.inference, n.node, [self.tensors.metas.get(name) for name in n.inputs])
        if function is None or nesting > MAX_NESTING:
            return False
        outer = self.inference
        defaults = default_attributes(outer, n.node)
        own = {each.domain: each.version for each in function.opset_import}
        self.inference = Inference({**outer.opsets, **own}, outer.ir_version)
        for inner in expanded(function, n.node, defaults, n.inputs, self.new_prefix()):
            self.node(inner, nesting + 1)
        self.inference = outer
        return True

    def rewrite(self, n: NodeView, nesting: int) -> None:
        """Read the nodes that stand for an operator of ONNX Runtime."""
        outer, before = self.inference, len(self.tensors.calls)
        body = Body(n, self.new_prefix())
        try:
            apply(REWRITES[key_of(n)], body)
            self.inference = Inference({"": OPSET}, outer.ir_version)
            for inner in body.nodes:
                self.node(inner, nesting + 1)
        except Untranslatable as error:
            self.tensors.undo(before)
            self.uncounted(n, f"{error}")
        finally:
            self.inference = outer

    def convert(self, n: NodeView, nesting: int) -> None:
        """Add the calls of a node."""
        key = key_of(n)
        n.origin = n.place(self.own_weight(n))
        conversion = CONVERSIONS.get(key)
        before = len(self.tensors.calls)
        try:
            metas = filter(None, map(self.tensors.metas.get, n.inputs))
            if any(meta.dtype == TEXT for meta in metas):
                raise Untranslatable("tensors of text, which have neither numbers nor a size in memory")
            if conversion is None:
                raise Untranslatable(IMPOSSIBLE.get(key, ""))
            apply(conversion, n)
            return
        except Untranslatable as error:
            reason = f"{error}"
        self.tensors.undo(before)
        if not self.expand(n, nesting):
            self.unconverted(n, key, reason)

    def skip(self, n: NodeView, reason: str = "") -> None:
        """Note the outputs of a node whose sizes are unknown, and that it has no translation if that is so.

        Nodes that only follow one that is not understood are listed where the rest is counted.
        """
        self.unknown.update(name for name in n.outputs if name)
        key = key_of(n)
        understood = key in CONVERSIONS or key in REWRITES or key in FUNCTIONS
        if self.partial and not reason:
            reason = "the sizes of what it reads are not known"
        if not understood or reason:
            n.origin = n.place()
            self.unconverted(n, key, reason if understood else IMPOSSIBLE.get(key, ""))

    def unconverted(self, n: NodeView, key: str, reason: str, *, outputs: bool = True) -> None:
        """Add a call that has no translation, so that it is listed."""
        read = [name for name in n.inputs if name in self.tensors.metas] if outputs else []
        arguments = {f"input{index}": TensorName(name) for index, name in enumerate(read)}
        made = n.outputs if outputs and any(n.outputs) else (self.new_prefix(),)
        self.tensors.calls.append(Call(self.target(n, key), arguments, made, n.origin, reason=reason))

    def target(self, n: NodeView, key: str) -> str:
        """Return what an operator without a translation is called in lists."""
        return f"onnx.{key.replace('.', '_')}"

    def own_weight(self, n: NodeView) -> str | None:
        """Return the name of the weight of a layer."""
        found = self.tensors.stored.get(n.inputs[1]) if len(n.inputs) > 1 else None
        return found.name if found is not None and found.kind == "parameter" else None


def key_of(n: NodeView) -> str:
    """Return the name of an operator, with its domain if that is not ONNX's own."""
    return n.operator if n.node.domain in DOMAINS else f"{n.node.domain}.{n.operator}"


def apply(function: Callable[[Any], None], of: Any) -> None:
    """Convert or rewrite a node.

    Raises:
        Untranslatable: its attributes or inputs are not supported, or do not fit together.
    """
    try:
        function(of)
    except (IndexError, ValueError, ArithmeticError, TypeError):
        raise Untranslatable("arguments that do not fit together") from None
