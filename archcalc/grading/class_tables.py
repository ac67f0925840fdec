"""Tables of a class as learning management systems export them: one row per student, one column per question.

The student is named by the e-mail address if the table has one, else by the name. Columns are found by the id, target,
text or number of their question (``Response 3``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from archcalc.grading.columns import answer_in, normalized, notes_on_unread, role_of
from archcalc.grading.submission import Answer, AnswerFile
from archcalc.grading.tables import Grid, padded, read_csv_grid
from archcalc.spec.errors import Source, Text, fail, whole_text

Person: TypeAlias = Literal["email", "name", "first", "last", "user"]

PERSONS: Mapping[str, Person] = {
    "email": "email",
    "emailaddress": "email",
    "mail": "email",
    "name": "name",
    "fullname": "name",
    "student": "name",
    "studentname": "name",
    "firstname": "first",
    "givenname": "first",
    "lastname": "last",
    "surname": "last",
    "familyname": "last",
    "username": "user",
    "login": "user",
    "sisid": "user",
    "sisuserid": "user",
    "studentid": "user",
    "idnumber": "user",
    "matriculationnumber": "user",
}
_ORDER: Sequence[Person] = ("email", "name", "first", "user")
"""What names a student, the most certain first; a first name is followed by the last one."""

_KNOWN = re.compile(
    r"id|state|status|startedon|completed|timetaken|timestamp|grade\d*|section(id|sisid)?|attempt|submitted|score|"
    r"institution|department|ncorrect|nincorrect|points|\d+",
    re.IGNORECASE,
)
"""The titles of other columns that these systems write, which are ignored without a note."""

IsQuestion: TypeAlias = Callable[[str], bool]
"""Returns whether the title of a column is a question."""


def read_class(source: Source, asked: IsQuestion, max_answers: int) -> list[AnswerFile] | None:
    """Return the answers of each student in a table of a class; ``None`` if a CSV file is not such a table.

    Raises:
        SpecError: the file is not a table, has too many rows, or no student.
    """
    grid, _, networks = read_csv_grid(source, max_answers)
    roles = {role_of(title.value) for title in grid.titles}
    persons = {index: kind for index, title in enumerate(grid.titles) if (kind := PERSONS.get(normalized(title.value)))}
    if not persons or "answer" in roles or "layer" in roles:
        return None
    columns = {index: title for index, title in enumerate(grid.titles) if index not in persons and asked(title.value)}
    if not columns:
        return None
    notes = notes_on_unread(
        title
        for index, title in enumerate(grid.titles)
        if index not in persons and index not in columns and not _KNOWN.fullmatch(normalized(title.value))
    )
    found = []
    seen: Counter[str] = Counter()
    for row in grid.rows:
        name = _name(row, persons)
        if not name:
            continue  # a row of averages
        seen[name.casefold()] += 1
        count = seen[name.casefold()]
        name += f" ({count})" if count > 1 else ""
        answers = tuple(_answers(row, columns, grid, source))
        found.append(AnswerFile(source, answers, name=name, networks=networks, notes=tuple(notes)))
    if not found:
        fail("answers", "no row of the table names a student", whole_text(grid.titles[0]))
    return found


def _answers(row: list[Text], columns: Mapping[int, Text], grid: Grid, source: Source) -> list[Answer]:
    row = padded(row, len(grid.titles))
    return [
        Answer(Text(source, title.value, row[index].start), answer_in(row[index])) for index, title in columns.items()
    ]


def _name(row: list[Text], persons: Mapping[int, Person]) -> str:
    """Return the name of the student of a row; empty if it has none."""
    values: dict[Person, str] = {}
    for index, kind in persons.items():
        if index < len(row) and row[index].value:
            values.setdefault(kind, row[index].value)
    if "email" in persons.values() and "email" not in values:
        return ""
    chosen = next((kind for kind in _ORDER if kind in values), None)
    if chosen == "first":
        return " ".join(filter(None, (values["first"], values.get("last", ""))))
    return "" if chosen is None else values[chosen]
