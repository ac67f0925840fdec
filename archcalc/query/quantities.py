"""The quantities of a network: one entry for each, with everything that the verbs need to know about it.

A count of layers (`archcalc.analysis.counts`) needs an entry here and its formula there, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from archcalc.analysis.counts import FORMULAS
from archcalc.ops.base import OPERATION_KINDS
from archcalc.spec.errors import suggest

Scope: TypeAlias = Literal["layer", "stage", "network"]
"""What has a quantity: a layer, several layers (a stage, a head, an input, a block call), or the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A quantity and its properties."""

    name: str
    meaning: str
    """The definition, in one sentence."""
    title: str = ""
    """The heading of its columns in tables, if that is not the name."""
    unit: Literal["number", "positions", "bytes", "shape"] = "number"
    scopes: tuple[Scope, ...] = ("layer", "stage", "network")
    """What has the quantity."""
    aggregation: Literal["sum", "union", "last", "none"] = "sum"
    """How the figure of several layers is formed: as the sum, as that of all their tensors, each counted once, as that
    of the last layer, or for the network only."""
    per_example: bool = False
    """Whether the figure is multiplied by the batch size."""
    stored: bool = False
    """Whether it counts numbers in memory, so that it may be claimed in bytes."""
    derivation: str = ""
    """The name of the derivation that `archcalc explain` gives; empty if there is none."""
    measured: bool = True
    """Whether it has a figure, which can be claimed, swept and given as a formula."""
    in_baseline: bool = False
    """Whether `archcalc validate` stores it in baselines."""

    @property
    def heading(self) -> str:
        """The heading of its columns in tables."""
        return self.title or self.name

    @property
    def is_count(self) -> bool:
        """Whether it is a count of layers: a single number, summed over layers, with a formula for one layer."""
        return self.name in FORMULAS

    @property
    def is_integer(self) -> bool:
        """Whether its values are always integers; those of receptive fields need not be."""
        return self.unit != "positions"

    @property
    def is_number(self) -> bool:
        """Whether it is a single number, independent of the number of axes."""
        return self.unit in ("number", "bytes")


SIZES = ("C", "L", "D", "H", "W")
"""The quantities that are sizes of an output, by the names of its axes (see `archcalc.graph.axis_symbols`)."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "units": "neurons",
        "maps": "channels",
        "feature_maps": "channels",
        "width": "W",
        "height": "H",
        "depth": "D",
        "length": "L",
    }
)
"""Other names of quantities."""

_NUMBERED_AXIS = re.compile(r"n_[1-9]\d{0,2}|n\d{1,3}")
_OPERATIONS = {
    "mul": "Multiplications (the same as mults).",
    "add": "Additions and subtractions.",
    "div": "Divisions.",
    "cmp": "Comparisons: maxima, minima and clamps.",
    "exp": "Exponentials.",
    "log": "Logarithms.",
    "sqrt": "Square roots.",
    "pow": "Powers.",
    "tanh": "Hyperbolic tangents.",
    "erf": "Error functions.",
    "sin": "Sines, cosines and arctangents.",
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
    return Quantity(name=name, meaning=meaning, title=title, unit="positions", aggregation="last", derivation="rf")


def _size(name: str) -> Quantity:
    meaning = f"The size of the output along the axis {name}."
    return Quantity(name=name, meaning=meaning, scopes=("layer", "stage"), aggregation="last", derivation="shape")


def _of_training(name: str, meaning: str, title: str = "", **properties: Any) -> Quantity:
    return Quantity(name=name, meaning=meaning, title=title, per_example=True, derivation=name, **properties)


def _cache(name: str, meaning: str) -> Quantity:
    return Quantity(name=name, meaning=meaning, unit="bytes", per_example=True, derivation=name)


_TABLE = (
    Quantity(
        name="shape",
        meaning="The shape of the output, in the layout of the spec.",
        unit="shape",
        aggregation="last",
        derivation="shape",
    ),
    Quantity(name="channels", meaning="The number of channels of the output.", aggregation="last", derivation="shape"),
    _count(
        "params",
        "The number of stored weights, biases and statistics.",
        per_example=False,
        stored=True,
        in_baseline=True,
    ),
    _count(
        "active_params",
        "The number of parameters that one token uses: all, except those of experts that are not chosen.",
        per_example=False,
        stored=True,
    ),
    _count("trainable", "The number of parameters that are learned.", per_example=False, stored=True),
    _count("weights", "The number of learned parameters without biases.", per_example=False, stored=True),
    _count("biases", "The number of learned biases and shifts.", per_example=False, stored=True),
    _count("connections", "The number of uses of weights and biases (LeCun et al. 1998)."),
    _count(
        "macs",
        "Multiply–accumulates of weighted sums (convolutions, fully connected layers) and products of tensors.",
        "MACs",
        in_baseline=True,
    ),
    _count("mults", "All scalar multiplications."),
    _count("flops", "All floating-point operations.", "FLOPs", in_baseline=True),
    _count("activations", "The number of elements of all outputs.", stored=True, in_baseline=True),
    Quantity(
        name="neurons",
        meaning="The number of elements of the output.",
        scopes=("layer", "stage"),
        aggregation="last",
        derivation="neurons",
    ),
    _field("rf", "The size of the receptive field along each axis, or global, causal or unknown.", "RF"),
    _field("rf_stride", "The distance between the windows of neighbouring units, in input positions.", "RF stride"),
    _field("rf_padding", "How far the window of the first unit extends beyond the input, in positions.", "RF padding"),
    *(_count(kind, _OPERATIONS[kind]) for kind in OPERATION_KINDS),
    Quantity(name="layers", meaning="The number of layers."),
    Quantity(
        name="memory",
        meaning="The size of the parameters in bytes.",
        unit="bytes",
        derivation="memory",
        in_baseline=True,
    ),
    Quantity(
        name="peak",
        meaning="The largest total size, in bytes, of tensors that are live at the same time.",
        unit="bytes",
        scopes=("network",),
        aggregation="none",
        per_example=True,
        derivation="memory",
    ),
    _cache("kv_cache", "The bytes of the keys and values that attention keeps for a context as long as the input."),
    _cache("kv_cache_per_token", "The bytes that one more token adds to kv_cache, as long as no window is full."),
    _of_training(
        "backward_macs",
        "Multiply–accumulates of the backward pass, which computes the gradients of inputs and weights.",
        "backward MACs",
    ),
    _of_training("training_macs", "Multiply–accumulates of the forward and the backward pass.", "training MACs"),
    _of_training(
        "saved",
        "The bytes of the tensors that the forward pass keeps for the backward pass, each counted once.",
        unit="bytes",
        aggregation="union",
    ),
    _of_training(
        "training_memory",
        "The bytes of weights, gradients, optimizer state, and tensors at the worst moment of a training step.",
        "training memory",
        unit="bytes",
        scopes=("network",),
        aggregation="none",
    ),
    *map(_size, SIZES),
    Quantity(
        name="folding",
        meaning="What folding batch norms into neighbouring layers saves.",
        aggregation="none",
        derivation="folding",
        measured=False,
    ),
    Quantity(
        name="gradient",
        meaning="How the gradients of the inputs and weights follow from that of the output.",
        scopes=("layer",),
        aggregation="none",
        derivation="gradient",
        measured=False,
    ),
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({each.name: each for each in _TABLE})
"""The quantities by name, in the order in which they are listed. Numbered axes (``n_1``) are sizes, too."""

SUMS = tuple(each.name for each in _TABLE if each.is_count and each.name not in OPERATION_KINDS)
"""The counts of layers, except those of single kinds of operation."""

MEASURED = tuple(each.name for each in _TABLE if each.measured)
"""The quantities that have figures."""

WORDS = (*MEASURED, *ALIASES)
"""The names and aliases of the quantities that have figures."""

COMMON = tuple(name for name in MEASURED if name not in (*OPERATION_KINDS, *SIZES))
"""The quantities that are listed in hints."""

DERIVED = tuple(each.name for each in _TABLE if each.derivation)
"""The quantities that have a derivation."""


def quantity_named(word: str) -> Quantity | None:
    """Return the quantity with a name or alias; ``None`` if there is none."""
    return QUANTITIES.get(ALIASES.get(word, word)) or (_size(word) if _NUMBERED_AXIS.fullmatch(word) else None)


def heading(word: str) -> str:
    """Return the heading of a column: that of a quantity, or else the word itself."""
    quantity = quantity_named(word)
    return word if quantity is None else quantity.heading


def is_measured(word: str) -> bool:
    """Return whether a word is the name of a quantity that has figures."""
    quantity = quantity_named(word)
    return quantity is not None and quantity.measured


def is_size(word: str) -> bool:
    """Return whether a word is the name of an axis."""
    return ALIASES.get(word, word) in SIZES or _NUMBERED_AXIS.fullmatch(word) is not None


def find_quantity(word: str, known: Iterable[str] = MEASURED, listed: Iterable[str] = COMMON) -> Quantity:
    """Return the quantity with a name, among the known ones.

    Raises:
        LookupError: there is none; the arguments are a message and a hint, which lists some.
    """
    names = tuple(known)
    quantity = quantity_named(word)
    if quantity is None or (quantity.name not in names and not is_size(word)):
        hint = suggest(word, names, f"the quantities include {', '.join(listed)}")
        raise LookupError(f"no quantity '{word[:40]}'", hint)
    return quantity
