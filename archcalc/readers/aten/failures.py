"""The calls of operators that have no translation: how often each occurs, and where."""

from __future__ import annotations

from archcalc.arrays.texts import count_text
from archcalc.graph import Origin
from archcalc.spec.errors import fail

MAX_LISTED = 20
"""The number of operators that an error lists."""

PARTIAL = ("`archcalc show --partial` counts the rest",)
"""The hint at the end of the list."""

MAX_PLACES = 3
"""The number of places that it lists for each."""


class Failures:
    """The calls that cannot be counted so far."""

    def __init__(self) -> None:
        self._origins: dict[str, list[Origin]] = {}

    def add(self, what: str, origin: Origin) -> None:
        """Add a call.

        Args:
            what: the operator, with the reason if it has one.
            origin: where it is called.
        """
        self._origins.setdefault(what, []).append(origin)

    def first(self) -> str:
        """Return the operator that is called most often, without a reason; empty if there is none."""
        return next(iter(self._by_count()), ("",))[0].partition(":")[0]

    def _by_count(self) -> list[tuple[str, list[Origin]]]:
        return sorted(self._origins.items(), key=lambda each: -len(each[1]))

    def require_none(self, name: str, hints: tuple[str, ...] = PARTIAL) -> None:
        """Raise an error that lists all operators, if there are any.

        Args:
            name: the name of the file in messages.
            hints: what can be done about them, a line each.
        """
        rows = self.listed()
        if rows:
            calls = sum(map(len, self._origins.values()))
            of = "an operator" if calls == 1 else "operators"
            message = f"{count_text(calls, 'call')} of {of} that cannot be counted"
            hint = "\n".join([*rows, *hints])
            fail("unknown-op", message, origin=name, hint=hint)

    def listed(self) -> list[str]:
        """Return a line for each operator: how often it is called, and where."""
        failures = self._by_count()
        rows = []
        for what, origins in failures[:MAX_LISTED]:
            places = list(dict.fromkeys(place for place in map(_place, origins) if place))
            where = ", ".join(places[:MAX_PLACES])
            more = f" and {len(places) - MAX_PLACES:,} more" if len(places) > MAX_PLACES else ""
            rows.append(f"{len(origins):,} × {what}" + (f", in {where}{more}" if where else ""))
        return rows + [f"and {len(failures) - MAX_LISTED:,} more"] * (len(failures) > MAX_LISTED)


def _place(origin: Origin) -> str:
    """Return the module and the line of a call in a list."""
    line = f"({origin.line})" if origin.module and origin.line else origin.line
    return " ".join(part for part in (origin.module and f"'{origin.module}'", line) if part)
