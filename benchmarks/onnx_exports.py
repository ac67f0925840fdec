"""torchvision's networks, exported to ONNX by both exporters of PyTorch, against their exported programs.

Every network is built with random weights and exported by TorchScript's exporter (``ts``) and by that of
``torch.export`` (``dy``). The multiply–accumulates must be those of the same network in torchvision's catalogue
(`archcalc.load` of its bundled name); the parameters are those of the distinct initializers that the file uses, fewer
than the network's where the exporter folded batch norms or stored equal arrays once. Prints both, and exact/tried.

    python -m benchmarks.onnx_exports FOLDER [NAME …] [--export]

Exports need PyTorch, torchvision and onnxscript; reading them needs none of these.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import archcalc

IMAGE = 224


def export(name: str, folder: Path) -> None:
    """Write the files of a network that are missing."""
    import torch

    from tests.oracle.torchvision_import import import_torchvision

    models = import_torchvision().models
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = models.get_model(name, **options).eval()
    size = 299 if name == "inception_v3" else IMAGE
    example = (torch.randn(1, 3, size, size),)
    for kind in ("ts", "dy"):
        path = folder / f"{name}.{kind}.onnx"
        if not path.exists():
            torch.onnx.export(model, example, path, dynamo=kind == "dy", input_names=["x"], external_data=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--export", action="store_true", help="export the networks that are not in the folder")
    options = parser.parse_args()
    for name in options.names if options.export else ():
        export(name, options.folder)
    exact: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for path in sorted(options.folder.glob("*.onnx")):
        name, kind, _ = path.name.split(".")
        if options.names and name not in options.names:
            continue
        tried[kind] += 1
        truth = archcalc.load(name).analyze().totals
        try:
            found = archcalc.load(str(path)).analyze().totals
        except archcalc.SpecError as error:
            print(f"{path.name}: {error}")
            continue
        exact[kind] += found.macs == truth.macs
        print(
            f"{path.name}: {found.macs:,} MACs, {found.macs - truth.macs:+,}; "
            f"{found.params:,} parameters, {found.params - truth.params:+,}",
            flush=True,
        )
    print("; ".join(f"{kind}: {exact[kind]}/{tried[kind]} with exact MACs" for kind in tried))
    return 0 if exact == tried else 1


if __name__ == "__main__":
    sys.exit(main())
