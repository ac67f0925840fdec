"""The parameters of a class: the values in which equal modules differ.

Values that agree in all modules are literals. Places whose values are the same have one parameter, and a width that is
a multiple or a part of another is written as one: ``4 * channels``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from archcalc.writers.code.calls import REQUIRED, RequiredValue, Slot, Value, literal
from archcalc.writers.code.names import identifier
from archcalc.writers.names import unused

WIDTH = "width"
OUT = re.compile("out_")
"""How the names of the widths begin that layers make."""
ARGUMENT = "argument"
"""The kind of the arguments of a network, which stand for values of all kinds."""


class ClassParameter(NamedTuple):
    """A parameter of a class."""

    name: str
    values: tuple[Value, ...]
    """Its value in each module."""
    kind: str
    default: Value = REQUIRED

    @property
    def annotation(self) -> str:
        """The type of its values."""
        names = {int: "int", bool: "bool", str: "str", tuple: "tuple[int, ...]"}
        found = {names.get(type(value), "float") for value in self.values}
        return " | ".join(sorted(found - {"int"} if "float" in found else found))


class SlotText(NamedTuple):
    """What is written in a place for a value."""

    text: str
    is_default: bool = False
    """Whether all modules have the default of the argument there, so that it is left out."""


class Parameters(NamedTuple):
    """The parameters of a class, and what is written in the places of its code."""

    parameters: tuple[ClassParameter, ...]
    columns: tuple[SlotText, ...]


def parameters_of(
    modules: Sequence[Sequence[Slot]],
    taken: Container[str] = (),
    *,
    own: int | None = None,
    given: Sequence[ClassParameter] = (),
    chain: bool = False,
) -> Parameters:
    """Return the parameters of equal modules.

    Args:
        modules: the places for values of each module, which are the same in all of them.
        taken: the names that parameters must not have.
        own: how many of the modules, from the first on, are in the network itself; by default all.
        given: parameters that there are in any case; those that are not used are left out.
        chain: whether the modules compute their parts one after another.
    """
    given = [each._replace(name=identifier(each.name, taken)) for each in given]
    found = [*given]
    places = [*zip(*modules, strict=True)]
    texts: dict[int, SlotText] = {}
    for place, slots in sorted(enumerate(places), key=lambda each: each[1][0].name == "padding"):  # given by the kernel
        slot, values = slots[0], tuple([each.value for each in slots])
        if len(set(map(_identity, values))) == 1:
            texts[place] = SlotText(literal(values[0]), _is_default(values[0], slot.default))
            continue
        text = next((known for other in found if (known := _expression(slot, values, other))), None)
        if text is None:
            text = unused(identifier(slot.name, taken), {each.name for each in found}, "_")
            found.append(ClassParameter(text, values, slot.kind, _usual(slot, values[:own])))
        texts[place] = SlotText(text)
    made = [texts[place].text for place, slots in enumerate(places) if OUT.match(slots[0].name)]
    names = _hidden(made, found, chain=chain)
    found = [each._replace(name=names.get(each.name, each.name)) for each in found]
    texts = {place: column._replace(text=_renamed(column.text, names)) for place, column in texts.items()}
    words = {word for column in texts.values() for word in re.findall(r"[^\W\d]\w*", column.text)}
    found = [each for each in found if each not in given or each.name in words]
    ordered = sorted(found, key=lambda each: (not isinstance(each.default, RequiredValue), each.kind != WIDTH))
    return Parameters(tuple(ordered), tuple([texts[place] for place in range(len(places))]))


def _hidden(texts: Sequence[str], parameters: Sequence[ClassParameter], *, chain: bool) -> dict[str, str]:
    """Return new names for widths that are called outputs, but are not those of the whole module.

    Args:
        texts: what is written for the widths that parts of the module make, in their order.
        parameters: its parameters.
        chain: whether the last part makes the output.
    """
    widths = [each.name for each in parameters if OUT.match(each.name) and each.kind == WIDTH]
    others = {each.name for each in parameters} - {*widths}
    last = texts[-1] if texts else ""
    if not widths or re.search(r"\W", last) or not (chain or (last.isidentifier() and last not in widths)):
        return {}
    made: dict[str, str] = {}
    for name in widths:
        kind = OUT.sub("out_" if name == last else "hidden_", name)
        made[name] = unused(re.sub(r"_\d+$", "", kind), {*others, *made.values()}, "_")
    return made


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"[^\W\d]\w*", lambda match: names.get(match[0], match[0]), text)


def _identity(value: Value) -> Any:
    """Return what is equal for equal values of one type."""
    return type(value) if value is None else (type(value), value)


def _is_default(value: Value, default: Value) -> bool:
    return not isinstance(default, RequiredValue) and _identity(value) == _identity(default)


def _usual(slot: Slot, values: tuple[Value, ...]) -> Value:
    """Return the default of a parameter: that of the argument if it occurs, or the most common value."""
    if isinstance(slot.default, RequiredValue):
        return REQUIRED
    if any(_is_default(value, slot.default) for value in values):
        return slot.default
    value, times = Counter(values).most_common(1)[0]
    return value if times > 1 else REQUIRED


def _expression(slot: Slot, values: tuple[Value, ...], other: ClassParameter) -> str | None:
    """Return values in terms of a parameter; ``None`` if they are not."""
    if other.kind in (slot.kind, ARGUMENT) and values == other.values:
        return other.name
    whole = all(type(value) is int for value in (*values, *other.values))
    if slot.name == "padding" and other.name.startswith("kernel_size") and whole:
        return f"{other.name} // 2" if all(v == k // 2 for v, k in zip(values, other.values, strict=True)) else None
    if slot.kind != WIDTH or other.kind not in (WIDTH, ARGUMENT) or not whole or 0 in (*values, *other.values):
        return None
    if other.name.startswith("in_"):  # the output of a module is no multiple of what happens to precede it
        return None
    pairs = list(zip(values, other.values, strict=True))
    times = {value / base for value, base in pairs}
    if len(times) > 1:
        return None
    value, base = pairs[0]
    if value % base == 0:
        return f"{value // base} * {other.name}"
    return f"{other.name} // {base // value}" if base % value == 0 else None
