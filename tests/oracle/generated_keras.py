"""Models that are built by generated code for Keras, whose numbers the executor uses."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

import numpy as np

from archcalc.executor.inputs import random_inputs
from archcalc.executor.interpreter import Interpreter
from archcalc.executor.weights import stored_array_shapes
from archcalc.graph import Graph
from archcalc.writers.keras.arrays import variables_of
from archcalc.writers.keras.layout import layouts_of
from archcalc.writers.keras.write import write_keras


def model_of(graph: Graph, **arguments: Any) -> Any:
    """Return the model that the code written for a network builds."""
    import keras

    keras.backend.clear_session()
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(write_keras(graph), "generated.py", "exec"), scope)
    return scope["build_model"](**arguments)


def arrays_of(model: Any, graph: Graph) -> Mapping[str, np.ndarray[Any, Any]]:
    """Return the arrays of the executor from the variables of a model, all of which must occur."""
    every = [each for each in model.variables if "seed_generator" not in each.path]
    values = {"/" + each.path: each.numpy() for each in every}
    shapes, left = stored_array_shapes(graph), {*values}
    found = {}
    for array, variables in variables_of(graph).items():
        if array in shapes:
            paths = [next(path for path in values if fnmatch(path, f"*/{each.path}")) for each in variables]
            parts = [each.transform(values[path]) for each, path in zip(variables, paths, strict=True)]
            found[array] = np.concatenate(parts).reshape(tuple(map(int, shapes[array])))
            left -= {*paths}
    assert not left
    return found


def randomised(model: Any, seed: int = 1) -> Any:
    """Return a model whose variables have random numbers in place of zeros and ones."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        values = variable.numpy()
        if values.ndim == 1 and "float" in str(values.dtype):  # of kernels, Keras's initial numbers are random
            noise = 0.1 * random.standard_normal(values.shape).astype(values.dtype)
            variable.assign(abs(values + noise) if variable.path.endswith("variance") else values + noise)
    return model


def differences(graph: Graph, *, batch: int = 2) -> dict[str, float]:
    """Return by how much outputs differ from those of the executor, relative to their largest number."""
    model = randomised(model_of(graph))
    arrays = arrays_of(model, graph)
    inputs = random_inputs(graph, batch=batch)
    layouts = layouts_of(graph)
    given = []
    for (name, numbers), ref in zip(inputs.items(), layouts.made, strict=False):
        order = layouts.made[ref].order(len(graph.inputs[name]))
        given.append(numbers.transpose(0, *(1 + axis for axis in order)))
    found = model(given if len(given) > 1 else given[0], training=False)
    outputs = Interpreter(graph, arrays).run(inputs).outputs
    result = {}
    listed = found if isinstance(found, list | tuple) else [found]
    for (name, ours), theirs, ref in zip(outputs.items(), listed, graph.outputs.values(), strict=True):
        order = layouts.made[ref].order(len(graph.shape(ref)))
        numbers = theirs.detach().cpu().numpy() if hasattr(theirs, "detach") else np.asarray(theirs)
        expected = ours.transpose(0, *(1 + axis for axis in order))
        assert expected.shape == (batch, *numbers.shape[1:]), name
        largest = max(float(np.abs(ours).max(initial=0)), 0.01)  # a single number is normalised to 0
        result[name] = float(np.abs(expected - numbers).max(initial=0)) / largest
    return result
