"""Symbolic sizes, which the file writes as the representation of SymPy expressions; parsed, never evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add, floordiv, mod, mul
from typing import Any

from archcalc.numeric import Number, maximum, minimum
from archcalc.readers.dynamic_sizes import DynamicSize

TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<integer>-?\d+)|(?P<text>'[^']*')|(?P<sign>[(),=]))")

SYMBOL = re.compile(r"Symbol\('([^']*)'")

UNBACKED = re.compile(r"z?uf?\d+")
"""The names of symbols that stand for numbers in tensors."""

MAX_LENGTH = 10_000
"""The length of an expression that is read."""

MAX_DEPTH = 50

FUNCTIONS = {
    "Add": lambda *terms: reduce(add, terms),
    "Mul": lambda *factors: reduce(mul, factors),
    "FloorDiv": floordiv,
    "CleanDiv": floordiv,
    "Mod": mod,
    "PythonMod": mod,
    "Pow": lambda base, exponent: _power(base, exponent),
    "Max": maximum,
    "Min": minimum,
}
"""The functions of sizes that PyTorch writes."""


MAX_EXPONENT = 16


def _power(base: Number, exponent: Number) -> Number:
    if type(exponent) is not int or not 0 <= exponent <= MAX_EXPONENT:
        raise ValueError(f"the exponent of a size must be between 0 and {MAX_EXPONENT}")
    return base**exponent


def size_of(entry: Any, symbols: dict[str, Number]) -> Number:
    """Return the value of a symbolic size.

    Args:
        entry: the expression and its example value, as the file has them.
        symbols: the values of symbols; an unknown one whose example is recorded gets its example value. An expression
            of unknown ones has the value of its example.

    Raises:
        ValueError: the expression cannot be read.
    """
    text = entry.get("expr_str") if isinstance(entry, dict) else None
    if not isinstance(text, str) or len(text) > MAX_LENGTH:
        raise ValueError("a symbolic size must have an expression")
    hint = entry.get("hint")
    recorded = hint.get("as_int") if isinstance(hint, dict) else None
    example = recorded if type(recorded) is int and recorded >= 0 else None
    try:
        return _Parser(text, symbols, example).whole()
    except _UnknownSymbol:
        if example is None:
            raise
        return example


def dynamic_size(entry: Any, ranges: Mapping[str, tuple[int, int | None]]) -> DynamicSize | None:
    """Return the size of an input that depends on one symbol linearly; ``None`` for any other.

    Args:
        entry: the size, as the file has it.
        ranges: the smallest and largest value of every symbol.
    """
    expression = entry.get("as_expr") if isinstance(entry, dict) else None
    text = expression.get("expr_str") if isinstance(expression, dict) else None
    names = set(SYMBOL.findall(text)) if isinstance(text, str) and len(text) <= MAX_LENGTH else set()
    if len(names) != 1 or text is None:
        return None
    (name,) = names
    try:
        offset, one, two = (_Parser(text, {name: value}, None).whole() for value in (0, 1, 2))
    except ValueError:
        return None
    factor = one - offset
    if not all(type(each) is int for each in (offset, one, two)) or factor < 1 or two - one != factor:
        return None
    low, high = ranges.get(name, (0, None))
    return DynamicSize(name, factor, offset, factor * low + offset, None if high is None else factor * high + offset)


class _UnknownSymbol(ValueError):
    """An expression has a symbol whose value is not recorded."""


class UnbackedSize(_UnknownSymbol):
    """An expression has a symbol whose value depends on the numbers in tensors."""


class _Parser:
    """Reads one expression by recursive descent."""

    def __init__(self, text: str, symbols: dict[str, Number], example: int | None) -> None:
        self.text, self.symbols, self.example = text, symbols, example
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Iterator[re.Match[str]]:
        at = 0
        while at < len(self.text.rstrip()):
            found = TOKEN.match(self.text, at)
            if found is None:
                raise ValueError(f"the size '{self.text[:60]}' cannot be read")
            yield found
            at = found.end()

    def whole(self) -> Number:
        value = self.expression(0)
        if self.at < len(self.tokens):
            raise ValueError(f"the size '{self.text[:60]}' cannot be read")
        return value

    def next(self, expected: str = "") -> re.Match[str]:
        if self.at >= len(self.tokens) or (expected and self.tokens[self.at].group().strip() != expected):
            raise ValueError(f"the size '{self.text[:60]}' cannot be read")
        self.at += 1
        return self.tokens[self.at - 1]

    def expression(self, depth: int) -> Number:
        token = self.next()
        if token["integer"]:
            return int(token["integer"])
        name = token["name"]
        if name is None or depth > MAX_DEPTH:
            raise ValueError(f"the size '{self.text[:60]}' cannot be read")
        self.next("(")
        if name == "Symbol":
            return self.symbol(alone=depth == 0)
        arguments = [self.expression(depth + 1)]
        while (sign := self.next().group().strip()) == ",":
            arguments.append(self.expression(depth + 1))
        if sign != ")":
            raise ValueError(f"the size '{self.text[:60]}' cannot be read")
        if name == "Integer" and len(arguments) == 1:
            return arguments[0]
        if name not in FUNCTIONS:
            raise ValueError(f"a size uses the unknown function '{name}'")
        try:
            return FUNCTIONS[name](*arguments)
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"the size '{self.text[:60]}' has no value: {error}") from None

    def symbol(self, *, alone: bool) -> Number:
        name = self.next()["text"]
        if name is None:
            raise ValueError(f"the size '{self.text[:60]}' cannot be read")
        name = name.strip("'")
        while self.next().group().strip() != ")":
            pass  # assumptions: positive=True, integer=True
        if name not in self.symbols:
            if not alone or self.example is None:
                kind = UnbackedSize if UNBACKED.fullmatch(name) else _UnknownSymbol
                raise kind(f"nothing is recorded about the size {name}")
            self.symbols[name] = self.example
        return self.symbols[name]
