"""Write a graph as a spec that reads back as the same network.

Stages are kept: the layers of a stage are written as the chain with joins that makes them in their order. If there is
no such chain (because a layer is not read, or the graph does not come from a spec), every layer becomes a stage of its
own, with references to what it reads. Blocks and variables are not restored; repetitions are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import count, groupby
from textwrap import wrap
from typing import NamedTuple

from archcalc.graph import Graph, Node, Ref, write_shape
from archcalc.ops.base import Weight
from archcalc.spec.chains import ChainWriter, NotAChain
from archcalc.spec.errors import Problem, SpecError, fail
from archcalc.spec.write import connection_table, layer_words, write_join

WIDTH = 100
"""The approximate length of a line."""
PLAIN = re.compile(r"[A-Za-z0-9(](?:[ -~]*[!-~])?")
"""Text that needs no quotes in YAML unless `MARKS` occur in it."""
MARKS = re.compile(r": | #|:$")
"""Characters with a meaning in YAML inside plain text."""


class Group(NamedTuple):
    """Consecutive layers that are written together."""

    name: str | None
    """The name of their stage or head."""
    head: bool
    training: bool
    nodes: tuple[int, ...]
    result: Ref
    """The output of the group."""


class StageEntry(NamedTuple):
    """A line of ``layers:``, ``heads:`` or ``training_heads:``."""

    name: str | None
    chain: str | list[StageEntry]
    """A chain, or named entries in its place."""


class _Unnamed(Exception):
    """A tensor is read that has no name in the text yet."""

    def __init__(self, ref: Ref) -> None:
        self.ref = ref


def write_graph(graph: Graph) -> str:
    """Return a spec of this network, which reads back as the same layers in the same order.

    Names and stages are kept, except that a stage of one layer gives its name to the layer, and that unnamed layers are
    numbered as by the language.

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
            return _Writer(graph, groups, flat).document()
        except _Unnamed as error:
            owner = next(index for index, each in enumerate(groups) if error.ref.node in each.nodes)
            if owner in flat:
                name = graph.nodes[error.ref.node].name
                fail("write", f"a spec cannot express the layers that read '{name}'", origin=graph.name)
            flat.add(owner)


def _reasons(graph: Graph) -> Iterator[str]:
    """Return what a spec cannot express."""
    for node in graph.nodes:
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


def _groups(graph: Graph) -> list[Group]:
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
        groups.append(Group(name, head, training, nodes, result))
    return groups


def _heads(graph: Graph) -> set[str]:
    """Return the names of the heads."""
    return {*list(graph.outputs)[1:], *graph.training_outputs}


def _belongs(node: Node) -> tuple[str | None, bool, bool]:
    return node.stage, node.head is not None, node.training


class _Writer:
    def __init__(self, graph: Graph, groups: list[Group], flat: set[int]) -> None:
        self.graph = graph
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
        lines = [f"name: {_scalar(graph.name)}"]
        lines += self.inputs()
        lines += [f"layout: {graph.layout}"] if graph.layout != "chw" else []
        if self.tables:
            lines += ["tables:", *(f"  {name}: {_scalar(_table(table))}" for table, name in self.tables.items())]
        lines += ["layers:", *(_line("  - ", entry) for entry in layers)]
        for section, entries in (("heads", heads), ("training_heads", training)):
            lines += [f"{section}:", *(_line("  ", entry) for entry in entries)] if entries else []
        return "\n".join(lines) + "\n"

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

    def written(self, group: Group, current: Ref, *, flat: bool) -> Iterator[tuple[StageEntry, Ref]]:
        """Yield the entries of a group, one chain or layer by layer, each with its output."""
        chain = None if flat else self.chain(group, current)
        if chain is not None:
            self.alone.update(group.nodes if len(group.nodes) == 1 and group.name else ())
            yield StageEntry(group.name, chain), group.result
            return
        for index in group.nodes:
            made = Ref(index)
            name = group.name if group.name and made == group.result else self.free(self.graph.nodes[index].name)
            text = self.layer(index, current)
            self.alone.add(index)
            yield StageEntry(name, text), made
            current = made
        if group.result.node not in group.nodes and group.name:
            yield StageEntry(group.name, self.reference(group.result)), group.result

    def chain(self, group: Group, current: Ref) -> str | None:
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

    def named_entries(self, group: Group, current: Ref) -> list[StageEntry]:
        """Return the layers of a group as named entries of a list, which are known by paths afterwards."""
        found: list[StageEntry] = []
        labels: dict[Ref, str] = {}
        for index in group.nodes:
            wanted = re.sub(r"[^A-Za-z0-9_]+", "_", self.graph.nodes[index].name.rpartition("/")[2])
            used = {*self.names.values(), *self.taken - {wanted}}
            numbered = (wanted if number == 1 else f"{wanted}_{number}" for number in count(1))
            label = next(each for each in numbered if each not in used)
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
        numbered = (allowed if number == 1 else f"{allowed}_{number}" for number in count(1))
        found = next(each for each in numbered if each not in self.taken)
        self.taken.add(found)
        return found


def _table(table: tuple[tuple[bool, ...], ...]) -> str:
    """Return a connection table as a spec writes it."""
    return " / ".join("".join("X" if connected else "." for connected in row) for row in table)


def _line(start: str, entry: StageEntry) -> str:
    """Return an entry, on several lines if it is long."""
    indent = " " * (len(start) + 4)
    if isinstance(entry.chain, list):
        return "\n".join([f"{start}{entry.name}:", *(_line(f"{indent}- ", each) for each in entry.chain)])
    text = _scalar(entry.chain)
    first = f"{start}{text}" if entry.name is None else f"{start}{entry.name}: {text}"
    return "\n".join(wrap(first, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))


def _scalar(text: str) -> str:
    """Return a text as a YAML scalar, in quotes if it needs them."""
    return text if PLAIN.fullmatch(text) and not MARKS.search(text) else json.dumps(text, ensure_ascii=False)
