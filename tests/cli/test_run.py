"""``archcalc run``: what goes in, what comes out, what is refused."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import archcalc as api
from archcalc.executor.errors import ArrayError
from archcalc.executor.weights import stored
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
        assert sorted(arrays) == sorted(stored(api.load(SPEC).graph))


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
        (["--input", "x.npy", "--input", "x.npy"], "two files for the input"),
        (["--input", "x.npy", "--batch", "3"], "differ in the number of examples: 2 and 3"),
        (["--input", "last.npy"], "has shape 8x8x3, expected 3x8x8 or Nx3x8x8 (channels come first)"),
        (["--input", "text.npy"], "cannot be read"),
        (["--input", "words.npy"], "must hold real numbers"),
        (["--input", "w.npz"], "got an archive"),
        (["--weights", "w.npz"], "conv_1.bias is missing: 4"),
        (["--weights", "x.npy"], "cannot be read"),
        (["--layer", "convv"], "no layer, stage or input 'convv'"),
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
