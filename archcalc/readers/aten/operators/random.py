"""Random numbers, and layers that consist of them and of comparisons with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archcalc.graph import Ref
from archcalc.ops.arithmetic import Floor, Log, Offset, Scale
from archcalc.ops.base import converted_operator
from archcalc.ops.joins import Add, Compare, Mul
from archcalc.ops.source import Random
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.registry import Arguments, translates, translates_function
from archcalc.readers.batch import BatchAxis, Place, Places, Sizes, without
from archcalc.readers.steps import Layers, Step, make


@dataclass(frozen=True, kw_only=True)
class Drawn(Step):
    """Random numbers of given sizes, or of those of a tensor."""

    op: Random
    """The layer, for any shape."""
    target: tuple[Any, ...] = ()
    """The sizes in the file, if no tensor is read."""
    first_is_batch: bool
    """Whether a first axis of the size of the batch is that of the batch, if nothing speaks against it."""

    def places(self, inputs: Places, sizes: Sequence[Sizes], results: Sequence[Sizes], batch: int) -> Iterator[Places]:
        """Return the batch axis of the tensor; without one, any axis of this size, or none."""
        if inputs and inputs[0] is not None:
            yield inputs
            return
        possible: list[Place] = [BatchAxis(axis) for axis, size in enumerate(results[0]) if size == batch]
        possible.insert(int(self.first_is_batch and BatchAxis(0) in possible), None)
        yield from ((place,) for place in possible)

    def layers(self, layers: Layers, tensors: Sequence[Ref], places: Places, results: Places) -> list[Ref]:
        shape = layers.shape(tensors[0]) if tensors else tuple(map(layers.size, self.target))
        if places[:1] != results and results[0] is not None:
            shape = without(shape, results[0], layers.batch)
        return [layers.add(converted_operator(Random, self.op, shape=shape or (1,)), [])]


def drawn(c: Composition, distribution: str, like_tensor: str = "self", seed: int | None = None) -> int:
    """Return random numbers of the shape of a tensor, unless this is a constant; else of given sizes."""
    a, made = c.a, (c.new(c.a.reading.sizes(c.a.result_name)),)
    op = make(Random, shape=(1,), distribution=distribution, seed=seed)
    common: dict[str, Any] = {"op": op, "first_is_batch": a.reading.has_batch, "outputs": made}
    if not a.is_tensor(like_tensor):
        return c.add(Drawn(**common, target=a.size_list("size"), inputs=()))
    if a.reading.is_constant(a.call.arguments[like_tensor]):
        return c.add(Drawn(**common, target=a.sizes(like_tensor), inputs=()))
    return c.add(Drawn(**common, inputs=(a.tensor(like_tensor),)))


def moved(c: Composition, numbers: int, factor: Fraction | int, by: Fraction | int) -> int:
    """Return numbers times a factor, plus a number."""
    ops = (*([make(Scale, factor=factor)] if factor != 1 else []), *([make(Offset, by=by)] if by else []))
    return c.apply(numbers, *ops)


STANDARD = {"rand": "uniform", "rand_like": "uniform", "randn": "normal", "randn_like": "normal"}
"""The operators whose numbers are those of a distribution, without parameters."""


@translates(*STANDARD)
def standard(a: Arguments) -> list[Step]:
    c = Composition(a)
    return c.done(drawn(c, STANDARD[a.operator]))


@translates_function("onnx.Random")
def seeded(a: Arguments) -> list[Step]:
    c = Composition(a)
    seed = None if a.is_default("seed", None) else a.integer("seed")
    return c.done(drawn(c, a.text("distribution", "normal"), seed=seed))


@translates("uniform")
def uniform(a: Arguments) -> list[Step]:
    low, high, c = a.number("from", 0), a.number("to", 1), Composition(a)
    return c.done(moved(c, drawn(c, "uniform"), high - low, low))


@translates("normal", "normal_functional")
def normal(a: Arguments) -> list[Step]:
    """Translate normally distributed numbers, whose mean and standard deviation may be tensors."""
    c = Composition(a)
    example = "self" if a.is_tensor("self") else "std" if a.is_tensor("std") else "mean"
    numbers = drawn(c, "normal", example)
    mean, deviation = (None if a.is_tensor(each) else a.number(each, at) for each, at in (("mean", 0), ("std", 1)))
    if deviation is None:
        numbers = c.join(Mul(), numbers, a.tensor("std"))
    numbers = moved(c, numbers, 1 if deviation is None else deviation, 0 if mean is None else mean)
    return c.done(c.join(Add(), numbers, a.tensor("mean")) if mean is None else numbers)


@translates("bernoulli")
def bernoulli(a: Arguments) -> list[Step]:
    """Translate random Booleans with the probabilities of an argument, or with one for all."""
    c = Composition(a)
    share = a.tensor("self") if a.is_default("p", None) else a.number_or_tensor("p")
    return c.done(c.join(make(Compare, how="less"), drawn(c, "uniform"), share))


@translates("randint", "randint_like")
def integers(a: Arguments) -> list[Step]:
    low, high, c = a.integer("low", 0), a.integer("high"), Composition(a)
    scaled = moved(c, drawn(c, "uniform"), Fraction(high - low), Fraction(0))
    return c.done(moved(c, c.apply(scaled, Floor()), Fraction(1), Fraction(low)))


@translates("exponential")
def exponential(a: Arguments) -> list[Step]:
    """Translate −log(1 − u)/λ of uniform u."""
    c = Composition(a)
    rest = c.apply(drawn(c, "uniform"), make(Scale, factor=-1), make(Offset, by=1), Log())
    return c.done(c.apply(rest, make(Scale, factor=-1 / a.number("lambd", 1))))


RANDOM = frozenset(
    (
        *STANDARD,
        *("Random", "uniform", "normal", "normal_functional", "bernoulli", "exponential", "randint", "randint_like"),
    )
)
"""The operators whose results differ from call to call, even those of constants."""
