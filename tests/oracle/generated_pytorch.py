"""Modules that are defined by generated code for PyTorch, with the arrays of the executor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from archcalc.executor.inputs import random_inputs, vocabularies
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import initial_arrays
from archcalc.graph import Graph
from archcalc.writers.pytorch.write import state_names, write_pytorch

if TYPE_CHECKING:
    from torch.nn import Module


def module_of(graph: Graph) -> Module:
    """Return the module that the code written for a network defines."""
    return class_of(write_pytorch(graph))()


def class_of(code: str) -> type[Module]:
    """Return the module that code defines, which is its last class."""
    from torch import nn

    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(code, "generated.py", "exec"), scope)
    *_, network = [each for each in scope.values() if isinstance(each, type) and issubclass(each, nn.Module)]
    return network


def stored_in(module: Module, graph: Graph, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Module:
    """Store arrays in a module by the names that the writer gives for them; there must be no others in it."""
    import torch

    names, state = state_names(graph), module.state_dict(keep_vars=True)
    given: set[int] = set()
    with torch.no_grad():
        for array, numbers in arrays.items():
            row = int(np.prod(numbers.shape[1:]))
            rows = np.cumsum([state[name].numel() // row for name in names[array]])[:-1]
            parts = np.split(numbers, rows) if len(names[array]) > 1 else [numbers]
            for name, part in zip(names[array], parts, strict=True):
                state[name].copy_(torch.from_numpy(part).reshape(state[name].shape))
                given.add(id(state[name]))
    left = [name for name, each in state.items() if id(each) not in given and not name.endswith("num_batches_tracked")]
    assert not left
    return module.eval()


def differences(graph: Graph, *, seed: int = 1, batch: int = 2) -> dict[str, float]:
    """Return by how much outputs differ from those of the executor, relative to their largest number."""
    import torch

    arrays = initial_arrays(graph, seed=seed, training=True)
    module = stored_in(module_of(graph), graph, arrays)
    inputs = random_inputs(graph, batch=batch)
    indices = vocabularies(graph)
    given = [
        torch.from_numpy(numbers).long() if name in indices else torch.from_numpy(numbers)
        for name, numbers in inputs.items()
    ]
    with torch.no_grad():
        found = module(*given)
    outputs = Interpreter(graph, arrays).run(inputs).outputs
    result = {}
    for (name, ours), theirs in zip(outputs.items(), found if isinstance(found, tuple) else (found,), strict=True):
        assert ours.shape == tuple(theirs.expand(batch, *(-1,) * (theirs.dim() - 1)).shape), name
        largest = max(float(np.abs(ours).max(initial=0)), 0.01)  # a single number is normalised to 0
        result[name] = float(np.abs(ours - theirs.numpy()).max(initial=0)) / largest
    return result
