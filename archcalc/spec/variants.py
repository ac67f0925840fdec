"""Variants of a network: values of its variables, and other inputs and expectations, under one name each."""

from __future__ import annotations

import re

from archcalc.spec.about import texts
from archcalc.spec.document import Content, YamlList, YamlMapping, YamlScalar, expect_mapping, expect_scalar
from archcalc.spec.errors import Problems, Text, fail, listing, suggest, whole_text
from archcalc.spec.similarity import closest

NAME = re.compile(r"[A-Za-z0-9_]+")

SECTIONS = ("name", "alias", "task", "source", "input", "inputs", "expect", "published", "ignore")
"""The keys of a variant that replace those of the file (``ignore`` adds to it). All others are
variables."""

OWN = ("alias", "expect")
"""The keys that a variant does not take from the file if it does not have them itself."""


def variants_of(top: YamlMapping) -> dict[str, YamlMapping]:
    """Return the variants of a document by name, as far as they are mappings."""
    content = top.get("variants")
    pairs = content.pairs if isinstance(content, YamlMapping) else ()
    return {key.text.value: written for key, written in pairs if isinstance(written, YamlMapping)}


def check_variants(top: YamlMapping) -> None:
    """Check the variants of a document: their names, and that each sets declared variables.

    Raises:
        SpecError: variants are wrong, with all of the errors.
    """
    content = top.get("variants")
    if content is None or (isinstance(content, YamlScalar) and not content.text.value):
        return
    problems = Problems()
    declared = top.get("variables")
    variables = {key.text.value: key for key, _ in declared.pairs} if isinstance(declared, YamlMapping) else {}
    known = [*variables, *SECTIONS]
    aliases: set[str] = set()
    for name in {*SECTIONS} & variables.keys():
        with problems:
            message = f"where there are variants, no variable can be called '{name}': it is a key of theirs"
            fail("name", message, variables[name].span)
    for key, written in expect_mapping(content, "'variants:'").pairs:
        with problems:
            if NAME.fullmatch(key.text.value) is None:
                fail("name", "the name of a variant must consist of letters, digits and underscores", key.span)
            variant = expect_mapping(written, f"variant '{key.text.value}'")
            if variant.get("input") is not None and variant.get("inputs") is not None:
                fail("duplicate", "a variant must have either 'input:' or 'inputs:', not both", key.span)
            for inner, value in variant.pairs:
                with problems:
                    _check_entry(inner, value, known, aliases)
    problems.raise_any()


def _check_entry(key: YamlScalar, value: Content, known: list[str], aliases: set[str]) -> None:
    name = key.text.value
    if name not in known:
        hint = suggest(name, known, f"a variant sets variables ({', '.join(known[:8])}, …)" if known else "")
        fail("unknown-name", f"no variable '{name[:40]}', which a variant could set", key.span, hint)
    if name not in SECTIONS:
        expect_scalar(value, f"'{name}'")
    if name == "alias":
        for alias in texts(value, "an alias"):
            if alias.value in aliases:
                fail("duplicate", f"two variants are called '{alias.value[:40]}'", whole_text(alias))
            aliases.add(alias.value)


def with_variant(top: YamlMapping, name: str) -> YamlMapping:
    """Return a document in which a variant replaces what it sets.

    Raises:
        SpecError: there is no such variant.
    """
    variants = variants_of(top)
    if name not in variants:
        listed = listing("variant", variants) if variants else "this spec has no variants"
        meant = closest(name, variants)
        hint = f"did you mean '{meant}'? {listed}" if meant else listed
        fail("unknown-name", f"no variant '{name[:40]}'", hint=hint, origin=_origin(top))
    variant = variants[name]
    replaced = {key.text.value: value for key, value in variant.pairs}
    pairs: list[tuple[YamlScalar, Content]] = []
    if "input" in replaced or "inputs" in replaced:
        top = YamlMapping(tuple(pair for pair in top.pairs if pair[0].text.value not in ("input", "inputs")), top.span)
    for key, value in top.pairs:
        section = key.text.value
        if section == "variables" and isinstance(value, YamlMapping):
            variables = tuple([(each, replaced.get(each.text.value, old)) for each, old in value.pairs])
            pairs.append((key, value._replace(pairs=variables)))
        elif section == "ignore" and section in replaced:
            pairs.append((key, YamlList((*_listed(value), *_listed(replaced[section])), value.span)))
        elif section not in OWN and section not in replaced:
            pairs.append((key, value))
    present = {key.text.value for key, _ in pairs}
    pairs += [pair for pair in variant.pairs if pair[0].text.value in SECTIONS and pair[0].text.value not in present]
    return YamlMapping(tuple(pairs), top.span, top.closed)


def _listed(content: Content) -> tuple[Content, ...]:
    return content.items if isinstance(content, YamlList) else (content,)


def _origin(top: YamlMapping) -> str:
    text: Text = top.span.text
    return text.source.name
