"""``archcalc run``: what goes in, what comes out, what is refused."""

from __future__ import annotations

import io
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import archcalc as api
from archcalc.executor.errors import ArrayError
from archcalc.executor.weights import stored_array_shapes
from tests.cli.conftest import Archcalc

SPEC = "3x8x8 -> conv 4 k3 -> bn -> relu -> fc 5 -> softmax"
TWO = """
inputs: {image: 2x4x4, prior: 1x4x4}
layers:
  - joined: concat(@image, @prior)
  - out: conv 2 k3
heads:
  mask: '@joined -> gap'
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_output_is_printed(archcalc: Archcalc) -> None:
    ran = archcalc("run", SPEC)
    assert ran.status == 0
    name, shape, dtype, *numbers = ran.line("softmax").split()
    assert (name, shape, dtype) == ("softmax_1", "1x5", "float32")
    assert [float(number) for number in numbers][1] == pytest.approx(0.2)
    assert ran.line("largest values").count(":") == 6
    assert " ms; memory: tensors " in ran.out


def test_the_same_seed_gives_the_same_numbers(archcalc: Archcalc) -> None:
    first, again, other = (archcalc("run", SPEC, "--seed", seed).line("softmax") for seed in ("1", "1", "2"))
    assert first == again != other


def test_random_layers_follow_the_seed_of_the_run_or_their_own(archcalc: Archcalc) -> None:
    spec = "8 -> add(identity, random 8) -> add(identity, random 8 uniform seed=3)"
    note = "random numbers drawn for 1 layer with --seed 1 and 1 layer with a seed of the layer"
    assert archcalc("run", spec, "--seed", "1").line("random") == note
    numbers = ("--input", "zeros", "--print", "random_1", "--print", "random_2")
    one, again, other = (archcalc("run", spec, *numbers, "--seed", seed).out for seed in ("1", "1", "2"))
    assert one == again
    of_run, of_layer = zip(*(re.split("random_[12]:", each)[1:] for each in (one, other)), strict=True)
    assert of_run[0] != of_run[1]
    assert of_layer[0] == of_layer[1]


@pytest.mark.parametrize("option", [("--exact",), ("--at", "random_1:0")])
def test_random_numbers_are_not_worked_out(archcalc: Archcalc, option: tuple[str, ...]) -> None:
    ran = archcalc("run", "2 -> add(identity, random 2)", "--input", "ones", *option)
    assert ran.status == 2
    assert "'random_1' is random" in ran.err


def test_output_is_that_of_the_python_interface(archcalc: Archcalc, here: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    np.save("x.npy", x)
    assert archcalc("run", SPEC, "--input", "x.npy", "--output", "y.npy", "--dtype", "float64").status == 0
    expected = api.load(SPEC).run({"input": x}, dtype="float64").output
    np.testing.assert_array_equal(np.load("y.npy"), expected)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_output_goes_into_a_pipe(archcalc: Archcalc, here: Path) -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(Path("pipe").read_bytes)
        assert archcalc("run", SPEC, "--output", "pipe").status == 0
        assert np.load(io.BytesIO(read.result(timeout=10))).shape == (1, 5)


def test_weights_are_saved_and_loaded(archcalc: Archcalc, here: Path) -> None:
    assert archcalc("run", SPEC, "--seed", "5", "--save-weights", "w.npz", "--output", "a.npy").status == 0
    np.save("x.npy", np.ones((3, 8, 8), np.uint8))
    for seed in ("5", "6"):
        done = archcalc(
            "run", SPEC, "--weights", "w.npz", "--seed", seed, "--input", "x.npy", "--output", f"y{seed}.npy"
        )
        assert done.status == 0
    assert (np.load("y5.npy") == np.load("y6.npy")).all()
    with np.load("w.npz") as arrays:
        assert sorted(arrays) == sorted(stored_array_shapes(api.load(SPEC).graph))


def test_training_moves_running_statistics(archcalc: Archcalc, here: Path) -> None:
    ran = archcalc("run", SPEC, "--mode", "train", "--batch", "4", "--save-weights", "w.npz")
    assert ran.status == 0
    assert "2 stored arrays (running statistics) updated" in ran.out
    with np.load("w.npz") as arrays:
        assert (arrays["bn_1.mean"] != 0).all()


def test_several_inputs_and_outputs_go_by_name(archcalc: Archcalc, here: Path) -> None:
    Path("net.yaml").write_text(TWO, encoding="utf-8")
    np.save("image.npy", np.zeros((3, 2, 4, 4)))
    np.save("prior.npy", np.ones((3, 1, 4, 4)))
    ran = archcalc("run", "./net.yaml", "--input", "image=image.npy", "--input", "prior=prior.npy", "--output", "y.npz")
    assert ran.status == 0
    with np.load("y.npz") as arrays:
        assert sorted(arrays) == ["mask", "out"]
        assert arrays["mask"].reshape(3, 3).tolist() == [[0, 0, 1]] * 3
    ran = archcalc("run", "./net.yaml", "--layer", "joined", "--output", "z.npy")
    assert ran.status == 0
    assert np.load("z.npy").shape == (1, 3, 4, 4)


def test_tensors_of_training_heads_exist_in_training_only(archcalc: Archcalc, here: Path) -> None:
    Path("net.yaml").write_text(TWO.replace("heads:", "training_heads:"), encoding="utf-8")
    ran = archcalc("run", "./net.yaml", "--layer", "mask")
    assert ran.status == 2
    assert "'mask' belongs to a training head\n  = add --mode train to run it" in ran.err
    with pytest.raises(ArrayError, match="'mask' belongs to a training head"):
        api.load("./net.yaml").run(keep=["mask"])
    assert archcalc("run", "./net.yaml", "--layer", "mask", "--mode", "train").status == 0


def test_numbers_that_are_not_finite_are_reported(archcalc: Archcalc, here: Path) -> None:
    np.save("x.npy", np.full((3, 8, 8), np.nan))
    ran = archcalc("run", SPEC, "--input", "x.npy")
    assert ran.status == 0
    assert "5 of 5 values of softmax_1 are not finite" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "none.npy"], "No such file"),
        (["--input", "other=x.npy"], "no input 'other'"),
        (["--input", "x.npy", "--input", "x.npy"], "two arrays for the input"),
        (["--input", "x.npy", "--batch", "3"], "differ in the number of examples: 2 and 3"),
        (["--input", "last.npy"], "must have shape 3x8x8 or Nx3x8x8, got 8x8x3 (channels come first)"),
        (["--input", "text.npy"], "cannot be read"),
        (["--input", "words.npy"], "must hold real numbers"),
        (["--input", "w.npz"], "got an archive"),
        (["--weights", "w.npz"], "conv_1.bias is missing: 4"),
        (["--weights", "x.npy"], "cannot be read"),
        (["--layer", "convv"], "--layer: error[unknown-name]: no layer, stage or input 'convv'"),
        (["--layer", "conv_1", "--layer", "fc_1", "--output", "y.npy"], "holds one array, but there are 2"),
        (["--output", "missing/folder/y.npy"], "No such file or directory"),
        (["--output", "y.npz", "--save-weights", "./y.npz"], "is the file of --output"),
        (["--max-memory", "much"], "not a size such as 500M or 2G"),
        (["--max-memory", "1k"], "1.0 KiB allowed by --max-memory"),
        (["--mode", "train", "--shape", "3x3x3"], "batch norm needs more than one number per channel"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    archcalc: Archcalc, here: Path, arguments: list[str], message: str
) -> None:
    np.save("x.npy", np.zeros((2, 3, 8, 8)))
    np.save("last.npy", np.zeros((8, 8, 3)))
    np.save("words.npy", np.full((3, 8, 8), "a"))
    Path("text.npy").write_text("no array", encoding="utf-8")
    np.savez("w.npz", **{"conv_1.weight": np.zeros((4, 3, 3, 3))})
    before = sorted(here.iterdir())
    ran = archcalc("run", SPEC, *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert not ran.out
    assert sorted(here.iterdir()) == before


def test_a_network_larger_than_memory_is_refused_with_the_estimate(archcalc: Archcalc) -> None:
    ran = archcalc("run", "3x100000x100000 -> conv 64 k3 half")
    assert ran.status == 2
    assert "needs about 2.4 TiB" in ran.err
    assert "GiB available" in ran.err
    assert "--max-memory" in ran.err


# --- repeated runs ---


@pytest.mark.parametrize(
    "options", [[], ["--workers", "2"], ["--winograd"], ["--fold", "--workers", "2", "--winograd"]]
)
def test_repeated_runs_are_timed(archcalc: Archcalc, options: list[str]) -> None:
    once, often = archcalc("run", SPEC), archcalc("run", SPEC, "--repeat", "3", *options)
    assert often.status == 0
    assert often.line("3 timed runs: median").count(" ms") == 2
    if "--fold" not in options:
        assert often.line("softmax") == once.line("softmax")
    assert "timed run" not in once.out


@pytest.mark.parametrize("option", [["--workers", "2"], ["--winograd"]])
@pytest.mark.parametrize("rest", [[], ["--repeat", "0"], ["--repeat", "2", "--mode", "train"]])
def test_options_of_repeated_runs_alone_are_an_error(archcalc: Archcalc, option: list[str], rest: list[str]) -> None:
    ran = archcalc("run", SPEC, *option, *rest)
    assert ran.status == 2
    assert "add --repeat N" in ran.err


def test_a_system_without_processes_is_named(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    from archcalc.engine import workers

    def refuse(count: int) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "WorkerProcesses", refuse)
    ran = archcalc("run", SPEC, "--repeat", "2", "--workers", "2")
    assert ran.status == 2
    assert "Resource temporarily unavailable" in ran.err
    assert "--workers 1" in ran.err


def test_an_operator_without_a_kernel_is_named(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    from archcalc.executor import kernels  # noqa: F401  # registers them
    from archcalc.executor.kernel import KERNELS
    from archcalc.ops.activation import Relu

    monkeypatch.delitem(KERNELS, Relu)
    ran = archcalc("run", SPEC)
    assert ran.status == 2
    assert ran.err.startswith("error[missing]: ")
    assert "no kernel for the operator 'relu'" in ran.err


# --- small arrays ---

SOBEL = "conv_1.weight = 1 0 -1; 2 0 -2; 1 0 -1"
FIVE = "1 2 0 1 3; 2 1 4 2 2; 1 0 1 0 1; 1 2 1 0 2; 2 5 3 1 2"


def test_a_filter_over_a_small_matrix(archcalc: Archcalc) -> None:
    ran = archcalc("run", "1x5x5 -> conv 1 k3 nobias", "--input", FIVE, "--weights", SOBEL)
    assert ran.out == "conv_1: 1x3x3\n-3  -1   1\n-2   1   1\n-1   8  -1\n"


def test_channels_are_printed_one_after_another(archcalc: Archcalc) -> None:
    ran = archcalc("run", "2x2x2 -> relu", "--input", "1 -2; 3 -4;; -5 6; -7 0.125")
    assert ran.out.splitlines() == [
        "relu_1: 2x2x2",
        "channel 0:",
        "    1      0",
        "    3      0",
        "channel 1:",
        "    0      6",
        "    0  0.125",
    ]


def test_a_batch_of_vectors_is_a_matrix(archcalc: Archcalc) -> None:
    ran = archcalc("run", "1 -> bn", "--input", "1; 2; 3; 4", "--mode", "train", "--digits", "3")
    assert ran.out == "bn_1: 4x1\n -1.34\n-0.447\n 0.447\n  1.34\n"


@pytest.mark.parametrize("suffix", ["txt", "csv", "json"])
def test_arrays_are_read_from_text_files(archcalc: Archcalc, here: Path, suffix: str) -> None:
    text = {"txt": "1 2\n3 4\n", "csv": "1,2\n3,4\n", "json": "[[1, 2], [3, 4]]"}[suffix]
    Path(f"x.{suffix}").write_text(text)
    ran = archcalc("run", "1x2x2 -> avgpool 2", "--input", f"x.{suffix}")
    assert ran.out == "avgpool_1: 1x1x1\n2.5\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.csv", "1;2\n3;4\n"), ("x.tsv", "1\t2\n3\t4\n"), ("x.txt", "# by hand\n1 2\n3 4\n"), ("x.csv", "1 2; 3 4")],
)
def test_separators_and_comments_of_text_files_are_understood(
    archcalc: Archcalc, here: Path, name: str, text: str
) -> None:
    Path(name).write_text(text)
    assert archcalc("run", "1x2x2 -> relu", "--input", name).out == "relu_1: 1x2x2\n1  2\n3  4\n"


def test_files_of_numpy_may_lack_leading_axes_of_size_1(archcalc: Archcalc, here: Path) -> None:
    np.save("x.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    ran = archcalc("run", "1x2x2 -> relu", "--input", "x.npy", "--print", "relu_1")
    assert ran.out == "relu_1: 1x2x2\n1  2\n3  4\n"


@pytest.mark.parametrize("spec", ["4 -> relu", "4 -> relu6", "1x4 -> maxpool 2", "4 -> hardswish", "4 -> maxout 2"])
def test_numbers_that_are_not_finite_are_worked_out_as_the_run_computes_them(archcalc: Archcalc, spec: str) -> None:
    layer = spec.split()[2]
    ran = archcalc("run", spec, "--input", "-1 nan inf -2", "--at", f"{layer}_1", "--format", "json")
    data = json.loads(ran.out)
    (tensor,) = data["tensors"]
    worked = [step["value"].replace("−", "-") for step in data["worked"][0]["steps"] if "[" in step["name"]]
    numbers = np.array([float(number) for number in worked])
    expected = np.array(tensor["values"], float).reshape(-1)  # null, which is not finite, becomes NaN
    np.testing.assert_allclose(np.where(np.isfinite(numbers), numbers, np.nan), expected, rtol=1e-5)


def test_the_choice_of_a_constant_is_worked_out(archcalc: Archcalc) -> None:
    lines = archcalc("run", "2 -> relu", "--input", "1 -2", "--at", "relu_1").out.splitlines()
    assert lines[-1] == "relu_1[1] = max(−2, 0) = 0"


def test_all_numbers_of_a_small_layer_are_worked_out(archcalc: Archcalc) -> None:
    lines = archcalc("run", "3 -> softmax", "--input", "1 2 3", "--at", "softmax_1").out.splitlines()
    assert lines[-4:] == [
        "sum = 0.135335 + 0.367879 + 1 = 1.50321",
        "softmax_1[0] = 0.135335/1.50321 = 0.0900306",
        "softmax_1[1] = 0.367879/1.50321 = 0.244728",
        "softmax_1[2] = 1/1.50321 = 0.665241",
    ]


def test_examples_of_a_batch_are_told_apart(archcalc: Archcalc) -> None:
    lines = archcalc("run", "2 -> relu", "--input", "1 -2; -3 4", "--at", "relu_1").out.splitlines()
    assert "input, example 1: 2" in lines
    assert lines[-1] == "relu_1[1, 1] = max(4, 0) = 4"


def test_padding_is_shown_where_a_window_reaches_it(archcalc: Archcalc) -> None:
    given = ("--input", "1 2; 3 4", "--at", "maxpool_1:0,0")
    assert archcalc("run", "1x2x2 -> maxpool k2 s2 p1", *given).out.splitlines() == [
        "input, with padding: 1x4x4, 4 of 16 numbers in brackets",
        "[-inf]  [-inf]   -inf    -inf",
        "[-inf]     [1]      2    -inf",
        " -inf       3       4    -inf",
        " -inf    -inf    -inf    -inf",
        "",
        "maxpool_1[0, 0, 0] = 1",
    ]


def test_arrays_that_have_the_name_of_an_input_are_told_apart(archcalc: Archcalc) -> None:
    lines = archcalc("run", "2x1 -> rnn 1", "--input", "1; 2", "--at", "rnn_1:1,0").out.splitlines()
    assert "input: 2x1" in lines
    assert "rnn_1.input: 1x1" in lines


@pytest.mark.parametrize(
    ("spec", "place", "line"),
    [
        ("2 -> mul(identity, identity)", "mul_1:1", "mul_1[1] = 2·2 = 4"),
        ("2 -> concat(identity, identity)", "concat_1:3", "concat_1[3] = 2"),
        ("1x2 -> sdpa(identity, identity, identity)", "sdpa_1:0,1", "sdpa_1[0, 1] = 1·2 = 2"),
    ],
)
def test_a_tensor_that_is_read_several_times_is_an_operand_each_time(
    archcalc: Archcalc, spec: str, place: str, line: str
) -> None:
    lines = archcalc("run", spec, "--input", "1 2", "--at", place).out.splitlines()
    assert lines[-1] == line
    assert [each for each in lines if each.startswith("input")] == lines[:1]


def test_batch_norm_is_worked_out_as_in_textbooks(archcalc: Archcalc) -> None:
    given = ("--input", "3", "--weights", "bn_1.mean = 1", "--weights", "bn_1.variance = 4")
    assert archcalc("run", "1 -> bn eps=0", *given, "--at", "bn_1:0").out.splitlines()[-3:] == [
        "standard deviation = √(4 + 0) = 2",
        "normalised = (3 − 1)/2 = 1",
        "bn_1[0] = 1·1 + 0 = 1",
    ]


def test_steps_of_one_kind_follow_each_other(archcalc: Archcalc) -> None:
    ran = archcalc("run", "2x2 -> attention heads=1 nobias", "--input", "1 0; 0 1", "--at", "attention_1:0,0")
    names = [line.split(" =")[0].rstrip(" 0123456789") for line in ran.out.splitlines() if " = " in line]
    assert [*dict.fromkeys(names)] == [
        "query",
        "key",
        "value",
        "score",
        "maximum",
        "exponential",
        "sum",
        "weight",
        "mean of values",
        "attention_1[0, 0]",
    ]


def test_padding_of_a_maximum_is_infinity_in_latex(archcalc: Archcalc) -> None:
    given = ("--input", "1 2; 3 4", "--at", "maxpool_1:0,0", "--format", "latex")
    ran = archcalc("run", "1x2x2 -> maxpool 2 p1", *given)
    assert r"\boxed{-\infty} & \boxed{-\infty}" in ran.out
    assert "inf" not in ran.out.replace(r"\infty", "")


def test_numbers_that_were_read_are_boxed_in_latex(archcalc: Archcalc) -> None:
    given = ("--input", "1 2; 3 4", "--at", "maxpool_1:0,1", "--format", "latex")
    text = archcalc("run", "1x2x2 -> maxpool 2x1", *given).out
    assert r"1 & \boxed{2} \\" in text
    assert r"\max\left(2, 4\right)" in text


def test_exact_numbers_are_fractions_and_roots(archcalc: Archcalc) -> None:
    assert archcalc("run", "1x1x3 -> avgpool 1x3", "--input", "0 0 1", "--exact").out == "avgpool_1: 1x1x1\n1/3\n"
    ran = archcalc("run", "2 -> ln eps=0 noaffine", "--input", "0 1", "--exact")
    assert ran.out == "ln_1: 2\n-1   1\n"
    ran = archcalc("run", "3 -> rms_norm eps=0 noaffine", "--input", "1 1 0", "--exact")
    assert ran.out.splitlines()[1].split() == ["√6/2", "√6/2", "0"]
    assert ran.out.splitlines()[2] == "rms_norm_1, in decimals: 3"


def test_one_number_is_worked_out(archcalc: Archcalc) -> None:
    options = ("--input", FIVE, "--weights", SOBEL)
    ran = archcalc("run", "1x5x5 -> conv 1 k3 nobias", *options, "--at", "conv_1:0,0")
    assert "[1]  [2]  [0]   1    3" in ran.out
    expected = "conv_1[0, 0, 0] = 1·1 + 2·0 + 0·(−1) + 2·2 + 1·0 + 4·(−2) + 1·1 + 0·0 + 1·(−1) = −3"
    assert ran.out.splitlines()[-1] == expected
    data = json.loads(
        archcalc("run", "1x5x5 -> conv 1 k3 nobias", *options, "--at", "conv_1:0,0", "--format", "json").out
    )
    assert data["tensors"][0]["values"] == [[[[-3, -1, 1], [-2, 1, 1], [-1, 8, -1]]]]
    assert data["worked"][0]["steps"][-1]["value"] == "−3"


def test_exact_steps_are_worked_out(archcalc: Archcalc) -> None:
    ran = archcalc("run", "3 -> ln eps=0 noaffine", "--input", "1 2 4", "--exact", "--at", "ln_1:0")
    assert ran.out.splitlines()[-4:-2] == [
        "mean = (1 + 2 + 4)/3 = 7/3",
        "variance = ((1 − 7/3)² + (2 − 7/3)² + (4 − 7/3)²)/3 = 14/9",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "1 2; 3 4"], "must have shape 1x5x5, got 2x2 (2 rows of 2 numbers)"),
        (["--input", "1 2; 3"], "row 2 has 1 number, but the rows before it have 2"),
        (["--input", "1 2; 3 x"], "'x' is not a number (row 2, number 2)"),
        (["--input", FIVE, "--input", FIVE], "two arrays for the input"),
        (["--input", "missing.csv"], "No such file"),
        (["--input", "onse"], "did you mean 'ones'?"),
        (["--input", "my array"], "neither an array nor a file"),
        (["--input", "ones 3"], "'ones' must stand alone"),
        (["--weights", "conv_1.weigth = ones"], "no array 'conv_1.weigth'"),
        (["--weights", "conv_1.weight = 1 2; 3 4"], "conv_1.weight: the array must have shape 1x1x3x3, got 2x2"),
        (["--weights", SOBEL, "--weights", SOBEL], "two arrays for 'conv_1.weight'"),
        (["--exact"], "exact results need the input 'input'"),
        (["--exact", "--input", FIVE], "exact results need numbers for conv_1.weight"),
        (["--exact", "--input", FIVE, "--repeat", "2"], "omit --repeat"),
        (["--exact", "--input", FIVE, "--weights", SOBEL, "--output", "y.npy"], "run without --exact"),
        (["--at", "conv_1:x"], "--at must be LAYER:INDEX"),
        (["--at", "conv_1:5,5"], "'conv_1' has no number [5, 5]: its shape is 1x3x3"),
        (["--at", "conv_2:0,0"], "--at: error[unknown-name]: no layer, stage or input 'conv_2'"),
        (["--at", "input:0,0"], "it is not computed"),
        (["--at", "conv_1.weight:0,0,0,0"], "with --backward, --at works out its gradient"),
        (["--at", "conv_1:0,0", "--format", "csv"], "not csv"),
        (["--print", "conv"], "--print: error[unknown-name]: no layer, stage or input 'conv'"),
        (["--weights", "kernel = 1"], "the only array is conv_1.weight"),
    ],
)
def test_errors_about_small_arrays_say_what_is_wanted(
    archcalc: Archcalc, here: Path, arguments: list[str], message: str
) -> None:
    ran = archcalc("run", "1x5x5 -> conv 1 k3 nobias", *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_functions_without_exact_values_are_named(archcalc: Archcalc) -> None:
    ran = archcalc("run", "3 -> softmax", "--input", "1 2 3", "--exact")
    assert ran.status == 2
    assert "exp(-2) is neither a fraction nor a root of one" in ran.err


def test_fourier_transforms_are_not_evaluated_exactly(archcalc: Archcalc) -> None:
    ran = archcalc("run", "3x2 -> dft", "--input", "ones", "--exact")
    assert ran.status == 2
    assert "the exponentials of dft have no exact form" in ran.err


@pytest.mark.parametrize(("number", "exact"), [("5", True), ("-6", True), ("nan", False), ("-inf", False)])
def test_operations_on_bits_are_worked_out(archcalc: Archcalc, number: str, *, exact: bool) -> None:
    spec, expected = "1 -> bitwise(identity, scale 3)", int(number) & (3 * int(number)) if exact else 0
    for option in ([], ["--exact"]) if exact else ([],):
        ran = archcalc("run", spec, "--input", number, "--at", "bitwise_1:0", *option)
        assert ran.out.splitlines()[-1].replace("−", "-") == f"bitwise_1[0] = {expected}"
        assert archcalc("run", spec, "--input", number, *option).out.split()[-1] == str(expected)


def test_large_networks_are_not_evaluated_exactly(archcalc: Archcalc) -> None:
    ran = archcalc(
        "run", "3x64x64 -> relu -> conv 64 k3", "--input", "ones", "--weights", "conv_1.weight = ones", "--exact"
    )
    assert ran.status == 2
    assert "operations, but at most 200,000" in ran.err


def test_a_seed_that_is_no_integer_is_called_so(archcalc: Archcalc) -> None:
    for command in ("run", "fold"):
        ran = archcalc(command, "lenet5", "--seed", "x")
        assert ran.status == 2
        assert "'--seed': 'x' is not an integer" in ran.err
