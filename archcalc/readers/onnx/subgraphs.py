"""Nodes that contain graphs: the branch that a condition chooses, and loops, whose nodes are read once an iteration.

An iteration reads copies of the nodes with names of their own; stored tensors are shared by all iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from archcalc.readers.aten.program import TensorMetadata, TensorName
from archcalc.readers.aten.registry import Untranslatable
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.onnx.nodes import NodeView
from archcalc.readers.onnx.number_formats import NUMPY_FORMATS
from archcalc.readers.onnx.renaming import graphs_of, local_names, renamed
from archcalc.readers.onnx.sizes import file_value
from archcalc.readers.onnx.tensors import OnnxTensors

MAX_NESTING = 20
"""How deep graphs are nested that are read."""

MAX_ITERATIONS = 10_000

WHICH = "which branch is taken"
OFTEN = "how often it runs"


class NodeReader(Protocol):
    """What goes through the nodes of a model."""

    tensors: OnnxTensors
    given: Inputs

    def node(self, node: Any, nesting: int) -> None:
        """Read a node."""
        ...

    def add_known(self, graph: Any) -> None:
        """Note what a graph says about the sizes of its tensors."""
        ...

    def new_prefix(self) -> str:
        """Return a text that precedes names which no other tensors have."""
        ...

    def undecided(self, n: NodeView, what: str, *names: str) -> None:
        """Refuse a node because numbers in tensors decide what it does; return where lower bounds are asked for.

        Args:
            n: the node.
            what: what they decide.
            names: the tensors.
        """
        ...

    def uncounted(self, n: NodeView, reason: str, *, outputs: bool = True) -> None:
        """List a node as one that is not counted.

        Args:
            n: the node.
            reason: why.
            outputs: whether the list says what its outputs are; otherwise, other calls compute them.
        """
        ...

    def refuse(self, reason: str, hint: str = "") -> NoReturn:
        """Raise an error about the file."""
        ...


def read_subgraphs(reader: NodeReader, n: NodeView, nesting: int) -> None:
    """Read a node that contains graphs.

    Raises:
        Untranslatable: it has attributes that are not understood.
        SpecError: it is not complete, or what it does is not known.
    """
    if nesting > MAX_NESTING:
        reader.refuse(f"the graphs in {n.place()} are nested more than {MAX_NESTING} deep")
    READERS[n.operator](reader, n, nesting)


def _graph(reader: NodeReader, n: NodeView, name: str, outputs: int) -> Any:
    """Return a graph that a node must contain, with at least a number of outputs."""
    found = next((each.g for each in n.node.attribute if each.name == name and each.HasField("g")), None)
    if found is None or len(found.output) < outputs:
        reader.refuse(f"node '{n.node.name or n.operator}' has no complete '{name}'")
    return found


def _branch(reader: NodeReader, n: NodeView, nesting: int) -> None:
    """Read the branch of an ``If`` that its condition chooses."""
    condition = n.tensors.values.get(n.name(0))
    if condition is None or condition.size != 1:
        reader.undecided(n, WHICH, n.name(0))
        reader.uncounted(n, f"{WHICH} is not known")
        return
    chosen = "then_branch" if bool(file_value(condition.flat[0])) else "else_branch"
    graph = _with_stored_read(reader, _graph(reader, n, chosen, len(n.outputs)), nesting)
    reader.add_known(graph)
    taken = {name: reader.new_prefix() + name for name in local_names(graph) if n.tensors.is_taken(name)}
    for inner in graph.node:
        reader.node(_renamed_by(inner, taken) if taken else inner, nesting + 1)
    for name, output in zip(n.outputs, graph.output, strict=False):
        if name:
            n.tensors.alias(name, taken.get(output.name, output.name))


def _renamed_by(node: Any, names: Mapping[str, str], path: str = "") -> Any:
    return renamed(node, lambda name: names.get(name, name), path)


def _with_stored_read(reader: NodeReader, graph: Any, nesting: int) -> Any:
    """Read the stored tensors of a graph, and of those in it, once; return a graph without them."""
    left = type(graph)()
    left.CopyFrom(graph)
    names: dict[str, str] = {}
    for tensor in left.initializer:
        tensor.name = names[tensor.name] = _free(reader, tensor.name)
        reader.tensors.add_initializer(tensor)
    nodes = []
    for node in left.node:
        if node.op_type == "Constant" and not node.domain:
            names.update((name, _free(reader, name)) for name in node.output)
            reader.node(_renamed_by(node, names), nesting + 1)
            continue
        for inner in graphs_of(node):
            inner.CopyFrom(_with_stored_read(reader, inner, nesting))
        nodes.append(node)
    nodes = [_renamed_by(node, names) for node in nodes]
    for output in left.output:
        output.name = names.get(output.name, output.name)
    del left.initializer[:], left.node[:]
    left.node.extend(nodes)
    return left


def _free(reader: NodeReader, name: str) -> str:
    """Return a name that no other tensor has."""
    return reader.new_prefix() + name if reader.tensors.is_taken(name) else name


class _Body:
    """The graph of a loop, whose stored tensors have been read."""

    def __init__(self, reader: NodeReader, n: NodeView, outputs: int, nesting: int) -> None:
        self.reader, self.n, self.nesting = reader, n, nesting
        graph = _with_stored_read(reader, _graph(reader, n, "body", outputs), nesting)
        self.inputs = [each.name for each in graph.input]
        self.outputs = [each.name for each in graph.output]
        self.nodes = list(graph.node)
        self.locals = set(local_names(graph))
        self.path = n.node.name or n.operator
        self.iterations = 0

    def run(self, inputs: Sequence[str | Any]) -> list[str]:
        """Read an iteration, and return the names of its outputs.

        Args:
            inputs: the names of tensors, or values.
        """
        tensors = self.reader.tensors
        if len(inputs) != len(self.inputs):
            self.reader.refuse(f"the body of '{self.path}' has {len(self.inputs)} inputs instead of {len(inputs)}")
        prefix = self.reader.new_prefix()
        names = {name: f"{prefix}{name}" for name in self.locals}
        for name, given in zip(self.inputs, inputs, strict=True):
            if isinstance(given, str):
                names[name] = given
            else:
                tensors.set_value(names[name], given)
        path = f"{self.path}/{self.iterations}"
        for node in self.nodes:
            self.reader.node(_renamed_by(node, names, path), self.nesting + 1)
        self.iterations += 1
        return [tensors.resolved(names.get(name, name)) for name in self.outputs]


def _loop(reader: NodeReader, n: NodeView, nesting: int) -> None:
    """Read the iterations of a ``Loop`` whose number is known."""
    import numpy as np

    tensors = n.tensors
    limit, is_known = None, True
    if n.has(0):
        count = tensors.values.get(n.inputs[0])
        is_known = count is not None and count.size == 1
        if count is not None and is_known:
            limit = max(int(file_value(count.flat[0])), 0)
        else:
            reader.undecided(n, OFTEN, n.inputs[0])
    states = list(n.inputs[2:])
    body = _Body(reader, n, 1 + len(states), nesting)
    stacked: list[list[str]] = [[] for _ in body.outputs[1 + len(states) :]]
    condition: str = n.inputs[1] if n.has(1) else ""
    while limit is None or body.iterations < limit:
        if condition:
            goes_on = tensors.values.get(condition)
            if goes_on is None or goes_on.size != 1:
                reader.undecided(n, OFTEN, condition)
                is_known = False
            elif not bool(file_value(goes_on.flat[0])):
                break
        if body.iterations and not is_known:
            break
        if body.iterations >= MAX_ITERATIONS:
            reader.refuse(f"node '{n.node.name or n.operator}' runs more than {MAX_ITERATIONS:,} times")
        made = body.run([np.array(body.iterations), condition or np.array(True), *states])
        condition = made[0] if n.has(1) else ""
        states = made[1 : 1 + len(states)]
        for column, name in zip(stacked, made[1 + len(states) :], strict=True):
            column.append(name)
    if not is_known:
        reader.uncounted(n, f"{OFTEN} is not known, and its first iteration is counted", outputs=False)
    for output, name in zip(n.outputs, states, strict=False):
        if output:
            tensors.alias(output, name)
    for output, column in zip(n.outputs[len(states) :], stacked, strict=False):
        if output:
            _stack(n, output, column, 0)


def _scan(reader: NodeReader, n: NodeView, nesting: int) -> None:
    """Read the iterations of a ``Scan``: one for every position of its sequences."""
    count = n.attribute("num_scan_inputs")
    inputs = n.inputs if n.version >= 9 else n.inputs[1:]
    first = len(inputs) - count
    if not 0 < count <= len(inputs):
        reader.refuse(f"node '{n.node.name or n.operator}' has fewer inputs than sequences")
    body = _Body(reader, n, first, nesting)
    if n.version < 9:
        _scan_examples(reader, n, body, inputs, first)
        return
    made_count = len(body.outputs) - first
    axes = n.attribute("scan_input_axes", [0] * count)
    backwards = n.attribute("scan_input_directions", [0] * count)
    sequences = [
        _positions(reader, n, n.name(first + at), axis, bool(turned))
        for at, (axis, turned) in enumerate(zip(axes, backwards, strict=True))
    ]
    states, stacked = _iterations(reader, body, inputs[:first], sequences)
    for output, name in zip(n.outputs, states, strict=False):
        if output:
            n.tensors.alias(output, name)
    out_axes = n.attribute("scan_output_axes", [0] * made_count)
    turned_outputs = n.attribute("scan_output_directions", [0] * made_count)
    for output, column, axis, turned in zip(n.outputs[first:], stacked, out_axes, turned_outputs, strict=True):
        if output:
            _stack(n, output, column[::-1] if turned else column, axis)


def _scan_examples(reader: NodeReader, n: NodeView, body: _Body, inputs: Sequence[str], first: int) -> None:
    """Read a ``Scan`` as before version 9: one for every example of a batch, whose sequences have lengths of their own.

    The outputs are as long as the longest sequence may be; zeros follow what shorter ones make.
    """
    lengths = n.value(0)
    if n.has(0) and lengths is None:
        reader.undecided(n, OFTEN, n.inputs[0])
        raise Untranslatable(f"{OFTEN} is not known")
    directions = n.attribute("directions", [0] * (len(inputs) - first))
    examples = [*zip(*[_positions(reader, n, name, 0) for name in inputs], strict=True)]
    if lengths is not None and lengths.size != len(examples):
        reader.refuse(f"node '{body.path}' has lengths of {lengths.size} of {len(examples)} sequences")
    states: list[list[str]] = []
    made: list[list[list[str]]] = []
    size = 0
    for at, example in enumerate(examples):
        sequences = [_positions(reader, n, name, 0) for name in example[first:]]
        size = len(sequences[0])
        length = size if lengths is None else int(file_value(lengths.flat[at]))
        if not 0 <= length <= size:
            reader.refuse(f"node '{body.path}' has a sequence of length {length}, but {size} positions")
        chosen = [each[:length] for each in sequences]
        turned = [each[::-1] if back else each for each, back in zip(chosen, directions, strict=True)]
        own, stacked = _iterations(reader, body, example[:first], turned)
        states.append(own)
        made.append(stacked)
    for output, names in zip(n.outputs, zip(*states, strict=True), strict=False):
        if output:
            _stack(n, output, names, 0)
    for output, columns in zip(n.outputs[first:], zip(*made, strict=True), strict=True):
        if output:
            _stack(n, output, [_padded(reader, n, column, columns, size) for column in columns], 0)


def _padded(reader: NodeReader, n: NodeView, column: list[str], columns: Sequence[list[str]], size: int) -> str:
    """Return what the iterations of an example made, stacked and followed by zeros, which are as in other examples."""
    import numpy as np

    like = next((each[0] for each in columns if each), None)
    if like is None:
        raise Untranslatable("an output of no iterations")
    made = list(column)
    while len(made) < size:
        made.append(f"{reader.new_prefix()}zeros")
        n.tensors.set_value(made[-1], np.zeros(n.tensors.sizes(like), NUMPY_FORMATS[n.tensors.dtype(like)]))
    name = f"{reader.new_prefix()}stacked"
    _stack(n, name, made, 0)
    return name


def _iterations(
    reader: NodeReader, body: _Body, states: Sequence[str], sequences: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Read an iteration for every position of sequences; return the last states, and what each output makes."""
    if len({len(each) for each in sequences}) != 1:
        reader.refuse(f"the sequences of node '{body.path}' have different lengths")
    last = list(states)
    stacked: list[list[str]] = [[] for _ in range(len(body.outputs) - len(last))]
    for each in zip(*sequences, strict=True):
        made = body.run([*last, *each])
        last = made[: len(last)]
        for column, name in zip(stacked, made[len(last) :], strict=True):
            column.append(name)
    return last, stacked


def _positions(reader: NodeReader, n: NodeView, name: str, axis: int, backwards: bool = False) -> list[str]:
    """Return the tensors at the positions of an axis, in the order in which they are read."""
    tensors = n.tensors
    sizes, dtype = tensors.sizes(name), tensors.dtype(name)
    if not -len(sizes) <= axis < len(sizes) or sizes[axis] > MAX_ITERATIONS:
        raise Untranslatable(f"the axis {axis} of a tensor of sizes {list(sizes)}")
    axis %= len(sizes)
    names = [f"{reader.new_prefix()}{name}" for _ in range(sizes[axis])]
    value = tensors.values.get(name)
    if value is not None:
        for at, each in enumerate(names):
            tensors.set_value(each, value.take(at, axis), dtype)
    else:
        for each in names:
            tensors.metas[each] = TensorMetadata((*sizes[:axis], *sizes[axis + 1 :]), dtype)
        tensors.emit("aten.unbind.int", {"self": TensorName(name), "dim": axis}, names, n.place())
    return names[::-1] if backwards else names


def _stack(n: NodeView, output: str, parts: Sequence[str], axis: int) -> None:
    """Stack what the iterations made along a new axis."""
    import numpy as np

    tensors = n.tensors
    if not parts:
        raise Untranslatable("an output of no iterations")
    values = [tensors.values.get(each) for each in parts]
    sizes = tensors.sizes(parts[0])
    if any(tensors.sizes(each) != sizes for each in parts):
        raise Untranslatable("an output of iterations with different sizes")
    axis %= len(sizes) + 1
    dtype = tensors.dtype(parts[0])
    if all(each is not None for each in values):
        tensors.set_value(output, np.stack(values, axis), dtype)  # type: ignore[arg-type]
        return
    tensors.metas[output] = TensorMetadata((*sizes[:axis], len(parts), *sizes[axis:]), dtype)
    arguments = {"tensors": [TensorName(each) for each in parts], "dim": axis}
    tensors.emit("aten.stack.default", arguments, [output], n.place())


def _map(reader: NodeReader, n: NodeView, nesting: int) -> None:
    """Read what a ``SequenceMap`` computes of every element of a sequence, with those of others, or whole tensors."""
    tensors = n.tensors
    sequences = [tensors.sequences.get(name) for name in n.inputs]
    lengths = {len(each) for each in sequences if each is not None}
    if sequences[:1] in ([], [None]) or len(lengths) != 1:
        raise Untranslatable("sequences of unknown or different lengths")
    body = _Body(reader, n, len(n.outputs), nesting)
    made = [
        body.run([name if each is None else each[at] for name, each in zip(n.inputs, sequences, strict=True)])
        for at in range(lengths.pop())
    ]
    for at, output in enumerate(n.outputs):
        tensors.sequences[output] = tuple([each[at] for each in made])


READERS: dict[str, Callable[[NodeReader, NodeView, int], None]] = {
    "If": _branch,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _map,
}
"""How the nodes are read that contain graphs, by their operators."""
