"""Rules about what is written: declarations that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.lint.rules import Found, Subject, rule
from archcalc.spec.document import Mapping


def _unused(subject: Subject, key: str, what: str) -> Iterator[Found]:
    document = subject.spec.outline.document
    content = document.get(key) if document is not None else None
    for name, _ in content.pairs if isinstance(content, Mapping) else ():
        word = name.text.value.partition("(")[0].strip()
        if word not in subject.usage.names:
            yield Found(name.span, f"{what} '{word}' is not used", "remove it (--fix does)")


@rule("unused-variable")
def unused_variable(subject: Subject) -> Iterator[Found]:
    """A variable that changes nothing.

    No layer, input, expectation or used block depends on it, not even through another variable: `--set` has no effect.
    """
    yield from _unused(subject, "variables", "variable")


@rule("unused-block")
def unused_block(subject: Subject) -> Iterator[Found]:
    """A block that no layer calls, not even through another block."""
    yield from _unused(subject, "blocks", "block")


@rule("unused-table")
def unused_table(subject: Subject) -> Iterator[Found]:
    """A connection table that no layer names."""
    yield from _unused(subject, "tables", "table")


@rule("unused-parameter")
def unused_parameter(subject: Subject) -> Iterator[Found]:
    """A parameter that its block does not use: whatever a call passes, nothing changes."""
    for block, signature, index in subject.usage.idle_parameters:
        name, _, span = signature.parameters[index]
        yield Found(span, f"block '{block}' does not use its parameter '{name}'")
