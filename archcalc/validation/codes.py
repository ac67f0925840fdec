"""What the codes of errors mean, for reports that document them. (Warnings are documented by their rules.)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archcalc.lint import RULES


class RuleText(NamedTuple):
    """The documentation of a code."""

    code: str
    level: str
    """``warning`` or ``error``: what findings of this code are unless told otherwise."""
    summary: str
    help: str


ERRORS = {
    "argument": "An argument of a layer, block or section is unknown, missing, surplus or of the wrong kind.",
    "arithmetic": "An expression has no value: a division by zero, a number that does not come out whole.",
    "cycle": "A block uses itself, perhaps through others.",
    "duplicate": "A name or key stands twice where it must be unique.",
    "encoding": "The file is not a UTF-8 text.",
    "expectation": "A line of `expect:` does not hold, or cannot be read.",
    "growth": "A total has grown beyond the tolerance since the baseline was written.",
    "limit": "The spec asks for more work than the bounds allow; each bound is an option.",
    "missing": "A section that every spec has is not there.",
    "name": "A name is not made as names are, or could be read in another way.",
    "needs-number": "The structure of the network depends on something that is left open.",
    "not-found": "There is no such file, folder or bundled network.",
    "output": "A file cannot be written.",
    "reference": "`@name` does not lead to a stage or input that stands earlier.",
    "shape": "A layer cannot exist on the tensor it gets.",
    "syntax": "An expression is not of the language.",
    "unknown-block": "No block has this name.",
    "unknown-key": "A spec has no such section.",
    "unknown-name": "No variable, layer or input has this name.",
    "unknown-op": "No operator has this name.",
    "yaml": "The file is not YAML, or uses what specs do not have of it.",
}


def documented() -> Iterator[RuleText]:
    """Every code with its documentation, errors first."""
    for code, summary in ERRORS.items():
        yield RuleText(code, "error", summary, summary)
    for code, rule in RULES.items():
        yield RuleText(code, "warning", rule.summary, rule.help)
