"""Names of bundled networks: as people and libraries write them, and suggestions for wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import archcalc
from archcalc.spec import SpecError, bundled, zoo
from archcalc.spec.catalogue import FIGURES, CatalogueEntry
from archcalc.spec.zoo import bundled_name, find_bundled, suggest_bundled


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnett50", "did you mean 'resnet50'?"),
        ("resnet26", "bundled networks with similar names: resnet"),
        ("ResNet50_v2", "bundled networks with similar names: resnet50"),
        ("colorisation-unet", "did you mean 'colourisation-unet'?"),
        ("inception-v9", "bundled networks with similar names: googlenet, inception-"),
        ("separable", "bundled networks with similar names: separable-example, separable-example-standard"),
        ("microsoft/resnet-50", "did you mean the bundled network 'resnet50'?"),
        ("nets/resnet50.yaml", ""),
        ("zzz", "`archcalc zoo` lists them"),
    ],
)
def test_a_wrong_name_is_corrected_only_if_it_means_the_same_network(name: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        archcalc.load(name)
    assert caught.value.problems[0].hint.startswith(hint)


def entry(name: str, input_shape: str = "3x224x224", *aliases: str) -> CatalogueEntry:
    texts = dict.fromkeys(CatalogueEntry._fields, "") | {
        "name": name,
        "input": input_shape,
        "family": name.partition(":")[0],
    }
    return CatalogueEntry(**{**texts, **dict.fromkeys(FIGURES, 0), "aliases": aliases, "published": {}})  # type: ignore[arg-type]


ZOO = (
    entry("resnet50"),
    entry("resnet50-v1.5"),
    entry("resnet50:torchvision"),
    entry("se-resnet50"),
    entry("vgg-d", "3x224x224", "vgg16"),
    entry("vgg:vgg16_bn", "3x224x224", "vgg16_bn"),
    entry("densenet:densenet121", "3x224x224", "densenet121"),
    entry("efficientnet:b0", "3x224x224", "efficientnet_b0"),
    entry("efficientnet:b3", "3x300x300", "efficientnet_b3"),
    entry("efficientnet-v2:s", "3x384x384", "efficientnet_v2_s"),
    entry("mobilenet-v1", "3x224x224", "mobilenet"),
    entry("mobilenet-v2", "3x224x224"),
    entry("mobilenet-v3:large", "3x224x224"),
    entry("convnext:tiny", "3x224x224"),
    entry("vit:b_16", "3x224x224"),
    entry("vit:b_32", "3x224x224"),
    entry("vit:l_16", "3x224x224"),
    entry("swin:t", "3x224x224", "swin_t", "swin_tiny_patch4_window7_224"),
    entry("swin:s", "3x224x224", "swin_s"),
    entry("inception-v3", "3x299x299"),
    entry("inception-resnet-v2", "3x299x299"),
    entry("regnet:y_400mf", "3x224x224", "regnet_y_400mf"),
    entry("regnet:x_1_6gf", "3x224x224", "regnet_x_1_6gf"),
    entry("regnet:x_16gf", "3x224x224", "regnet_x_16gf"),
    entry("mlp-mixer:b_16", "3x224x224", "mixer_b16"),
    entry("bert:base", "128, 128"),
    entry("bert:large", "128, 128"),
    entry("gpt2:small", "1024", "gpt2"),
    entry("gpt2:medium", "1024"),
    entry("llama:llama2_7b", "4096", "llama2_7b"),
    entry("llama:llama3_8b", "8192", "llama3_8b"),
    entry("t5:small", "512, 114"),
    entry("whisper:tiny", "80x3000, 448"),
    entry("mixtral", "4096", "mixtral_8x7b"),
    entry("clip:vit_b_32", "3x224x224", "clip_vit_b_32"),
)
"""A catalogue with names from the largest families of libraries."""


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the entries of `ZOO` the bundled networks."""
    monkeypatch.setattr(zoo, "catalogue", lambda: ZOO)
    monkeypatch.setattr(zoo, "bundled", list)
    zoo.entries_by_spelling.cache_clear()
    yield
    zoo.entries_by_spelling.cache_clear()


FOUND = {
    "VGG16": "vgg-d",
    "vgg16_bn": "vgg:vgg16_bn",
    "ResNet50": "resnet50",
    "resnet-50": "resnet50",
    "seresnet50": "se-resnet50",
    "DenseNet121": "densenet:densenet121",
    "EfficientNetB3": "efficientnet:b3",
    "efficientnetb3": "efficientnet:b3",
    "EfficientNetV2S": "efficientnet-v2:s",
    "mobilenetv2": "mobilenet-v2",
    "MobileNet": "mobilenet-v1",
    "MobileNetV3Large": "mobilenet-v3:large",
    "ConvNeXtTiny": "convnext:tiny",
    "vit_b_16": "vit:b_16",
    "swin_tiny_patch4_window7_224": "swin:t",
    "regnet_x_1_6gf": "regnet:x_1_6gf",
    "RegNet-X-1.6GF": "regnet:x_1_6gf",
    "regnetx16gf": "regnet:x_16gf",
    "InceptionV3": "inception-v3",
    "InceptionResNetV2": "inception-resnet-v2",
    "bert-base": "bert:base",
    "gpt2": "gpt2:small",
    "gpt2-medium": "gpt2:medium",
    "t5-small": "t5:small",
    "whisper-tiny": "whisper:tiny",
}
"""Names in Keras, timm, torchvision and Hugging Face that differ in case and punctuation only."""

MEANT = {
    "vit-base-patch16-224": "vit:b_16",
    "google/vit-base-patch16-224": "vit:b_16",
    "google/vit-base-patch16-224-in21k": "vit:b_16",
    "vit_large_patch16_224.augreg_in21k_ft_in1k": "vit:l_16",
    "ViT-B/32": "vit:b_32",
    "microsoft/resnet-50": "resnet50",
    "resnet50.a1_in1k": "resnet50",
    "tf_efficientnet_b3": "efficientnet:b3",
    "tf_efficientnetv2_s": "efficientnet-v2:s",
    "google/efficientnet-b3": "efficientnet:b3",
    "mobilenetv2_100": "mobilenet-v2",
    "google/mobilenet_v2_1.0_224": "mobilenet-v2",
    "google/mobilenet_v1_1.0_224": "mobilenet-v1",
    "mobilenetv3_large_100.ra_in1k": "mobilenet-v3:large",
    "facebook/convnext-tiny-224": "convnext:tiny",
    "microsoft/swin-tiny-patch4-window7-224": "swin:t",
    "mixer_b16_224": "mlp-mixer:b_16",
    "inception_v3.tv_in1k": "inception-v3",
    "densenet121.tv_in1k": "densenet:densenet121",
    "bert-base-uncased": "bert:base",
    "google-bert/bert-large-uncased": "bert:large",
    "openai-community/gpt2-medium": "gpt2:medium",
    "meta-llama/Llama-2-7b-hf": "llama:llama2_7b",
    "meta-llama/Llama-2-7b-chat-hf": "llama:llama2_7b",
    "meta-llama/Meta-Llama-3-8B-Instruct": "llama:llama3_8b",
    "google-t5/t5-small": "t5:small",
    "openai/whisper-tiny": "whisper:tiny",
    "mistralai/Mixtral-8x7B-v0.1": "mixtral",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "mixtral",
    "openai/clip-vit-base-patch32": "clip:vit_b_32",
    "eficientnet_b3": "efficientnet:b3",
    "resnett50": "resnet50",
    "bert-bsae": "bert:base",
}
"""Names with what libraries append, and misspellings."""

OTHERS = """
    resnet26 resnet50d resnetv2_50 ResNet50V2 resnest50d resnext50_32x4d seresnext50_32x4d wide_resnet50_2 resnetrs50
    ecaresnet50d skresnet50 regnety_040 efficientnet_b9 efficientnet_lite0 efficientnetv2_m EfficientNetV2B0
    efficientvit_b3 efficientdet_d0 mobilenetv2_050 mobilenetv3_small_050 MobileNetV3Small mobilevit_s mobileone_s1
    google/mobilenet_v2_0.35_96 vit_tiny_patch16_224 vit_huge_patch14_224 vit-base-patch8-224 vit_base_patch16_384
    vit_so400m_patch14_siglip_224 deit_base_patch16_224 beit_base_patch16_224 swin_base_patch4_window12_384
    swinv2_tiny_window8_256 swin_s3_tiny_224 convnext_nano convnextv2_tiny convmixer_768_32 densenet169 densenetblur121d
    inception_v4 NASNetMobile xception41 mixer_l16_224 gmixer_24_224 resmlp_24_224 bert-base-cased roberta-base
    albert-base-v2 distilbert-base-uncased gpt2-xl openai-gpt t5-base flan-t5-small Llama-3.1-8B Llama-2-13b-hf
    Mistral-7B-v0.1 Mixtral-8x22B-v0.1 whisper-base clip-vit-large-patch14 VGG19 vgg13_bn
"""
"""Names in libraries of networks that are not in `ZOO`."""


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", FOUND)
def test_names_that_differ_in_punctuation_are_found(name: str) -> None:
    found = find_bundled(name)
    assert found is not None
    assert ":".join(found).removesuffix(":") == FOUND[name]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", MEANT)
def test_the_intended_network_is_suggested(name: str) -> None:
    assert find_bundled(name) is None
    assert suggest_bundled(name) == f"did you mean '{MEANT[name]}'?"


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("name", OTHERS.split())
def test_the_name_of_another_network_is_not_corrected(name: str) -> None:
    assert find_bundled(name) is None
    assert not suggest_bundled(name).startswith("did you mean")


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("openai/whisper-large-v2", "whisper:tiny"),
        ("ResNet50_v2", "resnet50-v1.5"),
        ("efficientnet_b9", "efficientnet:b0"),
        ("vit_h_14", "vit:b_16"),
    ],
)
def test_the_networks_of_the_family_are_listed(name: str, first: str) -> None:
    hint = suggest_bundled(name)
    assert hint.startswith("bundled networks with similar names: ")
    assert first in hint


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("EfficientNetB3", "efficientnet:b3"),
        ("regnet_x_1_6gf", "regnet:x_1_6gf"),
        ("seresnet50", "se-resnet50"),
        ("swin_tiny_patch4_window7_224", "swin:t"),
        ("vgg16", "vggnet:16"),
        ("gpt2-medium", "gpt2:medium"),
        ("yolov8n", "yolov8:n"),
    ],
)
def test_bundled_networks_are_found_as_libraries_call_them(name: str, spec: str) -> None:
    assert ":".join(find_bundled(name) or ()).removesuffix(":") == spec


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("vit-base-patch16-224", "vit:b_16"),
        ("mnasnet_100", "mnasnet:1_0"),
        ("mixer_b16_224", "mlp-mixer:b_16"),
        ("bert-large-uncased", "bert:large"),
        ("meta-llama/Llama-2-7b-hf", "llama:llama2_7b"),
        ("openai/clip-vit-base-patch32", "clip:b_32"),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral-8x7b"),
    ],
)
def test_bundled_networks_are_suggested_for_names_in_libraries(name: str, spec: str) -> None:
    assert suggest_bundled(name) == f"did you mean '{spec}'?"
