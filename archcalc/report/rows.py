"""Rows as CSV or JSON, written one by one, so that any number of them fits into memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archcalc.report.table import raw


class RowWriter:
    """Writes rows as CSV with a header, or as a JSON list of objects, one per line."""

    def __init__(self, write: Callable[[str], object], form: str, keys: Sequence[str]) -> None:
        self.write = write
        self.keys = keys
        self.is_json = form == "json"
        self.begun = False
        self.lines = csv.writer(_Sink(write), lineterminator="\n")
        if not self.is_json:
            self.lines.writerow(keys)

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows."""
        if not self.is_json:
            self.lines.writerows(rows)
            return
        for row in rows:
            record = {key: raw(value) for key, value in zip(self.keys, row, strict=True)}
            self.write(f"{',' if self.begun else '['}\n  {json.dumps(record, ensure_ascii=False)}")
            self.begun = True

    def close(self) -> None:
        """Write what follows the last row."""
        if self.is_json:
            self.write("\n]\n" if self.begun else "[]\n")


class _Sink:
    """A file for the `csv` module, made of a function that writes."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
