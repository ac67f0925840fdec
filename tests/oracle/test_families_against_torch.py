"""One model of each family of torchvision, timm and Hugging Face has the shapes and figures that PyTorch gives.

The models are shallow and exported on the meta device. `benchmarks/corpora.py` does the same for models as published.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracle import families
from tests.oracle.exported_models import Example, differences, export
from tests.oracle.torchvision_import import import_torchvision

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

HUGGING_FACE = ["bert", "gpt2", "llama", "mistral", "t5", "whisper", "vit", "clip vision"]


@pytest.fixture(autouse=True)
def torchvision() -> None:
    pytest.importorskip("torch")
    try:
        import_torchvision()
    except ModuleNotFoundError:
        pytest.skip("torchvision is not installed")


def check(examples: dict[str, Callable[[], Example]], name: str, folder: Path) -> None:
    path = folder / "net.pt2"
    export(examples[name], path)
    assert [*differences(path)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("alexnet", "vgg", "resnet", "resnext", "densenet", "squeezenet", "googlenet", "inception", "mnasnet"),
        *("mobilenet_v2", "mobilenet_v3", "shufflenet_v2", "efficientnet", "regnet", "convnext", "vit", "swin"),
        *("swin_v2", "maxvit", "deeplabv3", "fcn", "lraspp", "r3d", "feature pyramid"),
    ],
)
def test_families_of_torchvision(name: str, tmp_path: Path) -> None:
    check(families.torchvision_families(), name, tmp_path)


@pytest.mark.parametrize("name", families.TIMM)
def test_families_of_timm(name: str, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    check(families.timm_families(), name, tmp_path)


def test_every_family_of_timm_has_a_model() -> None:
    timm = pytest.importorskip("timm")
    models = {family: set(timm.list_models(module=family)) for family in timm.list_modules()}
    assert [family for family, names in models.items() if not names & {*families.TIMM}] == []


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_families_of_hugging_face(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytest.importorskip("transformers")
    check(families.hugging_face_families(), name, tmp_path)
