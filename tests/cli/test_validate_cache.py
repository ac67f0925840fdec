"""``archcalc validate`` of specs that have not changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from archcalc.validation import Options, cache
from archcalc.validation.results import ValidationTask
from tests.cli.conftest import Archcalc

NET = "input: 3x9x9\nlayers:\n  - a: conv 4 k3 -> bn\nexpect: {params: 1}\n"


def nothing_to_examine(options: Options, tasks: Sequence[ValidationTask], jobs: int | None) -> Iterator[None]:
    """Yield nothing, and fail if there are specs to validate."""
    assert not tasks
    yield from ()


@pytest.fixture(autouse=True)
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a spec in the current folder, and set a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    folder = tmp_path / "nets"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "net.yaml").write_text(NET, encoding="utf-8")
    return folder / "net.yaml"


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_a_second_run_gives_the_same_report(
    archcalc: Archcalc, net: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ("--baseline", "../base.json")
    assert archcalc("validate", ".", *base, "--update-baseline").status == 1
    net.write_text(NET.replace("conv 4", "conv 5"), encoding="utf-8")
    arguments = ("validate", ".", *base, "--format", form)
    first = archcalc(*arguments)
    assert first.status == 1
    assert "growth" in first.out
    with monkeypatch.context() as patch:
        patch.setattr(cache, "examine_all", nothing_to_examine)
        assert archcalc(*arguments) == first
    assert archcalc(*arguments, "--no-cache") == first


def test_runs_without_the_cache_do_not_create_it(archcalc: Archcalc, net: Path, tmp_path: Path) -> None:
    for option in ("--no-cache", "--fix", "--diff"):
        archcalc("validate", ".", option)
    assert not (tmp_path / "caches").exists()
    archcalc("validate", ".")
    assert (tmp_path / "caches").exists()
