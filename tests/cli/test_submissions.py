"""Where submissions are found, whom they belong to, and how their reports are named."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from archcalc.cli.submissions import file_names, find_submissions


def test_files_are_named_after_themselves_or_their_folder(tmp_path: Path) -> None:
    for file in ("ada.yaml", "bob/answers.md", "carol/hw3.csv", "dave/answers.yaml", "dave/more.csv", ".git/x.yaml"):
        tmp_path.joinpath(file).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(file).write_text("x")
    assert [submission.name for submission in find_submissions([str(tmp_path)])] == [
        "ada",
        "bob",
        "hw3",
        "dave",
        "more",
    ]


def test_names_that_clash_show_their_folders(tmp_path: Path) -> None:
    for file in ("carol/hw3.csv", "dave/hw3.csv"):
        tmp_path.joinpath(file).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(file).write_text("x")
    assert [submission.name for submission in find_submissions([str(tmp_path)])] == ["carol/hw3", "dave/hw3"]


def test_a_second_file_of_one_name_is_of_the_same_student(tmp_path: Path) -> None:
    for file in ("erin/answers.yaml", "erin/answers (1).yaml"):
        tmp_path.joinpath(file).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(file).write_text("x")
    found = [submission.name for submission in find_submissions([str(tmp_path)])]
    assert sorted(found) == ["erin/answers", "erin/answers (1)"]


@given(st.lists(st.text()))
def test_names_of_files_are_safe_and_differ(names: list[str]) -> None:
    found = list(file_names(names))
    assert len({name.casefold() for name in found}) == len(names)
    for name in found:
        assert name
        assert not name.startswith(".")
        assert not set(name) & set('/\\:*?"<>|\0')
