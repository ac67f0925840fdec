"""Files that PyTorch and safetensors write have the tensors and numbers that these packages read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from archcalc import SpecError
from archcalc.readers.checkpoints.read import read_checkpoint
from archcalc.readers.checkpoints.weights import read_checkpoint_weights
from tests.oracle.test_torchvision import models
from tests.specs.torchvision import published

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def tensors() -> dict[str, Any]:
    """Return tensors of every number format, and with every kind of storage."""
    import torch

    torch.manual_seed(0)
    integers = {str(dtype): torch.arange(6).to(dtype).reshape(2, 3) for dtype in (torch.uint8, torch.int8, torch.int32)}
    formats = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
    formats += [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]
    floats = {str(dtype): torch.randn(2, 3).to(dtype) for dtype in formats}
    matrix = torch.arange(24.0).reshape(4, 6)
    return {
        **{name.replace(".", "_"): tensor for name, tensor in {**integers, **floats}.items()},
        "transposed": matrix.T,
        "slice": matrix[1:, ::2],
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "empty": torch.empty(0, 3),
        "single": torch.tensor(2.5),
        "counter": torch.tensor(7),
        "mask": torch.tensor([True, False]),
    }


def zipped(value: Any, path: Path) -> None:
    import torch

    torch.save(value, path)


def legacy(value: Any, path: Path) -> None:
    import torch

    torch.save(value, path, _use_new_zipfile_serialization=False)


def safetensors(value: Any, path: Path) -> None:
    package = pytest.importorskip("safetensors.torch")
    package.save_file({name: tensor.detach().contiguous() for name, tensor in value.items()}, path)


@pytest.mark.parametrize(
    ("write", "suffix"),
    [(zipped, ".pth"), (legacy, ".pt"), (safetensors, ".safetensors")],
    ids=["zipped", "legacy", "safetensors"],
)
def test_tensors_of_all_formats(tmp_path: Path, write: Callable[[Any, Path], None], suffix: str) -> None:
    expected = tensors()
    if suffix == ".pt":  # storages of these formats came later than the file format
        expected = {name: tensor for name, tensor in expected.items() if "float8" not in name}
    write(expected, tmp_path / f"net{suffix}")
    found = read_checkpoint(str(tmp_path / f"net{suffix}"))
    assert found.tensors.keys() == expected.keys()
    for name, tensor in expected.items():
        mine = found.tensors[name]
        assert (mine.shape, f"torch.{mine.dtype}") == (tuple(tensor.shape), str(tensor.dtype))
        assert mine.bytes == tensor.numel() * tensor.element_size()
        np.testing.assert_array_equal(found.load(mine), tensor.detach().double().numpy())


def test_a_checkpoint_of_training(tmp_path: Path) -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.LSTM(4, 2))
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 3)
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": schedule.state_dict()}
    torch.save({**state, "epoch": 2, "best": np.float64(0.5), "rng": torch.get_rng_state()}, tmp_path / "net.pth")
    found = read_checkpoint(str(tmp_path / "net.pth"))
    assert found.part == "model"
    assert found.totals.trainable == sum(parameter.numel() for parameter in model.parameters())


def test_a_pickled_module_is_refused_by_its_names(tmp_path: Path) -> None:
    import torch

    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "net.pth")
    with pytest.raises(SpecError, match=r"could run code: torch\.nn\.modules\.container\.Sequential, .*Linear"):
        read_checkpoint(str(tmp_path / "net.pth"))


def test_tied_weights_are_counted_once(tmp_path: Path) -> None:
    import torch

    first, second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    second.weight = first.weight
    model = torch.nn.Sequential(first, second)
    torch.save(model.state_dict(), tmp_path / "net.pth")
    found = read_checkpoint(str(tmp_path / "net.pth"))
    assert found.totals.params == sum(parameter.numel() for parameter in model.parameters()) == 15


FAMILIES = ("convnext_tiny", "densenet121", "efficientnet_b0", "mobilenet_v3_large", "regnet_y_400mf", "swin_t")


@pytest.mark.parametrize("name", [*FAMILIES, "swin_v2_t", "vit_b_16", "resnet50"])
def test_parameters_are_those_that_torchvision_publishes(tmp_path: Path, name: str) -> None:
    found = models()
    import torch

    with torch.device("meta"):
        torch.save(found.get_model(name).state_dict(), tmp_path / "net.pth")
    expected = next(row.params for row in published() if row.model == name)
    assert read_checkpoint(str(tmp_path / "net.pth")).totals.trainable == expected


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet1_1"])
def test_a_bundled_network_computes_what_torchvision_does(tmp_path: Path, name: str) -> None:
    """The state dictionary has other names, and the same order."""
    found = models()
    import torch

    torch.manual_seed(0)
    model = found.get_model(name).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    torch.save(model.state_dict(), tmp_path / "net.pth")
    network = archcalc.load(name)
    weights = read_checkpoint_weights(str(tmp_path / "net.pth"), network.graph, None)
    image = torch.randn(1, 3, 224, 224)
    run = network.run({"input": image.numpy()}, weights=weights.arrays)
    (mine,) = run.outputs.values()
    expected = model(image).detach().numpy()
    np.testing.assert_allclose(mine.reshape(expected.shape), expected, rtol=1e-3, atol=1e-5)


def test_reading_imports_no_pytorch(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "net.pth"
    torch.save({"w": torch.ones(2)}, path)
    code = f"import sys; from archcalc.readers.checkpoints.read import read_checkpoint as r; r({str(path)!r}); "
    code += "print({'torch', 'numpy'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
