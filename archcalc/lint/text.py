"""Rules about the text of a spec: declarations that are not used."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.lint.rules import FIXABLE, LintContext, RuleMatch, rule
from archcalc.spec.document import YamlMapping


def _unused(context: LintContext, key: str, what: str) -> Iterator[RuleMatch]:
    document = context.spec.outline.document
    content = document.get(key) if document is not None else None
    for name, _ in content.pairs if isinstance(content, YamlMapping) else ():
        word = name.text.value.partition("(")[0].strip()
        if word not in context.usage.names:
            yield RuleMatch(name.span, f"{what} '{word}' is not used", f"remove it{FIXABLE}")


@rule("unused-variable")
def unused_variable(context: LintContext) -> Iterator[RuleMatch]:
    """A variable without effect.

    No layer, input, expectation or used block depends on it, not even through another variable, so `--set` has no
    effect.
    """
    yield from _unused(context, "variables", "variable")


@rule("unused-block")
def unused_block(context: LintContext) -> Iterator[RuleMatch]:
    """A block that no layer calls, not even through another block."""
    yield from _unused(context, "blocks", "block")


@rule("unused-table")
def unused_table(context: LintContext) -> Iterator[RuleMatch]:
    """A connection table that no layer names."""
    yield from _unused(context, "tables", "table")


@rule("unused-parameter")
def unused_parameter(context: LintContext) -> Iterator[RuleMatch]:
    """A parameter that its block does not use, so the argument of a call has no effect."""
    for block, signature, index in context.usage.unused_parameters:
        name, _, span = signature.parameters[index]
        yield RuleMatch(span, f"block '{block}' does not use its parameter '{name}'")
