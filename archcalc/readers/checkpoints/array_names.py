"""The names that PyTorch and libraries on it give the stored arrays of a layer within its module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archcalc.executor.kernel import Sizes
from archcalc.executor.weights import stored_shapes
from archcalc.graph import Graph, Node
from archcalc.readers.checkpoints.sources import Naming, WeightSource

SIMPLE = {
    "weight": "weight",
    "bias": "bias",
    "scale": "weight",
    "shift": "bias",
    "mean": "running_mean",
    "variance": "running_var",
    "slope": "weight",
    "table": "relative_position_bias_table",
    "value": "",
}
"""The names of arrays in modules of ``torch.nn``."""
WEIGHT_NORM = (
    {"weight": "weight_v", "gain": "weight_g", "bias": "bias"},
    {"weight": "parametrizations.weight.original1", "gain": "parametrizations.weight.original0", "bias": "bias"},
)
PROJECTIONS = (
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("query", "key", "value", "output"),
    ("self.query", "self.key", "self.value", "output.dense"),
    ("attention.query", "attention.key", "attention.value", "output.dense"),
    ("to_q", "to_k", "to_v", "to_out.0"),
    ("q", "k", "v", "o"),
    ("q", "k", "v", "proj"),
    ("wq", "wk", "wv", "wo"),
)
"""The names of the linear layers of attention in PyTorch, Hugging Face's libraries, timm and Llama."""
JOINED = (("in_proj_weight", "in_proj_bias", "out_proj"), ("qkv.weight", "qkv.bias", "proj"))
"""The names of the joined weights and biases of queries, keys and values, and of the linear layer of the output."""
HEADS = ("query", "key", "value")


def namings(graph: Graph, node: Node, *, own: bool = False) -> Iterator[Naming]:
    """Yield the ways in which the stored arrays of a layer may be named; none if it stores nothing.

    Args:
        graph: the network.
        node: the layer.
        own: whether arrays that belong to other layers are left out.
    """
    arrays = [name for name in stored_shapes(graph, node) if not own or name not in node.tied]
    if not arrays:
        return
    for names in _all(node, stored_shapes(graph, node)):
        if all(array in names for array in arrays):
            yield {array: names[array] for array in arrays}


def _all(node: Node, shapes: Mapping[str, Sizes]) -> Iterator[Naming]:
    """Yield names for arrays, among which those of a layer may be."""
    yield _single(SIMPLE)
    yield _single({name: name for name in shapes})
    if "gain" in shapes:
        yield from map(_single, WEIGHT_NORM)
    if "query" in shapes:
        for projections in PROJECTIONS:
            linear = dict(zip((*HEADS, "output"), projections, strict=True))
            weights = {name: f"{module}.weight" for name, module in linear.items()}
            yield _single({**weights, **{f"{name}_bias": f"{module}.bias" for name, module in linear.items()}})
        if shapes["query"] == shapes["key"] == shapes["value"]:
            yield from map(_joined, *zip(*JOINED, strict=True))
    if "recurrent" in shapes:
        yield _recurrent(getattr(node.op, "layers", 1), bool(getattr(node.op, "bidirectional", False)))


def _single(names: Mapping[str, str]) -> Naming:
    return {array: WeightSource((name,)) for array, name in names.items()}


def _joined(weight: str, bias: str, output: str) -> Naming:
    """Return the names of attention whose queries, keys and values are computed together."""
    found = {"output": WeightSource((f"{output}.weight",)), "output_bias": WeightSource((f"{output}.bias",))}
    for part, name in enumerate(HEADS):
        found[name] = WeightSource((weight,), part, len(HEADS))
        found[f"{name}_bias"] = WeightSource((bias,), part, len(HEADS))
    return found


def _recurrent(layers: int, bidirectional: bool) -> Naming:
    """Return the names of recurrent layers, whose arrays join those of all layers and of both directions."""
    ends = [[f"_l{layer}{way}" for way in ("", "_reverse")[: 1 + bidirectional]] for layer in range(layers)]
    every = [end for layer in ends for end in layer]

    def source(name: str, used: list[str]) -> WeightSource:
        return WeightSource(tuple([f"{name}{end}" for end in used]))

    return {
        "input": source("weight_ih", ends[0]),
        "deeper": source("weight_ih", every[len(ends[0]) :]),
        "recurrent": source("weight_hh", every),
        "bias": source("bias_ih", every),
        "recurrent_bias": source("bias_hh", every),
        "projection": source("weight_hr", every),
    }
