"""Attention: the products alone, and with the projections around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from archcalc.numeric import Number, exact_div, minimum, product, require, require_divisible
from archcalc.ops.backward import Factor, Multiplication, Sources
from archcalc.ops.base import (
    NO_CACHE,
    Cache,
    Cost,
    Operator,
    Shape,
    Shapes,
    Weight,
    WrittenShapes,
    axis_reach,
    operations,
    operator,
)
from archcalc.ops.conv import weighted_sums_cost
from archcalc.ops.fields import flag, integer, real, tensor
from archcalc.ops.joins import broadcast_size
from archcalc.ops.traits import STANDARD_SPREAD, InitialValues, Spread
from archcalc.ops.window import Reach, Window


def attention_cost(groups: Number, queries: Number, keys: Number, width: Number, values: Number) -> Cost:
    """Return the cost of attention with given queries, keys and values.

    Per group (head): queries times 1/√width, their products with all keys, a softmax over the keys, and the products
    with the values. Masked pairs are computed like all others.

    Args:
        groups: the number of independent attentions: heads, windows.
        queries: the number of queries.
        keys: the number of keys and values.
        width: the features of a query and of a key.
        values: the features of a value.
    """
    rows = groups * queries
    scores = rows * keys
    found, mixed = scores * width, scores * values
    return Cost(
        {
            "mul": rows * width + found + mixed,
            "add": found - scores + 2 * scores - rows + mixed - rows * values,
            "cmp": scores - rows,
            "exp": scores,
            "div": scores,
        },
        macs=found + mixed,
    )


def attention_multiplications(
    groups: Number,
    queries: Number,
    keys: Number,
    factors: Sequence[Factor],
    widths: Sequence[Number],
    added: Sources = (),
) -> tuple[Multiplication, ...]:
    """Return the multiplications of attention: of queries with keys, and of the shares with values.

    Args:
        groups: the number of independent attentions.
        queries: the number of queries.
        keys: the number of keys and values.
        factors: the queries, keys and values.
        widths: the features of a query and of a value.
        added: what the scores depend on besides queries and keys.
    """
    scores = groups * queries * keys
    query, key, value = factors
    shares = Factor((*query.sources, *key.sources, *added), "shares", scores, in_derivative=True)
    return (
        Multiplication(scores * widths[0], query, key, makes="scores"),
        Multiplication(scores * widths[1], shares, value, makes="mixed"),
    )


def require_added(what: str, shape: Shape, scores: Shape) -> None:
    """Require that a tensor can be added to scores: it is aligned from their last axis, and broadcasts."""
    shapes = WrittenShapes((shape, scores))
    require(len(shape) <= len(scores), "the {what} has more axes than the scores: {shapes}", what=what, shapes=shapes)
    for pair in zip(shape, scores[len(scores) - len(shape) :], strict=True):
        size = broadcast_size(f"the {what}", pair, (shape, scores))
        require(size == pair[1], "the {what} must fit the scores: {shapes}", what=what, shapes=shapes)


@operator("sdpa", reserved=False)
class ScaledDotProductAttention(Operator):
    """Scaled dot-product attention, softmax(q·kᵀ/√d)·v, of queries, keys and values.

    With ``causal``, a query attends to the keys up to its own position. A fourth tensor is a mask: it is added to the
    products before the softmax, aligned from the last axis.

    Shape:  …×n×d, …×m×d, …×m×e → …×n×e
    Params: none
    Cost:   macs = …·n·m·(d + e); the scale 1 multiplication per query element; a mask 1 addition per score; softmax
            over m
    Window: all keys and values, with ``causal`` those up to its own position; queries position by position
    Source: Vaswani et al. 2017; PyTorch scaled_dot_product_attention
    """

    arity: ClassVar[int | None] = None
    joined = (3, 4)
    pairs_features = True
    reads_features = "last"

    causal: bool = flag(False, "causal", reserved=False, help="whether a query attends only to keys up to its position")
    factor: Number | None = real(None, help="what multiplies the products of queries and keys; 1/√d by default")

    def output(self, inputs: Shapes) -> Shape:
        require(
            len(inputs) in (3, 4),
            "sdpa needs queries, keys and values, and optionally a mask, got {count} tensors",
            count=len(inputs),
        )
        shapes = WrittenShapes(inputs)
        queries, keys, values, *mask = inputs
        require(
            min(map(len, inputs[:3])) > 1 and len({*map(len, inputs[:3])}) == 1,
            "sdpa needs tensors with the same number of axes, at least two: {shapes}",
            shapes=shapes,
        )
        require(queries[-1] == keys[-1], "queries and keys of sdpa need equal features: {shapes}", shapes=shapes)
        require(keys[-2] == values[-2], "sdpa needs as many values as keys: {shapes}", shapes=shapes)
        for one, other, third in zip(queries[:-2], keys[:-2], values[:-2], strict=True):
            require(one == other, "sdpa needs equal leading axes: {shapes}", shapes=shapes)
            require(one == third, "sdpa needs equal leading axes: {shapes}", shapes=shapes)
        for each in mask:
            require_added("mask of sdpa", each, (*queries[:-1], keys[-2]))
        return (*queries[:-1], values[-1])

    def cost(self, inputs: Shapes) -> Cost:
        queries, keys, values, *mask = inputs
        found = attention_cost(product(queries[:-2]), queries[-2], keys[-2], queries[-1], values[-1])
        return found + Cost(operations(add=product(queries[:-1]) * keys[-2])) if mask else found

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        queries, keys, values, *_ = inputs
        groups, factors = product(queries[:-2]), [Factor((place,)) for place in range(3)]
        added = tuple(range(3, len(inputs)))
        return attention_multiplications(groups, queries[-2], keys[-2], factors, (queries[-1], values[-1]), added)

    def cache(self, inputs: Shapes) -> Cache:
        """Return the keys and values up to a query, which later queries read as well; none unless causal."""
        _, keys, values, *_ = inputs
        per_token = product(keys[:-2]) * (keys[-1] + values[-1])
        return Cache(per_token * keys[-2], per_token) if self.causal else NO_CACHE

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        queries, keys, values, *mask = inputs
        seen = Window(from_start=True) if self.causal else None
        return (
            axis_reach(-1, queries),
            (*(Window() for _ in keys[:-2]), seen, None),
            (*(Window() for _ in values[:-2]), seen, Window()),
            *((None,) * len(each) for each in mask),
        )

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return read[2]


@operator("attention", reserved=False)
class Attention(Operator):
    """Multi-head attention of tokens to each other, or to those of ``context``, with its four projections.

    Queries, keys and values are projected to heads, and the results of all heads back to the features. With fewer
    ``kv_heads``, groups of heads share keys and values. ``causal`` limits a query to the keys up to its own
    position; ``window`` limits it to that number of positions, up to its own if causal, and around it otherwise.

    Shape:  …×n×features, unchanged
    Params: features·dim for queries and for the output, context features·dim·kv_heads/heads for keys and for values,
            and one bias per output of each, unless ``nobias``, ``nokeybias``, ``nooutbias``
    Cost:   macs = those of the four projections (4·n·d² if all widths are d) and …·n·m·2·dim (2·n²·d) of the products,
            where m is the number of keys; scale and softmax as for sdpa; ``rope`` 2 multiplications and 1 addition per
            element of queries and keys; ``alibi``, ``score_bias`` and ``mask`` 1 addition per score
    Window: all tokens; with ``causal``, those up to its own position; with ``window``, that number; with ``context``,
            its own position, and all of the context
    Source: Vaswani et al. 2017; Ainslie et al. 2023 (grouped queries); Su et al. 2021 (rope); Press et al. 2022
            (alibi); PyTorch MultiheadAttention
    """

    aliases = ("multiheadattention", "mha", "selfattention")
    pairs_features = True
    reads_features = "last"

    heads: Number = integer(example="4", help="number of heads; must divide dim")
    kv_heads: Number | None = integer(
        None, help="number of heads of keys and values; must divide heads; by default heads"
    )
    dim: Number | None = integer(None, help="width of all query heads together; the features of the input by default")
    causal: bool = flag(False, "causal", reserved=False, help="whether a query attends only to keys up to its position")
    window: Number | None = integer(None, help="number of positions that a query attends to; by default all")
    context: bool = tensor(help="tokens that give keys and values, instead of the input")
    rope: Number | None = real(
        None, bare=("rope", 10_000), help="base of rotary position embeddings, 10,000 as a flag; by default none"
    )
    alibi: bool = flag(False, "alibi", reserved=False, help="whether distances are subtracted from the scores")
    score_bias: bool = tensor(
        features="none", fixed=True, help="a tensor added to the scores before the softmax: heads×queries×keys"
    )
    mask: bool = tensor(features="none", fixed=True, help="a tensor added to the scores, aligned from the last axis")
    bias: bool = flag(True, "nobias", help="biases of the projections")
    key_bias: bool = flag(True, "nokeybias", reserved=False, help="a bias of the keys")
    out_bias: bool = flag(True, "nooutbias", reserved=False, help="a bias of the output")

    def arguments(self, inputs: Shapes) -> dict[str, Shape]:
        """Return the shapes of the tensors that are arguments, by the name of the argument."""
        return dict(zip(self.tensor_arguments(), inputs[1:], strict=True))

    def sizes(self, inputs: Shapes) -> Mapping[str, Number]:
        """Return the sizes of the projections.

        They are the ``features`` of the input and of the ``context``, the widths ``dim`` of queries and ``kv`` of keys,
        and the numbers of ``queries`` and ``keys``.
        """
        shape = inputs[0]
        require(len(shape) > 1, "attention needs positions and features, got a vector of {size}", size=shape[0])
        context = self.arguments(inputs).get("context", shape)
        require(
            len(context) > 1, "the context of attention needs positions and features, got a vector of {n}", n=context[0]
        )
        dim = shape[-1] if self.dim is None else self.dim
        kv_heads = self.heads if self.kv_heads is None else self.kv_heads
        require_divisible(dim, self.heads, "a width of {number} is not divisible by {divisor} heads")
        require_divisible(
            self.heads, kv_heads, "{number} heads are not divisible by {divisor} heads of keys and values"
        )
        head = exact_div(dim, self.heads)
        if self.rope is not None:
            require(head % 2 == 0, "rotary positions need an even width of a head, got {head}", head=head)
        return {
            "features": shape[-1],
            "context": context[-1],
            "dim": dim,
            "head": head,
            "kv": dim if self.kv_heads is None else head * kv_heads,
            "queries": shape[-2],
            "keys": context[-2],
        }

    def output(self, inputs: Shapes) -> Shape:
        sizes = self.sizes(inputs)
        shape = inputs[0]
        given = self.arguments(inputs)
        scores = (*shape[:-2], self.heads, sizes["queries"], sizes["keys"])
        for name in ("score_bias", "mask"):
            if name in given:
                require_added(f"{name} of attention", given[name], scores)
        if self.window is not None:
            require(
                sizes["keys"] + self.positions_before(self.window) >= sizes["queries"],
                "with a window of {window}, the last of {queries} queries attends to none of {keys} keys",
                window=self.window,
                queries=sizes["queries"],
                keys=sizes["keys"],
            )
        if "context" in given:
            for one, other in zip(shape[:-2], given["context"][:-2], strict=True):
                require(
                    one == other,
                    "attention needs equal leading axes of input and context: {shapes}",
                    shapes=WrittenShapes(inputs[:2]),
                )
        return shape

    def positions_before(self, window: Number) -> Number:
        """Return how many positions before its own a query attends to with a window."""
        return window - 1 if self.causal else window // 2

    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        sizes = self.sizes(inputs)
        found = []
        for name, outputs, features, bias in self.projections(sizes):
            found.append(Weight(name, (outputs, features)))
            if bias:
                found.append(Weight(f"{name}_bias", (outputs,), added=True))
        return tuple(found)

    def projections(self, sizes: Mapping[str, Number]) -> list[tuple[str, Number, Number, bool]]:
        """Return the projections: name, outputs, features, and whether there is a bias."""
        return [
            ("query", sizes["dim"], sizes["features"], self.bias),
            ("key", sizes["kv"], sizes["context"], self.bias and self.key_bias),
            ("value", sizes["kv"], sizes["context"], self.bias),
            ("output", sizes["features"], sizes["dim"], self.bias and self.out_bias),
        ]

    def cost(self, inputs: Shapes) -> Cost:
        sizes = self.sizes(inputs)
        groups = product(inputs[0][:-2])
        queries, keys = groups * sizes["queries"], groups * sizes["keys"]
        found = Cost()
        for name, outputs, features, bias in self.projections(sizes):
            rows = (keys if name in ("key", "value") else queries) * outputs
            found = found + weighted_sums_cost(rows * features, rows, bias)
        if self.rope is not None:
            rotated = queries * sizes["dim"] + keys * sizes["kv"]
            found = found + Cost({"mul": 2 * rotated, "add": rotated})
        scores = groups * self.heads * sizes["queries"] * sizes["keys"]
        added = self.alibi + self.score_bias + self.mask
        if added:
            found = found + Cost(operations(add=added * scores))
        return found + attention_cost(
            groups * self.heads, sizes["queries"], sizes["keys"], sizes["head"], sizes["head"]
        )

    def multiplications(self, inputs: Shapes) -> tuple[Multiplication, ...]:
        """Return those of the projections, and those of the heads."""
        sizes, arguments = self.sizes(inputs), self.tensor_arguments()
        groups = product(inputs[0][:-2])
        rows = {"queries": groups * sizes["queries"], "keys": groups * sizes["keys"]}
        context = 1 if self.context else 0
        added = tuple([1 + arguments.index(name) for name in ("score_bias", "mask") if name in arguments])
        found, factors = [], []
        for name, outputs, features, _ in self.projections(sizes)[:3]:
            of_queries = name == "query"
            read, count = (0, rows["queries"]) if of_queries else (context, rows["keys"])
            found.append(Multiplication(count * outputs * features, Factor((read,)), Factor((name,))))
            made = {"query": "queries", "key": "keys", "value": "values"}[name]
            factors.append(Factor((read, name, f"{name}_bias"), made, count * outputs))
        widths = (sizes["head"], sizes["head"])
        found += attention_multiplications(groups * self.heads, sizes["queries"], sizes["keys"], factors, widths, added)
        everything = (*found[-1].left.sources, *factors[2].sources)
        mixed = Factor(everything, "mixed", rows["queries"] * sizes["dim"])
        return (*found, Multiplication(mixed.elements * sizes["features"], mixed, Factor(("output",))))

    def cache(self, inputs: Shapes) -> Cache:
        """Return the keys and values of the context, or of earlier tokens if causal: at most those of the window.

        Without a context, attention that is not causal keeps none, because every new token changes all its outputs.
        """
        if not (self.causal or self.context):
            return NO_CACHE
        sizes = self.sizes(inputs)
        pairs = product(inputs[0][:-2]) * 2 * sizes["kv"]
        if self.context:
            return Cache(pairs * sizes["keys"])
        kept = sizes["keys"] if self.window is None else minimum(sizes["keys"], self.window)
        return Cache(pairs * kept, pairs)

    def windows(self, inputs: Shapes) -> tuple[Reach, ...]:
        lead = tuple(Window() for _ in inputs[0][:-2])
        seen: Window | None = Window(from_start=True) if self.causal else None
        if self.window is not None:
            seen = Window(self.window, 1, self.positions_before(self.window))
        reaches: dict[str, Reach] = {"context": (*lead, seen, None)}
        first = (*lead, Window() if self.context else seen, None)
        rest = (reaches.get(name, (None,) * len(shape)) for name, shape in self.arguments(inputs).items())
        return (first, *rest)

    def initial(self, array: str, shape: tuple[int, ...], read: Spread) -> InitialValues:
        """Return the initial values; the output is projected from means of values."""
        if array.endswith("_bias"):
            return InitialValues()
        return super().initial(array, shape, STANDARD_SPREAD if array == "output" else read)

    def spread(self, read: Sequence[Spread], shapes: Sequence[tuple[int, ...]]) -> Spread:
        return STANDARD_SPREAD
