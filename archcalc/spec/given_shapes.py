"""Input shapes that are given from outside the text of a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from archcalc.graph import channels_first, input_axes, write_shape
from archcalc.numeric import Impossible
from archcalc.ops.base import Shape
from archcalc.spec.errors import Source, Text, fail, listing, suggest, whole_text
from archcalc.spec.grammar import parse_shape
from archcalc.spec.limits import Limits
from archcalc.spec.records import GivenSettings
from archcalc.spec.syntax import names_in
from archcalc.spec.values import Names, Scope, evaluate, positive_size, shape_from

MAX_LISTED = 12
"""The number of variables and input sizes that a hint lists."""


def shape_text(name: str, written: str) -> Text:
    """Return the shape of an option ``--shape`` as a text with a place."""
    return Text(Source(f"--shape {name}".rstrip(), written), written)


def parsed_shapes(
    given: GivenSettings, layout: str, limits: Limits, variables: Collection[str] = ()
) -> dict[str, Shape]:
    """Return the shapes of ``--shape``, channels first, by name of the input; ``""``: the first.

    Raises:
        SpecError: a shape cannot be read.
    """
    shapes = {}
    for name, written in given.shapes.items():
        text = shape_text(name, written)
        parsed = parse_shape(text, limits)
        for named in names_in(parsed):
            hint = f"set the variable: --set {named.name}=…" if named.name in variables else ""
            fail("shape", f"--shape must consist of numbers, got the name '{named.name}'", named.span, hint)
        value = evaluate(parsed, Scope({}, None, limits))
        shape = shape_from(value, whole_text(text), "the input", limits)
        shapes[name] = channels_first(shape, given.layout or layout)
    return shapes


def given_shapes(
    inputs: Mapping[str, Shape],
    given: GivenSettings,
    variables: Names,
    layout: str,
    limits: Limits,
    origin: str,
    names: Mapping[str, tuple[str, int]] | None = None,
) -> dict[str, Shape]:
    """Return input shapes, replaced by those of ``--shape``, and their sizes by those given as numbers.

    Args:
        inputs: the shapes by name.
        given: what is given from outside.
        variables: the variables of the network, which hide sizes of the same name.
        layout: the layout of the network's shapes.
        limits: limits on the work.
        origin: the name of the network in messages.
        names: further names of sizes; see `archcalc.graph.input_axes`.

    Raises:
        SpecError: there is no such input or size, a shape cannot be read, or a size is not a positive integer.
    """
    shapes = dict(inputs)
    for name in given.shapes:
        if name and name not in shapes:
            hint = suggest_input(name, shapes, input_axes(shapes, names), given, given.layout or layout)
            fail("unknown-name", f"no input '{name[:40]}'", hint=hint, origin=f"--shape {name}")
    for name, shape in parsed_shapes(given, layout, limits, variables).items():
        shapes[name or next(iter(shapes))] = shape
    axes = input_axes(shapes, names)
    for name, number in given.numbers.items():
        if name in variables:
            continue
        if name not in axes:
            hint = suggest_size(name, [*variables, *axes])
            fail("unknown-name", f"no variable or input size '{name[:40]}'", hint=hint, origin=origin)
        target, axis = axes[name]
        try:
            size = positive_size(number, f"the input '{target}'")
        except Impossible as error:
            fail("shape", str(error), origin=origin)
        shapes[target] = (*shapes[target][:axis], size, *shapes[target][axis + 1 :])
    return shapes


def suggest_input(
    name: str, shapes: Mapping[str, Shape], axes: Mapping[str, tuple[str, int]], given: GivenSettings, layout: str
) -> str:
    """Return the hint for a name before a shape that is not that of an input.

    Args:
        name: the name.
        shapes: the inputs.
        axes: their sizes by name. They have values of their own only where settings vary.
        given: what is given from outside.
        layout: the layout of the shapes.
    """
    if given.later:
        return suggest(name, [*shapes, *axes], f"{listing('input', shapes)}; {listing('size', without_synonyms(axes))}")
    if name in axes:
        target, _ = axes[name]
        return f"give the entire shape, as in --shape {target}={write_shape(shapes[target], layout)}"
    return suggest(name, shapes, listing("input", shapes))


def without_synonyms(known: Collection[str]) -> list[str]:
    """Return names of sizes without synonyms: numbers of axes and, of a single input, names such as ``input.H``."""
    inputs = {each.rpartition(".")[0] for each in known}
    several = len(inputs) > 2  # names without an input have an empty one
    return [each for each in known if not re.fullmatch(r"(?:.*\.)?n\d+", each) and (several or "." not in each)]


def suggest_size(name: str, known: Collection[str]) -> str:
    """Return the hint for a name that is neither a variable nor an input size: a similar name, or a list of all."""
    listed = without_synonyms(known)
    noun = "variables and input size" if len(listed) > 1 else "input size"
    return suggest(name, known, listing(noun, listed, MAX_LISTED) if listed else "")


def given_axes(
    shapes: Mapping[str, Shape], given: GivenSettings, names: Mapping[str, tuple[str, int]] | None = None
) -> list[tuple[str, int]]:
    """Return the axes of inputs whose sizes are given from outside, by name of the input and index.

    Args:
        shapes: the shapes of the inputs by name, with those that are given.
        given: what is given from outside.
        names: further names of sizes; see `archcalc.graph.input_axes`.
    """
    first = next(iter(shapes))
    named = [name or first for name in (*given.shapes, *given.later) if not name or name in shapes]
    axes = input_axes(shapes, names)
    numbered = [axes[name] for name in (*given.numbers, *given.later) if name in axes]
    return [*((name, axis) for name in named for axis in range(len(shapes[name]))), *numbered]
