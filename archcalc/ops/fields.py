"""How an operator declares its arguments: dataclass fields that also say how the language writes them.

Each function returns a `dataclasses.field` with an `Argument` in its metadata. The spec language reads arguments by it,
`archcalc ops` prints signatures from it, JSON prints attributes from it. Values inside an operator are:

=========== =============================================================================
`integer`   an integer
`real`      an ``int`` or `Fraction`
`axes`      one integer per spatial axis, a tuple
`pads`      a padding word, or one ``(before, after)`` per spatial axis
`word`      one of a few words
`flag`      a ``bool``
`sizes`     a tuple of numbers of any length (a shape)
`positions` ``(start, stop)`` of a slice, either may be ``None``
`table`     a connection table: one tuple of ``bool`` per input map, columns are output maps
=========== =============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from typing import Any, Literal

PADDING_WORDS = ("same", "half", "valid", "full")

Form = Literal["integer", "real", "axes", "pads", "word", "flag", "sizes", "positions", "table"]


@dataclass(frozen=True)
class Argument:
    """How one attribute of an operator is written in a spec."""

    form: Form
    positional: bool = False
    sugar: str = ""
    """The letter of the short form (``k3``), or nothing."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Bare words that set it: ``nobias`` sets ``bias`` to ``False``."""
    choices: tuple[str, ...] = ()
    at_least: int | None = None
    each: Literal["", "axis", "channels"] = ""
    """For `sizes`: what there is one of each for; ``axis`` makes it a shape, written in the layout of its file."""
    help: str = ""


@dataclass(frozen=True)
class Parameter:
    """A declared argument with its name and default (``MISSING`` where it is required)."""

    name: str
    argument: Argument
    default: Any

    @property
    def required(self) -> bool:
        return self.default is MISSING


def _declare(default: Any, **how: Any) -> Any:
    return field(default=default, metadata={"argument": Argument(**how)}, kw_only=True)


def integer(
    default: Any = MISSING, *, at_least: int | None = 1, positional: bool = False, sugar: str = "", help: str = ""
) -> Any:
    """An integer, such as a number of channels or groups."""
    return _declare(default, form="integer", at_least=at_least, positional=positional, sugar=sugar, help=help)


def real(default: Any = MISSING, *, positional: bool = False, help: str = "") -> Any:
    """Any exact number, such as a slope or an epsilon."""
    return _declare(default, form="real", positional=positional, help=help)


def axes(
    default: Any = MISSING, *, at_least: int | None = 1, positional: bool = False, sugar: str = "", help: str = ""
) -> Any:
    """One integer per spatial axis, written once for all or per axis: ``k3``, ``k3x5``."""
    default = (default,) if type(default) is int else default
    return _declare(default, form="axes", at_least=at_least, positional=positional, sugar=sugar, help=help)


def pads(
    default: Any = ((0, 0),),
    *,
    positional: bool = False,
    sugar: str = "p",
    words: bool = True,
    at_least: int | None = 0,
    help: str = "",
) -> Any:
    """Padding per axis and side, or a padding word: ``p1``, ``p1x2``, ``p0:1``, ``half``, ``pad=same``."""
    flags = {word: word for word in PADDING_WORDS} if words else {}
    return _declare(
        default,
        form="pads",
        positional=positional,
        sugar=sugar,
        flags=flags,
        choices=tuple(flags),
        at_least=at_least,
        help=help,
    )


def word(default: Any = MISSING, *choices: str, positional: bool = False, flags: bool = False, help: str = "") -> Any:
    """One of a few words; with ``flags`` each of them may also stand alone."""
    return _declare(
        default,
        form="word",
        choices=choices,
        positional=positional,
        flags={choice: choice for choice in choices} if flags else {},
        help=help,
    )


def flag(default: bool, bare: str, *, help: str = "") -> Any:
    """A yes or no that the bare word ``bare`` turns to the opposite of its default: ``nobias``, ``ceil``."""
    return _declare(default, form="flag", flags={bare: not default}, choices=("yes", "no"), help=help)


def sizes(
    default: Any = MISSING,
    *,
    positional: bool = False,
    at_least: int | None = 1,
    each: Literal["", "axis", "channels"] = "",
    help: str = "",
) -> Any:
    """A shape, or one number per channel: ``reshape 16x5x5``, ``mean=0.485x0.456x0.406``."""
    return _declare(default, form="sizes", positional=positional, at_least=at_least, each=each, help=help)


def positions(default: Any = MISSING, *, positional: bool = False, help: str = "") -> Any:
    """The start and stop of a slice: ``0:16``, ``(C//2):C``, ``:16``."""
    return _declare(default, form="positions", positional=positional, help=help)


def table(default: Any = None, *, help: str = "") -> Any:
    """The name of a connection table of the spec."""
    return _declare(default, form="table", help=help)


@cache
def parameters(operator: type) -> tuple[Parameter, ...]:
    """The declared arguments of an operator class, in the order of their declaration."""
    return tuple(Parameter(f.name, f.metadata["argument"], f.default) for f in fields(operator) if _is_declared(f))


def _is_declared(f: Field[Any]) -> bool:
    return "argument" in f.metadata
