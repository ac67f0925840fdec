"""The translations of ATen operators to steps, and what they need: the arguments of a call, and what they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Protocol, TypeAlias

from archcalc.graph import Origin
from archcalc.readers.aten.program import Call, TensorName
from archcalc.readers.batch import Sizes
from archcalc.readers.steps import SizeName, Step

MAX_TABLE = 2**24
"""The number of elements of a constant that a translation adds: windows of 3×3 over about 1,300×1,300 positions."""


class Untranslatable(Exception):
    """A call that uses an operator in a way that has no translation; the message says which."""


class TranslationState(Protocol):
    """The state of a translation: which tensor or stored array each name is."""

    @property
    def has_batch(self) -> bool:
        """Whether an input has a batch axis."""
        ...

    def tensor(self, name: str) -> int:
        """Return the number of the tensor of a name; a stored array becomes a tensor."""
        ...

    def stored(self, name: str, array: str, *, trained: bool = True) -> str | None:
        """Return the name in the file of a parameter, or any stored array, as it is; ``None`` for anything else.

        Args:
            name: the name of the tensor.
            array: the array of an operator that it would be.
            trained: whether it must be a parameter.
        """
        ...

    def stored_together(self, names: Sequence[str], array: str) -> tuple[str, ...] | None:
        """Return the names in the file of parameters that are one array of an operator, joined; see `stored`."""
        ...

    def is_zero(self, name: str) -> bool:
        """Return whether a tensor consists of zeros for all inputs."""
        ...

    def stored_matrix(self, name: str, *, transposed: bool = False) -> str | None:
        """Return the name of a parameter that is a matrix, or of its transpose; ``None`` for anything else.

        A transpose that the program computes is known by the parameter that it is of.
        """
        ...

    def sizes(self, name: str) -> Sizes:
        """Return the sizes of a tensor or stored array, as the file has them."""
        ...

    def dtype(self, name: str) -> str:
        """Return the number format of a tensor or stored array."""
        ...

    def is_constant(self, value: Any) -> bool:
        """Return whether an argument is the same for all inputs and weights."""
        ...

    def constant(self, name: str, sizes: Sizes, call: Call) -> str:
        """Add a call on constants that is not in the file, and return the name of its result."""
        ...

    def is_read(self, name: str | None) -> bool:
        """Return whether a call reads a tensor, or it is an output of the program."""
        ...

    def is_of_weights(self, name: str) -> bool:
        """Return whether a tensor depends on stored arrays only."""
        ...

    def counts_up(self, name: str, step: int = 1) -> bool:
        """Return whether a constant is known to be 0, 1, 2, …, or multiples of a step."""
        ...

    def new(self, name: str) -> int:
        """Return the number of a new tensor, the result of this name."""
        ...

    def numbered(self, number: int) -> Sizes:
        """Return the sizes of the tensor of a number."""
        ...

    def intermediate(self, sizes: Sizes) -> int:
        """Return the number of a new tensor of these sizes, which has no name in the file."""
        ...

    def same(self, name: str, as_name: str) -> None:
        """Make a name that of the tensor that another one has."""
        ...

    def give(self, name: str, number: int) -> None:
        """Make a name that of the tensor with a number."""
        ...


def base_name(target: str) -> str:
    """Return the name of an operator without its namespace and overload: ``relu_`` of ``aten.relu_.default``."""
    return target.partition(".")[2].partition(".")[0]


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, with their kinds checked."""

    call: Call
    reading: TranslationState

    @property
    def operator(self) -> str:
        """The name of the operator, without its overload and without the mark of a call in place: ``relu``."""
        name = base_name(self.call.target)
        return name if name.endswith("__") else name.removesuffix("_")

    def _get(self, name: str, default: Any) -> Any:
        value = self.call.arguments.get(name, default)
        if value is REQUIRED:
            raise Untranslatable(f"the argument '{name}' is missing")
        return value

    @property
    def first(self) -> str:
        """The name of the tensor that is the first argument; empty if it is not a tensor."""
        value = next(iter(self.call.arguments.values()), None)
        return value.name if isinstance(value, TensorName) else ""

    def name(self, name: str) -> str:
        """Return the name of a tensor."""
        value = self._get(name, REQUIRED)
        if not isinstance(value, TensorName):
            raise Untranslatable(f"the argument '{name}' must be a tensor")
        return value.name

    def tensor(self, name: str) -> int:
        """Return the number of a tensor."""
        return self.reading.tensor(self.name(name))

    def scalar(self, name: str, default: Any = None) -> int:
        """Return the number of a tensor of one number, which is given as a number."""
        value = self._get(name, REQUIRED if default is None else default)
        if type(value) not in (int, float, bool):
            raise Untranslatable(f"the argument '{name}' must be a number")
        return self.reading.tensor(self.constant(name, "full", (1,), size=[1], fill_value=float(value)))

    def number_or_tensor(self, name: str, default: Any = None) -> int:
        """Return the number of a tensor, which may be given as one number."""
        return self.tensor(name) if self.is_tensor(name) else self.scalar(name, default)

    def constant(self, role: str, function: str, sizes: Sizes, /, **arguments: Any) -> str:
        """Return the name of a constant that the program does not have itself.

        Raises:
            Untranslatable: it is so large that it would take most of the memory of a run.
        """
        if prod(sizes) > MAX_TABLE:
            raise Untranslatable(f"a table of more than {MAX_TABLE:,} indices")
        name = f"{self.result_name}_{role}"
        return self.reading.constant(name, sizes, Call(f"aten.{function}.default", arguments, (name,), self.origin))

    def names(self, name: str) -> list[str]:
        """Return the names of a list of tensors."""
        value = self._get(name, REQUIRED)
        if not isinstance(value, list) or not value or not all(isinstance(each, TensorName) for each in value):
            raise Untranslatable(f"the argument '{name}' must be a list of tensors")
        return [each.name for each in value]

    def is_tensor(self, name: str) -> bool:
        """Return whether an argument is a tensor."""
        return isinstance(self.call.arguments.get(name), TensorName)

    def stored(self, name: str, array: str = "", *, trained: bool = True) -> str | None:
        """Return the name in the file of a parameter, or any stored array; ``None`` if the argument is missing.

        Args:
            name: the argument.
            array: the array of the operator that it is, if that has another name.
            trained: whether it must be a parameter.
        """
        value = self._get(name, None)
        if value is None:
            return None
        found = self.reading.stored(self.name(name), array or name, trained=trained)
        if found is None:
            raise Untranslatable(f"the argument '{name}' is computed, not stored")
        return found

    def needs_stored(self, name: str, array: str = "", *, trained: bool = True) -> str:
        """Return the name in the file of a parameter, or any stored array, that must be given; see `stored`."""
        found = self.stored(name, array, trained=trained)
        if found is None:
            raise Untranslatable(f"the argument '{name}' is missing")
        return found

    def sizes(self, name: str) -> Sizes:
        """Return the sizes of a tensor."""
        return self.reading.sizes(self.name(name))

    def integer(self, name: str, default: Any = None) -> int:
        """Return an integer."""
        value = self._get(name, REQUIRED if default is None else default)
        if type(value) is not int:
            raise Untranslatable(f"the argument '{name}' must be a fixed integer")
        return value

    def size(self, name: str, default: Any) -> Any:
        """Return an integer, a size that the program computes, or the default."""
        value = self._get(name, default)
        if value is not default and type(value) is not int and not isinstance(value, SizeName):
            raise Untranslatable(f"the argument '{name}' must be an integer")
        return value

    def size_list(self, name: str) -> tuple[Any, ...]:
        """Return a list of integers or of sizes that the program computes."""
        value = self._get(name, REQUIRED)
        if not isinstance(value, list) or not all(type(each) is int or isinstance(each, SizeName) for each in value):
            raise Untranslatable(f"the argument '{name}' must be a list of integers")
        return tuple(value)

    def integers(self, name: str, default: Sequence[int] | None = None, *, count: int = 0) -> tuple[int, ...]:
        """Return a list of integers; one is repeated until there are ``count``."""
        value = self._get(name, REQUIRED if default is None else list(default))
        values = [value] if type(value) is int else value
        if not isinstance(values, list) or not all(type(each) is int for each in values):
            raise Untranslatable(f"the argument '{name}' must be a list of fixed integers")
        if count and len(values) == 1:
            values = values * count
        if count and len(values) != count:
            raise Untranslatable(f"the argument '{name}' must have {count} integers, got {len(values)}")
        return tuple(values)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a Boolean."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise Untranslatable(f"the argument '{name}' must be true or false")
        return value

    def number(self, name: str, default: Any = None) -> Fraction:
        """Return a number as the decimal fraction that is written, not its nearest binary one."""
        value = self._get(name, REQUIRED if default is None else default)
        if type(value) not in (int, float):
            raise Untranslatable(f"the argument '{name}' must be a number")
        try:
            return Fraction(repr(value))
        except ValueError:
            raise Untranslatable(f"the argument '{name}' must be finite") from None

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise Untranslatable(f"the argument '{name}' must be text")
        return value

    def is_default(self, name: str, *defaults: Any) -> bool:
        """Return whether an argument is missing or one of the defaults."""
        return name not in self.call.arguments or self.call.arguments[name] in defaults

    def axis(self, name: str, rank: int, default: int | None = None) -> int:
        """Return an axis, counted from 0."""
        axis = self.integer(name, default)
        if not -rank <= axis < rank:
            raise Untranslatable(f"the axis {axis} does not exist")
        return axis % rank

    def result(self) -> int:
        """Return the number of the new tensor that is the only result."""
        return self.reading.new(self.result_name)

    @property
    def result_name(self) -> str:
        """The name of the first result."""
        name = self.call.outputs[0] if self.call.outputs else None
        if name is None:
            raise Untranslatable("the call has no result")
        return name

    @property
    def origin(self) -> Origin:
        return self.call.origin


REQUIRED = object()

Translation: TypeAlias = Callable[[Arguments], list[Step]]

TRANSLATIONS: dict[str, Translation] = {}
"""The translations by the names of operators, without their overloads: ``aten.conv2d``."""


def translates_function(*targets: str) -> Callable[[Translation], Translation]:
    """Return a decorator that registers a translation by complete names, without overloads."""

    def register(translation: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(targets, translation))
        return translation

    return register


def translates(*names: str) -> Callable[[Translation], Translation]:
    """Return a decorator that registers the translation of operators of ATen."""
    return translates_function(*(f"aten.{name}" for name in names))
