"""``archcalc rf``: what is printed, drawn and refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import archcalc
from archcalc.cli import main

SCHEMA = json.loads((Path(archcalc.__file__).parent / "report" / "rf.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["rf", *args])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def document(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_table_names_the_first_layer_that_sees_past_the_input(run: Any) -> None:
    status, out, _ = run("resnet50")
    assert status == 0
    row = next(line for line in out.splitlines() if line.startswith("conv4_x/conv_12 "))
    assert row.split() == ["conv4_x/conv_12", "256x14x14", "227", "16", "113", "100", "%", "yes"]
    assert "conv4_x/conv_12 is the first layer whose receptive field exceeds the input (227 on 224x224)" in out
    assert "arXiv:2106.12307" in out


def test_layers_that_change_nothing_are_listed_on_request(run: Any) -> None:
    assert "relu" not in run("vgg-a")[1]
    assert "conv1/relu" in run("vgg-a", "--all")[1]
    assert "conv1/relu" in run("vgg-a", "--format", "csv")[1]


def test_without_layers_that_change_the_field_there_are_neither_bars_nor_notes(run: Any) -> None:
    _, out, _ = run("3x8x8 -> conv 4 k1 -> relu")
    lines = out.splitlines()
    assert lines[3:] == [
        "no receptive field exceeds the input (8x8)",
        "2 layers do not change the receptive field (not listed; see --all)",
    ]


@pytest.mark.parametrize(
    ("args", "note"),
    [
        (("784 -> fc 10",), "no layer has a receptive field: none depends on an input with spatial axes"),
        (("3x8x8 -> relu", "input"), "'input' is an input: it depends on no layer"),
    ],
)
def test_a_table_without_rows_says_why(run: Any, args: tuple[str, ...], note: str) -> None:
    status, out, _ = run(*args)
    assert status == 0
    assert out.splitlines()[3:] == [note]


def test_the_bars_of_the_fields_fit_eighty_columns(run: Any) -> None:
    _, out, _ = run("resnet152")
    bars = out.split("\n\n")[-1].splitlines()
    assert 10 < len(bars) < 30
    assert max(map(len, bars)) <= 80
    assert bars[-1].endswith("│ = size of the input, 224")
    assert "█" not in run("resnet152", "--format", "markdown")[1]


def test_a_single_layer_lists_what_it_depends_on(run: Any) -> None:
    _, out, _ = run("vgg-a", "conv2")
    assert "conv2/maxpool" in out
    assert "conv3" not in out


def test_a_unit_is_shown_before_and_after_clipping(run: Any) -> None:
    status, out, _ = run("vgg-d", "conv4/maxpool", "--at", "0, 3")
    assert status == 0
    assert out.splitlines()[0] == "unit (0, 3) of conv4/maxpool, 512x14x14"
    assert "-42 … 57" in out
    assert "0 … 57" in out
    assert "6 … 105" in out
    assert "11.6 % of the input" in out


@pytest.mark.parametrize(
    ("spec", "at", "expected"),
    [
        ("1x9 -> conv 1 k3 half", "0", [[0, 1]]),
        ("1x9x9x9 -> conv 1 k3 half", "0,4,8", [[0, 1], [3, 5], [7, 8]]),
    ],
)
def test_units_of_one_and_three_axes(run: Any, spec: str, at: str, expected: list[list[int]]) -> None:
    found = document(run(spec, "conv_1", "--at", at, "--format", "json")[1])
    assert found["unit"]["inputs"]["input"]["sees"] == expected


def test_a_unit_that_sees_only_padding_says_so(run: Any) -> None:
    status, out, _ = run("1x4 -> pad 3 -> conv 1 k1", "conv_1", "--at", "0")
    assert status == 0
    assert "the unit sees nothing of the input (its window lies in the padding)" in out


def test_fields_from_another_layer(run: Any) -> None:
    _, out, _ = run("vgg-a", "conv3", "--from", "conv2", "--format", "json")
    found = document(out)
    assert found["from"] == "conv2/maxpool"
    assert found["layers"][-1]["fields"]["conv2/maxpool"]["rf"] == [6, 6]
    assert "from conv2/maxpool 128x56x56" in run("vgg-a", "conv3", "--from", "conv2")[1]


@pytest.mark.parametrize("spec", ["resnet50", "unet", "mobilenet-v1", "784 -> fc 10", "3x8x8 -> fc 4 -> softmax"])
def test_json_follows_its_schema_and_has_every_layer(run: Any, spec: str) -> None:
    found = document(run(spec, "--format", "json")[1])
    assert len(found["layers"]) == len(archcalc.load(spec).analyze().layers)
    assert found["unit"] is None


def test_several_inputs_have_rows_of_their_own(run: Any, tmp_path: Path) -> None:
    spec = tmp_path / "two.yaml"
    spec.write_text(
        "inputs: {a: 1x8, b: 1x8}\nlayers:\n  - one: conv 1 k3 half\n  - two: add(identity, @b -> maxpool k3 s1 p1)\n"
    )
    _, out, _ = run(str(spec))
    rows = [line.split()[:2] for line in out.splitlines()[3:]]
    assert rows[:2] == [["one", "a"], ["two/maxpool", "b"]]
    found = document(run(str(spec), "two", "--at", "0", "--format", "json")[1])
    assert found["unit"]["inputs"]["a"]["sees"] == [[0, 1]]
    assert found["unit"]["inputs"]["b"]["sees"] == [[0, 1]]


def test_paths_of_different_strides_are_marked_and_explained(run: Any) -> None:
    _, out, _ = run("1x16 -> add(maxpool 2, slice 0:8 axis=1) -> relu")
    assert "~ add_1: paths of different strides meet" in out
    assert "offsets of their centres from the first: -1/2" in out
    assert "~2–9" in out


@pytest.mark.parametrize(
    "spec",
    [
        "1x64 -> (add(conv 1 k3 d2 p4:0 -> conv 1 k3 d2 p4:0, identity))*2",
        "1x16 -> add(conv 1 k3 p0:2, identity)",
        "1x16 -> concat(conv 1 k2 p0:1, conv 1 k3 half)",
        "1x16 -> add(upsample 2 -> conv 1 k3 p2:0, upsample 2)",
    ],
)
def test_exact_sizes_have_no_mark_where_paths_of_other_centres_join(run: Any, spec: str) -> None:
    _, out, _ = run(spec, "--all")
    assert "~" not in out
    assert "meet" not in out
    last = document(run(spec, "--format", "json")[1])["layers"][-1]["fields"]["input"]
    assert (last["exact"], last["aligned"]) == (True, False)


def test_positions_that_dilated_windows_leave_out_are_counted(run: Any) -> None:
    spec = "1x20 -> conv 1 k2 d2 p2:0 -> conv 1 k2 d2 p2:0"
    _, out, _ = run(spec, "conv_2", "--at", "10")
    assert "only 3 of the 5 positions of that box are seen" in out
    (seen,) = document(run(spec, "conv_2", "--at", "10", "--format", "json")[1])["unit"]["inputs"].values()
    assert (seen["positions"], seen["runs"]) == (3, [[[6, 6], [8, 8], [10, 10]]])
    assert "3 of 5" in run(spec)[1]


def test_gridding_is_seen_in_the_table_and_avoided_by_other_dilations(run: Any) -> None:
    # Wang et al. 2018, "Understanding convolution for semantic segmentation": dilations 2, 2, 2 against 1, 2, 3
    grid, mended = (
        document(run(f"1x40x40 -> {' -> '.join(f'conv 1 k3 d{d} half' for d in ds)}", "--format", "json")[1])
        for ds in ((2, 2, 2), (1, 2, 3))
    )
    found = [each["layers"][-1]["fields"]["input"]["positions"] for each in (grid, mended)]
    assert found == [{"seen": 49, "box": 169}, {"seen": 169, "box": 169}]


def test_networks_without_dilation_are_not_counted(run: Any) -> None:
    assert "positions seen" not in run("vgg-a")[1]
    found = document(run("1x9 -> conv 1 k3", "--format", "json")[1])
    assert found["layers"][-1]["fields"]["input"]["positions"] is None


# Pictures ------------------------------------------------------------------------------------------------------------


def test_a_picture_is_written_completely(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "rf.svg"
    status, out, _ = run("vgg-a", "conv3", "--at", "3,3", "--svg", str(file))
    assert status == 0
    assert "unit (3, 3) of conv3/maxpool" in out
    text = file.read_text(encoding="utf-8")
    assert text.startswith("<svg ")
    assert "conv1/conv" in text
    assert os.listdir(tmp_path) == ["rf.svg"]


def test_without_a_unit_the_middle_one_is_drawn(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "rf.svg"
    assert run("vgg-a", "conv5", "--svg", str(file))[0] == 0
    assert "unit (3, 3) of conv5/maxpool" in file.read_text(encoding="utf-8")


def test_a_picture_over_a_photo(run: Any, tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    photo, file = tmp_path / "photo.png", tmp_path / "rf.svg"
    images.new("RGBA", (40, 30), (200, 30, 30, 255)).save(photo)
    assert run("vgg-a", "conv3", "--svg", str(file), "--image", str(photo))[0] == 0
    assert "data:image/jpeg;base64," in file.read_text(encoding="utf-8")


def test_a_file_that_is_not_a_photo_is_refused(run: Any, tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    photo, file = tmp_path / "photo.png", tmp_path / "rf.svg"
    photo.write_text("nothing to see")
    status, _, err = run("vgg-a", "conv3", "--svg", str(file), "--image", str(photo))
    assert (status, file.exists()) == (2, False)
    assert "is not an image" in err
    assert run("vgg-a", "conv3", "--svg", str(file), "--image", str(tmp_path / "none.png"))[0] == 2
    assert run("1x9 -> conv 1 k3", "conv_1", "--svg", str(file), "--image", str(photo))[0] == 2


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(run: Any, tmp_path: Path) -> None:
    status, _, err = run("vgg-a", "conv3", "--svg", str(tmp_path / "missing" / "rf.svg"))
    assert status == 2
    assert "No such file or directory" in err
    assert err.startswith("--svg: ")
    (tmp_path / "folder").mkdir()
    assert run("vgg-a", "conv3", "--svg", str(tmp_path / "folder"))[0] == 2
    assert os.listdir(tmp_path) == ["folder"]


def test_a_picture_halfway_through_a_space_to_depth_shows_what_the_unit_sees(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "rf.svg"
    spec = "1x12x12 -> conv 1 k3 half -> reshape 1x4x3x4x3"
    assert "unknown field of reshape_1" in run(spec)[1]
    assert run(spec, "reshape_1", "--at", "1,0,1,2", "--svg", str(file))[0] == 0
    text = file.read_text(encoding="utf-8")
    assert "sees 3×3 of the 12×12 positions of input: y 2 … 4, x 4 … 6" in text


def test_the_layer_that_makes_an_unknown_field_global_is_listed(run: Any) -> None:
    lines = run("1x4x9 -> reshape 1x6x6 -> conv 2 k3 -> gap")[1].splitlines()
    fields = {line.split()[0]: line.split()[2] for line in lines[3:5]}
    assert fields == {"reshape_1": "unknown", "gap_1": "global"}


# Wrong input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("vgg-a", "conv9"), "did you mean 'conv"),
        (("vgg-a", "conv1", "--at", "1"), "must have 2 coordinates, got 1"),
        (("vgg-a", "conv1", "--at", "112,0"), "position 112 is outside 'conv1/maxpool'"),
        (("vgg-a", "conv1", "--at", "-1,0"), "position -1 is outside"),
        (("vgg-a", "conv1", "--at", "one,0"), "'one,0' is not a position"),
        (("vgg-a", "conv1", "--at", ""), "is not a position"),
        (("vgg-a", "conv1", "--at", "9" * 5000), "is not a position"),
        (("vgg-a", "fc8", "--at", "0"), "is a vector"),
        (("vgg-a", "fc8", "--svg", "x.svg"), "is a vector"),
        (("vgg-a", "--at", "1,1"), "--at needs a LAYER"),
        (("vgg-a", "--svg", "x.svg"), "--svg needs a LAYER"),
        (("vgg-a", "conv1", "--image", "x.png"), "--image needs --svg"),
        (("vgg-a", "--from", "conv9"), "--from: error[unknown-name]: no layer, stage or input 'conv9'"),
        (("vgg-a", "conv1", "--from", "conv3"), "'conv1/maxpool' does not depend on 'conv3/maxpool'"),
        (("vgg-a", "--from", "fc8"), "no layer depends on"),
        (("vgg-a", "conv1", "conv2"), "unexpected argument 'conv2'"),
    ],
)
def test_wrong_input_ends_with_status_2_and_a_reason(run: Any, args: tuple[str, ...], message: str) -> None:
    status, out, err = run(*args)
    assert (status, out) == (2, "")
    assert message in err
    assert not Path("x.svg").exists()


def test_causal_attention_is_not_called_global(run: Any) -> None:
    network = "24 -> embedding 100 16 -> attention heads=4 causal -> attention heads=4"
    _, out, _ = run(network, "--format", "json")
    layers = {layer["name"]: layer["fields"]["input"]["rf"] for layer in document(out)["layers"]}
    assert layers == {"embedding_1": [1], "attention_1": ["causal"], "attention_2": ["global"]}
    listed = run(network)[1]
    assert "causal" in listed
    assert "global" in listed
    assert "0 … 5" in run(network, "attention_1", "--at", "5")[1]
