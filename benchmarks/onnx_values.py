"""Write narrowed networks as ONNX models with random weights, and compare ONNX Runtime with the executor.

    python -m benchmarks.onnx_values [SPEC ...]

By default, the bundled networks. A network is narrowed as for `verify`: on a small input, with a fraction of its
channels. Printed are the largest relative difference of an output, in double precision where ONNX Runtime has all
operators in it, and the counts.
"""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime

from archcalc import SpecError, load
from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from archcalc.verification.reduction import reduce_network
from archcalc.writers.onnx.write import write_onnx

FEW_OPERATIONS = 2_000_000
"""The number of operations to which networks are reduced."""
TOLERANCE = {np.float64: 1e-6, np.float32: 1e-4}


def difference(spec: str, dtype: type[np.floating]) -> float:
    """Return the largest difference of an output, relative to its largest number unless that is 0."""
    graph = reduce_network(load(spec).graph, lambda found: found.totals.flops <= FEW_OPERATIONS).graph
    weights = initial_arrays(graph, seed=1, dtype=dtype)
    inputs = random_inputs(graph, batch=2, seed=2, dtype=dtype)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    model = write_onnx(graph, weights, dtype=dtype)
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = {
        each.name: inputs[each.name].astype(np.int64) if "int64" in each.type else inputs[each.name]
        for each in run.get_inputs()
    }
    theirs = dict(zip([each.name for each in run.get_outputs()], run.run(None, given), strict=True))
    ours = Interpreter(graph, weights).run(inputs).outputs
    return max(float(np.max(np.abs(ours[name] - theirs[name])) / (np.max(np.abs(ours[name])) or 1)) for name in ours)


def main(specs: list[str]) -> None:
    """Print the differences, and the counts."""
    equal = 0
    for spec in specs:
        for dtype, tolerance in TOLERANCE.items():
            try:
                found = difference(spec, dtype)
            except SpecError as error:
                print(f"{spec}: {error}", flush=True)
                break
            except Exception as error:  # what ONNX Runtime does not have in this format
                print(f"{spec} in {dtype.__name__}: {str(error)[:150]}", flush=True)
                continue
            equal += found < tolerance
            print(f"{spec} in {dtype.__name__}: {found:.1e}", flush=True)
            break
    print(f"{equal} of {len(specs)} networks compute the same in ONNX Runtime")


if __name__ == "__main__":
    from archcalc.spec import bundled

    main(sys.argv[1:] or list(bundled()))
