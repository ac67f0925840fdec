"""Write networks as code for Keras, build the models, and compare them with the networks.

    KERAS_BACKEND=torch python -m benchmarks.keras_round_trip [SPEC ...]

By default, the bundled networks of at most 1e9 parameters. Compared are `count_params` and the shapes of the outputs of
the model; from the ``.keras`` file that Keras writes, parameters and multiply–accumulates, where archcalc reads all
layers (of those that the code defines itself, sources of tensors are declared); and of the narrowed network, the
outputs with the same numbers. Prints what differs, what cannot be written, and the counts. Needs Keras with a backend.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from archcalc import SpecError, load
from archcalc.analysis.propagate import analyze
from archcalc.analysis.resize import narrowed
from archcalc.graph import Graph, Ref
from archcalc.numeric import Impossible
from archcalc.ops.source import SourceOperator
from archcalc.spec import bundled
from archcalc.spec.write import write_layer
from archcalc.writers.keras.layout import AxisOrder, layouts_of
from archcalc.writers.keras.write import plan_of, write_keras
from tests.oracle.generated_keras import differences, model_of

MAX_PARAMETERS = 10**9
"""The maximum number of parameters of a network that is built."""
TOLERANCE = 2e-3
"""The largest difference of an output, relative to its largest number."""
WIDTHS = (16, 8, 4, 2, 1)
"""By what numbers of channels are divided for outputs: the first one by which the network remains possible."""


def small(graph: Graph) -> Graph:
    """Return a network with as few channels as possible."""
    for factor in WIDTHS:
        with suppress(Impossible):
            found = narrowed(graph, factor)
            analyze(found)
            return found
    return graph


def compared(graph: Graph, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what is compared, and the difference; empty if there is none."""
    totals = analyze(graph).totals
    model = model_of(graph)
    layouts = layouts_of(graph)
    ours = [layouts.made[ref].of(graph.shape(ref)) for ref in graph.outputs.values()]
    theirs = [tuple(each.shape[1:]) for each in model.outputs]
    yield "params", "" if model.count_params() == totals.params else f"{totals.params}, {model.count_params()}"
    yield "shapes", "" if ours == theirs else f"{ours}, {theirs}"
    yield "file", from_file(model, graph, Path(folder, "net.keras"))
    largest = max(differences(small(graph)).values(), default=0.0)
    yield "outputs", "" if largest < TOLERANCE else f"{largest:.1e}"


SOURCES = ("constant", "learned", "relative_bias", "shift_mask")
"""The operators that read nothing, for which the code defines layers itself."""


def declarations(graph: Graph) -> dict[str, str]:
    """Return the layers that the code defines itself for sources, by the names of the layers of Keras."""
    plan = plan_of(graph)
    layouts = layouts_of(graph)
    found = {}
    for place in plan.functions.places():
        node = graph.nodes[place.layer]
        if node.op.name not in SOURCES:
            continue
        layout = "hwc" if layouts.made[Ref(place.layer)] is AxisOrder.LAST else "chw"
        found[place.name] = write_layer(node.op, layout)
        if not isinstance(node.op, SourceOperator) and AxisOrder.LAST in layouts.made.values():
            last, *others = range(len(node.output))[::-1]  # without a shape in the text, read with the last axis first
            found[place.name] += f" -> transpose {'x'.join(map(str, [last, *others[::-1]]))}"
    return found


def from_file(model: object, graph: Graph, path: Path) -> str:
    """Return what differs in the file that Keras writes."""
    model.save(path)  # type: ignore[attr-defined]
    before = analyze(graph).totals
    try:
        after = load(str(path), layers=declarations(graph)).analyze().totals
    except SpecError as error:
        return error.problems[0].message
    finally:
        path.unlink()
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in ("params", "trainable", "macs")]
    return "; ".join(f"{name}: {one}, {other}" for name, one, other in pairs if one != other)


def main(specs: list[str]) -> None:
    """Print the differences, and the counts."""
    equal, tried = Counter[str](), Counter[str]()
    with TemporaryDirectory() as folder:
        for spec in specs:
            graph = load(spec).graph
            if analyze(graph).totals.params > MAX_PARAMETERS:
                continue
            tried["written"] += 1
            try:
                write_keras(graph)
            except SpecError as error:
                print(f"{spec}: {'; '.join(problem.message for problem in error.problems[:3])}", flush=True)
                continue
            equal["written"] += 1
            for name, difference in compared(graph, Path(folder)):
                tried[name] += 1
                equal[name] += not difference
                if difference:
                    print(f"{spec}: {name}: {difference}", flush=True)
    print(", ".join(f"{name} {equal[name]}/{count}" for name, count in tried.items()))


if __name__ == "__main__":
    main(sys.argv[1:] or list(bundled()))
