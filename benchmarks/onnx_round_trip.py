"""Write networks as ONNX models without weights, check the models, and read them again.

    python -m benchmarks.onnx_round_trip [SPEC ...]

By default, the bundled networks. Compared are the shapes of inputs and outputs, multiply–accumulates, and parameters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from archcalc import SpecError, load
from archcalc.api import Network
from archcalc.spec import bundled
from archcalc.writers.onnx.write import write_onnx


def figures(network: Network) -> dict[str, object]:
    """Return what must not change."""
    graph, totals = network.graph, network.analyze().totals
    outputs = [graph.shape(ref) for ref in graph.outputs.values()]
    return {
        "inputs": graph.inputs,
        "outputs": outputs,
        "macs": totals.macs,
        "trainable": totals.trainable,
        "params": totals.params,
    }


def differences(spec: str, path: Path) -> str:
    """Return what differs after a round trip, or the error that ends it; empty if all is equal."""
    try:
        network = load(spec)
        path.write_bytes(write_onnx(network.graph))
        onnx.checker.check_model(str(path), full_check=True)
        before, after = figures(network), figures(load(str(path)))
    except (SpecError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error)
    return "; ".join(f"{key}: {before[key]}, {after[key]}" for key in before if before[key] != after[key])


def main(specs: list[str]) -> None:
    """Print the differences, and the counts."""
    equal = 0
    with TemporaryDirectory() as folder:
        for spec in specs:
            found = differences(spec, Path(folder, "net.onnx"))
            equal += not found
            if found:
                print(f"{spec}: {found}", flush=True)
    print(f"{equal} of {len(specs)} networks are equal after a round trip")


if __name__ == "__main__":
    main(sys.argv[1:] or list(bundled()))
