"""``archcalc show``: the table of a network."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import archcalc as package
from archcalc.report.cells import COLUMNS
from archcalc.report.layers_table import READABLE_ROWS
from tests.cli.conftest import Archcalc
from tests.sample import SAMPLE

ALEXNET = "3x227x227 -> conv 96 k11 s4 -> relu -> maxpool k3 s2"
SCHEMA = json.loads((Path(package.__file__).parent / "report" / "show.schema.json").read_text(encoding="utf-8"))

FORKED = """
name: Two readers
inputs: {image: 3x16x16, prior: 1x16x16}
layers:
  - a: conv 4 k3 half
  - b: concat(identity, @prior -> conv 2 k1) -> relu
heads:
  mask: "@a -> conv 1 k5 half"
training_heads:
  aux: "@a -> gap -> fc 3"
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    return found


def test_an_expression_gives_its_table_and_totals(archcalc: Archcalc) -> None:
    ran = archcalc("show", ALEXNET)
    assert ran.status == 0
    assert not ran.err
    assert ran.line("conv_1").split() == [
        "conv_1",
        "conv",
        "96",
        "k11",
        "s4",
        "96x55x55",
        "34,944",
        "105,415,200",
        "11",
    ]
    assert ran.line("maxpool_1").split()[-1] == "19"
    assert ran.line("total").split() == ["total", "34,944", "105,415,200"]


def test_files_bundled_names_and_standard_input_are_read_alike(archcalc: Archcalc, tmp_path: Path) -> None:
    text = "name: LeNet\ninput: 1x32x32\nlayers:\n  - conv 6 k5\n"
    file = tmp_path / "net.yaml"
    file.write_text(text, encoding="utf-8")
    assert archcalc("show", str(file)).out == archcalc("show", "-", stdin=text).out
    assert "61,706" in archcalc("show", "lenet5").out


def test_memory_is_exact_and_also_given_in_units(archcalc: Archcalc) -> None:
    ran = archcalc("show", ALEXNET, "--dtype", "float16")
    assert "parameters: 69,888 bytes (68.3 KiB) in float16" in ran.lines
    assert document(archcalc("show", ALEXNET, "--dtype", "float16", "--format", "json").out)["totals"]["memory"] == {
        "dtype": "float16",
        "params": 69_888,
        "activations": 1_301_568,
    }


@pytest.mark.parametrize("form", ["plain", "rich", "markdown", "latex", "html"])
def test_every_format_for_people_has_every_layer_and_the_totals(archcalc: Archcalc, form: str) -> None:
    ran = archcalc("show", ALEXNET, "--format", form)
    assert ran.status == 0
    for text in ("relu", "96x55x55", "105,415,200", "total"):
        assert text in ran.out


def test_csv_is_raw_and_has_no_totals(archcalc: Archcalc) -> None:
    found = rows(archcalc("show", "lenet5", "--format", "csv").out)
    assert len(found) == 14
    assert found[0] == {
        "layer": "c1/conv",
        "op": "conv 6 k5",
        "output": "6x28x28",
        "params": "156",
        "macs": "117600",
        "rf": "5",
    }
    assert sum(int(row["params"]) for row in found) == 61_706


def test_csv_carries_no_marks_for_people(archcalc: Archcalc) -> None:
    found = rows(archcalc("show", "-", "--format", "csv", stdin=FORKED).out)
    assert [row["layer"] for row in found if row["layer"].startswith(("mask", "aux"))] == ["mask", "aux/gap", "aux/fc"]


def test_columns_are_chosen_by_name(archcalc: Archcalc) -> None:
    ran = archcalc("show", ALEXNET, "--columns", "name, operator,trainable mul,attributes,inputs")
    assert ran.lines[1].split() == ["layer", "operator", "trainable", "mul", "attributes", "reads"]
    assert ran.line("relu_1").split() == ["relu_1", "relu", "0", "0", "-", "conv_1"]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_can_be_shown(archcalc: Archcalc, column: str) -> None:
    for depth in ("1", "all"):
        ran = archcalc("show", "lenet5-1998", "--columns", column, "--depth", depth)
        assert ran.status == 0, ran.err


def test_an_unknown_column_gets_a_suggestion(archcalc: Archcalc) -> None:
    ran = archcalc("show", "lenet5", "--columns", "layer,parms")
    assert ran.status == 2
    assert "did you mean 'params'?" in ran.err
    assert not ran.out


def test_long_networks_fold_to_the_deepest_readable_level(archcalc: Archcalc) -> None:
    ran = archcalc("show", "resnet50")
    body = ran.lines[3 : ran.lines.index(ran.line("total")) - 1]
    assert len(body) == 22 <= READABLE_ROWS
    assert body[3].split()[:3] == ["conv2_x/first", "12", "layers"]
    assert "170 layers grouped into 17 rows; --depth all lists every layer" in ran.lines


def test_depth_folds_to_stages_blocks_or_nothing(archcalc: Archcalc) -> None:
    def layers(depth: str) -> int:
        return len(rows(archcalc("show", "resnet50", "--format", "csv", "--depth", depth).out))

    assert [layers(depth) for depth in ("0", "1", "2", "all")] == [1, 7, 22, 175]


def test_folding_keeps_every_sum(archcalc: Archcalc) -> None:
    def sums(depth: str) -> list[int]:
        found = rows(archcalc("show", "xception", "--format", "csv", "--depth", depth).out)
        return [sum(int(row[key]) for row in found) for key in ("params", "macs")]

    assert sums("1") == sums("2") == sums("all")


@pytest.mark.parametrize("depth", ["-1", "many", "1.5", ""])
def test_a_depth_is_an_integer_or_all(archcalc: Archcalc, depth: str) -> None:
    ran = archcalc("show", "lenet5", "--depth", depth)
    assert ran.status == 2
    assert "--depth" in ran.err


def test_csv_and_json_have_every_layer_by_default(archcalc: Archcalc) -> None:
    assert len(rows(archcalc("show", "resnet50", "--format", "csv").out)) == 175
    assert len(document(archcalc("show", "resnet50", "--format", "json").out)["layers"]) == 175
    folded = document(archcalc("show", "resnet50", "--format", "json", "--depth", "1").out)["layers"]
    assert [row["name"] for row in folded][-1] == "head"
    assert folded[2]["layers"] == 32
    assert folded[2]["inputs"] == ["pool1"]
    assert folded[2]["op"] is None


def test_settings_and_shapes_change_the_network(archcalc: Archcalc) -> None:
    ran = archcalc(
        "show", "resnet50", "--set", "classes=10", "--set", "width=32", "--shape", "3x160x160", "--depth", "1"
    )
    assert "input 3x160x160" in ran.lines[0]
    assert ran.line("head").split()[3:5] == ["10", "10,250"]


def test_a_shape_can_be_given_to_an_input_by_name(archcalc: Archcalc) -> None:
    ran = archcalc("show", "-", "--shape", "prior=1x32x32", "--shape", "image=3x32x32", stdin=FORKED)
    assert "4x32x32" in ran.line("a ")


def test_a_single_size_in_place_of_a_shape_gets_the_entire_shape_as_its_hint(archcalc: Archcalc) -> None:
    ran = archcalc("show", "lenet5", "--shape", "H=64")
    assert ran.status == 2
    assert "give the entire shape, as in --shape input=1x32x32" in ran.err


@pytest.mark.parametrize("option", ["--set=alpha", "--set==1", "--set=nobody=1", "--shape=ghost=3x4x4", "--shape=0x1"])
def test_wrong_settings_name_the_option(archcalc: Archcalc, option: str) -> None:
    ran = archcalc("show", "lenet5", option)
    assert ran.status == 2
    assert option.partition("=")[0] in ran.err


def test_a_batch_is_the_first_axis_and_multiplies_costs(archcalc: Archcalc) -> None:
    ran = archcalc("show", ALEXNET, "--batch", "8")
    assert ran.line("conv_1").split()[5:8] == ["8x96x55x55", "34,944", "843,321,600"]
    found = document(archcalc("show", ALEXNET, "--batch", "8", "--format", "json").out)
    assert found["inputs"] == {"input": [8, 3, 227, 227]}
    assert list(found["outputs"].values()) == [[8, 96, 27, 27]]


def test_the_layout_changes_how_shapes_are_written_and_nothing_in_json(archcalc: Archcalc) -> None:
    assert "55x55x96" in archcalc("show", "alexnet-2012", "--layout", "hwc").line("conv1/conv")
    assert "256x256x3" in archcalc("show", "homework-network-a").out
    assert "3x256x256" in archcalc("show", "homework-network-a", "--layout", "chw").out
    found = document(archcalc("show", "homework-network-a", "--format", "json").out)
    assert found["layers"][0]["output"] == [3, 256, 256]


def test_the_field_is_global_after_global_layers_and_absent_for_vectors(archcalc: Archcalc) -> None:
    assert archcalc("show", "lenet5").line("f6/fc").split()[-1] == "global"
    ran = archcalc("show", "16 -> fc 4 -> relu")
    assert ran.line("fc_1").split()[-1] == "-"
    found = document(archcalc("show", "16 -> fc 4 -> relu", "--format", "json").out)
    assert found["layers"][0]["rf"] == []


def test_the_field_is_a_range_after_upsampling(archcalc: Archcalc) -> None:
    assert archcalc("show", "unet").line("out").split()[-1] == "188–204"
    assert rows(archcalc("show", "unet", "--format", "csv").out)[-1]["rf"] == "204"


def test_the_field_has_one_size_per_axis_where_sizes_differ(archcalc: Archcalc) -> None:
    assert archcalc("show", "3x32x32 -> conv 4 k3x5").line("conv_1").split()[-1] == "3x5"


def test_sizes_that_are_lower_bounds_are_marked_and_explained(archcalc: Archcalc) -> None:
    ran = archcalc("show", "1x16 -> add(maxpool 2, slice 0:8 axis=1) -> relu")
    assert ran.line("relu_1").split()[-1] == "~2–9"
    assert any(line.startswith("~: paths of different strides meet") for line in ran.lines)
    assert "~" not in archcalc("show", "3x32x32 -> add(conv 4 k3 p0:2, conv 4 k1) -> relu").out


def test_a_stride_below_one_is_a_fraction(archcalc: Archcalc) -> None:
    found = document(archcalc("show", "3x8x8 -> upsample 2", "--format", "json").out)
    assert found["layers"][0]["rf_stride"] == ["1/2", "1/2"]


def test_several_inputs_have_fields_of_their_own(archcalc: Archcalc) -> None:
    assert "image 3, prior 1" in archcalc("show", "-", stdin=FORKED).line("b/relu")
    found = document(archcalc("show", "-", "--format", "json", stdin=FORKED).out)
    by_name = {layer["name"]: layer for layer in found["layers"]}
    assert by_name["b/relu"]["rf"] == {"image": [3, 3], "prior": [1, 1]}
    assert by_name["a"]["rf"] == {"image": [3, 3]}


def test_heads_are_marked_and_training_heads_counted_on_request(archcalc: Archcalc) -> None:
    ran = archcalc("show", "-", stdin=FORKED)
    assert "mask (head)" in ran.out
    assert "aux/fc (training)" in ran.out
    assert "training heads are not included in the totals; --training includes them" in ran.lines

    def totals(*options: str) -> Any:
        return document(archcalc("show", "-", "--format", "json", *options, stdin=FORKED).out)

    without, with_them = totals(), totals("--training")
    assert with_them["totals"]["params"] - without["totals"]["params"] == 4 * 3 + 3
    assert without["outputs"].keys() == {"b", "mask"}
    assert with_them["outputs"].keys() == {"b", "mask", "aux"}


@pytest.mark.slow
@pytest.mark.parametrize("spec", SAMPLE)
def test_json_of_bundled_specs_follows_the_schema_and_adds_up(archcalc: Archcalc, spec: str) -> None:
    found = document(archcalc("show", spec, "--format", "json").out)
    counted = [layer for layer in found["layers"] if not layer["training"]]
    for key in ("params", "trainable", "connections", "macs", "mults", "flops", "activations"):
        assert sum(layer[key] for layer in counted) == found["totals"][key]
    assert found["totals"]["layers"] == len(counted)


def test_json_attributes_are_plain(archcalc: Archcalc) -> None:
    layers = document(archcalc("show", "lenet5-1998", "--format", "json").out)["layers"]
    c3 = next(layer for layer in layers if layer["name"] == "c3/conv")
    assert c3["attributes"]["kernel"] == [5, 5]
    assert c3["attributes"]["table"][0] == "X...XXX..XXXX.XX"
    dropout = document(archcalc("show", "8x4x4 -> dropout 1/3", "--format", "json").out)["layers"][0]
    assert dropout["attributes"] == {"rate": "1/3", "scale": "training"}


def test_json_variables_are_numbers_or_texts(archcalc: Archcalc) -> None:
    spec = "input: 3x9x9\nvariables: {a: 2/3, k: 3x5, w: half, n: 2}\nlayers:\n  - conv n k=k pad=w\n"
    found = document(archcalc("show", "-", "--format", "json", stdin=spec).out)
    assert found["variables"] == {"a": "2/3", "k": "3x5", "w": "half", "n": 2}


def test_json_has_all_columns(archcalc: Archcalc) -> None:
    ran = archcalc("show", "lenet5", "--format", "json", "--columns", "layer")
    assert ran.status == 2
    assert "--columns" in ran.err


def test_the_name_of_a_network_cannot_move_the_cursor(archcalc: Archcalc) -> None:
    spec = 'name: "a\\x1b[2Jb\\nc"\ninput: 3x9x9\nlayers:\n  - conv 1 k1\n'
    for form in ("plain", "markdown", "latex", "html"):
        ran = archcalc("show", "-", "--format", form, stdin=spec)
        assert "\x1b" not in ran.out
        assert "a [2Jb c" in ran.out


def test_numbers_of_any_size_are_exact(archcalc: Archcalc) -> None:
    huge = 10**90
    ran = archcalc("show", f"1x{huge} -> conv 7 k1")
    assert f"{7 * huge:,}" in ran.out


@pytest.mark.parametrize(
    ("bound", "spec"),
    [
        ("--max-layers=2", "3x9x9 -> relu -> relu -> relu"),
        ("--max-nesting=2", "3x9x9 -> (((relu)*2)*2)*2"),
        ("--max-bytes=8", "3x9x9 -> relu"),
        ("--max-digits=3", "3x99999 -> relu"),
    ],
)
def test_each_bound_is_an_option_that_its_error_names(archcalc: Archcalc, bound: str, spec: str) -> None:
    ran = archcalc("show", spec, bound)
    assert ran.status == 2
    assert bound.partition("=")[0] in ran.err


@pytest.mark.parametrize("surplus", [("-", "6", "k5"), ("->", "conv", "6"), ("conv",)])
def test_an_expression_that_the_shell_has_split_must_be_quoted(archcalc: Archcalc, surplus: tuple[str, ...]) -> None:
    ran = archcalc("show", "3x32x32", *surplus)
    assert ran.status == 2
    assert "quote an inline expression" in ran.err
    assert '"3x32x32 -> conv 6 k5"' in ran.err


def test_one_row_for_the_network_counts_what_the_totals_count(archcalc: Archcalc) -> None:
    for arguments in ((), ("--training",)):
        ran = archcalc("show", "googlenet", "--depth", "0", "--columns", "layer,output,params", *arguments)
        assert ran.line("GoogLeNet ").split()[1:] == ["1000", ran.line("total").split()[-1]]


def test_an_input_shape_is_read_in_the_layout_of_the_option(archcalc: Archcalc) -> None:
    ran = archcalc("show", "resnet50", "--layout", "hwc", "--shape", "320x320x3", "--depth", "0")
    assert "input 320x320x3" in ran.lines[0]
    assert ran.line("total").split()[1] == "25,610,152"


def test_a_head_that_only_names_a_tensor_is_mentioned(archcalc: Archcalc, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    spec.write_text('input: 3x8x8\nlayers:\n  - a: relu\n  - b: gap\nheads: {again: "@a"}\n', encoding="utf-8")
    assert "again (head) is the output of a" in archcalc("show", str(spec)).out


def test_bounds_are_marked_for_people_and_programs(archcalc: Archcalc) -> None:
    spec = "3x8x8 -> concat(identity, maxpool 1x2, axis=2)"
    assert "≤" in archcalc("show", spec).line("concat_1")
    assert "≤: an upper bound" in archcalc("show", spec).out
    layers = json.loads(archcalc("show", spec, "--format", "json").out)["layers"]
    assert [layer["rf_exact"] for layer in layers] == [True, False]


@pytest.mark.parametrize(
    "options", [("--set", "alpha=0.5", "--set", "alpha=1"), ("--shape", "3x64x64", "--shape", "3x96x96")]
)
def test_two_values_for_one_name_are_an_error(archcalc: Archcalc, options: tuple[str, ...]) -> None:
    shown = archcalc("show", "mobilenet-v1", *options)
    assert shown.status == 2
    assert "twice" in shown.err


SIDEWAYS = "512x512x3 -> conv 64 k4 s2 p1"


def test_the_layout_reads_the_shape_of_an_inline_expression(archcalc: Archcalc) -> None:
    ran = archcalc("show", SIDEWAYS, "--layout", "hwc")
    assert "512x512x3" in ran.lines[0]
    assert {"256x256x64", "3,136"} <= {*ran.line("conv_1").split()}
    assert not ran.err


@pytest.mark.parametrize("verb", ["show", "explain", "rf", "fold", "run", "compare", "verify", "formula"])
def test_every_verb_warns_of_a_probable_misreading(archcalc: Archcalc, verb: str) -> None:
    small = "16x16x3 -> conv 2 k3"
    ran = archcalc(verb, small)
    assert ran.status == 0
    assert "warning[channels-last-shape]" in ran.err
    assert not archcalc(verb, small, "--ignore", "channels-last-shape").err
    assert not archcalc(verb, small, "--layout", "hwc").err


def test_sweep_solve_and_claims_warn_too(archcalc: Archcalc) -> None:
    small = "16x16x3 -> conv 2 k3"
    for arguments in (
        ("sweep", small, "--shape", "H=8,16"),
        ("solve", small, "--vary", "H", "--target", "macs < 1M"),
        ("check", "--claim", f"{small} params = 290"),
    ):
        assert "warning[channels-last-shape]" in archcalc(*arguments).err
        assert "warning" not in archcalc(*arguments, "--ignore", "channels-last-shape").err


def test_textbook_counts_are_columns(archcalc: Archcalc) -> None:
    ran = archcalc(
        "show",
        "3x32x32 -> conv 20 k5 -> flatten -> fc 10",
        "--columns",
        "layer,weights,biases,units,maps",
        "--format",
        "csv",
    )
    assert ran.out.splitlines()[1:4] == ["conv_1,1500,20,15680,20", "flatten_1,0,0,15680,15680", "fc_1,156800,10,10,10"]
    batch = archcalc(
        "show", "3x32x32 -> conv 20 k5", "--batch", "4", "--columns", "neurons,channels", "--format", "csv"
    )
    assert batch.out.splitlines()[1] == "15680,20"


@pytest.mark.parametrize(
    ("network", "meant"),
    [
        ("227x227x3 -> conv 96 k11 s4", "3x227x227"),
        ("32x32x3 -> conv 6 k5 -> relu", "3x32x32"),
        ("1x3x28x28 -> conv 6 k5", "3x28x28"),
    ],
)
def test_an_impossible_layer_on_a_misread_shape_says_how_the_shape_is_read(
    archcalc: Archcalc, network: str, meant: str
) -> None:
    ran = archcalc("show", network)
    assert ran.status == 2
    assert f"write {meant}" in ran.err
    assert "= " not in archcalc("show", "3x8x8 -> conv 4 k11").err


def test_the_variants_of_a_network_are_named_as_they_are_written(archcalc: Archcalc) -> None:
    assert archcalc("show", "resnet50").line("variants:") == "variants: resnet50:torchvision"
    assert archcalc("show", "vggnet").line("variants:").startswith("variants: vggnet:11, vggnet:13")
    for without in ("resnet50:torchvision", "vgg16", "lenet5"):
        assert "variants:" not in archcalc("show", without).out
