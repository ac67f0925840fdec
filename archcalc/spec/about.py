"""What a spec says about its network: family, task, source, further names, and where its figures are published."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from typing import NamedTuple

from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar, expect_mapping, expect_scalar
from archcalc.spec.errors import Problems, Text, fail, suggest, whole_text

ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
"""What a further name consists of."""


class About(NamedTuple):
    """What a spec says about its network."""

    family: str = ""
    task: str = ""
    source: str = ""
    """Where the network is described."""
    aliases: tuple[str, ...] = ()
    """The further names of a bundled network."""
    published: Dictionary[str, str] = {}
    """Where the figures of expectations are published, by target."""


def texts(content: Content | None, what: str) -> tuple[Text, ...]:
    """Return the texts of a key that has one text or a list of them; none if it is missing or empty.

    Raises:
        SpecError: it is something else; ``what`` names one of the texts.
    """
    if content is None or (isinstance(content, YamlScalar) and not content.text.value):
        return ()
    items = content.items if isinstance(content, YamlList) else (content,)
    return tuple([expect_scalar(item, what).text for item in items])


def read_about(top: YamlMapping) -> About:
    """Return what a spec, or one of its variants, says about its network.

    Published figures that it does not expect are left out: its variants expect them. `check_published` reports errors
    in them.

    Raises:
        SpecError: the keys are wrong, with all of the errors.
    """
    problems = Problems()
    found = {}
    for key in ("family", "task", "source"):
        with problems:
            content = top.get(key)
            found[key] = "" if content is None else expect_scalar(content, f"'{key}:'").text.value
    aliases: tuple[str, ...] = ()
    with problems:
        aliases = tuple([_alias(text) for text in texts(top.get("alias"), "an alias")])
    published: dict[str, str] = {}
    expected = _targets(top.get("expect"))
    for place, target in _published(top, Problems()):
        if target.value in expected:
            earlier = published.get(target.value)
            published[target.value] = place if earlier is None else f"{earlier}; {place}"
    problems.raise_any()
    return About(**found, aliases=aliases, published=published)


def check_published(top: YamlMapping, variants: Dictionary[str, YamlMapping]) -> None:
    """Check that a spec expects every figure under ``published:``; those of the file may be expected by a variant
    instead.

    Raises:
        SpecError: some are not expected, with one error each.
    """
    problems = Problems()
    for mapping in (top, *variants.values()):
        holders = (top, *variants.values()) if mapping is top else (mapping,)
        known = [target for holder in holders for target in _targets(holder.get("expect"))]
        for _, target in _published(mapping, problems):
            with problems:
                if target.value not in known:
                    hint = suggest(target.value, known, "'published:' says where the figures of 'expect:' are printed")
                    message = f"no expectation '{target.value[:40]}' under 'expect:'"
                    fail("unknown-name", message, whole_text(target), hint)
    problems.raise_any()


def _published(mapping: YamlMapping, problems: Problems) -> list[tuple[str, Text]]:
    """Return the entries of ``published:``: places, each with a target; errors are added to the problems."""
    content = mapping.get("published")
    found: list[tuple[str, Text]] = []
    if content is None or (isinstance(content, YamlScalar) and not content.text.value):
        return found
    with problems:
        for place, targets in expect_mapping(content, "'published:'").pairs:
            found += [(place.text.value, target) for target in texts(targets, "a published figure")]
    return found


def _targets(content: Content | None) -> list[str]:
    return [key.text.value for key, _ in content.pairs] if isinstance(content, YamlMapping) else []


def _alias(text: Text) -> str:
    if ALIAS.fullmatch(text.value) is None:
        rule = "must consist of letters, digits, '_', '-' and '.', and start with a letter or digit"
        fail("name", f"an alias {rule}", whole_text(text))
    return text.value
