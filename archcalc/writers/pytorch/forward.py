"""The method that computes a module."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from archcalc.graph import Graph, Ref
from archcalc.writers.code.calls import LayerCode
from archcalc.writers.code.classes import Classes
from archcalc.writers.code.lines import CallText, in_lines, wrapped
from archcalc.writers.code.modules import Module
from archcalc.writers.code.names import variable_name
from archcalc.writers.code.repetition import split_name
from archcalc.writers.code.statements import StatementStep, returning, statements, written
from archcalc.writers.names import unused

BODY = " " * 8
"""The indentation of the lines of a method."""


def forward_lines(
    graph: Graph, codes: Mapping[int, LayerCode], classes: Classes, module: Module, values: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of the method of a module.

    Args:
        graph: the network.
        codes: how its layers are written.
        classes: its classes.
        module: the module.
        values: what is written in the places for values of its expressions.
    """
    return _Forward(graph, codes, classes, module).lines(iter(values))


class _Forward:
    def __init__(self, graph: Graph, codes: Mapping[int, LayerCode], classes: Classes, module: Module) -> None:
        self.graph, self.codes, self.classes, self.module = graph, codes, classes, module
        self.is_network = module is classes.root
        self.returned = tuple(graph.outputs.values()) if self.is_network else module.outputs
        self.in_training = tuple(graph.training_outputs.values()) if self.is_network else ()

    def lines(self, values: Iterator[str]) -> Iterator[str]:
        names = self.input_names()
        result = {1: "Tensor", 2: "tuple[Tensor, Tensor]"}.get(len(self.returned), "tuple[Tensor, ...]")
        if self.in_training:
            result = f"{result} | tuple[Tensor, ...]"
        arguments = ["self", *(f"{name}: Tensor" for name in names)]
        call = CallText("def forward", tuple([("", each) for each in arguments]), f" -> {result}:")
        yield from in_lines("", call, "    ")
        steps = [(self.is_in_training(child), self.step(child, values)) for child in self.module.children]
        given = dict(zip(self.module.inputs, names, strict=True))
        main = statements([step for training, step in steps if not training], self.kept(steps))
        if not self.in_training:
            lines = returning(main, given, self.returned, self.variable_name)
        else:
            lines = written(main, given, self.kept(steps), self.variable_name)
            heads = statements([step for training, step in steps if training], self.in_training)
            inside = written(heads, given, [*self.returned, *self.in_training], self.variable_name)
            every = ", ".join(given[ref] for ref in (*self.returned, *self.in_training))
            lines += ["if self.training:", *(f"    {line}" for line in [*inside, f"return {every}"])]
            lines += [f"return {', '.join(given[ref] for ref in self.returned)}"]
        for line in lines:
            yield from wrapped(BODY + line)

    def is_in_training(self, child: Module) -> bool:
        return self.is_network and self.graph.nodes[child.nodes[0]].training

    def kept(self, steps: Sequence[tuple[bool, StatementStep]]) -> tuple[Ref, ...]:
        """Return the tensors that are used after the main path: what is returned, and what training heads read."""
        made = {ref for training, step in steps if training for ref in step.outputs}
        read = [ref for training, step in steps if training for ref in step.inputs]
        needed = [ref for ref in (*self.in_training, *read) if ref not in made]
        return tuple(dict.fromkeys([*self.returned, *needed]))

    def input_names(self) -> list[str]:
        """Return the names of the tensors that the module reads."""
        inputs = self.module.inputs
        given = [self.graph.nodes[ref.node] for ref in inputs]
        if len(inputs) > 1 and all(node.is_input for node in given):
            names = list[str]()
            for node in given:
                names.append(unused(self.variable_name(node.name), names, "_"))
            return names
        skips = ["skip"] if len(inputs) == 2 else [f"skip{number}" for number in range(1, len(inputs))]
        return ["x", *skips] if inputs else []

    def variable_name(self, name: str) -> str:
        return variable_name(name, self.classes.reserved.globals)

    def step(self, child: Module, values: Iterator[str]) -> StatementStep:
        """Return the computation of a child of the module."""
        own = self.classes.same.get(child, child)
        if not child.is_layer:
            places = ", ".join(f"${place}" for place in range(len(child.inputs)))
            template = f"self.{self.classes.part_names[own, '']}({places})"
            return StatementStep(template, child.inputs, child.outputs, child.name, self.is_network)
        index = child.nodes[0]
        node, code = self.graph.nodes[index], self.codes[index]
        given = {slot.name: next(values) for slot in code.values}
        labels = {label for label, _ in code.attributes}

        def placed(match: re.Match[str]) -> str:
            word = match[1]
            label = word.removeprefix("self").lstrip("_")
            if word.startswith("self") and label in labels:
                return f"self.{self.classes.part_names[own, label]}"
            return given.get(word, match[0])

        template = re.sub(r"\$(\w+)", placed, code.template)
        named = split_name(child.name)[0].rstrip("_") != node.op.name
        is_stage = self.is_network and template.startswith("self.")
        ends_line = node.op.kind == "activation"
        made = self.graph.made_by(index)
        return StatementStep(template, node.inputs, made[:1], child.name if named else "", is_stage, ends_line)
