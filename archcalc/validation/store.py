"""Baseline files: the figures of networks, under names that do not depend on the current folder."""

from __future__ import annotations

import gc
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

from archcalc.spec.errors import Source, Span, Text, fail
from archcalc.spec.locate import is_file_name
from archcalc.validation.baseline import STORED_COUNTS, STORED_QUANTITIES, LayerFigures, NetworkFigures
from archcalc.validation.paths import FoundSpec

MAX_BYTES = 256 * 1024 * 1024
"""The maximum size of a baseline file."""
SCHEMA = 1
"""The number of the format."""
CONFLICT = re.compile("^<{7}( |$)", re.MULTILINE)
"""The first line of a conflict that Git has left in a file."""


class Settings(NamedTuple):
    """What ``--set`` and ``--shape`` change in the specs of a run: figures with other settings are not comparable."""

    set: tuple[tuple[str, str], ...] = ()
    shape: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, set: Mapping[str, str], shapes: Mapping[str, str]) -> Settings:
        """Return the settings that options make, in an order that does not depend on theirs."""
        return cls(tuple(sorted(set.items())), tuple(sorted(shapes.items())))

    def __str__(self) -> str:
        """Return the options as they are written after a name: ``' --set n=80'``."""
        words = [f" --set {shlex.quote(f'{name}={value}')}" for name, value in self.set]
        words += [f" --shape {shlex.quote(f'{name}={value}'.removeprefix('='))}" for name, value in self.shape]
        return "".join(words)


AS_WRITTEN = Settings()


@dataclass
class BaselineFile:
    """A baseline file with the figures of networks, each with the settings that it was analysed with."""

    path: str
    networks: dict[str, NetworkFigures] = field(default_factory=dict)
    """The figures by entry: the name of a spec, followed by its settings."""
    settings: dict[str, Settings] = field(default_factory=dict)
    """The settings by entry, of those that have any."""
    updated: set[str] = field(default_factory=set)
    """The entries that were put into it since it was read."""
    digest: str = ""
    """A hash of the content of the file."""

    @classmethod
    def read(cls, path: str) -> BaselineFile:
        """Read a baseline file.

        Raises:
            SpecError: the file does not exist, is too large, or is not a baseline that this version reads.
        """
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            hint = "`archcalc validate --update-baseline` writes it" if isinstance(error, FileNotFoundError) else ""
            fail("baseline", f"the file cannot be read: {error.strerror}", hint=hint, origin=path)
        except ValueError:
            fail("baseline", "no file can have this name", origin=path)
        if len(data) > MAX_BYTES:
            fail("baseline", f"the file has more than {MAX_BYTES:,} bytes", origin=path)
        collecting = gc.isenabled()
        gc.disable()  # nothing of the large tree is garbage: scanning it repeatedly takes as long as building it
        try:
            return cls._parse(path, data)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            _fail_on_conflict(path, data)
            hint = f"restore it from version control: git checkout HEAD -- {shlex.quote(path)}"
            fail("baseline", "the file is not a baseline", hint=hint, origin=path)
        finally:
            if collecting:
                gc.enable()

    @classmethod
    def _parse(cls, path: str, data: bytes) -> BaselineFile:
        """Return the baseline in the content of a file; a damaged one raises the errors of the failed
        lookups."""
        document = json.loads(data)
        (schema,) = _integers((document["schema"],))
        if schema != SCHEMA:
            message = f"the baseline has schema {schema}, and this version of archcalc reads schema {SCHEMA}"
            fail("baseline", message, hint="use the version of archcalc that wrote it, or a later one", origin=path)
        records = document["specs"]
        settings = {name: _settings(record["settings"]) for name, record in records.items() if "settings" in record}
        networks = {name: _figures(record) for name, record in records.items()}
        return cls(path, networks, settings, digest=sha256(data).hexdigest())

    def spec_name(self, found_spec: FoundSpec) -> str:
        """Return the name of a spec in the file: its path from the folder of the file, or its bundled name or text.

        It does not depend on the locale, by which Python decodes paths.
        """
        if found_spec.inline and found_spec.source is not None:
            return " ".join(found_spec.source.text.split())
        if not found_spec.path or found_spec.name != found_spec.path:
            return found_spec.name
        folder = os.path.dirname(os.path.realpath(self.path))
        below = os.path.relpath(os.path.realpath(found_spec.path), folder).replace(os.sep, "/")
        return os.fsencode(below).decode("utf-8", "surrogateescape")

    def of(self, found_spec: FoundSpec, settings: Settings = AS_WRITTEN) -> NetworkFigures | None:
        """Return the figures of a spec with certain settings; ``None`` if the file does not contain them."""
        return self.networks.get(f"{self.spec_name(found_spec)}{settings}")

    def identity(self, found_spec: FoundSpec, settings: Settings = AS_WRITTEN) -> str:
        """Return a text that changes with the content of the file and with the entry of the spec in it."""
        return f"{self.digest}:{self.spec_name(found_spec)}{settings}"

    def put(self, found_spec: FoundSpec, figures: NetworkFigures, settings: Settings = AS_WRITTEN) -> None:
        """Store the figures of a spec with certain settings."""
        name = f"{self.spec_name(found_spec)}{settings}"
        self.networks[name] = figures
        self.updated.add(name)
        if settings != AS_WRITTEN:
            self.settings[name] = settings

    def missing_entries(self, settings: Settings | None = None) -> dict[str, NetworkFigures]:
        """Return the entries whose files do not exist any more.

        Args:
            settings: return only the entries with these settings.
        """
        return {
            name: figures
            for name, figures in self.networks.items()
            if (settings is None or self.settings.get(name, AS_WRITTEN) == settings) and self._is_gone(name)
        }

    def updated_file(self) -> BaselineFile:
        """Return the file as it is now, possibly changed by another process, with what was put into this one.

        Entries whose files do not exist any more are left out.
        """
        current = BaselineFile.read(self.path) if os.path.isfile(self.path) else BaselineFile(self.path)
        for name in sorted(self.updated):
            current.networks[name] = self.networks[name]
            if name in self.settings:
                current.settings[name] = self.settings[name]
        for name in current.missing_entries():
            del current.networks[name]
        return current

    def text(self) -> str:
        """Return the content of the file, with one line per layer."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f'{{"schema": {SCHEMA}, "specs": {{'
        for number, (name, figures) in enumerate(sorted(self.networks.items())):
            yield f"{',' if number else ''}{json.dumps(name)}: {{"
            if name in self.settings:
                each = {option: dict(values) for option, values in self.settings[name]._asdict().items() if values}
                yield f'  "settings": {json.dumps(each)},'
            yield f'  "totals": {json.dumps(dict(zip(STORED_QUANTITIES, figures.totals, strict=True)))},'
            yield '  "layers": {'
            for index, row in enumerate(figures.layers):
                record = {"op": row.op, "output": row.output, **dict(zip(STORED_COUNTS, row.counts, strict=True))}
                comma = "," if index + 1 < len(figures.layers) else ""
                yield f"    {json.dumps(row.name)}: {json.dumps(record, ensure_ascii=False)}{comma}"
            yield "  }"
            yield "}"
        yield "}}"

    def _is_gone(self, name: str) -> bool:
        spec = name.removesuffix(str(self.settings.get(name, AS_WRITTEN)))
        if not is_file_name(spec):
            return False
        try:
            folder = os.fsencode(os.path.dirname(os.path.realpath(self.path)))
            os.stat(os.path.join(folder, spec.encode("utf-8", "surrogateescape")))
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, ValueError):
            return False  # in a folder that cannot be entered
        return False


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Lock a file, so that one process at a time updates it. The lock is on its folder, so that no file is left."""
    descriptor = _lock(os.path.dirname(os.path.realpath(path)))
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(folder: str) -> int | None:
    """Lock a folder until the returned descriptor is closed; ``None`` where that is not possible."""
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # Windows; a folder that does not exist
        return None
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _fail_on_conflict(path: str, data: bytes) -> None:
    source = Source(path, data.decode("utf-8", "replace").replace("\r\n", "\n"))
    conflict = CONFLICT.search(source.text)
    if conflict is not None:
        hint = (
            f"take one side with `git checkout --ours -- {shlex.quote(path)}`, then store the totals of the merged "
            "specs with --update-baseline"
        )
        place = Span(Text(source, conflict[0], conflict.start()), 0, len(conflict[0]))
        fail("baseline", "the file has the markers of a merge conflict", place, hint)


def _settings(record: Any) -> Settings:
    values = {option: {str(name): str(value) for name, value in record.get(option, {}).items()} for option in record}
    return Settings.of(values.get("set", {}), values.get("shape", {}))


def _figures(record: Any) -> NetworkFigures:
    totals, counts = itemgetter(*STORED_QUANTITIES), itemgetter(*STORED_COUNTS)
    rows = [
        LayerFigures(name, str(layer["op"]), str(layer["output"]), _integers(counts(layer)))
        for name, layer in record["layers"].items()
    ]
    return NetworkFigures(_integers(totals(record["totals"])), tuple(rows))


def _integers(values: tuple[Any, ...]) -> tuple[int, ...]:
    if set(map(type, values)) != {int}:
        raise ValueError("counts must be integers")
    return values
