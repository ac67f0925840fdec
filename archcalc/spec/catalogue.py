"""The catalogue of the bundled networks: names, families, totals and published figures, without reading the specs.

The catalogue is stored, because reading and analysing every spec takes longer than anybody waits for a list. A test
compares it with the specs; ``python -m tests.specs.catalogue`` rewrites it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("catalogue.jsonl")
"""One entry per line, so that a change of one network is a change of one line."""


class CatalogueEntry(NamedTuple):
    """A SPEC that is bundled: a network, or a variant of one."""

    name: str
    """The SPEC: the name of the file, and for a variant ``FILE:VARIANT``."""
    family: str
    task: str
    title: str
    aliases: tuple[str, ...]
    input: str
    """The shapes of the inputs, in the layout of the spec."""
    variables: str
    source: str
    """Where the network is described."""
    published: Mapping[str, Mapping[str, str]]
    """The published figures by target: the ``value`` as it is written, and the ``source``."""
    params: int
    active_params: int
    trainable: int
    weights: int
    biases: int
    connections: int
    macs: int
    mults: int
    flops: int
    activations: int
    layers: int

    @property
    def file(self) -> str:
        """The name of the spec without that of the variant."""
        return self.name.partition(":")[0]

    @property
    def variant(self) -> str:
        """The name of the variant; empty for the network itself."""
        return self.name.partition(":")[2]


FIGURES = CatalogueEntry._fields[CatalogueEntry._fields.index("params") :]
"""The totals of an entry."""


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return the entries in the order of their families, files and variants."""
    records = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    return tuple([CatalogueEntry(**{**record, "aliases": tuple(record["aliases"])}) for record in records])


def write_catalogue(entries: Iterable[CatalogueEntry]) -> str:
    """Return entries as the text of the catalogue."""
    return "".join(f"{json.dumps(record(entry), ensure_ascii=False)}\n" for entry in entries)


def record(entry: CatalogueEntry) -> dict[str, Any]:
    """Return an entry as JSON."""
    return {**entry._asdict(), "aliases": list(entry.aliases)}
