"""Small networks of ONNX in every version of its operators, read and run by archcalc and ONNX Runtime.

Every network is converted from the version in which its operators have their oldest form to all later ones that the
`onnx` package knows. Prints the networks whose results differ or that are not read, with the versions, and the sums.
Versions that the converter of `onnx` refuses are counted apart, as are those that ONNX Runtime refuses; for these, what
archcalc says is printed. The converter leaves the scale of a GroupNormalization of version 18 as it is, with one number
per group, where version 21 has one per channel: both refuse such files.

    python -m benchmarks.onnx_opsets [VERSION …]
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import version_converter

import archcalc
from archcalc.executor.errors import ArrayError
from tests.readers.onnx.opset_networks import networks

TOLERANCE = 1e-4
NOT_CONVERTED = "not converted"
REFUSED = "ONNX Runtime refuses it; archcalc:"


def in_version(made: Any, version: int) -> Any | None:
    """Return a model in a version of the operators; ``None`` if it cannot be converted."""
    if made.opset_import[0].version == version:
        return made
    try:
        return version_converter.convert_version(made, version)
    except Exception:  # the converter raises what its adapters raise
        return None


def outcome_of(made: Any, path: Path) -> str:
    """Return ``equal``, what is wrong, or what archcalc says of a model that ONNX Runtime does not run."""
    path.write_bytes(made.SerializeToString())
    sizes = [dim.dim_value for dim in made.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(0).standard_normal(sizes).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    expected, prefix = None, ""
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        expected = session.run(None, {"x": x})
    except Exception:  # its exceptions have no common class
        prefix = f"{REFUSED} "
    try:
        network = archcalc.load(str(path), batch_axes={"x": "none"})
        found = network.run({"x": x[None]}).outputs.values()
    except (archcalc.SpecError, ArrayError) as error:
        return prefix + " ".join(str(error).removeprefix(f"{path}: ").split())[:160]
    if expected is None:
        return f"{REFUSED} it is read"
    for a, b in zip(found, expected, strict=True):
        if not np.allclose(a[0].reshape(b.shape), b, rtol=TOLERANCE, atol=TOLERANCE):
            return "the results differ"
    return "equal"


def main() -> int:
    warnings.simplefilter("ignore")
    chosen = {int(word) for word in sys.argv[1:]}
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, made in networks():
            wrong: dict[str, list[int]] = {}
            for version in range(made.opset_import[0].version, onnx.defs.onnx_opset_version() + 1):
                if chosen and version not in chosen:
                    continue
                converted = in_version(made, version)
                outcome = NOT_CONVERTED if converted is None else outcome_of(converted, Path(folder) / "net.onnx")
                kind = "refused by ONNX Runtime" if outcome.startswith(REFUSED) else outcome
                kinds[kind if kind in ("equal", NOT_CONVERTED) or kind != outcome else "wrong"] += 1
                if outcome not in ("equal", NOT_CONVERTED):
                    wrong.setdefault(outcome, []).append(version)
            for outcome, versions in wrong.items():
                print(f"{name}: {outcome} (versions {', '.join(map(str, versions))})", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    return 1 if kinds["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
