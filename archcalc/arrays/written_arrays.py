"""Arrays as people write them: rows of numbers, nested lists, and words for common arrays.

``1 2 0; 2 1 4`` and the same on two lines are two rows, an empty row or line begins a new matrix, and commas between
numbers are optional. ``[[1, 2], [3, 4]]`` is a nested list, as JSON, Python and NumPy write it. Fractions (``1/3``) and
decimals are read exactly; ``nan``, ``inf`` and ``-inf`` are the numbers of this name.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import prod
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from archcalc.arrays.texts import shape_text

Number: TypeAlias = Fraction | float
"""A number as written: exact, or a float that is not finite."""
Shape: TypeAlias = tuple[int, ...]
Item = TypeVar("Item")
"""What stands for a number of an array."""

MAX_NUMBERS = 1_000_000
MAX_AXES = 32
MAX_DIGITS = 400
"""The maximum number of characters of one number: enough for every float, and quick to convert."""

_TOKEN = re.compile(r"[\[\]();\n,]|[^\[\]();\n,\s]+")
_NUMBER = re.compile(r"([+-]?)(?:(\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,3}))?(?:/(\d+(?:\.\d+)?))?)", re.ASCII)
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_MINUS_SIGNS = str.maketrans("−–", "--")
_CALL = re.compile(r"\s*(?:\w+\.)?(?:array|tensor|matrix)\(\s*([\[(].*[\])])\s*(?:,[^\[\]]*)?\)\s*", re.DOTALL)
"""An array as NumPy and PyTorch print it: ``array([[1, 2], [3, 4]], dtype=float32)``."""
_BEGINS = re.compile(r"\s*(?:[\[(]|[+−–-]?(?:\.?\d|nan\b|inf\b))|[^=]*;|\s*$", re.IGNORECASE)


class WrittenArrayError(ValueError):
    """A text cannot be read as an array, or as one of the wanted shape. The message names the place."""


@dataclass(frozen=True)
class WrittenArray(Generic[Item]):
    """An array as it was written."""

    shape: Shape
    numbers: tuple[Item, ...]
    """The numbers in order, the last axis fastest."""

    def fitted(self, shape: Shape) -> tuple[Item, ...]:
        """Return the numbers for an array of a given shape.

        Axes of size 1 may be left out or added, so that a vector may be written as a row or as a column, and the rows
        of several matrices may follow each other without empty rows between them.

        Raises:
            WrittenArrayError: the array has another shape; the message says how it was read.
        """
        if fits(self.shape, shape):
            return self.numbers
        raise WrittenArrayError(f"the array must have shape {shape_text(shape)}, got {self.description()}")

    def description(self) -> str:
        """Return how the array was read: ``3x4 (3 rows of 4 numbers)``."""
        if not self.shape:
            return "a single number"
        *outer, last = self.shape
        count = prod(outer)
        rows = f"{count:,} {'row' if count == 1 else 'rows'} of {last:,}" if outer else f"{last:,}"
        return f"{shape_text(self.shape)} ({rows} {'number' if last == 1 else 'numbers'})"


class Fill(NamedTuple):
    """An array that is given by a word, of any shape."""

    word: str
    argument: Number = Fraction(0)
    """The first number of ``arange``, or the seed of ``random``."""

    def fitted(self, shape: Shape) -> tuple[Number, ...]:
        """Return the numbers for an array of a given shape.

        Raises:
            WrittenArrayError: the word needs a matrix.
        """
        return tuple(FILLS[self.word](shape, self.argument))


def _identity(shape: Shape, argument: Number) -> Iterator[Number]:
    if len(shape) < 2:
        raise WrittenArrayError(f"'eye' needs the shape of a matrix, got {shape_text(shape)}")
    rows, columns = shape[-2:]
    matrix = [Fraction(int(row == column)) for row in range(rows) for column in range(columns)]
    return chain.from_iterable(matrix for _ in range(prod(shape[:-2])))


def _random(shape: Shape, seed: Number) -> Iterator[Number]:
    generator = random.Random(str(seed))
    return (Fraction(round(100 * generator.gauss(0, 1)), 100) for _ in range(prod(shape)))


FILLS: dict[str, Callable[[Shape, Number], Iterator[Number]]] = {
    "zeros": lambda shape, _: (Fraction(0) for _ in range(prod(shape))),
    "ones": lambda shape, _: (Fraction(1) for _ in range(prod(shape))),
    "arange": lambda shape, start: (start + number for number in range(prod(shape))),
    "eye": _identity,
    "random": _random,
}
"""The words for common arrays. ``arange`` counts from 0, ``arange 1`` from 1; ``eye`` is the identity matrix;
``random`` are normally distributed numbers with two decimals, ``random 7`` those of the seed 7."""
WITH_ARGUMENT = ("arange", "random")


def fits(written: Shape, wanted: Shape) -> bool:
    """Return whether an array that was written in one shape is meant to have another one."""
    if [size for size in written if size != 1] == [size for size in wanted if size != 1]:
        return True  # among them, a vector as a row or as a column
    if prod(written) != prod(wanted):
        return False
    return len(written) == 2 and len(wanted) > 2 and written[-1] == wanted[-1]  # matrices without empty rows between


def is_written(text: str) -> bool:
    """Return whether a text is meant as an array rather than as the name of a file."""
    words = text.split()
    return bool(_BEGINS.match(text) or _CALL.fullmatch(text)) or (bool(words) and words[0] in FILLS)


def read_array(text: str) -> WrittenArray[Number] | Fill:
    """Read an array, or a word for one.

    Raises:
        WrittenArrayError: see `read_numbers`.
    """
    word, *rest = text.split() or [""]
    return _fill(word, rest) if word in FILLS else read_numbers(text, read_number)


def read_numbers(text: str, number: Callable[[str], Item]) -> WrittenArray[Item]:
    """Read an array of which every number is written.

    Args:
        text: rows of numbers, or a nested list.
        number: reads one of them, or raises `WrittenArrayError`.

    Raises:
        WrittenArrayError: the text is empty, a part of it is not a number, rows have different lengths, or brackets do
            not match.
    """
    if (call := _CALL.fullmatch(text)) is not None:
        text = call[1]
    if text.lstrip()[:1] in ("[", "("):
        return _Nested(text, number).array()
    return _rows(text, number)


def _fill(word: str, rest: Sequence[str]) -> Fill:
    if not rest:
        return Fill(word)
    if word not in WITH_ARGUMENT or len(rest) > 1:
        raise WrittenArrayError(f"'{word}' must stand alone, got '{' '.join(rest)[:40]}' after it")
    return Fill(word, read_number(rest[0]))


def _rows(text: str, read: Callable[[str], Item]) -> WrittenArray[Item]:
    """Read rows that are separated by ``;`` or line breaks; an empty row begins a new matrix."""
    matrices: list[list[tuple[int, list[Item]]]] = [[]]
    for number, row in enumerate(re.split(r"[;\n]", text.strip().removesuffix(";")), 1):
        if row.strip():
            matrices[-1].append((number, _row(row, number, read)))
        elif matrices[-1]:
            matrices.append([])
    matrices = [matrix for matrix in matrices if matrix]
    if not matrices:
        raise WrittenArrayError("there are no numbers")
    first = len(matrices[0][0][1])
    for number, row in chain.from_iterable(matrices):
        if len(row) != first:
            raise WrittenArrayError(f"row {number} has {_count(len(row))}, but the rows before it have {first:,}")
    for index, matrix in enumerate(matrices, 1):
        if len(matrix) != len(matrices[0]):
            raise WrittenArrayError(f"matrix {index} has {len(matrix):,} rows, but the first has {len(matrices[0]):,}")
    sizes: Shape = (len(matrices), len(matrices[0]), first)
    if len(matrices) == 1:
        sizes = sizes[1:] if len(matrices[0]) > 1 else sizes[2:]
    numbers = tuple(chain.from_iterable(row for matrix in matrices for _, row in matrix))
    _check_count(len(numbers))
    return WrittenArray(sizes, numbers)


def _row(row: str, number: int, read: Callable[[str], Item]) -> list[Item]:
    words = re.split(r"\s*,\s*|\s+", row.strip())
    found = []
    for position, word in enumerate(words, 1):
        try:
            found.append(read(word))
        except WrittenArrayError as error:
            raise WrittenArrayError(f"{error} (row {number}, number {position})") from None
    return found


def read_number(word: str) -> Number:
    """Read a number: ``-1``, ``0.5``, ``1/3``, ``2e-3``, ``nan``, ``inf``.

    Raises:
        WrittenArrayError: the text is not a number.
    """
    text = word.strip().translate(_MINUS_SIGNS)
    bare = text.lstrip("+-").lower()
    if bare in _NOT_FINITE and len(text) - len(bare) <= 1:
        return -_NOT_FINITE[bare] if text.startswith("-") else _NOT_FINITE[bare]
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_DIGITS else None
    if found is None:
        raise WrittenArrayError(f"'{word[:40]}' is not a number" if word else "a number is missing between two commas")
    sign, mantissa, exponent, divisor = found.groups()
    if divisor is not None and not Fraction(divisor):
        raise WrittenArrayError(f"'{word[:40]}' divides by zero")
    value = Fraction(mantissa) * Fraction(10) ** int(exponent or 0) / Fraction(divisor or 1)
    return -value if sign == "-" else value


class _Nested(Generic[Item]):
    """A reader of nested lists; lists inside may be written as rows."""

    def __init__(self, text: str, number: Callable[[str], Item]) -> None:
        self.text, self.number = text, number
        self.tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(text)]
        self.at = 0

    def array(self) -> WrittenArray[Item]:
        """Return the array."""
        shape, numbers = self.item(0)
        self.skip("\n", ";")
        if self.at < len(self.tokens):
            token, place = self.tokens[self.at]
            raise WrittenArrayError(f"'{token[:40]}' follows the closing bracket ({self.where(place)})")
        _check_count(len(numbers))
        return WrittenArray(shape, tuple(numbers))

    def item(self, depth: int) -> tuple[Shape, list[Item]]:
        """Read a number or a list."""
        self.skip("\n")
        if self.at == len(self.tokens):
            raise WrittenArrayError("a closing bracket is missing at the end")
        token, place = self.tokens[self.at]
        self.at += 1
        if token not in "[(":
            try:
                return (), [self.number(token)]
            except WrittenArrayError as error:
                raise WrittenArrayError(f"{error} ({self.where(place)})") from None
        if depth == MAX_AXES:
            raise WrittenArrayError(f"lists are nested more than {MAX_AXES} deep ({self.where(place)})")
        return self.items(token, place, depth)

    def items(self, opening: str, place: int, depth: int) -> tuple[Shape, list[Item]]:
        """Read the items of a list, after its opening bracket."""
        closing = "]" if opening == "[" else ")"
        rows: list[list[tuple[Shape, list[Item]]]] = [[]]
        while True:
            self.skip("\n", ",")
            if self.at == len(self.tokens):
                raise WrittenArrayError(f"'{opening}' is not closed ({self.where(place)})")
            token, _ = self.tokens[self.at]
            if token in "])":
                if token != closing:
                    raise WrittenArrayError(f"'{opening}' is closed by '{token}' ({self.where(place)})")
                self.at += 1
                break
            if token == ";":
                self.at += 1
                rows.append([])
                continue
            rows[-1].append(self.item(depth + 1))
        found = [self.joined(row, place) for row in rows if row]
        if not found:
            raise WrittenArrayError(f"a list is empty ({self.where(place)})")
        return found[0] if len(found) == 1 else self.joined(found, place)

    def joined(self, items: Sequence[tuple[Shape, list[Item]]], place: int) -> tuple[Shape, list[Item]]:
        """Return items of one shape as a list."""
        first = items[0][0]
        for index, (shape, _) in enumerate(items, 1):
            if shape != first:
                if len(shape) == len(first) == 1:
                    raise WrittenArrayError(
                        f"row {index} has {_count(shape[0])}, the rows before it have {first[0]:,} "
                        f"({self.where(place)})"
                    )
                raise WrittenArrayError(
                    f"item {index} of a list is {_description(shape)}, but the items before it are "
                    f"{_description(first)} ({self.where(place)})"
                )
        return (len(items), *first), list(chain.from_iterable(numbers for _, numbers in items))

    def skip(self, *separators: str) -> None:
        """Pass over separators."""
        while self.at < len(self.tokens) and self.tokens[self.at][0] in separators:
            self.at += 1

    def where(self, place: int) -> str:
        """Return a place in the text as line and column."""
        before = self.text[:place]
        line, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
        return f"line {line}, column {column}" if "\n" in self.text else f"character {column}"


def _description(shape: Shape) -> str:
    return f"a list of {shape_text(shape)}" if shape else "a number"


def _count(count: int) -> str:
    return f"{count:,} {'number' if count == 1 else 'numbers'}"


def _check_count(count: int) -> None:
    if count > MAX_NUMBERS:
        raise WrittenArrayError(f"an array must have at most {MAX_NUMBERS:,} numbers, got {count:,}; use an .npy file")
