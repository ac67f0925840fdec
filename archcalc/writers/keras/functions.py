"""The functions of a file: one for each class of modules, and the one that builds the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.executor.inputs import vocabularies
from archcalc.executor.weights import own_shapes
from archcalc.graph import Graph, Ref
from archcalc.spec.errors import Problem, SpecError
from archcalc.writers.code.calls import REQUIRED, CallExpression, LayerCode, literal
from archcalc.writers.code.classes import Classes, ModuleClass
from archcalc.writers.code.lines import WIDTH, CallText, Text, in_lines, in_one_line, parsed, top_level, wrapped
from archcalc.writers.code.modules import Module
from archcalc.writers.code.names import variable_name
from archcalc.writers.code.repetition import split_name
from archcalc.writers.code.statements import StatementStep, returning, statements, written
from archcalc.writers.keras.layout import Layouts
from archcalc.writers.keras.loops import Rename, in_loops
from archcalc.writers.keras.names import NAME, joined, legal, model_name, snake_case, text_of
from archcalc.writers.keras.registry import VALUES
from archcalc.writers.names import unused

CALLED = re.compile(r"([\w, ]+ = |return )called_(\d+)\((.*)\)", re.DOTALL)
"""A statement with a call that is written separately."""
SEPARATORS = ("_", "__", "___")
ORDER = "# The next layer has weights for flattened maps whose channels are first."
TENSOR = "KerasTensor"


class Callee(NamedTuple):
    """What a statement calls: a layer of Keras, a function, or equal functions one after another."""

    call: CallText
    is_function: bool = False
    loop: str = ""
    """The arguments of the range of a loop."""
    inside: tuple[str, ...] = ()
    """The lines of the loop, in which ``x`` is read and made."""
    comment: str = ""
    variable: str = ""
    """The variable that holds what is called, if it is called again."""


class LayerPlace(NamedTuple):
    """Where a layer is."""

    layer: int
    """Its index."""
    first: int
    """The index of the layer in the first of the modules that are repeated."""
    name: str
    """What the names of its layers in Keras start with."""


class Functions:
    """The functions of a file."""

    def __init__(self, graph: Graph, codes: Mapping[int, LayerCode], classes: Classes, layouts: Layouts) -> None:
        self.graph, self.codes, self.classes, self.layouts = graph, codes, classes, layouts
        self.names: dict[str, str] = {}
        taken = {*classes.reserved.globals}
        for cls in classes.classes:
            self.names[cls.name] = name = unused(snake_case(cls.name), taken, "_")
            taken.add(name)
        self.taken = frozenset(taken)
        """The names that variables must not have."""
        self.called_again = self.shared()
        self.separator = next((each for each in SEPARATORS if self.are_unique(each)), SEPARATORS[-1])

    def shape_of(self, ref: Ref) -> tuple[int, ...]:
        """Return the shape of a tensor in Keras, without the batch."""
        return self.layouts.made[ref].of(tuple(map(int, self.graph.shape(ref))))

    def shared(self) -> dict[int, Module]:
        """Return the modules and layers that are called again, by the index of their first layer."""
        owners = {each.nodes[0]: each for each in self.classes.same.values()}
        leaves = {leaf.nodes[0]: leaf for leaf, *_ in self.leaves(self.classes.root)}
        for leaf in leaves.values():
            owner = self.owner(leaf)
            if owner is not None:
                owners[owner] = leaves[owner]
        return owners

    def owner(self, leaf: Module) -> int | None:
        """Return the index of the layer that has the weights of a layer; ``None`` if they are its own."""
        return next(iter(self.graph.nodes[leaf.nodes[0]].tied.values()), None)

    def unshared(self) -> Iterator[str]:
        """Yield the reasons why weights cannot be shared: a layer is called where it is constructed."""
        where = {leaf.nodes[0]: (function, often) for leaf, function, often in self.leaves(self.classes.root)}
        for leaf in self.classes.root.layers():
            index = leaf.nodes[0]
            node = self.graph.nodes[index]
            if not node.tied or index not in where:
                continue
            owners = {*node.tied.values()}
            (owner, *others) = owners
            arrays = own_shapes(self.graph, node)
            kinds = (self.graph.nodes[owner].op.name, node.op.name)
            if kinds[0] != kinds[1] and kinds != ("embedding", "linear"):
                yield f"{node.name}: Keras's layers of different kinds share no weights"
            elif others or arrays:
                yield f"{node.name}: Keras's layers share all of their weights or none"
            elif kinds[0] == kinds[1] and not self.graph.nodes[owner].op.equals(node.op):
                yield f"{node.name}: a layer of Keras that is called again has the same arguments, biases included"
            elif where[index] != where.get(owner) or where[index][1]:
                yield f"{node.name}: weights of layers in different functions are not shared"

    def leaves(self, module: Module, function: Module | None = None, *, often: bool = False) -> Iterator[Any]:
        """Yield the layers with the module in whose function they are, and whether it is called several times."""
        for child in module.children:
            if child in self.classes.same:
                continue
            single = child.single
            again = often or child.repeats > 1
            if child.is_layer:
                yield child, function, again
            elif single in self.classes.of:
                cls, _ = self.classes.of[single]
                yield from self.leaves(single, single, often=again or len(cls.modules) > 1)
            else:
                yield from self.leaves(single, function, often=again)

    def are_unique(self, separator: str) -> bool:
        """Return whether names of layers differ if their parts are joined by this separator."""
        names = list(self.layer_names(self.classes.root, "", separator))
        return len({*names}) == len(names)

    def layer_names(self, module: Module, prefix: str, separator: str) -> Iterator[str]:
        """Yield the names of all layers of Keras in a module."""
        for child in module.children:
            if child in self.classes.same:
                continue
            for number in range(child.repeats):
                name = joined(prefix, child.name, separator)
                if child.numbers is not None:
                    name = joined(prefix, f"{child.numbers[0]}{child.numbers[1] + number}", separator)
                if not child.is_layer:
                    yield from self.layer_names(child.single, name, separator)
                    continue
                labels = [label for label, call in self.codes[child.nodes[0]].attributes if call.function != VALUES]
                yield from (joined(name, label, separator) for label in labels)

    def has_layers(self, module: Module) -> bool:
        """Return whether there are layers of Keras in a module, which need names."""
        codes = [self.codes[leaf.nodes[0]] for leaf in module.layers()]
        return any(call.function != VALUES for code in codes for _, call in code.attributes)

    def places(self) -> Iterator[LayerPlace]:
        """Yield where the layers of the network are."""
        yield from self._places(self.classes.root, "", 0)

    def _places(self, module: Module, prefix: str, shift: int) -> Iterator[LayerPlace]:
        for child in module.children:
            if child in self.classes.same:
                continue
            size = len(child.nodes) // child.repeats
            for number in range(child.repeats):
                own = child.name if child.numbers is None else f"{child.numbers[0]}{child.numbers[1] + number}"
                name = joined(prefix, own, self.separator)
                if child.nodes[0] in self.called_again and not child.is_layer and child.single not in self.classes.of:
                    name += "/"
                if child.is_layer:
                    yield LayerPlace(child.nodes[0] + shift, child.nodes[0], name)
                else:
                    yield from self._places(child.single, name, shift + number * size)

    def lines(self) -> Iterator[list[str]]:
        """Yield the lines of each function."""
        for cls in self.classes.classes:
            yield [*BlockFunction(self, cls).lines()]


class BlockFunction:
    """The function of a class of modules."""

    def __init__(self, functions: Functions, cls: ModuleClass) -> None:
        self.functions, self.cls, self.module = functions, cls, cls.modules[0]
        self.graph, self.codes, self.classes = functions.graph, functions.codes, functions.classes
        self.is_network = self.module is self.classes.root
        self.made: list[Callee] = []
        self.columns = iter(cls.columns)

    def lines(self) -> Iterator[str]:
        if self.is_network:
            yield from self.network()
            return
        names = self.input_names()
        yield from self.signature(names)
        steps = [*self.steps(self.module.children, NAME)]
        found = statements(steps, self.module.outputs)
        given = dict(zip(self.module.inputs, names, strict=True))
        yield from self.body(returning(found, given, self.module.outputs, self.free_name))

    # --- the model ---

    def network(self) -> Iterator[str]:
        steps = [*self.steps(self.module.children, "")]
        name = literal(model_name(self.graph.name))
        items = self.sequence(steps)
        if items is not None:
            yield "def build_model() -> keras.Sequential:"
            yield "    return keras.Sequential("
            yield "        ["
            for comment, item in items:
                yield from [f"            {comment}"] if comment else []
                yield from in_lines("", item, " " * 12, ",")
            yield "        ],"
            yield f"        name={name},"
            yield "    )"
            return
        training = tuple(self.graph.training_outputs.values())
        yield f"def build_model({'training_heads: bool = False' if training else ''}) -> keras.Model:"
        outputs = tuple(self.graph.outputs.values())
        given = dict(zip(self.module.inputs, self.input_names(), strict=True))
        unused = [ref for ref in map(Ref, range(len(self.graph.inputs))) if ref not in given]
        given |= {ref: self.free_name(self.graph.nodes[ref.node].name) for ref in unused}
        ordered = sorted(given)
        for ref in ordered:
            yield from in_lines(f"{given[ref]} = ", self.input(ref), "    ")
        heads = {ref for step in self.in_training(steps) for ref in step.outputs}
        main = [step for step in steps if not {*step.outputs} <= heads]
        read = [ref for step in self.in_training(steps) for ref in step.inputs if ref not in heads]
        kept = tuple(dict.fromkeys([*outputs, *(ref for ref in (*training, *read) if ref not in heads)]))
        own = written(statements(main, kept), given, kept, self.free_name)
        if len(outputs) == 1 and own and own[-1].startswith(f"{given[outputs[0]]} = ") and len(kept) == 1:
            own[-1] = "outputs" + own[-1].removeprefix(given[outputs[0]])
            given[outputs[0]] = "outputs"
        yield from self.body(own)
        inputs = listed([given[ref] for ref in ordered])
        if training:
            yield "    if training_heads:"
            found = statements(self.in_training(steps), training)
            lines = written(found, given, [*outputs, *training], self.free_name)
            yield from self.body(lines, " " * 8)
            every = listed([given[ref] for ref in (*outputs, *training)])
            yield from wrapped(f"        return keras.Model({inputs}, {every}, name={name})")
        yield from wrapped(f"    return keras.Model({inputs}, {listed([given[ref] for ref in outputs])}, name={name})")

    def in_training(self, steps: Sequence[StatementStep]) -> list[StatementStep]:
        """Return the computations of training heads."""
        return [step for step in steps if self.graph.nodes[step.outputs[0].node].training]

    def input(self, ref: Ref) -> CallText:
        """Return the call that makes an input of the model."""
        node = self.graph.nodes[ref.node]
        shape = self.functions.shape_of(ref)
        dtype = (("dtype=", '"int32"'),) if node.name in vocabularies(self.graph) else ()
        return CallText("keras.Input", (("", literal(shape)), *dtype, ("name=", literal(legal(node.name)))))

    def sequence(self, steps: Sequence[StatementStep]) -> list[tuple[str, Text]] | None:
        """Return the layers of a model with their comments, if it is a sequence of layers; otherwise ``None``."""
        if len(self.graph.inputs) != 1 or len(self.graph.outputs) != 1 or self.graph.training_outputs:
            return None
        items = self.items(steps, Ref(0))
        return None if items is None else [("", self.input(Ref(0))), *items]

    def items(self, steps: Sequence[StatementStep], current: Ref) -> list[tuple[str, Text]] | None:
        """Return layers that are called one after another, with their comments; ``None`` if there is anything else."""
        found: list[tuple[str, Text]] = []
        for step in steps:
            call = re.fullmatch(r"called_(\d+)\(\$0\)", step.template)
            made = self.made[int(call[1])] if call else None
            if made is None or made.is_function or made.loop or made.variable or step.inputs != (current,):
                return None
            (current, *others) = step.outputs
            if others:
                return None
            found.append((made.comment, made.call))
        return found

    # --- steps ---

    def steps(self, children: Sequence[Module], prefix: str) -> Iterator[StatementStep]:
        """Yield the computations of modules one after another, whose names start with a prefix."""
        for child in children:
            if child in self.classes.same and not child.is_layer:
                variable = self.variable_of(self.classes.same[child])
                yield StatementStep(f"{variable}($0)", child.inputs, child.outputs, self.variable(child), is_line=True)
            elif child.nodes[0] in self.functions.called_again and not child.is_layer:
                yield self.model(child, self.join(prefix, child.name))
            elif child.repeats > 1:
                yield self.repeated(child, prefix)
            elif child.is_layer:
                yield from self.layer(child, self.join(prefix, child.name))
            elif child in self.classes.of:
                yield self.called(child, self.join(prefix, child.name))
            else:
                yield from self.steps(child.children, self.join(prefix, child.name))

    def join(self, prefix: str, name: str) -> str:
        return joined(prefix, name, self.functions.separator)

    def add(self, made: Callee) -> str:
        """Keep what a statement calls, and return the name that stands for it."""
        self.made.append(made)
        return f"called_{len(self.made) - 1}"

    def layer(self, child: Module, name: str) -> Iterator[StatementStep]:
        """Yield the computations of a layer."""
        index = child.nodes[0]
        node, code = self.graph.nodes[index], self.codes[index]
        values: dict[str, str] = {}
        callees: dict[str, str] = {}
        tied = self.functions.owner(child)
        again = child in self.classes.same
        for label, call in code.attributes:
            own = self.join(name, label) if label else name
            if call.function == VALUES:
                values |= {arg.name: next(self.columns).text for arg in call.args}
                continue
            if tied is not None and (again or not label):
                if not again:
                    self.arguments(call)
                variable = self.variable_of(self.functions.called_again[tied], label)
                callees[f"self_{label}" if label else "self"] = variable
                continue
            args = self.arguments(call)
            is_function = call.function.islower() and "." not in call.function
            comment = ORDER if label == "permute" else ""
            text = CallText(call.function, (*args, ("name=", text_of(own))))
            shared = self.functions.called_again.get(index)
            held = self.variable_of(shared, label) if shared is child else ""
            made = Callee(text, is_function, comment=comment, variable=held)
            callees[f"self_{label}" if label else "self"] = self.add(made)
        named_well = split_name(child.name)[0].rstrip("_") != node.op.name
        lines = code.template.split("\n")
        if tied is not None and node.op.name == "linear" and self.graph.nodes[tied].op.name == "embedding":
            lines = [line.replace("$self($0)", "$self($0, reverse=True)") for line in lines]
        inputs = tuple(dict.fromkeys(node.inputs)) or self.module.inputs[:1]
        places = {"anchor": 0, **{str(place): inputs.index(ref) for place, ref in enumerate(node.inputs)}}
        before: Ref | None = None
        for number, line in enumerate(lines):
            words = re.findall(r"\$(\w+)", line)
            read = tuple([ref for place, ref in enumerate(inputs) if place in [places.get(each, -1) for each in words]])
            read = (*read, before) if before is not None and "_" in words else read

            def placed(match: re.Match[str], read: tuple[Ref, ...] = read) -> str:
                word = match[1]
                if word == "_":
                    return f"${len(read) - 1}"
                if word in places:
                    return f"${read.index(inputs[places[word]])}"
                return callees.get(word) or values.get(word) or match[0]

            template = re.sub(r"\$(\w+)", placed, line)
            is_last = number == len(lines) - 1
            outputs = child.outputs[:1] if is_last else (Ref(index, 1000 + number),)
            before = outputs[0]
            own_name = child.name if named_well and is_last else ""
            yield StatementStep(
                template, read, outputs, own_name, is_line=bool(callees) and "(" in line and "$self" in line
            )

    def variable_of(self, shared: Module, label: str = "") -> str:
        """Return the variable that holds a layer or a model which is called again."""
        return self.free_name("_".join(filter(None, (shared.name, label, "layer" if shared.is_layer else "model"))))

    def model(self, child: Module, name: str) -> StatementStep:
        """Return the computation of a module that is called again, which is a model of its own."""
        variable = self.variable_of(child)
        again = [other for other, first in self.classes.same.items() if first is child]
        shapes = [self.functions.shape_of(each.inputs[0]) for each in (child, *again)]
        sizes = tuple([each[0] if len({*each}) == 1 else None for each in zip(*shapes, strict=True)])
        given = CallText("keras.Input", (("", literal(sizes)),))
        if child in self.classes.of:
            call = self.function_call(child, name)
            inputs = f"{variable}_inputs"
            call = call._replace(args=(("", inputs), *call.args))
            text = CallText("keras.Model", (("", inputs), ("", call), ("name=", text_of(name))))
            made = Callee(text, variable=variable, inside=(*in_lines(f"{inputs} = ", given, ""),))
        else:
            items = self.items([*self.steps(child.children, "")], child.inputs[0])
            if items is None:
                reason = f"the part '{child.name}', which is called several times, is not a sequence of Keras's layers"
                raise SpecError([Problem("write", reason, origin=self.graph.name[:60])])
            layers = CallText("", tuple([("", each) for each in (given, *(item for _, item in items))]), "", ("[", "]"))
            made = Callee(CallText("keras.Sequential", (("", layers), ("name=", text_of(name)))), variable=variable)
        return StatementStep(f"{self.add(made)}($0)", child.inputs, child.outputs, self.variable(child), is_line=True)

    def arguments(self, call: CallExpression) -> tuple[tuple[str, Text], ...]:
        """Return the arguments of a call, with what is written in the places for values."""
        args: list[tuple[str, Text]] = []
        for arg in call.args:
            before = "" if arg.positional else f"{arg.name}="
            if isinstance(arg.value, CallExpression):
                args.append((before, CallText(arg.value.function, self.arguments(arg.value))))
                continue
            column = next(self.columns)
            if not column.is_default:
                args.append((before, column.text))
        return tuple(args)

    def function_call(self, module: Module, name: str) -> CallText:
        """Return the call of the function of a module; tensors are added in front."""
        call = self.classes.call(module)
        given = (("name=", text_of(name)),) if self.functions.has_layers(module) else ()
        return CallText(self.functions.names[call.function], (*self.arguments(call), *given))

    def called(self, child: Module, name: str) -> StatementStep:
        callee = self.add(Callee(self.function_call(child.single, name), is_function=True))
        places = ", ".join(f"${place}" for place in range(len(child.inputs)))
        return StatementStep(f"{callee}({places})", child.inputs, child.outputs, self.variable(child), is_line=True)

    def variable(self, child: Module) -> str:
        """Return the name for the output of a module: a stage of the network gives it its own."""
        return child.name if self.is_network else ""

    def repeated(self, child: Module, prefix: str) -> StatementStep:
        """Return the computation of equal modules one after another, which is a loop."""
        assert child.numbers is not None
        times = next(self.columns).text
        before, first = child.numbers
        name = self.join(prefix, before) + "{i}"
        single = child.single
        outer, self.made = self.made, []
        steps = [self.called(single, name)] if single in self.classes.of else [*self.steps(single.children, name)]
        lines = written(statements(steps, single.outputs), {single.inputs[0]: "x"}, single.outputs, self.free_name)
        inside = (*self.body(lines, ""),)
        self.made = outer
        callee = self.add(Callee(CallText("", ()), loop=spanned(times, first), inside=inside))
        return StatementStep(f"{callee}($0)", child.inputs, child.outputs, self.variable(child), is_line=True)

    # --- text ---

    def free_name(self, name: str) -> str:
        """Return the name of a variable for a tensor, which is not that of a function."""
        return variable_name(name, self.functions.taken | {each.name for each in self.cls.parameters})

    def body(self, lines: Sequence[str], indent: str = "    ") -> Iterator[str]:
        """Yield the lines of statements, in which calls are written; those that are repeated are loops."""
        yield from in_loops(lines, self.statement, indent)

    def statement(self, line: str, indent: str, rename: Rename) -> list[str]:
        """Return the lines of a statement, in which calls are written."""
        found = CALLED.fullmatch(line)
        if found is None:
            return [*wrapped(indent + line)]
        before, made, tensors = found[1], self.made[int(found[2])], found[3]
        if made.loop:
            variable = before.removesuffix(" = ") if before != "return " else "x"
            inside = [re.sub(r"\bx\b", variable, each) for each in made.inside]
            lines = [f"{indent}for i in range({made.loop}):", *(f"{indent}    {each}" for each in inside)]
            start = [] if tensors == variable else [f"{indent}{variable} = {tensors}"]
            return [*start, *lines, *([f"{indent}return {variable}"] if before == "return " else [])]
        comment = [indent + made.comment] if made.comment else []
        args = [(key, rename(str(arg)) if key == "name=" else arg) for key, arg in made.call.args]
        call = made.call._replace(args=tuple(args))
        if made.variable:
            lines = in_lines(f"{made.variable} = ", call, indent)
            given = [indent + each for each in made.inside]
            return [*comment, *given, *lines, f"{indent}{before}{made.variable}({tensors})"]
        if made.is_function:
            read = [("", parsed(each)) for each in top_level(tensors) or [tensors]]
            return [*comment, *in_lines(before, call._replace(args=(*read, *call.args)), indent)]
        return [*comment, *called_lines(before, call, tensors, indent)]

    def signature(self, names: Sequence[str]) -> Iterator[str]:
        texts = [f"{name}: {TENSOR}" for name in names]
        for each in self.cls.parameters:
            default = "" if each.default is REQUIRED else f" = {literal(each.default)}"
            texts.append(f"{each.name}: {each.annotation}{default}")
        texts += ["*", "name: str"] if self.functions.has_layers(self.module) else []
        outputs = len(self.module.outputs)
        result = TENSOR if outputs == 1 else f"tuple[{TENSOR}, {TENSOR if outputs == 2 else '...'}]"
        call = CallText(
            f"def {self.functions.names[self.cls.name]}", tuple([("", text) for text in texts]), f" -> {result}:"
        )
        yield from in_lines("", call, "")

    def input_names(self) -> list[str]:
        """Return the names of the tensors that the function reads."""
        inputs = self.module.inputs
        given = [self.graph.nodes[ref.node] for ref in inputs]
        if self.is_network:
            names: list[str] = []
            for node in given:
                names.append(unused(self.free_name(node.name), names, "_"))
            return ["inputs"] if len(inputs) == 1 else names
        skips = ["skip"] if len(inputs) == 2 else [f"skip{number}" for number in range(1, len(inputs))]
        return ["x", *skips] if inputs else []


def called_lines(before: str, call: CallText, tensors: str, indent: str = "    ") -> list[str]:
    """Return the lines of a layer that is constructed and called, with as few brackets broken as possible."""
    first = f"{indent}{before}{in_one_line(call)}("
    if len(f"{first}{tensors})") <= WIDTH:
        return [f"{first}{tensors})"]
    if len(first) <= WIDTH:
        return [first, *broken(tensors, indent + "    "), f"{indent})"]
    *lines, last = in_lines(before, call._replace(closing="("), indent)
    if len(f"{last}{tensors})") <= WIDTH:
        return [*lines, f"{last}{tensors})"]
    return [*lines, last, *broken(tensors, indent + "    "), f"{indent})"]


def broken(tensors: str, indent: str) -> list[str]:
    """Return the lines of arguments that do not fit behind the call."""
    if len(indent + tensors) <= WIDTH:
        return [indent + tensors]
    if tensors.startswith("[") and tensors.endswith("]"):
        inner = indent + "    "
        inside = tensors[1:-1]
        items = [inside] if len(inner + inside) <= WIDTH else [f"{each}," for each in top_level(inside) or [inside]]
        return [f"{indent}[", *(inner + item for item in items), f"{indent}]"]
    return [line for each in top_level(tensors) or [tensors] for line in in_lines("", parsed(each), indent, ",")]


def spanned(number: str, first: int) -> str:
    """Return the arguments of a range with so many integers, from the first one."""
    if first == 0:
        return number
    return f"{first}, {int(number) + first}" if number.isdigit() else f"{first}, {number} + {first}"


def listed(names: Sequence[str]) -> str:
    """Return one name, or several as a list."""
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
