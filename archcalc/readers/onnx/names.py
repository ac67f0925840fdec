"""The names of layers: the paths of modules that exporters leave in the metadata or the names of nodes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from archcalc.graph import Origin

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
CLASS_HIERARCHY = "pkg.torch.onnx.class_hierarchy"
"""The metadata of PyTorch's exporter: the paths of the modules around a node, and their classes."""

MAX_METADATA = 20_000

NO_NAME = re.compile(r"[^\w.-]+")
"""What no part of a layer's name may contain."""

ROLE = re.compile(
    r"\.(?:weight|kernel|bias)(?:_quantized)?$"  # PyTorch
    r"|\.[^.]+\.(?:ReadVariableOp|merged_input)(?:_\d+)*$"  # TensorFlow: after the operation that reads it
    r"|\.[wb]_\d+(?:_deepcopy_\d+)?$"  # PaddlePaddle
)
"""What the name of a weight has behind the path of its module."""

NEARLY_ALL = 0.9
"""The share of nodes around which a scope is that of the model."""

NO_TITLE = re.compile(r"(?:main_?|torch.?jit.*|tf2onnx|.*PaddlePaddle.*|model|graph|main_graph)?", re.IGNORECASE)
"""The names that exporters give every graph."""


class Names:
    """The names of a model's layers and arrays."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        """Find what the names of all nodes begin with.

        Args:
            nodes: the nodes.
        """
        self.root = common_scopes([node.name for node in nodes])
        self.have_scopes = any(_scopes(node) is not None for node in nodes)
        self.between = self.modules_between(nodes)

    def path(self, name: str) -> str:
        """Return the name of a node or an array as a path with dots, without the scope of the whole model."""
        if "/" not in name:
            return clean(name)
        parts = [part for part in name.split("/") if part]
        if name.startswith("/"):  # PyTorch, with paths as parts
            return clean(".".join(_own_names(parts)))
        parts = list(map(_part, parts))
        return ".".join(parts[len(self.root) :] if tuple(parts[: len(self.root)]) == self.root else parts)

    def module(self, node: Any) -> str | None:
        """Return the module of a node, as its scopes or its name tell it; ``None`` if they do not."""
        scopes = _scopes(node)
        if scopes is not None:
            return clean(scopes[-2] if len(scopes) > 1 else "")
        if self.have_scopes or "/" not in node.name.strip("/"):
            return None
        return self.path(node.name).rpartition(".")[0]

    def origin(self, node: Any, weight: str | None) -> Origin:
        """Return where a node comes from.

        Args:
            node: the node.
            weight: the path of the weight that it owns, if it has one.
        """
        module = self.module(node)
        of_weight = clean(ROLE.sub("", weight)) if weight is not None and ROLE.search(weight) else None
        has_path = module is not None and not self.have_scopes and node.name.startswith("/")
        if of_weight is not None and of_weight != module and not has_path:
            return Origin(of_weight, "", node.op_type, "")  # a convolution with a batch norm folded in has its scope
        if module is not None:
            return Origin(module, _class(node), node.op_type, "")
        around = self.between.get(next(iter(node.output), ""))
        if around is not None:
            return Origin(around, "", node.op_type, "")
        return Origin("", "", node.op_type, f"node '{node.name[:100]}'" if node.name else "")

    def modules_between(self, nodes: Sequence[Any]) -> dict[str, str]:
        """Return the modules of nodes that do not tell them in a file where others do, by their first output.

        Exporters have no names for nodes that their optimisation adds, or that an operator is composed of. They belong
        to the innermost module that has both the nodes whose results they read and those that read theirs.
        """
        modules = [self.module(node) for node in nodes]
        if all(module is None for module in modules):
            return {}
        paths = [None if module is None else tuple(module.split(".")) for module in modules]
        after: dict[str, list[tuple[str, ...]]] = {}
        for node, path in zip(reversed(nodes), reversed(paths), strict=True):
            reading = [path] if path is not None else [each for name in node.output for each in after.get(name, ())]
            for name in node.input if reading else ():
                after.setdefault(name, []).append(_common(reading))
        before: dict[str, tuple[str, ...]] = {}
        found = {}
        for node, path in zip(nodes, paths, strict=True):
            if path is None:
                around = [before[name] for name in node.input if name in before]
                around += [each for name in node.output for each in after.get(name, ())]
                path = _common(around)
                found[next(iter(node.output), "")] = ".".join(path)
            before.update((name, path) for name in node.output)
        return found


def common_scopes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes around nearly all nodes of TensorFlow, whose first one is the whole model.

    A scope that has no other one inside is a layer, and not one of them.
    """
    if any(name.startswith("/") for name in names):
        return ()
    paths = [tuple([_part(part) for part in name.split("/")]) for name in names if "/" in name]
    root: tuple[str, ...] = ()
    while True:
        depth = len(root)
        counts = Counter(path[depth] for path in paths if path[:depth] == root and len(path) > depth + 1)
        scope, count = counts.most_common(1)[0] if counts else ("", 0)
        if not count or count < NEARLY_ALL * len(paths):
            return root
        longer = (*root, scope)
        if not any(path[: depth + 1] == longer and len(path) > depth + 2 for path in paths):
            return root  # a layer
        root = longer


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return what several paths begin with."""
    return tuple([parts[0] for parts in takewhile(lambda parts: len({*parts}) == 1, zip(*paths, strict=False))])


def _scopes(node: Any) -> list[str] | None:
    """Return the paths of the modules around a node; ``None`` if it does not have them."""
    return _texts(next((each.value for each in node.metadata_props if each.key == NAME_SCOPES), ""))


def _class(node: Any) -> str:
    """Return the class of the module of a node."""
    written = next((each.value for each in node.metadata_props if each.key == CLASS_HIERARCHY), "")
    classes = _texts(written) or []
    return classes[-2] if len(classes) > 1 else ""


def _part(name: str) -> str:
    """Return a scope of TensorFlow, in whose name a dot has no meaning."""
    return clean(name.replace(".", "_"))


def title(name: str, file: str) -> str:
    """Return the title of a model: the name of its graph, or of its file if its exporter names all graphs alike."""
    found = clean(name)
    return clean(file) or "model" if NO_TITLE.fullmatch(found) else found


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
