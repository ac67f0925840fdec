"""One narrow or shallow model of each family of torchvision, timm and Hugging Face, on small inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from tests.oracle.exported_models import Example


def image(side: int = 64, *, frames: int = 0, channels: int = 3) -> tuple[Any, ...]:
    """Return the arguments of a model of images, or of clips of so many frames."""
    import torch

    return (torch.zeros(1, channels, *((frames,) if frames else ()), side, side),)


def shallow(model: Any) -> Any:
    """Return a model in which blocks that repeat the ones before them are left out: of a list, or numbered cells."""
    from torch import nn

    class First(nn.Module):  # type: ignore[misc]
        """What stands for a cell of two inputs."""

        def forward(self, one: Any, other: Any) -> Any:
            return one

    for module in [*model.modules()]:
        cells = [(name, structure(each)) for name, each in module.named_children() if name.startswith("cell_")]
        for (_, before), (name, cell) in pairwise(cells):
            if before == cell:
                setattr(module, name, First())
        if isinstance(module, (nn.Sequential, nn.ModuleList)):
            kept = [*module.named_children()]
            kept = [kept[place] for place in distinct([structure(each) for _, each in kept])]
            named = isinstance(module, nn.Sequential)
            module._modules = {name if named else str(place): each for place, (name, each) in enumerate(kept)}
    return model


def structure(module: Any) -> Any:
    """Return the classes of a module and its parts, with the shapes of their arrays; nothing for one without arrays."""
    parts = [
        (
            name,
            type(part).__name__,
            [
                (key, tuple(each.shape))
                for key, each in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
            ],
        )
        for name, part in module.named_modules()
    ]
    return parts if any(arrays for _, _, arrays in parts) else None


def distinct(blocks: list[Any], periods: int = 3) -> list[int]:
    """Return the places of blocks without those that repeat up to so many before them; ``None`` repeats nothing."""
    kept: list[int] = []
    place = 0
    while place < len(blocks):
        for period in range(1, periods + 1):
            following = blocks[place : place + period]
            if None not in following and [blocks[each] for each in kept[-period:]] == following:
                place += period
                break
        else:
            kept.append(place)
            place += 1
    return kept


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


TIMM = (
    *("beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "convit_tiny", "convmixer_768_32"),
    *("cpubone_nano", "crossvit_tiny_240", "cs3darknet_focus_s", "csatv2", "cspnext_tiny", "davit_tiny"),
    *("deepseek_vit_412m", "deit_tiny_patch16_224", "densenet121", "dla46x_c", "dpn48b", "edgenext_xx_small"),
    *("efficientformer_l1", "efficientformerv2_s0", "efficientvim_m1", "efficientvit_b0", "efficientvit_m0"),
    *("ese_vovnet19b_slim_dw", "fasternet_t0", "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny"),
    *("gemma4_vit_167m", "ghostnet_050", "gmlp_ti16_224", "halonet_h1", "hardcorenas_b", "hgnetv2_b0"),
    *("hiera_tiny_224", "hrnet_w18_small", "iformer_t", "inception_next_atto", "inception_resnet_v2"),
    *("inception_v3", "inception_v4", "lcnetv2_small", "legacy_seresnet18", "legacy_xception", "levit_128s"),
    *("lowformer_b0", "mobilenetv3_small_050", "mobilenetv5_base", "mobilevit_xxs", "mvitv2_tiny"),
    *("naflexvit_base_patch16_parfac_gap", "nasnetalarge", "nest_tiny", "nextvit_small", "pit_ti_224"),
    *("pnasnet5large", "poolformerv2_s12", "pvt_v2_b0", "qwen3_vit_88m", "rdnet_tiny", "regnetx_002"),
    *("repghostnet_050", "repvit_m1", "res2next50", "resnest14d", "resnetv2_18", "rexnet_100"),
    *("sam2_hiera_tiny", "samvit_base_patch16_224", "selecsls42", "sequencer2d_s", "shvit_s1", "skresnet18"),
    *("starnet_s050", "swiftformer_xs", "swin_tiny_patch4_window7_224", "swinv2_cr_tiny_224"),
    *("swinv2_tiny_window16_256", "test_byobnet", "test_coatnet", "test_convnext", "test_efficientnet"),
    *("test_mambaout", "test_nfnet", "test_resnet", "test_vit", "test_vit_relpos", "tiny_vit_5m_224"),
    *("tnt_s_legacy_patch16_224", "tresnet_m", "twins_svt_small", "vgg11", "visformer_tiny"),
    *("vit_tiny_patch16_dinov3_qkvb", "vit_tiny_r_s16_p8_224", "vitamin_small_224", "volo_d1_224"),
    *("xception41p", "xcit_nano_12_p8_224"),
)
"""The model of timm with the fewest parameters of each family, that is, of each of its modules."""

WHOLE = {
    "edgenext_xx_small",
    "efficientvit_m0",
    "hgnetv2_b0",
    "hrnet_w18_small",
    "xception41p",
    "ese_vovnet19b_slim_dw",
    "res2next50",
    "skresnet18",
}
"""Those whose blocks with equal weights do different things, and need each other."""


SMALL: dict[str, dict[str, Any]] = {
    "densenet121": {"block_config": (2, 1, 1, 1)},
    "sequencer2d_s": {"layers": (1, 1, 1, 1)},
}
"""The arguments that make further models small."""


def timm_families() -> dict[str, Callable[[], Example]]:
    """Return what makes the examples of timm, by name of the model."""
    import timm

    def example(name: str) -> Example:
        model = timm.create_model(name, **SMALL.get(name, {}))
        channels, side, _ = model.pretrained_cfg["input_size"]
        return Example(model if name in WHOLE else shallow(model), image(side, channels=channels))

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
