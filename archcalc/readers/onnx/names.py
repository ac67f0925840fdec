"""The names of layers: the paths of modules that exporters leave in the metadata or the names of nodes."""

from __future__ import annotations

import ast
import re
from typing import Any

from archcalc.graph import Origin

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
CLASS_HIERARCHY = "pkg.torch.onnx.class_hierarchy"
"""The metadata of PyTorch's exporter: the paths of the modules around a node, and their classes."""

MAX_METADATA = 20_000

NO_NAME = re.compile(r"[^\w.-]+")
"""What no part of a layer's name may contain."""

ROLE = re.compile(r"\.(?:weight|kernel|bias)(?:_quantized)?$")


def origin_of(node: Any, weight: str | None) -> Origin:
    """Return where a node comes from.

    Args:
        node: the node.
        weight: the name of the weight that it owns, if it is one of a module.
    """
    metadata = {each.key: each.value for each in node.metadata_props}
    scopes = _texts(metadata.get(NAME_SCOPES, ""))
    if scopes is not None:
        classes = _texts(metadata.get(CLASS_HIERARCHY, "")) or []
        of_weight = ROLE.sub("", weight) if weight is not None and ROLE.search(weight) else None
        module = scopes[-2] if len(scopes) > 1 else ""
        if of_weight is not None and of_weight != module:  # a convolution with a batch norm folded in has its scope
            return Origin(clean(of_weight), "", node.op_type, "")
        return Origin(clean(module), classes[-2] if len(classes) > 1 else "", node.op_type, "")
    parts = [part for part in node.name.split("/") if part]
    if len(parts) < 2:
        return Origin("", "", node.op_type, f"node '{node.name[:100]}'" if node.name else "")
    return Origin(clean(".".join(_own_names(parts[:-1]))), "", node.op_type, "")


def _own_names(parts: list[str]) -> list[str]:
    """Return the names of modules without the path that TorchScript's exporter repeats: ``layer1/layer1.0``."""
    names: list[str] = []
    path = ""
    for part in parts:
        names.append(part.removeprefix(f"{path}.") if path else part)
        path = part
    return names


def clean(name: str) -> str:
    """Return a name in which characters have been replaced that names of layers cannot have."""
    parts = [NO_NAME.sub("_", part.replace("/", ".")).strip("_") for part in name.split(".")]
    return ".".join(part for part in parts if part)


def _texts(written: str) -> list[str] | None:
    """Return a list of texts that is written as a Python literal; ``None`` if it is something else."""
    if not written or len(written) > MAX_METADATA:
        return None
    try:
        found = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else None
