"""The calls of a program as expressions: what a name stands for, who uses it, and products with their factors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from archcalc.readers.aten.program import Call, Program, TensorName
from archcalc.readers.aten.registry import base_name
from archcalc.readers.aten.storage import SharedStorage

SAME = frozenset(("alias", "clone", "contiguous", "detach", "dropout", "lift_fresh_copy", "to", "_to_copy"))
"""The operators whose result has the numbers of their argument (at inference)."""

PRODUCTS = frozenset(("mul", "multiply", "div", "divide", "true_divide", "reciprocal"))

MAX_NESTING = 8
"""How deep the products are that one product consists of; the formulas that have names need fewer."""


def is_close(value: Any, expected: float) -> bool:
    """Return whether an argument is a number, up to its rounding to float32."""
    return type(value) in (int, float) and isclose(value, expected, rel_tol=1e-6)


def tensors_in(value: Any) -> Iterator[str]:
    """Return the names of the tensors in an argument."""
    if isinstance(value, TensorName):
        yield value.name
    elif isinstance(value, list):
        for each in value:
            yield from tensors_in(each)


@dataclass
class ScaledProduct:
    """A product of tensors and a number, divided by tensors."""

    number: float = 1.0
    over: list[str] = field(default_factory=list)
    under: list[str] = field(default_factory=list)
    calls: set[int] = field(default_factory=set)
    """The indices of the calls that compute it."""


class Calls:
    """The calls of a program, with their uses."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.maker: dict[str, int] = {}
        """The index of the call that makes a tensor, by its name."""
        self.source: dict[str, str] = {}
        """The tensor that a name has the numbers of, if that has another name."""
        self.uses: dict[str, set[int]] = {}
        """The indices of the calls that read a tensor, by its name; −1: it is an output of the program."""
        self.storage = SharedStorage(program)
        self.written: set[str] = set(self.storage.written)
        """The tensors that are written in place."""
        self._values: dict[Any, str] = {}
        self._value_of: dict[str, str] = {}
        for index, call in enumerate(program.calls):
            base = base_name(call.target)
            read = list(tensors_in([*call.arguments.values()]))
            if not any(call.outputs):
                continue  # an assertion
            result = call.outputs[0]
            if base in SAME and read and result is not None:
                self.source[result] = self.resolved(read[0])
                continue
            for name in read:
                self.uses.setdefault(self.resolved(name), set()).add(index)
            if base.endswith("_"):
                self.written.update(map(self.resolved, read[:1]))
            self.maker.update((made, index) for made in call.outputs if made is not None)
            if result is not None:
                self._evaluate(call, result)
        for name in program.outputs:
            self.uses.setdefault(self.resolved(name), set()).add(-1)

    def resolved(self, name: str) -> str:
        """Return the first name of a tensor."""
        return self.source.get(name, name)

    def is_written(self, name: str) -> bool:
        """Return whether a tensor is written in place, by any of its names or through a view."""
        names = (name, self.resolved(name))
        return any(each in self.written or self.storage.root(each) in self.written for each in names)

    def made_by(self, name: str, *operators: str) -> Call | None:
        """Return the call that makes a tensor, if it is of one of these operators of ATen."""
        index = self.maker.get(self.resolved(name))
        call = None if index is None else self.program.calls[index]
        known = call is not None and call.target.startswith("aten.") and base_name(call.target) in operators
        return call if known and call is not None and len(call.outputs) == 1 else None

    def index(self, name: str) -> int:
        """Return the index of the call that makes a tensor."""
        return self.maker[self.resolved(name)]

    def tensor(self, call: Call, argument: str) -> str | None:
        """Return the name of the tensor that is an argument; ``None`` if it is not a tensor."""
        value = call.arguments.get(argument)
        return self.resolved(value.name) if isinstance(value, TensorName) else None

    def is_private(self, name: str) -> bool:
        """Return whether only one call reads a tensor."""
        used = self.uses.get(self.resolved(name), set())
        return len(used) == 1 and -1 not in used

    def same(self, one: str, other: str) -> bool:
        """Return whether two tensors are computed in the same way."""
        return self._value(one) == self._value(other)

    def _value(self, name: str) -> str:
        """Return a name for all tensors that are computed in the same way."""
        name = self.resolved(name)
        return self._value_of.get(name, name)

    def _evaluate(self, call: Call, result: str) -> None:
        """Note what a call computes, given what the calls before it compute."""
        if len(call.outputs) > 1 or len(call.arguments) > 3:
            return
        if call.target.startswith(("aten.sub.", "aten.mean.", "aten.mul.")):
            read = [call.arguments.get(each) for each in ("self", "other", "dim", "keepdim")]
            values = [self._value(each.name) if isinstance(each, TensorName) else repr(each) for each in read]
            self._value_of[result] = self._values.setdefault((call.target, *values), result)

    def product(self, name: str, *, is_root: bool = False, nesting: int = MAX_NESTING) -> ScaledProduct:
        """Return a tensor as a product, with the factors of factors that are used nowhere else."""
        name = self.resolved(name)
        call = self.made_by(name, *PRODUCTS)
        first = None if call is None else self.tensor(call, "self")
        is_factor = nesting > 0 and (is_root or self.is_private(name))
        if call is None or first is None or not is_factor or "rounding_mode" in call.arguments:
            return ScaledProduct(over=[name])
        found = self.product(first, nesting=nesting - 1)
        if base_name(call.target) == "reciprocal":
            if not found.number:
                return ScaledProduct(over=[name])
            return ScaledProduct(1 / found.number, found.under, found.over, found.calls | {self.index(name)})
        other, second = call.arguments.get("other"), self.tensor(call, "other")
        divides = "div" in base_name(call.target)
        if isinstance(other, int | float):
            if divides and not other:
                return ScaledProduct(over=[name])
            found.number = found.number / float(other) if divides else found.number * float(other)
        elif second is not None:
            further = self.product(second, nesting=nesting - 1)
            over, under = (further.under, further.over) if divides else (further.over, further.under)
            found.number = found.number / further.number if divides else found.number * further.number
            found.over, found.under = found.over + over, found.under + under
            found.calls |= further.calls
        else:
            return ScaledProduct(over=[name])
        found.calls.add(self.index(name))
        return found

    def plus_number(self, name: str) -> tuple[str, float] | None:
        """Return the tensor and the number whose sum a tensor is."""
        call = self.made_by(name, "add")
        first = None if call is None else self.tensor(call, "self")
        number = None if call is None else call.arguments.get("other")
        if call is None or first is None or not isinstance(number, int | float) or "alpha" in call.arguments:
            return None
        return first, float(number)
