"""Modules that are written as lists of named entries: those that are equal become one block."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby

from archcalc.writers.names import unused
from archcalc.writers.spec.entries import StageEntry

SHORT_FORM = re.compile(r"(?<=^[a-z])(?=\d)")
"""Where a name would begin like an argument without an equals sign, such as ``s2``."""

SUM = re.compile(r"add\((?:@(?P<first>\w+), identity|identity, @(?P<second>\w+))\)(?= -> |$)")
"""A sum of an earlier entry and the one before it."""


class Modules:
    """The entries of a spec with blocks for equal modules."""

    def __init__(self, taken: set[str]) -> None:
        """Start without blocks.

        Args:
            taken: the names that blocks must not have, to which those of the blocks are added.
        """
        self.taken = taken
        self.blocks: list[StageEntry] = []
        self.names: dict[Hashable, str] = {}

    def extracted(self, entries: Sequence[StageEntry]) -> list[StageEntry]:
        """Return entries in which equal modules are calls of blocks, and consecutive calls are repetitions."""
        entries = [entry._replace(chain=simplified(entry.chain)) for entry in entries]
        counts = Counter(key_of(entry.chain) for entry in modules(entries))
        called = [self.called(entry, counts) for entry in entries]
        return joined([entry._replace(chain=simplified(entry.chain)) for entry in called])

    def called(self, entry: StageEntry, counts: Counter[Hashable]) -> StageEntry:
        """Return an entry with calls of blocks, which are added, for the modules that occur several times."""
        if isinstance(entry.chain, str):
            return entry
        key = key_of(entry.chain)
        if key not in self.names:
            inner = joined(in_sequence([self.called(each, counts) for each in entry.chain]))
            if counts[key] < 2 or len(inner) == 1:
                return entry._replace(chain=simplified(inner))
            name = re.sub(r"_?\d+$", "", entry.name or "")
            self.names[key] = self.free(SHORT_FORM.sub("_", name) or "module")
            self.blocks.append(StageEntry(self.names[key], inner))
        return entry._replace(chain=self.names[key])

    def free(self, name: str) -> str:
        """Return a name for a block."""
        found = unused(name, self.taken)
        self.taken.add(found)
        return found


def modules(entries: Sequence[StageEntry]) -> Iterator[StageEntry]:
    """Yield the entries that are lists, those within others included."""
    for entry in entries:
        if not isinstance(entry.chain, str):
            yield entry
            yield from modules(entry.chain)


def key_of(chain: str | list[StageEntry]) -> Hashable:
    """Return what is equal for equal modules: the names and chains of entries; the names of modules do not count."""
    if isinstance(chain, str):
        return chain
    return tuple([(each.name if isinstance(each.chain, str) else "", key_of(each.chain)) for each in chain])


def in_sequence(entries: Sequence[StageEntry]) -> list[StageEntry]:
    """Return entries in which a sum with an earlier entry is a sum of branches, and those without a reader are one."""
    found = list(entries)
    while (shorter := with_branch(found)) is not None:
        found = shorter
    merged: list[StageEntry] = []
    for entry in found:
        before = merged[-1] if merged else None
        if before is not None and follows(entry, before) and not is_read(found, before.name):
            chain = " -> ".join(str(each) for each in (before.chain, entry.chain) if each != "identity")
            merged[-1] = StageEntry(entry.name, chain or "identity")
        else:
            merged.append(entry)
    return merged


def follows(entry: StageEntry, before: StageEntry) -> bool:
    """Return whether two entries can be one chain."""
    both = (entry.chain, before.chain)
    return all(isinstance(chain, str) for chain in both) and not str(entry.chain).startswith("@")


def with_branch(entries: Sequence[StageEntry]) -> list[StageEntry] | None:
    """Return entries with one join of an earlier entry and the one before as a join of two branches, if there is one.

    What lies between the two becomes a branch. Nothing else may read the earlier entry or what lies between.
    """
    for place, entry in enumerate(entries):
        found = SUM.match(entry.chain) if isinstance(entry.chain, str) else None
        name = found and (found["first"] or found["second"])
        start = next((at for at in range(place - 1) if entries[at].name == name), None)
        if found is None or start is None:
            continue
        between = entries[start + 1 : place]
        others = [*entries[: start + 1], *between, *entries[place + 1 :]]
        is_free = not any(is_read(others, each) for each in (name, *(each.name for each in between)))
        if not is_free or not all(follows(each, each) for each in between):
            continue
        branch = " -> ".join(str(each.chain) for each in between)
        branches = f"identity, {branch}" if found["first"] else f"{branch}, identity"
        made = StageEntry(entry.name, f"add({branches}){str(entry.chain)[found.end() :]}")
        return [*entries[: start + 1], made, *entries[place + 1 :]]
    return None


def is_read(entries: Sequence[StageEntry], name: str | None) -> bool:
    """Return whether entries refer to a name, or to what it consists of."""
    pattern = re.compile(rf"@{re.escape(name or '')}\b")
    return any(
        pattern.search(entry.chain) if isinstance(entry.chain, str) else is_read(entry.chain, name) for entry in entries
    )


def simplified(chain: str | list[StageEntry]) -> str | list[StageEntry]:
    """Return a module without a name for what enters it if nothing refers to that; a single entry is its chain."""
    if isinstance(chain, str):
        return chain
    entries = [entry._replace(chain=simplified(entry.chain)) for entry in chain]
    first, *rest = entries
    if rest and first.chain == "identity" and not refers(rest, first.name or ""):
        entries = rest
    return entries[0].chain if len(entries) == 1 else entries


def refers(entries: Sequence[StageEntry], name: str) -> bool:
    """Return whether entries refer to a name."""
    pattern = re.compile(rf"@{re.escape(name)}(?![\w/])")
    return any(
        pattern.search(entry.chain) if isinstance(entry.chain, str) else refers(entry.chain, name) for entry in entries
    )


def joined(entries: Sequence[StageEntry]) -> list[StageEntry]:
    """Return entries in which consecutive calls of one block, to which nothing refers, are a repetition."""
    found: list[StageEntry] = []
    for chain, group in groupby(entries, key=lambda entry: entry.chain if isinstance(entry.chain, str) else None):
        same = list(group)
        *before, last = same
        known = chain is not None and re.fullmatch(r"\w+", chain) and chain != "identity"
        if known and before and not any(refers(entries, entry.name or "") for entry in before):
            found.append(StageEntry(last.name, f"({chain})*{len(same)}"))
        else:
            found += same
    return found
