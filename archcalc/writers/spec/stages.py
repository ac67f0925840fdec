"""Stages of a model file as a person would divide the network.

Every layer of a model that belongs to no module, or to one of its own, is a stage. Such stages are united: those of a
residual unit or of other branches that meet again, those with names of the same beginning (``conv2_block1_1_conv``),
and otherwise those from one layer of weights to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, zip_longest
from typing import TypeAlias

from archcalc.graph import Graph, Node, Ref
from archcalc.ops.base import REGISTRY
from archcalc.spec.chains import ChainWriter, NotAChain
from archcalc.writers.names import unused

Part: TypeAlias = tuple[int, ...]
"""Consecutive layers that one tensor enters."""

SMALL = 3
"""The maximum number of layers of a stage that is united with others: a layer with its normalisation and activation."""
WEIGHTED = frozenset({"convolution", "dense"})
"""The kinds of layers with weighted sums."""
STAGE = "stage"
"""The name of a stage whose layers are named after their operators."""
INPUT = "input"
"""The name that the language gives to a single input."""


def with_united_stages(graph: Graph) -> Graph:
    """Return the graph of a model file with fewer stages, each of which is a chain; other graphs are kept."""
    if not any(node.origin is not None for node in graph.nodes):
        return graph
    names: dict[int, str] = {}
    for same in united(graph, parts(graph)):
        name = name_of(graph, same, {*graph.stages, *names.values()})
        names |= dict.fromkeys((index for part in same for index in part), name)
    nodes = list(graph.nodes)
    stages = {name: ref for name, ref in graph.stages.items() if nodes[ref.node].is_input}
    for index, name in names.items():
        own = nodes[index].path
        path = own if own[0] == name else (name, *own)
        nodes[index] = replace(nodes[index], stage=name, path=path)
        stages[name] = Ref(index)
    for name, ref in graph.stages.items():
        if ref.node not in names and not nodes[ref.node].is_input:
            stages.setdefault(name, ref)
    return with_plain_input(replace(graph, nodes=tuple(nodes), stages=stages))


def with_plain_input(graph: Graph) -> Graph:
    """Return a graph whose only input has the name that the language gives it."""
    if len(graph.inputs) != 1 or INPUT in graph.stages:
        return graph
    (name,) = graph.inputs
    stages = {INPUT if each == name else each: ref for each, ref in graph.stages.items()}
    first = replace(graph.nodes[0], name=INPUT, path=(INPUT,), stage=INPUT)
    return replace(graph, nodes=(first, *graph.nodes[1:]), stages=stages)


def parts(graph: Graph) -> Iterator[Part]:
    """Yield the layers of the main path, divided where one tensor is all that layers behind read of those before.

    Stages of a few layers that only together are a chain are one part; others are divided by stage.
    """
    main = [index for index, node in graph.layers() if node.head is None and not node.training]
    ends = borders(graph, main)
    found: list[int] = []
    before = Ref(0)
    for index, after in zip_longest(main, main[1:]):
        found.append(index)
        if index in ends and (after is None or graph.nodes[after].stage != graph.nodes[index].stage):
            yield from divided(graph, found, before)
            found, before = [], Ref(index)
    if found:
        yield from divided(graph, found, before)


def divided(graph: Graph, nodes: Sequence[int], before: Ref) -> Iterator[Part]:
    """Yield layers by stage, or all of them if their stages are small and they are one chain."""
    stages = [tuple(own) for _, own in groupby(nodes, key=lambda index: graph.nodes[index].stage)]
    if all(len(own) <= SMALL for own in stages) and is_chain(graph, nodes, before):
        yield tuple(nodes)
    else:
        yield from stages


def borders(graph: Graph, main: Sequence[int]) -> set[int]:
    """Return the layers whose output is all that later layers read of what is made up to them."""
    last_reader: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        for ref in node.inputs:
            last_reader[ref.node] = index
    found, furthest = set(), 0
    own = {*main}
    for index in range(len(graph.nodes)):
        node = graph.nodes[index]
        if index in own and furthest <= index and len(node.outputs) == 1:
            found.add(index)
        furthest = max(furthest, last_reader.get(index, 0))
    return found


def is_chain(graph: Graph, nodes: Sequence[int], before: Ref) -> bool:
    """Return whether a chain makes layers in their order from the tensor before them alone."""

    def reference(ref: Ref) -> str:
        if ref == before:
            return "@before"
        raise NotAChain

    if any(graph.nodes[index].tied or index in graph.sharing for index in nodes):
        return False
    chains = ChainWriter(graph, nodes, before, _words, reference)
    try:
        chains.write(Ref(nodes[-1]))
    except NotAChain:
        return False
    return chains.visited == list(nodes)


def _words(node: Node) -> list[str]:
    if node.op.tensor_arguments():
        raise NotAChain
    return [node.op.name]


def united(graph: Graph, found: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield the parts that become one stage."""
    kept = {ref.node for ref in (*graph.outputs.values(), *graph.training_outputs.values())}
    kept |= {ref.node for node in graph.nodes if node.head is not None or node.training for ref in node.inputs}
    run: list[Part] = []
    for part in found:
        if not is_small(graph, part):
            yield from by_name(graph, run)
            yield [part]
            run = []
            continue
        run.append(part)
        if part[-1] in kept:
            yield from by_name(graph, run)
            run = []
    yield from by_name(graph, run)


def is_small(graph: Graph, part: Part) -> bool:
    """Return whether the stages of a part have few layers, and no modules within."""
    counts = Counter(graph.nodes[index].stage for index in part)
    return all(counts[graph.nodes[index].stage] <= SMALL and len(graph.nodes[index].path) <= 2 for index in part)


def by_name(graph: Graph, run: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield consecutive parts that become one stage: those with names of the same beginning, and others by weights."""
    others: list[Part] = []
    for beginning, group in groupby(run, key=lambda part: beginning_of(graph, part)):
        same = list(group)
        if beginning is None or len(same) == 1:
            others += same
            continue
        yield from by_weights(graph, others)
        yield same
        others = []
    yield from by_weights(graph, others)


def beginning_of(graph: Graph, part: Part) -> str | None:
    """Return the first word that the names of all stages of a part have, or else that of the last one, a join."""
    first, *others = {graph.nodes[index].stage or "" for index in part}
    last = graph.nodes[part[-1]]
    found = {name.partition("_")[0] for name in (first, *others)}
    if len(found) > 1 and last.op.arity is None:
        return (last.stage or "").partition("_")[0]
    return found.pop() if len(found) == 1 else None


def by_weights(graph: Graph, parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield consecutive parts that become one stage: a layer of weights with those that follow it.

    Those before the first one belong to it, and those that prepare a vector to the fully connected layer behind them.
    """
    made: list[list[Part]] = []
    for part in parts:
        kinds = {graph.nodes[index].op.kind for index in part}
        if not made or (kinds & WEIGHTED and any(is_weighted(graph, each) for each in made[-1])):
            before: list[Part] = []
            while "dense" in kinds and made and len(made[-1]) > 1 and makes_vector(graph, made[-1][-1]):
                before.insert(0, made[-1].pop())
            made.append(before)
        made[-1].append(part)
    yield from made


def is_weighted(graph: Graph, part: Part) -> bool:
    """Return whether a part has a layer of weighted sums."""
    return any(graph.nodes[index].op.kind in WEIGHTED for index in part)


def makes_vector(graph: Graph, part: Part) -> bool:
    """Return whether a part pools over all positions, flattens, or drops."""
    ops = [graph.nodes[index].op for index in part]
    return all(op.window_kind in ("global", "adaptive") or op.flattens or op.reorders or op.drops for op in ops)


def name_of(graph: Graph, parts: Sequence[Part], taken: set[str]) -> str:
    """Return the name of a stage of several parts: their common word, or that of the first layer of weights."""
    named = [graph.nodes[part[-1]].stage or "" for part in parts]
    beginnings = {beginning_of(graph, part) for part in parts}
    if len(parts) == 1:
        return named[0]
    if len(beginnings) == 1 and None not in beginnings:
        word = str(beginnings.pop())
        return unused(STAGE if word in REGISTRY else word, taken - {*named}, "_")
    weighted = [name for name, part in zip(named, parts, strict=True) if is_weighted(graph, part)]
    return (weighted or named[-1:])[0]
