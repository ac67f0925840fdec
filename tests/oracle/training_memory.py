"""What PyTorch keeps and allocates in a training step, as its saved-tensor hooks and its memory tracker see it.

`torch.distributed._tools.mem_tracker.MemTracker` watches every operation, and with it when the memory of a tensor is
taken and freed. On the ``meta`` device, nothing is computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import archcalc
from archcalc.analysis.formats import read_formats
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import TrainingSetup
from archcalc.graph import Ref
from tests.oracle.torchvision_import import import_torchvision

FLOAT32 = read_formats("float32")

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50:torchvision", {}),
    "alexnet": ("alexnet:torchvision", {}),
    "vgg16": ("vgg16", {}),
    "squeezenet1_0": ("squeezenet1_0", {}),
    "densenet121": ("densenet121", {}),
    "mobilenet_v2": ("mobilenet_v2", {}),
    "efficientnet_b0": ("efficientnet_b0", {"stochastic_depth_prob": 0}),  # or random numbers are kept, one per block
    "shufflenet_v2_x1_0": ("shufflenet_v2_x1_0", {}),
    "vit_b_16": ("vit_b_16", {}),
}
"""Networks of torchvision: the bundled network, and the arguments of the model."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The bytes of a training step."""

    weights: int
    """The parameters and buffers."""
    gradients: int
    """The gradients of the parameters."""
    optimizer: int
    """The state of Adam."""
    saved: int
    """The tensors that are kept for the backward pass."""
    tensors: int
    """The tensors in memory after the forward pass."""
    peak: int
    """The largest number of bytes of tensors, without parameters and their gradients, in memory together."""
    at: str
    """The operation, or the moment, at which they are in memory."""


def network(name: str, batch: int) -> tuple[Any, Any]:
    """Return a network of torchvision, and images, on the ``meta`` device.

    Raises:
        ModuleNotFoundError: torchvision is not installed.
    """
    import_torchvision()
    import torch
    from torchvision import models

    _, arguments = NETWORKS[name]
    with torch.device("meta"):
        return getattr(models, name)(**arguments).train(), torch.randn(batch, 3, 224, 224)


def counted(model: Any, x: Any) -> tuple[int, int]:
    """Return the operations that PyTorch's FlopCounterMode counts, in the forward pass and in the backward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        y = model(x)
        forward = counter.get_total_flops()
        y.sum().backward()
    return forward, counter.get_total_flops() - forward


def tracked(model: Any, x: Any) -> Step:
    """Return what PyTorch does in a training step of a model on the ``meta`` device."""
    import torch
    from torch.autograd.graph import saved_tensors_hooks
    from torch.distributed._tools.mem_tracker import MemTracker, _MemRefType, _UpdateType

    class Timeline(MemTracker):
        """The tracker, with a list of what it notes: bytes that are taken or, negative, freed."""

        def __init__(self) -> None:
            super().__init__()
            self.changes: list[tuple[Any, int, str]] = []
            self.operation = ""

        def _update_snap(self, kind: Any, info: Any, *rest: Any, **named: Any) -> None:
            super()._update_snap(kind, info, *rest, **named)
            sign = {_UpdateType.ADD: 1, _UpdateType.DEL: -1}.get(kind, 0)
            self.changes.append((info, sign * info.mem_consumed, self.operation))

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            modules = self._mod_tracker.parents - {"Global"}
            self.operation = f"{function} in {max(modules, key=len, default='')}"
            return super().__torch_dispatch__(function, types, args, kwargs)

    stored = {each.untyped_storage()._cdata for each in (*model.parameters(), *model.buffers())}
    kept: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        if tensor.untyped_storage()._cdata not in stored:
            kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        model(x)
    optimizer, tracker = torch.optim.Adam(model.parameters()), Timeline()
    tracker.track_external(model, x)
    with tracker:
        y = model(x)
        (after,) = tracker.get_tracker_snapshot().values()
        loss = y.sum()
        del y
        loss.backward()
        steps = len(tracker.changes)
        optimizer.step()
        (last,) = (each for device, each in tracker.get_tracker_snapshot().items() if device.type == "meta")
    tensors = {_MemRefType.ACT, _MemRefType.TEMP, _MemRefType.OTH}
    live, peak, at = 0, 0, ""
    for info, change, operation in tracker.changes[:steps]:
        live += change if info.reftype in tensors else 0  # as what the tracker knew the memory in the end
        if live > peak:
            peak, at = live, operation
    return Step(
        weights=last[_MemRefType.PARAM] + last[_MemRefType.BUFFER],
        gradients=last[_MemRefType.GRAD],
        optimizer=last[_MemRefType.OPT],
        saved=sum(kept.values()),
        tensors=sum(after[kind] for kind in tensors),
        peak=peak,
        at=at,
    )


def computed(spec: str, batch: int) -> tuple[Step, TrainingCost]:
    """Return the same as archcalc computes it, with what PyTorch keeps and activations in place."""
    graph = archcalc.load(spec).graph
    cost = TrainingCost(graph, TrainingSetup(in_place=True, as_pytorch=True, optimizer="adam"), batch=batch)
    parts = cost.parts(FLOAT32)
    moment, _ = cost.worst_moment(FLOAT32)
    spans = [span for span in cost.moments.spans if span.use != "gradient"]
    loss = cost.moments.loss
    step = Step(
        weights=parts.weights,
        gradients=parts.gradients,
        optimizer=parts.optimizer,
        saved=cost.saved(cost.runs, FLOAT32),
        tensors=sum(span.tensor.bytes(FLOAT32, batch) for span in spans if span.first <= loss <= span.last),
        peak=parts.tensors,
        at=cost.moments.name(moment),
    )
    return step, cost


def unexplained(found: Step, expected: Step, terms: Mapping[str, Counter[str]]) -> dict[str, int]:
    """Return by how many bytes each field of a step differs from what is expected with the terms of conventions."""
    differences = {}
    for field in fields(Step):
        name = field.name
        if name != "at":
            known = getattr(expected, name) + sum(term[name] for term in terms.values())
            differences[name] = getattr(found, name) - known
    return {name: number for name, number in differences.items() if number}


def conventions(cost: TrainingCost) -> dict[str, Counter[str]]:
    """Return the bytes that PyTorch has in addition on this device, by convention and by the field of a `Step`."""
    moment, _ = cost.worst_moment(FLOAT32)
    nodes, found = cost.graph.nodes, dict[str, Counter[str]]()

    def add(convention: str, amount: int, *where: str) -> None:
        found.setdefault(convention, Counter()).update(dict.fromkeys(where, amount))

    add("the loss and its gradient take 4 bytes each", 4 + 4, "peak")
    for _, node in cost.graph.layers():
        if node.op.running_statistics:
            add("batch norm counts its batches in 8 bytes", 8, "weights")
    if nodes[-1].op.name == "softmax":
        amount = -cost.examples * 4 * nodes[-1].output[0]
        add("a softmax at the end belongs to the loss", amount, "saved")
    for span in cost.moments.spans:
        tensor = span.tensor
        if span.use != "saved" or isinstance(tensor.key, Ref):
            continue
        index, what = tensor.key
        where = ("saved", "tensors", *(["peak"] if span.first <= moment <= span.last else []))
        if tensor.width == 1:
            add("masks of dropout are numbers of 4 bytes", 3 * cost.examples * tensor.elements, *where)
        elif what in ("queries", "keys") and not nodes[index].op.context:
            add("values are a view of queries, keys and values", 4 * cost.examples * tensor.elements, *where)
    return found
