"""Tables of networks: one network per row, one figure per column, as model libraries and papers print them.

``Model | Params (M) | GFLOPs``. A row names a bundled network in any spelling, or any other SPEC. Rows of networks that
archcalc does not know are not read, and a note lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from archcalc.grading.columns import columns_by_role, is_answered, notes_on_unread, quantity_and_unit
from archcalc.grading.submission import Answer, NetworkText, fail_too_many
from archcalc.spec.errors import Text, fail, whole_text
from archcalc.spec.locate import is_file_name, is_inline, split_variant
from archcalc.spec.zoo import entry_named, suggest_bundled

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKUP = re.compile(r"<[^>]*>.*?</[^>]*>|<[^>]*>|[`*†‡§]")
"""Footnotes and emphasis."""
_SIZE = re.compile(r"(?:\d+\s*[x×]\s*)??(\d+)(?:\s*[x×]\s*(\d+))?(?:\s*²|\^2)?")
_NUMBER = re.compile(r"[\d.,]+")
MAX_LISTED = 12
"""The maximum number of networks that a note lists."""


class NetworkTable(NamedTuple):
    """What tables of networks contain."""

    answers: list[Answer]
    networks: dict[str, NetworkText]
    """The networks by the names that the targets begin with."""
    columns: list[Text]
    """The titles of the columns that the answers come from, one for each answer."""
    notes: list[str]


class _Columns(NamedTuple):
    network: int
    resolution: int | None
    figures: dict[int, tuple[str, str]]
    """The quantities with the units of their numbers."""


def is_network_table(titles: list[Text]) -> bool:
    """Return whether these are the titles of a table with a network in each row."""
    return _columns(titles) is not None


def _columns(titles: list[Text]) -> _Columns | None:
    roles = columns_by_role(titles)
    figures = {index: found for index, title in enumerate(titles) if (found := quantity_and_unit(title.value))}
    if "network" not in roles or not figures or roles.keys() & {"layer", "target", "answer"}:
        return None
    return _Columns(roles["network"], roles.get("resolution"), figures)


def read_network_tables(grids: Iterable[tuple[list[Text], list[list[Text]]]], max_answers: int) -> NetworkTable:
    """Read tables of networks, each given as its titles and its rows.

    Raises:
        SpecError: No row has a known network, or there are too many figures.
    """
    table = NetworkTable([], {}, [], [])
    unknown: list[Text] = []
    for titles, rows in grids:
        columns = _columns(titles)
        assert columns is not None
        for row in rows:
            unknown += _read_row(table, titles, columns, row)
            if len(table.answers) > max_answers:
                fail_too_many(max_answers, titles[0].source.name)
        read = {columns.network, columns.resolution, *columns.figures}
        table.notes.extend(notes_on_unread(title for index, title in enumerate(titles) if index not in read))
    if unknown and not table.networks:
        hint = next(
            filter(None, (suggest_bundled(each.value) for each in unknown)), "`archcalc zoo` lists the networks"
        )
        fail("unknown-name", "no row names a network that archcalc knows", whole_text(unknown[0]), hint)
    if unknown:
        more = f" and {len(unknown) - MAX_LISTED:,} more" if len(unknown) > MAX_LISTED else ""
        listed = ", ".join(each.value[:40] for each in unknown[:MAX_LISTED])
        table.notes.append(f"networks that archcalc does not know: {listed}{more}")
    return table


def _read_row(table: NetworkTable, titles: list[Text], columns: _Columns, row: list[Text]) -> Iterator[Text]:
    """Add a row to what tables contain; return the name of a network that is not known."""
    if columns.network >= len(row) or not (written := _plain(row[columns.network].value)):
        return
    network = _network(written, row, columns)
    if network is None:
        yield _text(row[columns.network], written)
        return
    name = _free_name(written, network, table.networks)
    table.networks[name] = network
    for index, (quantity, unit) in columns.figures.items():
        for value in _figure(row, index, unit):
            table.answers.append(Answer(_text(row[index], f"{name}.{quantity}"), value))
            table.columns.append(titles[index])


def _plain(cell: str) -> str:
    """Return the text of a cell without links, footnotes and emphasis."""
    return _MARKUP.sub("", _LINK.sub(r"\1", cell)).strip()


def _network(written: str, row: list[Text], columns: _Columns) -> NetworkText | None:
    """The network of a row, with an input of the resolution that the row gives; ``None`` if it is not known."""
    cell = row[columns.network]
    entry = entry_named(written)
    if entry is None:
        known = is_inline(written) or is_file_name(split_variant(written)[0])
        return NetworkText(_text(cell, written)) if known or split_variant(written)[1] else None
    shapes = {}
    if columns.resolution is not None and columns.resolution < len(row):
        size = _SIZE.fullmatch(_plain(row[columns.resolution].value))
        channels = re.fullmatch(r"(\d+)x\d+x\d+", entry.input)
        if size is not None and channels is not None:
            shape = f"{channels[1]}x{size[1]}x{size[2] or size[1]}"
            if shape != entry.input:
                shapes[""] = _text(row[columns.resolution], shape)
    return NetworkText(_text(cell, entry.name), shapes=shapes)


def _free_name(written: str, network: NetworkText, taken: dict[str, NetworkText]) -> str:
    """Return the name of a network in targets: that of the row, with the resolution or a number if it is taken."""
    name = written.replace(" / ", "/")
    if name in taken and network.shapes:
        name = f"{name} {network.shapes[''].value}"
    return (
        name
        if name not in taken
        else next(each for number in range(2, len(taken) + 3) if (each := f"{name} ({number})") not in taken)
    )


def _figure(row: list[Text], index: int, unit: str) -> Iterator[Text]:
    """The value of a cell, with the unit of its column; nothing if the cell is empty."""
    if index < len(row) and is_answered(value := _plain(row[index].value)):
        yield _text(row[index], f"{value}{unit}" if _NUMBER.fullmatch(value) else value)


def _text(cell: Text, value: str) -> Text:
    """Return a value at the place of a cell."""
    return Text(cell.source, value, cell.start)
