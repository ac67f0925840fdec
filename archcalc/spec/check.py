"""Checks of a spec before any shape is known: names of operators, blocks, arguments and variables.

The errors are independent of each other, so that all errors of a file are reported in one run.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from archcalc.graph import is_size
from archcalc.ops.base import REGISTRY
from archcalc.ops.formats import ALIASES
from archcalc.spec import syntax
from archcalc.spec.aliases import operator_meant, operator_spelled
from archcalc.spec.argument_values import expect_pattern
from archcalc.spec.arguments import bind, flags_of, is_operator, later_flags, words_of
from archcalc.spec.calls import bare_block, bind_call, call_words, unknown_block, unknown_operator
from archcalc.spec.errors import Problems, Span, fail
from archcalc.spec.expressions import FUNCTIONS
from archcalc.spec.network import Block, Stage
from archcalc.spec.references import unknown_reference
from archcalc.spec.syntax import names_in
from archcalc.spec.tokens import RULES
from archcalc.spec.values import PADDING, WordValue, unknown_name


def check_declared_name(name: str, span: Span, what: str) -> None:
    """Check that the name of a variable, parameter or block has no other meaning.

    Raises:
        SpecError: it has one.
    """
    if name == "C":
        taken = "it is the number of channels of the current tensor"
    elif name in REGISTRY and REGISTRY[name].reserved:
        taken = "it is an operator"
    elif name in FUNCTIONS:
        taken = "it is a function"
    elif name in PADDING:
        taken = "it is a padding mode"
    elif operator := next(
        (each for each in REGISTRY if name in flags_of(each) and name not in later_flags(each)), None
    ):
        taken = f"it is a flag of {operator}"
    elif RULES["SUGAR"].match(name):
        taken = f"it is the short form of {name[0]}={name[1:]}"
    else:
        return
    free = f"{name[0]}_{name[1:]}" if RULES["SUGAR"].match(name) else f"{name.lower()}_"
    fail("name", f"{what} cannot be called '{name}': {taken}", span, f"choose another name, such as {free}")


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
    broken_known: dict[str, object] = dict.fromkeys(broken)
    held: dict[str, object] = {name: value for name, value in variables.items() if isinstance(value, WordValue)}
    words = frozenset().union(*call_words(blocks))
    for block in blocks.values():
        own: dict[str, object] = {}
        known = _Known(ChainMap(own, variables_known), ChainMap(dict(own), held, broken_known), blocks, problems, words)
        for name, default, _ in block.signature.parameters:
            with problems:
                _check_value(default, known, known.call_words)
            own[name] = None
        known.operators.update(own)
        _check_chain(block.body, known)
    known = _Known(variables, ChainMap(dict(variables), broken_known), blocks, problems, words)
    correct: set[int] = set()
    for stage in chains:
        if id(stage.chain.items) not in correct:  # chains of the same text share their items
            before = len(problems.found)
            _check_chain(stage.chain.in_place(), known)
            if len(problems.found) == before:
                correct.add(id(stage.chain.items))
    problems.raise_any()


def check_references(inputs: Iterable[str], chains: list[Stage]) -> None:
    """Check that every reference in a stage names a local, an input or an earlier stage.

    References in blocks are checked when the block is called.

    Raises:
        SpecError: references are wrong, with all of the errors.
    """
    problems = Problems()
    earlier = dict.fromkeys(inputs)
    all_names = {*earlier, *(stage.name for stage in chains if stage.name)}
    known: dict[int, tuple[syntax.Reference, ...]] = {}
    for stage in chains:
        items = id(stage.chain.items)  # chains of the same text share their items
        if items not in known:
            known[items] = tuple(_outer_references(stage.chain, frozenset()))
        for reference in known[items]:
            if reference.first not in earlier:
                with problems:
                    unknown_reference(reference, stage.name, earlier, all_names)
        if stage.name:
            earlier[stage.name] = None
    problems.raise_any()


def _outer_references(chain: syntax.Chain, local: frozenset[str]) -> Iterator[syntax.Reference]:
    """Yield the references in a chain that do not start with a local name."""
    for item in chain.items:
        if isinstance(item, syntax.Entries):
            own = local
            for entry in item.entries:
                yield from _outer_references(entry.chain, own)
                own |= {entry.name} if entry.name else frozenset()
            continue
        found = (item,) if isinstance(item, syntax.Reference) else references_in(item)
        yield from (each for each in found if each.first not in local)
        for inner in chains_in(item):
            yield from _outer_references(inner, local)


def references_in(item: syntax.Item) -> Iterator[syntax.Reference]:
    """Yield the references in the arguments of an item."""
    for argument in arguments_of(item):
        if isinstance(argument.value, syntax.Reference):
            yield argument.value


@dataclass(frozen=True)
class _Known:
    """What names may stand for at one place of a spec."""

    names: Mapping[str, object]
    """Variables and parameters."""
    operators: MutableMapping[str, object]
    """Names that may stand for an operator or block, so that layers of this name are checked when they are built."""
    blocks: Mapping[str, Block]
    problems: Problems
    call_words: frozenset[str]
    """The words that an argument of a call may be."""
    repeated: bool = False
    """Whether the place is inside a repetition, so that ``i`` is defined."""


def _check_chain(chain: syntax.Chain, known: _Known) -> None:
    for item in chain.items:
        with known.problems:
            _check_item(item, known)
        inside = known
        if isinstance(item, syntax.Repeat) and item.times is not None and not known.repeated:
            inside = replace(known, repeated=True)
        for inner in chains_in(item):
            _check_chain(inner, inside)


def _check_item(item: syntax.Item, known: _Known) -> None:
    blocks = known.blocks
    if isinstance(item, syntax.Layer):
        spelled = operator_spelled(item.name)
        if item.name in known.operators or (spelled == "identity" and not item.arguments):
            return  # what the name stands for is known only when its block is called
        if item.name in blocks:
            bare_block(item)
            bind_call(blocks[item.name].signature, (), item.head)
            return
        if not is_operator(spelled):
            unknown_operator(item.name, item.head, blocks, None)
        _check_arguments(spelled, item.arguments, item.head, known)
    elif isinstance(item, syntax.Call):
        if item.name not in blocks and item.name in known.operators:
            return
        if item.name not in blocks:
            unknown_block(item.name, item.head, blocks)
        bind_call(blocks[item.name].signature, item.arguments, item.head)
        for argument in item.arguments:
            _check_value(argument.value, known, known.call_words)
    elif isinstance(item, syntax.Join):
        _check_arguments(item.name, item.options, item.head, known)
    elif isinstance(item, syntax.Repeat) and item.times is not None:
        _check_value(item.times, known)
    elif isinstance(item, syntax.If):
        sides = item.condition[1:3] if isinstance(item.condition, syntax.Relation) else (item.condition,)
        for side in sides:
            _check_value(side, known)


def _check_arguments(name: str, arguments: tuple[syntax.Argument, ...], head: Span, known: _Known) -> None:
    """Check the arguments of a layer or join."""
    for parameter, argument, flag in bind(REGISTRY[name], arguments, head, known.names):
        if parameter.argument.form == "pattern":
            expect_pattern(REGISTRY[name], argument, known.names)
        elif not flag and parameter.argument.form != "table":
            words, later = words_of(name, parameter.name)
            _check_value(argument.value, known, words | later)


def _check_value(value: syntax.ArgumentValue | None, known: _Known, words: frozenset[str] = frozenset()) -> None:
    if isinstance(value, syntax.Name):
        if value.name not in known.names and value.name not in words and ALIASES.get(value.name) in words:
            hint = f"did you mean '{ALIASES[value.name]}'?"
            fail("unknown-name", f"no number format '{value.name}'", value.span, hint)
        if value.name in words or value.name in PADDING:
            return
    for name in names_in(value):
        implicit = is_size(name.name) or (name.name == "i" and known.repeated)
        if name.name not in known.names and not implicit:
            meant = operator_meant(name.name)
            if name is value and meant in words:
                fail("unknown-name", f"no operator '{name.name}'", name.span, f"did you mean '{meant}'?")
            unknown_name(name, [*known.names, *sorted(words)] if name is value else [*known.names])


def chains_in(item: syntax.Item) -> tuple[syntax.Chain, ...]:
    """Return the chains directly inside an item, in the order of the text."""
    if isinstance(item, syntax.Repeat):
        return (item.body,)
    if isinstance(item, syntax.Join):
        return item.branches
    if isinstance(item, syntax.If):
        return (item.then,) if item.otherwise is None else (item.then, item.otherwise)
    if isinstance(item, syntax.Entries):
        return tuple([entry.chain for entry in item.entries])
    return ()


def arguments_of(item: syntax.Item) -> tuple[syntax.Argument, ...]:
    """Return the arguments of a layer or call, or the options of a join."""
    if isinstance(item, syntax.Layer | syntax.Call):
        return item.arguments
    return item.options if isinstance(item, syntax.Join) else ()


def walk(chain: syntax.Chain) -> Iterator[syntax.Item]:
    """Yield every item of a chain, at every depth, in the order of the text."""
    waiting = list(reversed(chain.items))
    while waiting:
        item = waiting.pop()
        yield item
        for inner in reversed(chains_in(item)):
            waiting += reversed(inner.items)


def names_used(chain: syntax.Chain) -> list[syntax.Name]:
    """Return all names in the arguments, options, conditions and repetition counts of a chain, at every depth."""
    return [name for item in walk(chain) for name in names_of(item)]


def names_of(item: syntax.Item) -> Iterator[syntax.Name]:
    """Yield the names in the arguments, options, condition or repetition count of an item itself."""
    for argument in arguments_of(item):
        yield from names_in(argument.value)
    if isinstance(item, syntax.Repeat):
        yield from names_in(item.times)
    elif isinstance(item, syntax.If):
        yield from names_in(item.condition)
