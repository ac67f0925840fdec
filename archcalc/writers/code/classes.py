"""Which modules are classes, with which parameters, and how modules are constructed.

Modules are equal if their code differs in values only. Equal modules in sequence are repetitions of one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple, TypeAlias

from archcalc.graph import Graph, Ref
from archcalc.ops.base import REGISTRY
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, Slot
from archcalc.writers.code.modules import Module, is_chain
from archcalc.writers.code.names import ReservedNames, identifier
from archcalc.writers.code.parameters import ARGUMENT, WIDTH, ClassParameter, SlotText, parameters_of
from archcalc.writers.code.repetition import is_numbered_after, parts, split_name
from archcalc.writers.names import unused

Codes: TypeAlias = Mapping[int, LayerCode]
"""How each layer is written, by its index."""
Named: TypeAlias = "list[tuple[str, CallExpression]]"
"""What a module constructs, by name."""

MIN_LAYERS = 3
"""The least number of layers of a repeated chain of its own stage that becomes a class."""
REPEATED = "*"
"""The function of a call that stands for equal modules one after another; its first argument is their number."""


@dataclass(eq=False)
class ModuleClass:
    """A class of modules; the last one is the network."""

    name: str
    modules: list[Module]
    """The modules of the class; the code of the first one is written."""
    chain: bool
    """Whether its children are computed one after another."""
    parameters: tuple[ClassParameter, ...]
    constructed: Named
    """What the first module constructs."""
    columns: tuple[SlotText, ...]
    """What is written in the places for values: those of ``constructed``, then those of the expressions."""


class Version(NamedTuple):
    """The network with other values of the arguments of its class."""

    graph: Graph
    root: Module
    codes: Codes


class ModulePlace(NamedTuple):
    """Where the module of a layer is."""

    path: tuple[str, ...]
    """The names of the modules around it."""
    layer: int
    """The index of the layer."""
    first: int
    """The index of the layer in the first of the modules that are repeated."""
    module: Module


class Classes:
    """The classes of the modules of a network, those that others use first.

    Args:
        graph: the network.
        root: the tree of its modules.
        codes: how its layers are written.
        sequence: returns the call that constructs named modules one after another.
        reserved: the names that modules and classes must not have.
        arguments: the arguments of the network, each with its value here and in the other versions.
        others: the other versions.
    """

    def __init__(
        self,
        graph: Graph,
        root: Module,
        codes: Codes,
        sequence: Callable[[Named], CallExpression],
        reserved: ReservedNames,
        arguments: Sequence[ClassParameter] = (),
        others: Sequence[Version] = (),
    ) -> None:
        self.graph, self.root, self.sequence, self.reserved = graph, root, sequence, reserved
        self.arguments = arguments
        self.codes: dict[Module, LayerCode] = {}
        """How layers are written."""
        self.taken = {*reserved.globals}
        """The names that further classes must not have."""
        self.part_names: dict[tuple[Module, str], str] = {}
        """The names of what modules construct: by child and, of what a layer constructs, by label."""
        self.keys: dict[Module, Hashable] = {}
        self.chains: set[Module] = set()
        self.of: dict[Module, tuple[ModuleClass, int]] = {}
        """The class of a module, and the place of the module in it."""
        self.classes: list[ModuleClass] = []
        self.times: Counter[Hashable] = Counter()
        """How often a module occurs, repetitions included."""
        self.same: dict[Module, Module] = {}
        """The modules that are earlier ones with the same parent again, with the same weights, by those."""
        versions = [Version(graph, root, codes), *others]
        for version in versions:
            self.visit(version.root, version, readers_in(version.graph))
        self.agree = len({self.keys[version.root] for version in versions}) == 1
        """Whether all versions are the same code with other values of the arguments."""
        if self.agree:
            self.define([version.root for version in versions])
            self.agree = not others or all(each.kind == ARGUMENT for each in self.classes[-1].parameters)

    def visit(self, module: Module, version: Version, readers: Mapping[Ref, Sequence[int]]) -> None:
        """Find the repetitions in a module, and what is equal for equal modules."""
        graph = version.graph
        if module.is_layer:
            self.codes[module] = version.codes[module.nodes[0]]
            self.keys[module] = self.codes[module].key
            return
        for child in module.children:
            self.visit(child, version, readers)
        self.find_shared(module.children, graph)
        if is_chain(module) and all(self.is_step(child) for child in module.children):
            self.chains.add(module)
        module.children = self.folded(module.children, readers)
        self.part_names |= self.named(module)
        places = {ref: ("input", place) for place, ref in enumerate(module.inputs)}
        parts: list[Hashable] = []
        for place, child in enumerate(module.children):
            read = graph.nodes[child.nodes[0]].inputs if child.is_layer else child.inputs
            same = module.children.index(self.same[child]) if child in self.same else None
            parts.append((child.name, child.numbers, self.keys[child], same, tuple([places[ref] for ref in read])))
            made = graph.made_by(child.nodes[-1]) if child.is_layer else child.outputs
            places |= {ref: (str(place), output) for output, ref in enumerate(made)}
        self.keys[module] = (module in self.chains, *parts, tuple([places[ref] for ref in module.outputs]))

    def find_shared(self, siblings: list[Module], graph: Graph) -> None:
        """Find siblings that have the code and the weights of an earlier one; that one loses the number in its name."""
        starts = {each.nodes.start: each for each in siblings}
        for each in siblings:
            earlier = starts.get(owner) if (owner := shared_with(graph, each.nodes)) is not None else None
            if earlier is not None and self.keys[earlier] == self.keys[each]:
                self.same[each] = self.same.get(earlier, earlier)
        for first in {*self.same.values()} & {*siblings}:
            base = split_name(first.name)[0].rstrip("_")
            named = [each for each in siblings if split_name(each.name)[0].rstrip("_") == base]
            if base and all(each is first or self.same.get(each) is first for each in named):
                first.name = base

    def is_step(self, module: Module) -> bool:
        if module in self.same:
            return False
        return not module.is_layer or bool(self.codes[module].steps)

    def folded(self, children: list[Module], readers: Mapping[Ref, Sequence[int]]) -> list[Module]:
        """Return modules with repetitions in place of equal ones in sequence."""
        found: list[Module] = []
        for child in children:
            before = found[-1] if found else None
            if before is None or not self.continues(before, child, readers):
                found.append(child)
                continue
            prefix, first = before.numbers or split_name(before.name)
            run = Module(
                prefix.rstrip("_") or before.name, range(before.nodes.start, child.nodes.stop), before.children
            )
            run.label, run.inputs, run.outputs = before.label, before.inputs, child.outputs
            run.repeats, run.numbers, run.first = before.repeats + 1, (prefix, first), before.single
            self.keys[run] = self.keys[before]
            found[-1] = run
        bases = Counter((each.numbers or split_name(each.name))[0].rstrip("_") for each in found)
        for run in found:
            if run.numbers and bases[run.name] > 1:
                run.name = run.single.name
        return found

    def continues(self, before: Module, child: Module, readers: Mapping[Ref, Sequence[int]]) -> bool:
        """Return whether a module is a further repetition of the one before it."""
        if child in self.same or before in self.same or child in self.same.values():
            return False
        if child.is_layer or before.is_layer or self.keys[before] != self.keys[child]:
            return False
        prefix, first = before.numbers or split_name(before.name)
        if first < 0 or child.name != f"{prefix}{first + before.repeats}":
            return False
        if len(child.inputs) != 1 or child.inputs != before.outputs or len(child.outputs) != 1:
            return False
        if any(reader not in child.nodes for reader in readers[child.inputs[0]]):
            return False
        return self.values(before) == self.values(child)

    def values(self, module: Module) -> list[object]:
        """Return all values in the code of a module."""
        if module.is_layer:
            code = self.codes[module]
            calls = [call for _, call in (*code.attributes, *code.steps)]
            return [slot.value for slot in (*(slot for call in calls for slot in call.slots), *code.values)]
        return [value for child in module.children for value in (*self.values(child), child.repeats)]

    def define(self, roots: Sequence[Module]) -> None:
        """Define the classes of equal modules and of those in them, from the inside."""
        every: dict[Hashable, list[Module]] = defaultdict(list)
        for root in roots:
            waiting, found = [root], list[Module]()
            while waiting:
                module = waiting.pop(0)
                found.append(module)
                for child in module.children:
                    if not child.is_layer and child not in self.same:
                        waiting.append(child.single)
                        self.times[self.keys[child]] += child.repeats if root is self.root else 0
            for module in sorted(found, key=lambda module: module.nodes.start):
                every[self.keys[module]].append(module)
            if root is self.root:
                own = {key: len(modules) for key, modules in every.items()}
        for key in sorted(every, key=lambda key: height(every[key][0])):
            if self.is_class(every[key][: own[key]]):
                self.add(every[key], own[key])

    def is_class(self, modules: list[Module]) -> bool:
        """Return whether equal modules have a class; a single chain is written where it is constructed."""
        first = modules[0]
        if first is self.root or first not in self.chains:
            return True
        runs = sum(child.repeats > 1 for child in first.children)
        if (runs and len(first.children) > 1) or any(part.times > 1 for part in parts(first.children, self.is_again)):
            return True
        if self.times[self.keys[first]] == 1:
            return False
        inside = any(child.single in self.of for child in first.children)
        is_block = any(module.is_block for module in modules)
        return is_block or inside or sum(1 for _ in first.layers()) >= MIN_LAYERS

    def is_again(self, module: Module, other: Module, times: int) -> bool:
        """Return whether a child of a sequence is another one again, so many repetitions later."""
        alike = self.keys[module] == self.keys[other] and self.values(module) == self.values(other)
        return alike and is_numbered_after(module.name, other.name, times)

    def add(self, modules: list[Module], own: int) -> None:
        """Add a class of modules, the first ones of which are those of the network itself."""
        first = modules[0]
        chain = first in self.chains
        constructed = [self.constructed(module) for module in modules]
        rows = [[*slots_of(named), *self.expression_slots(m)] for named, m in zip(constructed, modules, strict=True)]
        names = {self.part_names.get((child, ""), "") for child in first.children}  # parameters may be kept beside them
        taken = {*self.reserved.globals, *self.reserved.attributes, *names}
        given = self.arguments if first is self.root else ()
        parameters, columns = parameters_of(rows, taken, own=own, given=given, chain=chain)
        name = unused(class_name(self.graph, modules[:own], is_root=first is self.root), self.taken)
        self.taken.add(name)
        made = ModuleClass(name, modules, chain, parameters, constructed[0], columns)
        self.classes.append(made)
        self.of |= {module: (made, place) for place, module in enumerate(modules)}

    def expression_slots(self, module: Module) -> list[Slot]:
        """Return the places for values in the expressions of a module."""
        if module in self.chains:
            return []
        return [slot for child in module.children if child.is_layer for slot in self.codes[child].values]

    def constructed(self, module: Module) -> Named:
        """Return what a module constructs."""
        chain, found = module in self.chains, list[tuple[str, CallExpression]]()
        for child in module.children:
            if child in self.same:
                continue
            if not child.is_layer:
                found.append((self.part_names[child, ""], self.repeated(child, chain=chain)))
                continue
            code = self.codes[child]
            parts = code.steps if chain else code.attributes
            found += [(self.part_names[child, label], call) for label, call in parts]
        return found

    def named(self, module: Module) -> dict[tuple[Module, str], str]:
        """Return the names of what a module constructs, valid and different ones; valid names do not change."""
        chain, siblings = module in self.chains, {child.name for child in module.children}
        wanted = {
            (child, label): child.name
            for child in module.children
            if child not in self.same
            for label in self.labels(child, chain=chain)
        }
        labels = Counter(label for _, label in wanted)
        for child, label in wanted:
            if child.numbers and chain:
                wanted[child, label] = child.numbers[0]
            elif label:
                alone = labels[label] == 1 and label not in siblings
                wanted[child, label] = label if alone else f"{child.name}_{label}"

        def all_names(child: Module, name: str) -> set[str]:
            if not child.numbers or not chain:
                return {name}
            return {f"{name}{child.numbers[1] + number}" for number in range(child.repeats)}

        def valid(name: str) -> str:
            return name if chain and "." not in name and not name.startswith("__") else identifier(name)

        taken, found = {*self.reserved.attributes}, dict[tuple[Module, str], str]()
        for key, name in sorted(wanted.items(), key=lambda each: valid(each[1]) != each[1]):
            found[key] = valid(name)
            while all_names(key[0], found[key]) & taken:
                found[key] += "_"
            taken |= all_names(key[0], found[key])
        return found

    def labels(self, child: Module, *, chain: bool) -> list[str]:
        """Return the labels of what a child of a module constructs."""
        if not child.is_layer:
            return [""]
        code = self.codes[child]
        return [label for label, _ in (code.steps if chain else code.attributes)]

    def repeated(self, module: Module, *, chain: bool) -> CallExpression:
        """Return the call that constructs a module, or all that it stands for."""
        call = self.call(module.single)
        if module.repeats == 1:
            return call
        assert module.numbers is not None
        prefix, first = (self.part_names[module, ""], module.numbers[1]) if chain else ("", 0)
        return CallExpression(
            REPEATED, (CallArgument("blocks", module.repeats), CallArgument(f"{prefix}:{first}", call))
        )

    def places(self) -> Iterator[ModulePlace]:
        """Yield where the modules of layers are."""
        yield from self._places(self.root, (), 0)

    def _places(self, module: Module, path: tuple[str, ...], shift: int) -> Iterator[ModulePlace]:
        for child in module.children:
            if child in self.same:
                continue
            if child.is_layer:
                index = child.nodes[0]
                yield ModulePlace(path, index + shift, index, child)
                continue
            single = child.single
            size = len(child.nodes) // child.repeats
            for number in range(child.repeats):
                names = self.names(module, child, number)
                yield from self._places(single, (*path, *names), shift + number * size)

    def names(self, parent: Module, child: Module, number: int) -> tuple[str, ...]:
        """Return the path of a repetition of a module from its parent."""
        name = self.part_names[child, ""]
        if child.numbers is None:
            return (name,)
        return (f"{name}{child.numbers[1] + number}",) if parent in self.chains else (name, str(number))

    def call(self, module: Module) -> CallExpression:
        """Return the call that constructs a module."""
        if module not in self.of:
            return self.sequence(self.constructed(module))
        made, place = self.of[module]
        args = [
            CallArgument(each.name, each.values[place], each.default, each.kind, positional=each.kind == WIDTH)
            for each in made.parameters
        ]
        return CallExpression(made.name, tuple(args))


def readers_in(graph: Graph) -> Mapping[Ref, Sequence[int]]:
    """Return the layers that read each tensor."""
    readers = defaultdict[Ref, list[int]](list)
    for index, node in enumerate(graph.nodes):
        for ref in node.inputs:
            readers[ref].append(index)
    return readers


def shared_with(graph: Graph, nodes: range) -> int | None:
    """Return the index at which the same layers start whose weights these layers have; ``None`` if there are none."""
    found = {
        owner - (index - nodes.start)
        for index in nodes
        for weight in graph.nodes[index].op.weights(graph.input_shapes(graph.nodes[index]))
        for owner in (graph.nodes[index].tied.get(weight.name, nodes.stop + len(nodes)),)
    }
    start = found.pop() if len(found) == 1 else nodes.start
    if not 0 <= start < nodes.start:
        return None
    same = all(graph.nodes[start + place].op.equals(graph.nodes[index].op) for place, index in enumerate(nodes))
    return start if same else None


def slots_of(named: Named) -> list[Slot]:
    return [slot for _, call in named for slot in call.slots]


def height(module: Module) -> int:
    """Return how deep modules are nested in a module."""
    return max((height(child) + 1 for child in module.children), default=0)


def class_name(graph: Graph, modules: Sequence[Module], *, is_root: bool) -> str:
    """Return a name for a class: that in the code of the model, or after the stages or the block."""
    if is_root:
        text = re.sub(r"\(.*?\)", "", graph.name)
        return camel_case(text) if re.search(r"[A-Za-z]", text) and "->" not in text else "Network"
    recorded = Counter(name for module in modules if (name := _recorded(graph, module)))
    if recorded:
        return identifier(recorded.most_common(1)[0][0])
    labels = Counter(module.label for module in modules)
    label, times = labels.most_common(1)[0]
    if times == 1 and len(labels) > 1:
        shared = re.sub(r"[\W\d_]+$", "", _common_start([*labels]))
        label = shared if len(shared) > 1 and shared not in REGISTRY else "stage"
    return camel_case(label if len(label) > 1 else "stage")


def _common_start(texts: Sequence[str]) -> str:
    """Return the characters with which all texts begin."""
    alike = (chars[0] for chars in takewhile(lambda chars: len({*chars}) == 1, zip(*texts, strict=False)))
    return "".join(alike)


def _recorded(graph: Graph, module: Module) -> str | None:
    """Return the name of the class that the model was read with, which the functions called in it belong to."""
    paths = {child.nodes[0] for child in module.children if child.is_layer}
    for index in sorted(paths):
        origin, node = graph.nodes[index].origin, graph.nodes[index]
        if (
            origin
            and origin.classes
            and origin.module == ".".join(node.path[:-1])
            and ".nn.modules." not in origin.classes
        ):
            return origin.classes.rpartition(".")[2]
    return None


def camel_case(text: str) -> str:
    """Return a text as the name of a class."""
    words = re.findall(r"[A-Za-z]+|\d+", text)
    made = "".join(word[0].upper() + word[1:] for word in words)
    return made if made[:1].isalpha() else f"Stage{made}"
