"""Errors of the executor: arrays that do not fit, and operators without a definition."""

from __future__ import annotations

from collections.abc import Sequence

MAX_LISTED = 20
"""The maximum number of problems listed in a message."""


class ArrayError(ValueError):
    """Arrays do not fit a network. ``problems`` has a sentence for every problem that was found."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:MAX_LISTED]
        more = [f"and {len(problems) - len(shown):,} more"] if len(problems) > len(shown) else []
        super().__init__("\n".join([*shown, *more]))


class MissingDefinition(ValueError):
    """An operator has no kernel, or no definition by loops, that a run needs."""

    def __init__(self, what: str, operator: str) -> None:
        """Create the error from what is missing (such as ``kernel``) and the name of the operator in the language."""
        self.what, self.operator = what, operator
        super().__init__(f"there is no {what} for the operator '{operator}'")
