"""Claims in one line of text."""

from __future__ import annotations

import pytest

from archcalc.claims import Claim
from archcalc.claims.claim_text import NetworkClaim, parse_claim_text


@pytest.mark.parametrize(
    ("text", "networks", "claim"),
    [
        ("resnet50 macs = 3.8G", ("resnet50",), Claim("macs", "3.8G")),
        ("resnet50 conv1.params is 9,408", ("resnet50",), Claim("conv1.params", "9,408")),
        ("resnet50-v1.5.macs: 4.1 GMACs", ("resnet50-v1.5",), Claim("macs", "4.1 GMACs")),
        ("specs/my.net.yaml params <= 5M", ("specs/my.net.yaml",), Claim("params", "<= 5M")),
        ("my.yaml.head.params = 5", ("my.yaml",), Claim("head.params", "5")),
        ("vgg-d params ≈ 138M", ("vgg-d",), Claim("params", "≈ 138M")),
        ("vgg-e.params > vgg-d.params", ("vgg-e", "vgg-d"), Claim("vgg-e.params", "> vgg-d.params")),
        ("lenet5 c1.shape = H=28, W=28, C=6", ("lenet5",), Claim("c1.shape", "H=28, W=28, C=6")),
        ("lenet5 c1 shape: (C=6, H=28, W=28)", ("lenet5",), Claim("c1.shape", "(C=6, H=28, W=28)")),
        ("lenet5 c1.params > c3.params", ("lenet5",), Claim("c1.params", "> c3.params")),
        ("vgg-e params > vgg-d.params", ("vgg-e", "vgg-d"), Claim("vgg-e.params", "> vgg-d.params")),
        ("lenet5 c1.params / c3.params = 0.06", ("lenet5",), Claim("c1.params / c3.params", "0.06")),
        ("lenet5 c1 params / params = 0.003", ("lenet5",), Claim("c1.params / params", "0.003")),
        ("lenet5.c1.params / lenet5.params > 0.1", ("lenet5",), Claim("c1.params / params", "> 0.1")),
        ("resnet50 macs / resnet18 macs = 2", ("resnet50", "resnet18"), Claim("resnet50.macs / resnet18.macs", "2")),
        ("vgg-e.params / vgg-d.params is 1", ("vgg-e", "vgg-d"), Claim("vgg-e.params / vgg-d.params", "1")),
        ("3x8x8 -> conv (8 / 2) k=3 params = 112", ("3x8x8 -> conv (8 / 2) k=3",), Claim("params", "112")),
        ("3x8x8 -> conv 4 k=3 params = 112", ("3x8x8 -> conv 4 k=3",), Claim("params", "112")),
        ("resnet18 params = 11'699'112", ("resnet18",), Claim("params", "11'699'112")),
        ("lenet5 parms = 5", ("lenet5",), Claim("parms", "5")),
    ],
)
def test_claims_in_a_sentence(text: str, networks: tuple[str, ...], claim: Claim) -> None:
    assert parse_claim_text(text) == NetworkClaim(networks=networks, claim=claim)


@pytest.mark.parametrize("text", ["", "resnet50", "resnet50 macs", "= 3", "macs = 3"])
def test_a_text_that_is_not_a_claim_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"resnet50"):
        parse_claim_text(text)


def test_a_network_without_a_quantity_is_told_what_is_missing() -> None:
    with pytest.raises(ValueError, match="'resnet50' names no quantity; write, for example, resnet50 macs"):
        parse_claim_text("resnet50 = 4.1 GFLOPs")


@pytest.mark.parametrize(
    "text",
    [
        "lenet5 c3 params = 1,516",
        "lenet5 c3's params = 1,516",
        "lenet5 layer c3 params is 1,516",
        "lenet5: c3 params = 1,516",
        "lenet5 c3.params = 1,516",
    ],
)
def test_a_layer_may_come_between_the_network_and_the_quantity(text: str) -> None:
    found = parse_claim_text(text)
    assert (found.networks, found.claim.target, found.claim.value) == (("lenet5",), "c3.params", "1,516")
