"""Chains of a written spec as trees: layers, joins with branches, repetitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from archcalc.spec.grammar import JOINS

REPEATED = re.compile(r"\((?P<body>.*)\)\*(?P<times>\d+)", re.DOTALL)


@dataclass(frozen=True)
class LayerItem:
    """A layer, a reference, or a source."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(eq=False)
class BlockDefinition:
    """A block that chains call."""

    name: str
    parameters: list[str]
    body: Chain
    defaults: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The name with the parameters: ``branch(c, s=1)``."""
        written = [f"{each}={self.defaults[each]}" if each in self.defaults else each for each in self.parameters]
        return f"{self.name}({', '.join(written)})" if written else self.name


@dataclass(frozen=True)
class BlockCall:
    """A call of a block with values for all parameters."""

    block: BlockDefinition
    values: tuple[str, ...]

    def __str__(self) -> str:
        defaults = self.block.defaults
        written = [
            f"{parameter}={value}" if parameter in defaults else value
            for parameter, value in zip(self.block.parameters, self.values, strict=True)
            if value != defaults.get(parameter)
        ]
        return f"{self.block.name}({', '.join(written)})" if written else self.block.name


@dataclass(frozen=True)
class JoinItem:
    """A join of branches."""

    name: str
    branches: tuple[Chain, ...]
    options: tuple[str, ...]
    """Patterns and options, as they are written."""

    def __str__(self) -> str:
        patterns = [each for each in self.options if each[0] in "'\""]
        others = [each for each in self.options if each not in patterns]
        return f"{self.name}({', '.join([*patterns, *map(text, self.branches), *others])})"


@dataclass(frozen=True)
class RepeatedItems:
    """Items that are repeated."""

    body: Chain
    times: int

    def __str__(self) -> str:
        (only, *further) = self.body
        if not further and isinstance(only, BlockCall) and str(only).endswith(")"):
            return f"{only}*{self.times}"
        return f"({text(self.body)})*{self.times}"


Item: TypeAlias = LayerItem | BlockCall | JoinItem | RepeatedItems
Chain: TypeAlias = tuple[Item, ...]


def text(chain: Chain) -> str:
    """Return the text of a chain."""
    return " -> ".join(map(str, chain))


def parse(written: str, blocks: Mapping[str, BlockDefinition] | None = None) -> Chain:
    """Return the tree of a chain that was written by `archcalc.spec.chains`, perhaps with calls of blocks."""
    return tuple([_item(part, blocks or {}) for part in _split(written, " -> ")])


def _item(written: str, blocks: Mapping[str, BlockDefinition]) -> Item:
    if repeated := REPEATED.fullmatch(written):
        return RepeatedItems(parse(repeated["body"], blocks), int(repeated["times"]))
    name, bracket, rest = written.partition("(")
    if bracket and name in JOINS:
        parts = _split(rest[:-1], ", ")
        options = tuple([part for part in parts if part[0] in "'\"" or re.match(r"\w+=", part)])
        return JoinItem(name, tuple([parse(part, blocks) for part in parts if part not in options]), options)
    if bracket and name in blocks:
        return BlockCall(blocks[name], tuple(_split(rest[:-1], ", ")))
    return LayerItem(tuple(_split(written, " ")))


def _split(written: str, separator: str) -> list[str]:
    """Return the parts between separators that are neither in brackets nor in quotes."""
    parts, depth, quote, start, at = [], 0, "", 0, 0
    while at < len(written):
        char = written[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif not depth and written.startswith(separator, at):
            parts.append(written[start:at])
            at += len(separator)
            start = at
            continue
        at += 1
    return [*parts, written[start:]]
