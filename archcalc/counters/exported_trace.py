"""The trace of an exported program: everything is taken from the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from archcalc.analysis.propagate import Analysis
from archcalc.counters.functions import ATTENTION, NO_FUNCTION, called_function
from archcalc.counters.products import gradients_of, macs_of
from archcalc.counters.trace import STANDARD, ModuleCall, Operation, Trace, TracedTensor, statistics_of
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.program import Call, Program, TensorName
from archcalc.readers.aten.registry import base_name

BYTES = {
    "float64": 8,
    "int64": 8,
    "complex64": 8,
    "float16": 2,
    "bfloat16": 2,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}
"""The bytes per number of formats that do not have four."""

VIEWS = frozenset(
    (
        *("alias", "chunk", "detach", "expand", "expand_as", "flatten", "narrow", "permute", "reshape", "select"),
        *("slice", "split", "squeeze", "t", "transpose", "unbind", "unflatten", "unsqueeze", "view", "view_as"),
    )
)
"""The operators whose result is a view of their argument."""

FILE = re.compile(r'File "([^"\n]{0,1000})", line \d{1,9}, in forward')
SEQUENTIAL = ("torch/nn/modules/container.py", "torch\\nn\\modules\\container.py")
"""The file in which ``Sequential`` calls its modules."""


def trace_of(program: Program, analysis: Analysis, batch: int, used: frozenset[str]) -> Trace:
    """Return the trace of a program.

    Args:
        program: the program.
        analysis: that of its graph, whose layers operations belong to.
        batch: the number of examples in the file.
        used: the names of the parameters that the graph uses.
    """
    return _Tracing(program, analysis).trace(batch, used)


class _Tracing:
    """The state while a program is followed."""

    def __init__(self, program: Program, analysis: Analysis) -> None:
        self.program, self.analysis = program, analysis
        self.layers = {id(node.origin): node.name for node in analysis.graph.nodes if node.origin is not None}
        self.tensors: dict[str, TracedTensor] = {}
        self.calls: dict[str, ModuleCall] = {}
        self.holders = {path.rpartition(".")[0] for path in program.modules if path}
        self.own: dict[str, dict[str, TracedTensor]] = {}
        self.function = ""
        self.views: set[str] = set()

    def trace(self, batch: int, used: frozenset[str]) -> Trace:
        parameters: dict[str, TracedTensor] = {}
        buffers: dict[str, TracedTensor] = {}
        for local, stored in self.program.stored.items():
            kind = stored.kind if stored.kind == "parameter" else "buffer"
            meta = self.program.metas.get(local)
            is_trained = meta is not None and meta.requires_grad
            tensor = self.tensors[local] = self.tensor(local, kind, is_trained=is_trained)
            (parameters if kind == "parameter" else buffers)[stored.name] = tensor
            module, _, name = stored.name.rpartition(".")
            if kind == "parameter":
                self.own.setdefault(module, {})[name] = tensor
        inputs = tuple([self.tensor(name) for name in self.program.inputs])
        operations = tuple([each for call in self.program.calls for each in self.operation(call)])
        return Trace(
            operations,
            tuple(self.calls.values()),
            parameters,
            buffers,
            used,
            inputs,
            batch,
            int(self.analysis.totals.params),
            statistics_of(self.analysis.layers),
            0,
            self.silent(),
            frozenset(self.views),
        )

    def silent(self) -> dict[str, list[str]]:
        """Return the modules without operations, as `Trace` has them; the file lists modules as they are defined."""
        called = {call.path for call in self.calls.values()}
        before: dict[str, str] = {}
        found: dict[str, list[str]] = {}
        for path in self.program.modules:
            around = path.rpartition(".")[0]
            if path in called:
                before[around] = path
            elif path not in self.holders and path not in self.own:
                found.setdefault(around, []).append(before.get(around, ""))
        return found

    def tensor(self, name: str, kind: str = "computed", *, is_trained: bool = False) -> TracedTensor:
        """Return a tensor of the program as it is recorded."""
        meta = self.program.metas.get(name)
        if meta is None:
            return TracedTensor((), name)
        sizes = tuple([size if type(size) is int else 1 for size in meta.sizes])
        strides = tuple([stride for stride in meta.strides if type(stride) is int])
        known = strides if len(strides) == len(sizes) else None
        return TracedTensor(sizes, name, BYTES.get(meta.dtype, 4), kind, is_trained, known)

    def known(self, name: str) -> TracedTensor:
        found = self.tensors.get(name)
        if found is None:
            found = self.tensors[name] = self.tensor(name)
        return found

    def operation(self, call: Call) -> Iterator[Operation]:
        """Return the operation of a call; none if the call makes no tensor."""
        made = [name for name in call.outputs if name is not None and name in self.program.metas]
        if not made:
            return
        read = tuple([self.known(name) for name in tensors_in([*call.arguments.values()])])
        is_trained = any(each.depends_on_parameters for each in read)
        for name in made:
            self.tensors[name] = self.tensor(name, is_trained=is_trained)
        outputs = tuple([self.tensors[name] for name in made])
        if base_name(call.target) in VIEWS and (read[0].kind == "parameter" or read[0].name in self.views):
            self.views.update(made)
        arguments = {name: self.argument(value) for name, value in call.arguments.items()}
        base = base_name(call.target)
        module = self.module(call.site.modules, call.site.trace)
        function, _, kind = call.site.function.partition(";")
        how = called_function(kind, base.removesuffix("_"), call.site.line, module.class_name if module else "")
        if how.function.startswith("F.") and function == self.function and not kind.endswith(ATTENTION):
            how = NO_FUNCTION  # a further operator of a function that has been seen
        self.function = function
        path = module.path if module else ""
        macs = macs_of(base, arguments, outputs[0])
        operation = Operation(
            base,
            how.function,
            read,
            outputs,
            arguments,
            macs,
            self.layers.get(id(call.origin)) or path.replace(".", "/") or base,
            module,
            how.other,
            gradients_of(base, arguments, macs),
        )
        if module is not None:
            module.add(operation)
        yield operation

    def argument(self, value: Any) -> Any:
        if isinstance(value, TensorName):
            return self.known(value.name)
        return [self.argument(each) for each in value] if isinstance(value, list) else value

    def module(self, stack: str, trace: str) -> ModuleCall | None:
        """Return the innermost call of a stack of modules, and note all that are new.

        Args:
            stack: the modules.
            trace: the frames of their calls.
        """
        if not stack:
            return None
        if stack in self.calls:
            return self.calls[stack]
        outer, _, entry = stack.rpartition(";")
        parts = entry.split(",")
        parent = self.module(outer, trace)
        if len(parts) < 3:
            return parent
        path, qualified = parts[1], parts[2]
        name = qualified.rpartition(".")[2] if qualified.startswith(STANDARD) else qualified
        frames = FILE.findall(trace)
        depth = stack.count(";")
        is_sequential = depth < len(frames) and frames[depth].endswith(SEQUENTIAL)
        is_leaf = path not in self.holders
        call = ModuleCall(path, name, parent, is_leaf, self.own.get(path, {}), is_sequential and not is_leaf)
        self.calls[stack] = call
        if parent is not None:
            parent.children.append(call)
        return call
