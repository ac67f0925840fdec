"""One narrow or shallow model of each family of torchvision, timm and Hugging Face, on small inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.oracle.exported import Example


def image(side: int = 64, *, frames: int = 0, channels: int = 3) -> tuple[Any, ...]:
    """Return the arguments of a model of images, or of clips of so many frames."""
    import torch

    return (torch.zeros(1, channels, *((frames,) if frames else ()), side, side),)


def torchvision_families() -> dict[str, Callable[[], Example]]:
    """Return what makes the examples of torchvision, by family."""
    from torch import nn
    from torchvision import models, ops
    from torchvision.models import convnext, efficientnet, mobilenetv3, regnet, resnet, video
    from torchvision.models.googlenet import BasicConv2d, Inception
    from torchvision.models.inception import InceptionC, InceptionE
    from torchvision.models.segmentation.deeplabv3 import DeepLabHead
    from torchvision.models.segmentation.fcn import FCNHead
    from torchvision.models.segmentation.lraspp import LRASPPHead

    def made(model: Callable[..., Any], arguments: Callable[[], Any] = image, **options: Any) -> Callable[[], Example]:
        return lambda: Example(model(**options), arguments())

    def maps(channels: int, side: int) -> Any:
        return image(side, channels=channels)[0]

    one = [1, 1, 1, 1]
    inverted = mobilenetv3.InvertedResidualConfig
    block = efficientnet.MBConvConfig
    fused = efficientnet.FusedMBConvConfig
    return {
        "alexnet": made(models.alexnet, partial(image, 96)),
        "vgg": made(models.vgg11_bn),
        "resnet": made(models.ResNet, block=resnet.BasicBlock, layers=one),
        "resnext": made(models.ResNet, block=resnet.Bottleneck, layers=one, groups=4, width_per_group=8),
        "densenet": made(models.DenseNet, block_config=(1, 2), growth_rate=8),
        "squeezenet": made(models.squeezenet1_1),
        "googlenet": lambda: Example(
            nn.Sequential(BasicConv2d(3, 8, kernel_size=3), Inception(8, 4, 4, 8, 2, 4, 4)), image()
        ),
        "inception": lambda: Example(nn.Sequential(InceptionC(8, 6), InceptionE(768)), image(9, channels=8)),
        "mnasnet": made(models.MNASNet, alpha=0.1),
        "mobilenet_v2": made(models.MobileNetV2, inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2]]),
        "mobilenet_v3": made(
            models.MobileNetV3,
            inverted_residual_setting=[
                inverted(16, 3, 16, 16, True, "RE", 2, 1, 1.0),
                inverted(16, 5, 64, 24, True, "HS", 2, 1, 1.0),
            ],
            last_channel=32,
        ),
        "shufflenet_v2": made(models.ShuffleNetV2, stages_repeats=[2, 1, 1], stages_out_channels=[8, 16, 24, 32, 40]),
        "efficientnet": made(
            models.EfficientNet,
            inverted_residual_setting=[fused(4, 3, 2, 8, 16, 1), block(6, 5, 2, 16, 24, 2, 1.0, 1.0)],
            dropout=0.1,
            last_channel=32,
        ),
        "regnet": lambda: Example(
            models.RegNet(regnet.BlockParams([1, 2], [16, 32], [8, 8], [1.0, 1.0], [2, 2], se_ratio=0.25)), image()
        ),
        "convnext": made(
            models.ConvNeXt, block_setting=[convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, None, 1)]
        ),
        "vit": made(
            models.VisionTransformer,
            image_size=64,
            patch_size=16,
            num_layers=1,
            num_heads=2,
            hidden_dim=16,
            mlp_dim=32,
        ),
        "swin": made(
            models.SwinTransformer, patch_size=[4, 4], embed_dim=8, depths=[2], num_heads=[2], window_size=[7, 7]
        ),
        "swin_v2": made(
            models.SwinTransformer,
            patch_size=[4, 4],
            embed_dim=8,
            depths=[2],
            num_heads=[2],
            window_size=[8, 8],
            block=models.swin_transformer.SwinTransformerBlockV2,
        ),
        "maxvit": made(
            models.MaxVit,
            input_size=(56, 56),
            stem_channels=8,
            partition_size=7,
            block_channels=[8],
            block_layers=[1],
            head_dim=4,
            stochastic_depth_prob=0.0,
            arguments=partial(image, 56),
        ),
        "deeplabv3": lambda: Example(nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), DeepLabHead(16, 5)), image()),
        "fcn": lambda: Example(nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), FCNHead(16, 5)), image()),
        "lraspp": lambda: Example(LRASPPHead(8, 16, 5, 12), ({"low": maps(8, 8), "high": maps(16, 4)},)),
        "r3d": made(
            video.VideoResNet,
            partial(image, 32, frames=8),
            block=video.resnet.BasicBlock,
            conv_makers=[video.resnet.Conv2Plus1D] * 4,
            layers=one,
            stem=video.resnet.R2Plus1dStem,
        ),
        "feature pyramid": lambda: Example(
            ops.FeaturePyramidNetwork([8, 16], 4), ({"a": maps(8, 16), "b": maps(16, 8)},)
        ),
    }


TIMM: dict[str, dict[str, Any]] = {
    "test_resnet": {},
    "test_byobnet": {},
    "test_efficientnet": {},
    "test_convnext": {},
    "test_mambaout": {},
    "resnetv2_18": {"layers": (1, 1)},
    "starnet_s050": {},
    "deit_tiny_patch16_224": {"depth": 1},
    "beit_base_patch16_224": {"depth": 1},
    "cait_xxs24_224": {"depth": 1},
    "convit_tiny": {"depth": 2, "local_up_to_layer": 1},
    "xcit_nano_12_p8_224": {"depth": 1},
    "samvit_base_patch16_224": {"depth": 1},
    "pvt_v2_b0": {"depths": (1, 1, 1, 1)},
    "swin_tiny_patch4_window7_224": {"depths": (2,), "num_heads": (3,)},
    "davit_tiny": {"depths": (1,), "embed_dims": (32,), "num_heads": (2,)},
    "twins_svt_small": {"depths": (1, 1, 1, 2)},
    "inception_next_atto": {"depths": (1, 1, 1, 1)},
    "fasternet_t0": {"depths": (1, 1, 1, 1)},
    "legacy_seresnet18": {},
}
"""The arguments that make models of timm small, by name."""


def timm_families() -> dict[str, Callable[[], Example]]:
    """Return what makes the examples of timm, by name of the model."""
    import timm

    def example(name: str) -> Example:
        model = timm.create_model(name, **TIMM[name])
        _, side, _ = model.pretrained_cfg["input_size"]
        return Example(model, image(side))

    return {name: partial(example, name) for name in TIMM}


def hugging_face_families() -> dict[str, Callable[[], Example]]:
    """Return what makes the examples of Hugging Face, by family."""
    import torch
    import transformers

    def made(kind: str, names: dict[str, Any], **config: Any) -> Callable[[], Example]:
        cls = getattr(transformers, kind)
        return lambda: Example(cls(cls.config_class(use_cache=False, **config)), (), names)

    tokens = torch.zeros(1, 12, dtype=torch.long)
    target = torch.zeros(1, 5, dtype=torch.long)
    (picture,) = image(32)
    wide = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 1, "intermediate_size": 48}
    words = {"vocab_size": 60}
    vision = {**wide, "image_size": 32, "patch_size": 8}
    decoder = {**wide, **words, "num_key_value_heads": 2}
    return {
        "bert": made("BertForMaskedLM", {"input_ids": tokens}, **wide, **words),
        "gpt2": made("GPT2LMHeadModel", {"input_ids": tokens}, n_embd=32, n_layer=1, n_head=4, **words),
        "llama": made("LlamaForCausalLM", {"input_ids": tokens}, **decoder),
        "mistral": made("MistralForCausalLM", {"input_ids": tokens}, **decoder, sliding_window=4),
        "t5": made(
            "T5ForConditionalGeneration",
            {"input_ids": tokens, "decoder_input_ids": target},
            d_model=32,
            d_kv=8,
            num_heads=4,
            d_ff=48,
            num_layers=1,
            **words,
        ),
        "whisper": made(
            "WhisperForConditionalGeneration",
            {"input_features": torch.zeros(1, 80, 40), "decoder_input_ids": target},
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            max_source_positions=20,
            **words,
            pad_token_id=0,
        ),
        "vit": made("ViTForImageClassification", {"pixel_values": picture}, **vision),
        "clip vision": made("CLIPVisionModelWithProjection", {"pixel_values": picture}, **vision, projection_dim=16),
    }
