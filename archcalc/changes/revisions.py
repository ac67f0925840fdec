"""A Git repository: its revisions, the files that differ between two of them, and their content."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from archcalc.spec.errors import fail

Status: TypeAlias = Literal["added", "removed", "changed", "renamed"]

WORKING_TREE = "the working tree"
"""The name, in place of a revision, of the files as they are on disk."""
PLAIN = ("100644", "100755")
"""The modes of plain files; others are links and submodules."""
STATUSES: dict[str, Status] = {
    "A": "added",
    "D": "removed",
    "M": "changed",
    "T": "changed",
    "R": "renamed",
    "C": "added",
}


class FileChange(NamedTuple):
    """A file that differs between two revisions. Paths are relative to the top of the repository."""

    status: Status
    old_path: str
    """Its path before; empty for a new file."""
    new_path: str
    """Its path after; empty for a removed file."""
    old_blob: str = ""
    """The object with the content before."""
    new_blob: str = ""
    """The object with the content after; empty for a file of the working tree."""

    @property
    def path(self) -> str:
        """The path after; before, if the file was removed."""
        return self.new_path or self.old_path


class Repository:
    """The Git repository that a folder belongs to."""

    def __init__(self, folder: str = ".") -> None:
        """Find the repository.

        Raises:
            SpecError: the folder is not in one, or Git is not installed.
        """
        self.folder = folder
        found = self._git("rev-parse", "--show-toplevel")
        if found.returncode:
            reason = _reason(found)
            if "not a git repository" in reason:
                hint = "two networks are compared without `--`: archcalc diff OLD.yaml NEW.yaml"
                fail("git", "the current folder is not in a Git repository", origin=os.path.abspath(folder), hint=hint)
            fail("git", reason, origin=os.path.abspath(folder))
        self.top = os.fsdecode(found.stdout).rstrip("\n")

    def resolve(self, revision: str) -> str:
        """Return the commit of a revision: a branch, tag or hash, or ``A...B`` for the common ancestor of A and B.

        Raises:
            SpecError: there is no such revision.
        """
        if "..." in revision:
            one, other = (self.resolve(each or "HEAD") for each in revision.split("...", 1))
            found = self._git("merge-base", one, other)
            if found.returncode:
                hint = self._how_to_fetch("") if self.is_shallow else ""
                fail(
                    "git",
                    f"the revisions of '{revision[:80]}' have no common ancestor here",
                    origin=self.top,
                    hint=hint,
                )
            return os.fsdecode(found.stdout).strip()
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found.returncode or not found.stdout:
            unknown = f"no revision '{revision[:80]}'"
            if self.is_shallow:
                fail("git", f"{unknown} in this shallow clone", origin=self.top, hint=self._how_to_fetch(revision))
            hint = f"a branch of a remote is origin/{revision}; `git fetch` updates them, `git branch -a` lists them"
            fail("git", unknown, origin=self.top, hint=hint if _is_plain(revision) else "`git log` lists revisions")
        return os.fsdecode(found.stdout).strip()

    @property
    def is_shallow(self) -> bool:
        """Whether the clone has the last commits only."""
        return self._git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def changed(self, old: str, new: str | None, paths: Sequence[str]) -> list[FileChange]:
        """Return the files below some paths that differ between two commits, with renames.

        Args:
            old: a commit.
            new: another one; ``None`` for the working tree, with files that Git does not know yet.
            paths: files and folders, relative to the folder that the repository was found from.

        Raises:
            SpecError: a path is in neither of them.
        """
        below = [self._below_top(path) for path in paths]
        for path, written in zip(below, paths, strict=True):
            if not (self._has(old, path) or (os.path.lexists(written) if new is None else self._has(new, path))):
                hint = "options must come before `--`" if written.startswith("-") else ""
                fail("not-found", "the file or folder is in neither revision", hint=hint, origin=written[:100])
        arguments = ["diff", "--raw", "-z", "-M", "--no-abbrev", "--no-ext-diff", old]
        found = self._output(*arguments, *([] if new is None else [new]))
        changes = [change for change in _parsed(found) if _is_below(change, below)]
        if new is None:  # Git names objects here that it has not stored
            changes = [change._replace(new_blob="") for change in changes]
            untracked = self._output("ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/")
            names = [os.fsdecode(name) for name in untracked.split(b"\0") if name]
            changes += [change for name in names if _is_below(change := FileChange("added", "", name), below)]
        return sorted(changes, key=lambda change: change.path)

    def content(self, blob: str) -> bytes:
        """Return the content of an object."""
        return self._output("cat-file", "blob", blob)

    def on_disk(self, path: str) -> str:
        """Return the path of a file of the working tree, as seen from the current folder."""
        return os.path.relpath(os.path.join(self.top, path))

    def _below_top(self, path: str) -> str:
        place = os.path.join(os.path.realpath(self.folder), path)
        below = os.path.relpath(os.path.normpath(place), os.path.realpath(self.top)).replace(os.sep, "/")
        if below == ".." or below.startswith("../"):
            fail("not-found", f"the path is outside of the repository {self.top}", origin=path[:100])
        return "" if below == "." else below

    def _has(self, commit: str, path: str) -> bool:
        return not path or self._git("cat-file", "-e", f"{commit}:{path}").returncode == 0

    def _how_to_fetch(self, revision: str) -> str:
        all = "`git fetch --unshallow` (in GitHub Actions: fetch-depth: 0; in GitLab: GIT_DEPTH: 0)"
        if not _is_plain(revision):
            return f"fetch the history with {all}"
        branch = revision.removeprefix("origin/")
        spec = branch if branch == revision else f"{branch}:refs/remotes/{revision}"
        return f"fetch it with `git fetch --depth=1 origin {spec}`, or the whole history with {all}"

    def _output(self, *arguments: str) -> bytes:
        found = self._git(*arguments)
        if found.returncode:
            fail("git", f"git {arguments[0]} failed: {_reason(found)}", origin=self.top)
        return found.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        command = ["git", "-C", self.folder, "-c", "core.quotePath=false", *arguments]
        try:
            return subprocess.run(command, capture_output=True, env=environment, check=False, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            fail("git", "the program git is not installed", origin="diff")


def _reason(run: subprocess.CompletedProcess[bytes]) -> str:
    lines = os.fsdecode(run.stderr).strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "unknown reason"


def _is_plain(revision: str) -> bool:
    """Return whether a revision is a name rather than an expression such as ``HEAD~3``."""
    return bool(revision) and not any(character in revision for character in "~^@:{ *?[\\")


def _is_below(change: FileChange, paths: Sequence[str]) -> bool:
    names = [name for name in (change.old_path, change.new_path) if name]
    return any(not path or name == path or name.startswith(f"{path}/") for path in paths for name in names)


def _parsed(output: bytes) -> Iterator[FileChange]:
    """Yield the changes that ``git diff --raw -z`` prints. Links and submodules are left out."""
    fields = iter([os.fsdecode(field) for field in output.split(b"\0")])
    for header in fields:
        if not header.startswith(":"):
            continue
        old_mode, new_mode, old_blob, new_blob, status = header[1:].split()
        path = next(fields)
        other = next(fields) if status[0] in "RC" else path
        kind = STATUSES.get(status[0])
        if kind is None or not {old_mode, new_mode} & {*PLAIN}:
            continue
        is_new = kind == "added" or old_mode not in PLAIN
        is_gone = kind == "removed" or new_mode not in PLAIN
        yield FileChange(
            "added" if is_new else "removed" if is_gone else kind,
            "" if is_new else path,
            "" if is_gone else other,
            "" if is_new else old_blob,
            "" if is_gone else new_blob,
        )
