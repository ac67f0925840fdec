"""Checkpoints on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import archcalc as archcalc_package
from archcalc.cli.schema import schemas
from tests.cli.conftest import Archcalc
from tests.readers.checkpoints.files import state_dict, write_safetensors, write_torch

ARRAYS = {
    "stem.weight": np.ones((4, 3, 3, 3), "f4"),
    **{f"blocks.{at}.weight": np.ones((4, 4), "f2") for at in range(12)},
    "bn.running_mean": np.ones(4, "f4"),
    "bn.num_batches_tracked": np.array(3, "i8"),
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(write_safetensors(tmp_path / "net.safetensors", ARRAYS, {"format": "pt"}))


def test_repeated_modules_are_one_line_and_totals_follow(archcalc: Archcalc, path: str) -> None:
    ran = archcalc("show", path)
    assert ran.status == 0
    assert ran.lines[0] == f"{path}: 15 tensors, safetensors"
    assert ran.line("blocks").split() == ["blocks.0–11.weight", "×12", "4x4", "float16", "192", "384"]
    assert ran.line("total").split() == ["total", "304", "840"]
    assert ran.line("trainable").startswith("trainable: 300 of 304 parameters")
    assert ran.line("float16: ") == "float16: 192 numbers in 12 tensors, 384 bytes"
    assert ran.line("not parameters").endswith("(num_batches_tracked)")
    assert ran.line("format: ") == "format: pt"


def test_all_tensors_or_one_row(archcalc: Archcalc, path: str) -> None:
    assert sum(line.startswith("blocks.") for line in archcalc("show", path, "--depth", "all").lines) == 12
    row = archcalc("show", path, "--depth", "0").line("all").split()
    assert row == ["all", "15", "tensors", "float32,", "float16,", "int64", "304", "840"]


def test_programs_get_every_tensor(archcalc: Archcalc, path: str) -> None:
    rows = [*csv.DictReader(io.StringIO(archcalc("show", path, "--format", "csv").out))]
    assert [row["name"] for row in rows] == [*ARRAYS]
    assert rows[0] == {"name": "stem.weight", "shape": "4x3x3x3", "format": "float32", "params": "108", "bytes": "432"}
    record = json.loads(archcalc("show", path, "--format", "json").out)
    assert [each["shape"] for each in record["tensors"]] == [list(array.shape) for array in ARRAYS.values()]
    assert record["totals"]["params"] == 304


@pytest.mark.parametrize("options", [(), ("--depth", "1")])
def test_json_follows_its_schema(archcalc: Archcalc, path: str, options: tuple[str, ...]) -> None:
    record = json.loads(archcalc("show", path, "--format", "json", *options).out)
    jsonschema.validate(record, json.loads(schemas()["checkpoint"]))


@pytest.mark.parametrize("form", ["markdown", "latex", "html", "rich"])
def test_other_formats(archcalc: Archcalc, path: str, form: str) -> None:
    ran = archcalc("show", path, "--format", form)
    assert ran.status == 0
    assert "×12" in ran.out


def test_the_part_that_is_shown_is_named(archcalc: Archcalc, tmp_path: Path) -> None:
    value = {"epoch": 1, "model": state_dict({"w": np.ones(2, "f4")}), "ema": state_dict({"v": np.ones(3, "f4")})}
    path = write_torch(tmp_path / "training.pth", value)
    ran = archcalc("show", str(path))
    assert ran.lines[0] == f"{path}, part 'model': 1 tensor, PyTorch"
    assert "other parts of the file: ema (1 tensor, 12 bytes); FILE:PART shows one" in ran.lines
    assert archcalc("show", f"{path}:ema").line("v").split() == ["v", "3", "float32", "3", "12"]


def test_figures_side_by_side(archcalc: Archcalc, path: str, tmp_path: Path) -> None:
    half = {name: array.astype("f2") for name, array in ARRAYS.items()}
    other = str(write_safetensors(tmp_path / "half.safetensors", half))
    ran = archcalc("compare", path, other)
    assert ran.line("bytes").split() == ["bytes", "840", "610", "0.73"]
    record = json.loads(archcalc("compare", path, other, "--format", "json").out)
    assert [each["totals"]["bytes"] for each in record] == [840, 610]


def test_what_changed(archcalc: Archcalc, path: str, tmp_path: Path) -> None:
    new = {f"module.{name}": array for name, array in ARRAYS.items()}
    new |= {"module.stem.weight": np.zeros((4, 3, 3, 3), "f4"), "module.extra.0.w": np.ones(2, "f4")}
    new |= {"module.extra.1.w": np.ones(2, "f4")}
    other = str(write_safetensors(tmp_path / "new.safetensors", new))
    ran = archcalc("diff", path, other, "--values")
    assert ran.status == 0
    assert ran.lines[0] == "Tensors: 2 added, 15 renamed, 1 with other numbers."
    assert ran.line("renamed").split() == ["renamed", "…", "×15", "…", "module.…"]
    assert ran.line("added").split()[1:3] == ["module.extra.*.w", "×2"]
    assert ran.line("numbers").endswith("differs by up to 1")
    record = json.loads(archcalc("diff", path, other, "--values", "--format", "json").out)
    jsonschema.validate(record, json.loads(schemas()["checkpoint-diff"]))
    assert record["renamed"] == [{"old": "", "new": "module.", "tensors": 15}]
    assert record["differences"] == [{"name": "module.stem.weight", "largest": 1.0}]
    assert "| renamed" in archcalc("diff", path, other, "--format", "markdown").out
    assert archcalc("diff", path, path).lines[0] == "The tensors are the same."


def test_a_comparison_goes_to_files(archcalc: Archcalc, path: str, tmp_path: Path) -> None:
    report, output = tmp_path / "report.md", tmp_path / "out.json"
    ran = archcalc("diff", path, path, "--format", "json", "-o", str(output), "--report", f"markdown={report}")
    assert ran.status == 0
    assert json.loads(output.read_text())["equal"] is True
    assert "The tensors are the same." in report.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("rf",),
        ("explain",),
        ("formula",),
        ("counters",),
        ("run",),
        ("verify",),
        ("fold",),
        ("validate",),
        ("sweep", "--set", "classes=1:2"),
        ("solve", "--vary", "classes", "--target", "macs < 1"),
    ],
)
def test_verbs_that_need_a_network_say_what_works(archcalc: Archcalc, path: str, arguments: tuple[str, ...]) -> None:
    ran = archcalc(arguments[0], path, *arguments[1:])
    assert ran.status == 2
    assert "a checkpoint has parameters only, no network" in ran.out + ran.err


def test_the_hint_names_only_what_works(archcalc: Archcalc, path: str, tmp_path: Path) -> None:
    assert "archcalc run SPEC --weights FILE" in archcalc("rf", path).err
    (tmp_path / "weights.h5").write_bytes(b"")
    assert "show, compare and diff list its parameters" in (ran := archcalc("rf", str(tmp_path / "weights.h5"))).err
    assert "--weights" not in ran.err


@pytest.mark.parametrize("verb", ["compare", "diff"])
def test_a_checkpoint_and_a_network(archcalc: Archcalc, path: str, verb: str) -> None:
    ran = archcalc(verb, "lenet5", path)
    assert ran.status == 2
    assert f"archcalc run lenet5 --weights {path[:60]}" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--shape", "3x4x4"), "--shape does not apply to checkpoints"),
        (("show", "--training", "--columns", "params"), "--columns and --training do not apply to checkpoints"),
        (("compare", "--columns", "params"), "--columns does not apply to checkpoints"),
        (("diff", "--fail-on", "macs > 1"), "--fail-on does not apply to checkpoints"),
        (("diff",), "expected two checkpoints, OLD and NEW, got 1"),
        (("diff", "--format", "side-by-side"), "side-by-side shows the layers of networks"),
    ],
)
def test_options_of_networks_are_not_ignored(
    archcalc: Archcalc, path: str, arguments: tuple[str, ...], message: str
) -> None:
    ran = archcalc(arguments[0], path, *arguments[1:])
    assert ran.status == 2
    assert message in ran.err


def test_numbers_are_compared_for_checkpoints_only(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "lenet5", "lenet1", "--values")
    assert ran.status == 2
    assert "--values compares the numbers of two checkpoints" in ran.err


WEIGHTS = {"fc_1.weight": np.array([[1, 2], [3, 4], [5, 6]], "f4"), "fc_1.bias": np.array([0.5, 0, 0], "f4")}
NETWORK = "2 -> fc 3"


def test_a_network_runs_with_the_weights_of_a_checkpoint(archcalc: Archcalc, tmp_path: Path) -> None:
    path = str(write_safetensors(tmp_path / "net.safetensors", {f"model.{k}": v for k, v in WEIGHTS.items()}))
    ran = archcalc("run", NETWORK, "--weights", path, "--input", "1 10", "--print", "fc_1")
    assert ran.status == 0
    assert "21.5" in ran.out
    assert "43" in ran.out
    assert not ran.err


def test_the_same_in_python(tmp_path: Path) -> None:
    path = str(write_safetensors(tmp_path / "net.safetensors", WEIGHTS))
    assert archcalc_package.load_checkpoint(path).totals.params == 9
    network = archcalc_package.load(NETWORK)
    (output,) = network.run({"input": np.array([[1, 10]])}, weights=network.weights(path)).outputs.values()
    assert output.tolist() == [[21.5, 43, 65]]


def test_weights_that_are_found_by_their_order_are_noted(archcalc: Archcalc, tmp_path: Path) -> None:
    renamed = {name.replace("fc_1", "classifier"): array for name, array in WEIGHTS.items()}
    path = str(write_torch(tmp_path / "net.pth", {"state_dict": state_dict(renamed)}))
    ran = archcalc("run", NETWORK, "--weights", f"{path}:state_dict", "--input", "1 10", "--print", "fc_1")
    assert ran.status == 0
    assert "21.5" in ran.out
    assert "no tensor is named after 'fc_1': tensors are assigned by their order, as their shapes agree" in ran.err


def test_weights_that_do_not_fit_are_listed(archcalc: Archcalc, tmp_path: Path) -> None:
    path = str(write_safetensors(tmp_path / "net.safetensors", WEIGHTS))
    ran = archcalc("run", "2 -> fc 4 -> fc 3", "--weights", path)
    assert ran.status == 2
    assert "fc_1.weight must have shape 4x2, got 3x2 of 'fc_1.weight'" in ran.err
    assert "fc_2 has no tensors for weight 3x4, bias 3" in ran.err


def test_fold_reads_a_checkpoint(archcalc: Archcalc, tmp_path: Path) -> None:
    shapes = {"conv_1.weight": (2, 1, 3, 3), **{f"bn_1.{each}": (2,) for each in ("weight", "bias", "running_mean")}}
    arrays = {name: np.full(shape, 0.5, "f4") for name, shape in shapes.items()}
    path = str(write_safetensors(tmp_path / "net.safetensors", arrays | {"bn_1.running_var": np.ones(2, "f4")}))
    ran = archcalc("fold", "1x5x5 -> conv 2 k3 nobias -> bn", "--weights", path, "--verify")
    assert ran.status == 0
