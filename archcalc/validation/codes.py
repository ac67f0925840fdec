"""The meaning of the codes of errors, for reports that document them; warnings are documented by their rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.lint import RULES


class RuleText(NamedTuple):
    """The documentation of a code."""

    code: str
    level: str
    """``warning`` or ``error``: the default level of findings with this code."""
    summary: str
    help: str


ERRORS = {
    "argument": "An argument of a layer, block or section is unknown, missing, superfluous or of the wrong type.",
    "arithmetic": "Arithmetic has no value: it divides by zero, or its result is not an integer.",
    "baseline": "The baseline cannot be read.",
    "budget": "The network does not meet a condition under `budgets` in the configuration.",
    "configuration": "The configuration cannot be read, or has an error.",
    "cycle": "A block uses itself, directly or through other blocks.",
    "duplicate": "A name or key that must be unique occurs twice.",
    "encoding": "The file is not UTF-8 text.",
    "expectation": "An expectation does not hold, or cannot be read.",
    "format": "The file is damaged, is not in the format that its name says, or has no network.",
    "growth": "A total has grown beyond its tolerance since the baseline was written.",
    "limit": "The spec needs more work than the limits allow; each limit is an option.",
    "missing": "A section that every spec must have is missing.",
    "name": "A name has invalid characters or another meaning.",
    "needs-number": "The structure of the network depends on a variable that has no value.",
    "new-spec": "The baseline has no entry for the spec, and --require-baseline demands one.",
    "not-found": "The file, folder or bundled network does not exist.",
    "open-size": "A model file leaves the sizes of an input open, and they are not given.",
    "output": "A file cannot be written.",
    "reference": "`@name` does not refer to an earlier stage, a local name or an input, or it refers to several.",
    "shape": "A layer cannot be applied to the shape of its input.",
    "sharing": "Layers that share weights need different ones, or `weights=` does not name one layer.",
    "syntax": "The text does not follow the syntax of the language.",
    "unknown-block": "No block has this name.",
    "unknown-key": "A spec has no such section.",
    "unknown-name": "No variable, layer or input has this name.",
    "unknown-op": "No operator has this name.",
    "yaml": "The file is not valid YAML, or uses a feature of YAML that specs do not support.",
}

WARNINGS = {
    "removed-spec": "The baseline has an entry for a spec that does not exist.",
    "unused-pattern": "A pattern of the configuration matches no file, so its settings have no effect.",
}
"""Findings about a run; those about a spec are the rules of `archcalc.lint`."""


def documented_codes() -> Iterator[RuleText]:
    """Yield every code with its documentation, errors first."""
    for level, summaries in (("error", ERRORS), ("warning", WARNINGS)):
        for code, summary in summaries.items():
            yield RuleText(code, level, summary, summary)
    for code, rule in RULES.items():
        yield RuleText(code, "warning", rule.summary, rule.help)
