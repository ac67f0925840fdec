"""timm's models, exported to ONNX by both exporters of PyTorch, against what PyTorch counts.

Every model is built with random parameters and statistics, and exported by TorchScript's exporter (``ts``) and by that
of ``torch.export`` (``dy``). Half of what FlopCounterMode counts are the multiply–accumulates that its files must have.
Their trainable parameters must be those of the model, less the batch norms that the exporter folded, with the biases
that convolutions got from them, and with the tables that it expanded, which a note names. The reference is kept beside
the files. Prints both for each file, why a file cannot be exported or read, and exact/tried.

    python -m benchmarks.onnx_timm FOLDER [NAME …] [--export]

Exports need PyTorch, timm and onnxscript; reading them needs none of these.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import archcalc
from archcalc import Network, SpecError
from benchmarks.onnx_exports import IN_ADVANCE, parameters_of, randomise, repeated_numbers

KINDS = ("ts", "dy")


def export(name: str, folder: Path) -> None:
    """Write the files of a model, and what PyTorch counts, where they are missing."""
    import torch

    from tests.oracle.torchvision_import import import_torchvision

    import_torchvision()
    import timm

    torch.manual_seed(0)
    timm.layers.set_fused_attn(False)  # FlopCounterMode does not count what is fused on a CPU
    model = timm.create_model(name).eval()
    randomise(model)
    example = torch.randn(1, *model.pretrained_cfg["input_size"])
    reference = folder / f"{name}.json"
    if not reference.exists():
        reference.write_text(json.dumps(counts(model, example)))
    for kind in KINDS:
        path = folder / f"{name}.{kind}.onnx"
        if not path.exists():
            try:
                torch.onnx.export(model, (example,), str(path), dynamo=kind == "dy", external_data=False)
            except Exception as error:  # whatever an exporter raises
                print(f"{path.name}: the exporter failed: {type(error).__name__}: {str(error)[:120]!r}")


def counts(model: Any, example: Any) -> dict[str, int]:
    """Return the multiply–accumulates and trainable parameters of a model, and the parameters that exporters fold."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model.requires_grad_(False)  # its hooks on parameters that modules are called with need gradients
    with FlopCounterMode(display=False) as counter:
        model(example)
    model.requires_grad_(True)
    modules = [*model.modules()]
    norms = [each for each in modules if isinstance(each, torch.nn.modules.batchnorm._BatchNorm)]
    convolutions = [each for each in modules if isinstance(each, torch.nn.modules.conv._ConvNd)]
    return {
        "macs": counter.get_total_flops() // 2,
        "parameters": sum(each.numel() for each in model.parameters()),
        "norms": sum(each.numel() for norm in norms for each in norm.parameters(recurse=False)),
        "biases": sum(each.bias.numel() for each in convolutions if each.bias is not None),
    }


def expected_parameters(reference: dict[str, int], found: Network) -> int:
    """Return how many trainable parameters a file has if nothing is missing, and nothing counted twice."""
    folded = reference["norms"] - parameters_of(found, ("bn",))
    biases = parameters_of(found, ("conv",), "bias") - reference["biases"] if folded else 0
    return reference["parameters"] - folded + biases + repeated_numbers(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--export", action="store_true", help="export the models that are not in the folder")
    options = parser.parse_args()
    tried: Counter[str] = Counter()
    read: Counter[str] = Counter()
    macs: Counter[str] = Counter()
    parameters: Counter[str] = Counter()
    for name in options.names or sorted({each.stem for each in options.folder.glob("*.json")}):
        if options.export:
            export(name, options.folder)
        reference = json.loads((options.folder / f"{name}.json").read_text())
        for kind in KINDS:
            path = options.folder / f"{name}.{kind}.onnx"
            if not path.exists():
                continue
            tried[kind] += 1
            try:
                network = archcalc.load(str(path))
            except SpecError as error:
                print(f"{path.name}: {error}", flush=True)
                continue
            read[kind] += 1
            found = network.analyze().totals
            more, others = found.macs - reference["macs"], found.trainable - expected_parameters(reference, network)
            macs[kind] += more == 0
            parameters[kind] += others == 0
            notes = [note for note in network.graph.notes if IN_ADVANCE in note] if more or others else []
            print(
                f"{path.name}: {found.macs:,} MACs, {more:+,}; {found.trainable:,} trainable parameters, {others:+,}"
                + "".join(f"\n    {note}" for note in notes),
                flush=True,
            )
    for kind, count in tried.items():
        print(f"{kind}: {read[kind]}/{count} read; MACs of {macs[kind]} and parameters of {parameters[kind]} are exact")
    return 0 if tried == read == macs == parameters else 1


if __name__ == "__main__":
    sys.exit(main())
