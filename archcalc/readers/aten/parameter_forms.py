"""The parameters that layers have in several forms, such as a weight that is also added to a tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from archcalc.graph import Origin
from archcalc.ops.source import Learned
from archcalc.ops.structure import Slice
from archcalc.readers.aten.program import Program
from archcalc.readers.batch import Sizes
from archcalc.readers.steps import PermutationStep, Step, StoredStep, along_axis, make, with_origin
from archcalc.readers.stored_arrays import plain, sizes_of

Form: TypeAlias = tuple[str, tuple[str, ...]]
"""How layers have a parameter: the name of their array, and the stored tensors that it consists of."""


def own_form(name: str) -> Form:
    """Return the form of a parameter that is a tensor only."""
    return "value", (name,)


def forms_of_shared(steps: Iterable[Step], program: Program) -> dict[str, Form]:
    """Return one form for each parameter that layers have in several, such as a weight that is also a tensor.

    It is that of a layer that needs its weights as they are stored, or else that of a weight. All other uses are of a
    tensor that shares it.
    """
    trained = {each.name for each in program.stored.values() if each.kind == "parameter"}
    forms: dict[str, dict[Form, bool]] = {}
    for step in steps:
        for array, names in step.stored.items():
            form = (array, (names,) if isinstance(names, str) else names)
            for name in map(plain, form[1]):
                found = forms.setdefault(name, {})
                found[form] = found.get(form, False) or step.needs_stored
    return {
        name: max(found, key=lambda form: (found[form], form[0] == "weight"))
        for name, found in forms.items()
        if name in trained and len(found) > 1
    }


def steps_of_parameter(
    name: str, path: str, form: Form, sizes: Mapping[str, Sizes], new: Callable[[Sizes], int]
) -> list[Step]:
    """Return the steps that make a tensor of a parameter, the last one that tensor itself.

    Args:
        name: its name in the file.
        path: the path of its layer.
        form: how a layer has it, which may join it with others, or transpose it.
        sizes: the sizes of all stored tensors by their names in the file.
        new: returns the number of a new tensor.
    """
    array, names = form
    first, *others = (sizes_of(each, sizes) for each in names)
    shape = (first[0] + sum(each[0] for each in others), *first[1:]) if others else first
    stored = {array: names[0] if len(names) == 1 else names}
    steps: list[Step] = [
        StoredStep(op=make(Learned, shape=shape or (1,), array=array), inputs=(), outputs=(new(shape),), stored=stored)
    ]
    (made,) = steps[0].outputs
    if others:
        start = sum(sizes_of(each, sizes)[0] for each in names[: names.index(name)])
        part = make(Slice, range=(start, start + sizes[name][0]))
        steps.append(along_axis(0, part, made, new(sizes[name])))
    elif names != (name,):
        steps.append(PermutationStep(order=(1, 0), inputs=(made,), outputs=(new(sizes[name]),)))
    origin = Origin(path, "", Learned.name, "")
    return [with_origin(step, origin) for step in steps]
