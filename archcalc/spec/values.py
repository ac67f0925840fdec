"""Values of names, and exact arithmetic. It is evaluated by a walk over the syntax tree, without Python's ``eval``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from functools import reduce
from typing import NamedTuple, NoReturn, Protocol, TypeAlias

from archcalc.graph import axis_letters, is_size, size_axis, write_shape
from archcalc.numeric import (
    Impossible,
    NotDivisible,
    NotInteger,
    Number,
    PlainNumberRequired,
    as_integer,
    ceiling,
    floor,
    is_plain,
    make_divisible,
    maximum,
    minimum,
    product,
    ratio,
    require,
    round_half_even,
    simplified,
)
from archcalc.ops.base import Shape
from archcalc.ops.fields import PADDING_WORDS
from archcalc.spec import syntax
from archcalc.spec.errors import Problem, Span, SpecError, fail, suggest
from archcalc.spec.limits import Limits
from archcalc.spec.paths import Destination
from archcalc.spec.tokens import RULES

ROUNDING = "wrap it in floor(…), ceil(…), round(…) or divisible(…, 8)"

MAX_DIVIDED = 10**6
"""The divisors of larger numbers are not searched for."""


class WordValue(NamedTuple):
    """A padding mode or the name of an operator, as a value."""

    word: str


class PairValue(NamedTuple):
    """``before:after``; either may be missing (``None``)."""

    first: Number | None
    second: Number | None


class SizesValue(NamedTuple):
    """A size: its parts, which are numbers or pairs."""

    parts: tuple[Number | PairValue, ...]


class PatternValue(NamedTuple):
    """A quoted pattern, without its quotation marks."""

    content: str


class TensorValue(NamedTuple):
    """A tensor of the network, as the argument of a layer or block."""

    mark: Destination
    shape: Shape
    name: str
    """The reference to it, as written."""


NoNumber: TypeAlias = WordValue | PairValue | SizesValue | PatternValue | TensorValue
"""The values that are not numbers."""

Value: TypeAlias = Number | NoNumber
"""A number of any kind, a word (which may be the name of a block), a size, a pattern, or a tensor."""

Names: TypeAlias = Mapping[str, Value]


class Environment(Protocol):
    """What evaluation depends on: the numbers that names stand for, of any kind, and limits."""

    @property
    def limits(self) -> Limits: ...

    def look_up(self, name: syntax.Name, /) -> Number:
        """Return the number that a name stands for."""


class Scope(NamedTuple):
    """The values of names at one place of a spec."""

    names: Names
    shape: Shape | None
    """The shape of the current tensor, whose sizes have names; ``None`` if there is no current tensor."""
    limits: Limits
    repeat_index: Number | None = None
    """The value of ``i``: the number of repetitions before this one; ``None`` outside repetitions."""
    tensor: Callable[[syntax.Reference], TensorValue] | None = None
    """Returns the tensor that a reference stands for; ``None`` where there are no tensors."""

    def look_up(self, name: syntax.Name) -> Number:
        """Return the number that a name stands for: a parameter or variable, the index, or a size.

        Raises:
            SpecError: it stands for nothing, or for something else.
        """
        if name.name not in self.names:
            if name.name == "i" and self.repeat_index is not None:
                return self.repeat_index
            if self.shape is not None and is_size(name.name):
                return size_of(name, self.shape)
            unknown_name(name, list(self.names))
        held = self.names[name.name]
        if isinstance(held, NoNumber):
            fail("arithmetic", f"'{name.name}' must be a number, got {describe(held)}", name.span)
        return held


FUNCTIONS: dict[str, Callable[..., Number]] = {
    "round": round_half_even,
    "floor": floor,
    "ceil": ceiling,
    "divisible": make_divisible,
    "min": lambda *numbers: reduce(minimum, numbers),
    "max": lambda *numbers: reduce(maximum, numbers),
}


def evaluate(
    value: syntax.ArgumentValue, scope: Scope, words: Collection[str] = (), later: Collection[str] = ()
) -> Value:
    """Return the value of an argument: a number, a size, a pattern, a tensor or a word.

    Args:
        value: the argument.
        scope: what names stand for.
        words: words that hide names of the scope.
        later: words that names of the scope hide.

    Raises:
        SpecError: a name is unknown, or the arithmetic is invalid.
    """
    if isinstance(value, syntax.Size):
        return SizesValue(tuple(_part(part, scope) for part in value.parts))
    if isinstance(value, syntax.QuotedText):
        return PatternValue(value.content)
    if isinstance(value, syntax.Reference):
        if scope.tensor is None:
            fail("reference", f"'@{value.name}' is a tensor, but only numbers and words are allowed here", value.span)
        return scope.tensor(value)
    if isinstance(value, syntax.Name):
        if value.name in words:
            return WordValue(value.name)
        if value.name in scope.names:
            return scope.names[value.name]
        if value.name in later and not (scope.shape is not None and is_size(value.name)):
            return WordValue(value.name)
    return number(value, scope)


def number(expression: syntax.Expression, scope: Environment) -> Number:
    """Return the exact value of arithmetic.

    Raises:
        SpecError: a name is unknown or not a number, a divisor is zero, or a number exceeds the limits.
    """
    if isinstance(expression, syntax.Literal):
        return expression.value
    if isinstance(expression, syntax.Name):
        return scope.look_up(expression)
    if isinstance(expression, syntax.UnaryOperation):
        operand = number(expression.operand, scope)
        return -operand if expression.sign == "-" else operand
    if isinstance(expression, syntax.Function):
        arguments = [number(argument, scope) for argument in expression.arguments]
        if expression.name == "divisible" and is_plain(arguments[1]) and arguments[1] <= 0:
            fail("arithmetic", "divisible needs a positive divisor", expression.span)
        return FUNCTIONS[expression.name](*arguments)
    spine = []  # "1 + 1 + … + 1" nests to the left as deep as it is long
    innermost: syntax.Expression = expression
    while isinstance(innermost, syntax.BinaryOperation):
        spine.append(innermost)
        innermost = innermost.left
    result = number(innermost, scope)
    for operation in reversed(spine):
        right = number(operation.right, scope)
        try:
            result = _apply(operation, result, right, scope.limits)
        except ZeroDivisionError:
            fail("arithmetic", "division by zero", operation.span)
        result = bounded(result, operation.span, scope.limits)
    return result


def size_of(name: syntax.Name, shape: Shape) -> Number:
    """Return the size of a tensor that has this name.

    Raises:
        SpecError: the tensor has no such size.
    """
    axis = size_axis(name.name, len(shape))
    if axis is None:
        known = ", ".join(dict.fromkeys((*axis_letters(len(shape)), *(f"n{axis}" for axis in range(len(shape))))))
        message = f"the current tensor, {write_shape(shape)}, has no size {name.name}"
        fail("shape", message, name.span, f"its sizes are {known}" if known else "")
    return shape[axis]


def unknown_name(name: syntax.Name, known: list[str]) -> NoReturn:
    """Raise the error that a name is unknown."""
    if is_size(name.name):
        what = "C (the channels of the current tensor)" if name.name == "C" else f"{name.name} (a size of a tensor)"
        hint = "" if name.name == "C" else "sizes are those of the tensor that enters a layer; here there is none"
        fail("unknown-name", f"{what} is not defined here", name.span, hint)
    if name.name == "i":
        hint = (
            "i counts the repetitions of '*N' from 0; a block does not see the i of its caller: pass it as an argument"
        )
        fail("unknown-name", "nothing is repeated here, so the index i is not defined", name.span, hint)
    no_variable(name, known)


def no_variable(name: syntax.Name, known: list[str]) -> NoReturn:
    """Raise the error that there is no variable or parameter with a name."""
    message = f"no variable or parameter '{name.name}'"
    if RULES["SUGAR"].match(name.name):
        hint = f"write {name.name[0]}={name.name[1:]}: the short form is for layers"
        fail("unknown-name", message, name.span, hint)
    similar = suggest(name.name, known)
    listed = f"known names: {', '.join(known)}" if 0 < len(known) <= 12 else ""
    undefined = "" if similar else name.name
    raise SpecError([Problem("unknown-name", message, name.span, similar or listed, undefined=undefined)])


def _apply(expression: syntax.BinaryOperation, left: Number, right: Number, limits: Limits) -> Number:
    sign = expression.operator
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    if sign != "**" and not is_plain(right):
        require(right != 0, "division by zero")
    if sign == "//":
        return left // right
    if sign == "%":
        return left % right
    if sign == "/":
        return ratio(left, right)
    if not is_plain(right):
        raise PlainNumberRequired("an exponent")
    if type(right) is not int:
        fail("arithmetic", f"the exponent must be an integer, got {right}", expression.right.span)
    if is_plain(left):
        size = max(abs(left.numerator), left.denominator).bit_length()
        if abs(right) > limits.digits * 4 or size * abs(right) > limits.digits * 8:
            too_many_digits(expression.span, limits)
        if type(left) is int and right < 0:
            left = Fraction(left)
    return simplified(left**right)


def bounded(value: Number, span: Span, limits: Limits) -> Number:
    """Return the value, which must not have more digits than allowed.

    Raises:
        SpecError: it has.
    """
    value = simplified(value)
    if is_plain(value) and (limits.too_large(value.numerator) or limits.too_large(value.denominator)):
        too_many_digits(span, limits)
    return value


def too_many_digits(span: Span, limits: Limits) -> NoReturn:
    """Raise the error that a number has too many digits."""
    fail("limit", f"a number of more than {limits.digits:,} digits", span, "raise the limit with --max-digits")


def _part(part: syntax.Part, scope: Scope) -> Number | PairValue:
    if not part.pair:
        assert part.first is not None
        return number(part.first, scope)
    return PairValue(
        None if part.first is None else number(part.first, scope),
        None if part.second is None else number(part.second, scope),
    )


def describe(value: Value) -> str:
    """Return a description of a value for messages."""
    if isinstance(value, WordValue):
        return f"the word '{value.word}'"
    if isinstance(value, PairValue):
        return "a pair"
    if isinstance(value, TensorValue):
        return f"the tensor '@{value.name}'"
    if isinstance(value, PatternValue):
        return f"the pattern '{value.content[:40]}'"
    if isinstance(value, SizesValue):
        return f"the size {write_size(value)}"
    return str(value)


def write_size(sizes: SizesValue) -> str:
    """Return a size as a spec writes it."""

    def side(x: Number | None) -> str:
        return "" if x is None else str(x)

    return "x".join(
        f"{side(part.first)}:{side(part.second)}" if isinstance(part, PairValue) else str(part) for part in sizes.parts
    )


def external_value(value: Value) -> Number | str:
    """Return a value in the form that `Graph.variables` has: a number, or the text of anything else."""
    if isinstance(value, WordValue):
        return value.word
    if isinstance(value, PatternValue):
        return value.content
    if isinstance(value, TensorValue):
        return f"@{value.name}"
    if isinstance(value, PairValue):
        return write_size(SizesValue((value,)))
    return write_size(value) if isinstance(value, SizesValue) else value


def hint_for_number(error: Impossible) -> str:
    """Return a hint with the nearest possible numbers; empty if there is nothing to suggest."""
    if isinstance(error, NotInteger):
        return ROUNDING
    if isinstance(error, NotDivisible):
        return _nearest_divisors(error.names["number"], error.names["divisor"])
    return ""


def _nearest_divisors(number: object, divisor: object) -> str:
    if type(number) is not int or type(divisor) is not int or not 0 < number <= MAX_DIVIDED or divisor < 1:
        return ""
    below = next((d for d in range(min(divisor, number), 1, -1) if number % d == 0), None)
    above = next((d for d in range(divisor, number) if number % d == 0), number)
    found = [d for d in (below, above) if d is not None]
    return f"{number} is divisible by {' and by '.join(map(str, dict.fromkeys(found)))}"


def shape_from(value: Value, span: Span, what: str, limits: Limits) -> tuple[Number, ...]:
    """Return the value as a shape: one positive integer per axis.

    Raises:
        SpecError: it is not a size, or a part of it is a pair, not an integer or not positive.
    """
    if isinstance(value, WordValue | PatternValue | TensorValue):
        fail("shape", f"{what} must be a shape such as 3x224x224, got {describe(value)}", span)
    parts = value.parts if isinstance(value, SizesValue) else (value,)
    shape = []
    for part in parts:
        if isinstance(part, PairValue):
            fail("shape", f"{what} must be a shape such as 3x224x224, got {describe(value)}", span)
        try:
            shape.append(positive_size(part, what))
        except Impossible as error:
            fail("shape", str(error), span, hint_for_number(error))
    bounded_shape(tuple(shape), what, span, limits)
    return tuple(shape)


def positive_size(number: Number, what: str) -> Number:
    """Return a number, which must be a positive integer, as a size.

    Raises:
        Impossible: it is none.
    """
    size = as_integer(number, f"a size of {what}")
    require(size >= 1, "the sizes of {what} must be positive, got {size}", what=what, size=size)
    return size


def bounded_shape(shape: tuple[Number, ...], what: str, span: Span, limits: Limits) -> None:
    """Check the numbers of axes and elements of a shape.

    Raises:
        SpecError: one of them exceeds its limit.
    """
    if len(shape) > limits.axes:
        fail(
            "limit",
            f"{what} has {len(shape)} axes; the limit is {limits.axes}",
            span,
            "raise the limit with --max-axes",
        )
    elements = product(shape)
    if is_plain(elements) and limits.too_large(elements):
        fail(
            "limit",
            f"the number of elements of {what} has more than {limits.digits:,} digits",
            span,
            "raise the limit with --max-digits",
        )


PADDING = frozenset(PADDING_WORDS)
