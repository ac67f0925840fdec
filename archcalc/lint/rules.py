"""The registry of rules: a code, and a function whose docstring documents it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from archcalc.analysis.propagate import Analysis
from archcalc.graph import Node
from archcalc.lint.usage import Usage, usage_of
from archcalc.spec.errors import Problem, Span
from archcalc.spec.records import Spec

FIXABLE = " (--fix does it)"
"""The end of hints that `archcalc.lint.fix` can follow."""


@dataclass(frozen=True, eq=False)
class LintContext:
    """What rules examine: a spec that was read without an error, and its analysis."""

    spec: Spec
    analysis: Analysis

    @cached_property
    def usage(self) -> Usage:
        """The names that the spec uses."""
        return usage_of(self.spec)

    @cached_property
    def readers(self) -> list[list[Node]]:
        """For each node of the graph, the nodes that read it."""
        readers: list[list[Node]] = [[] for _ in self.spec.graph.nodes]
        for node in self.spec.graph.nodes:
            for ref in node.inputs:
                readers[ref.node].append(node)
        return readers

    @cached_property
    def results(self) -> set[int]:
        """The indices of the nodes whose output is an output of the network."""
        graph = self.spec.graph
        return {ref.node for ref in (*graph.outputs.values(), *graph.training_outputs.values())}


class RuleMatch(NamedTuple):
    """A match of a rule: its place, the message, and a hint."""

    span: Span
    message: str
    hint: str = ""


Check: TypeAlias = Callable[[LintContext], Iterator[RuleMatch]]


@dataclass(frozen=True)
class LintRule:
    """A kind of warning."""

    code: str
    check: Check
    by_default: bool = True
    """Whether it is reported unless it is ignored; others are reported on request (``--warn``)."""

    @property
    def summary(self) -> str:
        """What the rule finds, in one line."""
        return (self.check.__doc__ or "").partition("\n")[0]

    @property
    def help(self) -> str:
        """What the rule finds, why that matters, and what to do."""
        return inspect.cleandoc(self.check.__doc__ or "")

    def problems(self, context: LintContext) -> Iterator[Problem]:
        """Yield the matches of the rule as warnings."""
        for span, message, hint in self.check(context):
            yield Problem(self.code, message, span, hint, level="warning")


RULES: dict[str, LintRule] = {}


def rule(code: str, *, by_default: bool = True) -> Callable[[Check], Check]:
    """Return a decorator that registers a function as the rule with this code."""

    def register(check: Check) -> Check:
        RULES[code] = LintRule(code, check, by_default)
        return check

    return register
