"""Damage to a text, as by editing and transmission: characters, words and lines lost, doubled, swapped or added."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

TOKEN = re.compile(r"\w+|\s+|->|//|\*\*|.", re.DOTALL)

CHARACTERS = "()[]{}<>@*&!%#|'\"`:,.=+-/\\?~^$;_xX× \t\n\r\0\x1b\x85\u2028\ufeff→é界0123456789kspdgCe"

WORDS = (
    *(
        "->",
        "→",
        "(",
        ")",
        "[",
        "]",
        "*3",
        "*0",
        "*1000000000",
        "**",
        "//",
        "@input",
        "@c1",
        "@",
        "identity",
        "C",
        "-1",
    ),
    *(
        "add(",
        "concat(",
        "max(",
        "mul(identity, ",
        "axis=1",
        "crop=smallest",
        "k3",
        "k0",
        "s2",
        "p1:2",
        "k3x",
        "pad=same",
    ),
    *(
        "half",
        "nobias",
        "ceil",
        "conv",
        "fc 10",
        "flatten",
        "gap",
        "floor(",
        "divisible(",
        "1e3",
        "1/0",
        "2**500",
        "0.1",
    ),
    *(
        "9" * 200,
        "input:",
        "inputs:",
        "layers:",
        "heads:",
        "blocks:",
        "variables:",
        "expect:",
        "tables:",
        "layout: hwc",
    ),
    *("- ", "  ", ": ", "{", "}", "null", "~", "no", "&a", "*a", "!!int", "---", "...", "|", ">-", "? ", "#", '"', "'"),
)


def mutants(text: str, seed: str, count: int) -> Iterator[str]:
    """Yield ``count`` damaged copies of a text, the same ones for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        damaged = text
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            damaged = rng.choice(KINDS)(damaged, rng)
        yield damaged


def characters(text: str, rng: random.Random) -> str:
    """Drop, double, swap, insert or replace one character."""
    return "".join(_edited(list(text), CHARACTERS, rng))


def words(text: str, rng: random.Random) -> str:
    """Drop, double, swap, insert or replace one word or sign."""
    return "".join(_edited(TOKEN.findall(text), WORDS, rng))


def lines(text: str, rng: random.Random) -> str:
    """Drop, double, swap, insert or replace one line."""
    rows = text.splitlines(keepends=True)
    return "".join(_edited(rows, rows or ["\n"], rng))


def numbers(text: str, rng: random.Random) -> str:
    """Replace one number by another."""
    found = list(re.finditer(r"\d+", text))
    if not found:
        return text
    match = rng.choice(found)
    other = rng.choice(("0", "1", "2", "7", "1000", "-3", "2.5", "10**9", "(1/3)", "9" * 60, match.group() * 2))
    return text[: match.start()] + other + text[match.end() :]


def ends(text: str, rng: random.Random) -> str:
    """Drop the beginning or the end."""
    at = rng.randrange(len(text) + 1)
    return text[:at] if rng.random() < 0.7 else text[at:]


def _edited(pieces: list[str], others: str | tuple[str, ...] | list[str], rng: random.Random) -> list[str]:
    at = rng.randrange(len(pieces) + 1)
    to = min(len(pieces), at + rng.choice((1, 1, 1, 2, 5)))
    return rng.choice(
        (
            lambda: pieces[:at] + pieces[to:],
            lambda: pieces[:to] + pieces[at:],
            lambda: pieces[:at] + list(reversed(pieces[at : at + 2])) + pieces[at + 2 :],
            lambda: [*pieces[:at], rng.choice(others), *pieces[at:]],
            lambda: [*pieces[:at], rng.choice(others), *pieces[at + 1 :]],
        )
    )()


KINDS: tuple[Callable[[str, random.Random], str], ...] = (
    characters,
    characters,
    words,
    words,
    words,
    lines,
    numbers,
    ends,
)
