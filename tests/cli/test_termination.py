"""Signals end the program and all processes that it has started, which would otherwise keep a pipeline waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from archcalc.engine.runner import CAN_FORK
from archcalc.spec.locate import bundled_folder

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL") if hasattr(signal, name)]
TIMEOUT = 60.0
"""The number of seconds after which a process that should have ended counts as hanging."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_FORK, reason="these signals exist on POSIX systems only"),
]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of specs that take several processes much longer than it takes to send a signal."""
    folder = tmp_path_factory.mktemp("many")
    text = (bundled_folder() / "resnet152.yaml").read_text(encoding="utf-8")
    for number in range(400):
        folder.joinpath(f"{number}.yaml").write_text(text, encoding="utf-8")
    return folder


def restore_interrupts() -> None:
    """Let a process end at an interrupt even if the tests run in the background, where shells ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(*arguments: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start the program, and return it with its child processes as soon as these exist."""
    program = subprocess.Popen(
        [sys.executable, "-m", "archcalc", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=restore_interrupts,
    )
    end = time.monotonic() + TIMEOUT
    children: list[psutil.Process] = []
    while not children and program.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
        children = psutil.Process(program.pid).children(recursive=True)
    assert children, program.communicate()
    return program, children


def check_end(program: subprocess.Popen[str], children: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to the program, and require that it ends with every process that holds its output open."""
    children = list({*children, *psutil.Process(program.pid).children(recursive=True)})
    program.send_signal(number)
    try:
        _, err = program.communicate(timeout=TIMEOUT)
    finally:
        _, alive = psutil.wait_procs(children, timeout=TIMEOUT)
        for process in alive:
            process.kill()
    assert not alive
    assert program.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in err or number == signal.SIGKILL  # of a process that was about to start


@pytest.mark.parametrize("delay", [0, 1.5])
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_validation_with_its_processes(many: Path, number: signal.Signals, delay: float) -> None:
    program, children = started("validate", str(many), "--jobs", "2", "--no-cache")
    time.sleep(delay)
    check_end(program, children, number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_with_its_workers(number: signal.Signals) -> None:
    program, children = started("run", "lenet5", "--repeat", "100000000", "--workers", "3")
    check_end(program, children, number)


def test_a_signal_removes_temporary_files(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from archcalc.cli.files import write_with\n"
        "from archcalc.cli.termination import ended_by_signals\n"
        "def write(file):\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(1000)\n"
        "ended_by_signals(lambda: write_with('out.txt', write))\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))},
        preexec_fn=restore_interrupts,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "writing\n"
    assert len(list(tmp_path.iterdir())) == 1
    program.terminate()
    program.communicate(timeout=TIMEOUT)
    assert program.returncode == -signal.SIGTERM
    assert not list(tmp_path.iterdir())
