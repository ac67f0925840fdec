"""Write networks as ONNX models without weights, check the models, read them, and write what was read as specs.

    python -m benchmarks.onnx_round_trip [SPEC ...]

By default, the bundled networks. A network is equal if the spec has its inputs, outputs of the same shapes, and as many
multiply–accumulates, trained parameters and stored numbers. Its layers are the same if the spec also has the same
operators in the same order, on tensors of the same shapes and with as many parameters; attributes may be written in
another form, such as padding as a number instead of a mode.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from archcalc import SpecError, load
from archcalc.analysis.propagate import analyze
from archcalc.api import Network
from archcalc.graph import Graph
from archcalc.spec import bundled
from archcalc.spec.errors import Source
from archcalc.spec.read import read_spec
from archcalc.writers.onnx.write import write_onnx
from archcalc.writers.recognition import recognised
from archcalc.writers.recognition.rewriting import only_reorders
from archcalc.writers.spec.compact import write_compact


def figures(network: Network) -> dict[str, object]:
    """Return what must not change."""
    graph, totals = network.graph, network.analyze().totals
    return {
        "inputs": [*graph.inputs.values()],
        "outputs": [graph.shape(ref) for ref in graph.outputs.values()],
        "macs": totals.macs,
        "trainable": totals.trainable,
        "params": totals.params,
    }


def layers(graph: Graph) -> Iterator[tuple[object, ...]]:
    """Yield the layers of a graph after patterns were recognised."""
    found = recognised(graph)
    for layer in analyze(found, receptive=False).layers:
        node = found.nodes[layer.node]
        if not node.op.drops:  # exporters leave it out
            name = "reordering" if only_reorders(node.op) else node.op.name
            yield (name, node.output, layer.params, found.input_shapes(node))


def written(network: Network, path: Path) -> Network:
    """Return the network of the spec of an ONNX file that is written."""
    path.write_bytes(write_onnx(network.graph))
    onnx.checker.check_model(str(path), full_check=True)
    model = load(str(path))
    return Network(read_spec(Source("the written spec", write_compact(model.graph, model.constants()))))


def main(specs: list[str]) -> None:
    """Print the differences, and the counts."""
    equal = same = 0
    with TemporaryDirectory() as folder:
        for spec in specs:
            try:
                network = load(spec)
                again = written(network, Path(folder, "net.onnx"))
            except (SpecError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
                print(f"{spec}: {error}", flush=True)
                continue
            before, after = figures(network), figures(again)
            found = "; ".join(f"{key}: {before[key]}, {after[key]}" for key in before if before[key] != after[key])
            equal += not found
            one, other = list(layers(network.graph)), list(layers(again.graph))
            same += not found and one == other
            if found:
                print(f"{spec}: {found}", flush=True)
            elif one != other:
                pairs = enumerate(zip(one, other, strict=False))
                shorter = (min(len(one), len(other)), None)
                place, different = next(((at, pair) for at, pair in pairs if pair[0] != pair[1]), shorter)
                print(f"{spec}: other layers from {place} on: {different}"[:300], flush=True)
    print(f"{equal} of {len(specs)} networks are equal after a round trip, {same} with the same layers")


if __name__ == "__main__":
    main(sys.argv[1:] or list(bundled()))
