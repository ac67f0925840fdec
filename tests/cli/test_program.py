"""What holds for every verb: help, exit status, colour, pipes, bad input."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest

from archcalc.cli import VERBS, cli
from tests.cli.conftest import Archcalc

ROOT = Path(__file__).resolve().parents[2]


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for verb in VERBS:
        command = cli.get_command(context, verb)
        assert command is not None
        yield verb, command


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"PYTHONPATH": str(ROOT), **options.pop("env", {})}
    settings = {"capture_output": True, "text": True, "encoding": "utf-8", "check": False, **options}
    return subprocess.run([sys.executable, "-m", "archcalc", *arguments], env=environment, **settings)


def on_terminal(*arguments: str, **env: str) -> str:
    """Return what the program writes to a terminal of 80 columns, read while it runs, since its buffer is small."""
    leader, follower = pty.openpty()
    with ThreadPoolExecutor(1) as reader:
        written = reader.submit(everything, leader)
        try:
            ran = process(
                *arguments, stdout=follower, stderr=follower, capture_output=False, env={"COLUMNS": "80", **env}
            )
        finally:
            os.close(follower)
        found = written.result()
    os.close(leader)
    assert ran.returncode == 0
    return found.decode()


def everything(leader: int) -> bytes:
    """Return what arrives at a terminal until its other end is closed."""
    written = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            return written
        if not piece:
            return written
        written += piece


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_and_option_is_documented(verb: str) -> None:
    command = dict(commands())[verb]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{verb} {parameter.opts[0]}"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_program_and_every_verb_have_help(archcalc: Archcalc, flag: str) -> None:
    ran = archcalc(flag)
    assert ran.status == 0
    for verb in VERBS:
        assert f"  {verb} " in ran.out
        assert archcalc(verb, flag).status == 0


def test_the_version_is_that_of_the_package(archcalc: Archcalc) -> None:
    from archcalc import __version__

    ran = archcalc("--version")
    assert ran.status == 0
    assert __version__ in ran.out


def test_an_unknown_verb_gets_a_suggestion(archcalc: Archcalc) -> None:
    ran = archcalc("shwo", "lenet5")
    assert ran.status == 2
    assert "did you mean 'show'?" in ran.err


def test_a_network_without_a_verb_gets_a_hint(archcalc: Archcalc) -> None:
    ran = archcalc("resnet50")
    assert ran.status == 2
    assert "archcalc show" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("show", "no-such-network"),
        ("show", "lenet5", "--depht", "1"),
        ("show", "lenet5", "--format", "yaml"),
        ("show", "lenet5", "--batch", "0"),
        ("show", "lenet5", "--batch", "9" * 5000),
        ("show", "3x9x9 -> conv"),
        ("show", "/"),
        ("show", "/dev/null"),
        ("show", "\udcff -> relu"),
        ("compare",),
        ("zoo", "surplus"),
        ("ops", "conv", "surplus"),
        ("validate",),
    ],
)
def test_bad_input_ends_with_status_2_a_reason_and_no_output(archcalc: Archcalc, arguments: tuple[str, ...]) -> None:
    ran = archcalc(*arguments)
    assert ran.status == 2
    assert ran.err
    assert not ran.out
    assert "Traceback" not in ran.err


def test_a_reader_that_closes_the_pipe_early_is_not_an_error() -> None:
    program = f"{sys.executable} -m archcalc show resnet152 --depth all --format csv"
    ran = subprocess.run(
        ["/bin/sh", "-c", f"{program} | head -1"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.stdout == "layer,op,output,params,macs,rf\n"
    assert not ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_without_a_traceback() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = process("show", "lenet5", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_an_output_that_cannot_encode_a_character_still_gets_the_rest() -> None:
    ran = process("show", "unet", env={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0
    assert "total" in ran.stdout


def test_a_pipe_gets_plain_text_in_complete_lines(archcalc: Archcalc) -> None:
    ran = archcalc("show", "resnet50", "--columns", "layer,op,input,output,params,trainable,connections,macs,flops,rf")
    assert "\x1b" not in ran.out
    assert len(ran.line("conv2_x/first")) > 120


def test_a_terminal_gets_colour_unless_it_is_switched_off() -> None:
    assert "\x1b[" in on_terminal("show", "lenet5", TERM="xterm")
    assert "\x1b" not in on_terminal("show", "lenet5", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in on_terminal("show", "lenet5", "--color", "never", TERM="xterm")


def test_colour_can_be_forced_for_a_pipe(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in archcalc("show", "lenet5", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in archcalc("show", "lenet5").out
    assert "\x1b" not in archcalc("show", "lenet5", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in archcalc("show", "lenet5").out


@pytest.mark.parametrize("arguments", [("show", "resnet50"), ("compare", "resnet50", "vgg-d"), ("zoo",), ("ops",)])
def test_tables_fit_a_terminal_of_80_columns(arguments: tuple[str, ...]) -> None:
    written = on_terminal(*arguments, NO_COLOR="1", TERM="xterm")
    assert max(map(len, written.splitlines())) <= 80


def test_numbers_are_not_split_on_a_narrow_terminal() -> None:
    written = on_terminal("show", "resnet50", NO_COLOR="1", TERM="xterm", COLUMNS="40")
    assert "3,857,973,248" in written
    assert "25,610,152" in written


def test_the_shell_completes_verbs_and_bundled_names() -> None:
    def completed(words: str, index: int) -> str:
        env = {"_ARCHCALC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        code = "from archcalc.cli import cli; cli(prog_name='archcalc')"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
        return ran.stdout

    assert "plain,show" in completed("archcalc sh", 1).split()
    assert "plain,resnet152" in completed("archcalc show resnet15", 2).split()
    assert "plain,maxpool" in completed("archcalc ops maxp", 2).split()


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_the_limits_in_a_separate_section_at_the_end(verb: str, archcalc: Archcalc) -> None:
    out = archcalc(verb, "--help").out
    options, _, limits = out.partition("\nLimits:\n")
    assert "--max-" not in options
    assert all(line.startswith("  ") or not line for line in limits.splitlines())
