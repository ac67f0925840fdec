"""Models of other formats as specs without text, at the sizes that are given."""

from __future__ import annotations

from collections.abc import Collection

from archcalc.spec.errors import Source, fail, listing, suggest
from archcalc.spec.given_shapes import given_axes, given_shapes, parsed_shapes
from archcalc.spec.limits import Limits
from archcalc.spec.models import ModelOptions, ModelSource
from archcalc.spec.network import ParsedNetwork
from archcalc.spec.records import GivenSettings, Spec, SpecOutline
from archcalc.spec.source_lines import source_lines


def read_model(source: Source, reader: ModelSource, given: GivenSettings, limits: Limits) -> Spec:
    """Return a model of another format as a spec without text.

    Args:
        source: where it is from.
        reader: what reads it.
        given: what is given from outside.
        limits: limits on the work.

    Raises:
        SpecError: it cannot be read, or what is given does not fit it.
    """
    sizes = _sizes_from(given)
    written = parsed_shapes(given, "chw", limits)
    model = reader.read(
        ModelOptions(given.arguments, given.batch_axes, written, given.partial, given.values, sizes, given.layers)
    )
    names = model.axis_names
    _require_names(given, names)
    given = given._replace(numbers={name: size for name, size in sizes.items() if name in names} | {**given.numbers})
    shapes = given_shapes(model.inputs, given, {}, model.layout, limits, source.name, names)
    graph = model.graph(shapes, given_axes(shapes, given, names), given.attributes, given.observe)
    network = ParsedNetwork(graph.name, graph.inputs, {}, {}, {}, (), (), (), graph.layout)
    return Spec(source, graph, (), SpecOutline(None, network, source_lines(graph)), model=model)


def _sizes_from(given: GivenSettings) -> dict[str, int]:
    """Return the sizes that ``--set`` gives, by the names that the file has for them.

    Settings that are for other networks too (`GivenSettings.shared`) may be no sizes.

    Raises:
        SpecError: a value is not a positive integer.
    """
    sizes = {}
    for name, written in given.set.items():
        if written.isascii() and written.isdecimal() and 0 < len(written) < 1000 and int(written) > 0:
            sizes[name] = int(written)
        elif name not in given.shared:
            reason = f"only sizes of a model can be set; they must be positive integers, got '{written[:40]}'"
            fail("argument", reason, origin=f"--set {name[:40]}")
    return sizes


def _require_names(given: GivenSettings, names: Collection[str]) -> None:
    """Require that the names of ``--set`` are names that the model has for sizes, unless they are for others too.

    Raises:
        SpecError: one is not.
    """
    for name in given.set:
        if name not in names and name not in given.shared:
            reason = f"no size '{name[:40]}' in the model" if names else f"no variable '{name[:40]}': a model has none"
            hint = suggest(name, names, listing("named size", names)) if names else ""
            fail("unknown-name", reason, hint=hint, origin=f"--set {name[:40]}")
