"""Models of PyTorch as exported files, with what PyTorch says about them, and in what archcalc differs from that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archcalc.analysis.propagate import analyze
from archcalc.readers.lowering import lower
from archcalc.readers.torch_export.read import read_model
from archcalc.spec import SpecError


class Example(NamedTuple):
    """A model and what it is called with."""

    model: Any
    arguments: tuple[Any, ...]
    names: Mapping[str, Any] = {}


def export(example: Callable[[], Example], path: Path) -> None:
    """Export a model on the meta device, and write the figures of PyTorch next to the file."""
    import torch
    from torch._export.serde import serialize
    from torch.export.graph_signature import InputKind
    from torch.utils._pytree import tree_map_only
    from torch.utils.flop_counter import FlopCounterMode

    try:
        with torch.device("meta"):
            found = example()
    except Exception:  # a constructor that needs numbers
        found = example()
    model = found.model.eval().to("meta")
    with torch.device("meta"):
        arguments, names = tree_map_only(
            torch.Tensor, lambda each: each.to("meta"), (found.arguments, dict(found.names))
        )
        program = torch.export.export(model, arguments, names)
        try:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                model(*arguments, **names)
        except (RuntimeError, AssertionError):  # a model that looks at numbers or gradients unless it is exported
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                program.module()(*arguments, **names)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    read = {node.name for node in program.graph.nodes if node.op == "placeholder" and node.users}
    specs = [each for each in program.graph_signature.input_specs if each.kind is InputKind.PARAMETER]
    used = {id(parameters[each.target]): parameters[each.target].numel() for each in specs if each.arg.name in read}
    # a file without weights does not tell that two names are one tensor, so it has further names as unused parameters
    unused = {each.target: parameters[each.target].numel() for each in specs if each.arg.name not in read}
    facts = {
        "macs": counter.get_total_flops() // 2,
        "params": sum(used.values()),
        "unused": sorted(unused),
        "unused_params": sum(unused.values()),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:  # PyTorch's check of what it saves, on a copy, is slow; files are equal
        patch.setattr(serialize, "canonicalize", lambda *_: None)
        torch.export.save(program, path)
    path.with_suffix(".json").write_text(json.dumps(facts))


def differences(path: Path) -> Iterator[str]:
    """Yield how the figures of a file differ from those of PyTorch."""
    facts = json.loads(path.with_suffix(".json").read_text())
    try:
        graph = lower(read_model(path, path.name)).graph
        totals = analyze(graph, receptive=False).totals
    except SpecError as error:
        (problem, *_) = error.problems
        yield "; ".join([problem.message, *(problem.hint or "").splitlines()])
        return
    if totals.trainable != facts["params"]:
        yield f"{totals.trainable - facts['params']:+,} parameters of {facts['params']:,}"
    if totals.macs != facts["macs"]:
        yield f"{totals.macs - facts['macs']:+,} MACs of {facts['macs']:,}"
    noted = [note for note in graph.notes if "not used" in note]
    unused = f" {facts['unused_params']:,} parameters"
    if bool(facts["unused"]) != bool(noted) or not all(unused in note for note in noted):
        yield f"{unused} are not used, but the notes are {list(graph.notes)}"
