"""What keys name and give for questions about numbers: layers and arrays by name, perhaps with an index, and arrays."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from archcalc.arrays.written_arrays import Shape, WrittenArrayError, read_array
from archcalc.spec.errors import Text, fail, listing, suggest, whole_text

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph

_ENTRY = re.compile(r"(?P<name>.+?)\s*(?:\[\s*(?P<index>\d+(?:\s*,\s*\d+)*)\s*\]|:\s*(?P<place>\d+(?:\s*,\s*\d+)*))?")


class ArrayEntry(NamedTuple):
    """A layer or a stored array, or one number of it."""

    name: str
    at: Shape | None = None
    """The index of the number."""


def read_entry(text: Text, graph: Graph, arrays: Collection[str] = ()) -> ArrayEntry:
    """Return what a text such as ``conv_1[0,0]`` names.

    Args:
        text: the text.
        graph: the network.
        arrays: the names of stored arrays that it may name.

    Raises:
        SpecError: there is no such layer or array.
    """
    written = text.value.strip()
    is_name = graph.find(written) is not None or written in arrays
    found = None if is_name else _ENTRY.fullmatch(written)
    name = written if found is None else found["name"]
    if graph.find(name) is None and name not in arrays:
        known = [node.name for node in graph.nodes]
        what = "no input, layer or stored array" if arrays else "no layer"
        own = [each for each in arrays if each.startswith(f"{name.rpartition('.')[0]}.")] if arrays else []
        fail("key", f"there is {what} '{name[:60]}'", whole_text(text), suggest(name, [*own, *known]))
    places = None if found is None else found["index"] or found["place"]
    return ArrayEntry(name, None if places is None else tuple(map(int, places.split(","))))


def read_arrays(
    texts: Mapping[str, Text], shapes: Mapping[str, Shape], what: str, batch: int | None = None
) -> dict[str, Array]:
    """Return arrays that a key gives.

    Args:
        texts: the arrays by name.
        shapes: the shapes of those that may be given.
        what: what they are, for messages.
        batch: see `archcalc.executor.written_arrays.array_in_shape`.

    Raises:
        SpecError: an array is unknown, cannot be read, or has another shape.
    """
    from archcalc.executor.written_arrays import array_in_shape, float_arrays

    found = {}
    for name, text in texts.items():
        if name not in shapes:
            listed = listing(what, shapes, 8) if shapes else f"the network has no {what}s"
            fail("unknown-name", f"no {what} '{name[:60]}'", whole_text(text), suggest(name, shapes, listed))
        try:
            found[name] = array_in_shape(read_array(text.value), shapes[name], batch)
        except WrittenArrayError as error:
            message = f"{name} {error}" if str(error).startswith("must") else f"{name}: {error}"
            fail("key", message, whole_text(text))
    return float_arrays(found)
