"""Bad input of every kind: a located error in bounded time and memory, never another exception."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml

import archcalc
from archcalc import Limits, SpecError
from archcalc.spec import document
from archcalc.spec.errors import Source
from archcalc.spec.zoo import bundled_folder
from tests.sample import SAMPLE
from tests.spec.mutations import mutants

MEBIBYTE = 1024 * 1024
SECONDS = 30
"""The seconds of CPU time after which a case counts as hanging; cases take well under five."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def ring(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError("this input takes too long")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def check(error: SpecError, text: str) -> None:
    """Require that every problem has a place (which exists) or an origin, and can be shown."""
    assert 1 <= len(error.problems) <= 20
    lines = text.count("\n") + text.count("\r") + 1
    for problem in error.problems:
        name, line, column = problem.place()
        assert name, problem
        assert line is None or (1 <= line <= lines and column is not None and column >= 1), problem
        assert problem.message
        rendered = problem.render()
        assert len(rendered) < 3_000
        assert all(row.isprintable() for row in rendered.split("\n"))
    assert str(error)


def spec(layers: str, **sections: str) -> str:
    return "".join(f"{key}:\n{text}" for key, text in sections.items()) + f"input: 3x32x32\nlayers:\n{layers}\n"


def blocks(count: int, body: Callable[[int], str], last: str = "relu") -> str:
    return "".join(f"  b{i}: {body(i)}\n" for i in range(count)) + f"  b{count}: {last}\n"


EXPRESSIONS: dict[str, tuple[str, str]] = {
    "a mebibyte of brackets": ("(" * MEBIBYTE, "limit"),
    "half a mebibyte of brackets": ("(" * (MEBIBYTE // 2), "limit"),
    "square brackets": ("[" * (MEBIBYTE // 2), "limit"),
    "closed brackets": ("(" * 100_000 + "relu" + ")" * 100_000, "limit"),
    "closing brackets": (")" * MEBIBYTE, "syntax"),
    "brackets in a number": ("conv " + "(" * 100_000 + "1" + ")" * 100_000 + " k1", "limit"),
    "brackets in joins": ("add(" * 100_000, "limit"),
    "brackets in functions": ("conv " + "floor(" * 100_000, "limit"),
    "a number of a million digits": ("conv " + "9" * 1_000_000 + " k1", "limit"),
    "a fraction of a million digits": ("scale 0." + "3" * 1_000_000, "limit"),
    "a power of a million digits": ("conv 10**1000000 k1", "limit"),
    "a tower of powers": ("conv 9**9**9**9**9 k1", "limit"),
    "a negative power": ("scale 3**-1000000", "limit"),
    "a long denominator": ("scale 2**-300/3**200", "limit"),
    "an exponent": ("conv 1e1000000 k1", "limit"),
    "an exponent of many digits": ("conv 1e" + "9" * 100_000 + " k1", "limit"),
    "a negative exponent": ("scale 1e-999999999999", "limit"),
    "a growing product": ("conv " + "*".join(["1e90"] * 1000) + " k1", "limit"),
    "repeated upsampling": ("(upsample 1000000000)*1000", "limit"),
    "repeated doubling": ("(concat(identity, identity))*100000", "limit"),
    "10^9 layers": ("(relu)*1000000000", "limit"),
    "10^9 layers by arithmetic": ("(relu)*(10**9)", "limit"),
    "10^9 times nothing": ("(identity)*1000000000", "limit"),
    "10^9 times an empty repeat": ("((relu)*0)*1000000000", "limit"),
    "nested repeats": ("(((relu)*1000)*1000)*1000", "limit"),
    "nested repeats of nothing": ("(((identity)*1000)*1000)*1000", "limit"),
    "deeply nested repeats": ("(" * 60 + "identity" + ")*2" * 60, "limit"),
    "deeply nested repeats of no layer": ("(" * 60 + "(relu)*0" + ")*2" * 60, "limit"),
    "a long chain of nothing repeated": ("(" + "identity -> " * 10_000 + "identity)*100000", "limit"),
    "a wide join of nothing repeated": ("(max(" + "identity, " * 10_000 + "identity))*100000", "limit"),
    "a very long chain": ("relu -> " * 250_000 + "relu", "limit"),
    "a growing rank": ("(embedding 10 1)*100000", "limit"),
    "a huge rank": ("reshape " + "x".join(["1"] * 100_000) + "x3072", "limit"),
    "a huge wrong rank": ("reshape " + "x".join(["1"] * 100_000), "shape"),
    "a huge kernel": ("conv 3 k" + "x".join(["1"] * 100_000), "argument"),
    "many arguments": ("conv " + "1 " * 100_000, "argument"),
    "many branches": ("add(" + "identity, " * 50_000 + "conv 3 k3)", "shape"),
    "many signs": ("conv " + "-" * MEBIBYTE + "1 k1", "limit"),
    "many powers": ("conv 2" + "**1" * 100_000 + " k1", "limit"),
    "many references": ("@" * MEBIBYTE, "limit"),
    "many equal signs": ("conv " + "a=" * 400_000, "syntax"),
    "many blanks": ("relu" + " " * MEBIBYTE + "x", "argument"),
    "blanks and nothing": ("relu ->" + " " * MEBIBYTE, "syntax"),
    "many commas": ("add(" + "," * MEBIBYTE, "syntax"),
    "a long name": ("a" * MEBIBYTE, "unknown-op"),
    "a long name with an argument": ("conv " + "a" * MEBIBYTE + "=1", "argument"),
    "a long reference": ("@" + "a" * MEBIBYTE, "reference"),
    "letters of other scripts": ("é" * MEBIBYTE, "syntax"),
    "control characters": ("relu -> \x1b[31m\0\x07", "syntax"),
    "a surrogate": ("relu -> \udcff", "syntax"),
    "a division by zero": ("conv (1/0) k1", "arithmetic"),
    "an attack on eval": ("conv __import__('os').system('x') k1", "syntax"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("layers", "code"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_bad_expressions(layers: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        archcalc.load(f"3x32x32 -> {layers}")
    check(caught.value, layers)
    assert caught.value.problems[0].code == code


FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "yaml"),
    "only comments": ("# nothing\n" * 10_000, "yaml"),
    "a text": ("hello", "yaml"),
    "a number": ("3", "yaml"),
    "a list": ("- a\n- b\n", "yaml"),
    "zero bytes": (b"\0" * 1000, "encoding"),
    "not text": (bytes(range(256)) * 100, "encoding"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(range(255, 0, -1)), "encoding"),
    "UTF-16": ("input: 3x8x8\n".encode("utf-16"), "encoding"),
    "Latin-1": ("name: Étage\n".encode("latin-1"), "encoding"),
    "an alias bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{c}: &{c} [{','.join(['*' + chr(ord(c) - 1)] * 9)}]\n" for c in "bcdefghi"),
        "yaml",
    ),
    "an alias": ("input: &a 3x8x8\nlayers: *a\n", "yaml"),
    "a merge key": ("input: 3x8x8\n<<: {layers: relu}\nlayers: relu\n", "unknown-key"),
    "a tag": ("input: !!python/object/apply:os.system ['true']\nlayers: relu\n", "yaml"),
    "a mebibyte of brackets": ("[" * MEBIBYTE, "limit"),
    "half a mebibyte of brackets": ("[" * (MEBIBYTE // 2), "limit"),
    "braces": ("{" * MEBIBYTE, "limit"),
    "brackets and braces": ("[{" * (MEBIBYTE // 4), "limit"),
    "closing brackets": ("]" * MEBIBYTE, "yaml"),
    "dashes": ("- " * (MEBIBYTE // 2), "limit"),
    "question marks": ("? " * (MEBIBYTE // 2), "limit"),
    "keys": ("a: " * (MEBIBYTE // 3), "yaml"),
    "brackets in layers": (spec("  - " + "[" * 100_000), "limit"),
    "lists in lists": (spec("  " + "- " * 1000 + "relu"), "limit"),
    "quotes": ("'" * MEBIBYTE, "yaml"),
    "double quotes": ('"' * MEBIBYTE, "yaml"),
    "per cent signs": ("%" * MEBIBYTE, "yaml"),
    "exclamation marks": ("!" * MEBIBYTE, "yaml"),
    "anchors": ("&a " * 100_000, "yaml"),
    "bars": ("|" * MEBIBYTE, "yaml"),
    "tabs": ("\t" * MEBIBYTE, "yaml"),
    "documents": ("---\n" * 100_000, "yaml"),
    "wrong types": ("input: [3]\nlayers: 3\nblocks: x\nvariables: []\nheads: 7\nexpect: z\ntables: -\n", "yaml"),
    "a long key": ("a" * MEBIBYTE + ": 1\n", "yaml"),
    "a long complex key": ("? " + "a" * MEBIBYTE + "\n: 1\n", "unknown-key"),
    "many keys": ("".join(f"k{i}: 1\n" for i in range(50_000)), "unknown-key"),
    "many equal keys": ("input: 3x8x8\n" * 50_000, "duplicate"),
    "many unknown operators": (spec("  - foo\n" * 50_000), "unknown-op"),
    "many unknown references": (spec("".join(f"  - s{i}: '@x{i} -> relu'\n" for i in range(20_000))), "reference"),
    "many entries": (spec("  -\n" * 1_100_000), "limit"),
    "many words": ("# " + "a " * 1_100_000, "limit"),
    "more bytes than allowed": ("# " + "a" * (16 * MEBIBYTE), "limit"),
    "blocks in a cycle": (
        spec("  - b0", blocks="".join(f"  b{i}: b{(i + 1) % 20_000}\n" for i in range(20_000))),
        "cycle",
    ),
    "blocks in blocks": (spec("  - b0", blocks=blocks(20_000, lambda i: f"b{i + 1}")), "limit"),
    "doubling blocks": (spec("  - b0", blocks=blocks(40, lambda i: f"b{i + 1} -> b{i + 1}")), "limit"),
    "doubling blocks of nothing": (
        spec("  - b0", blocks=blocks(40, lambda i: f"b{i + 1} -> b{i + 1}", "identity")),
        "limit",
    ),
    "blocks with a growing argument": (
        spec("  - b0(9)", blocks="".join(f"  b{i}(c): b{i + 1}(c*c)\n" for i in range(40)) + "  b40(c): conv c k1\n"),
        "limit",
    ),
    "squared variables": (
        spec("  - relu", variables="  v0: 9\n" + "".join(f"  v{i}: v{i - 1}**2\n" for i in range(1, 5000))),
        "limit",
    ),
    "a chain of references to itself": (spec("  - a: '@a -> relu'"), "reference"),
    "an endless double-quoted text": (spec('  - "' + "\\x41" * 100_000), "yaml"),
    "escapes": (spec('  - "' + "\\x41" * 200_000 + '"'), "unknown-op"),
    "folded lines": (spec('  - "relu' + "\\\n" * 200_000 + '    -> foo"'), "unknown-op"),
    "blank lines": (spec("  - relu" + "\n" * 500_000 + "    -> foo"), "unknown-op"),
    "a large table": (
        spec("  - conv 1000 k1 table=t", tables="  t: '" + "/".join(["X" * 1000] * 1000) + "'\n"),
        "shape",
    ),
    "a wrong large table": (
        spec("  - relu", tables="  t: '" + "/".join("X" * i for i in range(1, 1000)) + "'\n"),
        "syntax",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("content", "code"), FILES.values(), ids=FILES)
def test_bad_files(content: str | bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    check(caught.value, data.decode("latin-1"))
    assert caught.value.problems[0].code == code


LIBRARY_WORDS = ("expected maximum", "exceeded", "did not find expected", "found unexpected", "could not find")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (_, code) in FILES.items() if code in ("yaml", "limit")])
def test_errors_of_the_yaml_parser_are_reworded(name: str, tmp_path: Path) -> None:
    content = FILES[name][0]
    path = tmp_path / "net.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SpecError) as caught:
        archcalc.load(str(path))
    assert not any(word in str(caught.value) for word in LIBRARY_WORDS)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, document.LOADER], ids=["PyYAML", "as installed"])
@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("layers: " + "[" * 2000, "lists are nested deeper than 64", (1, 73)),
        ("layers: " + "{a: " * 2000, "lists are nested deeper than 64", (1, 262)),
        ("layers: 'relu", "the closing quote is missing", (1, 14)),
        ("layers: a: b", "YAML reads the ': ' in this value as a mapping", (1, 10)),
        ("layers: @a", "a value cannot start with this character", (1, 9)),
        ("layers:\n\t- relu", "YAML does not allow a tab here", (2, 1)),
        ("layers: [relu", "a closing bracket or a comma is missing", None),
        ('layers: "\\z"', "unknown escape sequence in double quotes", None),  # at the backslash, or after it
    ],
)
def test_yaml_errors_are_the_same_from_both_parsers(
    loader: Any, text: str, message: str, place: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "LOADER", loader)
    with pytest.raises(SpecError) as caught:
        document.read_document(Source("net.yaml", text), Limits())
    (problem,) = caught.value.problems
    assert problem.message == message
    if place is not None:
        assert problem.place()[1:] == place


@pytest.mark.slow
def test_large_but_valid_input_is_not_an_error(tmp_path: Path) -> None:
    assert len(archcalc.load("3x8x8" + " -> relu" * 20_000).graph.nodes) == 20_001
    assert archcalc.load("3x8x8 -> conv " + "1+" * 100_000 + "1 k1").graph.nodes[-1].output[0] == 100_001
    variables = "  v0: 1\n" + "".join(f"  v{i}: v{i - 1}+1\n" for i in range(1, 20_000))
    path = tmp_path / "net.yaml"
    path.write_text(spec("  - conv v19999 k1", variables=variables))
    assert archcalc.load(str(path)).graph.nodes[-1].output[0] == 20_000


@pytest.mark.parametrize(
    ("text", "limits", "option"),
    [
        ("3x8x8 -> (relu)*5", Limits(layers=4), "--max-layers"),
        ("3x8x8 -> ((((relu))))", Limits(nesting=3), "--max-nesting"),
        ("3x8x8 -> relu", Limits(bytes=5), "--max-bytes"),
        ("3x8x8 -> relu -> relu", Limits(words=2), "--max-words"),
        ("3x8x8 -> conv 100000 k1", Limits(digits=5), "--max-digits"),
        ("3x8x8 -> embedding 3 3", Limits(axes=3), "--max-axes"),
    ],
)
def test_every_bound_is_an_option_that_its_error_names(text: str, limits: Limits, option: str) -> None:
    with pytest.raises(SpecError) as caught:
        archcalc.load(text, limits=limits)
    assert option in caught.value.problems[0].hint
    assert archcalc.load(text).graph
    assert option.removeprefix("--max-") in Limits._fields


MUTANTS = 50
"""Damaged copies of each spec; raise it with ARCHCALC_MUTANTS."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_damaged_copies_of_bundled_specs(name: str, tmp_path: Path) -> None:
    text = (bundled_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    path = tmp_path / "net.yaml"
    for mutant in mutants(text, name, int(os.environ.get("ARCHCALC_MUTANTS", MUTANTS))):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        path.write_bytes(mutant.encode())
        try:
            network = archcalc.load(str(path), limits=Limits(layers=20_000))
        except SpecError as error:
            check(error, mutant)
        else:
            network.analyze().memory()


def test_damaged_expressions() -> None:
    text = "3x32x32 -> conv 64 k3 half -> (relu -> add(conv C//2*2 k=3 pad=same, identity))*2 -> maxpool 2 -> fc 10"
    for mutant in mutants(text, "expressions", 20 * MUTANTS):
        try:
            archcalc.load(mutant.replace("->", " -> "), limits=Limits(layers=20_000)).analyze()
        except SpecError as error:
            check(error, mutant)


HEAVY = (
    "half a mebibyte of brackets",
    "a very long chain",
    "a number of a million digits",
    "nested repeats of nothing",
)
PROGRAM = "import sys, archcalc\ntry: archcalc.load(sys.stdin.read())\nexcept archcalc.SpecError as error: print(error)"
MEMORY = 400 * MEBIBYTE


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_bad_input_takes_little_memory(name: str) -> None:
    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=f"3x32x32 -> {EXPRESSIONS[name][0]}",
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        preexec_fn=bounded,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "error[limit]" in done.stdout


def environment() -> dict[str, str]:
    """Return an environment in which Python imports this copy of the package, installed or not."""
    return {**os.environ, "PYTHONPATH": str(Path(archcalc.__file__).parent.parent), "NO_COLOR": "1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["3x32x32 -> maxpol 2"], "<expression>:1:12: error[unknown-op]"),
        (["3x32x32 -> " + "(" * 50_000], "<expression>:1:76: error[limit]"),
        (["nowhere.yaml"], "nowhere.yaml: error[not-found]"),
        (["resnet"], "error[not-found]"),
        (["3x32x32", "-"], "quote an inline expression"),
        (["resnet50", "--set", "clases=10"], "--set clases: error[unknown-name]"),
        (["resnet50", "--shape", "3x"], "--shape:1:2: error[syntax]"),
        (["./"], "./: error[not-found]"),
    ],
)
def test_the_command_line_says_so_on_standard_error_and_exits_with_2(arguments: list[str], place: str) -> None:
    pytest.importorskip("archcalc.cli")
    done = subprocess.run(
        [sys.executable, "-m", "archcalc", "show", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert place in done.stderr
