"""What a module computes, as statements: calls are nested where this reads well, and tensors have short names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from archcalc.graph import Ref
from archcalc.writers.names import unused

PLACE = re.compile(r"\$(\w+|\*)")
MARK = re.compile(r"\0(\d+):(\d+)\0")
NAME = re.compile(r"[\w.]+")
MAX_NESTED = 3
"""The maximum number of calls that are nested."""
LONG = 72
"""The length of an expression that is not nested further."""
SHORT_NAMES = ("x", "y", "z", "u", "v", "w")


class StatementStep(NamedTuple):
    """The computation of a layer or a module."""

    template: str
    """Its expression; ``$0``, ``$1`` … stand for the tensors that are read, ``$*`` for all of them."""
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    name: str = ""
    """The name for its output, if it has one that says what it is."""
    is_stage: bool = False
    """Whether it is a line of its own between others of this kind."""
    ends_line: bool = False
    """Whether further calls are not nested around it, as around an activation."""
    is_line: bool = False
    """Whether it is a statement of its own, in which others may be nested."""


class Statement(NamedTuple):
    """An expression, and the tensors that it makes."""

    outputs: tuple[Ref, ...]
    text: str
    """The expression; tensors are marked."""
    name: str = ""

    @property
    def reads(self) -> set[Ref]:
        return {Ref(int(node), int(output)) for node, output in MARK.findall(self.text)}


class _Nested(NamedTuple):
    text: str
    depth: int
    step: StatementStep


def statements(steps: Sequence[StatementStep], returned: Sequence[Ref]) -> list[Statement]:
    """Return the statements for steps: a step that is read once is nested in the one that reads it, if it is short."""
    uses = Counter(returned)
    reader: dict[Ref, int] = {}
    for number, step in enumerate(steps):
        for ref in _places(step):
            uses[ref] += 1
            reader[ref] = number
    nested: dict[Ref, _Nested] = {}
    found: list[Statement] = []
    for number, step in enumerate(steps):
        own = [nested.pop(ref, None) for ref in step.inputs]
        if sum(len(MARK.sub("x", each.text)) for each in own if each) + len(step.template) > LONG:
            for place, (ref, each) in enumerate(zip(step.inputs, own, strict=True)):
                if each and not NAME.fullmatch(each.text):
                    found.append(Statement((ref,), each.text, each.step.name))
                    own[place] = None
        depth = step.template.endswith(")") + max((each.depth for each in own if each), default=0)
        text = PLACE.sub(lambda match, own=own, step=step: _argument(match, own, step), step.template)  # type: ignore[misc]
        (output, *others) = step.outputs
        if not any(uses[ref] for ref in step.outputs):
            continue
        if not others and uses[output] == 1 and output in reader:
            made = _Nested(text, depth, step)
            if _fits(made, steps[reader[output]], near=reader[output] - number):
                nested[output] = made
                continue
        found.append(
            Statement(step.outputs if any(uses[ref] for ref in others) or others else (output,), text, step.name)
        )
    return found


def _places(step: StatementStep) -> Iterator[Ref]:
    """Yield the tensors that a step reads, as often as its expression names them."""
    for name in PLACE.findall(step.template):
        if name == "*":
            yield from step.inputs
        elif name.isdigit():
            yield step.inputs[int(name)]


def _fits(made: _Nested, reader: StatementStep, near: int) -> bool:
    """Return whether an expression is nested in the step that reads it."""
    step = made.step
    if NAME.fullmatch(step.template):
        return True
    if step.is_line:
        return False
    length = len(MARK.sub("x", made.text))
    if made.depth >= MAX_NESTED or length + len(reader.template) > LONG:
        return False
    if step.is_stage and reader.is_stage:
        return False
    if step.ends_line and made.depth > 1 and "self" in reader.template:
        return False
    return near == 1 or made.depth == 1 or not step.name


def _argument(match: re.Match[str], own: Sequence[_Nested | None], step: StatementStep) -> str:
    """Return the text for a place in a template; an expression with an operator is put in brackets where needed."""
    name = match[1]
    if name == "*":
        texts = [each.text if each else _mark(ref) for each, ref in zip(own, step.inputs, strict=True)]
        return ", ".join(texts)
    place = int(name)
    inner = own[place]
    if inner is None:
        return _mark(step.inputs[place])
    before = step.template[: match.start()]
    after = step.template[match.end() :]
    enclosed = (before.endswith(("(", "[", ", ")) and after.startswith((")", ",", "]"))) or not (before or after)
    if after.startswith((".", "[")) and not is_primary(inner.text):
        return f"({inner.text})"
    is_product = set(_operators(inner.text)) == {"*"} and {*_operators(step.template)} <= {"+"}
    return inner.text if enclosed or is_primary(inner.text) or is_product else f"({inner.text})"


def _operators(text: str) -> list[str]:
    """Return the operators between spaces outside brackets, which an expression has at the top."""
    return re.findall(r" (\S{1,2}) ", _outside(text))


def _outside(text: str) -> str:
    """Return an expression without what is in brackets."""
    depth, outside = 0, ""
    for char in text:
        depth -= char in ")]"
        outside += char if not depth else ""
        depth += char in "(["
    return outside


def is_primary(text: str) -> bool:
    """Return whether an expression needs no brackets before an operator: a name with calls, indices and attributes."""
    return re.fullmatch(r"[\w.()\[\]\0:]*", _outside(text)) is not None


def _mark(ref: Ref) -> str:
    return f"\0{ref.node}:{ref.output}\0"


def written(
    lines: Sequence[Statement], names: dict[Ref, str], kept: Sequence[Ref], free_name: Callable[[str], str]
) -> list[str]:
    """Return statements with names for tensors: short ones, which are used again, or those of the steps.

    Args:
        lines: the statements.
        names: the names of the tensors that are given, to which those of others are added.
        kept: the tensors that are used afterwards.
        free_name: returns a valid name of a variable that is similar to a name.
    """
    last: dict[Ref, int] = dict.fromkeys(kept, len(lines))
    uses = Counter(kept)
    for number, line in enumerate(lines):
        for ref in line.reads:
            last[ref] = max(last.get(ref, 0), number)
            uses[ref] += 1
    found = []
    for number, line in enumerate(lines):
        text = _named(line.text, names)
        held = {names[ref] for ref in names if last.get(ref, -1) > number}
        made = []
        for ref in line.outputs:
            if ref not in last:
                made.append("_")
                continue
            far = last[ref] > number + 1 or uses[ref] > 1 or (ref in kept and len(kept) > 1)
            wanted = free_name(line.name) if line.name and far and len(line.outputs) == 1 else ""
            short = next((name for name in SHORT_NAMES if name not in held), "tensor")
            names[ref] = wanted if wanted and wanted not in held else unused(short, held, "_")
            held.add(names[ref])
            made.append(names[ref])
        found.append(f"{', '.join(made)} = {text}")
    return found


def returning(
    lines: Sequence[Statement], names: dict[Ref, str], returned: Sequence[Ref], free_name: Callable[[str], str]
) -> list[str]:
    """Return statements as `written` does, with one that returns tensors at the end."""
    if lines and lines[-1].outputs == tuple(returned):
        own = written(lines[:-1], names, [*lines[-1].reads], free_name)
        return [*own, f"return {_named(lines[-1].text, names)}"]
    own = written(lines, names, returned, free_name)
    return [*own, f"return {', '.join(names[ref] for ref in returned)}"]


def _named(text: str, names: Mapping[Ref, str]) -> str:
    return MARK.sub(lambda match: names[Ref(int(match[1]), int(match[2]))], text)
