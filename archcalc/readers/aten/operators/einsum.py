"""Sums of products in Einstein's notation."""

from __future__ import annotations

from string import ascii_uppercase

from archcalc.ops.reduction import Sum
from archcalc.readers.aten.composition import Composition
from archcalc.readers.aten.operators.selection import diagonal_of
from archcalc.readers.aten.registry import Arguments, Untranslatable, translates
from archcalc.readers.patterns import ContractionStep
from archcalc.readers.steps import PermutationStep, Step


def one_of_each(c: Composition, name: str, letters: str) -> tuple[int, str]:
    """Return a tensor with an axis for each letter, and these; of axes with the same letter, the diagonal is taken."""
    found = c.a.reading.tensor(name)
    while len({*letters}) < len(letters):
        twice = next(letter for letter in letters if letters.count(letter) > 1)
        first = letters.index(twice)
        second = letters.index(twice, first + 1)
        found = diagonal_of(c, found, first, second)
        letters = f"{letters[:first]}{letters[first + 1 : second]}{letters[second + 1 :]}{twice}"
    return found, letters


@translates("einsum")
def einsum(a: Arguments) -> list[Step]:
    """Translate sums of products of tensors, one after another; an ellipsis must mean the same axes in all."""
    names = a.names("tensors")
    written, arrow, made = a.text("equation", "").replace(" ", "").partition("->")
    terms = written.split(",")
    if not arrow or len(terms) != len(names):
        raise Untranslatable("einsum without its result")
    ranks = [len(a.reading.sizes(name)) for name in names]
    hidden = {rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term}
    if len(hidden) > 1:
        raise Untranslatable("einsum whose ellipses mean different axes")
    spare = [letter for letter in ascii_uppercase if letter not in a.text("equation", "")]
    axes = "".join(spare[: max(hidden, default=0)])
    *letters, result = (term.replace("...", axes) for term in (*terms, made))
    c = Composition(a)
    pairs = [one_of_each(c, name, term) for name, term in zip(names, letters, strict=True)]
    (found, first), further, others = pairs[0], [tensor for tensor, _ in pairs[1:]], [term for _, term in pairs[1:]]
    for number, (term, tensor) in enumerate(zip(others, further, strict=True), 1):
        left = {*result}.union(*others[number:])
        kept = result if number == len(others) else "".join(dict.fromkeys(x for x in first + term if x in left))
        sizes = {**dict(zip(first, c.sizes(found), strict=True)), **dict(zip(term, c.sizes(tensor), strict=True))}
        made_sizes = [sizes[letter] for letter in kept]
        inputs = (found, tensor)
        found = c.add(ContractionStep(read=(first, term), made=kept, inputs=inputs, outputs=(c.new(made_sizes),)))
        first = kept
    summed = [axis for axis, letter in enumerate(first) if letter not in result]
    found = c.reduce(Sum, found, summed, keep=False) if summed else found
    first = "".join(letter for letter in first if letter in result)
    if first != result:
        order = tuple([first.index(letter) for letter in result])
        sizes_there = [c.sizes(found)[axis] for axis in order]
        found = c.add(PermutationStep(order=order, inputs=(found,), outputs=(c.new(sizes_there),)))
    return c.done(found)
