"""Streaming output of rows as CSV or JSON: each row is written at once, whatever the number of rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archcalc.report.table import cell_value
from archcalc.terminal import JSON_BACKSLASH, readable


class RowWriter:
    """Writes rows as CSV with a line of titles, or as a JSON list with one object per line."""

    def __init__(self, write: Callable[[str], object], form: str, keys: Sequence[str]) -> None:
        self.write = write
        self.keys = keys
        self.is_json = form == "json"
        self.begun = False
        self.lines = csv.writer(_Sink(write), lineterminator="\n")
        if not self.is_json:
            self.lines.writerow(keys)

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write the next rows."""
        if not self.is_json:
            self.lines.writerows(rows)
            return
        for row in rows:
            record = {key: cell_value(value) for key, value in zip(self.keys, row, strict=True)}
            line = readable(json.dumps(record, ensure_ascii=False), JSON_BACKSLASH)
            self.write(f"{',' if self.begun else '['}\n  {line}")
            self.begun = True

    def close(self) -> None:
        """Write the end of the document."""
        if self.is_json:
            self.write("\n]\n" if self.begun else "[]\n")


class _Sink:
    """A file object for the `csv` module, which needs ``write`` only."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
