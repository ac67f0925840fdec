"""Write a graph as a spec that reads back as the same network.

Stages are kept: the layers of a stage are written as the chain with joins that makes them in their order. If there is
no such chain (because a layer is not read, or the graph does not come from a spec), every layer becomes a stage of its
own, with references to what it reads. Items of a chain that repeat are written once; blocks are found on request
(`compact`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count, groupby, pairwise
from typing import NamedTuple, Protocol

from archcalc.graph import Graph, Node, Ref, write_shape
from archcalc.ops.base import REGISTRY, Weight
from archcalc.spec.chains import ChainWriter, NotAChain
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.spec.write import connection_table, layer_words, write_join
from archcalc.writers.names import unused
from archcalc.writers.spec.entries import Sections, StageEntry, line, scalar


class LayerGroup(NamedTuple):
    """Consecutive layers that are written together."""

    name: str | None
    """The name of their stage or head."""
    head: bool
    training: bool
    nodes: tuple[int, ...]
    result: Ref
    """The output of the group."""


class BlockFinder(Protocol):
    """Finds what the chains of a spec have in common."""

    def __call__(self, sections: Sections, taken: set[str], /) -> Sections:
        """Return the sections with blocks and variables, which have other names than those that are taken."""
        ...


class _Unnamed(Exception):
    """A tensor is read that has no name in the text yet."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref


def write_graph(graph: Graph, compact: BlockFinder | None = None) -> str:
    """Return a spec of this network, which reads back as the same layers in the same order.

    Names and stages are kept, except that a stage of one layer gives its name to the layer, and that unnamed layers are
    numbered as by the language.

    Args:
        graph: the network.
        compact: returns blocks, and the entries with calls of them; layers are then written in sequence where possible.

    Raises:
        SpecError: a spec cannot express the graph; the problems are all reasons.
    """
    problems = [Problem("write", f"{each}, which a spec cannot express", origin=graph.name) for each in _reasons(graph)]
    if problems:
        raise SpecError(problems)
    groups = _groups(graph)
    flat: set[int] = set()
    while True:  # a missing name is found when the tensor is read; its group is then written layer by layer
        try:
            return _Writer(graph, groups, flat, compact).document()
        except _Unnamed as error:
            owner = next(index for index, each in enumerate(groups) if error.ref.node in each.nodes)
            if owner in flat:
                name = graph.nodes[error.ref.node].name
                fail("write", f"a spec cannot express the layers that read '{name}'", origin=graph.name)
            flat.add(owner)


def _reasons(graph: Graph) -> Iterator[str]:
    """Yield what a spec cannot express."""
    for node in graph.nodes:
        if any(size == 0 for shape in node.outputs for size in shape):
            yield f"'{node.name}' is a tensor without elements"
        if any(ref.output > len(graph.nodes[ref.node].op.further_outputs) for ref in node.inputs):
            yield f"'{node.name}' reads the second output of a layer"
        owners = {*node.tied.values()}
        if len(owners) > 1:
            yield f"'{node.name}' shares weights of several layers"
        for owner in owners if len(owners) == 1 else ():
            own = {each.name for each in _weights(graph, node)} - node.tied.keys()
            both = sorted(own & {each.name for each in _weights(graph, graph.nodes[owner])})
            if both:
                yield f"'{node.name}' shares weights of '{graph.nodes[owner].name}', but not the {both[0]}"


def _weights(graph: Graph, node: Node) -> tuple[Weight, ...]:
    """Return the stored arrays of a layer."""
    return node.op.weights(graph.input_shapes(node))


def _groups(graph: Graph) -> list[LayerGroup]:
    """Return the layers grouped by stage or head, in graph order.

    The layers of a stage may stand in several places, with others between them; the group that makes the output of the
    stage then has its name, or else the last one. A stage that has the name of a head has none: heads share the name
    space, and keep theirs.
    """
    heads = _heads(graph)
    runs = [
        (belongs, tuple([index for index, _ in members]))
        for belongs, members in groupby(graph.layers(), lambda pair: _belongs(pair[1]))
    ]
    named = {stage: number for number, ((stage, _, _), _) in enumerate(runs)}
    for number, ((stage, _, _), nodes) in enumerate(runs):
        made = graph.stages.get(stage or "")
        if made is not None and made.node in nodes:
            named[stage] = number
    groups = []
    for number, ((stage, head, training), nodes) in enumerate(runs):
        name = stage if named[stage] == number and (head or stage not in heads) else None
        result = graph.stages.get(name, Ref(nodes[-1])) if name else Ref(nodes[-1])
        groups.append(LayerGroup(name, head, training, nodes, result))
    return groups


def _heads(graph: Graph) -> set[str]:
    """Return the names of the heads."""
    return {*list(graph.outputs)[1:], *graph.training_outputs}


def _belongs(node: Node) -> tuple[str | None, bool, bool]:
    return node.stage, node.head is not None, node.training


class _Writer:
    def __init__(self, graph: Graph, groups: list[LayerGroup], flat: set[int], compact: BlockFinder | None) -> None:
        self.graph = graph
        self.compact = compact
        self.groups = groups
        self.flat = flat
        self.names: dict[Ref, str] = {}
        """The tensors that can be referenced so far."""
        self.alone: set[int] = set()
        """The layers so far that are written as a stage of their own, so that its name is theirs."""
        self.taken = {*graph.stages, *(node.name for node in graph.nodes)}
        self.tables: dict[tuple[tuple[bool, ...], ...], str] = {}
        self.head_names = _heads(graph)
        used = {*(each.name for each in groups), *self.head_names, *graph.inputs}
        output = next(iter(graph.outputs))
        self.names_output = output in graph.stages and output not in used
        """Whether the name of the output is a further name of a tensor; it then is the last entry."""
        used |= {output}
        self.aliases = {name: ref for name, ref in graph.stages.items() if name not in used}
        """Stages without layers, which are further names of tensors."""

    def document(self) -> str:
        graph = self.graph
        for index, node in enumerate(graph.nodes):
            if node.is_input:
                self.names[Ref(index)] = node.name
        layers, current = self.main()
        heads = self.heads(dict(list(graph.outputs.items())[1:]), current)
        training = self.heads(graph.training_outputs, current)
        lines = [f"name: {scalar(graph.name)}"]
        lines += self.inputs()
        lines += [f"layout: {graph.layout}"] if graph.layout != "chw" else []
        if self.tables:
            lines += ["tables:", *(f"  {name}: {scalar(_table(table))}" for table, name in self.tables.items())]
        sections = Sections(layers, heads, training, [], {})
        if self.compact is not None:
            sections = self.compact(sections, self.reserved())
        variables = [f"{name}: {value}" for name, value in sections.variables.items()]
        lines += [f"variables: {{{', '.join(variables)}}}"] if variables else []
        lines += ["blocks:", *(line("  ", entry) for entry in sections.blocks)] if sections.blocks else []
        lines += ["layers:", *(line("  - ", entry) for entry in sections.layers)]
        for section, entries in (("heads", sections.heads), ("training_heads", sections.training)):
            lines += [f"{section}:", *(line("  ", entry) for entry in entries)] if entries else []
        return "\n".join(lines) + "\n"

    def reserved(self) -> set[str]:
        """Return the names that blocks must not have."""
        return {*self.taken, *REGISTRY, *self.graph.outputs, *self.names.values()}

    def inputs(self) -> list[str]:
        shapes = {name: write_shape(shape, self.graph.layout) for name, shape in self.graph.inputs.items()}
        if list(shapes) == ["input"]:
            return [f"input: {shapes['input']}"]
        return ["inputs:", *(f"  {name}: {shape}" for name, shape in shapes.items())]

    def main(self) -> tuple[list[StageEntry], Ref]:
        """Return the entries of ``layers:``, and the tensor that they end with."""
        entries: list[StageEntry] = []
        current = Ref(0)
        for ref in list(self.names):
            found = self.aliased(ref, current)
            entries += found
            current = ref if found else current
        for number, group in enumerate(self.groups):
            if not group.head:
                for entry, result in self.written(group, current, flat=number in self.flat):
                    current = result
                    if entry.name is not None:
                        self.names.setdefault(result, entry.name)
                    entries += [entry, *self.aliased(result, result)]
        if self.aliases:
            raise _Unnamed(next(iter(self.aliases.values())))
        name, main = next(iter(self.graph.outputs.items()))
        if main != current or self.names_output:
            label = name if self.names_output else self.free(f"{name}.output" if name in self.taken else name)
            entries.append(StageEntry(label, "identity" if main == current else self.reference(main)))
        return entries or [StageEntry(None, "identity")], main

    def aliased(self, ref: Ref, current: Ref) -> list[StageEntry]:
        """Return the stages without layers that name this tensor."""
        found = [name for name, source in self.aliases.items() if source == ref]
        for name in found:
            del self.aliases[name]
        entries = [StageEntry(name, "identity") for name in found]
        if entries and ref != current:
            entries[0] = StageEntry(found[0], self.reference(ref))
        for name in found:
            self.names.setdefault(ref, name)
        return entries

    def written(self, group: LayerGroup, current: Ref, *, flat: bool) -> Iterator[tuple[StageEntry, Ref]]:
        """Yield the entries of a group, one chain or layer by layer, each with its output."""
        chain = None if flat else self.chain(group, current)
        if chain is not None:
            self.alone.update(group.nodes if len(group.nodes) == 1 and group.name else ())
            yield StageEntry(group.name, chain), group.result
            return
        for part in self.parts(group.nodes, current):
            made = Ref(part[-1])
            name = group.name if group.name and made == group.result else self.free(self.label(part, group.nodes))
            yield StageEntry(name, self.part(part, current)), made
            current = made
        if group.result.node not in group.nodes and group.name:
            yield StageEntry(group.name, self.reference(group.result)), group.result

    def parts(self, nodes: Sequence[int], current: Ref) -> Iterator[tuple[int, ...]]:
        """Yield layers one by one; for a compact spec, those of a module together, and those that only the next reads.

        Args:
            nodes: the indices of consecutive layers.
            current: the tensor before them.
        """
        depth = len(self.module(nodes)) + 1
        run: list[int] = []
        for _, members in groupby(nodes, key=lambda index: self.graph.nodes[index].path[:depth]):
            module = tuple(members)
            before = Ref(run[-1]) if run else current
            if self.compact is not None and 1 < len(module) < len(nodes) and self.is_closed(module, before):
                yield from [tuple(run)] * bool(run)
                yield module
                run, current = [], Ref(module[-1])
                continue
            inner = self.inner(module, nodes, before)
            if inner:
                yield from [tuple(run)] * bool(run)
                yield from inner
                run, current = [], Ref(module[-1])
                continue
            for index in module:
                if run and not self.follows(index, run[-1]):
                    yield tuple(run)
                    run, current = [], Ref(run[-1])
                run.append(index)
        yield from [tuple(run)] * bool(run)

    def inner(self, module: Sequence[int], nodes: Sequence[int], before: Ref) -> list[tuple[int, ...]]:
        """Return the parts of a module that must be divided, if one of them has most of its layers; otherwise none."""
        if self.compact is None or not 1 < len(module) < len(nodes):
            return []
        found = list(self.parts(module, before))
        return found if max(map(len, found)) > len(module) / 2 else []

    def module(self, nodes: Sequence[int]) -> tuple[str, ...]:
        """Return the path that layers have in common."""
        first, *rest = [self.graph.nodes[index].path for index in nodes]
        while any(path[: len(first)] != first for path in rest):
            first = first[:-1]
        return first

    def label(self, part: Sequence[int], nodes: Sequence[int]) -> str:
        """Return the name of a part of some layers: that of its module, or else that of its last layer."""
        own = self.module(part)
        if self.compact is not None and len(part) > 1 and len(own) > len(self.module(nodes)):
            return "/".join(own)
        return self.graph.nodes[part[-1]].name

    def is_closed(self, nodes: Sequence[int], current: Ref) -> bool:
        """Return whether layers read one tensor, and others read only the output of the last one."""
        own = {*nodes}
        reads = [ref for index in nodes for ref in self.graph.nodes[index].inputs]
        inside = Counter(ref for ref in reads if ref.node in own)
        made = [ref for index in nodes[:-1] for ref in self.graph.made_by(index)]
        shared = own & self.graph.sharing.keys()
        return (
            {ref for ref in reads if ref.node not in own} == {current}
            and all(self.readers[ref] == inside[ref] for ref in made)
            and not shared
        )

    def part(self, nodes: Sequence[int], current: Ref) -> str | list[StageEntry]:
        """Return the chain of some layers: one, or those of a module; without a chain, named entries in its place."""
        texts = []
        if len(nodes) == 1 or all(self.follows(index, before) for before, index in pairwise(nodes)):
            for index in nodes:
                texts.append(self.layer(index, current))
                current = Ref(index)
            self.alone.update(nodes if len(nodes) == 1 else ())
            return " -> ".join(texts)
        whole = LayerGroup(None, False, False, tuple(nodes), Ref(nodes[-1]))
        try:
            chain = self.chain(whole, current)
        except _Unnamed:  # it reads a tensor of the module by its name
            chain = None
        return chain or self.nested(nodes, current)

    def nested(self, nodes: Sequence[int], current: Ref) -> list[StageEntry]:
        """Return the entries of a module, with names that are known within it."""
        outside, self.names = self.names, {current: "x"}
        entries = [StageEntry("x", "identity")]
        shared = len(self.module(nodes))
        labels = {"x"}
        for part in self.parts(nodes, current):
            made = Ref(part[-1])
            chain = self.part(part, current)
            path = self.label(part, nodes).split("/")
            wanted = re.sub(r"[^A-Za-z0-9_]+", "_", "_".join(path[shared:]) or path[-1])
            base = re.sub(r"_\d+$", "", wanted)  # the numbers count in the stage, and differ between equal modules
            numbered = (wanted if base == wanted and number == 1 else f"{base}_{number}" for number in count(1))
            label = next(each for each in numbered if each not in labels)
            labels.add(label)
            self.names[made] = label
            entries.append(StageEntry(label, chain))
            current = made
        self.names = outside
        return entries

    def follows(self, index: int, before: int) -> bool:
        """Return whether a layer can be written behind the one before it, which then has no name of its own."""
        node = self.graph.nodes[index]
        if self.compact is None or self.readers[Ref(before)] != 1 or len(self.graph.nodes[before].outputs) > 1:
            return False
        alone = {index, before} & self.graph.sharing.keys()
        return node.inputs == (Ref(before),) and node.op.arity == 1 and not alone

    @cached_property
    def readers(self) -> Counter[Ref]:
        """How many layers, stages and outputs read a tensor."""
        graph = self.graph
        named = [*graph.outputs.values(), *graph.training_outputs.values(), *self.aliases.values()]
        return Counter([*named, *(ref for node in graph.nodes for ref in node.inputs)])

    def chain(self, group: LayerGroup, current: Ref) -> str | None:
        """Return the chain that makes a group's layers in their order; ``None`` if there is none."""
        chains = ChainWriter(self.graph, group.nodes, current, self.words, self.reference)
        try:
            text = chains.write(group.result)
        except NotAChain:
            return None
        return text if chains.visited == list(group.nodes) else None

    def layer(self, index: int, current: Ref) -> str:
        """Return the chain of one layer, including references to what it reads."""
        node = self.graph.nodes[index]
        words = self.words(node)
        if node.op.arity is None:
            return write_join(words, ["identity" if ref == current else self.reference(ref) for ref in node.joined])
        text = " ".join(words)
        if not node.joined:
            return text
        (read,) = node.joined
        return text if read == current else f"{self.reference(read)} -> {text}"

    def heads(self, outputs: Mapping[str, Ref], main: Ref) -> list[StageEntry]:
        """Return the entries of ``heads:`` or ``training_heads:``."""
        entries = []
        for name, ref in outputs.items():
            number = next((n for n, each in enumerate(self.groups) if each.head and each.name == name), None)
            chain: str | list[StageEntry]
            if number is None:
                chain = "identity" if ref == main else self.reference(ref)
            else:
                group = self.groups[number]
                written = None if number in self.flat else self.chain(group, main)
                chain = written if written is not None else self.named_entries(group, main)
            self.names.setdefault(ref, name)
            entries.append(StageEntry(name, chain))
        return entries

    def named_entries(self, group: LayerGroup, current: Ref) -> list[StageEntry]:
        """Return the layers of a group as named entries of a list, which are known by paths afterwards."""
        found: list[StageEntry] = []
        labels: dict[Ref, str] = {}
        for index in group.nodes:
            wanted = re.sub(r"[^A-Za-z0-9_]+", "_", self.graph.nodes[index].name.rpartition("/")[2])
            label = unused(wanted, {*self.names.values(), *self.taken - {wanted}}, "_")
            found.append(StageEntry(label, self.layer(index, current)))
            self.alone.add(index)
            current = Ref(index)
            labels[current] = self.names[current] = label
        if group.result != current:
            found.append(StageEntry(None, self.reference(group.result)))
        self.names |= {ref: f"{group.name}/{label}" for ref, label in labels.items()}
        return found

    def words(self, node: Node) -> list[str]:
        """Return the words of a layer; its connection table gets a name."""
        op = node.op
        table = connection_table(op)
        name = "" if table is None else self.tables.setdefault(table, f"table{len(self.tables) + 1}")
        given = zip(op.tensor_arguments(), node.inputs[len(node.joined) :], strict=True)
        words = layer_words(op, self.graph.layout, name, {each: self.reference(ref) for each, ref in given})
        owners = {*node.tied.values()}
        return [*words, *(f"weights={self.layer_reference(owner)}" for owner in owners)]

    def layer_reference(self, index: int) -> str:
        """Return the reference to a layer, which must be the only one of its stage."""
        if index not in self.alone:
            raise _Unnamed(Ref(index))
        return self.reference(Ref(index))

    def reference(self, ref: Ref) -> str:
        if ref not in self.names and Ref(ref.node) in self.names:
            further = self.graph.nodes[ref.node].op.further_outputs
            return f"@{self.names[Ref(ref.node)]}/{further[ref.output - 1]}"
        if ref not in self.names:
            raise _Unnamed(Ref(ref.node))
        return f"@{self.names[ref]}"

    def free(self, name: str) -> str:
        """Return a valid, unused name of a stage that is similar to this one."""
        allowed = re.sub(r"[^A-Za-z0-9_]+", "_", name)
        if allowed == name and name not in self.head_names:
            return name
        found = unused(allowed, self.taken, "_")
        self.taken.add(found)
        return found


def _table(table: tuple[tuple[bool, ...], ...]) -> str:
    """Return a connection table as a spec writes it."""
    return " / ".join("".join("X" if connected else "." for connected in row) for row in table)
