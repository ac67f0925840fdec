"""Formulas that have names: calls that together compute an activation, a normalisation or attention become one call.

A rule reads the call that computes the last step of a formula, and finds the others from there. It applies only if
nothing else uses what they compute, so that the network stays the same, and no tensor is written in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import pi, sqrt
from typing import Any, NamedTuple, TypeAlias

from archcalc.readers.aten.calls import Calls, ScaledProduct, is_close, tensors_in
from archcalc.readers.aten.program import Call, Program, TensorName
from archcalc.readers.aten.registry import base_name


class NamedFormula(NamedTuple):
    """What a rule finds: an operator of ATen, its arguments, and the calls that it replaces."""

    operator: str
    arguments: Mapping[str, Any]
    calls: frozenset[int]


Rule: TypeAlias = Callable[[Calls, str], NamedFormula | None]
"""Returns the formula that computes a tensor; ``None`` if the rule does not know it."""


def formula(operator: str, calls: set[int], **arguments: Any) -> NamedFormula:
    """Return a formula; its arguments that are texts name tensors."""
    named = {name: TensorName(value) if isinstance(value, str) else value for name, value in arguments.items()}
    return NamedFormula(operator, {name: value for name, value in named.items() if value is not None}, frozenset(calls))


def silu(c: Calls, name: str) -> NamedFormula | None:
    """Read x·σ(x), or x/(1 + e⁻ˣ); x may be multiplied by 1 before."""
    found = c.product(name, is_root=True)
    if not is_close(found.number, 1) or len(found.over) + len(found.under) != 2 or not found.over:
        return None
    if found.under:
        x, added = found.over[0], c.plus_number(found.under[0])
        power = None if added is None or added[1] != 1 else c.made_by(added[0], "exp")
        negated = None if power is None else c.made_by(c.tensor(power, "self") or "", "neg")
        if added is None or power is None or negated is None or not c.same(c.tensor(negated, "self") or "", x):
            return None
        inner = (found.under[0], added[0], c.tensor(power, "self") or "")
        return formula("silu", found.calls | set(map(c.index, inner)), self=x)
    for x, gate in (found.over, found.over[::-1]):
        call = c.made_by(gate, "sigmoid")
        read = None if call is None else c.product(c.tensor(call, "self") or "")
        is_tensor = read is not None and is_close(read.number, 1) and len(read.over) == 1 and not read.under
        if read is not None and is_tensor and c.same(read.over[0], x):
            return formula("silu", found.calls | read.calls | {c.index(gate)}, self=x)
    return None


def hardswish(c: Calls, name: str) -> NamedFormula | None:
    """Read x·min(max(x + 3, 0), 6)/6."""
    found = c.product(name, is_root=True)
    if not is_close(found.number, 1 / 6) or len(found.over) != 2 or found.under:
        return None
    for x, gate in (found.over, found.over[::-1]):
        call = c.made_by(gate, "clamp", "hardtanh", "relu6")
        if call is None or _bounds(call) != (0, 6):
            continue
        shifted = c.tensor(call, "self") or ""
        added = c.plus_number(shifted)
        if added is not None and added[1] == 3 and c.same(added[0], x):
            return formula("hardswish", found.calls | {c.index(gate), c.index(shifted)}, self=x)
    return None


def _bounds(call: Call) -> tuple[Any, Any]:
    """Return the numbers between which a call keeps the elements of a tensor."""
    if base_name(call.target) == "relu6":
        return 0, 6
    low, high = ("min_val", "max_val") if base_name(call.target) == "hardtanh" else ("min", "max")
    return call.arguments.get(low), call.arguments.get(high)


def gelu(c: Calls, name: str) -> NamedFormula | None:
    """Read ½·x·(1 + erf(x/√2)), or ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))."""
    found = c.product(name, is_root=True)
    if not is_close(found.number, 0.5) or len(found.over) != 2 or found.under:
        return None
    for x, gate in (found.over, found.over[::-1]):
        added = c.plus_number(gate)
        if added is None or added[1] != 1:
            continue
        curve = c.made_by(added[0], "erf", "tanh")
        argument = None if curve is None else c.tensor(curve, "self")
        if curve is None or argument is None:
            continue
        inner = c.product(argument)
        calls = found.calls | inner.calls | {c.index(gate), c.index(added[0])}
        if inner.under or len(inner.over) != 1:
            continue
        if base_name(curve.target) == "erf":
            if is_close(inner.number, sqrt(0.5)) and c.same(inner.over[0], x):
                return formula("gelu", calls, self=x)
        elif is_close(inner.number, sqrt(2 / pi)):
            cubic = _with_cube(c, inner.over[0], x)
            if cubic is not None:
                found_formula = formula("gelu", calls | cubic, self=x)
                return found_formula._replace(arguments={**found_formula.arguments, "approximate": "tanh"})
    return None


def _with_cube(c: Calls, name: str, x: str) -> set[int] | None:
    """Return the calls of x + 0.044715·x³; ``None`` if a tensor is something else."""
    call = c.made_by(name, "add")
    first, second = (None, None) if call is None else (c.tensor(call, "self"), c.tensor(call, "other"))
    if first is None or second is None or not c.same(first, x):
        return None
    term = c.product(second)
    if not is_close(term.number, 0.044715) or term.under:
        return None
    calls = term.calls | {c.index(name)}
    if len(term.over) == 3 and all(c.same(each, x) for each in term.over):
        return calls
    power = c.made_by(term.over[0], "pow") if len(term.over) == 1 else None
    if power is None or power.arguments.get("exponent") != 3 or not c.same(c.tensor(power, "self") or "", x):
        return None
    return calls | {c.index(term.over[0])}


class _Root(NamedTuple):
    """x divided by the root of the mean of squares plus ε."""

    of: str
    """The tensor whose squares are meant."""
    axes: tuple[int, ...]
    eps: float
    calls: set[int]


def _mean_square_root(c: Calls, name: str) -> _Root | None:
    """Read √(mean(t²) + ε), given the name of what is below the root."""
    added = c.plus_number(name)
    mean = None if added is None else c.made_by(added[0], "mean")
    squares = None if mean is None else c.tensor(mean, "self")
    if added is None or mean is None or squares is None or mean.arguments.get("keepdim") is not True:
        return None
    power, product = c.made_by(squares, "pow", "square"), c.product(squares)
    of, calls = None, {c.index(name), c.index(added[0])}
    if power is not None and power.arguments.get("exponent", 2) == 2:
        of = c.tensor(power, "self")
        calls.add(c.index(squares))
    elif product.number == 1 and len(product.over) == 2 and not product.under and c.same(*product.over):
        of = product.over[0]
        calls |= product.calls
    axes = _last_axes(c, of, mean)
    return None if of is None or axes is None else _Root(of, axes, added[1], calls)


def _last_axes(c: Calls, name: str | None, mean: Call) -> tuple[int, ...] | None:
    """Return the axes of a mean, if they are the last ones."""
    dims, meta = mean.arguments.get("dim"), c.program.metas.get(name or "")
    if meta is None or not isinstance(dims, list) or not dims or not all(type(each) is int for each in dims):
        return None
    rank = len(meta.sizes)
    axes = tuple(sorted({axis % rank for axis in dims}))
    return axes if axes == tuple(range(rank - len(axes), rank)) else None


def _normalised(c: Calls, product: ScaledProduct, *, centred: bool) -> NamedFormula | None:
    """Read a normalisation over the last axes, with at most one further factor, the scale.

    Args:
        c: the calls.
        product: x divided by the root of its mean square, or multiplied by its reciprocal.
        centred: whether the mean of x is subtracted before.
    """
    for root in (*product.over, *product.under):
        below = root in product.under
        call = c.made_by(root, "sqrt" if below else "rsqrt")
        found = None if call is None else _mean_square_root(c, c.tensor(call, "self") or "")
        rest = [each for each in product.over if each != root]
        values = [each for each in rest if found is not None and c.same(each, found.of)]
        if found is None or not values or len(product.under) != below or not is_close(product.number, 1):
            continue
        further = [each for each in rest if each != values[0]]
        shape = [c.program.metas[found.of].sizes[axis] for axis in found.axes]
        if len(further) > 1 or not all(_is_parameter(c, each, shape) for each in further):
            continue
        scale = further[0] if further else None
        calls = product.calls | found.calls | {c.index(root)}
        if not centred and len(shape) > 1:
            continue  # no operator of the language, unless the last axes are all but the batch
        if not centred:
            return formula("rms_norm", calls, input=values[0], normalized_shape=shape, weight=scale, eps=found.eps)
        x = _centred(c, found.of, found.axes)
        if x is None:
            continue
        mean = c.tensor(c.program.calls[c.index(found.of)], "other") or ""
        calls |= {c.index(values[0]), c.index(found.of), c.index(mean)}
        return formula("layer_norm", calls, input=x, normalized_shape=shape, weight=scale, eps=found.eps)
    return None


def _centred(c: Calls, name: str, axes: tuple[int, ...]) -> str | None:
    """Return the tensor from which its mean is subtracted; ``None`` if a tensor is something else."""
    call = c.made_by(name, "sub")
    x, subtracted = (None, None) if call is None else (c.tensor(call, "self"), c.tensor(call, "other"))
    mean = None if subtracted is None or "alpha" in (call.arguments if call else ()) else c.made_by(subtracted, "mean")
    if x is None or mean is None or not c.same(c.tensor(mean, "self") or "", x):
        return None
    keeps = mean.arguments.get("keepdim") is True
    return x if keeps and _last_axes(c, x, mean) == axes else None


def _is_parameter(c: Calls, name: str, shape: list[Any]) -> bool:
    stored, meta = c.program.stored.get(name), c.program.metas.get(name)
    return stored is not None and stored.kind == "parameter" and meta is not None and list(meta.sizes) == shape


def layer_norm(c: Calls, name: str) -> NamedFormula | None:
    """Read (x − mean(x))/√(mean((x − mean(x))²) + ε), and perhaps a scale and a shift."""
    plain = _normalised(c, c.product(name, is_root=True), centred=True)
    if plain is not None:
        return None if "weight" in plain.arguments else plain  # a scale alone is no layer normalisation
    call = c.made_by(name, "add")
    sides = [] if call is None or "alpha" in call.arguments else [c.tensor(call, each) for each in ("self", "other")]
    for normalised, shift in (sides, sides[::-1]) if len(sides) == 2 else ():
        found = None if normalised is None else _normalised(c, c.product(normalised), centred=True)
        if found is None or shift is None or "weight" not in found.arguments:
            continue
        if _is_parameter(c, shift, found.arguments["normalized_shape"]):
            arguments = {**found.arguments, "bias": TensorName(shift)}
            return NamedFormula("layer_norm", arguments, found.calls | {c.index(name)})
    return None


def rms_norm(c: Calls, name: str) -> NamedFormula | None:
    """Read x/√(mean(x²) + ε), and perhaps a scale."""
    return _normalised(c, c.product(name, is_root=True), centred=False)


def attention(c: Calls, name: str) -> NamedFormula | None:
    """Read softmax(q·kᵀ/√d)·v."""
    call = c.made_by(name, "matmul", "bmm")
    shares, values = (None, None) if call is None else _operands(c, call)
    softmax = None if shares is None else c.made_by(shares, "softmax", "_softmax")
    if shares is None or values is None or softmax is None:
        return None
    scores = c.product(c.tensor(softmax, "self") or "")
    matmul = c.made_by(scores.over[0], "matmul", "bmm") if len(scores.over) == 1 and not scores.under else None
    first, second = (None, None) if matmul is None else _operands(c, matmul)
    transposed = None if second is None else c.made_by(second, "transpose")
    keys = None if transposed is None else c.tensor(transposed, "self")
    if first is None or second is None or transposed is None or keys is None:
        return None
    queries = c.product(first)
    if len(queries.over) != 1 or queries.under:
        return None
    sizes = [c.program.metas[each].sizes for each in (queries.over[0], keys, values)]
    rank = len(sizes[0])
    axes: set[Any] = {transposed.arguments.get("dim0"), transposed.arguments.get("dim1")}
    along: Any = softmax.arguments.get("dim")
    if (
        rank < 2
        or {len(each) for each in sizes} != {rank}
        or {axis % rank for axis in axes} != {rank - 2, rank - 1}
        or along % rank != rank - 1
        or not is_close(scores.number * queries.number, float(sizes[0][-1]) ** -0.5)
        or len({each[:-2] for each in sizes}) > 1
    ):
        return None
    calls = scores.calls | queries.calls | {c.index(name), c.index(shares), c.index(scores.over[0])}
    calls |= {c.index(second)} if c.is_private(second) else set()
    return formula("scaled_dot_product_attention", calls, query=queries.over[0], key=keys, value=values)


def _operands(c: Calls, call: Call) -> tuple[str | None, str | None]:
    """Return the two tensors of a product of matrices."""
    return c.tensor(call, "self"), c.tensor(call, "other") or c.tensor(call, "mat2")


RULES: Mapping[str, tuple[Rule, ...]] = {
    "mul": (silu, hardswish, gelu, layer_norm, rms_norm),
    "div": (silu, hardswish, gelu, layer_norm, rms_norm),
    "add": (layer_norm,),
    "matmul": (attention,),
    "bmm": (attention,),
}
"""The rules by the operator of the last call of their formulas. Centred values are looked for first."""


def with_named_operators(program: Program) -> Program:
    """Return a program in which formulas that have names are calls of these operators."""
    c = Calls(program)
    found: dict[int, NamedFormula] = {}
    taken: set[int] = set()
    for index in range(len(program.calls) - 1, -1, -1):
        call = program.calls[index]
        rules = RULES.get(base_name(call.target), ()) if call.target.startswith("aten.") else ()
        name = call.outputs[0] if len(call.outputs) == 1 else None
        for rule in rules if name is not None and index not in taken else ():
            each = _found(rule, c, name or "")
            if each is not None and _is_self_contained(c, index, each, taken):
                found[index] = each
                taken |= each.calls
                break
    if not found:
        return program
    gone = taken - found.keys()
    lost = _aliases(c, {name for index in gone for name in program.calls[index].outputs})
    calls = [
        _named(call, found[index]) if index in found else call
        for index, call in enumerate(program.calls)
        if index not in gone and not (set(call.outputs) & c.source.keys() and _reads(call) & lost)
    ]
    return replace(program, calls=tuple(calls))


def _found(rule: Rule, c: Calls, name: str) -> NamedFormula | None:
    """Return what a rule finds; nothing if arguments are of other kinds than those of the operators."""
    try:
        return rule(c, name)
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None


def _is_self_contained(c: Calls, root: int, found: NamedFormula, taken: set[int]) -> bool:
    """Return whether nothing else uses what the calls of a formula compute, and nothing is written in place."""
    made = {name for index in found.calls for name in c.program.calls[index].outputs if name is not None}
    inner = {name for index in found.calls - {root} for name in c.program.calls[index].outputs if name is not None}
    read = {c.resolved(name) for index in found.calls for name in _reads(c.program.calls[index])}
    return (
        not found.calls & taken
        and all(c.uses.get(name, set()) <= found.calls for name in inner)
        and not any(map(c.is_written, made | read))
    )


def _reads(call: Call) -> set[str]:
    return set(tensors_in([*call.arguments.values()]))


def _aliases(c: Calls, names: set[str | None]) -> set[str]:
    """Return names with all other names of the same tensors."""
    return {name for name in names if name is not None} | {name for name, first in c.source.items() if first in names}


def _named(call: Call, found: NamedFormula) -> Call:
    """Return the call of a formula in the place of its last call."""
    origin = replace(call.origin, function=found.operator)
    return Call(f"aten.{found.operator}.default", found.arguments, call.outputs, origin)
