"""Files at two revisions of a Git repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.changes.files import ComparedNetwork, ComparedRevision, compare_files
from archcalc.changes.revisions import Repository
from archcalc.spec import SpecError
from archcalc.spec.limits import DEFAULT
from archcalc.spec.records import AS_WRITTEN
from archcalc.spec.shared_settings import SharedSettings
from tests.git import git

NET = (
    "input: 3x9x9\nlayers:\n  - stem: conv {} k3 -> relu\n  - body: (conv 8 k3 p1 -> relu)*3\n  - head: gap -> fc 10\n"
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a repository with one commit, as the current one."""
    folder = tmp_path / "repository"
    folder.joinpath("nets").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name, width in (("a", 4), ("b", 5), ("c", 6)):
        Path(f"nets/{name}.yaml").write_text(NET.format(width))
    Path("nets/photo.png").write_bytes(bytes(range(256)))
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    return folder


def compared(*paths: str, old: str = "HEAD", new: str | None = None) -> dict[str, ComparedNetwork]:
    found = Repository()
    sides = ComparedRevision.of(found, old), ComparedRevision.of(found, new)
    networks = compare_files(found, *sides, paths or (".",), SharedSettings(AS_WRITTEN, DEFAULT))
    return {network.name: network for network in networks}


def statuses(*paths: str, old: str = "HEAD", new: str | None = None) -> dict[str, str]:
    return {name: network.status for name, network in compared(*paths, old=old, new=new).items()}


@pytest.mark.usefixtures("repository")
def test_files_are_compared_with_the_working_tree() -> None:
    Path("nets/a.yaml").write_text(NET.format(9))
    Path("nets/b.yaml").unlink()
    Path("nets/d.yaml").write_text("input: 1x9x9\nlayers: [conv 2 k3]\n")
    Path("nets/photo.png").write_bytes(b"\0\1")
    Path("nets/notes.yaml").write_text("some: notes\n")
    found = compared("nets")
    assert {name: network.status for name, network in found.items()} == {
        "nets/a.yaml": "changed",
        "nets/b.yaml": "removed",
        "nets/d.yaml": "added",
        "nets/notes.yaml": "skipped",
    }
    diff = found["nets/a.yaml"].diff
    assert diff is not None
    assert diff.old.totals.params < diff.new.totals.params


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("staged", [False, True])
def test_renamed_files_are_followed(staged: bool) -> None:
    Path("nets/a.yaml").rename("nets/z.yaml")
    Path("nets/z.yaml").write_text(NET.format(5))
    git("add", "-A")
    if not staged:
        git("commit", "-qm", "two")
    network = compared("nets", old="HEAD" if staged else "HEAD~1", new=None if staged else "HEAD")["nets/z.yaml"]
    assert (network.status, network.old_name) == ("renamed", "nets/a.yaml")
    assert network.diff is not None
    assert network.diff.has_changes


@pytest.mark.usefixtures("repository")
def test_a_file_that_was_written_differently_is_equal() -> None:
    Path("nets/a.yaml").write_text("# the same\n" + NET.format(4).replace("k3 p1", "k3 half"))
    assert statuses() == {"nets/a.yaml": "equal"}


@pytest.mark.usefixtures("repository")
def test_both_revisions_may_be_named_whatever_is_checked_out() -> None:
    Path("nets/a.yaml").write_text(NET.format(9))
    git("commit", "-qam", "two")
    Path("nets/a.yaml").write_text("broken")
    assert statuses(old="HEAD~1", new="HEAD") == {"nets/a.yaml": "changed"}
    assert statuses(old="HEAD", new="HEAD~1") == {"nets/a.yaml": "changed"}
    assert statuses("nets/b.yaml", old="HEAD~1", new="HEAD") == {}


@pytest.mark.usefixtures("repository")
def test_three_dots_are_the_common_ancestor() -> None:
    git("checkout", "-qb", "topic")
    Path("nets/a.yaml").write_text(NET.format(9))
    git("commit", "-qam", "two")
    git("checkout", "-q", "main")
    Path("nets/b.yaml").write_text(NET.format(9))
    git("commit", "-qam", "three")
    assert statuses(old="main...topic", new="topic") == {"nets/a.yaml": "changed"}
    assert set(statuses(old="main", new="topic")) == {"nets/a.yaml", "nets/b.yaml"}


@pytest.mark.usefixtures("repository")
def test_a_side_that_cannot_be_read_does_not_hide_the_others() -> None:
    Path("nets/a.yaml").write_text(NET.format(9).replace("relu", "rilu"))
    Path("nets/b.yaml").write_text(NET.format(9))
    found = compared()
    assert found["nets/a.yaml"].status == "error"
    assert found["nets/a.yaml"].exit_status == 2
    assert found["nets/a.yaml"].old is not None
    assert found["nets/a.yaml"].problems[0].place()[0] == "nets/a.yaml"
    assert found["nets/b.yaml"].status == "changed"
    git("commit", "-qam", "two")
    Path("nets/a.yaml").write_text(NET.format(4))
    assert compared()["nets/a.yaml"].problems[0].place()[0] == "HEAD:nets/a.yaml"


@pytest.mark.usefixtures("repository")
def test_paths_are_those_of_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nets/a.yaml").write_text(NET.format(9))
    monkeypatch.chdir("nets")
    assert statuses("a.yaml") == {"a.yaml": "changed"}
    monkeypatch.chdir("..")
    assert statuses("nets/a.yaml", "nets") == {"nets/a.yaml": "changed"}


@pytest.mark.usefixtures("repository")
def test_files_that_the_configuration_excludes_are_left_out() -> None:
    Path("archcalc.toml").write_text('exclude = ["nets/a.yaml"]\n')
    Path("nets/a.yaml").write_text(NET.format(9))
    assert compared()["nets/a.yaml"].skipped


@pytest.mark.usefixtures("repository")
def test_a_pointer_of_git_lfs_is_told_from_a_model() -> None:
    Path("nets/a.pt2").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "Git LFS" in compared()["nets/a.pt2"].problems[0].message


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("old", "path", "message"),
    [
        ("nowhere", ".", "no revision 'nowhere'"),
        ("HEAD~9", ".", "no revision 'HEAD~9'"),
        ("--help", ".", "no revision '--help'"),
        ("HEAD", "nothing", "in neither revision"),
        ("HEAD", "../..", "outside of the repository"),
    ],
)
def test_what_does_not_exist_is_an_error(old: str, path: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        compared(path, old=old)
    assert message in error.value.problems[0].message


def test_a_folder_without_a_repository_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(SpecError) as error:
        Repository()
    assert "not in a Git repository" in error.value.problems[0].message


def test_a_shallow_clone_without_the_revision_says_how_to_fetch_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("tag", "before")
    Path("nets/a.yaml").write_text(NET.format(9))
    git("commit", "-qam", "two")
    clone = repository.parent / "clone"
    git("clone", "-q", "--depth=1", "--no-tags", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    with pytest.raises(SpecError) as error:
        compared(old="before")
    problem = error.value.problems[0]
    assert "shallow clone" in problem.message
    command = problem.hint.partition("`")[2].partition("`")[0]
    assert command == "git fetch --depth=1 origin before"
    git(*command.split()[1:])
    assert statuses(old="FETCH_HEAD") == {"nets/a.yaml": "changed"}


def test_without_git_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpecError) as error:
        Repository()
    assert "not installed" in error.value.problems[0].message
