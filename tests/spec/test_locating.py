"""What a SPEC argument means: standard input, an expression, a file, or a bundled spec, in this order."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import archcalc
from archcalc import SpecError

TEXT = "name: found\ninput: 3x8x8\nlayers: relu\n"


def error(spec: str) -> archcalc.spec.Problem:
    with pytest.raises(SpecError) as caught:
        archcalc.load(spec)
    return caught.value.problems[0]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_dash_is_standard_input(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "-").write_text("broken")
    stdin(monkeypatch, TEXT.encode())
    assert archcalc.load("-").name == "found"


def test_errors_of_standard_input_are_placed_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"input: 3x8x8\nlayers: rleu\n")
    assert error("-").place() == ("<stdin>", 2, 9)


@pytest.mark.parametrize(
    "spec", ["3x8x8 -> relu", "3x8x8->relu", "3x8x8→relu", "3x8x8\t->\nrelu", "3x8x8 → relu/2.yaml"]
)
def test_an_arrow_or_a_blank_makes_an_expression(spec: str, here: Path) -> None:
    if "/" in spec:
        assert error(spec).place()[0] == "<expression>"
    else:
        (here / spec).write_text("broken")
        assert archcalc.load(spec).graph.nodes[-1].op.name == "relu"


@pytest.mark.parametrize(
    "name", ["net.yaml", "net.yml", "net.json", "NET.YAML", "./net", "sub/net", "sub/resnet50", "my nets/a net.yaml"]
)
def test_a_slash_or_an_ending_makes_a_file(name: str, here: Path) -> None:
    path = here / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT)
    assert archcalc.load(name).name == "found"
    assert archcalc.load(str(path)).name == "found"


def test_other_names_are_bundled_networks_even_if_a_file_has_that_name(here: Path) -> None:
    (here / "lenet5").write_text(TEXT)
    assert archcalc.load("lenet5").name == "LeNet-5"
    assert "lenet5" in archcalc.bundled()


def test_an_unknown_bundled_name_gets_a_suggestion(here: Path) -> None:
    found = error("resnett50")
    assert (found.code, found.message) == ("not-found", "no bundled network 'resnett50'")
    assert found.hint == "did you mean 'resnet50'?"
    (here / "mine").write_text(TEXT)
    assert error("mine").hint == "to read the file of that name, write ./mine"
    assert "archcalc zoo" in error("qqqqqqqq").hint


@pytest.mark.parametrize("name", ["..", "lenet5.yaml.yaml", "lenet5\0", "", "."])
def test_a_bundled_name_is_only_a_name(name: str, here: Path) -> None:
    assert error(name).code == "not-found"


@pytest.mark.parametrize("spec", ["3x32x32", "784", "3×32×32", "1x28x28"])
def test_an_expression_that_the_shell_has_split_gets_a_hint_with_quotes(spec: str) -> None:
    assert "quote" in error(spec).hint
    assert f'"{spec} -> ' in error(spec).hint


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.yaml", "No such file"),
        ("./", "Is a directory"),
        ("folder.yaml", "Is a directory"),
        ("a\0b.yaml", "null byte"),
        ("x" * 5000 + ".yaml", "too long"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(name: str, reason: str, here: Path) -> None:
    (here / "folder.yaml").mkdir()
    (here / "net.yaml").write_text(TEXT)
    found = error(name)
    assert (found.code, found.place()) == ("not-found", (name, None, None))
    assert reason in found.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_an_error(here: Path) -> None:
    (here / "net.yaml").write_text(TEXT)
    (here / "net.yaml").chmod(0)
    assert "Permission denied" in error("net.yaml").message


@pytest.mark.parametrize(
    ("data", "place", "what"),
    [
        (b"input: 3x8x8\nlayers: re\xfflu\n", (2, 11), "not UTF-8 text"),
        ("name: é\nlayers: \0relu\n".encode(), (2, 9), "the control character '\\x00'"),
        (b"name: \x1b[31m\n", (1, 7), "the control character '\\x1b'"),
    ],
)
def test_bytes_that_are_not_text_are_an_error_with_its_place(
    data: bytes, place: tuple[int, int], what: str, here: Path
) -> None:
    (here / "net.yaml").write_bytes(data)
    found = error("net.yaml")
    assert (found.code, found.place()) == ("encoding", ("net.yaml", *place))
    assert what in found.message
    assert found.render().replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf" + TEXT.encode(), TEXT.replace("\n", "\r\n").encode(), TEXT.replace("\n", "\r").encode()]
)
def test_a_byte_order_mark_and_other_line_ends_are_allowed(data: bytes, here: Path) -> None:
    (here / "net.yaml").write_bytes(data)
    assert archcalc.load("net.yaml").name == "found"
    (here / "net.yaml").write_bytes(data.replace(b"relu", b"rleu"))
    assert error("net.yaml").place() == ("net.yaml", 3, 9)


def test_the_size_of_a_file_is_bounded_by_an_option(here: Path) -> None:
    (here / "net.yaml").write_text(TEXT + "# " + "x" * 1000)
    with pytest.raises(SpecError, match="more than 500 bytes") as caught:
        archcalc.load("net.yaml", limits=archcalc.Limits(bytes=500))
    assert "--max-bytes" in caught.value.problems[0].hint


def test_shapes_and_settings_may_be_python_values() -> None:
    assert archcalc.load("3x8x8 -> relu", shapes="5x4x4").graph.nodes[-1].output == (5, 4, 4)
    assert archcalc.load("3x8x8 -> relu", shapes={"input": (5, 4, 4)}).graph.nodes[-1].output == (5, 4, 4)
    assert archcalc.load("vgg-d", set={"classes": 10}).graph.nodes[-1].output == (10,)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n", "an image"),
        ("input: 3x8x8\nlayers: relu\n".encode("utf-16"), "UTF-16 text"),
        (b"PK\x03\x04\x14\x00", "a zip archive"),
        (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0\x00\xff", "a binary file"),
    ],
)
def test_a_binary_file_is_not_shown(data: bytes, what: str, here: Path) -> None:
    (here / "net.model").write_bytes(data)
    found = error("./net.model")
    assert (found.code, found.span) == ("encoding", None)
    assert what in found.message
