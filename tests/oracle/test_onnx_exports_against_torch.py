"""Files of PyTorch's two exporters to ONNX are the networks that PyTorch has: figures, shapes, names and results."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import archcalc
from archcalc import Network
from benchmarks.onnx_exports import expected_parameters
from tests.oracle.torchvision_import import import_torchvision

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

EXPORTERS = ("torchscript", "dynamo")
NETWORKS = ("convolutions", "shifted windows", "recurrent")


class Exported(NamedTuple):
    """A model, and the files that were written of it."""

    model: Any
    image: Any
    program: Path
    """The ``.pt2`` file."""
    files: dict[str, Path]
    """The ONNX files by exporter."""
    open: tuple[str, ...]
    """The names of the sizes that the files leave open: those of the last axes."""

    def read(self, exporter: str) -> Network:
        """Return the network of a file, at the sizes of the input."""
        sizes = self.image.shape[-len(self.open) :] if self.open else ()
        return archcalc.load(str(self.files[exporter]), set=dict(zip(self.open, sizes, strict=True)))


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript", reason="PyTorch's exporter by torch.export needs it")
    try:
        import_torchvision()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")
    found.set_num_threads(1)
    return found


def makers() -> dict[str, tuple[Callable[[], Any], tuple[int, ...]]]:
    """Return a function that makes each network, and the shape of its input without the batch."""
    from torch import nn
    from torchvision.models import SwinTransformer
    from torchvision.models.mobilenetv2 import InvertedResidual
    from torchvision.ops import Conv2dNormActivation

    def inverted_residuals() -> Any:
        parts = {
            "stem": Conv2dNormActivation(3, 8, stride=2),
            "block": nn.Sequential(InvertedResidual(8, 8, 1, 2), InvertedResidual(8, 12, 2, 1)),
            "pool": nn.AdaptiveAvgPool2d(1),
            "flatten": nn.Flatten(),
            "head": nn.Linear(12, 5),
        }
        return nn.Sequential(OrderedDict(parts))

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
            self.head = nn.Linear(12, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return {
        "convolutions": (inverted_residuals, (3, 64, 64)),
        "shifted windows": (lambda: SwinTransformer([4, 4], 12, [2], [2], [4, 4], num_classes=5), (3, 32, 32)),
        "recurrent": (Reader, (7, 8)),
    }


def made(torch: Any, name: str) -> tuple[Any, Any]:
    """Return a model with numbers that are all different, which exporters would store once otherwise, and an input."""
    torch.manual_seed(0)
    make, shape = makers()[name]
    model = make().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.1, 0.1)
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    return model, torch.randn(1, *shape)


def macs_of(model: Any, shape: tuple[int, ...]) -> int:
    """Return what PyTorch counts, on the device where it does not fuse recurrent layers and attention."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    image = torch.empty(1, *shape, device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        deepcopy(model).to("meta")(image)
    return counter.get_total_flops() // 2


@pytest.fixture(scope="module", params=NETWORKS)
def exported(torch: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return a network as files; the height and the width of the images of the first one are left open."""
    model, image = made(torch, request.param)
    folder = tmp_path_factory.mktemp("exports")
    files = {exporter: folder / f"{exporter}.onnx" for exporter in EXPORTERS}
    axes, dims = {}, {}
    if request.param == NETWORKS[0]:
        axes = {0: "batch", 2: "height", 3: "width"}
        dims = {axis: torch.export.Dim(name, min=33 if axis else None) for axis, name in axes.items()}
        image = torch.cat((image, -image))  # one example would make the batch a constant
    program = torch.export.export(model, (image,), dynamic_shapes=(dims,) if dims else None)
    torch.export.save(program, folder / "net.pt2")
    options = {"input_names": ["x"], "external_data": False, "verbose": False}
    torch.onnx.export(model, (image,), files["torchscript"], dynamo=False, dynamic_axes={"x": axes}, **options)
    dynamo = {"dynamo": True, "dynamic_shapes": (dims,) if dims else None, **options}
    torch.onnx.export(program, (), files["dynamo"], **dynamo)
    return Exported(model, image, folder / "net.pt2", files, ("height", "width") if axes else ())


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_export_has_the_figures_of_the_model(exported: Exported, exporter: str) -> None:
    ours, truth = exported.read(exporter), archcalc.load(str(exported.program))
    totals = ours.analyze().totals
    assert totals.macs == macs_of(exported.model, exported.image.shape[1:])
    assert truth.analyze().totals.trainable == sum(each.numel() for each in exported.model.parameters())
    assert totals.trainable == expected_parameters(truth, ours)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_layers_have_the_names_and_shapes_of_the_model(exported: Exported, exporter: str) -> None:
    ours, truth = exported.read(exporter), archcalc.load(str(exported.program))
    modules = {name.replace(".", "/") for name, _ in exported.model.named_modules() if name}
    weighted = [layer.name for layer in ours.analyze().layers if layer.params and layer.macs]
    assert len(weighted) >= 3
    assert [name for name in weighted if not modules & enclosing(name)] == []
    shapes = {node.name: node.output for node in truth.graph.nodes if node.name in modules}
    same = {node.name: node.output for node in ours.graph.nodes if node.name in shapes}
    assert len(same) >= len(weighted) // 2 - 1
    assert {name: shape for name, shape in same.items() if shape != shapes[name]} == {}


def enclosing(name: str) -> set[str]:
    """Return a name and those of all modules that it is in."""
    parts = name.split("/")
    return {"/".join(parts[:length]) for length in range(1, len(parts) + 1)}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_export_computes_what_the_model_computes(torch: Any, exported: Exported, exporter: str) -> None:
    with torch.no_grad():
        expected = exported.model(exported.image).numpy()
    found = exported.read(exporter).run({"x": exported.image.numpy()}).output
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("exported", NETWORKS[:1], indirect=True)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_export_answers_for_all_sizes_that_it_leaves_open(exported: Exported, exporter: str) -> None:
    for sizes in ((64, 96), (97, 161)):
        network = archcalc.load(str(exported.files[exporter]), set=dict(zip(exported.open, sizes, strict=True)))
        assert network.analyze().totals.macs == macs_of(exported.model, (3, *sizes))


@pytest.mark.parametrize("amount", [{"scale_factor": 0.6}, {"scale_factor": 1.7}, {"size": (4, 5)}], ids=str)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_corners_are_aligned_as_in_the_model(
    torch: Any, exporter: str, mode: str, amount: dict[str, Any], tmp_path: Path
) -> None:
    """By a factor as well, which the files of both exporters have, though the size is then no whole number."""

    class Resized(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return torch.nn.functional.interpolate(x, mode=mode, align_corners=True, **amount)

    x, path = torch.randn(1, 2, 7, 9), tmp_path / "net.onnx"
    torch.onnx.export(Resized(), (x,), path, dynamo=exporter == "dynamo", input_names=["x"], verbose=False)
    found = archcalc.load(str(path)).run({"x": x.numpy()}).output
    np.testing.assert_allclose(found, Resized()(x).numpy(), atol=1e-5)
