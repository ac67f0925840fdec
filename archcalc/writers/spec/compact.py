"""A network as a spec that a person would write: with blocks, and long stages in several lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from archcalc.graph import Graph, Node
from archcalc.ops.base import REGISTRY
from archcalc.spec.errors import Source, SpecError
from archcalc.spec.read import read_spec
from archcalc.spec.records import GivenSettings
from archcalc.writers.recognition import recognised
from archcalc.writers.spec.blocks import Blocks
from archcalc.writers.spec.chain_tree import Chain, Item, LayerItem, parse, text
from archcalc.writers.spec.entries import WIDTH, Sections, StageEntry
from archcalc.writers.spec.graph_text import write_graph
from archcalc.writers.spec.modules import Modules
from archcalc.writers.spec.stages import with_united_stages
from archcalc.writers.spec.valid_names import with_valid_names
from archcalc.writers.spec.variables import MODEL_WIDTH, Variables, width_of

Constants: TypeAlias = Mapping[str, Any]

ROOM = WIDTH - 12
"""The length of the lines of a long chain, without their indentation."""


def write_compact(graph: Graph, constants: Constants | None = None) -> str:
    """Return a spec of a network, with blocks for parts that occur several times, up to numbers.

    It reads as the same layers on the same tensors, after patterns of layers were recognised, and branches put in
    order. The names of layers are those of the language.

    Args:
        graph: the network.
        constants: the numbers of stored tensors that are not trained by ``layer.array``, as far as they are known.

    Raises:
        SpecError: a spec cannot express the graph; the problems are all reasons.
    """
    for form in forms(graph, constants):
        width = width_of(form)
        for each in (width, None) if width is not None else (None,):
            written = write_graph(form, partial(with_blocks, width=each))
            if is_same(form, written) and (each is None or is_variable(written, each)):
                return written
    return write_graph(with_valid_names(graph))


def forms(graph: Graph, constants: Constants | None = None) -> Iterator[Graph]:
    """Yield the graphs that a spec may describe in the place of this one, the preferred one first."""
    short = with_valid_names(recognised(graph, constants))
    graph = with_valid_names(graph)
    yield with_united_stages(short)
    yield short
    yield graph


def is_same(graph: Graph, written: str) -> bool:
    """Return whether a spec reads as the same layers, with the same weights, that read the same tensors."""
    try:
        again = read_spec(Source("the written spec", written)).graph
    except SpecError:
        return False
    if len(graph.nodes) != len(again.nodes) or graph.inputs != again.inputs:
        return False
    if [*graph.outputs.values()] != [*again.outputs.values()]:
        return False
    return all(map(_is_same_layer, graph.nodes, again.nodes))


def is_variable(written: str, width: int) -> bool:
    """Return whether no other number of a spec has to follow its width, if that is a variable."""
    source = Source("the written spec", written)
    try:
        other = read_spec(source, GivenSettings(set={MODEL_WIDTH: str(2 * width)})).graph
    except SpecError:
        return f"{MODEL_WIDTH}: {width}" not in written
    return width_of(other) == 2 * width


def _is_same_layer(one: Node, other: Node) -> bool:
    return one.op.equals(other.op) and one.inputs == other.inputs and one.tied == other.tied


def with_blocks(sections: Sections, taken: set[str], width: int | None = None) -> Sections:
    """Return the sections of a spec with blocks, and variables for what obviously is one."""
    modules = Modules(taken)
    own = [modules.extracted(entries) for entries in (sections.layers, sections.heads, sections.training)]
    own.append(modules.blocks)
    written = [parse(chain, modules.known) for entries in own for entry in entries for chain in chains(entry)]
    last = sum(1 for entry in own[0] for _ in chains(entry)) - 1
    variables = Variables(written, last, width, taken)
    found = Blocks(variables.chains, taken | variables.values.keys())
    made = iter(found.chains)
    layers, heads, training, blocks = ([replaced(entry, made) for entry in entries] for entries in own)
    blocks += [in_lines(StageEntry(block.heading, ""), block.body) for block in found.ordered()]
    return Sections(layers, heads, training, blocks, variables.values)


def chains(entry: StageEntry) -> Iterator[str]:
    """Yield the chains of an entry."""
    if isinstance(entry.chain, str):
        yield entry.chain
    else:
        for each in entry.chain:
            yield from chains(each)


def replaced(entry: StageEntry, made: Iterator[Chain]) -> StageEntry:
    """Return an entry with other chains, in their order."""
    if not isinstance(entry.chain, str):
        return entry._replace(chain=[replaced(each, made) for each in entry.chain])
    return in_lines(entry, next(made))


def in_lines(entry: StageEntry, chain: Chain) -> StageEntry:
    """Return an entry with a chain; a long one becomes several, which begin with layers of weights, blocks or joins."""
    written = text(chain)
    if entry.name is None or len(written) + len(entry.name) < WIDTH - 8:
        return entry._replace(chain=written)
    lines: list[Chain] = []
    for item in chain:
        if lines and not begins_line(item):
            lines[-1] += (item,)
        else:
            lines.append((item,))
    filled: list[Chain] = []
    for each in lines:
        if filled and len(text(filled[-1] + each)) <= ROOM:
            filled[-1] += each
        else:
            filled.append(each)
    if len(filled) == 1:
        return entry._replace(chain=written)
    return entry._replace(chain=[StageEntry(None, text(each)) for each in filled])


def begins_line(item: Item) -> bool:
    """Return whether an item of a chain may stand first in a line: all but layers that belong to the one before."""
    return not isinstance(item, LayerItem) or (
        item.words[0] in REGISTRY and REGISTRY[item.words[0]].kind in ("convolution", "dense")
    )
