"""Corpora: models of torchvision, timm and Hugging Face, exported and read, against the figures of PyTorch.

Every model is built from its default configuration and exported on the meta device, so nothing is downloaded and no
weights are made. PyTorch gives the reference: the parameters that the exported program uses, the names of those that it
does not, and half of what FlopCounterMode counts. archcalc must read the file, agree with the sizes that it records for
every tensor, and give the same parameters and MACs. Prints each model that differs, and exact/tried for each corpus.

Exports are slow, so they are kept in a folder. They need PyTorch and the package of the corpus; reading needs neither.

    python -m benchmarks.corpora FOLDER [CORPUS …] [--only WORD] [--export]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tests.oracle.exported_models import Example, differences, export
from tests.oracle.torchvision_import import import_torchvision

IMAGE = 224


def torchvision_names(part: str) -> list[str]:
    """Return the models of a part of torchvision."""
    from torchvision import models

    return sorted(models.list_models(module=getattr(models, part) if part else models))


def torchvision_example(name: str) -> Example:
    from torchvision import models

    options: dict[str, Any] = {"weights_backbone": None} if name in models.list_models(models.segmentation) else {}
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    if name in models.list_models(models.video):
        size: tuple[int, ...] = (3, 16, IMAGE, IMAGE) if name.startswith(("mvit", "s3d")) else (3, 16, 112, 112)
    else:
        size = (3, 299, 299) if name == "inception_v3" else (3, IMAGE, IMAGE)
    return Example(models.get_model(name, **options), (_image(*size),))


def timm_names(folder: Path) -> list[str]:
    """Return the model with the fewest parameters of every family of timm; which these are is kept in the folder."""
    import timm
    import torch

    kept = folder / "smallest.json"
    smallest: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    for family in timm.list_modules():
        if family not in smallest:
            sizes: dict[str, int] = {}
            for name in timm.list_models(module=family):
                try:
                    with torch.device("meta"):
                        sizes[name] = sum(each.numel() for each in timm.create_model(name).parameters())
                except Exception:  # whatever a constructor raises on the meta device
                    continue
            if sizes:
                smallest[family] = min(sizes, key=lambda name: (sizes[name], name))
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(smallest, indent=1))
    return sorted(smallest.values())


def timm_example(name: str) -> Example:
    import timm

    model = timm.create_model(name)
    return Example(model, (_image(*model.pretrained_cfg["input_size"]),))


TOKENS = 64


def hugging_face() -> dict[str, tuple[str, Callable[[Any], dict[str, Any]]]]:
    """Return the class of the model, and what gives its arguments for a configuration, by name."""
    import torch

    def tokens(_: Any, count: int = TOKENS) -> dict[str, Any]:
        return {"input_ids": torch.zeros(1, count, dtype=torch.long)}

    def pairs(_: Any) -> dict[str, Any]:
        target = torch.zeros(1, TOKENS // 2, dtype=torch.long)
        return {**tokens(_), "decoder_input_ids": target}

    def image(_: Any) -> dict[str, Any]:
        return {"pixel_values": _image(3, IMAGE, IMAGE)}

    def sound(config: Any) -> dict[str, Any]:
        frames = 2 * config.max_source_positions
        target = torch.zeros(1, TOKENS, dtype=torch.long)
        return {"input_features": torch.zeros(1, config.num_mel_bins, frames), "decoder_input_ids": target}

    return {
        "bert": ("BertForMaskedLM", tokens),
        "gpt2": ("GPT2LMHeadModel", tokens),
        "llama": ("LlamaForCausalLM", tokens),
        "mistral": ("MistralForCausalLM", tokens),
        "t5": ("T5ForConditionalGeneration", pairs),
        "whisper": ("WhisperForConditionalGeneration", sound),
        "vit": ("ViTForImageClassification", image),
        "clip": ("CLIPModel", lambda _: {**tokens(_), **image(_)}),
        "clip-text": ("CLIPTextModelWithProjection", tokens),
        "clip-vision": ("CLIPVisionModelWithProjection", image),
    }


def hugging_face_example(name: str) -> Example:
    import transformers

    class_name, arguments = hugging_face()[name]
    made = getattr(transformers, class_name)
    config = made.config_class()
    if hasattr(config, "use_cache"):
        config.use_cache = False
    return Example(made(config), (), arguments(config))


def _image(*sizes: int) -> Any:
    import torch

    return torch.zeros(1, *sizes)


class Corpus(NamedTuple):
    """Models of one source."""

    names: Callable[[Path], list[str]]
    example: Callable[[str], Example]


CORPORA = {
    "torchvision": Corpus(lambda _: torchvision_names(""), torchvision_example),
    "torchvision-segmentation": Corpus(lambda _: torchvision_names("segmentation"), torchvision_example),
    "torchvision-video": Corpus(lambda _: torchvision_names("video"), torchvision_example),
    "hugging-face": Corpus(lambda _: list(hugging_face()), hugging_face_example),
    "timm": Corpus(timm_names, timm_example),
}


def skip_initialisation() -> None:
    """Leave weights as they are: a model that cannot be built on the meta device is built in memory, and slowly."""
    import torch

    for name in vars(torch.nn.init):
        if name.endswith("_") and not name.startswith("_"):
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where exported files are kept")
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=", ".join(CORPORA))
    parser.add_argument("--only", default="", help="only models whose name contains this")
    parser.add_argument("--export", action="store_true", help="export what is missing before reading")
    given = parser.parse_args()
    if given.export:
        import_torchvision()
        skip_initialisation()
    for corpus in given.corpora or CORPORA:
        folder = given.folder / corpus
        if given.export:
            for name in CORPORA[corpus].names(folder):
                path = folder / f"{name}.pt2"
                failed = folder / f"{name}.txt"
                if given.only in name and not path.exists() and not failed.exists():
                    try:
                        export(partial(CORPORA[corpus].example, name), path)
                    except Exception as error:  # whatever a model raises
                        folder.mkdir(parents=True, exist_ok=True)
                        failed.write_text(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}\n")
                        print(f"{corpus} {name}: PyTorch cannot export it: {failed.read_text()}", flush=True)
        exact = tried = 0
        begin = time.perf_counter()
        for path in sorted(folder.glob("*.pt2")):
            if given.only in path.stem:
                found = list(differences(path))
                tried, exact = tried + 1, exact + (not found)
                for each in found:
                    print(f"{corpus} {path.stem}: {each}", flush=True)
        failed = len([each for each in folder.glob("*.txt") if given.only in each.stem])
        left = f", and PyTorch cannot export {failed}" if failed else ""
        print(f"{corpus}: {exact} of {tried} exact{left} ({time.perf_counter() - begin:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
