"""What items of chains have in common: their pattern, and the numbers that fill it.

A number is a positional argument, or one with a letter before it (``k3``). Where the letter has a default of 1, such as
the stride of a convolution, an argument that is left out counts as 1, so that layers with and without it are alike.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from functools import cache
from typing import NamedTuple

from archcalc.ops.base import REGISTRY
from archcalc.writers.spec.chain_tree import BlockCall, Chain, Item, JoinItem, LayerItem, RepeatedItems

POSITIONAL = re.compile(r"\d+|(?:\d+\*)?[cn]\d*")
"""A positional number, or a parameter of a block in its place, which `blocks` names with these letters."""
LETTERED = re.compile(r"([a-z])(?:(\d+)|=(\w+))")


class Hole(NamedTuple):
    """A place for a number in a pattern."""

    letter: str
    """The letter before it; empty for a positional argument."""
    operator: str


class ItemPattern(NamedTuple):
    """The pattern of an item or a chain, and what fills it."""

    key: Hashable
    holes: tuple[Hole, ...]
    values: tuple[str, ...]


@cache
def _letters(operator: str) -> dict[str, bool]:
    """Return the letters of an operator's arguments in their order, and whether the default is 1."""
    cls = REGISTRY.get(operator)
    found = {} if cls is None else {each.argument.sugar: each.default in (1, (1,)) for each in cls.parameters()}
    return {letter: is_one for letter, is_one in found.items() if letter}


def pattern_of(chain: Chain) -> ItemPattern:
    """Return the pattern of a chain."""
    parts = [_of_item(item) for item in chain]
    return ItemPattern(
        tuple([part.key for part in parts]),
        tuple([hole for part in parts for hole in part.holes]),
        tuple([value for part in parts for value in part.values]),
    )


def _of_item(item: Item) -> ItemPattern:
    if isinstance(item, LayerItem):
        return _of_layer(item)
    if isinstance(item, BlockCall):
        holes = tuple([Hole(_letter(name), "") for name in item.block.parameters])
        return ItemPattern(("call", item.block.name), holes, item.values)
    inner = [pattern_of(branch) for branch in (item.branches if isinstance(item, JoinItem) else (item.body,))]
    own: Hashable = (item.name, item.options) if isinstance(item, JoinItem) else item.times
    return ItemPattern(
        (own, tuple([each.key for each in inner])),
        tuple([hole for each in inner for hole in each.holes]),
        tuple([value for each in inner for value in each.values]),
    )


def _letter(parameter: str) -> str:
    """Return the letter of the arguments that a parameter of a block stands for."""
    return "" if parameter[0] in "cn" else parameter[0]


def _of_layer(layer: LayerItem) -> ItemPattern:
    operator, *words = layer.words
    positional, lettered, rest = _sorted_words(operator, words)
    holes = [*(Hole("", operator) for _ in positional), *(Hole(letter, operator) for letter in lettered)]
    return ItemPattern(
        (operator, len(positional), tuple(lettered), tuple(rest)),
        tuple(holes),
        (*positional, *lettered.values()),
    )


def _sorted_words(operator: str, words: list[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """Return the positional numbers, those with letters, and all other words."""
    letters = _letters(operator)
    positional: list[str] = []
    given: dict[str, str] = {}
    rest: list[str] = []
    for word in words:
        found = LETTERED.fullmatch(word)
        if found and found[1] in letters:
            given[found[1]] = found[2] or found[3]
        elif not given and not rest and POSITIONAL.fullmatch(word):
            positional.append(word)
        else:
            rest.append(word)
    ones = {letter: "1" for letter, is_one in letters.items() if is_one}
    ordered = {letter: {**ones, **given}[letter] for letter in letters if letter in given or letter in ones}
    return positional, ordered, rest


def filled(chain: Chain, values: Iterator[str]) -> Chain:
    """Return a chain with other values in the places of its numbers."""
    return tuple([_filled(item, values) for item in chain])


def _filled(item: Item, values: Iterator[str]) -> Item:
    if isinstance(item, BlockCall):
        return BlockCall(item.block, tuple([next(values) for _ in item.values]))
    if isinstance(item, JoinItem):
        return JoinItem(item.name, tuple([filled(branch, values) for branch in item.branches]), item.options)
    if isinstance(item, RepeatedItems):
        return RepeatedItems(filled(item.body, values), item.times)
    operator, *words = item.words
    positional, lettered, rest = _sorted_words(operator, words)
    made = [next(values) for _ in positional]
    for letter in lettered:
        value = next(values)
        if value.isdigit():
            if value != "1" or not _letters(operator)[letter]:
                made.append(f"{letter}{value}")
        else:
            made.append(f"{letter}={value}")
    return LayerItem((operator, *made, *rest))
