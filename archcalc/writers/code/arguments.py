"""The arguments of a network: the variables of its spec and the features of its input, where its code follows them.

The network is read again with other values. An argument is written if the code of all these versions differs in values
only, and each of them is an argument, or a multiple or part of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import NamedTuple, TypeAlias

from archcalc.graph import Graph, Ref
from archcalc.numeric import Number
from archcalc.spec.errors import SpecError
from archcalc.writers.code.classes import Classes, Codes
from archcalc.writers.code.parameters import ARGUMENT, ClassParameter

Reader: TypeAlias = Callable[[Mapping[str, str], Mapping[str, Number]], Graph]
"""Reads the network with other values of variables, as written, and of input sizes; a SpecError if there is none."""
Other: TypeAlias = "tuple[Graph, Codes]"

MAX_LAYERS = 3000
"""The number of layers of networks that are not read again and again."""
VERSIONS = 2
"""The maximum number of further values of an argument."""


class ArgumentCandidate(NamedTuple):
    """What may be an argument."""

    name: str
    key: str
    """Its name for the reader."""
    of: Callable[[Graph], Number]
    """Returns its value."""
    is_variable: bool = True
    """Whether it is a variable, and not an input size."""


def with_arguments(
    graph: Graph,
    read: Reader,
    codes_of: Callable[[Graph], Codes],
    classes_of: Callable[[Sequence[ClassParameter], Sequence[Other]], Classes],
) -> Classes:
    """Return the classes of a network with as many arguments as possible.

    Args:
        graph: the network.
        read: reads it with other values.
        codes_of: returns how its layers are written.
        classes_of: returns the classes of the network with arguments, given its other versions.
    """

    def version(values: Mapping[ArgumentCandidate, Number]) -> list[Other]:
        texts = {each.key: decimal(value) for each, value in values.items() if each.is_variable}
        try:
            other = read(texts, {each.key: value for each, value in values.items() if not each.is_variable})
            return [(other, codes_of(other))]
        except SpecError:
            return []

    def classes(settings: Sequence[ArgumentCandidate], versions: Sequence[Other]) -> Classes:
        graphs = [graph, *(other for other, _ in versions)]
        values = [(each.name, tuple([each.of(other) for other in graphs])) for each in settings]
        return classes_of([ClassParameter(name, every, ARGUMENT, every[0]) for name, every in values], versions)

    chosen = dict[ArgumentCandidate, list[Other]]()
    for setting in settings_of(graph) if len(graph.nodes) <= MAX_LAYERS else ():
        versions = list[Other]()
        for value in other_values(setting.of(graph), whole=not setting.is_variable):
            if len(versions) < VERSIONS:
                versions += version({setting: value})
        if len(versions) > 1 and classes([setting], versions).agree:
            chosen[setting] = versions
    while len(chosen) > 1:
        together = version({setting: 2 * setting.of(graph) for setting in chosen})
        made = classes([*chosen], [*chain(*chosen.values()), *together])
        if made.agree:
            return made
        chosen.popitem()
    return classes([*chosen], [*chain(*chosen.values())])


def settings_of(graph: Graph) -> Iterator[ArgumentCandidate]:
    """Yield what may be an argument: the features of a single input, and variables that are positive numbers."""
    if len(graph.inputs) == 1 and (axis := graph.features_of(Ref(0))) is not None:
        ((name, shape),) = graph.inputs.items()
        kind = "in_channels" if axis == 0 and len(shape) > 1 else "in_features"
        yield ArgumentCandidate(kind, f"{name}.n{axis}", lambda other: other.shape(Ref(0))[axis], is_variable=False)
    for name, value in graph.variables.items():
        if type(value) in (int, Fraction) and value > 0:
            yield ArgumentCandidate(name, name, lambda other, name=name: other.variables[name])  # type: ignore[misc]


def decimal(value: Number) -> str:
    return str(value if isinstance(value, int) else float(value))


def other_values(value: Number, *, whole: bool) -> list[Number]:
    """Return values to read a network with; the first one is no integer, which a width cannot be."""
    if isinstance(value, int):
        return [*([] if whole else [value + Fraction(7, 20)]), value + 1, value * 2, max(value // 2, 1), value * 3]
    return [value / 2, value * 3 / 4]
