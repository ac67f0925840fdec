"""The GitHub Action: its steps run here as they stand in ``action.yml``, with a server that keeps the comments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml

from tests.git import git
from tests.published_schemas import published

ROOT = Path(__file__).resolve().parent.parent
ACTION: dict[str, Any] = yaml.safe_load(ROOT.joinpath("action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
NET = "input: 3x32x32\nlayers:\n  - stem: conv {} k3 p1 -> relu\n  - head: gap -> fc 10\n"


class Server(ThreadingHTTPServer):
    """A server with the comments of pull requests, as GitHub's API."""

    comments: dict[int, str]
    requests: list[str]
    may_write: bool


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.answer([{"id": key, "body": body} for key, body in self.server.comments.items()])

    def do_POST(self) -> None:
        self.store(len(self.server.comments) + 1)

    def do_PATCH(self) -> None:
        self.store(int(self.path.rpartition("/")[2]))

    def store(self, key: int) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.server.may_write:
            self.server.comments[key] = body
        self.answer({}, 201 if self.server.may_write else 403)

    def answer(self, data: Any, status: int = 200) -> None:
        self.server.requests.append(f"{self.command} {self.path.partition('?')[0]}")
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.comments, found.requests, found.may_write = {1: "a comment of a person"}, [], True
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
    thread.join()


class Repository(NamedTuple):
    """A repository with the branches ``main`` and ``change``, of which the second is checked out."""

    folder: Path
    base: str

    def commit(self, text: str, name: str = "net.yaml") -> None:
        self.folder.joinpath("nets", name).write_text(text)
        git("add", "-A", folder=self.folder)
        git("commit", "-qm", "change", folder=self.folder)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    folder.joinpath("nets").mkdir(parents=True)
    folder.joinpath("nets/net.yaml").write_text(NET.format(16))
    folder.joinpath("nets/photo.png").write_bytes(bytes(range(256)))
    git("init", "-q", folder=folder)
    git("add", "-A", folder=folder)
    git("commit", "-qm", "main", folder=folder)
    git("checkout", "-qb", "change", folder=folder)
    return Repository(folder, git("rev-parse", "main", folder=folder))


class Job(NamedTuple):
    """What a run of the action left behind."""

    status: int
    log: str
    summary: str
    reports: Path


def run_action(repository: Repository, server: Server, *, token: str = "secret", **inputs: str) -> Job:
    """Run the steps of the action as the job of a pull request; only those that install something are left out."""
    temp = repository.folder.parent / "temp"
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    program = temp / "bin" / "archcalc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archcalc "$@"\n')
    program.chmod(0o755)
    program.with_name("python").symlink_to(sys.executable)
    files = {"GITHUB_STEP_SUMMARY": temp / "summary.md", "GITHUB_OUTPUT": temp / "output"}
    values = {f"inputs.{name}": str(entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
    values |= {"inputs.base": repository.base, "inputs.token": token, "runner.temp": str(temp)}
    values |= {"github.event.pull_request.number": "7"}
    values |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")},
        **{name: str(path) for name, path in files.items()},
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(temp),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_REPOSITORY": "someone/something",
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
    }
    log, status = "", 0
    for step in STEPS:
        if "run" not in step or "pip install" in step["run"] or not _wanted(step, values):
            continue
        own = {name: EXPRESSION.sub(lambda found: values[found[1]], value) for name, value in step["env"].items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=repository.folder,
            env={**environment, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        log += ran.stdout + ran.stderr
        status = ran.returncode
        if status:
            break
        for line in files["GITHUB_OUTPUT"].read_text().splitlines() if files["GITHUB_OUTPUT"].exists() else ():
            name, _, value = line.partition("=")
            values[f"steps.check.outputs.{name}"] = value
    summary = files["GITHUB_STEP_SUMMARY"]
    return Job(status, log, summary.read_text() if summary.exists() else "", temp / "archcalc")


def _wanted(step: dict[str, Any], values: dict[str, str]) -> bool:
    """Whether the condition of a step holds: names that are not empty, and comparisons, joined by ``&&``."""
    for part in step.get("if", "true").split(" && "):
        name, equal, text = part.partition(" == ")
        if part != "true" and not (values[name] == text.strip("'") if equal else values[name]):
            return False
    return True


def test_the_action_follows_its_schema_and_installs_itself() -> None:
    schema = published("github-action.json")
    jsonschema.validators.validator_for(schema)(schema).validate(ACTION)
    (install,) = [step for step in STEPS if "pip install" in step.get("run", "")]
    assert '"$GITHUB_ACTION_PATH[onnx,tflite,keras]"' in install["run"]
    assert all("${{" not in step.get("run", "") for step in STEPS)  # a name in a pull request would become a command


@pytest.mark.slow
def test_one_comment_is_written_and_kept_up_to_date(repository: Repository, server: Server) -> None:
    repository.commit(NET.format(24))
    job = run_action(repository, server)
    assert job.status == 0, job.log
    assert list(server.comments) == [1, 2]
    assert "channels 16 → 24" in server.comments[2]
    assert server.comments[2] in job.summary
    assert json.loads((job.reports / "diff.json").read_text())["networks"][0]["name"] == "nets/net.yaml"
    assert (job.reports / "validate.json").exists()
    repository.commit(NET.format(32))
    run_action(repository, server)
    assert list(server.comments) == [1, 2]
    assert "channels 16 → 32" in server.comments[2]


@pytest.mark.slow
def test_a_fork_has_no_comment_and_the_same_exit_status(repository: Repository, server: Server) -> None:
    repository.commit(NET.format(24))
    limits = "macs > +2%\n\nparams > 1G\n"
    own = run_action(repository, server, fail_on=limits)
    without_token = run_action(repository, server, token="", fail_on=limits)
    server.comments, server.may_write = {}, False
    read_only = run_action(repository, server, fail_on=limits)
    assert [job.status for job in (own, without_token, read_only)] == [1, 1, 1]
    assert server.comments == {}
    assert "is over the limit 'macs" in read_only.summary
    assert "the token may not write" in read_only.log


@pytest.mark.slow
@pytest.mark.parametrize(("threshold", "is_silent"), [("0%", False), ("60%", True)])
def test_small_changes_are_not_worth_a_comment(
    repository: Repository, server: Server, threshold: str, is_silent: bool
) -> None:
    repository.commit(NET.format(17))
    job = run_action(repository, server, threshold=threshold)
    assert job.status == 0
    assert (list(server.comments) == [1]) == is_silent
    assert "channels 16 → 17" in job.summary


@pytest.mark.slow
def test_changes_of_other_files_are_not_mentioned(repository: Repository, server: Server) -> None:
    repository.folder.joinpath("README").write_text("more\n")
    repository.folder.joinpath("nets/photo.png").write_bytes(b"\0other")
    git("add", "-A", folder=repository.folder)
    git("commit", "-qm", "other", folder=repository.folder)
    job = run_action(repository, server)
    assert job.status == 0
    assert list(server.comments) == [1]


@pytest.mark.slow
def test_a_network_that_cannot_be_read_fails_the_job_and_the_rest_is_compared(
    repository: Repository, server: Server
) -> None:
    repository.commit(NET.format(24).replace("relu", "rilu"))
    repository.commit(NET.format(8), "other.yaml")
    job = run_action(repository, server, paths="nets")
    assert job.status == 2
    assert "no operator" in server.comments[2]
    assert "other.yaml" in server.comments[2]


def test_a_threshold_that_is_not_a_percentage_is_an_error(tmp_path: Path) -> None:
    script = ROOT / "action" / "comment.py"
    environment = {**os.environ, "INPUT_THRESHOLD": "1.02x", "REPORTS": str(tmp_path)}
    ran = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "must be a percentage" in ran.stdout
