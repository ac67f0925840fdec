"""Modules that are written as lists of named entries: those that are equal become one block."""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import groupby

from archcalc.writers.names import unused
from archcalc.writers.spec.chain_tree import BlockCall, BlockDefinition
from archcalc.writers.spec.entries import StageEntry

SHORT_FORM = re.compile(r"(?<=^[a-z])(?=\d)")
"""Where a name would begin like an argument without an equals sign, such as ``s2``."""

SUM = re.compile(r"(?:(?<= -> )|^)add\((?:@(?P<first>\w+), identity|identity, @(?P<second>\w+))\)(?= -> |$)")
"""A sum of an earlier entry and the one before it."""
NUMBER = re.compile(r"(?<![\w@./:*-])(\d+(?:x\d+)*)(?![\w.:*])")
"""A number, or a size, in a chain that may be an argument of a block."""
REFERENCE = re.compile(r"@(\w+)")
PLACE = re.compile(r"@(\d+)!")
"""A reference to an entry by its place, in modules that are compared."""
ROLES = {"score_bias=": "bias", "mask=": "mask"}
"""The names of entries that are only read as an argument."""


class Modules:
    """The entries of a spec with blocks for modules that are equal up to numbers."""

    def __init__(self, taken: set[str]) -> None:
        """Start without blocks.

        Args:
            taken: the names that blocks must not have, to which those of the blocks are added.
        """
        self.taken = taken
        self.blocks: list[StageEntry] = []
        self.known: dict[str, BlockDefinition] = {}
        """The blocks by name, with their parameters; their bodies are in `blocks`."""

    def extracted(self, entries: Sequence[StageEntry]) -> list[StageEntry]:
        """Return entries in which modules that occur several times are calls of blocks, the innermost first."""
        while True:
            entries = [entry._replace(chain=in_order(entry.chain)) for entry in entries]
            alike: dict[Hashable, list[StageEntry]] = defaultdict(list)
            for entry in innermost(entries):
                alike[key_of(entry)].append(entry)
            several = {key: found for key, found in alike.items() if len(found) > 1}
            if not several:
                return joined(entries)
            calls: dict[int, str] = {}
            for found in several.values():
                calls |= self.block(found)
            entries = [called(entry, calls) for entry in entries]

    def block(self, found: Sequence[StageEntry]) -> dict[int, str]:
        """Add the block of modules that are equal up to numbers, and return the calls in their places, by identity."""
        parameters: dict[tuple[str, ...], str] = {}
        body = ""
        for place, column in enumerate(zip(*map(split, found), strict=True)):
            sizes = [*zip(*(part.split("x") for part in column), strict=True)] if place % 2 else []
            for axis, size in enumerate(sizes):
                if len({*size}) > 1 and size not in parameters:
                    named = re.search(r"(\w+)=$", body)
                    parameters[size] = unused(named[1] if named else "n", {*parameters.values()})
                known = parameters.get(size)
                body += "x" * (axis > 0) + (size[0] if known is None else known if len(sizes) == 1 else f"({known})")
            body += "" if sizes else column[0]
        name = re.sub(r"_?\d+$", "", found[0].name or "")
        name = self.free(SHORT_FORM.sub("_", name) if len(name) > 1 else "module")  # parameters have single letters
        block = self.known[name] = BlockDefinition(name, [*parameters.values()], ())
        names = [entry.name or "" for entry in chains_of(found[0])]
        lines = [PLACE.sub(lambda place: f"@{names[int(place[1])]}", line) for line in body.split("\n")]
        inner = [StageEntry(each, line) for each, line in zip(names, lines, strict=True)]
        self.blocks.append(StageEntry(block.heading, with_roles(inner)))
        calls = [BlockCall(block, tuple([size[place] for size in parameters])) for place in range(len(found))]
        return {id(entry): str(call) for entry, call in zip(found, calls, strict=True)}

    def free(self, name: str) -> str:
        """Return a name for a block."""
        found = unused(name, self.taken)
        self.taken.add(found)
        return found


def chains_of(module: StageEntry) -> list[StageEntry]:
    """Return the entries of a module."""
    assert not isinstance(module.chain, str)
    return module.chain


def split(module: StageEntry) -> list[str]:
    """Return the text of a module in parts: what is between numbers that may differ, and every second one a number."""
    entries = chains_of(module)
    places = {entry.name: place for place, entry in enumerate(entries)}

    def placed(found: re.Match[str]) -> str:
        return f"@{places[found[1]]}!" if found[1] in places else found[0]

    return NUMBER.split("\n".join(REFERENCE.sub(placed, str(entry.chain)) for entry in entries))


def key_of(module: StageEntry) -> Hashable:
    """Return what is equal for modules that are equal up to numbers, whatever the names of their entries."""
    parts = split(module)
    return (*parts[::2], *(part.count("x") for part in parts[1::2]))


def with_roles(entries: Sequence[StageEntry]) -> list[StageEntry]:
    """Return entries with names that tell what they are for: what attention adds to its scores, and the result."""
    *before, last = entries
    written = [str(entry.chain) for entry in entries]
    names = {last.name: "out"}
    for entry in before:
        roles = {role for line in written for role in re.findall(rf"(\S*)@{re.escape(entry.name or '')}\b", line)}
        if len(roles) == 1 and (role := ROLES.get(roles.pop())) is not None and role not in names.values():
            names[entry.name] = role
    if {*names.values()} & ({entry.name for entry in entries} - names.keys()):
        return list(entries)

    def named(found: re.Match[str]) -> str:
        return f"@{names.get(found[1], found[1])}"

    return [
        StageEntry(names.get(entry.name, entry.name or ""), REFERENCE.sub(named, line))
        for entry, line in zip(entries, written, strict=True)
    ]


def innermost(entries: Sequence[StageEntry]) -> Iterator[StageEntry]:
    """Yield the entries that are lists of chains."""
    for entry in entries:
        if not isinstance(entry.chain, str):
            if all(isinstance(each.chain, str) for each in entry.chain):
                yield entry
            yield from innermost(entry.chain)


def called(entry: StageEntry, calls: Mapping[int, str]) -> StageEntry:
    """Return an entry with calls in the places of modules."""
    if id(entry) in calls:
        return entry._replace(chain=calls[id(entry)])
    if isinstance(entry.chain, str):
        return entry
    inner = [called(each, calls) for each in entry.chain]
    return entry if all(map(operator.is_, inner, entry.chain)) else entry._replace(chain=inner)


def in_order(chain: str | list[StageEntry]) -> str | list[StageEntry]:
    """Return a module as a chain, or with as few entries as possible."""
    if isinstance(chain, str):
        return chain
    entries = [entry._replace(chain=in_order(entry.chain)) for entry in chain]
    return simplified(joined(in_sequence(entries)))


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
        found = SUM.search(entry.chain) if isinstance(entry.chain, str) else None
        name = found and (found["first"] or found["second"])
        start = next((at for at in range(place) if entries[at].name == name), None)
        if found is None or start is None:
            continue
        head = str(entry.chain)[: found.start()].removesuffix(" -> ")
        between = [*entries[start + 1 : place], *([StageEntry(None, head)] if head else [])]
        if not between or head.count("(") != head.count(")"):
            continue
        rest = str(entry.chain)[found.end() :]
        others = [*entries[: start + 1], *between, StageEntry(None, rest), *entries[place + 1 :]]
        is_free = not any(is_read(others, each) for each in (name, *(each.name for each in between if each.name)))
        if not is_free or not all(follows(each, each) for each in between):
            continue
        branch = " -> ".join(str(each.chain) for each in between)
        branches = f"identity, {branch}" if found["first"] else f"{branch}, identity"
        made = StageEntry(entry.name, f"add({branches}){rest}")
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
        known = chain is not None and re.fullmatch(r"\w+(\([\w, ]*\))?", chain) and chain != "identity"
        if known and before and not any(refers(entries, entry.name or "") for entry in before):
            found.append(StageEntry(last.name, f"({chain})*{len(same)}"))
        else:
            found += same
    return found
