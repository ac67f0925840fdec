"""ONNX's own tests of operators, read and run by archcalc.

Every case of ``onnx.backend.test`` is a model of one operator with inputs and outputs. It is read with no batch axis;
its shapes must be those of the case, and the results of a run the outputs, within the tolerances of the suite. Inputs
of a case are stored in the file where the operator needs them so: integers (shapes, axes) at first, then all but the
first one (weights). Prints the cases that do not pass with the reason, and passed/all for every operator.

    python -m benchmarks.onnx_cases [WORD …] [--quiet]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

import archcalc
from archcalc.executor.errors import ArrayError

MAX_STORED = 64
"""The number of integers of an input that is stored in the file."""


class Outcome(NamedTuple):
    """What became of a case: ``passed``, ``values`` or ``shapes`` (they differ), or ``unsupported``."""

    kind: str
    reason: str = ""


def cases(words: Sequence[str] = ()) -> Iterator[Any]:
    """Return the cases of operators whose name has one of the words; all, if there are none."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the suite computes with infinities
        found = collect_testcases("")
    for case in found:
        if not words or any(word in case.name for word in words):
            yield case


def outcome_of(case: Any, folder: Path) -> Outcome:
    """Return what becomes of a case."""
    tried = []
    for inputs, outputs in (case.data_sets or [])[:1]:
        for stored in _choices(inputs):
            tried.append(_tried(case, inputs, outputs, stored, folder))
            if tried[-1].kind == "passed":
                return tried[-1]
    differing = [each for each in tried if each.kind != "unsupported"]
    return [*differing, *tried, Outcome("unsupported", "no data")][0]


def _choices(inputs: Sequence[Any]) -> list[set[int]]:
    """Return the inputs that are stored in the file, in several ways."""
    arrays = [each if isinstance(each, np.ndarray) else np.empty(0) for each in map(_array, inputs)]
    integers = {at for at, each in enumerate(arrays) if each.dtype.kind in "iu" and each.size <= MAX_STORED}
    decisions = integers | {at for at, each in enumerate(arrays) if each.dtype.kind == "b" and each.size == 1}
    everything = set(range(1, len(inputs)))
    integers_only = integers if len(integers) < len(inputs) else integers - {0}
    found = [integers_only, decisions, integers_only - {0}, everything, {0}, set()]
    return [each for at, each in enumerate(found) if each not in found[:at] and len(each) < len(inputs)]


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _tried(case: Any, inputs: Sequence[Any], outputs: Sequence[Any], stored: set[int], folder: Path) -> Outcome:
    arrays = [_array(each) for each in inputs]
    if any(isinstance(each, list | tuple) or each is None for each in arrays) or not all(
        isinstance(each, np.ndarray) and each.dtype.kind in "fiub" for each in map(np.asarray, arrays)
    ):
        return Outcome("unsupported", "no tensors of numbers")
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [each.name for each in model.graph.input]
    given = {}
    for at, (name, array) in enumerate(zip(names, arrays, strict=True)):
        if at in stored:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        else:
            given[name] = np.asarray(array)
    kept = [each for each in model.graph.input if each.name in given]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        network = archcalc.load(str(path), batch_axes=dict.fromkeys(given))
        ran = network.run({name: np.atleast_1d(array)[None].astype(np.float32) for name, array in given.items()})
    except (archcalc.SpecError, ArrayError) as error:
        return Outcome("unsupported", " ".join(str(error).split())[:160])
    results = list(ran.outputs.values())
    expected = [np.asarray(_array(each)) for each in outputs if each is not None]
    if len(results) != len(expected):
        return Outcome("shapes", f"{len(results)} outputs instead of {len(expected)}")
    for made, needed in zip(results, expected, strict=True):
        shape = made.shape[1:]
        if shape != (needed.shape or (1,)) and shape != needed.shape:
            return Outcome("shapes", f"{shape} instead of {needed.shape}")
        if needed.dtype.kind not in "fiub":
            needed = needed.astype(np.float32)
        close = np.isclose(made.reshape(needed.shape), needed, rtol=case.rtol, atol=case.atol or 1e-7, equal_nan=True)
        if not close.all():
            return Outcome("values", f"{int((~close).sum())} of {close.size} differ")
    return Outcome("passed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only cases whose names have one of these words")
    parser.add_argument("--quiet", action="store_true", help="print the sums only")
    options = parser.parse_args()
    kinds: Counter[str] = Counter()
    operators: dict[str, Counter[str]] = defaultdict(Counter)
    np.seterr(all="ignore")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(options.words):
            try:
                found = outcome_of(case, Path(folder))
            except Exception as error:
                found = Outcome("crashed", f"{type(error).__name__}: {error}"[:160])
            kinds[found.kind] += 1
            nodes = case.model.graph.node
            operator = nodes[0].op_type if len(nodes) == 1 else "several"
            operators[operator][found.kind] += 1
            if found.kind != "passed" and not options.quiet:
                print(f"{found.kind:12} {case.name}: {found.reason}", flush=True)
    for operator, counts in sorted(operators.items()):
        others = ", ".join(f"{count} {kind}" for kind, count in counts.items() if kind != "passed")
        print(f"{operator}: {counts['passed']}/{counts.total()}" + (f" ({others})" if others else ""))
    print(f"all: {kinds['passed']}/{kinds.total()}; " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()))
    return 1 if kinds["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
