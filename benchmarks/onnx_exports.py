"""torchvision's networks, exported to ONNX by both exporters of PyTorch, against torchvision's catalogue.

Every network is built with random parameters and statistics and exported by TorchScript's exporter (``ts``) and by that
of ``torch.export`` (``dy``). Its multiply–accumulates must be those of the bundled network, which are torchvision's.
Its trainable parameters must be those, less the batch norms that the exporter folded, with the biases that convolutions
got from them, and with the tables that it expanded, which a note names. Files in which the exporter computed layers in
advance, as another note says, are listed as such. Prints both, and exact/tried.

    python -m benchmarks.onnx_exports FOLDER [NAME …] [--export]

Exports need PyTorch, torchvision and onnxscript; reading them needs none of these.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import archcalc
from archcalc import Network, SpecError

MAX_BYTES = 2**31 - 2**24
"""How many bytes of weights one file may hold, leaving room for the graph: Protobuf allows two gibibytes."""

IN_ADVANCE = "that the exporter computed in advance"
"""What the note says of a file in which layers are missing because their results are stored."""

EXPANDED = re.compile(r"expanded tables?: ([\d,]+) parameters with ([\d,]+) distinct")


def export(name: str, folder: Path) -> None:
    """Write the files of a network that are missing."""
    import torch

    from tests.oracle.torchvision_import import import_torchvision

    import_torchvision()
    from torchvision import models

    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = models.get_model(name, **options).eval()
    (shape,) = bundled(name).graph.inputs.values()
    randomise(model)
    example = (torch.randn(1, *shape),)
    external = sum(each.nbytes for each in (*model.parameters(), *model.buffers())) > MAX_BYTES
    for kind in ("ts", "dy"):
        path = folder / f"{name}.{kind}.onnx"
        if not path.exists():
            torch.onnx.export(model, example, str(path), dynamo=kind == "dy", input_names=["x"], external_data=external)


def randomise(model: Any) -> None:
    """Give all parameters and statistics of a module random values: exporters store equal arrays once."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
        for name, buffer in model.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 1.5)


def bundled(name: str) -> Network:
    """Return torchvision's network of this name."""
    try:
        return archcalc.load(f"{name}:torchvision")
    except SpecError:
        return archcalc.load(name)


def parameters_of(network: Network, kinds: tuple[str, ...], weight: str = "") -> int:
    """Return the number of trainable parameters of kinds of layers, or those of one name in them.

    Layers that only training uses are left out, as they are from the totals and from exports.
    """
    graph = network.graph
    return sum(
        each.count
        for node in graph.nodes
        if node.op.name in kinds and not node.training
        for each in node.op.weights(graph.input_shapes(node))
        if each.trainable and weight in ("", each.name)
    )


def repeated_numbers(network: Network) -> int:
    """Return how many more numbers expanded tables have than distinct ones, as the notes of a network say."""
    found = filter(None, map(EXPANDED.search, network.graph.notes))
    counts = [[int(each.replace(",", "")) for each in numbers.groups()] for numbers in found]
    return sum(stored - distinct for stored, distinct in counts)


def expected_parameters(truth: Network, found: Network) -> int:
    """Return how many trainable parameters an export has if nothing is missing, and nothing counted twice."""
    folded = parameters_of(truth, ("bn",)) - parameters_of(found, ("bn",))
    biases = 0
    if folded:  # otherwise, a linear layer at every position may be a convolution in one and none in the other
        biases = parameters_of(found, ("conv",), "bias") - parameters_of(truth, ("conv",), "bias")
    return truth.analyze().totals.trainable - folded + biases + repeated_numbers(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--export", action="store_true", help="export the networks that are not in the folder")
    options = parser.parse_args()
    for name in options.names if options.export else ():
        export(name, options.folder)
    macs: Counter[str] = Counter()
    in_advance: Counter[str] = Counter()
    parameters: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for path in sorted(options.folder.glob("*.onnx")):
        name, kind, _ = path.name.split(".")
        if options.names and name not in options.names:
            continue
        tried[kind] += 1
        truth = bundled(name)
        try:
            network = archcalc.load(str(path))
        except SpecError as error:
            print(f"{path.name}: {error}")
            continue
        found = network.analyze().totals
        more, expected = found.macs - truth.analyze().totals.macs, expected_parameters(truth, network)
        macs[kind] += more == 0
        without_layers = more < 0 and any(IN_ADVANCE in note for note in network.graph.notes)
        in_advance[kind] += without_layers
        parameters[kind] += found.trainable == expected
        print(
            f"{path.name}: {found.macs:,} MACs, {more:+,}; "
            f"{found.trainable:,} trainable parameters, {found.trainable - expected:+,}"
            + (" (the exporter computed layers in advance)" if without_layers else ""),
            flush=True,
        )
    for kind, count in tried.items():
        print(
            f"{kind}: MACs of {macs[kind]}/{count} and parameters of {parameters[kind]}/{count} are exact; "
            f"in {in_advance[kind]} files, the exporter computed layers in advance"
        )
    return 0 if macs == tried == parameters else 1


if __name__ == "__main__":
    sys.exit(main())
