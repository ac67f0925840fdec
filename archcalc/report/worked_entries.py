"""Wrong entries of arrays with how the correct ones are worked out, below the marks of answers."""

from __future__ import annotations

from archcalc.grading.marks import Mark


def worked_entries(mark: Mark) -> list[tuple[str, list[str]]]:
    """Return the entries that are worked out, each with its lines."""
    if not mark.worked:
        return []
    from archcalc.report.worked_solution import solution_of, worked_lines

    found = []
    for entry in mark.worked:
        number = entry.number()
        if number is not None:
            lines = worked_lines(solution_of(number.name, {number.name: number.number}), number.arrays)
            found.append((f"entry {entry.place}", [*lines]))
    return found
