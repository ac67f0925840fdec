"""The values of tensors that a program computes from constants only: masks, tables of positions, indices.

They are needed by runs, not by the analysis. All such calls are evaluated in their order, on arrays that share memory
where the tensors of the program do, so that writes into a part of a tensor are seen by all its views.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from archcalc.executor.kernels.rounding import round_to_format, round_unlimited
from archcalc.ops.formats import FORMATS, NumberFormat
from archcalc.readers.aten import tables
from archcalc.readers.aten.calls import tensors_in
from archcalc.readers.aten.formats import NARROW, NUMPY_DTYPES, SATURATED
from archcalc.readers.aten.program import Call, TensorName, Word
from archcalc.readers.aten.registry import base_name
from archcalc.spec.errors import SpecError, fail

Array: TypeAlias = np.ndarray[Any, Any]
Function: TypeAlias = Callable[["Values"], Any]


UNKNOWN = np.empty(0, np.float32)
"""A tensor of which only the number format matters."""


class Values:
    """The arguments of a call, with arrays for tensors."""

    def __init__(self, call: Call, arrays: Mapping[str, Array]) -> None:
        self._given = {name: self._value(value, arrays) for name, value in call.arguments.items()}

    def _value(self, value: Any, arrays: Mapping[str, Array]) -> Any:
        if isinstance(value, TensorName):
            return arrays.get(value.name, UNKNOWN)
        return [self._value(each, arrays) for each in value] if isinstance(value, list) else value

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def get(self, name: str, default: Any = None) -> Any:
        found = self._given.get(name)
        return default if found is None else found

    @property
    def x(self) -> Array:
        """The first tensor."""
        return self._given.get("self", self._given.get("input"))  # type: ignore[return-value]

    @property
    def dtype(self) -> Any:
        """The number format that is asked for, or ``None``; float32 for one that NumPy does not have."""
        if self.narrow is not None:
            return np.dtype(np.float32)
        word = self._given.get("dtype")
        return np.dtype(NUMPY_DTYPES[word.value]) if isinstance(word, Word) and word.value in NUMPY_DTYPES else None

    @property
    def narrow(self) -> NumberFormat | None:
        """The number format that is asked for, if NumPy does not have it."""
        word = self._given.get("dtype")
        return NARROW.get(word.value) if isinstance(word, Word) else None


def _differences(v: Values) -> Array:
    axis = v.get("dim", -1)
    parts = [each for each in (v.get("prepend"), v.x, v.get("append")) if each is not None]
    return np.diff(np.concatenate(parts, axis), v.get("n", 1), axis)


def _index(v: Values) -> Any:
    return tuple([slice(None) if each is None else each for each in v["indices"]])


def _slice(v: Values) -> Array:
    parts: list[Any] = [slice(None)] * v.x.ndim
    parts[v.get("dim", 0)] = slice(v.get("start", 0), v.get("end"), v.get("step", 1))
    part: Array = v.x[tuple(parts)]
    return part


def _divided(x: Array, size: int, axis: int) -> list[Array]:
    return np.split(x, range(size, x.shape[axis], size), axis)


def _copied(v: Values, value: Any) -> Array:
    v.x[...] = value
    return v.x


def _masked(v: Values) -> Array:
    return np.where(v["mask"], v["value"], v.x).astype(v.x.dtype)


def _chosen(v: Values) -> Array:
    result = np.where(v["condition"], v.x, v["other"])
    formats = {each.dtype for each in (v.x, v["other"]) if isinstance(each, np.ndarray)}
    return result.astype(np.result_type(*formats) if formats else np.float32)


def _binary(function: Callable[..., Any]) -> Function:
    return lambda v: function(v.x, v["other"])


def _moved(v: Values) -> Array:
    first, second = (v.get("dim0", 0), v.get("dim1", 1))
    return np.swapaxes(v.x, first, second)


def _flat(v: Values) -> Array:
    first, last = v.get("start_dim", 0) % v.x.ndim, v.get("end_dim", -1) % v.x.ndim
    return v.x.reshape((*v.x.shape[:first], -1, *v.x.shape[last + 1 :]))


def _expanded(v: Values) -> Array:
    sizes, shape = v["size"], (1,) * (len(v["size"]) - v.x.ndim) + v.x.shape
    return np.broadcast_to(v.x, [n if size == -1 else size for size, n in zip(sizes, shape, strict=True)])


def _axes(v: Values) -> tuple[int, ...] | None:
    """Return the axes that a reduction combines; ``None``: all."""
    axes = v.get("dim")
    return (axes,) if type(axes) is int else tuple(axes) if axes else None


def _reduced(function: Callable[..., Any]) -> Function:
    return lambda v: function(v.x, axis=_axes(v), keepdims=bool(v.get("keepdim")))


def _mean(v: Values) -> Any:
    """Return the mean; that of no numbers is not a number."""
    return _reduced(np.mean)(v) if v.x.size else _reduced(np.sum)(v) * np.float32(np.nan)


def _padded(v: Values) -> Array:
    if v.get("mode", "constant") != "constant":
        raise ValueError("a border other than a constant")
    pairs = np.reshape(v["pad"], (-1, 2))[::-1]
    return np.pad(v.x, [(0, 0)] * (v.x.ndim - len(pairs)) + pairs.tolist(), constant_values=v.get("value", 0))


def _quantised(v: Values) -> Array:
    form, scale, zero = FORMATS[v["format"]], v.get("scale", 1), v.get("zero", 0)
    found: Array = (
        np.clip(round_unlimited(v.x / scale, form), float(form.smallest - zero), float(form.largest - zero)) * scale
    )
    return found


FUNCTIONS: dict[str, Function] = {
    "new_zeros": lambda v: np.zeros(v["size"], v.dtype or v.x.dtype),
    "new_empty": lambda v: np.zeros(v["size"], v.dtype or v.x.dtype),
    "empty_strided": lambda v: np.zeros(v["size"], v.dtype or np.float32),
    "empty": lambda v: np.zeros(v["size"], v.dtype or np.float32),
    "new_ones": lambda v: np.ones(v["size"], v.dtype or v.x.dtype),
    "new_full": lambda v: np.full(v["size"], v["fill_value"], v.dtype or v.x.dtype),
    "given": lambda v: np.array(v["numbers"]).astype(v.dtype or np.float32).reshape(v["size"]),
    "zeros": lambda v: np.zeros(v["size"], v.dtype or np.float32),
    "ones": lambda v: np.ones(v["size"], v.dtype or np.float32),
    "full": lambda v: np.full(v["size"], v["fill_value"], v.dtype or np.float32),
    "scalar_tensor": lambda v: np.array(v["s"], v.dtype or np.float32),
    "arange": lambda v: np.arange(v.get("start", 0), v["end"], v.get("step", 1)).astype(v.dtype or np.int64),
    "view": lambda v: v.x.reshape(v["size"]),
    "reshape": lambda v: v.x.reshape(v["shape"]),
    "flatten": _flat,
    "permute": lambda v: v.x.transpose(v["dims"]),
    "transpose": _moved,
    "swapaxes": lambda v: np.swapaxes(v.x, v["axis0"], v["axis1"]),
    "unsqueeze": lambda v: np.expand_dims(v.x, v["dim"]),
    "squeeze": lambda v: np.squeeze(v.x, v.get("dim")),
    "expand": _expanded,
    "slice": _slice,
    "select": lambda v: np.moveaxis(v.x, v["dim"], 0)[v["index"]],
    "index": lambda v: v.x[_index(v)],
    "cat": lambda v: np.concatenate(v["tensors"], v.get("dim", 0)),
    "stack": lambda v: np.stack(v["tensors"], v.get("dim", 0)),
    "roll": lambda v: np.roll(v.x, v["shifts"], v.get("dims") or None),
    "contiguous": lambda v: v.x,
    "alias": lambda v: v.x,
    "detach": lambda v: v.x,
    "clone": lambda v: v.x.copy(),
    "lift_fresh_copy": lambda v: v.x.copy(),
    "to": lambda v: v.x.astype(v.dtype or v.x.dtype),
    "_to_copy": lambda v: v.x.astype(v.dtype or v.x.dtype),
    "Cast": lambda v: round_to_format(
        v.x, FORMATS[v["format"]], saturate=v["saturate"], rounding=v.get("rounding", "nearest")
    ),
    "Quantize": _quantised,
    "copy_": lambda v: _copied(v, v["src"]),
    "fill_": lambda v: _copied(v, v["value"]),
    "masked_fill": _masked,
    "where": _chosen,
    "add": _binary(np.add),
    "sub": _binary(np.subtract),
    "mul": _binary(np.multiply),
    "div": _binary(np.divide),
    "ne": _binary(np.not_equal),
    "eq": _binary(np.equal),
    "lt": _binary(np.less),
    "le": _binary(np.less_equal),
    "gt": _binary(np.greater),
    "ge": _binary(np.greater_equal),
    "pow": lambda v: np.power(v.x, v["exponent"]),
    "neg": lambda v: -v.x,
    "exp": lambda v: np.exp(v.x),
    "log": lambda v: np.log(v.x),
    "sin": lambda v: np.sin(v.x),
    "cos": lambda v: np.cos(v.x),
    "tan": lambda v: np.tan(v.x),
    "asin": lambda v: np.arcsin(v.x),
    "acos": lambda v: np.arccos(v.x),
    "atan": lambda v: np.arctan(v.x),
    "atan2": _binary(np.arctan2),
    "sqrt": lambda v: np.sqrt(v.x),
    "rsqrt": lambda v: 1 / np.sqrt(v.x),
    "reciprocal": lambda v: 1 / v.x,
    "abs": lambda v: np.abs(v.x),
    "sum": _reduced(np.sum),
    "prod": _reduced(np.prod),
    "logsumexp": _reduced(np.logaddexp.reduce),
    "pad": _padded,
    "tril": lambda v: np.tril(v.x, v.get("diagonal", 0)),
    "triu": lambda v: np.triu(v.x, v.get("diagonal", 0)),
    "logical_not": lambda v: np.logical_not(v.x),
    "logical_and": _binary(np.logical_and),
    "logical_or": _binary(np.logical_or),
    "bitwise_not": lambda v: np.invert(v.x),
    "bitwise_and": _binary(np.bitwise_and),
    "bitwise_or": _binary(np.bitwise_or),
    "bitwise_xor": _binary(np.bitwise_xor),
    "bitwise_left_shift": _binary(np.left_shift),
    "bitwise_right_shift": _binary(np.right_shift),
    "__lshift__": _binary(np.left_shift),
    "__rshift__": _binary(np.right_shift),
    "__and__": _binary(np.bitwise_and),
    "__or__": _binary(np.bitwise_or),
    "__xor__": _binary(np.bitwise_xor),
    "minimum": _binary(np.minimum),
    "maximum": _binary(np.maximum),
    "min": _binary(np.minimum),
    "max": _binary(np.maximum),
    "clamp": lambda v: np.clip(v.x, v.get("min"), v.get("max")),
    "clamp_min": lambda v: np.maximum(v.x, v["min"]),
    "rsub": lambda v: v["other"] - v.get("alpha", 1) * v.x,
    "meshgrid": lambda v: np.meshgrid(*v["tensors"], indexing=v.get("indexing", "ij")),
    "unbind": lambda v: [*np.moveaxis(v.x, v.get("dim", 0), 0)],
    "chunk": lambda v: _divided(v.x, -(-v.x.shape[v.get("dim", 0)] // v["chunks"]), v.get("dim", 0)),
    "split": lambda v: _divided(v.x, v["split_size"], v.get("dim", 0)),
    "split_with_sizes": lambda v: np.split(v.x, np.cumsum(v["split_sizes"])[:-1], v.get("dim", 0)),
    "eye": lambda v: np.eye(v["n"], v.get("m"), dtype=v.dtype or np.float32),
    "floor": lambda v: np.floor(v.x),
    "ceil": lambda v: np.ceil(v.x),
    "round": lambda v: np.round(v.x),
    "trunc": lambda v: np.trunc(v.x),
    "sign": lambda v: np.sign(v.x),
    "tanh": lambda v: np.tanh(v.x),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v.x)),
    "relu": lambda v: np.maximum(v.x, 0),
    "log2": lambda v: np.log2(v.x),
    "remainder": _binary(np.mod),
    "floor_divide": _binary(np.floor_divide),
    "logical_xor": _binary(np.logical_xor),
    "matmul": _binary(np.matmul),
    "outer": lambda v: np.outer(v.x, v.get("vec2", v.get("other"))),
    "flip": lambda v: np.flip(v.x, v["dims"]),
    "index_select": lambda v: v.x.take(v["index"], v["dim"]),
    "gather": lambda v: np.take_along_axis(v.x, v["index"], v["dim"]),
    "argsort": lambda v: np.argsort(-v.x if v.get("descending") else v.x, v.get("dim", -1), kind="stable"),
    "mean": _mean,
    "amax": _reduced(np.max),
    "amin": _reduced(np.min),
    "argmax": lambda v: v.x.argmax(v.get("dim"), keepdims=bool(v.get("keepdim"))),
    "t": lambda v: v.x.T,
    "numpy_T": lambda v: v.x.T,
    "movedim": lambda v: np.moveaxis(v.x, v["source"], v["destination"]),
    "tile": lambda v: np.tile(v.x, v["dims"]),
    "diagonal": lambda v: np.diagonal(v.x, v.get("offset", 0), v.get("dim1", 0), v.get("dim2", 1)),
    "triangle": lambda v: np.tri(v["size"][0], v["size"][1], k=v["diagonal"], dtype=np.float32),
    "flat_index": lambda v: tables.flat_index(v["indices"], v["axes"]),
    "window_index": lambda v: tables.window_index(v["axes"], v["kernel"], v["stride"], v["dilation"]),
    "tap_index": lambda v: tables.tap_index(
        *(v[name] for name in ("axes", "kernel", "stride", "dilation", "before", "counts", "order"))
    ),
    "source_index": lambda v: tables.source_index(v["axes"], v["kernel"], v["stride"], v["dilation"]),
    "nearest_index": lambda v: tables.nearest_index(v["n"], v["m"]),
    "filter_index": lambda v: tables.filter_taps(v["n"], v["m"], v["scale"], v["mode"])[0],
    "filter_weight": lambda v: tables.filter_taps(v["n"], v["m"], v["scale"], v["mode"])[1],
    "linspace": lambda v: np.linspace(v["start"], v["end"], v["steps"], dtype=v.dtype or np.float32),
    "repeat": lambda v: np.tile(v.x, v["repeats"]),
    "repeat_interleave": lambda v: np.repeat(v.x, v["repeats"], v["dim"]),
    "expand_as": lambda v: np.broadcast_to(v.x, v["other"].shape),
    "type_as": lambda v: v.x.astype(v["other"].dtype),
    "diff": _differences,
    "cumsum": lambda v: np.cumsum(v.x, v["dim"]),
}
"""The operators of constants, by their names without overloads."""


def evaluate(
    calls: Iterable[Call], stored: Mapping[str, Array], name: str, wanted: Collection[str]
) -> dict[str, Array]:
    """Return results of calls on constants, by name.

    Args:
        calls: the calls, in order.
        stored: the arrays that they read, by their names in the program; calls in place change them.
        name: the name of the file in messages.
        wanted: the names of the results.

    Raises:
        SpecError: an operator that a result depends on is not understood, or its arguments do not fit together.
    """
    arrays: dict[str, Array] = {**stored}
    failures: dict[str, SpecError] = {}
    for call in calls:
        failure = next((failures[each] for each in tensors_in([*call.arguments.values()]) if each in failures), None)
        try:
            if failure is not None:
                raise failure
            evaluate_call(call, arrays, name)
        except SpecError as error:
            if base_name(call.target).endswith("_"):  # other names may share the memory that it would have written
                raise
            failures.update((each, error) for each in call.outputs if each is not None)
    for each in wanted:
        if each in failures:
            raise failures[each]
    return {each: arrays[each] for each in wanted}


def evaluate_call(call: Call, arrays: dict[str, Array], name: str) -> None:
    """Add the result of a call on constants to the arrays by name; see `evaluate`."""
    base = call.target.split(".")[1]
    function = FUNCTIONS.get(base) or FUNCTIONS.get(base.removesuffix("_"))
    if function is None or not call.outputs:
        fail("unknown-op", f"a constant is computed by {call.target}, which is not supported", origin=name)
    try:
        values = Values(call, arrays)
        found = function(values)
        if base.endswith("_") and base not in FUNCTIONS:
            arrays[call.arguments["self"].name][...] = found
            found = arrays[call.arguments["self"].name]
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError) as error:
        fail("format", f"{call.target} of a constant cannot be evaluated: {error}", origin=name)
    results = found if isinstance(found, list | tuple) else [np.asarray(found)]
    if (form := values.narrow) is not None:
        results = [round_to_format(each, form, saturate=form.name in SATURATED) for each in results]
    arrays.update((each, result) for each, result in zip(call.outputs, results, strict=False) if each is not None)
