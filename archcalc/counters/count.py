"""What a tool prints for a trace, and the terms that lead there from archcalc's figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archcalc.counters.native_calls import NativeCalls
from archcalc.counters.rules import CountedPart, CountingRule, Rules, Tool, ToolQuantity
from archcalc.counters.trace import ModuleCall, Operation, Trace


@dataclass(frozen=True)
class Term:
    """One reason why a tool's number differs from archcalc's figure."""

    label: str
    amount: int
    layers: dict[str, int] = field(default_factory=dict)
    """The amount by layer."""


@dataclass(frozen=True)
class Count:
    """A number that a tool prints, and the terms that lead to it."""

    tool: Tool
    quantity: ToolQuantity
    value: int
    start: int
    """The figure of archcalc from which the terms start; 0 if none corresponds."""
    terms: tuple[Term, ...]
    other: int | None = None
    """The number if the operations that the source does not show are written the other way."""
    by_layer: dict[str, int] = field(default_factory=dict)
    """What the tool counts, by layer."""
    failure: str = ""
    """Why the tool fails on the model, so that this is only what its rules would give; empty: it does not."""

    @property
    def printed(self) -> str:
        """The number as the tool prints it."""
        return self.quantity.unit.text(self.value)


def count(tool: Tool, quantity: ToolQuantity, trace: Trace, native: NativeCalls, start: int) -> Count:
    """Return what a tool prints.

    Args:
        tool: the tool.
        quantity: one of its quantities.
        trace: what the model does.
        native: the native calls in it.
        start: the figure of archcalc that corresponds to the quantity; 0 if none does.
    """
    counting = _Counting(tool, quantity, trace, native)
    terms = counting.terms(start)
    other = None
    if (quantity.rules and trace.hidden) or quantity.otherwise is not None:
        further = _Counting(tool, quantity, trace, native, otherwise=True)
        further.terms(start)
        other = further.value if further.value != counting.value else None
    assert counting.value == start + sum(term.amount for term in terms)
    failure = "" if tool.failure is None else tool.failure(trace)
    return Count(tool, quantity, counting.value, start, terms, other, counting.by_layer, failure)


class _Counting:
    """The state while a quantity is counted."""

    def __init__(
        self, tool: Tool, quantity: ToolQuantity, trace: Trace, native: NativeCalls, *, otherwise: bool = False
    ) -> None:
        self.tool, self.quantity, self.trace, self.native, self.otherwise = tool, quantity, trace, native, otherwise
        self.value = 0
        self.by_layer: dict[str, int] = {}
        self.found: dict[str, dict[str, int]] = {}
        self.covered: set[int] = set()

    def terms(self, start: int) -> tuple[Term, ...]:
        measure = self.quantity.otherwise if self.otherwise else self.quantity.measure
        if measure is not None:
            for charge in measure(self.trace):
                self.add(charge.label, charge.amount, charge.layer)
            self.value = start + sum(sum(layers.values()) for layers in self.found.values())
        else:
            for rule, call in self.applied(self.trace.distinct):
                for part in rule.formula.parts(call):
                    if self.tool.gradients or not part.needs_gradients:
                        self.charge(rule, part, call.layer)
            self.leave_out(self.trace.distinct)
            self.spread()
            further = start * (self.trace.batch - 1)
            self.add(f"a batch of {self.trace.batch} examples", further, "")
            defined = sum(map(self.defined, self.trace.products))
            self.add("products that archcalc counts differently", defined - start - further, "")
        return tuple(
            Term(label, sum(layers.values()), {layer: amount for layer, amount in layers.items() if amount})
            for label, layers in self.found.items()
            if sum(layers.values()) or any(layers.values())
        )

    def applied(self, trace: Trace) -> Iterator[tuple[CountingRule, ModuleCall | Operation]]:
        """Return the rules that apply, each with what it is applied to."""
        rules = Rules(self.quantity.rules).by_name
        modules, functions, operators = rules["module"], rules["function"], rules["operator"]
        if modules:
            for call in trace.calls:
                rule = modules.get(call.class_name) or (modules.get("*") if call.is_leaf else None)
                if rule is None or not call.operations:
                    continue
                if not self.tool.enters_counted and any(each.class_name in modules for each in call.within()):
                    continue
                yield rule, call
        if functions or operators:
            for operation in trace.operations:
                if self.is_native(operation):
                    continue
                function = operation.other if self.otherwise and operation.other else operation.function
                rule = functions.get(function) if function else None
                if rule is not None:
                    yield rule, operation
                rule = operators.get(operation.name)
                if rule is not None:
                    yield rule, operation

    def is_native(self, operation: Operation) -> bool:
        """Return whether an operation is part of a native call, where the tool sees nothing."""
        return not self.tool.gradients and self.native.has(operation, layers=self.tool.native_layers)

    def charge(self, rule: CountingRule, part: CountedPart, layer: str) -> None:
        what = part.what or rule.what
        label = f"{what} ({part.note})" if part.note else what
        replaced = 0
        for each in part.covers:
            if id(each) not in self.covered:
                self.covered.add(id(each))
                replaced += self.defined(each)
        self.by_layer[layer] = self.by_layer.get(layer, 0) + part.amount
        self.add(label, part.amount - replaced, layer)

    def leave_out(self, trace: Trace) -> None:
        """Note the products that the tool does not count."""
        for each in trace.products:
            if each.macs and id(each) not in self.covered:
                self.add(f"{self.kind(each)}, not counted", -self.defined(each), each.layer)

    def spread(self) -> None:
        """Count for all layers of a kind what is counted for the first one, and add up."""
        if kinds := self.trace.kinds:

            def all_of(amounts: dict[str, int]) -> dict[str, int]:
                return {layer: amounts[first] for layer, first in kinds.items() if first in amounts}

            self.by_layer = all_of(self.by_layer)
            self.found = {label: all_of(amounts) for label, amounts in self.found.items()}
        self.value = sum(self.by_layer.values())

    def defined(self, operation: Operation) -> int:
        """Return the multiply–accumulates of an operation by its definition, in the passes that the quantity has."""
        forward = operation.macs if self.quantity.has_forward else 0
        return forward + (operation.gradients.macs if self.quantity.has_backward else 0)

    def kind(self, operation: Operation) -> str:
        """Return what an operation is that a tool does not count."""
        if self.is_native(operation):
            return "attention on the native path"
        name = operation.name.removesuffix("_")
        if name == "linear":
            return "linear layers outside of Linear modules"
        if name == "scaled_dot_product_attention":
            return "scaled dot-product attention"
        if name.startswith("conv"):
            return "convolutions outside of its list"
        return {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}.get(name, "products of tensors")

    def add(self, label: str, amount: int, layer: str) -> None:
        layers = self.found.setdefault(label, {})
        layers[layer] = layers.get(layer, 0) + amount
