"""Damaged checkpoints, for `benchmarks.damaged_files` and a test."""

from __future__ import annotations

import json
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import archcalc
from archcalc.executor.errors import ArrayError
from archcalc.readers.checkpoints.outline import Outline
from archcalc.readers.checkpoints.read import read_checkpoint
from benchmarks.damaged_bytes import archive_of, other_bytes, truncated

LENGTH_BYTES = 8
UNSUITABLE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**60,
    2**64,
    0.5,
    "",
    "x",
    "F32",
    [],
    {},
    [[]],
    [0, 0],
    [2**60],
)
OPERATIONS = b"().]}0(eaustRbQqrhjKMJX\x85\x86\x87\x88\x89cio\x80\x93\x94\x95"
"""Operations of pickles."""


class Checkpoint:
    """A file, and what it consists of."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.is_safetensors = path.suffix == ".safetensors"
        self.members: dict[str, bytes] = {}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                self.members = {name: archive.read(name) for name in archive.namelist()}


class Index:
    """The index of a checkpoint in several files."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.document = json.loads(self.data)


def other_places(file: Index, chance: random.Random) -> bytes:
    """Change which files an index says tensors are in."""
    document = json.loads(file.data)
    places = document["weight_map"]
    names = (*UNSUITABLE, *places.values(), "../x.h5", "/etc/passwd", "x/../../y", "missing.h5", "a\0b", "..")
    for _ in range(chance.choice((1, 1, 3))):
        name = chance.choice([*places]) if places else "w"
        action = chance.randrange(5)
        if action == 0:
            places.pop(name, None)
        elif action == 1:
            places[chance.choice(("", "/", "w", name + "/0", name[:-1]))] = chance.choice(names)
        elif action == 2:
            places[name] = [chance.choice(names) for _ in range(chance.randrange(3))]
        elif action == 3:
            document[chance.choice(("weight_map", "metadata"))] = chance.choice(UNSUITABLE)
        else:
            places[name] = chance.choice(names)
    return json.dumps(document).encode()


def other_description(file: Checkpoint, chance: random.Random) -> bytes:
    """Change what describes the tensors: the header, the pickle, or the first bytes."""
    if file.is_safetensors:
        return _other_header(file, chance)
    pickle = next((name for name in file.members if name.endswith("data.pkl")), "")
    if not pickle:
        start = bytearray(file.data)
        _change(start, min(4096, len(start)), chance)
        return bytes(start)
    changed = bytearray(file.members[pickle])
    _change(changed, len(changed), chance)
    return archive_of({**file.members, pickle: bytes(changed)}.items())


def other_members(file: Checkpoint, chance: random.Random) -> bytes:
    """Remove, shorten or repeat members of an archive; other files get other bytes."""
    if not file.members:
        return other_bytes(file, chance)
    members = []
    for name, content in file.members.items():
        action = chance.choice(("keep",) * 8 + ("remove", "shorten", "rename"))
        if action == "rename":
            members.append((name.replace("/", "/../", 1), content))
        elif action != "remove":
            members.append((name, content if action == "keep" else content[: chance.randrange(len(content) + 1)]))
    return archive_of(members)


def _change(content: bytearray, until: int, chance: random.Random) -> None:
    """Change, insert and remove bytes before an index."""
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        at = chance.randrange(max(1, min(until, len(content))))
        action = chance.randrange(4)
        if action == 0:
            content[at : at + 1] = b""
        elif action == 1:
            content[at:at] = bytes([chance.choice(OPERATIONS)])
        elif action == 2:
            content[at:at] = content[chance.randrange(len(content) + 1) :][: chance.randrange(60)]
        else:
            content[at : at + 1] = bytes([chance.randrange(256)])


def _other_header(file: Checkpoint, chance: random.Random) -> bytes:
    """Change values of the header of safetensors, or its length."""
    (length,) = struct.unpack("<Q", file.data[:LENGTH_BYTES])
    header = json.loads(file.data[LENGTH_BYTES : LENGTH_BYTES + length])
    for _ in range(chance.choice((1, 1, 3))):
        name = chance.choice([*header])
        entry = header[name]
        action = chance.randrange(5)
        if action == 0:
            del header[name]
            header = header or {"w": 0}
        elif action == 1 or not isinstance(entry, dict) or not entry:
            header[name] = chance.choice(UNSUITABLE)
        elif action == 2:
            entry[chance.choice([*entry])] = chance.choice(UNSUITABLE)
        elif action == 3:
            header[chance.choice(("", "w", name * 2, "a.b" * 100))] = entry
        else:
            key = chance.choice([*entry])
            if isinstance(entry[key], list) and entry[key]:
                entry[key][chance.randrange(len(entry[key]))] = chance.choice((0, 1, -1, 7, 2**40, 2**63, 0.5, None))
    text = json.dumps(header).encode()
    claimed = chance.choice((len(text),) * 8 + (0, len(text) + 1, 2**60, 2**63))
    return struct.pack("<Q", claimed) + text + file.data[LENGTH_BYTES + length :]


INDEX_DAMAGES: tuple[Callable[[Index, random.Random], bytes], ...] = (truncated, other_bytes, other_places)
DAMAGES: tuple[Callable[[Checkpoint, random.Random], bytes], ...] = (
    truncated,
    other_bytes,
    other_description,
    other_members,
)


def read(path: Path) -> None:
    """Read a checkpoint as the verbs do: its tensors, its modules, the numbers of every tensor, and as weights."""
    found = read_checkpoint(str(path))
    assert found.totals.tensors
    assert [*Outline(found).rows(3)]
    for tensor in found.tensors.values():
        if tensor.bytes < 2**26:
            found.load(tensor)
    with suppress(ArrayError):  # what does not fit
        archcalc.load("lenet5").weights(str(path))
