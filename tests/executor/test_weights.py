"""Stored arrays by name, and files that hold them."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc.executor.errors import ArrayError
from archcalc.executor.files import read_array, read_weights, write_arrays
from archcalc.executor.kernel import Array
from archcalc.executor.weights import check_arrays, initial_arrays, stored_array_shapes
from archcalc.graph import Graph

SPEC = "3x8x8 -> conv 4 k3 nobias -> bn -> fc 2"


@pytest.fixture
def graph() -> Graph:
    return archcalc.load(SPEC).graph


def changed(graph: Graph, **arrays: Any) -> dict[str, Array]:
    """Return the arrays of the network, with some replaced or (``None``) left out."""
    names = {name.replace(".", "_"): name for name in stored_array_shapes(graph)}
    found = initial_arrays(graph) | {names.get(name, name): array for name, array in arrays.items()}
    return {name: array for name, array in found.items() if array is not None}


def npz(path: Path, arrays: dict[str, Array]) -> str:
    with path.open("wb") as file:
        write_arrays(file, arrays)
    return str(path)


def test_arrays_are_named_by_layer() -> None:
    shapes = stored_array_shapes(archcalc.load(SPEC).graph)
    assert shapes == {
        "conv_1.weight": (4, 3, 3, 3),
        "bn_1.scale": (4,),
        "bn_1.shift": (4,),
        "bn_1.mean": (4,),
        "bn_1.variance": (4,),
        "fc_1.weight": (2, 144),
        "fc_1.bias": (2,),
    }


def test_weights_have_as_many_numbers_as_the_analysis_counts() -> None:
    for name in ("resnet18", "mobilenet-v1", "lenet5-1998", "xception"):
        network = archcalc.load(name)
        numbers = sum(int(np.prod(shape)) for shape in stored_array_shapes(network.graph).values())
        assert numbers == network.analyze().totals.params


def test_a_layer_keeps_its_numbers_when_others_change() -> None:
    short, long = (
        initial_arrays(archcalc.load(spec).graph, seed=3)
        for spec in ("3x8x8 -> conv 4 k3", "3x8x8 -> conv 4 k3 -> fc 2")
    )
    assert (short["conv_1.weight"] == long["conv_1.weight"]).all()
    assert not (
        short["conv_1.weight"] == initial_arrays(archcalc.load("3x8x8 -> conv 4 k3").graph, seed=4)["conv_1.weight"]
    ).any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", ">f8"])
def test_files_keep_every_number(graph: Graph, tmp_path: Path, dtype: Any) -> None:
    arrays = {name: array.astype(dtype) for name, array in initial_arrays(graph, seed=1).items()}
    read = read_weights(npz(tmp_path / "w.npz", arrays), graph, dtype=np.float64)
    assert read.keys() == arrays.keys()
    for name, array in read.items():
        assert array.dtype == np.float64
        assert (array == arrays[name]).all()


def test_numpy_reads_and_writes_the_same_files(graph: Graph, tmp_path: Path) -> None:
    arrays = initial_arrays(graph)
    np.savez_compressed(tmp_path / "w.npz", **arrays)
    assert read_weights(str(tmp_path / "w.npz"), graph).keys() == arrays.keys()
    with np.load(npz(tmp_path / "v.npz", arrays)) as found:
        assert set(found) == set(arrays)


@pytest.mark.parametrize(
    ("exchanged", "problems"),
    [
        ({"conv_1_weight": None}, ["conv_1.weight is missing: 4x3x3x3"]),
        ({"bn_1_mean": None, "fc_1_bias": None}, ["bn_1.mean is missing: 4", "fc_1.bias is missing: 2"]),
        ({"extra": np.zeros(3)}, ["extra belongs to no layer"]),
        ({"fc_1_bias": np.zeros(3)}, ["fc_1.bias must have shape 2, got 3"]),
        ({"fc_1_bias": np.zeros(2, int)}, ["fc_1.bias must hold floating-point numbers, got int64"]),
        ({"fc_1_bias": np.zeros(2, complex)}, ["fc_1.bias must hold floating-point numbers, got complex128"]),
        ({"fc_1_bias": np.array([1, np.nan])}, ["fc_1.bias holds numbers that are not finite"]),
        ({"fc_1_bias": np.array([1, np.inf]), "bn_1_mean": np.full(4, np.nan)}, ["bn_1.mean holds", "fc_1.bias holds"]),
        ({"fc_1_bias": np.array([1, 1e300])}, ["fc_1.bias holds numbers that are not finite"]),
    ],
)
def test_arrays_that_do_not_fit_are_listed(
    graph: Graph, tmp_path: Path, exchanged: dict[str, Any], problems: list[str]
) -> None:
    with pytest.raises(ArrayError) as found:
        read_weights(npz(tmp_path / "w.npz", changed(graph, **exchanged)), graph)
    assert len(found.value.problems) == len(problems)
    for problem, expected in zip(found.value.problems, problems, strict=True):
        assert expected in problem


def test_arrays_in_memory_are_checked_as_well(graph: Graph) -> None:
    check_arrays(graph, initial_arrays(graph))
    with pytest.raises(ArrayError, match="not finite"):
        check_arrays(graph, changed(graph, fc_1_bias=np.array([np.nan, 0])))


# --- files that cannot be trusted ---


class Bomb:
    """What a pickle would execute."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was executed",))


def member(path: Path, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{name}.npy", content)
    return str(path)


def header(descr: str, shape: str) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text + b"\n"


FC = "2 -> fc 2 nobias"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pickle.dumps(Bomb()), "cannot be read"),
        (header("'|O'", "(2, 2)") + pickle.dumps([Bomb()] * 4), "Python objects"),
        (header("'<f4'", "(100000, 100000, 100000)") + bytes(10**6), "got 100000x100000x100000"),
        (header("'<f4'", "(2, 2)") + bytes(7), "cannot be read"),
        (header("'<f4'", "(2, -2)") + bytes(16), "got 2x-2"),
        (header("'<f4'", "(True, 2)") + bytes(16), "integers"),
        (header("'<f4'", "(-1, 2, 2)") + bytes(16), "got -1x2x2"),
        (header("[('a', '<f4'), ('b', '<f8')]", "(2, 2)") + bytes(48), "must hold floating-point numbers"),
        (header("'<f4'", "(2, 2)" + " " * 20_000) + bytes(16), "cannot be read"),
        (header("'<f4'", "(2, __import__('os').abort())") + bytes(16), "cannot be read"),
        (header("'nonsense'", "(2, 2)") + bytes(16), "cannot be read"),
        (b"", "cannot be read"),
        (b"\x93NUMPY\x09\x00", "cannot be read"),
    ],
    ids=range(13),
)
def test_malicious_arrays_are_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = member(tmp_path / "w.npz", "fc_1.weight", content)
    with pytest.raises(ArrayError, match=problem):
        read_weights(path, archcalc.load(FC).graph)
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ArrayError):
        read_array(str(tmp_path / "x.npy"), (2, 2))


def test_files_that_are_not_archives_are_refused(tmp_path: Path) -> None:
    graph = archcalc.load(FC).graph
    whole = io.BytesIO()
    np.savez_compressed(whole, **{"fc_1.weight": np.zeros((2, 2), np.float32)})
    damaged = bytearray(whole.getvalue())
    damaged[90] ^= 0xFF
    for content in (b"", b"not an archive", whole.getvalue()[:50], bytes(damaged)):
        path = tmp_path / "w.npz"
        path.write_bytes(content)
        with pytest.raises(ArrayError):
            read_weights(str(path), graph)
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(ArrayError):
            read_weights(str(path), graph)
        with pytest.raises(ArrayError):
            read_array(str(path), (2,))


def test_surplus_members_are_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5000):
            archive.writestr(f"junk{number}.npy", b"junk")
    with pytest.raises(ArrayError):
        read_weights(str(tmp_path / "w.npz"), archcalc.load(FC).graph)
