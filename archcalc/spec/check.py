"""Checks of a spec before any shape is known: names of operators, blocks, arguments and variables.

The errors are independent of each other, so that all errors of a file are reported in one run.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from archcalc.ops.base import REGISTRY
from archcalc.spec import syntax
from archcalc.spec.arguments import bind, flags_of, is_operator
from archcalc.spec.build import (
    Stage,
    argument_words,
    bare_block,
    bind_call,
    unknown_block,
    unknown_operator,
    unknown_reference,
)
from archcalc.spec.errors import Problems, Span, fail
from archcalc.spec.expressions import FUNCTIONS
from archcalc.spec.syntax import Block, names_in
from archcalc.spec.values import PADDING, unknown_name

SHORT_FORM = re.compile(r"[kspdg][0-9]")


def check_declared_name(name: str, span: Span, what: str) -> None:
    """Check that the name of a variable, parameter or block has no other meaning.

    Raises:
        SpecError: it has one.
    """
    if name == "C":
        taken = "C is the number of channels of the current tensor"
    elif name in REGISTRY:
        taken = "an operator has this name"
    elif name in FUNCTIONS:
        taken = "a function has this name"
    elif name in PADDING or any(name in flags_of(operator) for operator in REGISTRY):
        taken = "an operator has this word as a flag"
    elif SHORT_FORM.match(name):
        taken = f"it would be read as the short form of {name[0]}={name[1:]}"
    else:
        return
    fail("name", f"{what} cannot be called '{name}': {taken}", span)


def check_blocks(blocks: Mapping[str, Block]) -> None:
    """Check that no block calls itself, directly or through others.

    Raises:
        SpecError: a block does.
    """
    calls = {
        name: {
            item.name
            for item in walk(block.body)
            if isinstance(item, syntax.Call | syntax.Layer) and item.name in blocks
        }
        for name, block in blocks.items()
    }
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        span = blocks[cycle[0]].signature.span
        fail("cycle", f"block '{cycle[0]}' calls itself: {' → '.join(cycle[:8])}", span)


def check_names(
    blocks: Mapping[str, Block], variables: Mapping[str, object], chains: list[Stage], broken: Collection[str] = ()
) -> None:
    """Check all names of all chains.

    Args:
        blocks: the blocks of the spec.
        variables: its variables.
        chains: its stages and heads.
        broken: blocks whose declaration is invalid; their calls are not checked.

    Raises:
        SpecError: names are wrong, with all of the errors.
    """
    problems = Problems()
    variables_known = dict(variables)
    standing_for_operators = {**variables, **dict.fromkeys(broken)}
    for block in blocks.values():
        own: dict[str, object] = {}
        known = ChainMap(own, variables_known)
        for name, default, _ in block.signature.parameters:
            with problems:
                _check_value(default, known, argument_words())
            own[name] = None
        _check_chain(block.body, blocks, known, {**own, **dict.fromkeys(broken)}, problems)
    correct: set[int] = set()
    for stage in chains:
        if id(stage.chain.items) not in correct:  # chains of the same text share their items
            with problems:
                found = Problems()
                _check_chain(stage.chain.in_place(), blocks, variables, standing_for_operators, found)
                found.raise_any()
                correct.add(id(stage.chain.items))
    problems.raise_any()


def check_references(inputs: Iterable[str], chains: list[Stage]) -> None:
    """Check that every reference in a stage names an input or an earlier stage.

    References in blocks are checked when the block is called.
    Raises:
        SpecError: references are wrong, with all of the errors.
    """
    problems = Problems()
    earlier = dict.fromkeys(inputs)
    all_names = {*earlier, *(stage.name for stage in chains if stage.name)}
    references: dict[int, list[syntax.Reference]] = {}
    for stage in chains:
        items = id(stage.chain.items)
        if items not in references:
            references[items] = [item for item in walk(stage.chain) if isinstance(item, syntax.Reference)]
        for reference in references[items]:
            if reference.name not in earlier:
                with problems:
                    placed = reference._replace(span=stage.chain.place(reference.span))
                    unknown_reference(placed, stage.name, earlier, all_names)
        if stage.name:
            earlier[stage.name] = None
    problems.raise_any()


def _check_chain(
    chain: syntax.Chain,
    blocks: Mapping[str, Block],
    known: Mapping[str, object],
    operators: Mapping[str, object],
    problems: Problems,
) -> None:
    for item in walk(chain):
        with problems:
            _check_item(item, blocks, known, operators)


def _check_item(
    item: syntax.Item, blocks: Mapping[str, Block], known: Mapping[str, object], operators: Mapping[str, object]
) -> None:
    if isinstance(item, syntax.Layer):
        if item.name in operators or (item.name == "identity" and not item.arguments):
            return  # what the name stands for is known only when its block is called
        if item.name in blocks:
            bare_block(item)
            bind_call(blocks[item.name].signature, (), item.head)
            return
        if not is_operator(item.name):
            unknown_operator(item.name, item.head, blocks, None)
        bound = bind(REGISTRY[item.name], item.arguments, item.head)
        for parameter, argument, flag in bound:
            if not flag and parameter.argument.form != "table":
                _check_value(argument.value, known, frozenset(parameter.argument.choices))
    elif isinstance(item, syntax.Call):
        if item.name not in blocks and item.name in operators:
            return
        if item.name not in blocks:
            unknown_block(item.name, item.head, blocks)
        bind_call(blocks[item.name].signature, item.arguments, item.head)
        for argument in item.arguments:
            _check_value(argument.value, known, argument_words())
    elif isinstance(item, syntax.Join):
        for parameter, argument, flag in bind(REGISTRY[item.name], item.options, item.head):
            if not flag:
                _check_value(argument.value, known, frozenset(parameter.argument.choices))
    elif isinstance(item, syntax.Repeat) and item.times is not None:
        _check_value(item.times, known, frozenset())


def _check_value(value: syntax.Value | None, known: Mapping[str, object], words: frozenset[str]) -> None:
    if isinstance(value, syntax.Name) and (value.name in words or value.name in PADDING):
        return
    for name in names_in(value):
        if name.name not in known and name.name != "C":
            unknown_name(name, [*known, *words] if name is value else [*known])


def walk(chain: syntax.Chain) -> Iterator[syntax.Item]:
    """Yield every item of a chain, at every depth, in the order of the text."""
    waiting = list(reversed(chain.items))
    while waiting:
        item = waiting.pop()
        yield item
        inner: tuple[syntax.Chain, ...] = ()
        if isinstance(item, syntax.Repeat):
            inner = (item.body,)
        elif isinstance(item, syntax.Join):
            inner = item.branches
        for branch in reversed(inner):
            waiting += reversed(branch.items)


def names_used(chain: syntax.Chain) -> list[syntax.Name]:
    """Return all names in the arguments, options and repetition counts of a chain, at every depth."""
    values: list[syntax.Value | None] = []
    for item in walk(chain):
        if isinstance(item, syntax.Layer | syntax.Call):
            values += [argument.value for argument in item.arguments]
        elif isinstance(item, syntax.Join):
            values += [option.value for option in item.options]
        elif isinstance(item, syntax.Repeat):
            values.append(item.times)
    return [name for value in values for name in names_in(value)]
