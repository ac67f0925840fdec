"""Quantities that are not counts of operations: parameters and bytes, as tools add them up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from archcalc.counters.rules import Charge, Measure
from archcalc.counters.trace import ModuleCall, Trace, TracedTensor

UNUSED = "parameters that the network does not use"
STATISTICS = "running statistics and other buffers, which are not parameters"


DIFFERENT = "stored numbers that archcalc counts differently"
WRITTEN = "constants that are not weights"
PREPROCESSING = "preparation of the data, which is not a layer there"


def _parameter_terms(trace: Trace, times: dict[str, int], outside: str) -> Iterator[Charge]:
    """Return the differences from archcalc's stored numbers, given how often a tool adds each parameter."""
    for layer, count in trace.statistics.items():
        yield Charge(STATISTICS, -count, layer)
    yield Charge(DIFFERENT, trace.numbers_used - trace.learned, "")
    for name, tensor in trace.parameters.items():
        count, is_used = times.get(name, 0), name in trace.used
        if count == int(is_used):
            continue
        layer = name.rpartition(".")[0].replace(".", "/")
        if not is_used and count:
            yield Charge(UNUSED, tensor.numel, layer)
        if is_used and not count:
            yield Charge(outside, -tensor.numel, layer)
        if count > 1:
            yield Charge("parameters of modules that are called again", (count - 1) * tensor.numel, layer)


def all_parameters(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of ``model.parameters()``: every parameter once, without buffers."""
    return _parameter_terms(trace, dict.fromkeys(trace.parameters, 1), "")


def stored_in_nodes(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of the stored tensors that nodes read: every one once, without numbers that have no axes."""
    stored = {t.name: t.numel for each in trace.operations for t in each.inputs if t.kind == "parameter" and t.shape}
    yield Charge("constants that are not parameters, less what is stored once", sum(stored.values()) - trace.stored, "")


def trained_parameters(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of the parameters with ``requires_grad``."""
    times = {name: 1 for name, tensor in trace.parameters.items() if tensor.depends_on_parameters}
    return _parameter_terms(trace, times, "parameters without requires_grad")


def all_stored(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of all stored numbers of layers, trained or not."""
    yield Charge(PREPROCESSING, -trace.preprocessing, "")
    for layer, count in trace.written.items():
        yield Charge(WRITTEN, -count, layer)


def all_trained(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of the stored numbers of layers that are trained."""
    for layer, count in trace.statistics.items():
        yield Charge("moving means and variances, which are not trained", -count, layer)


def not_trained(trace: Trace) -> Iterator[Charge]:
    """Yield the stored numbers of layers that are not trained."""
    yield Charge(PREPROCESSING, -trace.preprocessing, "")
    for layer, count in trace.written.items():
        yield Charge(WRITTEN, -count, layer)
    for layer, count in trace.statistics.items():
        yield Charge("moving means and variances, which are not trained", count, layer)


def with_moving_average_factor(trace: Trace) -> Iterator[Charge]:
    """Yield the terms of all stored numbers with one more per batch norm: the divisor of its statistics."""
    yield from all_stored(trace)
    for call in trace.calls:
        if call.name.startswith("BatchNorm"):
            yield Charge("moving-average factors of batch norms", 1, call.layer)


def stored_bytes(trace: Trace) -> Iterator[Charge]:
    """Return the bytes of all stored numbers of layers."""
    yield Charge(
        "4 bytes per stored number", 4 * (trace.stored - trace.preprocessing - sum(trace.written.values())), ""
    )


def input_bytes(trace: Trace) -> Iterator[Charge]:
    """Return the bytes of the inputs."""
    for each in trace.inputs:
        yield Charge("4 bytes per number of the input", 4 * each.numel, "")


def together(*measures: Measure) -> Measure:
    """Return the sum of measures."""

    def measure(trace: Trace) -> Iterator[Charge]:
        for each in measures:
            yield from each(trace)

    return measure


def called_parameters(classes: str, *, per_call: bool = False, names: tuple[str, ...] = ()) -> Measure:
    """Return the parameters of modules of some classes that are called.

    Args:
        classes: the classes, separated by spaces; ``*``: all.
        per_call: whether they are added for every call.
        names: the names of the parameters; none: all.
    """
    listed = frozenset(classes.split())

    def measure(trace: Trace) -> Iterator[Charge]:
        times: dict[str, int] = {}
        for call in trace.calls:
            if "*" not in listed and call.class_name not in listed:
                continue
            for name in call.parameters:
                if not names or name in names:
                    full = f"{call.path}.{name}" if call.path else name
                    times[full] = times.get(full, 0) + 1 if per_call else 1
        yield from _parameter_terms(trace, times, "parameters outside of the modules that it adds")

    return measure


def named_parameter_bytes(*names: str) -> Measure:
    """Return the bytes of the parameters with these names of modules that are called, for every call."""

    def measure(trace: Trace) -> Iterator[Charge]:
        for call in trace.calls:
            size = sum(4 * tensor.numel for name, tensor in call.parameters.items() if name in names)
            if size:
                yield Charge(f"parameters of {call.name}", size, call.layer)

    return measure


def leaf_parameter_bytes(trace: Trace) -> Iterator[Charge]:
    """Return the bytes of the parameters of modules without further modules that are called."""
    seen = set()
    for call in trace.calls:
        if call.is_leaf and call.path not in seen:
            seen.add(call.path)
            size = sum(each.numel * each.itemsize for each in call.parameters.values())
            if size:
                yield Charge(f"parameters of {call.name}", size, call.layer)


def output_bytes(times: int, counts: Callable[[ModuleCall], bool], size: Callable[[TracedTensor], int]) -> Measure:
    """Return ``times`` the bytes of the outputs of calls of modules, each call anew.

    Args:
        times: the factor.
        counts: whether a call counts.
        size: the bytes that are added for an output.
    """

    def measure(trace: Trace) -> Iterator[Charge]:
        for call in trace.calls:
            if call.operations and counts(call):
                yield Charge(f"{times} × the outputs of {call.name}", times * size(call.output), call.layer)

    return measure


def with_silent_modules(times: int, rest: Measure) -> Measure:
    """Return a measure of outputs with those of the modules without operations, such as ``Identity``.

    Each of them is called once in a call of the module that it is in, and returns as many numbers as the module defined
    before it does, or, if it is the first one, as that module reads: most models define modules in the order of their
    calls.

    Args:
        times: the factor.
        rest: the measure of all other modules.
    """

    def measure(trace: Trace) -> Iterator[Charge]:
        yield from rest(trace)
        for call in trace.calls:
            made = {child.path: child.output for child in call.children if child.operations}
            for before in trace.silent.get(call.path, ()) if call.operations else ():
                size = bytes_of(made.get(before) or call.input)
                yield Charge(f"{times} × the outputs of modules without operations", times * size, call.layer)

    return measure


def bytes_of(tensor: TracedTensor) -> int:
    """Return the bytes of a tensor."""
    return tensor.numel * tensor.itemsize


def bytes_without_first_axis(tensor: TracedTensor) -> int:
    """Return the bytes of a tensor without its first axis, which is taken for the batch, in single precision."""
    return 4 * prod(tensor.shape[1:])
