"""Number formats: how many bits the numbers of each kind of tensor take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

from archcalc.graph import Graph
from archcalc.numeric import Number, ceil_div
from archcalc.ops.base import Operator, Weight
from archcalc.ops.formats import ALIASES, FORMATS

BITS: Mapping[str, int] = {
    **{name: FORMATS[name].bits for name in ("float64", "float32", "float16", "bfloat16")},
    "float8": FORMATS["float8_e4m3fn"].bits,
    **{name: FORMATS[name].bits for name in ("int8", "int4")},
}
"""The bits per number, by number format."""
DEFAULT = "float32"


@dataclass(frozen=True, slots=True)
class Formats:
    """The number format of each kind of tensor."""

    weights: str = DEFAULT
    """The stored arrays that are neither biases nor those of normalisations."""
    biases: str = DEFAULT
    norms: str = DEFAULT
    """The stored arrays of normalisations: scales, shifts and statistics."""
    activations: str = DEFAULT
    """All tensors that layers read and make."""

    @property
    def are_equal(self) -> bool:
        """Whether all stored arrays have the same format."""
        return self.weights == self.biases == self.norms

    def of(self, op: Operator, weight: Weight) -> str:
        """Return the format of a stored array."""
        return str(getattr(self, kind_of(op, weight)))

    def __str__(self) -> str:
        """Return the formats as they are written, one word if they are all equal."""
        each = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        named = [f"{kind}={form}" for kind, form in each.items()]
        return self.weights if len({*each.values()}) == 1 else ",".join(named)


KINDS = tuple(field.name for field in fields(Formats))


def kind_of(op: Operator, weight: Weight) -> str:
    """Return the kind of a stored array of a layer: ``weights``, ``biases`` or ``norms``."""
    if op.kind == "normalisation":
        return "norms"
    return "biases" if weight.added else "weights"


def read_format(word: str) -> str:
    """Return the number format with a name.

    Raises:
        ValueError: there is none.
    """
    found = ALIASES.get(word.strip().lower(), word.strip().lower())
    if found not in BITS:
        raise ValueError(f"dtype must be one of {', '.join(BITS)}, got {word.strip()[:40]!r}")
    return found


@lru_cache
def read_formats(written: str) -> Formats:
    """Read formats: one for all tensors (``bfloat16``), or by kind (``weights=int4,activations=fp16``).

    A word without a kind applies to all kinds that are not named; without one, these are in float32.

    Raises:
        ValueError: a kind or a format does not exist, or is given twice.
    """
    found: dict[str, str] = {}
    for part in written.split(","):
        kind, equals, word = part.partition("=")
        kind, word = (kind.strip(), word) if equals else ("", kind)
        if kind and kind not in KINDS:
            raise ValueError(f"the kind of tensor must be one of {', '.join(KINDS)}, got {kind[:40]!r}")
        if kind in found:
            raise ValueError(f"the format of {kind or 'all tensors'} is given twice: {written[:60]!r}")
        found[kind] = read_format(word)
    others = found.pop("", DEFAULT)
    return Formats(**{kind: found.get(kind, others) for kind in KINDS})


def in_bytes(elements: Number, form: str) -> Number:
    """Return the bytes of elements in a number format; those of less than a byte are packed."""
    bits = BITS[form]
    return ceil_div(elements * bits, 8) if bits % 8 else elements * (bits // 8)


def bytes_note(form: str) -> str:
    """Return the note of a derivation on the size of a number: ``float32: 4 bytes each``."""
    bits = BITS[form]
    return f"{form}: {bits} bits each" if bits % 8 else f"{form}: {bits // 8} byte{'s' * (bits > 8)} each"


def stored_arrays(graph: Graph, layers: Iterable[int]) -> Iterator[tuple[int, Operator, Weight]]:
    """Yield the stored arrays that layers use, each once: the layer that it belongs to, the operator, the array."""
    seen: set[tuple[int, str]] = set()
    for index in layers:
        node = graph.nodes[index]
        for weight in node.op.weights(graph.input_shapes(node)):
            key = node.tied.get(weight.name, index), weight.name
            if key not in seen:
                seen.add(key)
                yield key[0], node.op, weight


def stored_bytes(graph: Graph, layers: Iterable[int], formats: Formats) -> Number:
    """Return the bytes of the stored arrays that layers use."""
    elements: dict[str, Number] = {}
    for _, op, weight in stored_arrays(graph, layers):
        form = formats.of(op, weight)
        elements[form] = elements.get(form, 0) + weight.count
    return sum([in_bytes(count, form) for form, count in elements.items()])
