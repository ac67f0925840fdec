"""ONNX's own tests of operators, read and run by archcalc.

Every case of ``onnx.backend.test`` is a model of one operator with inputs and outputs. It is read with no batch axis;
its shapes must be those of the case, and the results of a run the outputs, within the tolerances of the suite; where
the standard leaves the results open, as those of random operators, only the shapes are compared. Inputs of a case may
be stored in the file, as they usually are: integers (shapes, axes) at first, then all but the first one
(weights), and others. A case passes if it does in one of these ways. Where all inputs decide what is computed, they are
given as numbers, as with ``--input``, and one number more is the input of the network, which is added to the results.
Prints the cases that do not pass with the reason, and passed/all for every operator.

    python -m benchmarks.onnx_cases [WORD …] [--quiet]
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

import archcalc
from archcalc.executor.errors import ArrayError

MAX_STORED = 64
"""The number of integers of an input that is stored in the file."""

MAX_GIVEN = 16
"""The number of numbers of an input that are given by hand."""

FORMATS = frozenset(
    (
        *("bfloat16", "int2", "uint2", "int4", "uint4", "float4_e2m1fn", "float8_e8m0fnu"),
        *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
    )
)
"""The formats of numbers that NumPy does not have itself."""

BFLOAT16 = 2**-6
"""The least relative tolerance of the suite for numbers in bfloat16."""

OPEN = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
"""The operators whose results are random: as in the suite's own runner, only their shapes are compared."""

SUMS = ("DFT", "STFT")
"""The operators whose results in the suite are sums with an error of the last digit of the largest one."""

DECIDED = ("BlackmanWindow", "ConstantOfShape", "HammingWindow", "HannWindow", "If", "Loop", "NonZero", "Range")
"""The operators whose inputs decide what is computed, or how much."""


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
    for given, outputs in (case.data_sets or [])[:1]:
        case, inputs = _of_tensors(case, given)
        for stored in _choices(case, inputs):
            tried.append(_tried(case, inputs, outputs, stored, folder))
            if tried[-1].kind == "passed":
                return tried[-1]
    found = sorted(tried, key=lambda each: (each.kind == "unsupported", "is computed, not" in each.reason))
    return [*found, Outcome("unsupported", "no data")][0]


def _choices(case: Any, inputs: Sequence[Any]) -> list[set[int]]:
    """Return the inputs that are stored in the file, in several ways; if it is all of them, they are given as numbers.

    They are given only where an operator lets its inputs decide what is computed.
    """
    arrays = [each if isinstance(each, np.ndarray) else np.empty(0) for each in map(_array, inputs)]
    if not inputs:
        return [set()]
    integers = {at for at, each in enumerate(arrays) if each.dtype.kind in "iu" and each.size <= MAX_STORED}
    decisions = integers | {at for at, each in enumerate(arrays) if each.dtype.kind == "b" and each.size == 1}
    everything = set(range(1, len(inputs)))
    integers_only = integers if len(integers) < len(inputs) else integers - {0}
    found = [integers_only, decisions, integers_only - {0}, everything, {0}, set()]
    some = [each for at, each in enumerate(found) if each not in found[:at] and len(each) < len(inputs)]
    decided = any(node.op_type in DECIDED for node in case.model.graph.node)
    decided = decided or any(each.size == 0 for each in arrays)
    return [*some, set(range(len(inputs)))] if decided and all(each.size <= MAX_GIVEN for each in arrays) else some


def _of_tensors(case: Any, inputs: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return a case whose inputs are the tensors of sequences, of which nodes make these, and these tensors."""
    if not any(isinstance(each, list) or each is None for each in inputs):
        return case, [*inputs]
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    declared = [*model.graph.input]
    tensors: list[Any] = []
    del model.graph.input[:]
    made = []
    for declaration, each in zip(declared, inputs, strict=True):
        name, kind = declaration.name, declaration.type
        if not isinstance(each, list) and each is not None:
            model.graph.input.append(declaration)
            tensors.append(each)
            continue
        names = [f"{name}.{at}" for at in range(len(each or ()))]
        for part, array in zip(names, each or (), strict=True):
            code = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
            model.graph.input.append(onnx.helper.make_tensor_value_info(part, code, array.shape))
            tensors.append(array)
        if each is None:
            made.append(onnx.helper.make_node("Optional", [], [name], type=kind.optional_type.elem_type))
        else:
            made.append(onnx.helper.make_node("SequenceConstruct" if names else "SequenceEmpty", names, [name]))
    nodes = [*made, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return replace(case, model=model), tensors


def _with_input(model: onnx.ModelProto) -> None:
    """Add an input of one number to the results of a model."""
    added = onnx.helper.make_tensor_value_info("added", onnx.TensorProto.FLOAT, [1])
    model.graph.input.append(added)
    for output in model.graph.output:
        if not output.type.HasField("tensor_type"):
            continue
        kind, name = output.type.tensor_type.elem_type, output.name
        for node in model.graph.node:
            node.output[:] = [f"{each}_alone" if each == name else each for each in node.output]
        model.graph.node.append(onnx.helper.make_node("Cast", ["added"], [f"{name}_added"], to=kind))
        join = "Or" if kind == onnx.TensorProto.BOOL else "Add"
        model.graph.node.append(onnx.helper.make_node(join, [f"{name}_alone", f"{name}_added"], [name]))


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _tried(case: Any, inputs: Sequence[Any], outputs: Sequence[Any], stored: set[int], folder: Path) -> Outcome:
    arrays = [_array(each) for each in inputs]
    if any(isinstance(each, list | tuple) or each is None for each in arrays) or not all(
        each.dtype.kind in "fiub" or each.dtype.name in FORMATS for each in map(np.asarray, arrays)
    ):
        return Outcome("unsupported", "tensors of text")
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    names = [each.name for each in model.graph.input]
    given: dict[str, Any] = {}
    values: dict[str, Any] = {}
    by_hand = len(stored) == len(arrays)
    for at, (name, array) in enumerate(zip(names, arrays, strict=True)):
        if by_hand:
            values[name] = np.asarray(array).ravel().tolist()
        elif at in stored:
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        else:
            given[name] = np.asarray(array)
    kept = [each for each in model.graph.input if each.name in {*given, *values}]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    if by_hand:
        _with_input(model)
        given["added"] = np.zeros(1, np.float32)
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    try:
        network = archcalc.load(str(path), batch_axes=dict.fromkeys(given), values=values)
        dtype = "float64" if any(_exceeds_float32(array) for array in arrays) else "float32"
        ran = network.run(
            {name: np.atleast_1d(array)[None].astype(dtype) for name, array in given.items()}, dtype=dtype
        )
    except (archcalc.SpecError, ArrayError) as error:
        return Outcome("unsupported", " ".join(str(error).removeprefix(f"{path}: ").split()))
    results = list(ran.outputs.values())
    flat = [part for each in outputs if each is not None for part in (each if isinstance(each, list) else [each])]
    expected = [np.asarray(_array(each)) for each in flat]
    if len(results) != len(expected):
        return Outcome("shapes", f"{len(results)} outputs instead of {len(expected)}")
    is_open = any(node.op_type in OPEN for node in case.model.graph.node)
    for made, needed in zip(results, expected, strict=True):
        shape = made.shape[1:]
        if shape != (needed.shape or (1,)) and shape != needed.shape:
            return Outcome("shapes", f"{shape} instead of {needed.shape}")
        if is_open:
            continue
        rtol = max(case.rtol, BFLOAT16) if needed.dtype.name == "bfloat16" else case.rtol
        if needed.dtype.kind not in "fiub":
            needed = needed.astype(np.float32)
        made = made.reshape(needed.shape)
        atol = case.atol or 1e-7
        if case.model.graph.node[0].op_type in SUMS:
            atol = max(atol, float(np.finfo(np.float32).eps * abs(needed).max()))
        close = np.isclose(made, needed, rtol=rtol, atol=atol, equal_nan=True)
        if not close.all():
            return Outcome("values", f"{int((~close).sum())} of {close.size} differ")
    return Outcome("passed")


def _exceeds_float32(array: Any) -> bool:
    """Return whether integers have more digits than numbers in float32 have."""
    return array.dtype.kind in "iu" and bool(np.any(array.astype(np.float32).astype(np.float64) != array))


CALL = re.compile(r"\d+ × onnx\.\w+: (.+?)(?= \d+ × |$)")
"""A call that is not counted, with its reason, in an error."""


def _reason(found: Outcome) -> str:
    """Return why a case is declined: the reason of the first call that has one, else the message."""
    message = found.reason.removesuffix(" `archcalc show --partial` counts the rest")
    call = CALL.search(message)
    return call[1] if call else re.sub(r"^error\[[\w-]+\]: ", "", message)


def report(found: Mapping[str, tuple[str, Outcome]]) -> None:
    """Print what became of all cases, whose operators and outcomes are given by their names."""
    operators: dict[str, Counter[str]] = defaultdict(Counter)
    for operator, outcome in found.values():
        operators[operator][outcome.kind] += 1
    supported = {name for name, counts in operators.items() if counts.keys() - {"unsupported"}}
    for operator in sorted(supported):
        counts = operators[operator]
        others = ", ".join(f"{count} {kind}" for kind, count in counts.items() if kind != "passed")
        print(f"{operator}: {counts['passed']}/{counts.total()}" + (f" ({others})" if others else ""))
    declined: dict[str, list[str]] = defaultdict(list)
    missing: dict[str, set[str]] = defaultdict(set)
    for name, (operator, outcome) in found.items():
        if outcome.kind == "unsupported" and operator in supported:
            declined[f"{operator}: {_reason(outcome)}"].append(name)
        elif outcome.kind == "unsupported":
            reason = _reason(outcome)
            missing[operator].add("" if "× onnx" in reason else reason.partition("=: ")[2] or reason)
    kept = [f"{len(names)} × {why}" for why, names in declined.items()]
    left_out = [
        f"{name} ({operators[name].total()})" + "".join(f": {each}" for each in sorted(why) if each)
        for name, why in sorted(missing.items())
    ]
    for title, rows in (("declined cases of supported operators:", kept), ("unsupported operators:", left_out)):
        print("\n  ".join([title, *rows]))
    counts = sum((operators[name] for name in supported), Counter())
    total = sum(each.total() for each in operators.values())
    print(f"supported operators: {len(supported)} of {len(operators)}; of their cases, " + _sums(counts))
    print(f"all: {counts['passed']}/{total}")


def _sums(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) + f", of {counts.total()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only cases whose names have one of these words")
    parser.add_argument("--quiet", action="store_true", help="print the sums only")
    options = parser.parse_args()
    found: dict[str, tuple[str, Outcome]] = {}
    np.seterr(all="ignore")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(options.words):
            try:
                outcome = outcome_of(case, Path(folder))
            except Exception as error:
                outcome = Outcome("crashed", f"{type(error).__name__}: {error}"[:160])
            nodes = case.model.graph.node
            original = found.get(case.name.removesuffix("_expanded"))
            operator = nodes[0].op_type if len(nodes) == 1 else original[0] if original else "several"
            found[case.name] = (operator, outcome)
            if outcome.kind != "passed" and not options.quiet:
                print(f"{outcome.kind:12} {case.name}: {outcome.reason[:200]}", flush=True)
    report(found)
    return 1 if any(outcome.kind == "crashed" for _, outcome in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
