"""Damaged model files by the thousand: each must be read, or be refused with one error; none may take much memory.

Files are truncated, get other bytes, or get another description of the network: values are replaced by unsuitable ones,
removed, moved to other places or repeated, nodes are connected otherwise, stored arrays get other sizes. Prints how
many were read, how many were refused with which codes, the processor time of the slowest, and the largest amount of
memory that the process ever had. The exit status is 1 if anything else happened.

    python -m benchmarks.damaged_files FILE [COUNT [SEED]]

FILE is a program as `torch.export.save` writes it, an ONNX, TensorFlow Lite or ``.keras`` file, a Keras model in HDF5,
or a checkpoint. Of one in several files, the index is damaged; of an ONNX file with external data, the file itself.
"""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import archcalc
from archcalc import SpecError
from archcalc.spec.models import is_checkpoint
from benchmarks import damaged_checkpoints, damaged_onnx, damaged_tflite
from benchmarks.damaged_bytes import archive_of, other_bytes, truncated

MAX_SECONDS = 60
"""The time that the processor may take for a file, with that of processes which try it."""
PATIENCE = 10
"""How many times this a file may take by the clock, while other processes have the processor."""
MAX_MEGABYTES = 300

UNSUITABLE: list[Any] = [
    *(None, True, 0, -1, 1, 7, 2**31, 2**63, 10**4000, 0.5, float("inf"), "", "x", "\n", "9" * 100, [], {}, [[]]),
    *({"as_int": 2**62}, {"as_none": True}, {"as_tensor": {"name": "x"}}, {"as_ints": []}, {"as_ints": [-1]}),
    {"as_expr": {"expr_str": "Pow(Integer(9), Integer(999999999))", "hint": {"as_int": 3}}},
    {"as_expr": {"expr_str": "Mul(" * 4000, "hint": None}},
]


class Members:
    """The content of an archive, with its description parsed."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.name = next(name for name in self.members if name.endswith(("models/model.json", "config.json")))
        self.document = json.loads(self.members[self.name])
        self.places = places(self.document)

    def written(self, document: Any) -> bytes:
        """Return the archive with another description."""
        return archive_of({**self.members, self.name: json.dumps(document).encode()}.items())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))][0 if path else 1 :]


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at a path."""
    for key in path:
        document = document[key]
    return document


def other_end(members: Members, chance: random.Random) -> bytes:
    """Change bytes in the list of members, at the end of the file."""
    changed = bytearray(members.data)
    for _ in range(chance.choice((1, 2, 8))):
        changed[-chance.randrange(1, min(len(changed), 3000))] = chance.randrange(256)
    return bytes(changed)


def other_values(members: Members, chance: random.Random) -> bytes:
    document = copy.deepcopy(members.document)
    for _ in range(chance.choice((1, 1, 1, 3, 10))):
        *way, key = chance.choice(members.places)
        try:
            parent = at(document, tuple(way))
            action = chance.choice(("unsuitable", "unsuitable", "remove", "move", "repeat"))
            if action == "remove":
                del parent[key]
            elif action == "repeat" and isinstance(parent, list):
                parent.insert(key, parent[key])
            elif action == "move":
                parent[key] = copy.deepcopy(at(document, chance.choice(members.places)))
            else:
                parent[key] = chance.choice(UNSUITABLE)
        except (LookupError, TypeError):
            continue  # an earlier change has removed the place
    return members.written(document)


DAMAGES: tuple[Callable[[Members, random.Random], bytes], ...] = (truncated, other_bytes, other_end, other_values)


def read_network(path: Path) -> None:
    for partial in (False, True):
        network = archcalc.load(str(path), partial=partial)
        network.analyze()
    network.arrays()


def outcome(path: Path) -> str:
    """Read a file, and return what happened: ``read``, the codes of its errors, or the name of any other exception."""
    try:
        if is_checkpoint(str(path)):
            damaged_checkpoints.read(path)
        else:
            read_network(path)
    except SpecError as error:
        return "refused: " + ", ".join(sorted({problem.code for problem in error.problems}))
    except (Exception, TooSlow) as error:  # what this looks for
        traceback.print_exc()
        return f"FAILED: {type(error).__name__}"
    return "read"


class TooSlow(BaseException):
    """A file took too long; no reader catches this, as one might an ``OSError``."""


def too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {PATIENCE * MAX_SECONDS} seconds")


def processor_time() -> float:
    """Return the seconds that this process and those that it has waited for have taken."""
    return sum(os.times()[:4])


def main() -> int:
    file = Path(sys.argv[1])
    original: Any
    damages: tuple[Callable[[Any, random.Random], bytes], ...]
    if file.suffix == ".json":
        original, damages = damaged_checkpoints.Index(file), damaged_checkpoints.INDEX_DAMAGES
    elif is_checkpoint(str(file)) or file.suffix == ".h5":
        original, damages = damaged_checkpoints.Checkpoint(file), damaged_checkpoints.DAMAGES
    elif file.suffix == ".onnx":
        original, damages = damaged_onnx.Model(file), damaged_onnx.DAMAGES
    elif file.suffix == ".tflite":
        original, damages = damaged_tflite.Model(file), damaged_tflite.DAMAGES
    else:
        original, damages = Members(file), DAMAGES
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    chance = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    signal.signal(signal.SIGALRM, too_slow)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for beside in file.parent.iterdir() if file.suffix == ".json" else file.parent.glob(f"{file.name}.*"):
            shutil.copy(beside, folder)
        for number in range(count):
            path = Path(folder) / f"damaged.{file.name.partition('.')[2]}"
            damage = damages[number % len(damages)]
            path.write_bytes(damage(original, chance))
            signal.alarm(PATIENCE * MAX_SECONDS)
            start = processor_time()
            found = outcome(path)
            seconds = processor_time() - start
            signal.alarm(0)
            slowest = max(slowest, seconds)
            if seconds > MAX_SECONDS:
                found = f"FAILED: {seconds:.0f} seconds"
            outcomes[f"{damage.__name__:12}  {found}"] += 1
            if found.startswith("FAILED"):
                Path(f"failed-{number}{file.suffix}").write_bytes(path.read_bytes())
    for found, times in sorted(outcomes.items()):
        print(f"{times:6}  {found}")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"the slowest took {slowest:.2f} s")
    print(f"at most {megabytes} MB of memory, this program included")
    return int(any("FAILED" in found for found in outcomes) or megabytes > MAX_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
