"""What is wrong with arrays that came from outside."""

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
