"""A whole network as a Python file with a function that builds a Keras model.

Blocks and stages that occur several times are functions, and repetitions are loops. A chain of layers without any of
these is a ``keras.Sequential``. Layers have the names of the layers of the network, with the stage and the blocks
around them; Keras allows no ``/`` in names, and PyTorch as its backend no dots, so they are joined by underscores.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module

from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph, Ref, write_shape
from archcalc.spec.errors import Problem, SpecError
from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary
from archcalc.writers.code.classes import Classes, Named
from archcalc.writers.code.modules import Module, modules_of
from archcalc.writers.code.names import BUILTINS, ReservedNames
from archcalc.writers.code.vectors import shape_made, shapes_read, vectors_taken
from archcalc.writers.keras.attention import with_short_name
from archcalc.writers.keras.functions import Functions
from archcalc.writers.keras.fusion import activation_of, fuse_activations
from archcalc.writers.keras.layout import Layouts, layouts_of
from archcalc.writers.keras.registry import KerasContext, code_of, transposed

for _family in (
    *("conv", "dense", "pool", "resample", "norm", "activation", "arithmetic", "structure", "reduction", "joins"),
    *("rearrange", "product", "gate", "attention", "position", "source", "recurrent", "moe"),
):
    import_module(f"archcalc.writers.keras.{_family}")  # registers how layers are written

IMPORTS = (
    (r"\bmath\.", "import math"),
    (r"\bkeras\.", "import keras"),
    (r"\bnp\.", "import numpy as np"),
)
"""What is imported where a pattern occurs in the file, in the order of the lines."""
PARTS = ("KerasTensor", "layers", "ops")
"""What is imported from Keras where it is used."""
USED = frozenset(
    (*PARTS, "keras", "np", "math", "build_model", "training_heads", "i", "x", "skip", "name", "inputs", "outputs")
)
"""Names that the code uses itself."""
RECTIFIED = frozenset(("relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax"))
"""Operators whose outputs are not negative."""


def write_keras(graph: Graph) -> str:
    """Return the text of a Python file that defines a network as a Keras model.

    Raises:
        SpecError: Keras cannot express some layers; all reasons are listed.
    """
    return plan_of(graph).text()


class CodePlan:
    """A network with how its layers and modules are written."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        if len(graph.nodes) == len(graph.inputs):
            reason = "the network has no layers, so there is no model"
            raise SpecError([Problem("write", reason, origin=graph.name[:60])])
        self.layouts: Layouts = layouts_of(graph)
        root = modules_of(graph)
        fuse_activations(root, graph)
        self.codes = codes_of(graph, root, self.layouts)
        self.helpers = [*dict.fromkeys(each for code in self.codes.values() for each in code.helpers)]
        globals_ = BUILTINS | USED | {each.name for each in self.helpers}
        self.classes = Classes(graph, root, self.codes, in_sequence, ReservedNames(frozenset(), globals_))
        self.functions = Functions(graph, self.codes, self.classes, self.layouts)
        if problems := [*self.functions.unshared()]:
            raise SpecError([Problem("write", problem, origin=graph.name[:60]) for problem in problems])

    def text(self) -> str:
        """Return the text of the file."""
        parts = [each.text for each in self.helpers]
        parts += ["\n".join(lines) for lines in self.functions.lines()]
        body = "\n\n\n".join(parts)
        imports = [line for pattern, line in IMPORTS if re.search(pattern, body)]
        standard = [line for line in imports if line == "import math"]
        others = [line for line in imports if line not in standard]
        names = ", ".join(name for name in PARTS if re.search(rf"\b{name}\b", body))
        others += [f"from keras import {names}"] if names else []
        blocks = ["\n".join(lines) for lines in (standard, others) if lines]
        return f'"""{self.title()}"""\n\n' + "\n\n".join(blocks) + f"\n\n\n{body}\n"

    def title(self) -> str:
        graph = self.graph
        shapes = [
            write_shape(self.layouts.made[Ref(place)].of(shape)) for place, shape in enumerate(graph.inputs.values())
        ]
        last = ", channels last" if any(len(shape) > 1 for shape in graph.inputs.values()) else ""
        name = graph.name.replace(chr(34), chr(39))
        return f"{name}, for inputs of {' and '.join(shapes)}{last}.".replace("\\", "/")


def plan_of(graph: Graph) -> CodePlan:
    """Return how a network is written.

    Raises:
        SpecError: Keras cannot express some layers; all reasons are listed.
    """
    return CodePlan(graph)


def in_sequence(named: Named) -> CallExpression:
    """Return the call for layers one after another, which are written where they are."""
    return CallExpression("*", tuple([CallArgument(name, call) for name, call in named]))


def codes_of(graph: Graph, root: Module, layouts: Layouts) -> dict[int, LayerCode]:
    """Return how each layer is written, by its index.

    Raises:
        SpecError: some cannot be written; all reasons are listed.
    """
    codes: dict[int, LayerCode] = {}
    problems = []
    contexts = contexts_of(graph, root, layouts)
    further = {ref.node for node in graph.nodes for ref in node.inputs if ref.output}
    padded = padded_alike(graph, root, contexts)
    for index, context in contexts.items():
        try:
            if index in further:
                raise NotInLibrary(f"further outputs of {context.op.name} are not written")
            codes[index] = in_layouts(code_of(replace(context, is_padded=index in padded)), graph, index, layouts)
        except NotInLibrary as error:
            problems.append(Problem("write", f"{graph.nodes[index].name}: {error}", origin=graph.name[:60]))
    problems += [Problem("write", reason, origin=graph.name[:60]) for reason in dropped(graph)]
    if problems:
        raise SpecError(problems)
    return with_short_name(codes)


def dropped(graph: Graph) -> Iterator[str]:
    """Yield the reasons why layers would be lost: Keras's models consist of what leads to an output."""
    used = {ref.node for ref in (*graph.outputs.values(), *graph.training_outputs.values())}
    for index in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[index]
        if index in used:
            used |= {ref.node for ref in node.inputs}
        elif own_shapes(graph, node):
            yield f"Keras's models have only layers that lead to an output, unlike layer '{node.name}'"


def contexts_of(graph: Graph, root: Module, layouts: Layouts) -> dict[int, KerasContext]:
    """Return the layers of a network with what their code depends on, by index."""
    found: dict[int, KerasContext] = {}
    single: set[int] = set()
    taken = vectors_taken(graph)
    reversed_ = {owner for node in graph.nodes if node.op.name == "linear" for owner in node.tied.values()}
    for leaf in root.layers():
        for index in leaf.nodes[:1]:
            node = graph.nodes[index]
            alone = tuple([ref.node in single for ref in node.inputs])
            if node.op.name in ("relative_bias", "shift_mask") or (alone and all(alone)):
                single |= {*leaf.nodes}
            found[index] = KerasContext(
                op=node.op,
                shapes=shapes_read(graph, node, taken),
                output=shape_made(node, index, taken),
                single=alone,
                layouts=layouts.read(graph, index),
                layout=layouts.written(index),
                activation=activation_of(leaf, graph),
                is_positive=bool(node.inputs) and graph.nodes[node.inputs[0].node].op.name in RECTIFIED,
                is_reversed=index in reversed_,
            )
    return found


def padded_alike(graph: Graph, root: Module, contexts: Mapping[int, KerasContext]) -> set[int]:
    """Return the layers that pad in a layer of their own because others at the same place in equal blocks do."""
    groups: dict[object, list[int]] = defaultdict(list)
    for parent in _parents(root):
        for leaf in parent.children:
            context = contexts.get(leaf.nodes[0]) if leaf.is_layer else None
            if context is not None and context.op.name in ("conv", "dwconv") and parent is not root:
                label = re.sub(r"_?\d+$", "", leaf.name)
                groups[parent.label, label, len(parent.children), tuple(context.op.kernel)].append(leaf.nodes[0])
    found = set()
    for indices in groups.values():
        if any("$self_pad" in _template(contexts[index]) for index in indices):
            found |= {*indices}
    return found


def _template(context: KerasContext) -> str:
    try:
        return code_of(context).template
    except NotInLibrary:
        return ""


def _parents(module: Module) -> Iterator[Module]:
    if not module.is_layer:
        yield module
    for child in module.children:
        yield from _parents(child)


def in_layouts(code: LayerCode, graph: Graph, index: int, layouts: Layouts) -> LayerCode:
    """Return the code of a layer that reads and makes tensors in the orders in which they are."""
    template, node = code.template, graph.nodes[index]
    for place, (ref, wanted) in enumerate(zip(node.inputs, layouts.read(graph, index), strict=True)):
        own, rank = layouts.made[ref], len(graph.shape(ref))
        if own is not wanted and rank > 1:
            made = transposed(f"${place}", own, wanted, rank)
            template = re.sub(rf"\${place}(?!\d)", lambda _, made=made: made, template)  # type: ignore[misc]
    own, wanted, rank = layouts.written(index), layouts.made[Ref(index)], len(node.output)
    if own is not wanted and rank > 1:
        template += "\n" + transposed("$_", own, wanted, rank)
    return code._replace(template=template)
