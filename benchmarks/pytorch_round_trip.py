"""Write networks as code for PyTorch, export the modules that it defines as ``.pt2``, and read these files again.

    python -m benchmarks.pytorch_round_trip [SPEC ...]

By default, the bundled networks. Modules are made on the meta device, without numbers. Compared are the shapes of
inputs and outputs, multiply–accumulates, and parameters. Needs torch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from archcalc import SpecError, load
from archcalc.api import Network
from archcalc.executor.inputs import vocabularies
from archcalc.graph import Graph
from archcalc.spec import bundled
from tests.oracle.generated_pytorch import module_of


def figures(network: Network) -> dict[str, object]:
    """Return what must not change."""
    graph, totals = network.graph, network.analyze().totals
    outputs = [graph.shape(ref) for ref in graph.outputs.values()]
    return {"inputs": [*graph.inputs.values()], "outputs": outputs, "macs": totals.macs, "trainable": totals.trainable}


def export(graph: Graph, path: Path) -> None:
    """Export the module of a network."""
    with torch.device("meta"):
        module = module_of(graph).eval()
    tables = vocabularies(graph)
    inputs = tuple(
        [
            torch.zeros(2, *map(int, shape), device="meta", dtype=torch.long if name in tables else torch.float32)
            for name, shape in graph.inputs.items()
        ]
    )
    with torch.no_grad():
        program = torch.export.export(module, inputs)
    torch.export.save(program, path)


def differences(spec: str, path: Path) -> str:
    """Return what differs after a round trip, or the error that ends it; empty if all is equal."""
    try:
        network = load(spec)
        export(network.graph, path)
        before, after = figures(network), figures(load(str(path)))
    except (SpecError, RuntimeError, torch._dynamo.exc.TorchDynamoException) as error:
        return str(error).strip()[:200]
    return "; ".join(f"{key}: {before[key]}, {after[key]}" for key in before if before[key] != after[key])


def main(specs: list[str]) -> None:
    """Print the differences, and the counts."""
    equal = 0
    with TemporaryDirectory() as folder:
        for spec in specs:
            found = differences(spec, Path(folder, "net.pt2"))
            equal += not found
            if found:
                print(f"{spec}: {found}", flush=True)
    print(f"{equal} of {len(specs)} networks are equal after a round trip")


if __name__ == "__main__":
    main(sys.argv[1:] or list(bundled()))
