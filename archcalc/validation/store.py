"""Baseline files: the figures of networks, under names that do not depend on the current folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archcalc.spec.errors import fail
from archcalc.spec.locate import SUFFIXES
from archcalc.validation.baseline import STORED_COUNTS, STORED_QUANTITIES, LayerFigures, NetworkFigures
from archcalc.validation.paths import FoundSpec

MAX_BYTES = 256 * 1024 * 1024
"""The maximum size of a baseline file."""


@dataclass
class BaselineFile:
    """A baseline file with the figures of networks."""

    path: str
    networks: dict[str, NetworkFigures] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str) -> BaselineFile:
        """Read a baseline file.

        Raises:
            SpecError: The file does not exist, is too large, or is not a baseline.
        """
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                fail("baseline", f"the file has more than {MAX_BYTES:,} bytes", origin=path)
            return cls(path, {name: _figures(record) for name, record in json.loads(data)["specs"].items()})
        except OSError as error:
            hint = "--update-baseline writes it"
            fail("baseline", f"the file cannot be read: {error.strerror}", hint=hint, origin=path)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            hint = "remove the file and write a new one with --update-baseline"
            fail("baseline", "the file is not a baseline", hint=hint, origin=path)

    def name(self, found_spec: FoundSpec) -> str:
        """Return the name of a spec in the file: its path from the folder of the file, or the name of a bundled one."""
        if not found_spec.path or found_spec.name != found_spec.path:
            return found_spec.name
        folder = os.path.dirname(os.path.realpath(self.path))
        return os.path.relpath(os.path.realpath(found_spec.path), folder).replace(os.sep, "/")

    def of(self, found_spec: FoundSpec) -> NetworkFigures | None:
        """Return the figures of a spec; ``None`` if the file does not contain it."""
        return self.networks.get(self.name(found_spec))

    def put(self, found_spec: FoundSpec, figures: NetworkFigures) -> None:
        """Store the figures of a spec."""
        self.networks[self.name(found_spec)] = figures

    def text(self) -> str:
        """Return the new content of the file, without specs that no longer exist, and with one line per layer."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        kept = [(name, figures) for name, figures in sorted(self.networks.items()) if not self._is_gone(name)]
        yield '{"schema": 1, "specs": {'
        for number, (name, figures) in enumerate(kept):
            yield f"{',' if number else ''}{json.dumps(name)}: {{"
            yield f'  "totals": {json.dumps(dict(zip(STORED_QUANTITIES, figures.totals, strict=True)))},'
            yield '  "layers": {'
            for index, row in enumerate(figures.layers):
                record = {"op": row.op, "output": row.output, **dict(zip(STORED_COUNTS, row.counts, strict=True))}
                comma = "," if index + 1 < len(figures.layers) else ""
                yield f"    {json.dumps(row.name)}: {json.dumps(record, ensure_ascii=False)}{comma}"
            yield "  }"
            yield "}"
        yield "}}"

    def _is_gone(self, name: str) -> bool:
        place = os.path.join(os.path.dirname(os.path.realpath(self.path)), name)
        return name.lower().endswith(SUFFIXES) and not os.path.exists(place)


def _figures(record: Any) -> NetworkFigures:
    totals = tuple(_count(record["totals"][quantity]) for quantity in STORED_QUANTITIES)
    rows = [
        LayerFigures(
            name, str(layer["op"]), str(layer["output"]), tuple(_count(layer[quantity]) for quantity in STORED_COUNTS)
        )
        for name, layer in record["layers"].items()
    ]
    return NetworkFigures(totals, tuple(rows))


def _count(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a count must be an integer")
    return value
