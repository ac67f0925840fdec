"""The networks of files that differ between two revisions, each read from the revision that it belongs to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple, TypeAlias

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.changes.compare import NetworkDiff, compare
from archcalc.changes.gates import NOT_JUDGED, GateJudgement
from archcalc.changes.revisions import WORKING_TREE, FileChange, Repository
from archcalc.spec.errors import Problem, Source, SpecError, fail
from archcalc.spec.locate import SUFFIXES, decode, is_file_name
from archcalc.spec.models import CONTENT_READERS, READERS, ModelSource, model_file
from archcalc.spec.shared_settings import SharedSettings
from archcalc.validation.configuration import configuration_of, exclusion
from archcalc.validation.recognize import is_spec

Status: TypeAlias = Literal["equal", "changed", "renamed", "added", "removed", "error", "skipped"]
"""What became of a network; ``renamed``: its file has another name, and may have changed as well."""

HASH = re.compile("[0-9a-f]{40}")
SHORT = 10
"""The characters of a hash that are shown."""
POINTER = b"version https://git-lfs"
"""The beginning of a file that Git LFS keeps elsewhere."""


@dataclass(frozen=True, kw_only=True)
class ComparedNetwork:
    """A network on both sides, as far as they have it and it can be read."""

    name: str
    status: Status
    old_name: str = ""
    """Its name on the old side; empty if it is new."""
    old: Analysis | None = None
    new: Analysis | None = None
    diff: NetworkDiff | None = None
    """The differences, if both sides can be read."""
    problems: tuple[Problem, ...] = ()
    skipped: str = ""
    """The reason why a file is left out."""
    judged: GateJudgement = NOT_JUDGED

    @property
    def exit_status(self) -> int:
        """The exit status that it causes: 2 if something cannot be read or judged, 1 if a gate is exceeded."""
        return 2 if self.problems or self.judged.problems else int(bool(self.judged.exceeded))


class ComparedRevision(NamedTuple):
    """One of two revisions."""

    commit: str | None
    """``None`` for the working tree."""
    label: str

    @classmethod
    def of(cls, repository: Repository, revision: str | None) -> ComparedRevision:
        """Return a revision; ``None``: the working tree."""
        if revision is None:
            return cls(None, WORKING_TREE)
        label = revision[:SHORT] if HASH.fullmatch(revision) else revision
        return cls(repository.resolve(revision), label)


def compare_files(
    repository: Repository,
    old: ComparedRevision,
    new: ComparedRevision,
    paths: Sequence[str],
    settings: SharedSettings,
    *,
    training: bool = False,
    dtype: str = "float32",
) -> Iterator[ComparedNetwork]:
    """Yield the networks below some paths that differ between two revisions.

    Args:
        repository: the repository.
        old: the old revision.
        new: the new one.
        paths: files and folders.
        settings: the settings for every network.
        training: whether training heads count in the totals.
        dtype: the number format of memory.

    Raises:
        SpecError: a path is in neither revision.
    """
    named = {os.path.normpath(path) for path in paths}
    reader = _Reader(repository, (old, new), settings, training=training, dtype=dtype)
    for change in repository.changed(old.commit or "HEAD", new.commit, paths):
        place = repository.on_disk(change.path)
        if not is_file_name(change.path):
            if os.path.normpath(place) in named:
                yield ComparedNetwork(name=place, status="skipped", skipped="neither a spec nor a model")
            continue
        reason = exclusion(place)
        if reason:
            yield ComparedNetwork(name=place, status="skipped", skipped=reason)
            continue
        yield _compared(reader, change)


class _Reader:
    """Reads both sides of files."""

    def __init__(
        self,
        repository: Repository,
        sides: tuple[ComparedRevision, ComparedRevision],
        settings: SharedSettings,
        *,
        training: bool,
        dtype: str,
    ) -> None:
        self.repository = repository
        self.sides = sides
        self.settings = settings
        self.training = training
        self.dtype = dtype

    def data(self, change: FileChange) -> tuple[bytes | None, bytes | None]:
        """Return the content before and after, as far as it is needed to tell specs from other files."""
        read = self.repository.content
        before = read(change.old_blob) if change.old_blob else None
        if not change.new_path:
            return before, None
        if change.new_blob:
            return before, read(change.new_blob)
        try:
            return before, Path(self.repository.on_disk(change.new_path)).read_bytes()
        except OSError:
            return before, None  # reading it as a network will tell why

    def analysis(self, path: str, data: bytes | None, side: ComparedRevision) -> Analysis:
        """Return the analysis of one side.

        Raises:
            SpecError: it cannot be read.
        """
        place = self.repository.on_disk(path)
        name = place if side.commit is None else f"{side.label}:{place}"
        if data is None:
            fail("not-found", "cannot read the file", origin=name)
        if data.startswith(POINTER):
            hint = "`git lfs fetch --all` gets the files of all revisions"
            fail("encoding", "a pointer of Git LFS, not the file itself", hint=hint, origin=name)
        suffix = Path(path).suffix.lower()
        shapes = configuration_of(place).shapes(place)

        def network(model: ModelSource | None) -> Analysis:
            source = Source(name, decode(data, name, self.settings.limits) if model is None else "", model=model)
            return analyze(self.settings.read(source, shapes=shapes).graph, training=self.training)

        if suffix not in READERS and suffix not in CONTENT_READERS:
            return network(None)
        with TemporaryDirectory(prefix="archcalc-") as folder:
            file = Path(folder, os.path.basename(path))
            file.write_bytes(data)
            return network(model_file(name, file))


def _compared(reader: _Reader, change: FileChange) -> ComparedNetwork:
    place = reader.repository.on_disk(change.path)
    contents = reader.data(change)
    if not any(_is_network(change.path, data) for data in contents):
        return ComparedNetwork(name=place, status="skipped", skipped="not a spec")
    problems: list[Problem] = []
    analyses: list[Analysis | None] = []
    for path, data, side in zip((change.old_path, change.new_path), contents, reader.sides, strict=True):
        analyses.append(None)
        if path:
            try:
                analyses[-1] = reader.analysis(path, data, side)
            except SpecError as error:
                problems += error.problems
    old, new = analyses
    diff = None if old is None or new is None else compare(old, new, dtype=reader.dtype)
    status: Status = "error" if problems else change.status
    if diff is not None and status == "changed" and not diff.has_changes and diff.is_equal:
        status = "equal"
    return ComparedNetwork(
        name=place,
        status=status,
        old_name=reader.repository.on_disk(change.old_path) if change.old_path else "",
        old=old,
        new=new,
        diff=diff,
        problems=tuple(problems),
    )


def _is_network(path: str, data: bytes | None) -> bool:
    """Return whether the content of a file is meant as a network."""
    if data is None:
        return False
    if not path.lower().endswith(SUFFIXES):
        return True
    return is_spec(data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace"))
