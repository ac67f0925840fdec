"""The pages of the documentation, their examples, and a terminal to run them in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.cli.conftest import CI_SERVER
from tests.readers.checkpoints.files import state_dict, write_safetensors, write_torch
from tests.readers.keras.descriptions import functional, image, layer
from tests.readers.keras.descriptions import write as write_description
from tests.readers.programs import call, document, small_network, symbol, with_unknown_operators, write

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def command(self) -> str:
        """The command of a ``console`` block."""
        return self.text.removeprefix("$ ").partition("\n")[0]

    @property
    def output(self) -> str:
        """The output that the page shows below the command."""
        return self.text.partition("\n")[2]


def examples(language: str) -> list[Example]:
    """Return all blocks of the documentation in this language."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            if match[1] == language:
                found.append(Example(page, text.count("\n", 0, match.start()) + 1, match[1], match[2]))
    return found


def write_models(folder: Path) -> None:
    """Write the model files of the examples, which `torch.export.save` would write."""
    image = (1, 3, symbol("s0", 64, factor=32), symbol("s1", 64))
    conv = call(
        "conv2d.default", "c", module="stem", input="@x", weight="@p_w", bias=None, padding=[1, 1], stride=[2, 2]
    )
    neck = call("view.default", "y", module="neck", self="@x", size=[1, 192])
    models = {
        "net": small_network(),
        "unknown": with_unknown_operators(small_network(), "max_pool2d"),
        "dynamic": document(
            {"x": image}, [conv], {"c": (1, 8, 32, 32)}, {"w": (8, 3, 3, 3)}, ranges={"s0": (1, 16), "s1": (32, 512)}
        ),
        "literal": document({"x": (1, 3, 8, 8)}, [neck], {"y": (1, 192)}),
    }
    for name, program in models.items():
        write(folder / f"{name}.pt2", program)


def write_checkpoints(folder: Path) -> None:
    """Write the checkpoints of the examples: a small transformer, and what its training loop stores."""
    block = {"attn.qkv": (192, 64), "attn.proj": (64, 64), "mlp.0": (256, 64), "mlp.2": (64, 256)}
    blocks = {f"blocks.{at}.{name}": shape for at in range(6) for name, shape in block.items()}
    shapes = {"embed": (1000, 64), **blocks, "head": (1000, 64)}
    arrays = {f"{name}.weight": np.ones(shape, "f4") for name, shape in shapes.items()}
    write_safetensors(folder / "model.safetensors", arrays, {"format": "pt"})
    tuned = arrays | {"head.weight": np.ones((10, 64), "f4")}
    model = {f"module.{name}": array.astype("f2") for name, array in tuned.items()}
    value = state_dict(model | {"momentum": np.ones(64, "f4")})
    momentum = value.pop("momentum")
    write_torch(folder / "training.pth", {"epoch": 3, "model": value, "optimizer": {"state": [momentum]}})
    fc = {"fc.weight": np.array([[1, 2], [3, 4], [5, 6]], "f4"), "fc.bias": np.array([0, 0, 1], "f4")}
    write_safetensors(folder / "linear.safetensors", {f"model.{name}": array for name, array in fc.items()})


def write_keras_models(folder: Path) -> None:
    """Write the Keras models of the examples, as Keras would."""
    tower = functional(
        image(16, 16, 8),
        layer("Conv2D", "conv", "image", filters=8, kernel_size=3, padding="same", activation="relu"),
        layer("BatchNormalization", "norm", "conv"),
    )
    tower = {**tower, "name": "tower", "inbound_nodes": layer("", "", "stem")["inbound_nodes"]}
    network = functional(
        image(32, 32, 3),
        layer("Conv2D", "stem", "image", filters=8, kernel_size=3, strides=2, padding="same"),
        tower,
        layer("Add", "sum", "stem", "tower"),
        layer("Flatten", "flatten", "sum"),
        layer("Dense", "head", "flatten", units=10, activation="softmax"),
    )
    custom = functional(
        image(32, 32, 3),
        layer("Conv2D", "stem", "image", filters=8, kernel_size=3),
        {**layer("Gate", "gate", "stem"), "module": "my.layers"},
        layer("Lambda", "halve", "gate"),
        layer("GlobalAveragePooling2D", "pool", "halve"),
    )
    write_description(folder, network, "net.keras")
    write_description(folder, custom, "custom.keras")


def run_in(folder: Path, command: str) -> str:
    """Return what a command prints in a folder like the checkout, with ``archcalc`` on the path."""
    program = folder / "bin" / "archcalc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m archcalc "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    for name in ("specs", "examples"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    if ".pt2" in command:
        write_models(folder)
    if ".safetensors" in command or ".pth" in command:
        write_checkpoints(folder)
    if ".keras" in command:
        write_keras_models(folder)
    if ".tflite" in command:
        shutil.copy(ROOT / "tests/readers/tflite/files/mobile.float32.tflite", folder / "net.tflite")
    inherited = {name: value for name, value in os.environ.items() if name not in CI_SERVER}
    paths = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    run = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**inherited, **paths, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in run.stdout.splitlines())
