"""Standard streams that are closed, full or missing: an exit status and at most a line, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Archcalc
from tests.cli.test_program import ROOT, process

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


@pytest.mark.parametrize("arguments", ["show resnet152 --depth all --format json", "show --help", "ops conv"])
def test_the_program_ends_silently_without_a_reader(arguments: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed:
        ran = process(*arguments.split(), stdout=closed, stderr=subprocess.PIPE, capture_output=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
@FULL
@pytest.mark.parametrize("arguments", ["--help", "zoo", "show resnet152 --depth all --format csv", "validate lenet5"])
def test_a_full_disk_is_one_line_and_status_2(arguments: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = process(*arguments.split(), stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (ran.returncode, ran.stderr) == (2, "error[output]: No space left on device\n")


@FULL
@pytest.mark.parametrize("arguments", ["show nothing-of-this-name", "show --no-such-option"])
def test_an_error_that_cannot_be_written_is_still_a_status(arguments: str) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = process(*arguments.split(), stderr=full, stdout=subprocess.PIPE, capture_output=False)
    assert (ran.returncode, ran.stdout) == (2, "")


@pytest.mark.parametrize(
    ("closed", "status"), [("show lenet5 >&-", 0), ("show lenet5 <&-", 0), ("show x.yaml 2>&-", 2)]
)
def test_closed_streams_are_tolerated(closed: str, status: int) -> None:
    command = f"{sys.executable} -m archcalc {closed}"
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == status
    assert not ran.stderr


def test_an_interrupt_ends_with_130_and_without_a_traceback() -> None:
    command = [sys.executable, "-m", "archcalc", "show", "-"]
    pipe = subprocess.PIPE

    def restore_interrupts() -> None:  # which a shell's background job inherits as ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, preexec_fn=restore_interrupts
    ) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write("# more than a pipe holds: the program is reading\n" * 20_000)
        time.sleep(0.1)  # a signal between two reads would wait for the next one to end
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130
        assert "Traceback" not in running.stderr.read()


def test_standard_input_is_read_once(archcalc: Archcalc) -> None:
    for verb in ("compare", "validate"):
        ran = archcalc(verb, "-", "-", stdin="input: 3x9x9\nlayers: [relu]\n")
        assert ran.status == 2
        assert "only once" in ran.err


def test_pipes_in_a_folder_are_left_alone(archcalc: Archcalc, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("input: 3x9x9\nlayers: [relu]\n", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert archcalc("validate", str(tmp_path)).lines[-1] == "1 spec: 1 ok; 1 file skipped"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(archcalc: Archcalc, tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.touch(mode=0)
    ran = archcalc("show", str(file))
    assert ran.status == 2
    assert "Permission denied" in ran.err
