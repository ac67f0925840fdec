"""Parameters and MACs of the bundled language models against those of Hugging Face's implementations.

PyTorch's `FlopCounterMode` counts the operations of each model, built from its configuration on the meta device, with
attention as matrix products. Half of them are the MACs. Prints each network with both figures, and fails if any differ.
Needs PyTorch and transformers.

    python -m benchmarks.language_models
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import archcalc
from tests.oracle.torchvision_import import import_torchvision


def gpt2(transformers: Any, **sizes: int) -> Any:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))


def bert(transformers: Any, **sizes: int) -> Any:
    return transformers.BertModel(transformers.BertConfig(**sizes))


def llama(transformers: Any, **sizes: int) -> Any:
    common = {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32}
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**common, **sizes))


def t5(transformers: Any) -> Any:
    return transformers.T5ForConditionalGeneration(transformers.T5Config())


def whisper(transformers: Any) -> Any:
    return transformers.WhisperForConditionalGeneration(transformers.WhisperConfig())


Make = Callable[..., Any]
MODELS: Mapping[str, tuple[Make, dict[str, int]]] = {
    "gpt2:small": (gpt2, {}),
    "gpt2:medium": (gpt2, {"n_embd": 1024, "n_layer": 24, "n_head": 16}),
    "gpt2:large": (gpt2, {"n_embd": 1280, "n_layer": 36, "n_head": 20}),
    "gpt2:xl": (gpt2, {"n_embd": 1600, "n_layer": 48, "n_head": 25}),
    "bert:base": (bert, {}),
    "bert:large": (
        bert,
        {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
    ),
    "llama:llama2_7b": (llama, {"num_key_value_heads": 32, "intermediate_size": 11008, "vocab_size": 32000}),
    "llama:llama3_8b": (
        llama,
        {
            "num_key_value_heads": 8,
            "intermediate_size": 14336,
            "vocab_size": 128256,
            "max_position_embeddings": 8192,
        },
    ),
    "t5:small": (t5, {}),
    "whisper:tiny": (whisper, {}),
}


def example(model: Any, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return the arguments of a model for inputs of these shapes.

    Masks are given, because models cannot derive them from tensors without values.
    """
    import torch

    def tokens(length: int) -> Any:
        return torch.zeros((1, length), dtype=torch.long)

    def mask(length: int) -> Any:
        return torch.zeros((1, 1, length, length))

    shapes = list(inputs.values())
    kind = type(model).__name__
    if kind.startswith("Bert"):
        return {"input_ids": tokens(shapes[0][0]), "token_type_ids": tokens(shapes[0][0])}
    if kind.startswith("T5"):
        return {"input_ids": tokens(shapes[0][0]), "decoder_input_ids": tokens(shapes[1][0]), "use_cache": False}
    if kind.startswith("Whisper"):
        (length,) = shapes[1]
        audio = torch.zeros((1, *shapes[0]))
        decoded = {"decoder_input_ids": tokens(length), "decoder_attention_mask": mask(length)}
        return {"input_features": audio, **decoded, "use_cache": False}
    (length,) = shapes[0]
    return {"input_ids": tokens(length), "attention_mask": mask(length), "use_cache": False}


def counted(make: Make, sizes: Mapping[str, int], inputs: Mapping[str, tuple[int, ...]]) -> tuple[int, int]:
    """Return the parameters of a model, and half of the operations that PyTorch counts."""
    import torch
    import transformers
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad():
        model = make(transformers, **sizes).eval()
        model.set_attn_implementation("eager")
        with FlopCounterMode(display=False) as counter:
            model(**example(model, inputs))
    return sum(each.numel() for each in model.parameters()), counter.get_total_flops() // 2


def main() -> int:
    with suppress(ModuleNotFoundError):
        import_torchvision()  # as transformers does if it is installed
    differ = 0
    for name, (make, sizes) in MODELS.items():
        network = archcalc.load(name)
        totals = network.analyze().totals
        expected = counted(make, sizes, network.graph.inputs)
        differ += (totals.params, totals.macs) != expected
        print(f"{name:16} {totals.params:14,} {totals.macs:20,}   PyTorch {expected[0]:14,} {expected[1]:20,}")
    print(f"{len(MODELS) - differ} of {len(MODELS)} equal")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
