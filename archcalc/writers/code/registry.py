"""How layers are written for a library: a function by operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from archcalc.writers.code.calls import LayerCode, NotInLibrary

Sizes: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class LayerContext:
    """A layer with what its code depends on. Shapes are those of the graph: channels first, without the batch."""

    op: Any
    shapes: tuple[Sizes, ...]
    """The shapes of the tensors that it reads."""
    output: Sizes
    single: tuple[bool, ...] = ()
    """For each of the tensors that it reads, whether it is the same for every example, so that its batch is 1."""

    @property
    def shape(self) -> Sizes:
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """The number of spatial axes."""
        return len(self.shape) - 1


Context = TypeVar("Context", bound=LayerContext)


class LayerWriters(Generic[Context]):
    """The functions that return the code of a layer for one library."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.by_operator: dict[str, Callable[[Context], LayerCode]] = {}

    def writes(self, *names: str) -> Callable[[Callable[[Context], LayerCode]], Callable[[Context], LayerCode]]:
        """Return a decorator that registers how operators are written."""

        def register(function: Callable[[Context], LayerCode]) -> Callable[[Context], LayerCode]:
            self.by_operator.update(dict.fromkeys(names, function))
            return function

        return register

    def code_of(self, context: Context) -> LayerCode:
        """Return how a layer is written.

        Raises:
            NotInLibrary: the library, or its writer, cannot express it.
        """
        write = self.by_operator.get(context.op.name)
        if write is None:
            raise NotInLibrary(f"there is no {self.library} code for {context.op.name}")
        return write(context)
