"""Chains of a document: text, or lists and mappings of entries that stand for a chain."""

from __future__ import annotations

from archcalc.ops.base import REGISTRY
from archcalc.spec.aliases import operator_spelled
from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar
from archcalc.spec.errors import Problems, Span, fail
from archcalc.spec.grammar import parse_chain
from archcalc.spec.limits import Limits
from archcalc.spec.syntax import Chain, Entries, Entry
from archcalc.spec.tokens import RULES

EMPTY = "for a chain without layers, write 'identity'"

QUOTE = "put quotes around text that contains ': '"


class ChainReader:
    """Reads chains; errors are collected."""

    def __init__(self, blocks: frozenset[str], limits: Limits, problems: Problems) -> None:
        """Prepare a reader.

        Args:
            blocks: the names that are called, even if operators have the same name.
            limits: limits on the work.
            problems: collects the errors.
        """
        self.blocks = blocks
        self.limits = limits
        self.problems = problems
        self.known: dict[str, Chain] = {}
        """The first chain of each wording; those that follow share its items."""

    def chain(self, content: Content) -> Chain | None:
        """Return a chain: a text, or entries in sequence; ``None`` after an error."""
        if isinstance(content, YamlScalar):
            text = content.text
            first = self.known.get(text.value) or self.parsed(content)
            return None if first is None else Chain(first.items, Span(text, first.span.start, first.span.end))
        entries = self.entries(content)
        if entries is None:
            return None
        if any(entry.name for entry in entries):
            return Chain((Entries(entries, content.span),), content.span)
        return Chain(tuple(item for entry in entries for item in entry.chain.items), content.span)

    def parsed(self, content: YamlScalar) -> Chain | None:
        """Return the chain of a text that has not occurred before; ``None`` after an error."""
        with self.problems:
            if not content.text.value.strip():
                fail("syntax", "the chain is empty", content.span, EMPTY)
            self.known[content.text.value] = chain = parse_chain(content.text, self.blocks, self.limits)
            return chain
        return None

    def entries(self, content: YamlList | YamlMapping) -> tuple[Entry, ...] | None:
        """Return the entries of a list or mapping; ``None`` after an error."""
        found: list[Entry | None] = []
        seen: set[str] = set()
        for item in content.items if isinstance(content, YamlList) else (content,):
            if not isinstance(item, YamlMapping):
                chain = self.chain(item)
                found.append(None if chain is None else Entry(None, chain.in_place(), chain.span))
                continue
            if isinstance(content, YamlList):
                self.one_name(item, "of a list")
            for key, written in item.pairs:
                found.append(None)
                with self.problems:
                    name = entry_name(key, "an entry", written)
                    if name in seen:
                        fail("duplicate", f"two entries are called '{name}'", key.span)
                    seen.add(name)
                    chain = self.chain(written)
                    found[-1] = None if chain is None else Entry(name, chain.in_place(), key.span)
        with self.problems:
            if not found:
                fail("syntax", "the chain is empty", content.span, EMPTY)
            valid = tuple([entry for entry in found if entry is not None])
            return valid if len(valid) == len(found) else None
        return None

    def one_name(self, item: YamlMapping, where: str) -> None:
        """Check that a mapping in a list has one key."""
        with self.problems:
            if len(item.pairs) > 1:
                message = f"an entry {where} must have only one name"
                fail("syntax", message, item.pairs[1][0].span, "start the next entry with '- '")


def entry_name(key: YamlScalar, what: str, content: Content | None = None) -> str:
    """Return the name of a stage, input or entry; ``content`` is its value.

    Raises:
        SpecError: it is not one.
    """
    name = key.text.value
    if RULES["STAGE"].fullmatch(name) is None:
        hint = QUOTE if any(mark in name for mark in (" ", "(", "@", "->")) else ""
        if hint and isinstance(content, YamlScalar) and operator_spelled(name.partition(" ")[0]) in REGISTRY:
            hint = f'{QUOTE}: "{name}: {content.text.value}"'
        fail("name", f"the name of {what} must consist of letters, digits and underscores", key.span, hint)
    return name
