"""Answers in tables, as CSV or on a Markdown page: one answer per row, or one layer per row.

A table of answers has the columns layer, quantity and answer, or target and answer, or a column for the layer and one
for each quantity. One with a network in each row is read by `network_tables`. The module `columns` lists the accepted
titles; other columns are not read, and a note lists them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from archcalc.grading.columns import (
    answer_in,
    columns_by_role,
    is_answered,
    notes_on_unread,
    quantity_of,
    role_of,
    target_of,
)
from archcalc.grading.network_tables import is_network_table, read_network_tables
from archcalc.grading.submission import Answer, AnswerFile, NetworkText, fail_too_many
from archcalc.spec.errors import Problem, Source, Span, Text, fail, whole_text

_DELIMITERS = ",;\t"
_COMMENTS = ("#", "sep=")
"""The prefixes of lines that are not rows; spreadsheets write the second."""
_SEPARATOR = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
"""The separator line below the titles of a Markdown table."""
_METADATA = re.compile(r"[#>*_\s-]*(name|student|network)[*_]*\s*:[*_]*\s*(\S.*)", re.IGNORECASE)
"""A line outside the tables that gives the name of the person or the network."""
COLUMNS_HINT = (
    "the columns are layer, quantity and answer, or layer (or model) and one for each quantity (output, params, macs …)"
)


class Grid(NamedTuple):
    """A table as written: titles and rows of cells with their places."""

    titles: list[Text]
    rows: list[list[Text]]


def read_csv_answers(source: Source, max_answers: int) -> AnswerFile:
    """Read comma-, semicolon- or tab-separated answers; lines that start with ``#`` are comments (``# name: Ada``).

    Raises:
        SpecError: the file has no table of answers, or a cell is not terminated.
    """
    grid, name, networks = read_csv_grid(source, max_answers)
    if is_network_table(grid.titles):
        return _network_file(source, [grid], name, max_answers)
    answers, notes = _answers(grid, source, max_answers)
    return AnswerFile(source, tuple(answers), name=name, networks=networks, notes=tuple(notes))


def read_csv_grid(source: Source, max_answers: int) -> tuple[Grid, str, dict[str, NetworkText]]:
    """Read a comma-, semicolon- or tab-separated table, and the name and network in its comments.

    Raises:
        SpecError: the file has no table, or a cell is not terminated.
    """
    lines = source.text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    comments = [index for index, line in enumerate(lines) if line.startswith(_COMMENTS)]
    name, networks = _metadata(source, [(starts[index], lines[index]) for index in comments])
    first = next((line for line in lines if line.strip() and not line.startswith(_COMMENTS)), "")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = []
    written = ("\n" if line.startswith(_COMMENTS) else line for line in lines)
    reader = csv.reader(written, delimiter=delimiter, strict=True, skipinitialspace=True)
    begin = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_placed(source, cells, starts[begin], starts[reader.line_num]))
                if len(rows) > max_answers + 1:
                    fail_too_many(max_answers, source.name)
            begin = reader.line_num
    except csv.Error:  # its message depends on the version of Python
        place = Span(Text(source, " ", starts[begin]), 0, 1)
        fail("answers", "a quoted cell that starts in this row does not end", place, "check the quotation marks")
    if not rows:
        fail("answers", "the file has no table", origin=source.name, hint=COLUMNS_HINT)
    return Grid(rows[0], rows[1:]), name, networks


def read_markdown_answers(source: Source, max_answers: int) -> AnswerFile:
    """Read the tables of answers on a Markdown page, and lines such as ``Name: Ada`` outside of them.

    Raises:
        SpecError: the page has no table of answers.
    """
    answers: list[Answer] = []
    notes: list[str] = []
    other_lines: list[tuple[int, str]] = []
    grids = 0
    of_networks = []
    for grid in _markdown_grids(source, other_lines):
        if is_network_table(grid.titles):
            of_networks.append(grid)
            continue
        if not any(role_of(title.value) in ("layer", "target") for title in grid.titles):
            notes.append(f"line {grid.titles[0].place(0)[0] + 1}: table without a column 'layer' not read")
            continue
        grids += 1
        found, unread = _answers(grid, source, max_answers)
        answers += found
        notes += unread
        if len(answers) > max_answers:
            fail_too_many(max_answers, source.name)
    name, networks = _metadata(source, other_lines)
    if of_networks and not grids:
        return _network_file(source, of_networks, name, max_answers)
    if not grids:
        fail("answers", "the page has no table of answers", origin=source.name, hint=COLUMNS_HINT)
    return AnswerFile(source, tuple(answers), name=name, networks=networks, notes=tuple(notes))


def _network_file(source: Source, grids: list[Grid], name: str, max_answers: int) -> AnswerFile:
    """Return the claims of tables of networks; see `read_network_tables`."""
    table = read_network_tables(grids, max_answers)
    return AnswerFile(
        source,
        tuple(table.answers),
        name=name,
        networks=table.networks,
        audit=True,
        columns=tuple(table.columns),
        notes=tuple(table.notes),
    )


class _Columns(NamedTuple):
    """The indices of the columns by their roles."""

    place: int
    """The column of the layer or target."""
    is_target: bool
    """Whether it is a target instead of a layer."""
    quantity: int | None
    answer: int | None
    quantities: dict[int, str]
    """The columns of quantities, if every row is a layer."""


def _columns(titles: list[Text]) -> _Columns:
    roles = columns_by_role(titles)
    place, target, answer = roles.get("layer"), roles.get("target"), roles.get("answer")
    where = whole_text(titles[0])
    if answer is not None:
        if target is not None:
            return _Columns(target, True, None, answer, {})
        if place is not None and "quantity" in roles:
            return _Columns(place, False, roles["quantity"], answer, {})
    elif place is not None:
        found = {index: name for index, title in enumerate(titles) if (name := quantity_of(title.value))}
        found.pop(place, None)
        if found:
            return _Columns(place, False, None, None, found)
    return fail("answers", "the columns are not those of a table of answers", where, COLUMNS_HINT)


def _answers(grid: Grid, source: Source, max_answers: int) -> tuple[list[Answer], list[str]]:
    """Return the answers of a table, and notes about columns that are not read."""
    columns = _columns(grid.titles)
    read = {columns.place, columns.quantity, columns.answer, *columns.quantities}
    notes = notes_on_unread(title for index, title in enumerate(grid.titles) if index not in read)
    answers: list[Answer] = []
    for row in grid.rows:
        answers += _row(row, columns, grid, source)
        if len(answers) > max_answers:
            fail_too_many(max_answers, source.name)
    return answers, notes


def _row(row: list[Text], columns: _Columns, grid: Grid, source: Source) -> Iterator[Answer]:
    """Yield the answers of one row. A row with more cells than titles contains an unquoted comma."""
    width = len(grid.titles)
    problem = None
    if any(cell.value for cell in row[width:]):
        if columns.answer == width - 1:  # the rest of the line is the answer: 61,706 or (6, 28, 28)
            start, last = row[width - 1].start, row[-1]
            row = [*row[: width - 1], Text(source, source.text[start : last.start + len(last.value)], start)]
        else:
            hint = 'a value that contains the separator needs quotes: "61,706"'
            message = f"the row must have {width} cells, got {len(row)}"
            problem = Problem("answers", message, whole_text(row[width]), hint)
    row = padded(row, width)
    place = row[columns.place]
    if columns.quantities:
        for index, quantity in columns.quantities.items():
            if is_answered(row[index].value):
                yield Answer(Text(source, target_of(place.value, quantity), place.start), row[index], problem)
        return
    assert columns.answer is not None
    if columns.quantity is not None:
        place = Text(source, target_of(place.value, row[columns.quantity].value), place.start)
    yield Answer(place, answer_in(row[columns.answer]), problem)


def padded(row: list[Text], width: int) -> list[Text]:
    """Return a row with empty cells at its end, as many as titles are more."""
    last = row[-1]
    return row + [Text(last.source, "", last.start + len(last.value))] * (width - len(row))


def _placed(source: Source, cells: list[str], start: int, end: int) -> list[Text]:
    """Return the cells of a CSV row with their places (the start of the row if quotation marks hide a cell)."""
    placed = []
    at = start
    for cell in cells:
        value = cell.strip()
        found = source.text.find(value, at, end)
        placed.append(Text(source, value, start if found < 0 else found))
        at = at if found < 0 else found + len(value)
    return placed


def _markdown_grids(source: Source, other_lines: list[tuple[int, str]]) -> Iterator[Grid]:
    """Yield the tables of a page; all other lines are added to ``other_lines``, each with its start."""
    lines = source.text.splitlines(keepends=True)
    start, index = 0, 0
    while index < len(lines):
        if (
            index + 1 < len(lines)
            and "|" in lines[index]
            and "|" in lines[index + 1]
            and _SEPARATOR.fullmatch(lines[index + 1])
        ):
            titles = _cells(source, lines[index], start)
            start += len(lines[index]) + len(lines[index + 1])
            index += 2
            rows = []
            while index < len(lines) and "|" in lines[index]:
                rows.append(_cells(source, lines[index], start))
                start += len(lines[index])
                index += 1
            if titles:
                yield Grid(titles, [row for row in rows if row])
        else:
            other_lines.append((start, lines[index]))
            start += len(lines[index])
            index += 1


def _cells(source: Source, line: str, start: int) -> list[Text]:
    """Return the cells of a line of a Markdown table, without the markup of code and emphasis."""
    inner = line.strip()
    start += line.find(inner) if inner else 0
    if inner.startswith("|"):
        inner, start = inner[1:], start + 1
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    cells = []
    for cell in re.split(r"(?<!\\)\|", inner):
        value = cell.strip(" \t`*")
        cells.append(Text(source, value.replace("\\|", "|"), start + cell.find(value)))
        start += len(cell) + 1
    return cells


def _metadata(source: Source, lines: list[tuple[int, str]]) -> tuple[str, dict[str, NetworkText]]:
    """Return the name of the person and the network that lines outside the tables give."""
    name, networks = "", {}
    for start, line in lines:
        match = _METADATA.match(line)
        if match is None:
            continue
        value = match[2].strip().strip("`*_")
        if match[1].lower() == "network":
            networks = {"": NetworkText(Text(source, value, start + match.start(2)))}
        else:
            name = name or value
    return name, networks
