"""The names of layers: the paths of TensorFlow's operations, which are the names of the tensors that they make."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from archcalc.graph import Origin
from archcalc.readers.onnx.names import Names

ACTIVATION = re.compile(r"relu|tanh|activation|clip|minimum", re.IGNORECASE)
SUM = re.compile(r"conv|depthwise|matmul|tensordot|biasadd|einsum|dense", re.IGNORECASE)
"""What the last part of the path of an operation has that is an activation, or a weighted sum."""


def paths_in(name: str) -> list[str]:
    """Return the operations that are in the name of a tensor, one for each that was merged into its operator."""
    return [part for part in name.split(";") if "/" in part]


def chosen(paths: Iterable[str], kind: re.Pattern[str] | None = None) -> str:
    """Return the path of a kind of operation, or the last one; empty if there is none."""
    found = [*paths]
    fitting = [path for path in found if kind is not None and kind.search(path.rpartition("/")[2])]
    return (fitting or found or [""])[-1]


class TfliteNames(Names):
    """The names of the layers of a file, whose nodes have the operators of the file as their documentation."""

    def origin(self, node: Any, weight: str | None) -> Origin:
        module = self.path(node.name).rpartition(".")[0] if "/" in node.name.strip("/") else ""
        return Origin(module, "", node.doc_string, "" if module else f"tensor '{node.name[:100]}'" if node.name else "")
