"""Model files as SPECs of the verbs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import archcalc as package
from archcalc.validation import configuration
from tests.cli.conftest import Archcalc
from tests.readers.programs import call, document, small_network, symbol, write

SCHEMA = json.loads((Path(package.__file__).parent / "report" / "show.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "net.pt2", small_network())
    return "net.pt2"


def written(folder: Path, program: dict[str, Any]) -> str:
    return str(write(folder / "other.pt2", program))


def test_show_lists_layers_by_module(net: str, archcalc: Archcalc) -> None:
    done = archcalc("show", net)
    assert done.status == 0
    assert done.line("stem/conv").split()[1:] == ["conv", "8", "k3", "p1", "nobias", "8x6x6", "216", "7,776", "3"]


def test_depth_folds_by_module(net: str, archcalc: Archcalc) -> None:
    rows = archcalc("show", net, "--depth", "1", "--format", "csv", "--columns", "layer").lines
    assert rows == ["layer", "stem", "maxpool", "flatten", "head"]


def test_json_has_the_origin_of_layers(net: str, archcalc: Archcalc) -> None:
    record = json.loads(archcalc("show", net, "--format", "json").out)
    jsonschema.validate(record, SCHEMA)
    origin = {"module": "stem.conv", "classes": "torch.nn.Module", "function": "conv2d", "line": "net.py:7"}
    assert record["layers"][0]["origin"] == origin


def test_parameters_that_no_layer_uses_are_named(net: str, archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [call("relu.default", "y", self="@x")]
    stored = {"aux.weight": (5, 4), "aux.bias": (5,), "spare": (7,)}
    name = written(tmp_path, document({"x": (1, 8)}, calls, {"y": (1, 8)}, stored))
    note = "not used, and not counted: 32 parameters of the file, in aux, spare"
    assert note in archcalc("show", name).lines
    record = json.loads(archcalc("show", name, "--format", "json").out)
    jsonschema.validate(record, SCHEMA)
    assert record["notes"] == [note]


def test_weights_that_two_layers_use_count_once(archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [
        call("linear.default", "a", module="first", input="@x", weight="@p_w"),
        call("linear.default", "y", module="second", input="@a", weight="@p_w"),
    ]
    name = written(tmp_path, document({"x": (1, 8)}, calls, {"a": (1, 8), "y": (1, 8)}, {"w": (8, 8)}))
    totals = json.loads(archcalc("show", name, "--format", "json").out)["totals"]
    assert (totals["params"], totals["macs"]) == (64, 128)


def test_explain_states_the_origin(net: str, archcalc: Archcalc) -> None:
    heading = archcalc("explain", net, "stem/conv", "params").lines[0]
    assert heading.endswith("from 'conv2d' of 'stem.conv' (torch.nn.Module, net.py:7)")


def test_another_size_is_computed(net: str, archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [call("relu.default", "a", self="@x"), call("flatten.using_ints", "y", self="@a", start_dim=1)]
    name = written(tmp_path, document({"x": (1, 3, 8, 8)}, calls, {"a": (1, 3, 8, 8), "y": (1, 192)}))
    assert archcalc("show", name, "--shape", "3x10x12").line("flatten").split()[2] == "360"
    assert "= C*H*W" in archcalc("formula", name, "flatten.C", "--free", "C,H,W").out.replace("·", "*")


def test_a_size_that_the_file_fixes_is_named_with_its_line(archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [call("view.default", "y", module="neck", self="@x", size=[1, 192])]
    name = written(tmp_path, document({"x": (1, 3, 8, 8)}, calls, {"y": (1, 192)}))
    done = archcalc("show", name, "--shape", "3x10x10")
    assert done.status == 2
    assert "of 'neck'" in done.err
    assert "net.py:7" in done.err
    assert "192" in done.err


SEQUENCE = document(
    {"x": (5, 1, 8), "table": (4, 8)},
    [
        call("linear.default", "a", module="fc", input="@x", weight="@p_w"),
        call("linear.default", "y", module="out", input="@table", weight="@p_w"),
    ],
    {"a": (5, 1, 6), "y": (4, 6)},
    {"w": (6, 8)},
)


def test_the_batch_axis_may_be_given(archcalc: Archcalc, tmp_path: Path) -> None:
    name = written(tmp_path, SEQUENCE)
    assert "input x 5x8, table 4x8" in archcalc("show", name, "--batch-axis", "x=1", "--batch-axis", "table=none").out


@pytest.mark.parametrize(
    ("option", "message"),
    [("y=0", "no input 'y'"), ("x=3", "there is no axis 3"), ("x=last", "an axis, counted from 0, or 'none'")],
)
def test_a_wrong_batch_axis_is_an_error(archcalc: Archcalc, tmp_path: Path, option: str, message: str) -> None:
    done = archcalc("show", written(tmp_path, SEQUENCE), "--batch-axis", option)
    assert done.status == 2
    assert message in done.err


def test_a_run_takes_the_number_of_an_input(archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [call("mul.Tensor", "y", self="@x", other="@factor")]
    name = written(tmp_path, document({"x": (1, 3), "factor": ()}, calls, {"y": (1, 3)}))
    assert archcalc("run", name, "--input", "factor=5", "--input", "x=1 2 3").lines[-1].split() == ["5", "10", "15"]


def test_batches_of_different_sizes_need_a_batch_axis(archcalc: Archcalc, tmp_path: Path) -> None:
    done = archcalc("show", written(tmp_path, SEQUENCE))
    assert done.status == 2
    assert "--batch-axis" in done.err


def test_a_file_has_no_arguments(net: str, archcalc: Archcalc) -> None:
    done = archcalc("show", net, "--arg", "classes=3")
    assert done.status == 2
    assert "a file has no arguments" in done.err


@pytest.mark.parametrize("name", ["none.pt2", "a b.pt2"])
def test_a_file_that_does_not_exist(archcalc: Archcalc, name: str) -> None:
    done = archcalc("show", name)
    assert done.status == 2
    assert "cannot read the file" in done.err


def test_validate_reads_a_file_that_is_named(net: str, archcalc: Archcalc) -> None:
    assert archcalc("validate", net, "--no-cache").status == 0


def test_validate_reads_model_files_in_folders(net: str, archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("input: 3x8x8\nlayers: relu\n")
    (tmp_path / "broken.pt2").write_text("not a model")
    done = archcalc("validate", ".", "--no-cache")
    assert done.status == 2
    assert done.lines[0] == "error  broken.pt2  (1 error)"
    assert done.lines[-1] == "3 specs: 2 ok, 1 with errors"
    (tmp_path / "archcalc.toml").write_text('exclude = ["broken.*"]\n')
    configuration._above.cache_clear()
    assert archcalc("validate", ".", "--no-cache").status == 0


def test_validate_does_not_correct_models(net: str, archcalc: Archcalc) -> None:
    done = archcalc("validate", net, "--fix")
    assert done.status == 2
    assert "not the model 'net.pt2'" in done.err


def test_figures_of_a_model_are_compared_with_a_baseline(net: str, archcalc: Archcalc, tmp_path: Path) -> None:
    baseline = ("--baseline", "base.json", "--no-cache")
    assert archcalc("validate", net, *baseline, "--update-baseline").status == 0
    assert archcalc("validate", net, *baseline).status == 0
    sizes = (1, 30, 9, 9)
    write(tmp_path / net, document({"x": sizes}, [call("relu.default", "y", self="@x")], {"y": sizes}))
    assert archcalc("validate", net, *baseline).status == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("rf", "net.pt2", "stem/conv"),
        ("compare", "lenet5", "net.pt2"),
        ("sweep", "net.pt2", "--set", "stem/conv.p=1,2", "--columns", "stem/conv.H"),
        ("check", "--claim", "net.pt2 params = 946"),
        ("run", "net.pt2"),
        ("verify", "net.pt2"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_verb_reads_model_files(net: str, archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    done = archcalc(*arguments)
    assert done.status == 0, done.err


@pytest.mark.parametrize("spec", ["./evil.py:Net", "evil.module:Net"])
def test_answers_cannot_name_a_module(archcalc: Archcalc, tmp_path: Path, spec: str) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')")
    answers = tmp_path / "ada.yaml"
    answers.write_text(f"network: {spec}\nshape: 3x8x8\nparams: 3\n")
    done = archcalc("check", str(answers))
    assert done.status == 2
    assert "its code would run" in done.out + done.err
    assert not (tmp_path / "marker").exists()


def test_answers_name_a_model_file_in_their_folder(net: str, archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    write(tmp_path / "answers" / "its.pt2", small_network())
    (tmp_path / "answers" / "ada.yaml").write_text("network: its.pt2\nparams: 946\n")
    assert archcalc("check", "answers/ada.yaml").status == 0


def test_a_slice_to_the_end_of_the_axis_cuts_a_longer_one(archcalc: Archcalc, tmp_path: Path) -> None:
    """The exporter writes the size for `x[:, :, :8]`: all of the axis at this size, but not at every one."""
    calls = [call("slice.Tensor", "a", self="@x", dim=2, start=0, end=8), call("relu.default", "y", self="@a")]
    sizes = (1, 3, 8, 8)
    name = written(tmp_path, document({"x": sizes}, calls, {"a": sizes, "y": sizes}))
    assert archcalc("show", name).line("relu").split()[2] == "3x8x8"
    assert archcalc("show", name, "--shape", "3x9x8").line("relu").split()[2] == "3x8x8"


def test_closed_forms_have_the_ranges_of_dynamic_sizes_as_conditions(archcalc: Archcalc, tmp_path: Path) -> None:
    sizes = (1, 3, symbol("s0", 64), symbol("s1", 64, factor=8))
    program = document(
        {"x": sizes},
        [call("conv2d.default", "y", input="@x", weight="@p_weight", bias=None)],
        {"y": (1, 4, 62, 62)},
        {"weight": (4, 3, 3, 3)},
        ranges={"s0": (32, 512), "s1": (2, None)},
    )
    lines = archcalc("formula", written(tmp_path, program), "macs", "--free", "H,W").lines
    assert lines[-2:] == ["macs = 108·(H − 2)·(W − 2)", "where H ≥ 32, H ≤ 512, W % 8 == 0, W ≥ 16"]


@pytest.mark.parametrize("content", [b"input: 3x8x8", b"", b"PK", b"\x80\x02cposix\nsystem\n"])
def test_a_file_that_is_not_a_model_is_one_error(archcalc: Archcalc, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(content)
    done = archcalc("show", str(path))
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert re.match(f"{re.escape(str(path))}: error\\[format\\]: not a (complete )?zip archive[,:] ", done.err)


def test_warnings_name_the_line_of_the_source(archcalc: Archcalc, tmp_path: Path) -> None:
    convolution: dict[str, Any] = {"input": "@x", "weight": "@p_w", "bias": "@p_b", "padding": [1, 1]}
    statistics = {"weight": "@p_s", "bias": "@p_t", "running_mean": "@p_m", "running_var": "@p_v", "eps": 1e-5}
    calls = [
        call("conv2d.default", "c", module="stem.conv", **convolution),
        call("batch_norm.default", "n", module="stem.norm", input="@c", **statistics),
        call("relu.default", "y", self="@n"),
    ]
    stored = {"w": (4, 3, 3, 3), **dict.fromkeys("bstmv", (4,))}
    name = written(tmp_path, document({"x": (1, 3, 8, 8)}, calls, dict.fromkeys("cny", (1, 4, 8, 8)), stored))
    done = archcalc("validate", name)
    assert done.status == 0
    assert done.lines[1:3] == [
        "net.py:7:1: warning[bias-before-norm]: the bias of 'stem/conv' is cancelled by the normalisation after it",
        "  7 | 'conv2d' of 'stem.conv' (torch.nn.Module, net.py:7)",
    ]
    assert archcalc("show", name).err == ""


def test_a_tensor_without_elements_has_no_range(archcalc: Archcalc, tmp_path: Path) -> None:
    calls = [call("slice.Tensor", "y", self="@x", dim=1, start=5, end=5)]
    net = written(tmp_path, document({"x": (1, 5, 4)}, calls, {"y": (1, 0, 4)}))
    assert archcalc("run", net).line("output").split() == ["output", "1x0x4", "float32", "-", "-", "-"]
    assert archcalc("verify", net).status == archcalc("fold", net, "--verify").status == 0
