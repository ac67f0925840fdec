"""The interface of operators, and the registry of operators by name.

An operator is a frozen dataclass of its attributes. Its class contains its formulas (output shape, weights, cost,
windows), each written once and generic in the number type (`archcalc.numeric`), and its traits (`archcalc.ops.traits`),
which are all that other packages need to know about it. Shapes are tuples of numbers, channels first, without the
batch; the axes after the first are the spatial axes (positions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar, dataclass_transform

from archcalc.arrays.texts import shape_text
from archcalc.numeric import Impossible, Number, product, require
from archcalc.ops.backward import INPUT, OUTPUT, Kept, Multiplication, Needs
from archcalc.ops.fields import (
    Argument,
    Features,
    Parameter,
    axes,
    axis,
    axis_list,
    axis_word,
    flag,
    integer,
    lengths,
    pads,
    parameters,
    pattern,
    positions,
    real,
    sizes,
    table,
    tensor,
    word,
)
from archcalc.ops.traits import Traits
from archcalc.ops.view import View
from archcalc.ops.window import Reach, Window

Shape: TypeAlias = tuple[Number, ...]
Shapes: TypeAlias = tuple[Shape, ...]

OPERATION_KINDS = ("mul", "add", "div", "cmp", "exp", "log", "sqrt", "pow", "tanh", "erf", "sin")
"""The elementary operations that costs count. ``add`` includes subtractions, ``cmp`` includes maxima and clamps;
negations, copies and lookups cost nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """A stored array of a layer."""

    name: str
    shape: Shape
    trainable: bool = True
    added: bool = False
    """Whether it is added to what the layer computes: a bias or a shift."""
    active: Shape | None = None
    """The shape of the part that a token uses, as in mixtures of experts; ``None``: all of it."""

    @property
    def count(self) -> Number:
        return product(self.shape)

    @property
    def active_count(self) -> Number:
        """How many of its numbers a token uses."""
        return product(self.shape if self.active is None else self.active)


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """The cost of one evaluation of a layer (inference, batch 1)."""

    operations: Mapping[str, Number] = field(default_factory=dict)
    """The number of operations by kind (see `OPERATION_KINDS`), without kinds that do not occur."""
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
        """Return the cost of ``number`` evaluations."""
        operations = {kind: count * number for kind, count in self.operations.items()}
        return Cost(operations, self.macs * number, self.connections * number)

    def __add__(self, other: Cost) -> Cost:
        """Return the cost of both."""
        kinds = dict.fromkeys((*self.operations, *other.operations))
        operations = {kind: _plus(self.operations.get(kind, 0), other.operations.get(kind, 0)) for kind in kinds}
        return Cost(operations, _plus(self.macs, other.macs), _plus(self.connections, other.connections))


def _plus(one: Number, other: Number) -> Number:
    """Return the sum, without terms that are the integer 0, which derivations would print."""
    if type(one) is int and one == 0:
        return other
    return one if type(other) is int and other == 0 else one + other


FREE = Cost()


class Cache(NamedTuple):
    """The numbers of keys and values that a layer keeps while tokens are generated one by one."""

    kept: Number = 0
    """After all positions of the input."""
    per_token: Number = 0
    """How many one more token adds, while no window is full."""


NO_CACHE = Cache()


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    eq_default=False,
    field_specifiers=(
        axes,
        axis,
        axis_list,
        axis_word,
        flag,
        lengths,
        pads,
        pattern,
        positions,
        real,
        sizes,
        table,
        tensor,
        integer,
        word,
    ),
)
class Operator(Traits):
    """The attributes, formulas and traits of a layer. The defaults describe an element-wise operator without weights.

    Every subclass becomes a frozen dataclass of the attributes that it declares. The subclasses share the first methods
    below, which ``@dataclass(frozen=True)`` would compile for each of them: with some fifty operators, that would take
    most of the time of an import.

    Every formula takes the shapes of the inputs as one tuple.

    Raises:
        Impossible: from any method, if no such layer can exist on these inputs.
    """

    name: ClassVar[str] = ""
    family: ClassVar[str] = ""
    """The name of the file that defines it. Operators of one family replace each other."""
    reserved: ClassVar[bool] = True
    """Whether no block, variable or parameter may have its name; otherwise, theirs hides it."""
    arity: ClassVar[int | None] = 1
    """The number of inputs: 1, 0 for sources, ``None`` for joins, which have two or more. Tensors that are arguments
    (`archcalc.ops.fields.tensor`) are further inputs."""
    joined: ClassVar[tuple[int, int | None]] = (2, None)
    """The smallest and the largest number of inputs of a join; ``None``: any number."""
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
        """Return the shape of the (first) output; by default, that of the first input."""
        return inputs[0]

    def outputs(self, inputs: Shapes) -> Shapes:
        """Return the shapes of all outputs."""
        return (self.output(inputs),)

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        """Return the stored arrays; by default, none."""
        return ()

    def cost(self, inputs: Shapes) -> Cost:
        """Return the operations, MACs and connections of one evaluation; by default, none."""
        return FREE

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        """Return the multiplications of tensors that the macs of a layer are those of; by default, none."""
        return ()

    def backward_macs(self, inputs: Shapes, needs: Needs) -> Number:
        """Return the macs of the gradients that are needed, of one example."""
        found: Number = 0
        for each in self.multiplications(inputs):
            times = each.gradients(needs)
            if times:
                found = _plus(found, each.macs if times == 1 else times * each.macs)
        return found

    def kept(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the tensors that the backward pass needs; some may be listed twice.

        By default, they are the other factors of multiplications, and what the trait `differentiated_by` says.

        Args:
            inputs: the shapes of the inputs.
            needs: the gradients that are needed.
            in_place: whether the output is written over the input.
        """
        found = self.factors_kept(inputs, needs)
        what = self.differentiated_by if not in_place or self.in_place is None else self.in_place
        found += {"": (), "input": (INPUT,), "output": (OUTPUT,), "both": (INPUT, OUTPUT)}[what]
        return tuple(found)

    def factors_kept(self, inputs: Shapes, needs: Needs) -> list[Kept]:
        """Return the factors of multiplications that the backward pass needs; some may be listed twice."""
        return [kept for each in self.multiplications(inputs) for kept in each.kept(needs)]

    def kept_in_pytorch(self, inputs: Shapes, needs: Needs, *, in_place: bool = False) -> tuple[Kept, ...]:
        """Return the tensors that PyTorch keeps, on any device; by default, those that the backward pass needs."""
        return self.kept(inputs, needs, in_place=in_place)

    def passes_gradient_unchanged(self, place: int, inputs: Shapes) -> bool:
        """Return whether the gradient of the input at a place consists of numbers of that of the output, so that it
        takes no memory of its own; by default, it does not."""
        return False

    def cache(self, inputs: Shapes) -> Cache:
        """Return the keys and values that are kept for further tokens; by default, none."""
        return NO_CACHE

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        """Return what an output sees, one `Reach` per input; by default, the element at its own indices."""
        return tuple(pointwise_reach(shape) for shape in inputs)

    def windows_of(self, output: int, inputs: Shapes) -> tuple[Reach, ...]:
        """Return the windows of one of the outputs; by default, those of the first."""
        return self.windows(inputs)

    def feature_axis(self, inputs: Shapes, features: tuple[int | None, ...]) -> int | None:
        """Return the axis of the output that holds features; ``None`` if all of its axes are positions.

        By default, it is where the operator reads features, or the one of the (first) input that has one. Operators
        that only reorder elements are asked for a `View` instead.

        Args:
            inputs: the shapes of the inputs.
            features: the axes of the inputs that hold features.
        """
        if self.reads_features == "first" or self.flattens:
            return 0
        if self.reads_features:
            return len(self.output(inputs)) - 1
        return next((axis for axis in features if axis is not None), None)

    def matching_axis(self, place: int, inputs: Shapes, features: Sequence[int | None]) -> int | None:
        """Return the axis of an input that is as long as the features of the others, wherever that may be.

        ``None``: there is none, or it is where the others have theirs.

        Args:
            place: the index of the input.
            inputs: the shapes of the inputs.
            features: the axes of the inputs that hold features.
        """
        return None

    def rearranged(self, view: View, shape: Shape) -> View | None:
        """Return the view after this operator if it only reorders elements; otherwise ``None``.

        Args:
            view: the input as a view of an earlier tensor.
            shape: the shape of the output.
        """
        return None

    def attributes(self) -> dict[str, Any]:
        """Return the values of all declared arguments by name."""
        return {parameter.name: getattr(self, parameter.name) for parameter in self.parameters()}

    def equals(self, other: Operator) -> bool:
        """Return whether another operator is the same one, with the same arguments."""
        return self.name == other.name and self.attributes() == other.attributes()

    def tensor_arguments(self) -> tuple[str, ...]:
        """Return the names of the tensors that are given as arguments, in the order of these inputs."""
        return tuple([p.name for p in self.parameters() if p.argument.form == "tensor" and getattr(self, p.name)])

    def argument_of(self, place: int, inputs: int) -> Argument | None:
        """Return the declaration of the argument that is an input; ``None`` if the input is no argument.

        Args:
            place: the index of the input.
            inputs: the number of inputs.
        """
        named = self.tensor_arguments()
        index = place - (inputs - len(named))
        return None if index < 0 else next(p.argument for p in self.parameters() if p.name == named[index])

    def features_of(self, place: int, inputs: int) -> Features:
        """Return where the features of an input are expected; arguments are those of `argument_of`."""
        argument = self.argument_of(place, inputs)
        return self.reads_features if argument is None else argument.features or self.reads_features

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """Return the declared arguments, in the order of declaration."""
        return parameters(cls)  # type: ignore[arg-type]  # mypy takes the __hash__ of instances for that of the class


OperatorType = TypeVar("OperatorType", bound=type[Operator])
OperatorSubclass = TypeVar("OperatorSubclass", bound=Operator)


def converted_operator(cls: type[OperatorSubclass], op: Operator, **attributes: Any) -> OperatorSubclass:
    """Return an operator of class ``cls`` with the attributes of ``op`` that both classes have.

    Args:
        cls: the class, which may be that of ``op``.
        op: the operator.
        attributes: attributes that replace those of ``op``.
    """
    shared = {name: getattr(op, name) for name in cls._names if hasattr(op, name)}
    return cls(**{**shared, **attributes})


def operator(name: str, *, reserved: bool = True) -> Callable[[OperatorType], OperatorType]:
    """Return a class decorator that registers the class as the operator ``name`` of specs.

    Args:
        name: its name.
        reserved: whether specs may not give the name to anything else. Names of new operators are not reserved, so
            that existing specs keep their meaning.
    """

    def register(cls: OperatorType) -> OperatorType:
        cls.name, cls.reserved = name, reserved
        cls.family = cls.__module__.rpartition(".")[2]
        if name in REGISTRY:
            raise ValueError(f"two operators are called {name!r}")
        REGISTRY[name] = cls
        return cls

    return register


REGISTRY: dict[str, type[Operator]] = {}


def spatial(shape: Shape) -> Shape:
    """Return the sizes of the spatial axes: all but the channels."""
    return shape[1:]


def pointwise_reach(shape: Shape) -> Reach:
    """Return the reach of an output that sees only the element at its own indices."""
    return (Window(),) * len(shape)


def complete_reach(shape: Shape) -> Reach:
    """Return the reach of an output that sees all elements."""
    return (None,) * len(shape)


def axis_reach(axis: int, shape: Shape) -> Reach:
    """Return the reach of an output that sees all elements along one axis, and its own index on the others."""
    mixed = axis % len(shape)
    return tuple([None if index == mixed else Window() for index in range(len(shape))])


def require_positions(shape: Shape, what: str) -> None:
    """Require at least one spatial axis."""
    require(
        len(shape) > 1,
        "{what} needs channels and at least one spatial axis (CxL, CxHxW or CxDxHxW), got a vector of {size}",
        what=what,
        size=shape[0] if shape else "no numbers",
    )


def operations(**counts: Number) -> dict[str, Number]:
    """Return operation counts without the kinds whose count is the integer 0."""
    return {kind: count for kind, count in counts.items() if not (type(count) is int and count == 0)}


@dataclass(frozen=True, slots=True, eq=False)
class WrittenShapes:
    """Shapes in a message, ``64x56x56 and 64x55x55``; formatted only when the message is."""

    shapes: Shapes

    def __str__(self) -> str:
        return " and ".join(map(shape_text, self.shapes))


def axis_index(axis: int, shape: Shape) -> int:
    """Return the index of an axis (0: the channels; negative: from the end), which must exist in ``shape``."""
    rank = len(shape)
    require(
        -rank <= axis < rank,
        "axis {axis} does not exist: the axes of the tensor are 0 … {last}",
        axis=axis,
        last=rank - 1,
    )
    return axis % rank


def require_shape(given: Shape, expected: Shape, message: str, **names: object) -> None:
    """Require that a tensor has a shape. ``message`` is a template that may name ``given``, ``expected`` and ``names``.

    Raises:
        Impossible: it has another one.
    """
    about = {"given": WrittenShapes((given,)), "expected": WrittenShapes((expected,)), **names}
    require(len(given) == len(expected), message, **about)
    for one, other in zip(given, expected, strict=True):
        require(one == other, message, **about)


def per_axis(*columns: Iterable[Any]) -> Iterable[tuple[Any, ...]]:
    """Return the rows of `zip` over columns, each of which must have one entry per axis.

    Raises:
        Impossible: they do not, as where mistakes change the number of axes that a layer reads.
    """
    try:
        return list(zip(*columns, strict=True))
    except ValueError:
        raise Impossible("the attributes are for another number of axes") from None
