"""Descriptions of Keras models, written by hand as the versions of Keras write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def layer(class_name: str, name: str, *read: str, **config: Any) -> dict[str, Any]:
    """Return a layer as Keras 3 describes it, which reads the first outputs of others."""
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [each, 0, 0]}} for each in read]
    nodes = [{"args": tensors if len(tensors) == 1 else [tensors], "kwargs": {}}] if read else []
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **config},
        "name": name,
        "inbound_nodes": nodes,
    }


def functional(*layers: dict[str, Any], inputs: list[Any] | None = None, outputs: Any = None) -> dict[str, Any]:
    """Return a model as Keras 3 describes it: by default from its first layer to its last."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": list(layers),
            "input_layers": inputs or [[layers[0]["name"], 0, 0]],
            "output_layers": outputs or [[layers[-1]["name"], 0, 0]],
        },
    }


def image(*shape: int | None, name: str = "image") -> dict[str, Any]:
    """Return an input."""
    return layer("InputLayer", name, batch_shape=[None, *shape])


def write(folder: Path, description: Any, name: str = "net.json") -> str:
    """Write a description, and return the name of the file."""
    path = folder / name
    path.write_text(json.dumps(description))
    return str(path)
