"""The cache: the same results as without it, as long as nothing changes that they depend on."""

from __future__ import annotations

import json
import os
import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from archcalc.spec.limits import DEFAULT
from archcalc.validation import Options, cache, find_specs
from archcalc.validation.baseline import Tolerance
from archcalc.validation.cache import cache_file, examine_changed
from archcalc.validation.configuration import Configuration
from archcalc.validation.examine import examine
from archcalc.validation.results import ValidationTask
from tests.unprivileged import unprivileged

VERSION = "1.0"
NET = "input: 3x9x9\nvariables: {idle: 1}\nlayers:\n  - a: conv 4 k3 -> bn\n  - b: maxpool 2\nexpect: {params: 1}\n"


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """Return a folder of specs with warnings, a failing expectation and errors, and a file that is not a spec."""
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / "a.yaml").write_text(NET, encoding="utf-8")
    (folder / "b.yaml").write_text("input: 3x9x9\nlayers: [convv 3]\n", encoding="utf-8")
    (folder / "c.yaml").write_text("jobs: {}\n", encoding="utf-8")
    (folder / os.fsdecode(b"\xff.yaml")).write_text("input: 3\nlayers: [relu]\n", encoding="utf-8")
    return folder


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the specs that were validated, rather than found in the cache."""
    names: list[str] = []
    original = cache.examine_all

    def examine_all(options: Options, tasks: list[ValidationTask], jobs: int | None = None) -> Any:
        names.extend(task.found_spec.name for task in tasks)
        return original(options, tasks, jobs)

    monkeypatch.setattr(cache, "examine_all", examine_all)
    return names


def tasks(nets: Path, **changes: Any) -> list[ValidationTask]:
    return [ValidationTask(found, **changes) for found in find_specs([str(nets)], DEFAULT)]


def test_a_second_run_has_the_results_of_the_first_without_validating(nets: Path, examined: list[str]) -> None:
    file = nets.parent / "cache.sqlite"
    given = tasks(nets)
    first = list(examine_changed(file, VERSION, Options(), given))
    assert len(examined) == len(given)
    assert first == [examine(Options(), task) for task in given]
    assert list(examine_changed(file, VERSION, Options(), given)) == first
    assert len(examined) == len(given)


def test_comparisons_with_a_baseline_are_kept(nets: Path, examined: list[str]) -> None:
    file = nets.parent / "cache.sqlite"
    (task,) = (task for task in tasks(nets, baseline="b") if task.found_spec.name.endswith("a.yaml"))
    before = examine(Options(), task).figures
    assert before is not None
    changed = before._replace(totals=tuple(total - 1 for total in before.totals), layers=before.layers[:1])
    for own in (
        task,
        task._replace(baseline="c", before=before),
        task._replace(baseline="d", before=changed),
    ):
        first, second = (next(iter(examine_changed(file, VERSION, Options(), [own]))) for _ in range(2))
        assert second == first._replace(figures=None)
        assert second.is_new == (own is task)
    assert len(examined) == 3


BORDER = frozenset({"dropped-border"})


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"settings": {"idle": "2"}}, {}),
        ({"shapes": {"": "3x8x8"}}, {}),
        ({"limits": DEFAULT._replace(layers=2)}, {}),
        ({"strict": True}, {}),
        ({"ignore": BORDER}, {}),
        ({"tolerance": Tolerance(Fraction(1, 100))}, {}),
        ({}, {"configuration": Configuration(error=BORDER)}),
        ({}, {"configuration": Configuration("/archcalc.toml", ignore_by_path=(("*/a.yaml", BORDER),))}),
        ({}, {"baseline": "b"}),
        ({}, {"baseline": "b", "is_required": True}),
    ],
)
def test_a_spec_is_validated_again_after_a_change_of_what_applies_to_it(
    nets: Path, examined: list[str], options: dict[str, Any], changes: dict[str, Any]
) -> None:
    file = nets.parent / "cache.sqlite"
    list(examine_changed(file, VERSION, Options(), tasks(nets)))
    examined.clear()
    changed, given = Options()._replace(**options), tasks(nets, **changes)
    results = list(examine_changed(file, VERSION, changed, given))
    assert f"{nets}/a.yaml" in examined
    assert results[0] == examine(changed, given[0])


def test_a_spec_is_validated_again_after_a_change_of_its_content(nets: Path, examined: list[str]) -> None:
    file = nets.parent / "cache.sqlite"
    list(examine_changed(file, VERSION, Options(), tasks(nets)))
    examined.clear()
    (nets / "a.yaml").write_text(NET.replace("params: 1}", "params: 128}"), encoding="utf-8")
    assert [result.status for result in examine_changed(file, VERSION, Options(), tasks(nets))][:2] == [0, 2]
    assert examined == [f"{nets}/a.yaml"]


def test_another_version_validates_again(nets: Path, examined: list[str]) -> None:
    file = nets.parent / "cache.sqlite"
    list(examine_changed(file, VERSION, Options(), tasks(nets)))
    examined.clear()
    list(examine_changed(file, "1.1", Options(), tasks(nets)))
    assert len(examined) == 4


@pytest.mark.parametrize("damage", ["no database", "no result", "a folder", "read-only"])
def test_a_damaged_cache_is_ignored(nets: Path, examined: list[str], damage: str) -> None:
    file = nets.parent / "cache.sqlite"
    given = tasks(nets)
    first = list(examine_changed(file, VERSION, Options(), given))
    if damage == "no database":
        file.write_bytes(b"no database" * 1000)
    elif damage == "no result":
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE results SET result = '[3]'")
    elif damage == "a folder":
        file.unlink()
        file.mkdir()
    else:
        file.unlink()
        file = Path("/proc/none/cache.sqlite")
    assert list(examine_changed(file, VERSION, Options(), given)) == first
    if damage.startswith("no"):
        examined.clear()
        assert list(examine_changed(file, VERSION, Options(), given)) == first
        assert not examined  # the next run has replaced the damaged file


def test_files_that_cannot_be_read_are_not_kept(nets: Path, examined: list[str]) -> None:
    file = nets.parent / "cache.sqlite"
    list(examine_changed(file, VERSION, Options(), tasks(nets)))
    place = nets / "a.yaml"
    place.chmod(0)
    with unprivileged():
        results = list(
            examine_changed(file, VERSION, Options(), [ValidationTask(next(find_specs([str(place)], DEFAULT)))])
        )
    assert [result.status for result in results] == [2]


def test_old_results_are_removed(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = nets.parent / "cache.sqlite"
    given = tasks(nets)

    def number() -> int:
        with sqlite3.connect(file) as connection:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])

    list(examine_changed(file, VERSION, Options(), given))
    assert number() == len(given)
    now = cache.time.time()
    monkeypatch.setattr(cache.time, "time", lambda: now + 40 * 86400)
    list(examine_changed(file, VERSION, Options(), given[:1]))  # used again
    list(examine_changed(file, VERSION, Options(strict=True), given[:1]))
    assert number() == 2
    monkeypatch.setattr(cache, "MAX_RESULTS", 3)
    list(examine_changed(file, VERSION, Options(error=frozenset({"unused-block"})), given))
    assert number() == 3


def test_the_cache_is_in_the_folder_for_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file() == tmp_path / "archcalc" / "validate.sqlite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = cache_file()
    assert found is not None
    assert found.is_relative_to(tmp_path / "home")


def test_results_are_plain_data(nets: Path) -> None:
    for task in tasks(nets, baseline="b"):
        result = examine(Options(), task)._replace(figures=None)
        assert json.loads(json.dumps(result))[0] == result.name
