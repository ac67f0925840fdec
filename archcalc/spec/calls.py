"""Calls of blocks: their arguments, and the errors of names that are neither block nor operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NoReturn, TypeAlias

from archcalc.ops.base import REGISTRY
from archcalc.spec import syntax
from archcalc.spec.aliases import suggest_operator
from archcalc.spec.arguments import example, is_operator
from archcalc.spec.errors import Span, fail, suggest
from archcalc.spec.grammar import JOINS
from archcalc.spec.network import Block
from archcalc.spec.values import PADDING, Value, WordValue, describe

Words: TypeAlias = tuple[frozenset[str], frozenset[str]]
"""Words that hide names, and words that names hide (see `archcalc.spec.values.evaluate`)."""


@cache
def argument_words() -> frozenset[str]:
    """Return the words that a block's argument may be: padding modes and names of operators."""
    return PADDING | frozenset(REGISTRY)


def call_words(blocks: Iterable[str]) -> Words:
    """Return the words that a variable, or the argument of a block, may be: those of `argument_words`, and blocks."""
    later = frozenset([name for name, cls in REGISTRY.items() if not cls.reserved])
    return (argument_words() - later) | frozenset(blocks), later


def bind_call(
    signature: syntax.Signature, arguments: tuple[syntax.Argument, ...], head: Span
) -> dict[str, syntax.Argument]:
    """Return the argument of each parameter of a block that is set.

    Raises:
        SpecError: an argument is unknown, repeated, surplus or missing.
    """
    parameters = [name for name, _, _ in signature.parameters]
    given: dict[str, syntax.Argument] = {}
    waiting = list(parameters)
    for argument in arguments:
        name = argument.name
        if not name:
            if not waiting:
                takes = f"it takes {', '.join(parameters)}" if parameters else "it takes none"
                fail("argument", f"too many arguments for block '{signature.name}'", argument.span, takes)
            name = waiting.pop(0)
        elif name not in parameters:
            fail(
                "argument",
                f"block '{signature.name}' has no parameter '{name}'",
                argument.span,
                suggest(name, parameters, listed("its parameters are", parameters)),
            )
        elif name in waiting:
            waiting.remove(name)
        if name in given:
            fail("argument", f"the {name} of block '{signature.name}' is set twice", argument.span)
        given[name] = argument
    for name, default, _ in signature.parameters:
        if default is None and name not in given:
            fail("argument", f"block '{signature.name}' requires {name}", head, f"write {signature.name}({name}=…)")
    return given


def bare_block(item: syntax.Layer) -> None:
    """Raise an error if a block is written with arguments as if it were an operator."""
    if item.arguments:
        where = f"write {item.name}(…)"
        fail("argument", f"'{item.name}' is a block: its arguments must be in brackets", item.span, where)


def unknown_operator(name: str, span: Span, blocks: Mapping[str, Block], held: Value | None) -> NoReturn:
    """Raise the error that a name is not an operator or block."""
    if name in JOINS:
        fail("syntax", f"'{name}' is a join: its branches must be in brackets", span, f"write {name}(…, identity)")
    if held is not None and not isinstance(held, WordValue):
        fail("unknown-op", f"'{name}' must be an operator, got {describe(held)}", span)
    fail("unknown-op", f"no operator '{name}'", span, suggest_operator(name, [*REGISTRY, *blocks]))


def unknown_block(name: str, span: Span, blocks: Mapping[str, Block], held: Value | None = None) -> NoReturn:
    """Raise the error that a name is called but is not a block."""
    if held is not None and not isinstance(held, WordValue):
        fail("unknown-block", f"'{name}' must be a block, got {describe(held)}", span)
    if is_operator(name):
        fail(
            "syntax",
            f"'{name}' is an operator: its arguments follow it without brackets",
            span,
            f"for example: {example(REGISTRY[name])}",
        )
    hint = suggest_operator(name, [*blocks, *JOINS], "declare it under 'blocks:'")
    fail("unknown-block", f"no block '{name}'", span, hint)


def listed(what: str, names: list[str]) -> str:
    """Return a hint that lists names, at most 12 of them; empty if there are none."""
    return f"{what}: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""
