"""A whole network as a Python file with a PyTorch module.

The stages of the network are submodules, repeated blocks are classes, and repetitions are loops. Modules have the names
of the layers and blocks, so that the entries of a ``state_dict`` do as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from textwrap import wrap

from archcalc.graph import Graph, write_shape
from archcalc.spec.errors import Problem, SpecError
from archcalc.writers.code.arguments import Other, Reader, with_arguments
from archcalc.writers.code.calls import REQUIRED, CallArgument, CallExpression, Helper, LayerCode, NotInLibrary, literal
from archcalc.writers.code.classes import REPEATED, Classes, ModuleClass, Named, Version
from archcalc.writers.code.lines import WIDTH, CallText, Text, in_lines, parsed, wrapped
from archcalc.writers.code.modules import modules_of
from archcalc.writers.code.names import is_identifier
from archcalc.writers.code.parameters import ClassParameter, SlotText
from archcalc.writers.code.repetition import is_numbered_after, parts, split_name
from archcalc.writers.code.vectors import shape_made, shapes_read, vectors_taken
from archcalc.writers.pytorch.forward import forward_lines
from archcalc.writers.pytorch.names import names_of_arrays, tied_lines
from archcalc.writers.pytorch.registry import PyTorchContext, code_of
from archcalc.writers.pytorch.reserved import reserved

for _family in (
    *("conv", "dense", "pool", "resample", "norm", "activation", "gate", "arithmetic", "structure", "rearrange"),
    *("reduction", "joins", "product", "attention", "recurrent", "moe", "source", "position"),
):
    import_module(f"archcalc.writers.pytorch.{_family}")  # registers how layers are written

SEQUENCE, ORDERED = "nn.Sequential", "OrderedDict"
ATTENTION = "Attention"
IMPORTS = (
    (r"\bmath\.", "import math"),
    (r"\bOrderedDict\b", "from collections import OrderedDict"),
    (r"\bSequence\b", "from collections.abc import Sequence"),
    (r"\btorch\.", "import torch"),
    (r"\bF\.", "import torch.nn.functional as F"),
    (r"\bTensor\b", "from torch import Tensor, nn"),
    (r"\A(?!.*\bTensor\b)", "from torch import nn"),
)
"""What is imported where a pattern occurs in the file, in the order of the lines."""


def write_pytorch(graph: Graph, read: Reader | None = None) -> str:
    """Return the text of a Python file that defines a network as a PyTorch module.

    Args:
        graph: the network.
        read: reads it with other values of variables and input sizes, which become arguments of the module where this
            is possible; by default, it has none.

    Raises:
        SpecError: PyTorch cannot express some layers; all reasons are listed.
    """
    codes = codes_of(graph)
    if read is None:
        return _File(graph, codes, classes_of(graph, codes)).text()
    return _File(graph, codes, with_arguments(graph, read, codes_of, partial(classes_of, graph, codes))).text()


def state_names(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return the names in the ``state_dict`` of the written module for each stored array, by ``layer.array``.

    Most arrays have one; the rows of an array with several stand in their order.

    Raises:
        SpecError: as `write_pytorch`.
    """
    codes = codes_of(graph)
    return names_of_arrays(graph, codes, classes_of(graph, codes))


def classes_of(
    graph: Graph, codes: Mapping[int, LayerCode], arguments: Sequence[ClassParameter] = (), others: Sequence[Other] = ()
) -> Classes:
    names = reserved(each.name for each in helpers_of(codes))
    versions = [Version(other, modules_of(other), its_codes) for other, its_codes in others]
    return Classes(graph, modules_of(graph), codes, in_sequence, names, arguments, versions)


def helpers_of(codes: Mapping[int, LayerCode]) -> list[Helper]:
    """Return the classes and functions that layers use, those that others use first."""
    return [*dict.fromkeys(each for code in codes.values() for each in code.helpers)]


def codes_of(graph: Graph) -> dict[int, LayerCode]:
    """Return how each layer is written.

    Raises:
        SpecError: some cannot be written; all reasons are listed.
    """
    codes: dict[int, LayerCode] = {}
    problems = []
    single: set[int] = set()
    taken = vectors_taken(graph)
    further = {ref.node for node in graph.nodes for ref in node.inputs if ref.output}
    for index, node in enumerate(graph.nodes):
        if node.is_input:
            continue
        alone = tuple([ref.node in single for ref in node.inputs])
        if all(alone):
            single.add(index)
        try:
            context = PyTorchContext(
                op=node.op,
                shapes=shapes_read(graph, node, taken),
                output=shape_made(node, index, taken),
                single=alone,
                given=tuple([ref.node < len(graph.inputs) for ref in node.inputs]),
                is_read_further=index in further,
                is_recorded=node.origin is not None,
            )
            codes[index] = code_of(context)
        except NotInLibrary as error:
            problems.append(Problem("write", f"{node.name}: {error}", origin=graph.name[:60]))
    if not codes and not problems:
        problems.append(Problem("write", "the network has no layers, so there is no module", origin=graph.name[:60]))
    if problems:
        raise SpecError(problems)
    return with_short_names(codes)


def with_short_names(codes: dict[int, LayerCode]) -> dict[int, LayerCode]:
    """Return codes in which the only class of attention is called so: its name need not tell it from others."""
    found = [each for each in helpers_of(codes) if each.name.endswith(ATTENTION)]
    if len(found) != 1 or found[0].name == ATTENTION:
        return codes
    (long,) = found
    short = Helper(ATTENTION, long.text.replace(f"class {long.name}(", f"class {ATTENTION}("))
    return {index: renamed(code, long, short) if long in code.helpers else code for index, code in codes.items()}


def renamed(code: LayerCode, old: Helper, new: Helper) -> LayerCode:
    """Return the code of a layer that is a single module, with another name of its class."""

    def with_new(parts: tuple[tuple[str, CallExpression], ...]) -> tuple[tuple[str, CallExpression], ...]:
        return tuple([(label, call._replace(function=new.name)) for label, call in parts])

    helpers = tuple([new if each == old else each for each in code.helpers])
    return code._replace(attributes=with_new(code.attributes), steps=with_new(code.steps), helpers=helpers)


def in_sequence(named: Named) -> CallExpression:
    """Return the call that constructs modules one after another; names are written unless they are numbers from 0."""
    if are_numbered(named):
        return CallExpression(SEQUENCE, tuple([CallArgument("", call, positional=True) for _, call in named]))
    if named[0][1].function == REPEATED:
        return CallExpression(
            SEQUENCE,
            (
                CallArgument(
                    "", CallExpression(ORDERED, (CallArgument("", named[0][1], positional=True),)), positional=True
                ),
            ),
        )
    args = tuple([CallArgument(name, call) for name, call in named])
    return CallExpression(SEQUENCE, (CallArgument("", CallExpression(ORDERED, args), positional=True),))


def are_numbered(named: Named) -> bool:
    """Return whether the names of modules are numbers from 0 on."""
    following = 0
    for name, call in named:
        if call.function == REPEATED:
            count, made = call.args
            if made.name != f":{following}":
                return False
            following += int(str(count.value))
        elif name != str(following):
            return False
        else:
            following += 1
    return True


class _File:
    def __init__(self, graph: Graph, codes: dict[int, LayerCode], classes: Classes) -> None:
        self.graph, self.codes, self.classes = graph, codes, classes

    def text(self) -> str:
        parts = [each.text for each in helpers_of(self.codes)]
        parts += ["\n".join(self.class_lines(each)) for each in self.classes.classes]
        body = "\n\n\n".join(parts)
        imports = [line for pattern, line in IMPORTS if re.search(pattern, body, re.DOTALL)]
        standard = [line for line in imports if "torch" not in line]
        blocks = ["\n".join(lines) for lines in (standard, [line for line in imports if line not in standard]) if lines]
        return f"{self.title()}\n\n" + "\n\n".join(blocks) + f"\n\n\n{body}\n"

    def title(self) -> str:
        """Return the docstring of the file."""
        *most, last = (write_shape(shape) for shape in self.graph.inputs.values())
        shapes = f", for inputs of {', '.join(most)}{' and ' if most else ''}{last}"
        name = "".join(char if char.isprintable() else " " for char in self.graph.name).replace('"', "'")
        text = f'"""{name}{"" if "->" in name else shapes}.'.replace("\\", "/")
        return "\n".join(wrap(text, WIDTH - len('"""'))) + '"""'

    # --- classes ---

    def class_lines(self, cls: ModuleClass) -> Iterator[str]:
        module = cls.modules[0]
        base = SEQUENCE if cls.chain else "nn.Module"
        yield f"class {cls.name}({base}):"
        columns = iter(cls.columns)
        numbered = cls.chain and are_numbered(cls.constructed)
        if numbered:
            args = [("", written_call(call, columns)) for _, call in cls.constructed]
            lines = in_lines("", CallText("super().__init__", tuple(args)), " " * 8)
        else:
            lines = ["        super().__init__()", *self.construction(cls, columns)]
        values = [column.text for column in columns]
        kept = {text for text in values if any(each.name == text for each in cls.parameters)}
        yield from self.signature(cls.parameters)
        yield from lines[:1] if not numbered else lines
        yield from (f"        self.{name} = {name}" for name in sorted(kept))
        yield from lines[1:] if not numbered else []
        if module is self.classes.root:
            for line in tied_lines(self.graph, self.codes, self.classes):
                yield from wrapped(f"        {line}")
        if not cls.chain:
            yield ""
            given = [f"self.{text}" if text in kept else text for text in values]
            yield from forward_lines(self.graph, self.codes, self.classes, module, given)

    def signature(self, parameters: Sequence[ClassParameter]) -> Iterator[str]:
        texts = ["self"]
        for each in parameters:
            default = "" if each.default is REQUIRED else f" = {literal(each.default)}"
            texts.append(f"{each.name}: {each.annotation}{default}")
        call = CallText("def __init__", tuple([("", text) for text in texts]), " -> None:")
        yield from in_lines("", call, "    ")

    def construction(self, cls: ModuleClass, columns: Iterator[SlotText]) -> Iterator[str]:
        """Yield the lines that construct the children."""
        made: list[tuple[str, Text]] = []
        for name, call in cls.constructed:
            if call.function == REPEATED and cls.chain:
                yield from self.constructed(made, chain=True)
                made = []
                yield from self.loop(call, columns)
                continue
            text = written_call(call, columns)
            made.append((name, CallText(SEQUENCE, (("", text),)) if call.function == REPEATED else text))
        yield from self.constructed(made, chain=cls.chain)

    def constructed(self, made: Sequence[tuple[str, Text]], *, chain: bool) -> Iterator[str]:
        """Yield the lines that construct modules; those of a sequence that are repeated together are a loop."""

        def follows(one: tuple[str, Text], other: tuple[str, Text], times: int) -> bool:
            return chain and one[1] == other[1] and is_numbered_after(one[0], other[0], times)

        for part in parts(made, follows):
            inside = made[part.start : part.start + part.period]
            numbers = {split_name(name)[1] for name, _ in inside}
            if part.times == 1 or len(numbers) > 1:
                for name, text in made[part.start : part.start + part.period * part.times]:
                    yield from self.added(name, text)
                continue
            yield f"        for i in range({_range(str(part.times), numbers.pop())}):"
            for name, text in inside:
                label = numbered(split_name(name)[0])
                yield from in_lines("", CallText("self.add_module", (("", label), ("", text))), " " * 12)

    def added(self, name: str, text: Text) -> Iterator[str]:
        """Yield the lines that construct a module."""
        if is_identifier(name):
            yield from in_lines(f"self.{name} = ", text, " " * 8)
        else:
            yield from in_lines("", CallText("self.add_module", (("", literal(name)), ("", text))), " " * 8)

    def loop(self, call: CallExpression, columns: Iterator[SlotText]) -> Iterator[str]:
        """Yield the lines that construct equal modules with numbered names."""
        number, made, prefix, first = repetition(call, columns)
        yield f"        for i in range({_range(number, first)}):"
        label = numbered(prefix)
        yield from in_lines("", CallText("self.add_module", (("", label), ("", made))), " " * 12)


def numbered(prefix: str) -> str:
    """Return the expression of a name that ends with the number ``i``."""
    return f'f{literal(prefix.replace("{", "{{").replace("}", "}}"))[:-1]}{{i}}"' if prefix else "str(i)"


def _range(number: str, first: int) -> str:
    """Return the arguments of a range with a number of integers, from the first one."""
    if first == 0:
        return number
    return f"{first}, {int(number) + first}" if number.isdigit() else f"{first}, {number} + {first}"


def written_call(call: CallExpression, columns: Iterator[SlotText]) -> Text:
    """Return a call with what is written in the places for values, in their order."""
    if call.function == REPEATED:
        number, made, prefix, first = repetition(call, columns)
        if not prefix:
            return comprehension("*", made, f"for _ in range({number})")
        pair = CallText("", (("", numbered(prefix)), ("", made)))
        return comprehension("", pair, f"for i in range({_range(number, first)})")
    args: list[tuple[str, Text]] = []
    for arg in call.args:
        before = "" if arg.positional else f"{arg.name}="
        if isinstance(arg.value, CallExpression):
            args.append((before, written_call(arg.value, columns)))
            continue
        column = next(columns)
        if not column.is_default:
            args.append((before, parsed(column.text)))
    if call.function == ORDERED and not all(is_identifier(before[:-1]) for before, _ in args if before):
        pairs = [("", CallText("", (("", literal(before[:-1])), ("", text)))) for before, text in args]
        return CallText(ORDERED, (("", CallText("", tuple(pairs), brackets=("[", "]"))),))
    return CallText(call.function, tuple(args))


def comprehension(before: str, made: Text, loop: str) -> CallText:
    return CallText(before, (("", made), ("", loop)), brackets=("[", "]"), comma="")


def repetition(call: CallExpression, columns: Iterator[SlotText]) -> tuple[str, Text, str, int]:
    """Return the number of repetitions, what is repeated, what precedes the numbers in names, and the first number."""
    number = next(columns).text
    _, made = call.args
    assert isinstance(made.value, CallExpression)
    prefix, _, first = made.name.rpartition(":")
    return number, written_call(made.value, columns), prefix, int(first)
