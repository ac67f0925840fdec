"""Which blocks, variables, tables and parameters a spec uses: reachable from its layers, inputs and expectations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.spec import syntax
from archcalc.spec.check import names_of, references_in, walk
from archcalc.spec.document import Content, YamlScalar
from archcalc.spec.document import YamlMapping as Section
from archcalc.spec.errors import SpecError
from archcalc.spec.grammar import parse_value
from archcalc.spec.network import Block
from archcalc.spec.records import Spec, SpecOutline
from archcalc.spec.syntax import names_in
from archcalc.spec.variants import variants_of

WORD = re.compile(r"[A-Za-z_]\w*")


class Usage(NamedTuple):
    """The names that are used, and the parameters of blocks that are not."""

    names: frozenset[str]
    unused_parameters: tuple[tuple[str, syntax.Signature, int], ...]
    """The name of a block, its signature, and the index of the unused parameter."""


def usage_of(spec: Spec) -> Usage:
    """Return what a spec uses. A name counts as used wherever it occurs and could refer to the declaration."""
    outline = spec.outline
    blocks = outline.network.blocks
    variables = dict(section(outline, "variables"))
    variants = list(variants_of(outline.document).values()) if outline.document is not None else []
    used: set[str] = set()
    waiting = list(_roots(spec))
    while waiting:
        name = waiting.pop()
        if name in used:
            continue
        used.add(name)
        if name in blocks:
            waiting += _free_names(blocks[name])
        if name in variables:
            waiting += _written_names(variables[name])
        waiting += [each for variant in variants for each in _written_names(variant.get(name))]
    unused = [
        (name, block.signature, index)
        for name, block in blocks.items()
        for index, (parameter, _, _) in enumerate(block.signature.parameters)
        if parameter not in _block_names(block)
    ]
    return Usage(frozenset(used), tuple(unused))


def section(outline: SpecOutline, key: str) -> Iterator[tuple[str, Content]]:
    """Yield the names that a section of the file declares, with the content of each."""
    content = outline.document.get(key) if outline.document is not None else None
    if isinstance(content, Section):
        yield from ((name.text.value, written) for name, written in content.pairs)


def _roots(spec: Spec) -> Iterator[str]:
    outline = spec.outline
    network = outline.network
    for stage in (*network.stages, *network.heads, *network.training_heads):
        yield from _mentioned(stage.chain)
    if outline.document is not None:
        single = outline.document.get("input")
        for shape in (*((single,) if single is not None else ()), *(shape for _, shape in section(outline, "inputs"))):
            yield from _written_names(shape)
    for expectation in spec.expectations:
        yield from WORD.findall(expectation.value.value)


def _written_names(content: Content | None) -> Iterable[str]:
    if not isinstance(content, YamlScalar):
        return ()
    try:
        return [name.name for name in names_in(parse_value(content.text))]
    except SpecError:  # a value that --set or --shape replaces need not be valid
        return WORD.findall(content.text.value)


def _free_names(block: Block) -> Iterator[str]:
    """Yield the names in a block except its parameters. (``table=`` refers to a table even if a parameter has its
    name.)"""
    own = {name for name, _, _ in block.signature.parameters}
    return (name for name in _block_names(block) if name not in own or name in _tables(block.body))


def _block_names(block: Block) -> set[str]:
    defaults = [default for _, default, _ in block.signature.parameters]
    return {*_mentioned(block.body), *(name.name for default in defaults for name in names_in(default))}


def _tables(chain: syntax.Chain) -> set[str]:
    return {
        argument.value.name
        for item in walk(chain)
        if isinstance(item, syntax.Layer)
        for argument in item.arguments
        if argument.name == "table" and isinstance(argument.value, syntax.Name)
    }


def _mentioned(chain: syntax.Chain) -> Iterator[str]:
    """Yield every name in a chain that may refer to a block, a variable, a parameter or a table."""
    for item in walk(chain):
        if isinstance(item, syntax.Layer | syntax.Call | syntax.Join):
            yield item.name
        yield from (name.name for name in names_of(item))
        references = (item,) if isinstance(item, syntax.Reference) else references_in(item)
        yield from (reference.first for reference in references)
