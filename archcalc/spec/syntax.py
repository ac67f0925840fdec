"""The syntax tree: immutable nodes with their places in the text, independent of tensors."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from archcalc.spec.errors import Span, Text


class Literal(NamedTuple):
    """A number as written."""

    value: int | Fraction
    span: Span
    tolerance: int | Fraction = 0
    """The maximum distance of the true value from a rounded one: ``300M`` stands for all values that round to it."""


class Name(NamedTuple):
    """A name in arithmetic, or a word; in conditions also a target, such as ``layer1/0/conv1.macs``."""

    name: str
    span: Span


class UnaryOperation(NamedTuple):
    """A sign before an operand."""

    sign: str
    operand: Expression
    span: Span


class BinaryOperation(NamedTuple):
    """Two operands and the operator between them."""

    operator: str
    left: Expression
    right: Expression
    span: Span


class Function(NamedTuple):
    """A call of an arithmetic function, such as ``floor(x)``."""

    name: str
    arguments: tuple[Expression, ...]
    span: Span


Expression: TypeAlias = Literal | Name | UnaryOperation | BinaryOperation | Function


class Part(NamedTuple):
    """One axis of a size: a number, or ``before:after`` (``start:stop``); either side of a colon may be missing."""

    first: Expression | None
    second: Expression | None
    pair: bool
    span: Span


class Size(NamedTuple):
    """Parts joined by ``x``: a shape, or one value per axis."""

    parts: tuple[Part, ...]
    span: Span


Value: TypeAlias = Expression | Size


class QuotedText(NamedTuple):
    """A text in quotation marks: a pattern in einops' notation."""

    content: str
    span: Span


class Reference(NamedTuple):
    """``@name``: a local name, a parameter, the output of an earlier stage, or an input; or a path, ``@stem/a``."""

    name: str
    """The names of the path, joined by ``/``."""
    span: Span
    every: bool = False
    """Whether it stands for every match, in order: ``@stack/skip*``."""

    @property
    def first(self) -> str:
        """The first name of the path."""
        return self.name.partition("/")[0]


ArgumentValue: TypeAlias = Value | QuotedText | Reference
"""What an argument may be."""


class Relation(NamedTuple):
    """Two sides and the relation between them, normalised to ``=``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``."""

    relation: str
    left: Value
    right: Value
    span: Span


class LogicalCondition(NamedTuple):
    """``and``, ``or`` or ``not`` (which has one operand)."""

    word: str
    operands: tuple[Condition, ...]
    span: Span


Condition: TypeAlias = Relation | LogicalCondition


class Setting(NamedTuple):
    """An item of a list of values: one value, or the ends (and the step) of a range."""

    values: tuple[Value, ...]
    span: Span


class Argument(NamedTuple):
    """An argument of a layer, call or join: positional, named (``k=3``) or in its short form (``k3``)."""

    name: str
    value: ArgumentValue
    sugar: bool
    span: Span


class Layer(NamedTuple):
    """An operator (or a block without arguments) and its arguments."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    head: Span


class Call(NamedTuple):
    """A block with its arguments."""

    name: str
    arguments: tuple[Argument, ...]
    span: Span
    head: Span


class Join(NamedTuple):
    """Branches from the current tensor, and the operator that joins them."""

    name: str
    branches: tuple[Chain, ...]
    options: tuple[Argument, ...]
    span: Span
    head: Span


class Repeat(NamedTuple):
    """A repeated group or block call; ``times`` is ``None`` for a group that is not repeated."""

    body: Chain
    times: Expression | None
    span: Span


class If(NamedTuple):
    """A chain that is built if a condition holds, and one that is built otherwise (``None``: no layers)."""

    condition: Expression | Relation
    then: Chain
    otherwise: Chain | None
    span: Span
    head: Span


class Entry(NamedTuple):
    """An entry of a list that stands for a chain, with the name of its output; ``None`` for an unnamed one."""

    name: str | None
    chain: Chain
    span: Span
    """The place of the name, or else of the chain."""


class Entries(NamedTuple):
    """Entries in sequence; each may refer to the named ones before it. The last one is the output."""

    entries: tuple[Entry, ...]
    span: Span


Item: TypeAlias = Layer | Call | Join | Reference | Repeat | If | Entries


class Chain(NamedTuple):
    """Items in sequence. Chains of the same text may share their items, whose places are then in the first of them."""

    items: tuple[Item, ...]
    span: Span

    @property
    def borrowed(self) -> Text | None:
        """The text in which its items are placed, if that is another one of the same wording."""
        text = self.items[0].span.text if self.items else self.span.text
        return text if text is not self.span.text and text.value == self.span.text.value else None

    def place(self, span: Span) -> Span:
        """Return the place of a part of the chain in its own text."""
        return span._replace(text=self.span.text) if span.text is self.borrowed else span

    def in_place(self) -> Chain:
        """Return the same chain with all places in its own text."""
        if self.borrowed is None:
            return self
        return Chain(tuple([_moved(item, self.span.text) for item in self.items]), self.span)


class Signature(NamedTuple):
    """The head of a block: its name and parameters with their defaults."""

    name: str
    parameters: tuple[tuple[str, Value | None, Span], ...]
    span: Span


def _moved(node: Any, text: Text) -> Any:
    """Return a part of a syntax tree with its places in another text of the same wording."""
    if isinstance(node, Span):
        return node._replace(text=text)
    if not isinstance(node, tuple):
        return node
    parts = [_moved(part, text) for part in node]
    return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)


def names_in(node: ArgumentValue | Part | Condition | None) -> Iterator[Name]:
    """Yield the names in arithmetic, a size or a condition, in the order of the text."""
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Size):
        for part in node.parts:
            yield from names_in(part)
    elif isinstance(node, Part):
        yield from names_in(node.first)
        yield from names_in(node.second)
    elif isinstance(node, UnaryOperation):
        yield from names_in(node.operand)
    elif isinstance(node, BinaryOperation):
        spine = []  # "1 + 1 + … + 1" nests to the left as deep as it is long
        innermost: Expression = node
        while isinstance(innermost, BinaryOperation):
            spine.append(innermost.right)
            innermost = innermost.left
        yield from names_in(innermost)
        for right in reversed(spine):
            yield from names_in(right)
    elif isinstance(node, Function):
        for argument in node.arguments:
            yield from names_in(argument)
    elif isinstance(node, Relation):
        yield from names_in(node.left)
        yield from names_in(node.right)
    elif isinstance(node, LogicalCondition):
        for operand in node.operands:
            yield from names_in(operand)
