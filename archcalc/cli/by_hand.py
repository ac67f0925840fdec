"""``archcalc run`` on small arrays: exact numbers, tensors printed in full, one number worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archcalc.arrays.texts import DIGITS, shape_text
from archcalc.cli.execution import array_errors
from archcalc.cli.options import default_format, print_table
from archcalc.cli.run_table import table
from archcalc.report.json_text import write_json
from archcalc.report.table import Column, Table
from archcalc.spec.errors import fail

if TYPE_CHECKING:
    from archcalc.api import Network
    from archcalc.executor.interpreter import LayerTrace
    from archcalc.executor.kernel import Array
    from archcalc.graph import Ref
    from archcalc.report.worked import Worked

MAX_OPERATIONS = 2_000_000
"""The most operations of a network, or of a layer, that is evaluated by loops."""
MAX_EXACT_OPERATIONS = 200_000
"""The same for exact numbers, which are slower."""

_PLACE = re.compile(r"(.+?)\s*[:\[]\s*(\d+(?:\s*,\s*\d+)*)\s*\]?", re.ASCII)


class Place(NamedTuple):
    """A number of the output of a layer."""

    layer: str
    indices: tuple[int, ...]


def read_places(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[Place, ...]:
    """Return the values of ``--at``: ``LAYER:INDEX`` each."""
    places = []
    for text in values:
        found = _PLACE.fullmatch(text.strip())
        if found is None:
            raise click.UsageError(f"--at must be LAYER:INDEX such as conv_1:0,2,2, got '{text[:60]}'")
        places.append(Place(found[1], tuple(int(each) for each in found[2].split(","))))
    return tuple(places)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The tensors of a small network, batch in front, and its stored arrays."""

    network: Network
    tensors: Mapping[Ref, Array]
    weights: Mapping[str, Array]

    def named(self, names: Sequence[str]) -> dict[str, Array]:
        """Return tensors by name."""
        return {name: self.tensors[self.network.tensor(name)] for name in names}


def evaluate_exactly(network: Network, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> Evaluated:
    """Evaluate a network in fractions and roots.

    Args:
        network: a small network.
        inputs: an array for every input, batch in front, of fractions or floats.
        weights: the stored arrays, likewise.

    Raises:
        SpecError: the network is too large, or a result has no exact form.
    """
    from archcalc.cli.given_arrays import exact
    from archcalc.executor.by_definition import evaluate
    from archcalc.executor.loops.exact import InexactError

    totals = network.analyze().totals
    batch = len(next(iter(inputs.values())))
    within_operations(network.name, int(totals.flops) * batch, MAX_EXACT_OPERATIONS, "--exact")
    try:
        with array_errors("--exact"):
            stored = exact(weights)
            return Evaluated(network, evaluate(network.graph, exact(inputs), stored), stored)
    except InexactError as error:
        hint = "run without --exact for decimal numbers"
        fail("argument", f"no exact result: {error}", hint=hint, origin="--exact")


def within_operations(name: str, operations: int, most: int, origin: str) -> None:
    """Fail if more operations are asked for than loops evaluate in a few seconds."""
    if operations > most:
        hint = "choose a smaller --shape"
        fail("too-large", f"{name} takes {operations:,} operations, at most {most:,}", hint=hint, origin=origin)


def work_out(evaluated: Evaluated, place: Place) -> tuple[Worked, dict[str, Array]]:
    """Return how one number is computed from the inputs and the stored arrays of its layer, and these arrays.

    Raises:
        SpecError: no such layer or index, or a layer that is too large.
    """
    from archcalc.executor.loops.record import Recorded
    from archcalc.executor.loops.run import record_layer
    from archcalc.executor.weights import array_names
    from archcalc.report.worked import worked

    network, graph = evaluated.network, evaluated.network.graph
    ref = network.tensor(place.layer)
    node = graph.nodes[ref.node]
    if node.is_input:
        fail("argument", f"'{place.layer[:60]}' is an input: it is not computed", origin="--at")
    example, index = _index(place, evaluated.tensors[ref].shape)
    operations = int(node.op.cost(graph.input_shapes(node)).flops)
    within_operations(f"'{node.name}'", operations, MAX_OPERATIONS, "--at")
    inputs = {_name(network, each): evaluated.tensors[each][example] for each in node.inputs}
    stored = {name: evaluated.weights[full] for name, full in array_names(graph, node).items()}
    with array_errors("--at"):
        outputs = record_layer(node.op, inputs, stored)
    number = outputs[ref.output][index]
    written = f"{place.layer}[{', '.join(map(str, index))}]"
    found = number if isinstance(number, Recorded) else Recorded(number)
    return worked(written, found), {**inputs, **stored}


def _index(place: Place, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the example and the index of a number; leading axes of size 1 may be left out."""
    sizes = shape[1:]
    index = place.indices
    if len(index) == len(sizes) + 1:
        example, index = index[0], index[1:]
    else:
        example = 0
        missing = len(sizes) - len(index)
        if missing > 0 and prod(sizes[:missing]) == 1:
            index = (0,) * missing + index
    if len(index) != len(sizes) or any(at >= size for at, size in zip((example, *index), shape, strict=True)):
        hint = f"give {len(sizes)} {'index' if len(sizes) == 1 else 'indices'}, counted from 0, channels first"
        got = ", ".join(map(str, place.indices))
        fail(
            "argument",
            f"'{place.layer[:60]}' has no number [{got}]: its shape is {shape_text(sizes)}",
            hint=hint,
            origin="--at",
        )
    return example, index


def _name(network: Network, ref: Ref) -> str:
    node = network.graph.nodes[ref.node]
    return node.name if len(node.outputs) == 1 else f"{node.name}, output {ref.output}"


class Tensors:
    """The inputs and outputs of some layers, which are taken during a run."""

    def __init__(self, layers: Collection[int]) -> None:
        self.layers = layers
        self.found: dict[Ref, Array] = {}

    def observer(self, then: Callable[[LayerTrace], object] | None) -> Callable[[LayerTrace], None]:
        """Return what is to observe a run: this, then another observer."""

        def observe(trace: LayerTrace) -> None:
            self.observe(trace)
            if then is not None:
                then(trace)

        return observe

    def observe(self, trace: LayerTrace) -> None:
        """Take the tensors of a layer."""
        from archcalc.graph import Ref

        if trace.number in self.layers:
            self.found.update(zip(trace.node.inputs, trace.inputs, strict=True))
            self.found.update({Ref(trace.number, output): array for output, array in enumerate(trace.outputs)})


def print_by_hand(
    evaluated: Evaluated, tensors: Mapping[str, Array], values: Mapping[str, Any], form: str | None, color: str
) -> None:
    """Print the numbers of small tensors and the ranges of large ones, and numbers that are worked out.

    Args:
        evaluated: the tensors around the layers of ``--at``.
        tensors: the tensors to print, by name.
        values: the options of the command.
        form: the format.
        color: when to use colour.
    """
    from archcalc.report.matrices import is_small

    form, digits = default_format(form, color), values["digits"] or DIGITS
    if form == "json":
        click.echo(write_json(document(evaluated, tensors, values)), nl=False)
        return
    if values["places"]:
        click.echo(worked_text(evaluated, values["places"], form, digits), nl=False)
        if not values["printed"]:
            return
        click.echo()
    small = {name: array for name, array in tensors.items() if is_small(array[0]) or name in values["printed"]}
    if form in ("plain", "rich"):
        for line in tensors_lines(small, digits):
            click.echo(line)
    elif small:
        print_table(values_table(small, digits), form, color)
    if large := {name: array for name, array in tensors.items() if name not in small}:
        print_table(table(evaluated.network, large), form, color)


def tensors_lines(tensors: Mapping[str, Array], digits: int) -> Iterator[str]:
    """Yield the lines of tensors; of exact ones with roots also as decimals."""
    from archcalc.report.matrices import array_lines, decimals

    for name, array in tensors.items():
        yield from array_lines(name, array, digits=digits)
        if (rounded := decimals(array)) is not None:
            yield from array_lines(f"{name}, in decimals", rounded, digits=digits)


def values_table(tensors: Mapping[str, Array], digits: int) -> Table:
    """Return a table with a row for every number."""
    import numpy as np

    from archcalc.report.matrices import number_text

    columns = (Column("tensor", "tensor"), Column("index", "index"), Column("value", "value", "right"))
    rows = [
        (name, " ".join(map(str, index[len(array) == 1 :])), number_text(number, digits))
        for name, array in tensors.items()
        for index, number in np.ndenumerate(array)
    ]
    return Table(columns, tuple(rows))


def document(evaluated: Evaluated, tensors: Mapping[str, Array], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return tensors and numbers that are worked out as data. Exact numbers are texts."""
    from archcalc.report.matrices import is_small, nested
    from archcalc.report.worked import record

    found: dict[str, Any] = {"network": evaluated.network.name, "tensors": []}
    for name, array in tensors.items():
        entry: dict[str, Any] = {"tensor": name, "shape": list(array.shape)}
        if is_small(array[0]) or name in values["printed"]:
            entry["values"] = nested(array)
        else:
            entry |= {"min": float(array.min()), "mean": float(array.mean(dtype="float64")), "max": float(array.max())}
        found["tensors"].append(entry)
    if values["places"]:
        found["worked"] = [record(work_out(evaluated, place)[0]) for place in values["places"]]
    return found


def worked_text(evaluated: Evaluated, places: Sequence[Place], form: str, digits: int) -> str:
    """Return numbers worked out as text, Markdown or LaTeX."""
    from archcalc.report.worked import worked_latex, worked_lines, worked_markdown

    write = {"markdown": worked_markdown, "latex": worked_latex}.get(form, worked_lines)
    parts = []
    for place in places:
        found, arrays = work_out(evaluated, place)
        parts.append("".join(f"{line}\n" for line in write(found, arrays, digits=digits)))
    return "\n".join(parts)
