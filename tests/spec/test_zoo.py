"""Names of bundled networks: as people write them, and what a wrong one may mean."""

from __future__ import annotations

import pytest

import archcalc
from archcalc.spec import SpecError, bundled
from archcalc.spec.zoo import OTHER_NAMES, bundled_name


@pytest.mark.parametrize("name", bundled())
def test_a_name_is_read_in_any_case_and_with_any_punctuation(name: str) -> None:
    written = {name, name.upper(), name.replace("-", "_").replace(".", "_"), name.replace("-", "").replace(".", "")}
    assert {bundled_name(each) for each in written} == {name}


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("vgg16", "VGGNet 16"),
        ("LeNet", "LeNet-5"),
        ("resnet50:torchvision", "ResNet-50 torchvision"),
        ("resnet50_v1_5", "ResNet-50 v1.5"),
        ("alexnet2012", "AlexNet (2012)"),
        ("LeNet-5", "LeNet-5"),
    ],
)
def test_common_names_are_those_of_the_bundled_form(name: str, title: str) -> None:
    assert archcalc.load(name).name == title


def test_other_names_mean_bundled_networks_and_hide_none() -> None:
    assert set(OTHER_NAMES.values()) <= {*bundled()}
    assert not {*OTHER_NAMES} & {"".join(filter(str.isalnum, name)) for name in bundled()}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("highway19", "`archcalc zoo` lists them"),
        ("resnett50", "did you mean 'resnet50'?"),
        ("resnet26", "the bundled networks like it are resnet-v1-50-slim, resnet101, "),
        ("colorisation-unet", "did you mean 'colourisation-unet'?"),
        ("inception", "the bundled networks like it are inception-resnet-v2, inception-v3, inception-v4"),
        ("separable", "the bundled networks like it are separable-example, separable-example-standard"),
    ],
)
def test_a_wrong_name_is_corrected_only_if_it_means_the_same_network(name: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        archcalc.load(name)
    assert caught.value.problems[0].hint.startswith(hint)
