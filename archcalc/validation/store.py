"""The file of a baseline: the numbers of networks under names that do not depend on where one stands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from archcalc.spec.errors import fail
from archcalc.spec.locate import SUFFIXES
from archcalc.validation.baseline import COUNTS, QUANTITIES, Numbers, Row
from archcalc.validation.paths import Target

LARGEST = 256 * 1024 * 1024
"""Bytes of a file that is still read."""


@dataclass
class Store:
    """The numbers of networks in a file."""

    path: str
    networks: dict[str, Numbers] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str) -> Store:
        """What a file holds.

        Raises:
            SpecError: there is no such file, or it is no baseline.
        """
        try:
            with open(path, "rb") as file:
                data = file.read(LARGEST + 1)
            if len(data) > LARGEST:
                fail("baseline", f"more than {LARGEST} bytes", origin=path)
            return cls(path, {name: _numbers(record) for name, record in json.loads(data)["specs"].items()})
        except OSError as error:
            fail("baseline", f"cannot read it: {error.strerror}", hint="--update-baseline writes it", origin=path)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            fail("baseline", "not a baseline", hint="remove it, and --update-baseline writes it anew", origin=path)

    def name(self, target: Target) -> str:
        """What a spec is called: its path from the folder of this file; bundled networks have their names."""
        if not target.path or target.name != target.path:
            return target.name
        folder = os.path.dirname(os.path.realpath(self.path))
        return os.path.relpath(os.path.realpath(target.path), folder).replace(os.sep, "/")

    def of(self, target: Target) -> Numbers | None:
        """The numbers of a spec, if it is here."""
        return self.networks.get(self.name(target))

    def keep(self, target: Target, numbers: Numbers) -> None:
        """Put the numbers of a spec in."""
        self.networks[self.name(target)] = numbers

    def text(self) -> str:
        """The new content of the file, without specs that no longer exist: a line per layer, for version control."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        kept = [(name, numbers) for name, numbers in sorted(self.networks.items()) if not self._is_gone(name)]
        yield '{"schema": 1, "specs": {'
        for number, (name, numbers) in enumerate(kept):
            yield f"{',' if number else ''}{json.dumps(name)}: {{"
            yield f'  "totals": {json.dumps(dict(zip(QUANTITIES, numbers.totals, strict=True)))},'
            yield '  "layers": {'
            for index, row in enumerate(numbers.layers):
                record = {"op": row.op, "output": row.output, **dict(zip(COUNTS, row.counts, strict=True))}
                comma = "," if index + 1 < len(numbers.layers) else ""
                yield f"    {json.dumps(row.name)}: {json.dumps(record, ensure_ascii=False)}{comma}"
            yield "  }"
            yield "}"
        yield "}}"

    def _is_gone(self, name: str) -> bool:
        place = os.path.join(os.path.dirname(os.path.realpath(self.path)), name)
        return name.lower().endswith(SUFFIXES) and not os.path.exists(place)


def _numbers(record: Any) -> Numbers:
    totals = tuple(_count(record["totals"][quantity]) for quantity in QUANTITIES)
    rows = [
        Row(name, str(layer["op"]), str(layer["output"]), tuple(_count(layer[quantity]) for quantity in COUNTS))
        for name, layer in record["layers"].items()
    ]
    return Numbers(totals, tuple(rows))


def _count(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("a count is a whole number")
    return value
