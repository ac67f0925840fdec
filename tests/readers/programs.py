"""Writes exported programs as `torch.export.save` does, without PyTorch: calls on named tensors in a zip archive."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

FLOAT32 = 7


def symbol(name: str, example: int, *, factor: int = 1, offset: int = 0) -> dict[str, Any]:
    """Return a symbolic size, factor · symbol + offset, with its value in the example."""
    text = f"Symbol('{name}', positive=True, integer=True)"
    text = text if factor == 1 else f"Mul(Integer({factor}), {text})"
    text = text if offset == 0 else f"Add({text}, Integer({offset}))"
    return {"as_expr": {"expr_str": text, "hint": {"as_int": example}}}


def meta(*sizes: Any) -> dict[str, Any]:
    """Return the record of a tensor; a size is an integer or `symbol`."""
    return {
        "dtype": FLOAT32,
        "sizes": [{"as_int": size} if isinstance(size, int) else size for size in sizes],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [{"as_int": stride} for stride in strides(sizes)],
        "storage_offset": {"as_int": 0},
        "layout": 7,
    }


def strides(sizes: Sequence[Any]) -> list[int]:
    """Return the distances between neighbours along each axis, in the order of the axes and without gaps."""
    numbers = [
        size if isinstance(size, int) else size["as_expr"].get("hint", {"as_int": 1})["as_int"] for size in sizes
    ]
    return [prod(numbers[axis + 1 :]) for axis in range(len(numbers))]


def argument(value: Any) -> dict[str, Any]:
    """Return an argument in the form of the file; a text that begins with @ names a tensor."""
    if value is None:
        return {"as_none": True}
    if isinstance(value, bool):
        return {"as_bool": value}
    if isinstance(value, int):
        return {"as_int": value}
    if isinstance(value, float):
        return {"as_float": value}
    if isinstance(value, str):
        return {"as_tensor": {"name": value[1:]}} if value.startswith("@") else {"as_string": value}
    if value and isinstance(value[0], str):
        return {"as_tensors": [{"name": each[1:]} for each in value]}
    return {"as_ints": list(value)}


def call(target: str, result: str, /, *, module: str = "", **arguments: Any) -> dict[str, Any]:
    """Return a call; the name of its module is a path, such as ``layer1.0``."""
    stack = f"L__self__,,Net;L__self__{module},{module},torch.nn.Module" if module else "L__self__,,Net"
    function = target.split(".")[0]
    return {
        "target": f"torch.ops.aten.{target}",
        "inputs": [{"name": name, "arg": argument(value), "kind": 1} for name, value in arguments.items()],
        "outputs": [{"as_tensor": {"name": result}}],
        "metadata": {
            "stack_trace": f'File "net.py", line 7, in forward\n    {function}()',
            "nn_module_stack": stack,
            "torch_fn": f"{function}_1;function.{function}",
        },
    }


def document(
    inputs: Mapping[str, Sequence[Any]],
    calls: Sequence[dict[str, Any]],
    results: Mapping[str, Sequence[Any]],
    stored: Mapping[str, Sequence[int]] | None = None,
    *,
    ranges: Mapping[str, tuple[int, int | None]] | None = None,
) -> dict[str, Any]:
    """Return the description of a program. The last result is its output; stored arrays are parameters.

    Sizes are integers or symbols, whose ranges are given by name.
    """
    arrays = stored or {}
    sizes = {**inputs, **results, **{local(name): shape for name, shape in arrays.items()}}
    specs: list[Any] = [{"parameter": {"arg": {"name": local(name)}, "parameter_name": name}} for name in arrays]
    specs += [{"user_input": {"arg": argument(f"@{name}")}} for name in inputs]
    graph = {
        "inputs": [],
        "outputs": [],
        "nodes": list(calls),
        "tensor_values": {name: meta(*shape) for name, shape in sizes.items()},
        "sym_int_values": {},
        "sym_bool_values": {},
    }
    module = {
        "graph": graph,
        "signature": {
            "input_specs": specs,
            "output_specs": [{"user_output": {"arg": argument(f"@{list(results)[-1]}")}}],
        },
        "module_call_graph": [{"fqn": "", "signature": {"forward_arg_names": list(inputs)}}],
        "metadata": {},
    }
    return {
        "graph_module": module,
        "opset_version": {"aten": 10},
        "range_constraints": {name: {"min_val": low, "max_val": high} for name, (low, high) in (ranges or {}).items()},
        "schema_version": {"major": 8, "minor": 20},
        "torch_version": "2.13.0",
    }


def local(name: str) -> str:
    """Return the name that a stored array has in the program."""
    return "p_" + name.replace(".", "_")


def payloads(program: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of the stored arrays of a program."""
    return {
        entry["parameter"]["parameter_name"]: {
            "path_name": f"weight_{number}",
            "is_param": True,
            "use_pickle": False,
            "tensor_meta": program["graph_module"]["graph"]["tensor_values"][entry["parameter"]["arg"]["name"]],
        }
        for number, entry in enumerate(program["graph_module"]["signature"]["input_specs"])
        if "parameter" in entry
    }


def write(path: Path, program: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> Path:
    """Write a program, with a table of its stored arrays, as a file."""
    config = payloads(program) if config is None else config
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/models/model.json", json.dumps(program))
        archive.writestr(f"{path.stem}/data/weights/model_weights_config.json", json.dumps({"config": config}))
        archive.writestr(f"{path.stem}/data/constants/model_constants_config.json", json.dumps({"config": {}}))
    return path


def with_unknown_operators(program: dict[str, Any], *targets: str) -> dict[str, Any]:
    """Return a program in which calls of some operators are calls of unknown operators."""
    changed: dict[str, Any] = json.loads(json.dumps(program))
    for node in changed["graph_module"]["graph"]["nodes"]:
        name = node["target"].split(".")[3]
        if name in targets:
            node["target"] = f"torch.ops.aten.exotic_{name}.default"
    return changed


def small_network(batch: int = 1) -> dict[str, Any]:
    """Return a convolution, an activation in place, pooling, and a fully connected layer, in modules of a model."""
    b = batch
    calls = [
        call(
            "conv2d.default",
            "c",
            module="stem.conv",
            input="@x",
            weight="@p_stem_conv_weight",
            bias=None,
            padding=[1, 1],
        ),
        call("relu_.default", "r", module="stem.act", self="@c"),
        call("add.Tensor", "s", module="stem", self="@r", other="@c"),
        call("max_pool2d.default", "m", self="@s", kernel_size=[2, 2]),
        call("flatten.using_ints", "f", self="@m", start_dim=1),
        call("linear.default", "y", module="head", input="@f", weight="@p_head_weight", bias="@p_head_bias"),
    ]
    results = {"c": (b, 8, 6, 6), "r": (b, 8, 6, 6), "s": (b, 8, 6, 6), "m": (b, 8, 3, 3), "f": (b, 72), "y": (b, 10)}
    stored = {"stem.conv.weight": (8, 3, 3, 3), "head.weight": (10, 72), "head.bias": (10,)}
    return document({"x": (b, 3, 6, 6)}, calls, results, stored)
