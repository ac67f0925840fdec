"""The records of an exported program: calls of operators on named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from archcalc.graph import Origin
from archcalc.numeric import Number
from archcalc.readers.dynamic_sizes import DynamicSize

MAX_LINE = 1000
"""The number of characters of a source line that are read."""

COMPUTED = "="
"""Precedes the name of a constant that the program computes, where names of stored tensors are meant, and the name of
a tensor that a call of several makes for another one of them."""


class TensorName(NamedTuple):
    """An argument that is a tensor."""

    name: str


class Word(NamedTuple):
    """An argument that names something: a number format, layout, device, or operator."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """What the file records about a tensor."""

    sizes: tuple[Number, ...]
    dtype: str
    requires_grad: bool = False
    strides: tuple[Number, ...] = ()
    """Distances between neighbours along each axis, in numbers; none if they are not recorded."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """What the program records about how an operator was called, as text. Empty: not recorded."""

    modules: str = ""
    """The modules that are being called, outermost first: ``key,path,class;…``. The key of a second call of a module
    ends with ``@1``."""
    function: str = ""
    """The kind and the name of the function that was called: ``builtin_function_or_method.conv2d``."""
    trace: str = ""
    """The frames of the calls of modules, outermost first, each with its source line below it."""

    @property
    def line(self) -> str:
        """The source line of the innermost call of a module."""
        return self.trace[-MAX_LINE:].rpartition("\n")[2].strip()


UNKNOWN_SITE = CallSite()


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operator."""

    target: str
    """The name of the operator: ``aten.conv2d.default``."""
    arguments: Mapping[str, Any]
    """The arguments by the names of the operator's schema. Arguments that have their default values are missing."""
    outputs: tuple[str | None, ...]
    """The names of the results; ``None`` for one that is not a tensor or an integer."""
    origin: Origin
    site: CallSite = UNKNOWN_SITE
    reason: str = ""
    """Why it cannot be translated, if its reader knows."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Where the numbers of a stored tensor are in the archive."""

    name: str
    """Its name in the model's state: ``layer1.0.conv1.weight``."""
    folder: str
    member: str
    """The member that has its numbers, in the folder; tensors that share it are one tensor."""
    pickled: bool
    dtype: str
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    """Distances between neighbours along each axis, in numbers."""
    offset: int
    """The index of the first number in the member."""


@dataclass(frozen=True, slots=True)
class ProgramTensor:
    """A stored tensor of the model."""

    name: str
    """Its name in the model's state: ``layer1.0.conv1.weight``."""
    kind: Literal["parameter", "buffer", "constant"]
    payload: Payload | None
    """Where its numbers are; ``None`` if the archive does not say."""
    module: str = ""
    """The path of the module that it belongs to, if its name does not begin with that."""


@dataclass(frozen=True, slots=True)
class Program:
    """An exported program."""

    title: str
    inputs: Mapping[str, TensorMetadata]
    """The tensors that the user passes, by name in the program."""
    dynamic: Mapping[tuple[str, int], DynamicSize]
    """The sizes of inputs that the program leaves open, by name of the input and axis."""
    input_names: Mapping[str, str]
    """The names of the parameters of ``forward`` by the names of the inputs."""
    stored: Mapping[str, ProgramTensor]
    """The stored tensors by their names in the program."""
    calls: tuple[Call, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]
    """The names under which the model returns its outputs; empty if it returns them without."""
    metas: Mapping[str, TensorMetadata]
    """What is recorded about all tensors."""
    sizes: Mapping[str, Number]
    """The values of named integers."""
    has_weights: bool
    """Whether the archive has the numbers of the stored tensors."""
    modules: tuple[str, ...] = ()
    """The paths of all modules of the model, called or not."""
    open_shapes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The shapes of stored tensors that follow the sizes of inputs: integers, and names of sizes."""
    rounds_steps: bool = False
    """Whether operators that consist of several steps have the results of each in the number format of the tensors.
    Otherwise, they compute in float32."""
