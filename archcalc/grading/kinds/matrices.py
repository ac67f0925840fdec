"""Numeric matrices and vectors, as people write them: ``[[1, 0], [2, 3]]``, ``1 0; 2 3``, LaTeX, rows on lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from archcalc.grading.kinds.base import CORRECT, Outcome, reason, unreadable, wrong
from archcalc.spec.numerals import WrittenNumber, read_number

Matrix: TypeAlias = tuple[tuple[WrittenNumber, ...], ...]

_MARKUP = re.compile(
    r"\\(?:begin|end)\{[a-z]*\*?\}(?:\{[a-z|]*\})?|\\(?:left|right)|\$|(?:np\.)?(?:array|tensor|matrix)(?=\()"
)
_ROW_ENDS = re.compile(r"\\\\|;|\n|\]\s*,?\s*\[|\)\s*,\s*\(")
MAX_ENTRIES = 10_000


def read_matrix(text: str) -> Matrix:
    """Return the rows of a matrix; a vector is one row.

    Raises:
        ValueError: the text is not a matrix; the message says why.
    """
    written = _MARKUP.sub(" ", text).strip()
    if re.fullmatch(r"\d+(?:x\d+)+", written):
        written = written.replace("x", ", ")  # a list of integers, which may also be a shape
    rows = [re.sub(r"[\[\](){}|&]", " ", row).strip(" ,") for row in _ROW_ENDS.split(written)]
    found = tuple(tuple(read_number(entry) for entry in re.split(r"\s*,\s*|\s+", row)) for row in rows if row)
    if not found or len({len(row) for row in found}) > 1:
        raise ValueError(f"a matrix must have rows of equal length, such as [[1, 0], [2, 3]], got '{text[:40]}'")
    if sum(map(len, found)) > MAX_ENTRIES:
        raise ValueError(f"a matrix must have at most {MAX_ENTRIES:,} entries")
    return found


@dataclass(frozen=True)
class KnownMatrix:
    """A matrix that the key gives, with the distance that an entry may have from it."""

    rows: Matrix
    tolerance: WrittenNumber | None

    @property
    def correct(self) -> str:
        return _written(self.rows)

    def judge(self, answer: str) -> Outcome:
        """Judge a matrix, entry by entry."""
        try:
            given = read_matrix(answer)
        except ValueError as error:
            return unreadable(str(error))
        if 1 in (len(self.rows), len(self.rows[0])) and _flat(self.rows, given):
            given = _reshaped(given, len(self.rows[0]))  # a column may be written as a row
        if self._agrees(given):
            return CORRECT
        if _size(given) != _size(self.rows):
            return wrong(reason("matrix-size", right=_size(self.rows), given=_size(given)))
        if self._agrees(tuple(zip(*given, strict=True))):
            return wrong(reason("matrix-transposed"), code="matrix-transposed")
        if self._agrees(tuple(tuple(each._replace(value=-each.value) for each in row) for row in given)):
            return wrong(reason("signs-reversed"), code="signs-reversed")
        entries = [(i, j) for i in range(len(given)) for j in range(len(given[0]))]
        off = [(i, j) for i, j in entries if not within(given[i][j], self.rows[i][j], self.tolerance)]
        i, j = off[0]
        place = f"{j + 1}" if len(given) == 1 else f"{i + 1}, {j + 1}"
        names = {"place": place, "given": _number(given[i][j])}
        more = (reason("entries-differ", count=str(len(off))),) if len(off) > 1 else ()
        correct = _number(self.rows[i][j])
        return wrong(reason("entry", right=correct, **names), *more, hints=(reason("entry-wrong", **names), *more))

    def _agrees(self, given: Matrix) -> bool:
        return _size(given) == _size(self.rows) and all(
            within(one, other, self.tolerance)
            for row, expected in zip(given, self.rows, strict=True)
            for one, other in zip(row, expected, strict=True)
        )


def within(given: WrittenNumber, expected: WrittenNumber, tolerance: WrittenNumber | None) -> bool:
    """Return whether a number is correct: within the tolerance, or what the expected one rounds to."""
    distance = abs(given.value - expected.value)
    if tolerance is None:
        return distance <= given.tolerance
    margin = abs(expected.value) * tolerance.value if tolerance.unit == "%" else tolerance.value
    return distance <= margin


def _flat(expected: Matrix, given: Matrix) -> bool:
    """Return whether both are vectors of the same length."""
    return 1 in (len(given), len(given[0])) and sum(map(len, given)) == sum(map(len, expected))


def _reshaped(rows: Matrix, width: int) -> Matrix:
    entries = [entry for row in rows for entry in row]
    return tuple(tuple(entries[start : start + width]) for start in range(0, len(entries), width))


def _size(rows: Matrix) -> str:
    return f"{len(rows)}x{len(rows[0])}"


def _written(rows: Matrix) -> str:
    texts = ["[" + ", ".join(map(_number, row)) + "]" for row in rows]
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


def _number(entry: WrittenNumber) -> str:
    value: Fraction = entry.value
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"
