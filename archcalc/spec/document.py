"""The subset of YAML that specs use, with places: scalars are text, keys are unique; no tags, anchors or aliases.

The events of the parser are read one by one, so that depth and size are limited during reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import yaml

from archcalc.spec.errors import Problems, Source, Span, Text, fail, suggest, whole_text
from archcalc.spec.limits import Limits
from archcalc.spec.yaml_errors import QUOTE_THIS, nesting_error, translate

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is built in: ten times faster


class YamlScalar(NamedTuple):
    """A text with its place."""

    text: Text

    @property
    def span(self) -> Span:
        return whole_text(self.text)


class YamlList(NamedTuple):
    """A sequence."""

    items: tuple[Content, ...]
    span: Span
    closed: int | None = None
    """The index in the source at which it ends, if it is in brackets."""


class YamlMapping(NamedTuple):
    """A mapping, its pairs in order."""

    pairs: tuple[tuple[YamlScalar, Content], ...]
    span: Span
    closed: int | None = None
    """The index in the source at which it ends, if it is in braces."""

    def get(self, key: str) -> Content | None:
        """Return the value of a key, or ``None`` if it is missing."""
        return next((value for name, value in self.pairs if name.text.value == key), None)


Content: TypeAlias = YamlScalar | YamlList | YamlMapping


def read_yaml(source: Source, limits: Limits) -> YamlMapping:
    """Return the document of a spec, which must be a mapping.

    Raises:
        SpecError: it is not a mapping, or not YAML of this subset.
    """
    content = read_document(source, limits)
    if content is None:
        fail("yaml", "the file is empty", origin=source.name, hint="a spec needs at least 'input:' and 'layers:'")
    if not isinstance(content, YamlMapping):
        inline = isinstance(content, YamlScalar) and ("->" in content.text.value or "→" in content.text.value)
        hint = "pass an inline expression on the command line itself, in quotes" if inline else ""
        fail(
            "yaml",
            f"a spec must be a mapping with the keys 'input' and 'layers', got {_kind(content)}",
            content.span,
            hint,
        )
    return content


def read_document(source: Source, limits: Limits) -> Content | None:
    """Return the only document of a source, or ``None`` if it is empty.

    Raises:
        SpecError: the text is not YAML, or contains more than text, lists and mappings.
    """
    try:
        events = yaml.parse(source.text, Loader=LOADER)
        return _document(source, iter(events), limits)
    except yaml.YAMLError as error:
        raise translate(source, error, limits) from None


def _document(source: Source, events: Iterator[Any], limits: Limits) -> Content | None:
    builder = _Builder(source, limits)
    content: Content | None = None
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                fail(
                    "yaml", "a file must contain only one YAML document", builder.place(event), "remove the line '---'"
                )
        elif isinstance(event, yaml.NodeEvent):
            content = builder.build(event, events, 0)
    if content is None or (isinstance(content, YamlScalar) and not content.text.value):
        return None
    builder.problems.raise_any()
    return content


class _Builder:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.entries = 0
        self.problems = Problems()

    def place(self, event: Any) -> Span:
        """Return the span of the first character of an event."""
        return Span(Text(self.source, " ", event.start_mark.index), 0, 1)

    def scalar(self, event: Any) -> YamlScalar:
        return YamlScalar(Text(self.source, event.value, event.start_mark.index, event.end_mark.index, event.style))

    def build(self, event: Any, events: Iterator[Any], depth: int) -> Content:
        self.entries += 1
        if self.entries > self.limits.words:
            fail(
                "limit",
                f"the file has more than {self.limits.words:,} entries",
                self.place(event),
                "raise the limit with --max-words",
            )
        if depth > self.limits.nesting:
            raise nesting_error(self.place(event), self.limits)
        if event.anchor is not None:
            what = "'*' starts a YAML alias" if isinstance(event, yaml.AliasEvent) else "'&' starts a YAML anchor"
            fail("yaml", f"{what}, which is not supported", self.place(event), QUOTE_THIS)
        if event.tag is not None:
            fail("yaml", "'!' starts a YAML tag, which is not supported", self.place(event), QUOTE_THIS)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                items.append(self.build(inner, events, depth + 1))
            return YamlList(tuple(items), self.place(event), _closed(event, inner))
        return self.mapping(event, events, depth)

    def mapping(self, event: Any, events: Iterator[Any], depth: int) -> YamlMapping:
        pairs: list[tuple[YamlScalar, Content]] = []
        seen: set[str] = set()
        while not isinstance(inner := next(events), yaml.MappingEndEvent):
            key = self.build(inner, events, depth + 1)
            value = self.build(next(events), events, depth + 1)
            with self.problems:
                if not isinstance(key, YamlScalar):
                    fail("yaml", f"a key must be text, got {_kind(key)}", key.span, QUOTE_THIS)
                name = key.text.value
                if name in seen:
                    fail("duplicate", f"duplicate key '{_short(name)}'", key.span)
                if event.flow_style and isinstance(value, YamlScalar) and not value.text.value and not value.text.style:
                    fail(
                        "yaml",
                        f"'{_short(name)}' has no value",
                        key.span,
                        "a comma separates entries here: put quotes around a value that contains one",
                    )
                seen.add(name)
                pairs.append((key, value))
        return YamlMapping(tuple(pairs), self.place(event), _closed(event, inner))


def _closed(opening: Any, end: Any) -> int | None:
    """Return the index at which a list or mapping in brackets ends; ``None`` without brackets."""
    return end.end_mark.index if opening.flow_style else None


def _kind(content: Content) -> str:
    """Return what a content is, for messages."""
    return "text" if isinstance(content, YamlScalar) else "a list" if isinstance(content, YamlList) else "a mapping"


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"


def expect_mapping(content: Content, what: str) -> YamlMapping:
    """Return the content, which must be a mapping.

    Raises:
        SpecError: it is something else; ``what`` names it.
    """
    if not isinstance(content, YamlMapping):
        fail("yaml", f"{what} must be a mapping, got {_kind(content)}", content.span)
    return content


def expect_scalar(content: Content, what: str) -> YamlScalar:
    """Return the content, which must be text.

    Raises:
        SpecError: it is something else; ``what`` names it.
    """
    if not isinstance(content, YamlScalar):
        fail("yaml", f"{what} must be text, got {_kind(content)}", content.span)
    return content


def known_keys(mapping: YamlMapping, keys: tuple[str, ...], what: str = "a spec") -> None:
    """Check that every key of a mapping is one of ``keys``.

    Raises:
        SpecError: some are not, with one error each.
    """
    problems = Problems()
    for key, _ in mapping.pairs:
        with problems:
            name = key.text.value
            if name not in keys:
                fail(
                    "unknown-key",
                    f"unknown key '{_short(name)}' in {what}",
                    key.span,
                    suggest(name, keys, f"the keys are {', '.join(keys)}"),
                )
    problems.raise_any()
