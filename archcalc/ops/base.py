"""The contract of an operator, and the registry that finds one by its name.

An operator is a frozen dataclass of its attributes. Its formulas (output shape, weights, cost, windows) stand beside
each other in its class, each written once and generic in the number type (`archcalc.numeric`), and with them its traits
(`archcalc.ops.traits`): whatever else other packages need to know about it. Shapes are tuples of numbers, channels
first, without the batch; the axes after the first are the spatial axes (positions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, ClassVar, TypeAlias, TypeVar, dataclass_transform

from archcalc.numeric import Number, product, require
from archcalc.ops.fields import (
    Parameter,
    axes,
    flag,
    pads,
    parameters,
    positions,
    real,
    sizes,
    table,
    whole,
    word,
)
from archcalc.ops.traits import Traits
from archcalc.ops.view import View
from archcalc.ops.window import Reach, Window

Shape: TypeAlias = tuple[Number, ...]
Shapes: TypeAlias = tuple[Shape, ...]

OPERATION_KINDS = ("mul", "add", "div", "cmp", "exp", "log", "sqrt", "pow", "tanh", "erf")
"""The elementary operations that costs are counted in. ``add`` includes subtractions, ``cmp`` maxima and clamps; a
change of sign, a copy and a look-up cost nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """A stored array of a layer."""

    name: str
    shape: Shape
    trainable: bool = True

    @property
    def count(self) -> Number:
        return product(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """What one evaluation of a layer (inference, batch 1) costs."""

    operations: Mapping[str, Number] = field(default_factory=dict)
    """Kind of operation (see `OPERATION_KINDS`) to how many; kinds that do not occur are left out."""
    macs: Number = 0
    """Multiply–accumulate pairs of linear-algebra layers."""
    connections: Number = 0
    """Every use of a weight or bias (LeCun et al. 1998): outputs × (fan-in + bias)."""

    @property
    def mults(self) -> Number:
        """All scalar multiplications."""
        return self.operations.get("mul", 0)

    @property
    def flops(self) -> Number:
        """All floating-point operations."""
        return sum(self.operations.values())

    def times(self, number: Number) -> Cost:
        """The cost of so many evaluations."""
        operations = {kind: count * number for kind, count in self.operations.items()}
        return Cost(operations, self.macs * number, self.connections * number)


FREE = Cost()


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    eq_default=False,
    field_specifiers=(axes, flag, pads, positions, real, sizes, table, whole, word),
)
class Operator(Traits):
    """One layer's attributes, formulas and traits. What a subclass leaves alone is element by element, without weights.

    Every subclass becomes a frozen dataclass of the attributes it declares. They share the first methods below, which
    ``@dataclass(frozen=True)`` would compile anew for each: with some fifty operators, most of the time of an import.

    Every method takes the shapes of the inputs as one tuple.

    Raises:
        Impossible: from any method, where no such layer can exist on these inputs.
    """

    name: ClassVar[str] = ""
    arity: ClassVar[int | None] = 1
    """How many inputs; ``None`` for joins, which take two or more."""
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _defaults: ClassVar[Mapping[str, Any]] = {}
    _names: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        declared = fields(dataclass(init=False, repr=False, eq=False)(cls))
        cls._names = frozenset(each.name for each in declared)
        cls._defaults = {each.name: each.default for each in declared if each.default is not MISSING}

    def __init__(self, **attributes: Any) -> None:
        own = self.__dict__
        own.update(self._defaults)
        own.update(attributes)
        if own.keys() != self._names:
            wrong = ", ".join(sorted(own.keys() ^ self._names))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to '{name}' of an operator")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete '{name}' of an operator")

    def __repr__(self) -> str:
        attributes = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({attributes})"

    def output(self, inputs: Shapes) -> Shape:
        """The shape of the (first) output; that of the input unless overridden."""
        return inputs[0]

    def outputs(self, inputs: Shapes) -> Shapes:
        """The shapes of all outputs."""
        return (self.output(inputs),)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        """The stored arrays; none unless overridden."""
        return ()

    def cost(self, inputs: Shapes) -> Cost:
        """Operations, MACs and connections of one evaluation; nothing unless overridden."""
        return FREE

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        """What an output position sees: one `Reach` per input; position by position unless overridden."""
        return tuple(pointwise(shape) for shape in inputs)

    def rearranged(self, view: View, shape: Shape) -> View | None:
        """The view further on, where all this does is to put numbers in another order; ``None`` where it does more.

        Args:
            view: the input, as a view of a tensor before it.
            shape: of the output.
        """
        return None

    def attributes(self) -> dict[str, Any]:
        """Name to value of every declared argument."""
        return {parameter.name: getattr(self, parameter.name) for parameter in self.parameters()}

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The declared arguments, in order."""
        return parameters(cls)  # type: ignore[arg-type]  # mypy takes the __hash__ of instances for that of the class


OperatorType = TypeVar("OperatorType", bound=type[Operator])
Kin = TypeVar("Kin", bound=Operator)


def like(cls: type[Kin], op: Operator, **attributes: Any) -> Kin:
    """An operator of another class (or the same) with the attributes that both have, some of them others."""
    shared = {name: getattr(op, name) for name in cls._names if hasattr(op, name)}
    return cls(**{**shared, **attributes})


def operator(name: str) -> Callable[[OperatorType], OperatorType]:
    """Class decorator: this is the operator called ``name`` in specs."""

    def register(cls: OperatorType) -> OperatorType:
        cls.name = name
        if name in REGISTRY:
            raise ValueError(f"two operators are called {name!r}")
        REGISTRY[name] = cls
        return cls

    return register


REGISTRY: dict[str, type[Operator]] = {}


def spatial(shape: Shape) -> Shape:
    """The sizes of the spatial axes: all but the channels."""
    return shape[1:]


def pointwise(shape: Shape) -> Reach:
    """Every output position sees its own input position."""
    return (Window(),) * (len(shape) - 1)


def everywhere(shape: Shape) -> Reach:
    """Every output position sees all positions."""
    return (None,) * (len(shape) - 1)


def needs_positions(shape: Shape, what: str) -> None:
    """Require at least one spatial axis."""
    require(
        len(shape) > 1,
        "{what} needs channels and at least one spatial axis (CxL, CxHxW or CxDxHxW), got a vector of {size}",
        what=what,
        size=shape[0] if shape else "no numbers",
    )


def operations(**counts: Number) -> dict[str, Number]:
    """Operation counts without the kinds that are plainly zero."""
    return {kind: count for kind, count in counts.items() if not (type(count) is int and count == 0)}


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """Shapes as a message writes them, ``64x56x56 and 64x55x55``: put together only when the message is."""

    shapes: Shapes

    def __str__(self) -> str:
        return " and ".join("x".join(map(str, shape)) for shape in self.shapes)


def axis_of(axis: int, shape: Shape) -> int:
    """An axis number (0 = channels, negative from the end) as an index, required to exist in ``shape``."""
    rank = len(shape)
    require(
        -rank <= axis < rank,
        "axis {axis} does not exist: the tensor has {rank} axes (0 … {last})",
        axis=axis,
        rank=rank,
        last=rank - 1,
    )
    return axis % rank


def per_axis(*columns: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """`zip` that insists on one entry per axis in each column."""
    return zip(*columns, strict=True)
