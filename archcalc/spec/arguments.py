"""Arguments of layers: which declared parameter each is bound to."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from functools import cache
from typing import NamedTuple, NoReturn

from archcalc.ops.base import REGISTRY, Operator
from archcalc.ops.fields import Parameter
from archcalc.spec import syntax
from archcalc.spec.errors import Span, fail, suggest
from archcalc.spec.grammar import JOINS, SUGAR
from archcalc.spec.other_names import OTHER_ARGUMENTS


class BoundArgument(NamedTuple):
    """An argument and the parameter that it sets; ``flag`` if it is a bare word, such as ``nobias``."""

    parameter: Parameter
    argument: syntax.Argument
    flag: bool


def is_operator(name: str) -> bool:
    """Return whether a spec may write this name as a layer (joins are written with branches)."""
    return name in REGISTRY and name not in JOINS


@cache
def flags_of(name: str) -> dict[str, Parameter]:
    """Return the flags of an operator and the parameter that each sets."""
    return {word: parameter for parameter in REGISTRY[name].parameters() for word in parameter.argument.flags}


@cache
def named_of(name: str) -> dict[str, Parameter]:
    """Return the parameters of an operator by name, by the letter of their short form, and by names of frameworks."""
    parameters = REGISTRY[name].parameters()
    letters = {p.argument.sugar: p for p in parameters if p.argument.sugar}
    own = {**letters, **{p.name: p for p in parameters if p.argument.form not in ("pattern", "lengths")}}
    return {**{other: own[name] for other, name in OTHER_ARGUMENTS.items() if name in own}, **own}


@cache
def words_of(name: str, parameter: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that a parameter of an operator may be: those that hide names, and those that names hide."""
    argument = named_of(name)[parameter].argument if parameter in named_of(name) else None
    words = frozenset(argument.choices) if argument is not None else frozenset()
    later = words if not REGISTRY[name].reserved or argument is None else words & argument.later
    return words - later, later


@cache
def later_flags(name: str) -> frozenset[str]:
    """Return the flags of an operator that names of a spec hide."""
    cls = REGISTRY[name]
    return frozenset(word for word, p in flags_of(name).items() if not cls.reserved or word in p.argument.later)


WEIGHTS = "weights"
"""The argument that names the layer whose weights a layer shares."""


def weights_argument(arguments: Iterable[syntax.Argument], cls: type[Operator]) -> syntax.Argument | None:
    """Return the argument ``weights=@layer`` of a layer; ``None`` if there is none."""
    return next((each for each in arguments if each.name == WEIGHTS and WEIGHTS not in named_of(cls.name)), None)


def bind(
    cls: type[Operator], arguments: tuple[syntax.Argument, ...], head: Span, names: Container[str] = ()
) -> tuple[BoundArgument, ...]:
    """Return each argument with the parameter that it sets, without ``weights=@layer``.

    Args:
        cls: the operator.
        arguments: the arguments as written.
        head: the place of the operator's name, for errors about missing arguments.
        names: the variables and parameters of the spec there, which hide words that are not reserved.

    Raises:
        SpecError: an argument is unknown, repeated, surplus or missing.
    """
    named, flags = named_of(cls.name), flags_of(cls.name)
    lengths = next((p for p in cls.parameters() if p.argument.form == "lengths"), None)
    waiting = [p for p in cls.parameters() if p.argument.positional]
    result: list[BoundArgument] = []
    taken: dict[str, Span] = {}
    for argument in arguments:
        flag = False
        if argument.name == WEIGHTS and WEIGHTS not in named:
            continue
        if argument.name:
            parameter = named.get(argument.name, lengths)
            if parameter is None or (argument.sugar and parameter is lengths):
                _unknown(cls, argument)
        elif _is_flag(argument, flags, cls, names):
            assert isinstance(argument.value, syntax.Name)
            parameter, flag = flags[argument.value.name], True
        elif waiting:
            parameter = waiting.pop(0)
        else:
            _surplus(cls, argument)
        set_here = argument.name if parameter is lengths else parameter.name
        if set_here in taken:
            fail("argument", f"the {set_here} of {cls.name} is set twice", argument.span)
        taken[set_here] = argument.span
        waiting = [p for p in waiting if p.name != parameter.name]
        result.append(BoundArgument(parameter, argument, flag))
    missing = [p for p in cls.parameters() if p.required and p.name not in taken]
    if missing:
        names = " and ".join(p.name for p in missing)
        fail("argument", f"{cls.name} requires {names}", head, f"for example: {example(cls)}")
    return tuple(result)


def _is_flag(
    argument: syntax.Argument, flags: Mapping[str, Parameter], cls: type[Operator], names: Container[str]
) -> bool:
    word = argument.value.name if isinstance(argument.value, syntax.Name) else ""
    return word in flags and not (word in names and word in later_flags(cls.name))


def _unknown(cls: type[Operator], argument: syntax.Argument) -> NoReturn:
    known = named_of(cls.name)
    if argument.sugar and any(p.argument.form == "lengths" for p in cls.parameters()):
        fail("argument", f"{cls.name} takes no short forms", argument.span, f"write {argument.name}=…")
    letter = SUGAR.get(argument.name)
    what = f"{letter} ({argument.name})" if letter else f"argument '{argument.name}'"
    names = ", ".join(p.name for p in cls.parameters())
    otherwise = f"the arguments of {cls.name} are {names}" if names else f"{cls.name} takes no arguments"
    fail("argument", f"{cls.name} has no {what}", argument.span, suggest(argument.name, known, otherwise))


def _surplus(cls: type[Operator], argument: syntax.Argument) -> NoReturn:
    if isinstance(argument.value, syntax.Name):
        word = argument.value.name
        known = [*flags_of(cls.name), *named_of(cls.name)]
        hint = suggest(word, known, usage(cls))
        if word in named_of(cls.name):
            hint = f"write {word}3, without a space" if word in SUGAR else f"write {word}=…"
        fail("argument", f"'{word}' is not a valid argument of {cls.name}", argument.span, hint)
    fail("argument", f"too many arguments for {cls.name}", argument.span, usage(cls))


def usage(cls: type[Operator]) -> str:
    """Return the hint that shows how the operator is written."""
    return f"usage: {signature(cls)}"


def signature(cls: type[Operator]) -> str:
    """Return an operator with all of its arguments, optional ones in brackets: ``conv channels k=… [s=…] …``."""
    words = [cls.name]
    for p in sorted(cls.parameters(), key=lambda p: (not p.argument.positional, not p.required)):
        letter = p.argument.sugar
        if p.argument.form == "pattern":
            word = "'…'"
        elif p.argument.form == "lengths":
            word = "NAME=…"
        elif p.argument.form == "tensor":
            word = f"{p.name}=@…"
        elif p.argument.positional:
            word = p.name
        elif p.argument.form == "flag":
            word = next(iter(p.argument.flags))
        else:
            values = "|".join(p.argument.choices) if p.argument.form == "word" else "…"
            word = f"{letter or p.name}={values}"
        words.append(word if p.required else f"[{word}]")
    return " ".join(words)


_SAMPLES = {
    "integer": "64",
    "axis_list": "0",
    "real": "0.1",
    "axes": "3",
    "pads": "1",
    "sizes": "16x5x5",
    "positions": "0:16",
    "pattern": "'c h w = (h w) c'",
}


def _sample(parameter: Parameter) -> str:
    """Return a valid value of a parameter."""
    argument = parameter.argument
    if argument.example:
        return argument.example
    if argument.at_least == 0:
        return {"integer": "0", "sizes": "1x0x2"}.get(argument.form, _SAMPLES[argument.form])
    if argument.each == "channels":
        return "0.5"
    return _SAMPLES.get(argument.form, argument.choices[0] if argument.choices else "…")


def example(cls: type[Operator]) -> str:
    """Return an example of a layer: the operator with its required arguments."""
    words = [cls.name]
    for p in sorted(cls.parameters(), key=lambda p: not p.argument.positional):
        if p.required:
            sample = _sample(p)
            letter = p.argument.sugar
            words.append(sample if p.argument.positional else f"{letter}{sample}" if letter else f"{p.name}={sample}")
    return " ".join(words)
