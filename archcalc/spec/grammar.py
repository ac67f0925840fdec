"""The grammar of chains: one function per rule, with the rule as its docstring; one token of lookahead."""

from __future__ import annotations

from typing import NoReturn

from archcalc.ops import REGISTRY
from archcalc.spec.errors import Span, SpecError, Text, fail, whole_text
from archcalc.spec.expressions import FUNCTIONS, argument, between, expression, primary, reference, size, value
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.syntax import (
    Argument,
    BinaryOperation,
    Call,
    Chain,
    Expression,
    If,
    Item,
    Join,
    Layer,
    Name,
    Part,
    QuotedText,
    Reference,
    Relation,
    Repeat,
    Signature,
    Size,
    Value,
)
from archcalc.spec.tokens import BRACKET_HINTS, RULES, Reader

JOINS = tuple(name for name, cls in REGISTRY.items() if cls.arity is None)
"""The operators with several inputs, which are written with branches."""

SOURCES = tuple(name for name, cls in REGISTRY.items() if cls.arity == 0)
"""The operators without an input, which start a chain."""

SUGAR = {"k": "kernel", "s": "stride", "p": "pad", "d": "dilation", "g": "groups"}
"""The short forms of arguments."""

END_HINTS = {**BRACKET_HINTS, ",": "separate arguments by spaces, and the parts of a size by 'x': conv 64 k3x5 s2"}
"""Hints for characters that are found where a chain must end."""


def parse_chain(text: Text, blocks: frozenset[str] = frozenset(), limits: Limits = DEFAULT) -> Chain:
    """text = chain end"""
    reader = Reader(text, blocks, limits)
    reader.blanks()
    result = chain(reader)
    reader.finish("'->' or the end", END_HINTS)
    return result


def parse_inline(text: Text, limits: Limits = DEFAULT) -> tuple[Size | Expression, Chain]:
    """inline = (shape | size) ARROW chain end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    shape = named_shape(reader) or value(reader, blanks=False)
    if reader.take("ARROW") is None:
        reader.blanks()
        reader.expected(
            "'->' after the input shape", 'write an inline expression as "3x32x32 -> conv 6 k5 -> relu", in quotes'
        )
    no_bare_arithmetic(shape)
    result = chain(reader)
    reader.finish("'->' or the end", END_HINTS)
    return shape, result


def parse_value(text: Text, limits: Limits = DEFAULT) -> Value:
    """text = value end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    result = value(reader, blanks=True)
    reader.finish("the end of the value", END_HINTS)
    return result


def parse_shape(text: Text, limits: Limits = DEFAULT) -> Value:
    """text = shape end | size end;  computed sizes are in brackets"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    try:
        result = named_shape(reader) or value(reader, blanks=True)
        reader.finish("the end of the value", END_HINTS)
    except SpecError as error:
        if error.problems[0].code != "limit":
            no_other_shape(text)
        raise
    no_bare_arithmetic(result)
    return result


def no_other_shape(text: Text) -> None:
    """Raise an error for ``(3, 32, 32)``, which should be 3x32x32."""
    from archcalc.spec.rewriting import rewritten_shape

    written = rewritten_shape(text.value)
    if written is not None:
        fail("shape", "the sizes of a shape must be joined by 'x'", whole_text(text), f"write {written}")


def named_shape(reader: Reader) -> Size | None:
    """shape = side ("x" side)*;  as a size, but names need no brackets: 3xHxW. ``None`` if there is no such name."""
    start = reader.at
    if reader.rules["NAMED_SHAPE"].match(reader.value, start) is None:
        return None
    parts = []
    while True:
        at = reader.at
        name = reader.take("SIZE_NAME")
        side = Name(name, reader.since(at)) if name is not None else primary(reader, blanks=False)
        parts.append(Part(side, None, False, reader.since(at)))
        if reader.take("SHAPE_TIMES") is None:
            return Size(tuple(parts), reader.since(start))


def no_bare_arithmetic(written: Value) -> None:
    """Raise an error for ``3*32*32``, which should be 3x32x32."""
    if isinstance(written, BinaryOperation) and written.span.text.value[written.span.start] != "(":
        hint = "write 3x32x32, with arithmetic in brackets: 3x(2*16)x32"
        fail("shape", "the sizes of a shape must be joined by 'x'", written.span, hint)


def parse_signature(text: Text, limits: Limits = DEFAULT) -> Signature:
    """signature = NAME ("(" [NAME ["=" value] ("," NAME ["=" value])*] ")")? end"""
    reader = Reader(text, frozenset(), limits)
    reader.blanks()
    start = reader.at
    name = reader.take("NAME") or reader.expected("the name of a block, such as conv_bn(c, k=3)")
    head = reader.since(start)
    parameters: list[tuple[str, Value | None, Span]] = []
    opened = reader.at
    if reader.take("("):
        reader.open()
        reader.blanks()
        while not reader.check(")"):
            start = reader.at
            parameter = reader.take("NAME") or reader.expected("the name of a parameter")
            span = reader.since(start)
            reader.blanks()
            default = None
            if reader.value.startswith("=", reader.at):
                reader.at += 1
                reader.blanks()
                default = value(reader, blanks=True)
            parameters.append((parameter, default, span))
            reader.blanks()
            if reader.take("COMMA") is None:
                break
            reader.blanks()
        reader.close(")", opened)
    reader.finish("the end of the block's signature", END_HINTS)
    return Signature(name, tuple(parameters), head)


def chain(reader: Reader, *, first: bool = True) -> Chain:
    """chain = item (ARROW item)*;  only where it is ``first`` may it start with a reference"""
    start = reader.at
    items = [item(reader, first=first)]
    end = reader.at
    while reader.take("ARROW") is not None:
        items.append(item(reader, first=False))
        end = reader.at
    return Chain(tuple(items), Span(reader.text, start, end))


def item(reader: Reader, *, first: bool) -> Item:
    """item = reference | group | if | join | call | layer"""
    start = reader.at
    if reader.check("("):
        return group(reader, "(", ")", first=first)
    if reader.check("["):
        return group(reader, "[", "]", first=first)
    if reader.check("AT"):
        found = reference(reader)
        if not first:
            misplaced(found)
        if reader.check("STAR"):
            reader.expected("'->' or the end", STARRED)
        return found
    name = reader.take("NAME") or reader.expected("a layer, a block or a group")
    head = reader.since(start)
    if name not in reader.blocks and name.lower() in JOINS:
        name = name.lower()
    if name == "if" and name not in reader.blocks:
        if blank_bracket(reader):
            no_blank(reader, head, name)
        if reader.check("("):
            return condition(reader, head, first=first)
    if name in JOINS and name not in reader.blocks and (reader.check("(") or blank_bracket(reader)):
        if not reader.check("("):
            no_blank(reader, head, name)
        return join(reader, name, head)
    if reader.check("("):
        opened = reader.at
        reader.take("(")
        reader.open()
        arguments = call_arguments(reader)
        reader.close(")", opened)
        return repeated(reader, Call(name, arguments, reader.since(start), head))
    if name in reader.blocks and blank_bracket(reader):
        no_blank(reader, head, name)
    if reader.check("STAR"):
        again = (
            f"to repeat a block, call it: {name}()*3"
            if name in reader.blocks
            else f"to repeat a layer, write ({name})*3"
        )
        reader.expected("'->', an argument or the end", again)
    arguments = layer_arguments(reader)
    layer = Layer(name, arguments, reader.since(start), head)
    if not first and is_source(layer, reader.blocks):
        misplaced(layer)
    return layer


STARRED = "a star stands for every match, and only where a branch of a join starts: add(@stack/skip*)"
"""The hint for a star after a reference in other places."""


def is_source(item: Item, blocks: frozenset[str]) -> bool:
    """Return whether an item is a reference, or a layer without an input: these start a chain."""
    return isinstance(item, Reference) or (isinstance(item, Layer) and item.name in SOURCES and item.name not in blocks)


def misplaced(item: Item, *, repeated: bool = False) -> NoReturn:
    """Raise the error that a reference or source is not first in its chain, or first in one that is repeated."""
    name = f"@{item.name}" if isinstance(item, Reference) else item.name if isinstance(item, Layer) else ""
    short = "@…" if isinstance(item, Reference) else f"{name} …"
    again = f"a chain that starts with '{name}' cannot be repeated"
    fail(
        "reference",
        again if repeated else f"'{name}' must come first in its chain",
        item.span,
        f"to join it with the current tensor, write concat({short}, identity) or add({short}, identity)",
    )


def condition(reader: Reader, head: Span, *, first: bool) -> If:
    """if = "if" "(" condition "," chain ["," chain] ")";  a condition is a number or one comparison"""
    opened = reader.at
    reader.take("(")
    reader.open()
    reader.blanks()
    start = reader.at
    left = expression(reader, blanks=True)
    sign = between(reader, "COMPARISON", blanks=True)
    right = None if sign is None else expression(reader, blanks=True)
    held = left if sign is None or right is None else Relation(sign, left, right, reader.since(start))
    reader.blanks()
    if reader.take("COMMA") is None:
        hints = {"=": "a comparison for equality is '=='", ")": "write if(condition, chain)"}
        reader.expected("',' after the condition", hints.get(reader.value[reader.at : reader.at + 1], ""))
    branches = []
    while True:
        reader.blanks()
        branches.append(chain(reader, first=first))
        reader.blanks()
        if len(branches) == 2 or reader.take("COMMA") is None:
            break
    if reader.check("COMMA"):
        reader.expected("')'", "an 'if' has at most two chains: if(condition, chain, chain)")
    reader.close(")", opened)
    if reader.check("STAR"):
        reader.expected("'->' or the end", "to repeat an 'if', write (if(…))*3")
    return If(held, branches[0], branches[1] if len(branches) > 1 else None, reader.since(head.start), head)


def blank_bracket(reader: Reader) -> bool:
    """Return whether white space and then ``(`` follow."""
    match = RULES["BLANKS"].match(reader.value, reader.at)
    return match is not None and reader.value.startswith("(", match.end())


def no_blank(reader: Reader, head: Span, name: str) -> NoReturn:
    """Raise the error that there is white space before the bracket of a call."""
    fail("syntax", f"there must be no space between '{name}' and its bracket", head, f"write {name}(…)")


def group(reader: Reader, opening: str, closing: str, *, first: bool) -> Repeat:
    """group = "(" chain ")" ["*" count] | "[" chain "]" ["*" count]"""
    start = reader.at
    reader.take(opening)
    reader.open()
    reader.blanks()
    body = chain(reader, first=first)
    reader.close(closing, start)
    count = repeat(reader)
    if count is not None and (source := starts_with_source(body, reader.blocks)) is not None:
        misplaced(source, repeated=True)  # the second repetition must start where the first one ends
    return Repeat(body, count, reader.since(start))


def starts_with_source(body: Chain, blocks: frozenset[str]) -> Item | None:
    """Return the reference or source that a chain starts with, possibly inside brackets or in a branch of an 'if'."""
    item = body.items[0]
    if isinstance(item, Repeat):
        return starts_with_source(item.body, blocks)
    if isinstance(item, If):
        branches = [item.then, *((item.otherwise,) if item.otherwise is not None else ())]
        return next((found for branch in branches if (found := starts_with_source(branch, blocks))), None)
    return item if is_source(item, blocks) else None


def repeated(reader: Reader, call: Call) -> Item:
    """call = NAME "(" arguments ")" ["*" count]"""
    count = repeat(reader)
    if count is None:
        return call
    return Repeat(Chain((call,), call.span), count, reader.since(call.span.start))


def repeat(reader: Reader) -> Expression | None:
    """["*" (NUMBER | NAME | "(" expression ")")]"""
    before = reader.at
    reader.blanks()
    if reader.take("STAR") is None:
        reader.at = before
        return None
    reader.blanks()
    if reader.check("(") or reader.check("NUMBER") or reader.check("NAME"):
        return primary(reader, blanks=False)
    return reader.expected("a number of repetitions: a number, a name or (arithmetic)")


def join(reader: Reader, name: str, head: Span) -> Join:
    """join = NAME "(" (STRING | branch | NAME "=" value) ("," …)* ")" """
    opened = reader.at
    reader.take("(")
    reader.open()
    branches: list[Chain] = []
    options: list[Argument] = []
    while True:
        reader.blanks()
        start = reader.at
        if reader.check("NAMED_LOOSE"):
            options.append(named_argument(reader))
        elif reader.check("QUOTE"):
            options.append(Argument("", argument(reader, blanks=True), False, reader.since(start)))
        elif reader.check(")") and not branches:
            reader.expected(f"a branch of {name}")
        else:
            branches.append(branch(reader))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
    reader.close(")", opened)
    several = any(isinstance(each.items[0], Reference) and each.items[0].every for each in branches)
    if len(branches) == 1 and not several and not any(isinstance(option.value, QuotedText) for option in options):
        hint = f"write identity for the current tensor: {name}(…, identity)"
        fail("argument", f"{name} requires at least two branches", reader.since(head.start), hint)
    if reader.check("STAR"):
        reader.expected("'->' or the end", f"to repeat a join, write ({name}(…))*3")
    return Join(name, tuple(branches), tuple(options), reader.since(head.start), head)


def branch(reader: Reader) -> Chain:
    """branch = chain | reference "*" (ARROW item)*"""
    start = reader.at
    if not reader.check("AT"):
        return chain(reader)
    found = reference(reader)
    if reader.take("STAR") is None:
        reader.at = start
        return chain(reader)
    starred = found._replace(span=reader.since(start), every=True)
    items: list[Item] = [starred]
    end = reader.at
    while reader.take("ARROW") is not None:
        items.append(item(reader, first=False))
        end = reader.at
    return Chain(tuple(items), Span(reader.text, start, end))


def named_argument(reader: Reader) -> Argument:
    """NAME "=" value, blanks allowed"""
    start = reader.at
    name = (reader.take("NAMED_LOOSE") or "")[:-1].rstrip()
    reader.blanks()
    result = argument(reader, blanks=True)
    return Argument(name, result, False, reader.since(start))


def call_arguments(reader: Reader) -> tuple[Argument, ...]:
    """arguments = [value | NAME "=" value ("," …)*]"""
    result: list[Argument] = []
    reader.blanks()
    while not reader.check(")"):
        start = reader.at
        if reader.check("NAMED_LOOSE"):
            result.append(named_argument(reader))
        else:
            content = argument(reader, blanks=True)
            result.append(Argument("", content, False, reader.since(start)))
        reader.blanks()
        if reader.take("COMMA") is None:
            break
        reader.blanks()
    return tuple(result)


def layer_arguments(reader: Reader) -> tuple[Argument, ...]:
    """(BLANKS argument)*;  argument = NAME "=" value | SUGAR size | value, without blanks outside brackets"""
    result: list[Argument] = []
    while True:
        before = reader.at
        if (
            not reader.blanks()
            or reader.at >= len(reader.value)
            or reader.value[reader.at] in ",)]→"
            or reader.check("ARROW")
        ):
            reader.at = before
            break
        start = reader.at
        if reader.value[start] == "=":
            reader.expected("an argument", "write '=' without spaces: k=3")
        named = reader.take("NAMED")
        if named is not None:
            result.append(Argument(named[:-1], argument(reader, blanks=False), False, reader.since(start)))
        elif reader.check("SUGAR"):
            letter = reader.take("SUGAR") or ""
            result.append(Argument(letter, size(reader), True, reader.since(start)))
        else:
            content = argument(reader, blanks=False)
            result.append(Argument("", content, False, reader.since(start)))
        after_word(reader, start)
    if reader.at < len(reader.value) and reader.value[reader.at] not in " \t\r\n,)]" and not reader.check("ARROW"):
        after_word(reader, before)
    return tuple(result)


def after_word(reader: Reader, start: int) -> None:
    """Check that an argument ends with white space, a closing bracket, a comma, an arrow or the end of the text.

    Raises:
        SpecError: something else follows.
    """
    if reader.at >= len(reader.value) or reader.value[reader.at] in " \t\r\n,)]" or reader.check("ARROW"):
        return
    word = reader.value[start : reader.at]
    if word[:1] in SUGAR and word[1:2].isdigit() and reader.value[reader.at] in "*+-/%":
        reader.expected(
            "a space", f"the short form takes plain sizes only: write {word[0]}={word[1:]}{reader.value[reader.at]}…"
        )
    if word[:1] in SUGAR and len(word) == 1 and reader.check("("):
        reader.expected("a space", f"write {word}=(…)")
    if reader.check("("):
        reader.expected("a space", f"the functions are {', '.join(FUNCTIONS)}; a block cannot be called in an argument")
    if reader.value[reader.at] in ":x×" or word.endswith(":"):
        reader.expected(
            "a space", "the parts of a size must be numbers or arithmetic in brackets: (w)x3, (C//2):C, (-1)x16"
        )
    reader.expected("a space, '->' or the end")
