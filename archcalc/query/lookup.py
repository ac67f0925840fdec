"""The values of the names in a condition or column, in one network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.graph import Graph, input_axes, ordered
from archcalc.query.quantities import COMMON, MEASURED, is_measured
from archcalc.query.targets import Evaluator
from archcalc.spec.errors import Problem, SpecError, fail, suggest
from archcalc.spec.numerals import FIELD_WORDS
from archcalc.spec.syntax import Name


class AbsentTarget(SpecError):
    """This network has no such layer, or the layer no such quantity; another one may have it."""


class NetworkNames:
    """Looks up names in a network: settings, quantities, variables, input sizes, and words to compare with."""

    def __init__(self, graph: Graph, evaluator: Evaluator, settings: Mapping[str, Any] | None = None) -> None:
        """Look up names in a graph.

        Args:
            graph: the network.
            evaluator: evaluates its quantities.
            settings: the values of settings, which precede everything else.
        """
        self.graph = graph
        self.evaluator = evaluator
        self.settings = settings or {}
        self.known: dict[str, Any] = {}
        """The values of the names that were looked up."""

    def __call__(self, name: Name) -> Any:
        """Return the value of a name: a number, a tuple of numbers, or a text.

        Raises:
            AbsentTarget: this network does not have the target.
            SpecError: the name is unknown.
        """
        if name.name not in self.known:
            self.known[name.name] = self._find(name)
        return self.known[name.name]

    def _find(self, name: Name) -> Any:
        full, span = name
        place, _, word = full.rpartition(".")
        graph, axes = self.graph, input_axes(self.graph.inputs, self.graph.axis_names)
        if full in self.settings:
            return self.settings[full]
        if full in graph.variables:
            return graph.variables[full]
        if full in axes:
            node, axis = axes[full]
            return graph.inputs[node][axis]
        if full in FIELD_WORDS or (not place and self._is_word(word)):
            return word
        if is_measured(word):
            try:
                target = self.evaluator.target(full)
                values = self.evaluator.values(target)
            except LookupError as error:
                message, hint = error.args
                raise AbsentTarget([Problem("unknown-name", message, span, hint)]) from None
            if target.quantity.is_number:
                return values[0]
            return ordered(values, graph.layout) if target.quantity.unit == "shape" else values
        known = [*self.settings, *MEASURED, *graph.variables, *axes]
        hint = suggest(word, known, f"the quantities are {', '.join(COMMON[:9])} …")
        fail("unknown-name", f"no quantity, variable or input size '{full[:60]}'", span, hint)

    def _is_word(self, word: str) -> bool:
        """Return whether a word is a text to compare with: some variable holds a text, and the word is one of these."""
        from archcalc.spec.calls import argument_words

        held = [*self.settings.values(), *self.graph.variables.values()]
        return word in argument_words() and any(isinstance(value, str) for value in held)
