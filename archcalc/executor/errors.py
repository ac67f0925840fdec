"""What the executor cannot do: arrays that do not fit, and operators that it lacks a definition of."""

from __future__ import annotations

from collections.abc import Sequence

MOST_SHOWN = 20


class ArrayError(ValueError):
    """Arrays that do not fit a network. Carries every problem that was found, each as one sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        shown = self.problems[:MOST_SHOWN]
        more = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
        super().__init__("\n".join([*shown, *more]))


class MissingDefinition(ValueError):
    """An operator without a definition that a run needs: a kernel, or loops."""

    def __init__(self, what: str, operator: str) -> None:
        """Name what is missing (``kernel`` …) and the operator, by its name in the language."""
        self.what, self.operator = what, operator
        super().__init__(f"there is no {what} for the operator '{operator}'")
