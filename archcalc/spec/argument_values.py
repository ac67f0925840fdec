"""Values of arguments: each in the form that its parameter declares, and the operator that they make."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from archcalc.graph import Ref, channels_first, pattern_channels_first
from archcalc.numeric import Impossible, Number, PlainNumberRequired, as_integer, is_plain, require, simplified
from archcalc.ops.base import Operator
from archcalc.ops.fields import Argument as Declared
from archcalc.ops.fields import Parameter
from archcalc.spec import syntax
from archcalc.spec.arguments import BoundArgument, words_of
from archcalc.spec.axes import Axis, stored_axis
from archcalc.spec.errors import Span, fail, listing, suggest
from archcalc.spec.values import (
    NoNumber,
    PairValue,
    PatternValue,
    Scope,
    SizesValue,
    TensorValue,
    Value,
    WordValue,
    bounded,
    describe,
    evaluate,
    hint_for_number,
)

Tables = dict[str, tuple[tuple[bool, ...], ...]]


def make(
    cls: type[Operator], bound: tuple[BoundArgument, ...], scope: Scope, rank: int, tables: Tables, layout: str = "chw"
) -> Operator:
    """Return the operator with its arguments evaluated.

    Args:
        cls: the operator.
        bound: its arguments, from `bind`.
        scope: what names stand for.
        rank: the number of spatial axes of the input; arguments written once for all axes are repeated as often.
        tables: the connection tables of the spec.
        layout: the layout of shapes in the spec; in the operator they are channels first.

    Raises:
        SpecError: a value is invalid.
    """
    values: dict[str, Any] = {}
    for parameter, argument, flag in bound:
        if flag:
            assert isinstance(argument.value, syntax.Name)
            values[parameter.name] = parameter.argument.flags[argument.value.name]
            continue
        value = _read(cls, parameter, argument, scope, rank, tables)
        if parameter.argument.form == "lengths":
            value = (*values.get(parameter.name, ()), (argument.name, value))
        elif parameter.argument.form == "pattern":
            value = pattern_channels_first(value, layout)
        elif parameter.argument.each == "axis":
            value = channels_first(value, layout)
        values[parameter.name] = value
    for parameter in cls.parameters():
        if parameter.argument.names_axis:
            values[parameter.name] = _stored_axis(cls, parameter, values, layout, rank, bound)
        if parameter.argument.form in ("axes", "pads") and rank:
            value = values.get(parameter.name, parameter.default)
            if type(value) is tuple and len(value) == 1:
                values[parameter.name] = value * rank
    return cls(**values)


def _stored_axis(
    cls: type[Operator],
    p: Parameter,
    values: Mapping[str, Any],
    layout: str,
    rank: int,
    bound: tuple[BoundArgument, ...],
) -> Axis:
    written = values.get(p.name, p.default)
    stored = stored_axis(written, p.argument, layout, rank)
    if stored is None:
        span = next(each.argument.span for each in bound if each.parameter.name == p.name)
        fail(
            "argument",
            f"the {p.name} of {cls.name} must be {', '.join(p.argument.choices)}, 0 or -1, got {written}",
            span,
        )
    return stored


def with_numbers(op: Operator, numbers: Mapping[str, Number], rank: int) -> Operator:
    """Return the operator with some attributes replaced by numbers, the same for all of ``rank`` axes and both sides.

    Raises:
        Impossible: the attribute cannot have this number.
    """
    changed = dict(vars(op))
    for p in op.parameters():
        if p.name in numbers and p.argument.form in NUMERIC:
            number = _integer(numbers[p.name], p.argument, f"the {p.name} of {op.name}")
            changed[p.name] = {"integer": number, "axes": (number,) * rank, "pads": ((number, number),) * rank}[
                p.argument.form
            ]
    return type(op)(**changed)


NUMERIC = ("integer", "axes", "pads")
"""The forms of attributes that can be replaced by one number."""


def _read(cls: type[Operator], p: Parameter, argument: syntax.Argument, scope: Scope, rank: int, tables: Tables) -> Any:
    declared = p.argument
    what = f"the {argument.name if declared.form == 'lengths' else p.name} of {cls.name}"
    if declared.form == "table":
        return _table(argument, tables)
    if declared.form == "pattern":
        expect_pattern(cls, argument, scope.names)
    value = evaluate(argument.value, scope, *words_of(cls.name, p.name))
    try:
        return READERS[declared.form](value, declared, what, argument.span, scope, rank)
    except Impossible as error:
        fail("argument", str(error), argument.span, hint_for_number(error))


def _number(value: Value, what: str, span: Span, scope: Scope) -> Number:
    if isinstance(value, NoNumber):
        fail("argument", f"{what} must be one number, got {describe(value)}", span)
    return bounded(value, span, scope.limits)


def _integer(value: Number, declared: Declared, what: str) -> Number:
    if declared.fractions:
        require(value > 0, "{what} must be positive, got {number}", what=what, number=value)
        return simplified(value)
    number = as_integer(simplified(value), what)
    if declared.at_least is not None:
        require(
            number >= declared.at_least,
            "{what} must be at least {least}, got {number}",
            what=what,
            least=declared.at_least,
            number=number,
        )
    return number


def _read_integer(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if isinstance(value, WordValue) and value.word in declared.choices:
        return value.word
    return _integer(_number(value, what, span, scope), declared, what)


def _read_real(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    return _number(value, what, span, scope)


def tensors_among(cls: type[Operator], bound: tuple[BoundArgument, ...], scope: Scope) -> tuple[Ref, ...]:
    """Return the tensors that are arguments of a layer, in the order in which its operator declares them."""
    given = [each for each in bound if each.parameter.argument.form == "tensor"]
    if not given:
        return ()
    order = {p.name: place for place, p in enumerate(cls.parameters())}
    given.sort(key=lambda each: order[each.parameter.name])
    values = [evaluate(each.argument.value, scope) for each in given]
    return tuple([value.mark.ref for value in values if isinstance(value, TensorValue)])


def _parts(value: Value, what: str, span: Span) -> tuple[Number | PairValue, ...]:
    if isinstance(value, WordValue | PatternValue | TensorValue):
        fail("argument", f"{what} must be a size, got {describe(value)}", span)
    return value.parts if isinstance(value, SizesValue) else (value,)


def _fits_rank(count: int, what: str, span: Span, rank: int) -> None:
    if count != 1 and rank and count != rank:
        axes = f"{rank} spatial axis" if rank == 1 else f"{rank} spatial axes"
        fail(
            "argument",
            f"{what} has {count} parts, but the tensor has {axes}",
            span,
            "write one part for all axes, or one per axis",
        )


def _read_axes(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if isinstance(value, TensorValue) and declared.takes_positions:
        value = SizesValue(value.shape[1:])
    parts = _parts(value, what, span)
    _fits_rank(len(parts), what, span, rank)
    if any(isinstance(part, PairValue) for part in parts):
        fail("argument", f"{what} must have one number per axis, got a pair", span)
    return tuple(_integer(_number(part, what, span, scope), declared, what) for part in parts)


def _read_pads(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if isinstance(value, WordValue) and declared.choices:
        return _one_of(value, declared, what, span)
    parts = _parts(value, what, span)
    _fits_rank(len(parts), what, span, rank)
    pairs = []
    for part in parts:
        sides = part if isinstance(part, PairValue) else PairValue(part, part)
        if sides.first is None or sides.second is None:
            fail("argument", f"{what} requires a number on both sides of the colon, as in 1:2", span)
        first = _integer(_number(sides.first, what, span, scope), declared, what)
        # One object for both sides if they were written as one number: derivations then print "2·p".
        second = (
            first if sides.first is sides.second else _integer(_number(sides.second, what, span, scope), declared, what)
        )
        pairs.append((first, second))
    return tuple(pairs)


def _read_word(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if declared.names_axis and type(value) is int:
        return value
    return _one_of(value, declared, what, span)


def _one_of(value: Value, declared: Declared, what: str, span: Span) -> str:
    """Return the word, which must be one of the declared choices."""
    if isinstance(value, WordValue) and value.word in declared.choices:
        return value.word
    hint = suggest(value.word, declared.choices) if isinstance(value, WordValue) else ""
    fail("argument", f"{what} must be one of {', '.join(declared.choices)}, got {describe(value)}", span, hint)


def _read_flag(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if isinstance(value, WordValue) and value.word in declared.choices:
        return value.word == "yes"
    if not isinstance(value, NoNumber) and not is_plain(value):
        raise PlainNumberRequired(what)
    if type(value) is not int or value not in (0, 1):
        fail("argument", f"{what} must be yes or no (1 or 0), got {describe(value)}", span)
    return bool(value)


def _read_sizes(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    parts = _parts(value, what, span)
    if any(isinstance(part, PairValue) for part in parts):
        fail("argument", f"{what} must consist of numbers, got a pair", span)
    numbers = tuple(_number(part, what, span, scope) for part in parts)
    if declared.at_least is None:
        return numbers
    return tuple(_integer(number, declared, what) for number in numbers)


def _read_positions(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    parts = _parts(value, what, span)
    if len(parts) != 1 or not isinstance(parts[0], PairValue):
        fail("argument", f"{what} must be start:stop, such as 0:16 or (C//2):C", span)
    first, second = parts[0]
    return tuple(None if x is None else as_integer(_number(x, what, span, scope), what) for x in (first, second))


def expect_pattern(cls: type[Operator], argument: syntax.Argument, known: Container[str]) -> None:
    """Check that an argument is a pattern, or a known name, which may hold one.

    Raises:
        SpecError: it is not, probably because the quotation marks are missing.
    """
    value = argument.value
    if not isinstance(value, syntax.QuotedText) and not (isinstance(value, syntax.Name) and value.name in known):
        hint = f"write {cls.name} 'a b = (a b)'"
        fail("argument", f"the pattern of {cls.name} must be in quotation marks", argument.span, hint)


def _read_pattern(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if not isinstance(value, PatternValue):
        fail("argument", f"{what} must be a pattern in quotation marks, got {describe(value)}", span)
    return value.content


def _read_axis(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    number = _integer(-1 if isinstance(value, WordValue) else _number(value, what, span, scope), declared, what)
    if not is_plain(number):
        raise PlainNumberRequired(what)
    return number


def _read_axis_list(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    parts = value.parts if isinstance(value, SizesValue) else (value,)
    return tuple(_read_axis(part, declared, what, span, scope, rank) for part in parts)


def _read_tensor(value: Value, declared: Declared, what: str, span: Span, scope: Scope, rank: int) -> Any:
    if not isinstance(value, TensorValue):
        fail("argument", f"{what} must be a tensor, got {describe(value)}", span, "write a reference: @name")
    return True


READERS: dict[str, Callable[[Value, Declared, str, Span, Scope, int], Any]] = {
    "axis_list": _read_axis_list,
    "integer": _read_integer,
    "real": _read_real,
    "axes": _read_axes,
    "pads": _read_pads,
    "word": _read_word,
    "flag": _read_flag,
    "sizes": _read_sizes,
    "positions": _read_positions,
    "pattern": _read_pattern,
    "lengths": _read_integer,
    "tensor": _read_tensor,
}


def _table(argument: syntax.Argument, tables: Tables) -> Any:
    name = argument.value.name if isinstance(argument.value, syntax.Name) else ""
    if name not in tables:
        known = listing("table", tables) if tables else "declare it under 'tables:'"
        fail("unknown-name", f"no connection table '{name}'", argument.span, suggest(name, tables, known))
    return tables[name]
