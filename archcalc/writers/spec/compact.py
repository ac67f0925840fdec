"""A network as a spec that a person would write: with blocks, and long stages in several lines."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.graph import Graph, Node
from archcalc.spec.errors import Source, SpecError
from archcalc.spec.read import read_spec
from archcalc.writers.recognition import recognised
from archcalc.writers.spec.blocks import Blocks
from archcalc.writers.spec.chain_tree import Chain, Layer, text
from archcalc.writers.spec.entries import WIDTH, Sections, StageEntry
from archcalc.writers.spec.graph_text import write_graph
from archcalc.writers.spec.modules import Modules
from archcalc.writers.spec.stages import with_united_stages

CLASSES = "classes"
"""The variable for the number of classes."""
LONG = 2 * WIDTH
"""The length of a chain that is written in several lines."""
ROOM = WIDTH - 12
"""The length of these lines, without their indentation."""


def write_compact(graph: Graph) -> str:
    """Return a spec of a network, with blocks for parts that occur several times, up to numbers.

    It reads as the same layers on the same tensors; the names of layers are those of the language.

    Raises:
        SpecError: a spec cannot express the graph; the problems are all reasons.
    """
    short = recognised(graph)
    for each in (with_united_stages(short), short):
        written = write_graph(each, with_blocks)
        if is_same(each, written):
            return written
    return write_graph(graph)


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


def _is_same_layer(one: Node, other: Node) -> bool:
    alike = one.op.name == other.op.name and one.op.attributes() == other.op.attributes()
    return alike and one.inputs == other.inputs and one.tied == other.tied


def with_blocks(sections: Sections, taken: set[str]) -> Sections:
    """Return the sections of a spec with blocks, and a variable for the number of classes."""
    modules = Modules(taken)
    own = [modules.extracted(entries) for entries in (sections.layers, sections.heads, sections.training)]
    own.append(modules.blocks)
    found = Blocks([chain for entries in own for entry in entries for chain in chains(entry)], taken)
    last = sum(1 for entry in own[0] for _ in chains(entry)) - 1
    variables = {}
    if CLASSES not in taken and (classes := classifier(found.chains[: last + 1])) is not None:
        place, number, named = classes
        found.chains[place] = named
        variables[CLASSES] = number
    made = iter(found.chains)
    layers, heads, training, blocks = ([replaced(entry, made) for entry in entries] for entries in own)
    blocks += [StageEntry(heading, body) for heading, body in found.lines()]
    return Sections(layers, heads, training, blocks, variables)


def classifier(written: list[Chain]) -> tuple[int, str, Chain] | None:
    """Return the chain whose last layer gives the classes, their number, and the chain with a variable for it.

    It is the last one that does not only pass on a tensor; it ends in a dense layer, perhaps with a softmax behind it.
    """
    for place in range(len(written) - 1, -1, -1):
        chain = written[place]
        if text(chain) == "identity":
            continue
        *before, last = chain if text(chain[-1:]) not in ("softmax", "log_softmax") else chain[:-1] or chain
        if isinstance(last, Layer) and last.words[0] in ("fc", "linear") and last.words[1].isdigit():
            named = Layer((last.words[0], CLASSES, *last.words[2:]))
            return place, last.words[1], (*before, named, *chain[len(before) + 1 :])
        return None
    return None


def chains(entry: StageEntry) -> Iterator[str]:
    """Yield the chains of an entry."""
    if isinstance(entry.chain, str):
        yield entry.chain
    else:
        for each in entry.chain:
            yield from chains(each)


def replaced(entry: StageEntry, made: Iterator[Chain]) -> StageEntry:
    """Return an entry with other chains, in their order; a long chain of a stage becomes several."""
    if not isinstance(entry.chain, str):
        return entry._replace(chain=[replaced(each, made) for each in entry.chain])
    chain = next(made)
    if entry.name is None or len(text(chain)) < LONG or len(chain) < 4:
        return entry._replace(chain=text(chain))
    return entry._replace(chain=[StageEntry(None, text(part)) for part in in_lines(chain)])


def in_lines(chain: Chain) -> Iterator[Chain]:
    """Yield the items of a chain, as many together as fit in a line."""
    start = 0
    for end in range(1, len(chain) + 1):
        if end == len(chain) or len(text(chain[start : end + 1])) > ROOM:
            yield chain[start:end]
            start = end
