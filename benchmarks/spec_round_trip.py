"""Write networks as specs with blocks, and read them again.

    python -m benchmarks.spec_round_trip [SPEC | FOLDER ...]

By default, the bundled networks; of a folder, all model files. A network is equal if the spec reads as the same layers
on the same tensors, after patterns were recognised, and if trained parameters, multiply–accumulates and the shapes of
inputs and outputs are those of the network itself. (Masks that only say what attention does are no longer stored.)
Printed are the lines of each spec, and what differs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from archcalc import SpecError, load
from archcalc.api import Network
from archcalc.spec import bundled
from archcalc.spec.errors import Source
from archcalc.spec.read import read_spec
from archcalc.writers.spec.compact import forms, is_same, write_compact

SUFFIXES = {".pt2", ".onnx", ".keras", ".json", ".yaml"}


def figures(network: Network) -> dict[str, object]:
    """Return what must not change."""
    graph, totals = network.graph, network.analyze().totals
    return {
        "inputs": [*graph.inputs.values()],
        "outputs": [graph.shape(ref) for ref in graph.outputs.values()],
        "macs": totals.macs,
        "trainable": totals.trainable,
    }


def differences(network: Network, written: str) -> str:
    """Return what differs in the network that a spec describes; empty if all is equal."""
    again = Network(read_spec(Source("the written spec", written)))
    before, after = figures(network), figures(again)
    found = [f"{key}: {before[key]}, {after[key]}" for key in before if before[key] != after[key]]
    if not any(is_same(form, written) for form in forms(network.graph, network.constants())):
        found.append("other layers")
    return "; ".join(found)


def found_in(argument: str) -> list[str]:
    """Return a spec, or the model files of a folder."""
    path = Path(argument)
    if not path.is_dir():
        return [argument]
    return [str(each) for each in sorted(path.iterdir()) if each.suffix in SUFFIXES and is_model(each)]


def is_model(path: Path) -> bool:
    """Return whether a file is not one with facts about another file."""
    return path.suffix != ".json" or not path.with_suffix(".pt2").exists()


def main(arguments: list[str]) -> None:
    """Print the lines of each spec, or the error, and the counts."""
    specs = [each for argument in arguments for each in found_in(argument)] if arguments else [*bundled()]
    equal = 0
    for spec in specs:
        try:
            network = load(spec)
            written = write_compact(network.graph, network.constants())
            found = differences(network, written)
        except SpecError as error:
            print(f"{spec}: {error}", flush=True)
            continue
        equal += not found
        lines = f"{len(network.graph.nodes)} layers in {len(written.splitlines())} lines"
        print(f"{spec}: {lines}{', ' * bool(found)}{found}", flush=True)
    print(f"{equal} of {len(specs)} networks are equal after a round trip")


if __name__ == "__main__":
    main(sys.argv[1:])
