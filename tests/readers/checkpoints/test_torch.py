"""Files of ``torch.save``: their tensors and parts, and what is refused because it could run code."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archcalc import SpecError
from archcalc.readers.checkpoints.read import read_checkpoint
from tests.readers.checkpoints.files import (
    Call,
    Global,
    Storage,
    pickled,
    state_dict,
    tensor,
    write_torch,
    write_torch_legacy,
)
from tests.readers.checkpoints.test_safetensors import refusal

ARRAYS = {
    "conv.weight": np.arange(24, dtype="f4").reshape(2, 3, 4),
    "conv.bias": np.array([0.5, -2], "f8"),
    "bn.running_mean": np.array([1, 2], "f2"),
    "bn.num_batches_tracked": np.array(7, "i8"),
}
Write = Callable[[Path, Any], Path]


@pytest.mark.parametrize("write", [write_torch, write_torch_legacy])
def test_a_state_dictionary(tmp_path: Path, write: Write) -> None:
    found = read_checkpoint(str(write(tmp_path / "net.pth", state_dict(ARRAYS))))
    assert {name: (each.shape, each.dtype) for name, each in found.tensors.items()} == {
        name: (array.shape, array.dtype.name) for name, array in ARRAYS.items()
    }
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.load(found.tensors[name]), array)


def test_moving_averages_are_not_trained_and_counters_are_no_parameters(tmp_path: Path) -> None:
    totals = read_checkpoint(str(write_torch(tmp_path / "net.pth", state_dict(ARRAYS)))).totals
    assert (totals.tensors, totals.params, totals.trainable) == (4, 28, 26)


def test_numbers_may_have_the_other_byte_order(tmp_path: Path) -> None:
    found = read_checkpoint(str(write_torch(tmp_path / "net.pth", state_dict(ARRAYS), order="big")))
    np.testing.assert_array_equal(found.load(found.tensors["conv.weight"]), ARRAYS["conv.weight"])


@pytest.mark.parametrize("write", [write_torch, write_torch_legacy])
def test_views_of_one_storage(tmp_path: Path, write: Write) -> None:
    numbers = np.arange(12, dtype="f4")
    storage = Storage("0", numbers)
    value = {
        "whole": tensor(storage, (3, 4)),
        "again": tensor(storage, (3, 4)),
        "transposed": tensor(storage, (4, 3), (1, 4)),
        "column": tensor(storage, (3,), (4,), offset=1),
        "repeated": tensor(storage, (2, 3), (0, 1)),
    }
    found = read_checkpoint(str(write(tmp_path / "net.pt", value)))
    assert found.shared == {"again": "whole"}
    assert found.totals.params == 12 + 12 + 3 + 6
    matrix = numbers.reshape(3, 4)
    expected = {"transposed": matrix.T, "column": matrix[:, 1], "repeated": numbers[[[0, 1, 2]] * 2]}
    for name, array in expected.items():
        np.testing.assert_array_equal(found.load(found.tensors[name]), array)


def checkpoint_of_training() -> dict[str, Any]:
    model = state_dict({"weight": np.ones((2, 2), "f4")})
    momentum = tensor(Storage("m", np.ones(4, "f4")), (2, 2))
    double = Call(Global("numpy", "dtype"), "f8", False, True)
    best = Call(Global("numpy.core.multiarray", "scalar"), double, b"12345678")
    optimizer = {"state": {0: {"momentum": momentum}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    others = {"device": Call(Global("torch", "device"), "cpu"), "rng": tensor(Storage("r", np.ones(3, "f4")), (3,))}
    return {"epoch": 3, "best": best, "optimizer": optimizer, "model": model, **others}


def test_the_part_with_the_network_is_shown_and_the_others_are_named(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "training.pth", checkpoint_of_training())
    found = read_checkpoint(str(path))
    assert found.part == "model"
    assert [*found.tensors] == ["weight"]
    assert [(each.name, each.tensors, each.bytes) for each in found.others] == [("optimizer", 1, 16), ("rng", 1, 12)]
    assert [*read_checkpoint(f"{path}:optimizer").tensors] == ["state.0.momentum"]


def test_a_part_that_does_not_exist(tmp_path: Path) -> None:
    path = write_torch(tmp_path / "training.pth", checkpoint_of_training())
    with pytest.raises(SpecError, match="no part 'optimiser'") as caught:
        read_checkpoint(f"{path}:optimiser")
    assert caught.value.problems[0].hint == "did you mean 'optimizer'?"


def test_two_networks_in_one_file_are_shown_together(tmp_path: Path) -> None:
    value = {each: state_dict({f"{each}.w": np.ones(2, "f4")}) for each in ("generator", "critic")}
    assert [*read_checkpoint(str(write_torch(tmp_path / "gan.pth", value))).tensors] == [
        "generator.generator.w",
        "critic.critic.w",
    ]


# --- what is refused ---


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.marker,)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["trap.pth", "trap.pt", "trap.bin"])
def test_no_code_runs(tmp_path: Path, protocol: int, name: str) -> None:
    marker = tmp_path / "marker"
    content = pickle.dumps({"weight": Trap(marker), "other": Trap(marker)}, protocol)
    for path in (write_torch(tmp_path / name, None, content=content), tmp_path / f"plain-{name}"):
        if not path.exists():
            path.write_bytes(content)
        assert "objects that could run code: " in refusal(path)
        assert not marker.exists()
    pickle.loads(pickle.dumps(Trap(marker)))  # which Python would have run
    assert marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'touch marker'\ntR.",
        b"(S'touch marker'\nios\nsystem\n.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
        b"}(S'a'\ncposix\nsystem\nu.",
        b"ccollections\nOrderedDict\n(cos\nsystem\ntR.",
        b"ctorch.storage\n_load_from_bytes\n(S'x'\ntR.",
        b"cos\nsystem\n}b.",
    ],
)
def test_names_of_functions_are_refused(tmp_path: Path, content: bytes) -> None:
    message = refusal(write_torch(tmp_path / "net.pth", None, content=content))
    assert "objects that could run code" in message


def test_all_names_of_a_pickled_module_are_listed_at_once(tmp_path: Path) -> None:
    module = Call(Global("copyreg", "_reconstructor"), Global("__main__", "Net"), Global("builtins", "object"), None)
    message = refusal(write_torch(tmp_path / "net.pth", {"model": module}))
    assert message.endswith("copyreg._reconstructor, __main__.Net, builtins.object")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02",
        b"\x80\x02}q\x00",
        b".",
        b"(.",
        b"}}}.",
        b"R.",
        b"}S'a'\ns.",
        b"]}a(s.",
        b"}(]S'a'\nu.",
        b"h\x07.",
        b"\x80\x02\x82\x01.",
        b"S'x'\n)R.",
        b"ccollections\nOrderedDict\nK\x01R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x01K\x01K\x01tR.",
        b"(S'storage'\nK\x01K\x01K\x01K\x01tQ.",
        b"\x80\x02X\xff\xff\xff\x7fabc.",
        b"\x8a\xff" + b"\x7f" * 300 + b".",
        b"L" + b"9" * 5000 + b"L\n.",
        b"V\\ud800\n.",
    ],
)
def test_a_damaged_pickle_is_one_error(tmp_path: Path, content: bytes) -> None:
    assert refusal(write_torch(tmp_path / "net.pth", None, content=content))


def nested(level: int) -> bytes:
    """Return a pickle of lists in lists, each twice in the one around it."""
    return b"]" + b"".join([b"q\x000]h\x00ah\x00a" for _ in range(level)]) + b"."


def test_a_pickle_that_grows_when_it_is_expanded(tmp_path: Path) -> None:
    assert refusal(write_torch(tmp_path / "net.pth", None, content=nested(100))) == "the file has no tensors"


def test_a_tuple_of_any_depth(tmp_path: Path) -> None:
    content = b")" + b"\x85" * 5_000 + b"."
    assert "more than 1,000 characters" in refusal(write_torch(tmp_path / "net.pth", None, content=content))
    as_key = b"})" + b"\x85" * 100_000 + b"K\x01s."
    assert "a key of a dictionary" in refusal(write_torch(tmp_path / "net.pth", None, content=as_key))


def test_a_container_that_holds_itself(tmp_path: Path) -> None:
    assert refusal(write_torch(tmp_path / "net.pth", None, content=b"]q\x00h\x00a.")) == "the file has no tensors"


@pytest.mark.slow
def test_copies_of_copies_are_too_many(tmp_path: Path) -> None:
    pairs = b"](" + b"(S'a'\nK\x01t" * 10_000 + b"eq\x00"
    content = b"](" + pairs + b"ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 200 + b"e."
    assert "too many objects" in refusal(write_torch(tmp_path / "net.pth", None, content=content))


@pytest.mark.parametrize("write", [write_torch, write_torch_legacy])
@pytest.mark.parametrize("claimed", [3, 2**40, 2**62])
def test_a_storage_that_is_shorter_than_it_claims(tmp_path: Path, write: Write, claimed: int) -> None:
    value = {"w": tensor(Storage("0", np.ones(2, "f4"), claimed), (2,))}
    message = refusal(write(tmp_path / "net.pth", value))
    assert "the numbers '0' are said to have" in message or "must have a class, a name and a length" in message


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((3,), (1,), 0), ((2,), (1,), 1), ((2,), (2**40,), 0), ((2,), (-1,), 1), ((-2,), (1,), 0), ((2,), (1, 1), 0)],
)
def test_a_tensor_outside_of_its_storage(tmp_path: Path, shape: Any, strides: Any, offset: int) -> None:
    value = {"w": tensor(Storage("0", np.ones(2, "f4")), shape, strides, offset)}
    assert "a tensor " in refusal(write_torch(tmp_path / "net.pth", value))


def test_numbers_that_are_repeated_without_end_are_not_read(tmp_path: Path) -> None:
    value = {"w": tensor(Storage("0", np.ones(2, "f4")), (2**50,), (0,))}
    found = read_checkpoint(str(write_torch(tmp_path / "net.pth", value)))
    with pytest.raises(SpecError, match="are taken from 4"):
        found.load(found.tensors["w"])


def test_every_part_of_a_legacy_file_is_refused(tmp_path: Path) -> None:
    path = write_torch_legacy(tmp_path / "net.pth", state_dict(ARRAYS))
    content = path.read_bytes()
    for length in range(0, len(content), 11):
        path.write_bytes(content[:length])
        assert refusal(path)


@pytest.mark.parametrize(
    ("member", "what"),
    [
        ("constants.pkl", "TorchScript"),
        ("models/model.json", "torch.export"),
        ("config.json", "Keras"),
        ("x", "no data.pkl"),
    ],
)
def test_other_archives_are_named(tmp_path: Path, member: str, what: str) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"net/{member}", b"{}")
        archive.writestr("net/version", b"3")
    assert what in refusal(path)


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "an empty file"), (b"\x89PNG\r\n", "an image"), (b"text", "another")]
)
def test_other_files_are_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "net.bin"
    path.write_bytes(content)
    assert what in refusal(path)


def test_the_pickle_of_the_tests_is_that_of_python() -> None:
    """The names are written without importing them; everything else is Python's own pickler."""
    content, storages = pickled({"a": [1, 2.5, None, "text", (1, 2)]})
    assert pickle.loads(content) == {"a": [1, 2.5, None, "text", (1, 2)]}
    assert not storages
