"""The file of a baseline."""

from __future__ import annotations

import json
import tempfile
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings

from archcalc.analysis.propagate import analyze
from archcalc.spec import Source, SpecError, read_spec
from archcalc.validation import FoundSpec
from archcalc.validation.baseline import NetworkFigures, figures_of
from archcalc.validation.store import BaselineFile, Settings, locked
from tests.random_networks import networks
from tests.unprivileged import unprivileged


def figures(text: str) -> NetworkFigures:
    return figures_of(analyze(read_spec(Source("x.yaml", text)).graph))


@pytest.mark.slow
@settings(max_examples=25)
@given(text=networks())
def test_a_baseline_is_read_back_as_written(tmp_path: Path, text: str) -> None:
    path = tmp_path / "base.json"
    found = {'é " x': figures(text), "y": figures(text)}
    path.write_text(BaselineFile(str(path), found).text(), encoding="utf-8")
    assert BaselineFile.read(str(path)).networks == found


def test_a_baseline_has_a_line_for_every_layer() -> None:
    text = BaselineFile("base.json", {"a": figures("input: 3x32x32\nlayers: [conv 6 k5 -> relu]")}).text()
    assert sum('"op"' in line for line in text.splitlines()) == 2
    assert json.loads(text)["schema"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 1, "specs": 3}',
        '{"schema": 1, "specs": {"a": {}}}',
        "[" * 100_000,
        "\0",
        "\udcff",
        '{"specs": {}}',
        '{"schema": "1", "specs": {}}',
        '{"schema": 1, "specs": {"a": {"settings": 3, "totals": {}, "layers": {}}}}',
        '{"schema": 1, "specs": {"a": {"layers": {}, "totals": {"params": true, "macs": 1, "flops": 1, '
        '"activations": 1, "memory": 1}}}}',
    ],
)
def test_a_file_that_is_not_a_baseline_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SpecError, match="not a baseline") as caught:
        BaselineFile.read(str(path))
    assert "remove" not in str(caught.value)  # that would remove all limits, too
    assert "git checkout HEAD -- " in str(caught.value)


def test_a_missing_baseline_names_the_option_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        BaselineFile.read(str(tmp_path / "none.json"))
    assert "--update-baseline" in str(caught.value)


def test_names_do_not_depend_on_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert BaselineFile("b.json").spec_name(FoundSpec("nets/a.yaml", path="nets/a.yaml")) == "nets/a.yaml"
    monkeypatch.chdir(tmp_path / "nets")
    assert BaselineFile("../b.json").spec_name(FoundSpec("a.yaml", path="a.yaml")) == "nets/a.yaml"
    assert BaselineFile("../b.json").spec_name(FoundSpec("lenet5", path="/somewhere/lenet5.yaml")) == "lenet5"


def test_a_baseline_of_another_schema_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text('{"schema": 2, "networks": []}', encoding="utf-8")
    with pytest.raises(SpecError, match="has schema 2, and this version of archcalc reads schema 1") as caught:
        BaselineFile.read(str(path))
    assert "use the version of archcalc that wrote it" in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_merge_conflict_is_named_with_its_line(tmp_path: Path, end: str) -> None:
    lines = BaselineFile("b.json", {"a": figures("input: 3\nlayers: [relu]")}).text().splitlines()
    lines[3:4] = ["<<<<<<< HEAD", lines[3], "||||||| base", "=======", lines[3].replace("3", "4"), ">>>>>>> other"]
    path = tmp_path / "b.json"
    path.write_text("".join(f"{line}{end}" for line in lines), encoding="utf-8", newline="")
    with pytest.raises(SpecError, match="markers of a merge conflict") as caught:
        BaselineFile.read(str(path))
    assert f"{path}:4:1: error[baseline]" in str(caught.value)
    assert f"git checkout --ours -- {path}" in str(caught.value)
    assert "--update-baseline" in str(caught.value)


def test_settings_belong_to_the_entry(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    (tmp_path / "my net.yaml").touch()
    spec = FoundSpec("x", path=str(tmp_path / "my net.yaml"))
    spec = spec._replace(name=spec.path)
    small, large = figures("input: 3\nlayers: [relu]"), figures("input: 4\nlayers: [relu]")
    wide = Settings.of({"n": "80", "m": "a b"}, {"": "4", "other": "5"})
    store = BaselineFile(str(path))
    store.put(spec, small)
    store.put(spec, large, wide)
    path.write_text(store.updated_file().text(), encoding="utf-8")
    read = BaselineFile.read(str(path))
    assert read.of(spec) == small
    assert read.of(spec, Settings.of({"m": "a b", "n": "80"}, {"other": "5", "": "4"})) == large
    assert read.of(spec, Settings.of({"n": "80"}, {})) is None
    record = json.loads(path.read_text(encoding="utf-8"))["specs"]
    assert list(record) == ["my net.yaml", "my net.yaml --set 'm=a b' --set n=80 --shape 4 --shape other=5"]
    Path(spec.path).unlink()
    assert set(read.missing_entries()) == set(record)
    assert set(read.missing_entries(wide)) == {list(record)[1]}


def test_entries_whose_files_are_gone_are_known_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    found = figures("input: 3\nlayers: [relu]")
    names = ("a.yaml", "b.yaml", "no/c.yaml", "a.yaml/d.yaml", "lenet5", "3 -> relu")
    store = BaselineFile(str(tmp_path / "b.json"), dict.fromkeys(names, found))
    (tmp_path / "b.json").write_text(store.text(), encoding="utf-8")
    assert store.missing_entries().keys() == {"b.yaml", "no/c.yaml", "a.yaml/d.yaml"}
    assert json.loads(store.updated_file().text())["specs"].keys() == {"a.yaml", "lenet5", "3 -> relu"}


def test_files_in_unreadable_folders_are_not_missing() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "sec"
        folder.mkdir()
        (folder / "a.yaml").touch()
        store = BaselineFile(f"{place}/b.json", {"sec/a.yaml": figures("input: 3\nlayers: [relu]")})
        folder.chmod(0o000)
        Path(place).chmod(0o755)
        with unprivileged():
            assert not store.missing_entries()
        folder.chmod(0o700)


def test_an_update_keeps_what_others_have_written_meanwhile(tmp_path: Path) -> None:
    path = str(tmp_path / "b.json")
    one, other = BaselineFile(path), BaselineFile(path)
    one.put(FoundSpec("lenet5"), figures("input: 3\nlayers: [relu]"))
    other.put(FoundSpec("alexnet"), figures("input: 4\nlayers: [relu]"))
    for store in (one, other):
        Path(path).write_text(store.updated_file().text(), encoding="utf-8")
    assert BaselineFile.read(path).networks == {**one.networks, **other.networks}


def _hold(path: str, holding: Any, release: Any) -> None:
    with locked(path):
        holding.set()
        release.wait(60)


def test_only_one_process_at_a_time_holds_the_lock_and_no_file_remains(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = str(tmp_path / "b.json")
    context = get_context("spawn")
    holding, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(path, holding, release), daemon=True)
    other.start()
    assert holding.wait(60)
    order: list[str] = []

    def wait() -> None:
        with locked(path):
            order.append("locked")

    waiting = Thread(target=wait)
    waiting.start()
    waiting.join(0.2)
    order.append("released")
    release.set()
    waiting.join(60)
    other.join(60)
    assert order == ["released", "locked"]
    assert not list(tmp_path.iterdir())
