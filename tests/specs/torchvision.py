"""The bundled networks of torchvision: what torchvision publishes about them, and which specs they are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import archcalc
from archcalc.api import Network

FACTS = Path(__file__).parent.parent / "facts" / "torchvision.yaml"

WITHOUT_HEADS = {"googlenet"}
"""The networks whose training heads torchvision does not count among the parameters."""


class PublishedNetwork(NamedTuple):
    """What is published about one network at one size."""

    task: str
    model: str
    height: int
    width: int
    params: int
    gmacs: float

    @property
    def heads_in_params(self) -> bool:
        """Whether the parameters of training heads are counted."""
        return self.model not in WITHOUT_HEADS

    @property
    def heads_in_macs(self) -> bool:
        """Whether the multiply-accumulates of training heads are counted: only those for segmentation run then."""
        return self.task == "segmentation"


@cache
def published() -> tuple[PublishedNetwork, ...]:
    """Return what is published, once for each network and size."""
    found: dict[PublishedNetwork, None] = {}
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load(FACTS.read_text(encoding="utf-8"))
    for task, rows in content.items():
        for row in rows:
            sizes = [int(part) for part in str(row["size"]).split("x")]
            found[PublishedNetwork(task, row["model"], sizes[0], sizes[-1], row["params"], row["gmacs"])] = None
    return tuple(found)


def load(model: str, height: int, width: int) -> Network:
    """Return a network of torchvision at a size; where the name is that of the paper's form, its variant."""
    network = archcalc.load(model)
    if "torchvision" in network.spec.variants:
        model = f"{model}:torchvision"
    (name, shape), *_ = network.graph.inputs.items()
    return archcalc.load(model, shapes={name: "x".join(map(str, (*shape[:-2], height, width)))})
