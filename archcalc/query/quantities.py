"""The quantities of a network: one entry each, which says what every verb has to know of it.

A count of layers (`archcalc.analysis.counts`) needs an entry here and its formula there, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from archcalc.analysis.counts import FORMULAS
from archcalc.ops.base import OPERATION_KINDS
from archcalc.spec.errors import suggest

Scope: TypeAlias = Literal["layer", "stage", "network"]
"""What may have a quantity: a layer, several layers together (a stage, a head, an input, a block call), the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity, and how it is asked for."""

    name: str
    meaning: str
    """One sentence."""
    title: str = ""
    """The head of its columns in tables for people, where it is not the name."""
    unit: Literal["number", "positions", "bytes", "shape"] = "number"
    scopes: tuple[Scope, ...] = ("layer", "stage", "network")
    """Where it applies."""
    adds_up: Literal["sum", "last", "none"] = "sum"
    """How that of several layers comes about: as a sum, as that of the last one, or only for the network as a whole."""
    per_example: bool = False
    """Whether a batch multiplies it."""
    stored: bool = False
    """Whether each of what is counted is a number in memory: such a count may be claimed in bytes."""
    derivation: str = ""
    """What `archcalc explain` derives for it; nothing where it has no derivation."""
    measured: bool = True
    """Whether it has a value, which can be claimed, swept, and asked for as a formula."""
    in_baseline: bool = False
    """Whether `archcalc validate` stores it in baselines."""

    @property
    def heading(self) -> str:
        """The head of its columns."""
        return self.title or self.name

    @property
    def is_count(self) -> bool:
        """Whether it is counted of layers: one number that adds up, with a formula for one layer."""
        return self.name in FORMULAS

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers: not always those of receptive fields."""
        return self.unit != "positions"

    @property
    def is_number(self) -> bool:
        """Whether it is one number, whatever the number of axes."""
        return self.unit in ("number", "bytes")


SIZES = ("C", "L", "D", "H", "W")
"""Sizes of an output, by the names of its axes (see `archcalc.graph.axis_symbols`)."""

_NUMBERED_AXIS = re.compile(r"n_[1-9]\d{0,2}")
_OPERATIONS = {
    "mul": "Multiplications, as mults.",
    "add": "Additions and subtractions.",
    "div": "Divisions.",
    "cmp": "Comparisons: maxima, minima and clamps.",
    "exp": "Exponentials.",
    "log": "Logarithms.",
    "sqrt": "Square roots.",
    "pow": "Powers.",
    "tanh": "Hyperbolic tangents.",
    "erf": "Error functions.",
}


def _count(
    name: str,
    meaning: str,
    title: str = "",
    *,
    per_example: bool = True,
    stored: bool = False,
    in_baseline: bool = False,
) -> Quantity:
    return Quantity(
        name=name,
        meaning=meaning,
        title=title,
        per_example=per_example,
        stored=stored,
        derivation=name,
        in_baseline=in_baseline,
    )


def _field(name: str, meaning: str, title: str) -> Quantity:
    return Quantity(name=name, meaning=meaning, title=title, unit="positions", adds_up="last", derivation="rf")


def _size(name: str) -> Quantity:
    meaning = f"The size of the output along the axis {name}."
    return Quantity(name=name, meaning=meaning, scopes=("layer", "stage"), adds_up="last", derivation="shape")


_TABLE = (
    Quantity(
        name="shape",
        meaning="The shape of the output, in the layout of the spec.",
        unit="shape",
        adds_up="last",
        derivation="shape",
    ),
    Quantity(name="channels", meaning="The channels of the output.", adds_up="last", derivation="shape"),
    _count("params", "Every stored number.", per_example=False, stored=True, in_baseline=True),
    _count("trainable", "Stored numbers that are learned.", per_example=False, stored=True),
    _count("connections", "Every use of a weight or bias (LeCun et al. 1998)."),
    _count("macs", "Multiply-accumulate pairs of the linear-algebra layers.", "MACs", in_baseline=True),
    _count("mults", "All scalar multiplications."),
    _count("flops", "Every floating-point operation.", "FLOPs", in_baseline=True),
    _count("activations", "Elements of all outputs.", stored=True, in_baseline=True),
    _field("rf", "How many input positions a unit sees along an axis, or global, or unknown.", "RF"),
    _field("rf_stride", "By how many input positions the windows of neighbouring units differ.", "RF stride"),
    _field("rf_padding", "By how many positions the window of the first unit hangs over the input.", "RF padding"),
    *(_count(kind, _OPERATIONS[kind]) for kind in OPERATION_KINDS),
    Quantity(name="layers", meaning="The number of layers."),
    Quantity(
        name="memory",
        meaning="Bytes of the parameters.",
        unit="bytes",
        derivation="memory",
        in_baseline=True,
    ),
    Quantity(
        name="peak",
        meaning="Bytes of the tensors that live at one time, at most.",
        unit="bytes",
        scopes=("network",),
        adds_up="none",
        per_example=True,
        derivation="memory",
    ),
    *map(_size, SIZES),
    Quantity(
        name="folding",
        meaning="What folding batch norms into their neighbours saves.",
        adds_up="none",
        derivation="folding",
        measured=False,
    ),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({each.name: each for each in _TABLE})
"""By their names, in the order in which they are listed. Numbered axes (``n_1``) are sizes, too."""

SUMS = tuple(each.name for each in _TABLE if each.is_count and each.name not in OPERATION_KINDS)
"""The counts in general; those of one kind of operation come beside them."""

MEASURED = tuple(each.name for each in _TABLE if each.measured)
"""What has a value."""

COMMON = tuple(name for name in MEASURED if name not in (*OPERATION_KINDS, *SIZES))
"""What people are told that there is."""

DERIVED = tuple(each.name for each in _TABLE if each.derivation)
"""What has a derivation."""


def quantity_named(word: str) -> Quantity | None:
    """The quantity of this name, if there is one."""
    return QUANTITIES.get(word) or (_size(word) if _NUMBERED_AXIS.fullmatch(word) else None)


def heading(word: str) -> str:
    """The head of a column for people: of a quantity its heading, else the word itself."""
    quantity = quantity_named(word)
    return word if quantity is None else quantity.heading


def is_measured(word: str) -> bool:
    """Whether a word is the name of a quantity that has values."""
    quantity = quantity_named(word)
    return quantity is not None and quantity.measured


def is_size(word: str) -> bool:
    """Whether a word is the name of an axis."""
    return word in SIZES or _NUMBERED_AXIS.fullmatch(word) is not None


def find_quantity(word: str, known: Iterable[str] = MEASURED, listed: Iterable[str] = COMMON) -> Quantity:
    """The quantity of this name, among the known ones.

    Raises:
        LookupError: there is none; the arguments are a message and a hint, which lists some.
    """
    names = tuple(known)
    quantity = quantity_named(word)
    if quantity is None or (quantity.name not in names and not is_size(word)):
        raise LookupError(f"no quantity '{word[:40]}'", suggest(word, names, f"there are {', '.join(listed)}"))
    return quantity
