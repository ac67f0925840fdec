"""Declarations of operator arguments: dataclass fields with metadata about their form in the spec language.

Each function returns a `dataclasses.field` with an `Argument` in its metadata. The spec language reads arguments by it,
and `archcalc ops` prints signatures from it. The forms and the types of their values in an operator are:

=========== =============================================================================
`integer`   an integer
`real`      an ``int`` or `Fraction`
`axes`      one integer per spatial axis, a tuple
`pads`      a padding mode, or one ``(before, after)`` per spatial axis
`word`      one of the words in `Argument.choices`
`flag`      a ``bool``
`sizes`     a tuple of numbers of any length (a shape)
`positions` ``(start, stop)`` of a slice; either may be ``None``
`table`     a connection table: one tuple of ``bool`` per input map, columns are output maps
`pattern`   the text of a quoted pattern, channels first
`axis_list` a tuple of ``int``
`tensor`    whether it is given; the tensor is a further input of the operator, after the others
`lengths`   ``(name, size)`` pairs, a tuple: the sizes that the names in a pattern have
=========== =============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeAlias

Features: TypeAlias = Literal["", "first", "last", "none"]
"""An axis that holds features (channels): the first or the last one; empty if any will do; ``none`` if all axes are
positions, as in a tensor of indices."""

PADDING_WORDS = ("same", "half", "valid", "full")

AXIS_WORDS = {"last": -1, "channels": 0}
"""The words for axes, and their numbers in the layout ``chw``. With ``hwc``, the last axis is that of the channels."""

Form = Literal[
    "integer",
    "real",
    "axes",
    "pads",
    "word",
    "flag",
    "sizes",
    "positions",
    "table",
    "pattern",
    "lengths",
    "axis_list",
    "tensor",
]


@dataclass(frozen=True)
class Argument:
    """The form of an operator's attribute in a spec."""

    form: Form
    positional: bool = False
    sugar: str = ""
    """The letter of the short form (``k3``), or empty."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """The values that bare words set: ``nobias`` sets ``bias`` to ``False``."""
    choices: tuple[str, ...] = ()
    later: frozenset[str] = frozenset()
    """The flags and choices that are not reserved words: a name of the spec hides them."""
    fractions: bool = False
    """For `axes`: whether the numbers may be positive fractions."""
    takes_positions: bool = False
    """For `axes`: whether a tensor may stand for the sizes of its spatial axes: ``to=@c4``."""
    at_least: int | None = None
    each: Literal["", "axis", "positions", "channels"] = ""
    """For `sizes`: whether there is one number per axis (a shape, written in the layout of its file), per axis of
    positions, or per channel."""
    fixed: bool = False
    """For `tensor`: whether its number of features has a meaning, so that a narrower network keeps it."""
    features: Features = ""
    """For `tensor`: where features are expected; empty if they are where those of the other inputs are."""
    example: str = ""
    """A valid value, for hints; if empty, one that suits most arguments of the form."""
    names_axis: bool = False
    """Whether the value names an axis: a number, or one of `AXIS_WORDS`, whose meanings depend on the layout."""
    help: str = ""


@dataclass(frozen=True)
class Parameter:
    """A declared argument with its name and default (``MISSING`` if it is required)."""

    name: str
    argument: Argument
    default: Any

    @property
    def required(self) -> bool:
        return self.default is MISSING


def _declare(default: Any, **how: Any) -> Any:
    return field(default=default, metadata={"argument": Argument(**how)}, kw_only=True)


def integer(
    default: Any = MISSING,
    *,
    at_least: int | None = 1,
    positional: bool = False,
    sugar: str = "",
    example: str = "",
    help: str = "",
) -> Any:
    """Declare an integer, such as a number of channels or groups."""
    return _declare(
        default, form="integer", at_least=at_least, positional=positional, sugar=sugar, example=example, help=help
    )


def real(
    default: Any = MISSING, *, positional: bool = False, bare: tuple[str, Any] | None = None, help: str = ""
) -> Any:
    """Declare any exact number, such as a slope or an epsilon; the word of ``bare`` sets it to the number there."""
    flags = {} if bare is None else {bare[0]: bare[1]}
    return _declare(default, form="real", positional=positional, flags=flags, help=help)


def axis_list(*, help: str = "") -> Any:
    """Declare one or more axes, written as a size: ``1``, ``last``, ``1x2``."""
    later = frozenset(["last"])
    return _declare(MISSING, form="axis_list", choices=("last",), later=later, positional=True, help=help)


def axes(
    default: Any = MISSING,
    *,
    at_least: int | None = 1,
    positional: bool = False,
    sugar: str = "",
    takes_positions: bool = False,
    fractions: bool = False,
    help: str = "",
) -> Any:
    """Declare one integer (or fraction) per spatial axis, written once for all axes or per axis: ``k3``, ``k3x5``."""
    return _declare(
        (default,) if type(default) is int else default,
        form="axes",
        at_least=at_least,
        positional=positional,
        sugar=sugar,
        takes_positions=takes_positions,
        fractions=fractions,
        help=help,
    )


def pads(
    default: Any = ((0, 0),),
    *,
    positional: bool = False,
    sugar: str = "p",
    words: bool = True,
    at_least: int | None = 0,
    help: str = "",
) -> Any:
    """Declare padding per axis and side, or a padding mode: ``p1``, ``p1x2``, ``p0:1``, ``half``, ``pad=same``."""
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


def axis(default: int = 0, *, help: str = "the axis: 0 is that of the channels, -1 the last one") -> Any:
    """Declare the number of an axis, which may also be written as a word: ``axis=last``."""
    words = tuple(AXIS_WORDS)
    return _declare(default, form="integer", names_axis=True, choices=words, later=frozenset(words), help=help)


def axis_word(default: str, *further: str, help: str = "") -> Any:
    """Declare an axis by a word (``last``, ``channels`` or a further one), which may also be written as a number."""
    return _declare(default, form="word", names_axis=True, choices=(*further, *AXIS_WORDS), help=help)


def word(
    default: Any = MISSING,
    *choices: str,
    positional: bool = False,
    flags: bool = False,
    later: tuple[str, ...] = (),
    help: str = "",
) -> Any:
    """Declare one of several words; with ``flags``, each is also a flag; those in ``later`` are not reserved."""
    return _declare(
        default,
        form="word",
        choices=choices,
        positional=positional,
        flags={choice: choice for choice in choices} if flags else {},
        later=frozenset(later),
        help=help,
    )


def flag(default: bool, bare: str, *, reserved: bool = True, help: str = "") -> Any:
    """Declare a Boolean that the word ``bare`` sets to the opposite of its default: ``nobias``, ``ceil``."""
    later = frozenset() if reserved else frozenset([bare])
    return _declare(default, form="flag", flags={bare: not default}, choices=("yes", "no"), later=later, help=help)


def sizes(
    default: Any = MISSING,
    *,
    positional: bool = False,
    at_least: int | None = 1,
    each: Literal["", "axis", "positions", "channels"] = "",
    example: str = "",
    help: str = "",
) -> Any:
    """Declare a shape, or one number per channel: ``reshape 16x5x5``, ``mean=0.485x0.456x0.406``."""
    return _declare(
        default, form="sizes", positional=positional, at_least=at_least, each=each, example=example, help=help
    )


def positions(default: Any = MISSING, *, positional: bool = False, help: str = "") -> Any:
    """Declare the start and stop of a slice: ``0:16``, ``(C//2):C``, ``:16``."""
    return _declare(default, form="positions", positional=positional, help=help)


def table(default: Any = None, *, help: str = "") -> Any:
    """Declare a connection table, written as the name of a table of the spec."""
    return _declare(default, form="table", help=help)


def pattern(*, help: str = "") -> Any:
    """Declare a pattern in einops' notation, written in quotation marks: ``'c h w = (h w) c'``."""
    return _declare(MISSING, form="pattern", positional=True, help=help)


def tensor(
    *, required: bool = False, features: Features = "", fixed: bool = False, example: str = "", help: str = ""
) -> Any:
    """Declare a tensor, written as a reference: ``context=@encoder``."""
    default = MISSING if required else False
    return _declare(default, form="tensor", features=features, fixed=fixed, example=example, help=help)


def lengths(*, help: str = "") -> Any:
    """Declare the sizes of the names in a pattern; all arguments without a parameter of their own: ``p=7``."""
    return _declare((), form="lengths", at_least=1, help=help)


@cache
def parameters(operator: type) -> tuple[Parameter, ...]:
    """Return the declared arguments of an operator class, in the order of declaration."""
    return tuple(Parameter(f.name, f.metadata["argument"], f.default) for f in fields(operator) if _is_declared(f))


def _is_declared(f: Field[Any]) -> bool:
    return "argument" in f.metadata
