"""The cache of validations: results of earlier runs by everything that they depend on.

That is the content of the spec and its name, the options, the configuration, its entry in the baseline, and the program
itself. The cache is an SQLite file in the user's folder for caches. It never fails: a cache that cannot be read or
written is ignored.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.validation.baseline import BaselineChange, BaselineComparison, LayerFigures
from archcalc.validation.findings import Finding
from archcalc.validation.parallel import examine_all
from archcalc.validation.results import Options, ValidationResult, ValidationTask

if TYPE_CHECKING:
    from sqlite3 import Connection

Value = TypeVar("Value")

MAX_AGE = 30
"""The number of days after which an unused result is removed."""
MAX_RESULTS = 100_000
"""The maximum number of results that are kept; those unused for the longest time are removed first."""
TABLE = "CREATE TABLE IF NOT EXISTS results (key BLOB PRIMARY KEY, used INTEGER, result TEXT) WITHOUT ROWID"


def cache_file() -> Path | None:
    """Return the path of the cache, in the folder that ``XDG_CACHE_HOME`` or the system names for caches.

    ``None`` if there is no such folder.
    """
    try:
        home = Path.home()
    except RuntimeError:
        return None
    local = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    usual = {"win32": local, "darwin": home / "Library" / "Caches"}.get(sys.platform, home / ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "archcalc" / "validate.sqlite"


def examine_changed(
    file: Path, version: str, options: Options, tasks: Sequence[ValidationTask], jobs: int | None = None
) -> Iterator[ValidationResult]:
    """Yield the results of all tasks in their order; those that are in the cache are not computed again.

    Results from the cache have no figures.

    Args:
        file: the cache.
        version: the version of the program.
        options: the options of the validation.
        tasks: the specs.
        jobs: the number of processes, as for `examine_all`.
    """
    environment = sha256(_text([version, *_program(), options]).encode()).hexdigest()
    keys = [_key(environment, options, task) for task in tasks]
    known = _find(file, [key for key in keys if key is not None])
    changed = [task for task, key in zip(tasks, keys, strict=True) if key not in known]
    found: dict[bytes, str] = {}
    try:
        with closing(examine_all(options, changed, jobs)) as fresh:
            for task, key in zip(tasks, keys, strict=True):
                if key is not None and key in known:
                    yield known[key]
                    continue
                result = next(fresh)
                if key is not None and key == _key(environment, options, task):  # not changed in the meantime
                    found[key] = json.dumps(result._replace(figures=None))
                yield result
    finally:
        _keep(file, found, list(known))


def _program() -> Iterator[Any]:
    """Yield what distinguishes the states of the program: a checkout changes while its version stays."""
    import yaml

    yield from (sys.version, yaml.__version__)
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        status = path.stat()
        yield str(path), status.st_size, status.st_mtime_ns


def _key(environment: str, options: Options, task: ValidationTask) -> bytes | None:
    """Return a hash of all that the result of a task depends on; ``None`` if it does not depend on a plain file."""
    found_spec, settings = task.found_spec, task.configuration
    if not found_spec.path or found_spec.is_model or found_spec.problem is not None or found_spec.skipped:
        return None
    try:
        with open(found_spec.path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > options.limits.bytes:
                return None
            content = file.read()
    except (OSError, ValueError):
        return None
    about = (
        environment,
        found_spec,
        settings.ignored_codes(found_spec.path),
        settings.warn,
        settings.error,
        settings.strict,
        settings.tolerance_for(found_spec.path),
        settings.shapes(found_spec.path),
        (task.baseline, task.renamed_from, task.is_required),
        task.budgets,
    )
    return sha256(_text(about).encode() + b"\0" + content).digest()


def _text(value: Any) -> str:
    """Return a text for plain data that is equal for equal data."""
    return json.dumps(value, default=lambda each: sorted(each) if isinstance(each, frozenset) else str(each))


def _find(file: Path, keys: Sequence[bytes]) -> dict[bytes, ValidationResult]:
    """Return the results with these keys that are in the cache."""

    def find(connection: Connection) -> dict[bytes, ValidationResult]:
        found = {}
        for key in keys:
            row = connection.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
            if row is not None:
                found[key] = _result(json.loads(row[0]))
        return found

    return _transaction(file, find) or {}


def _keep(file: Path, found: dict[bytes, str], known: Iterable[bytes]) -> None:
    """Store results, note that others were used today, and remove old ones."""
    today = int(time.time() // 86400)

    def keep(connection: Connection) -> None:
        used = ((today, key, today) for key in known)
        connection.executemany("UPDATE results SET used = ? WHERE key = ? AND used < ?", used)
        if not found:
            return
        rows = ((key, today, result) for key, result in found.items())
        connection.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows)
        connection.execute("DELETE FROM results WHERE used < ?", (today - MAX_AGE,))
        (number,) = connection.execute("SELECT count(*) FROM results").fetchone()
        oldest = "SELECT key FROM results ORDER BY used LIMIT ?"
        connection.execute(f"DELETE FROM results WHERE key IN ({oldest})", (max(number - MAX_RESULTS, 0),))

    _transaction(file, keep)


def _transaction(file: Path, work: Callable[[Connection], Value]) -> Value | None:
    """Do something with the cache, completely or not at all; ``None`` if that is not possible."""
    try:
        import sqlite3
    except ImportError:  # Python may be built without it
        return None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(TABLE)
            return work(connection)
    except (OSError, sqlite3.OperationalError):  # read-only, locked, full
        return None
    except (ValueError, TypeError, sqlite3.Error):  # damaged
        with suppress(OSError):
            file.unlink()
        return None


def _result(row: list[Any]) -> ValidationResult:
    """Return the result that was stored as JSON, where all tuples are lists."""
    result = ValidationResult(**dict(zip(ValidationResult._fields, row, strict=True)))
    return result._replace(
        findings=tuple(Finding(*each) for each in result.findings),
        comparison=None if result.comparison is None else _comparison(result.comparison),
    )


def _comparison(row: Any) -> BaselineComparison:
    before, after, changes = row
    changed = tuple(BaselineChange(*(None if each is None else _layer(*each) for each in change)) for change in changes)
    return BaselineComparison(tuple(before), tuple(after), changed)


def _layer(name: str, op: str, output: str, counts: list[int]) -> LayerFigures:
    return LayerFigures(name, op, output, tuple(counts))
