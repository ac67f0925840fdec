"""A comparison of two networks in two sentences: what was changed, and what that does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import takewhile
from typing import Any

from archcalc.analysis.fields import Fields
from archcalc.arrays.texts import count_text, shape_text
from archcalc.changes.compare import Figure, NetworkDiff, TensorChange
from archcalc.changes.rows import ChangeRow
from archcalc.report.table import bytes_text, without_controls
from archcalc.validation.baseline import percent_text

MAX_PARTS = 3
"""The maximum number of changes that the first sentence tells; the others are counted."""
MAX_NAME = 30
"""The maximum number of characters of the name of a network in a sentence."""
PARTS = 1_000_000
"""The parts in which the share of a change is counted: floats end at 10^308."""
MAX_PLACES = 4
"""The maximum number of places that are named for one change."""
NAMES = {"params": "parameters", "macs": "MACs", "flops": "FLOPs", "peak": "peak memory"}
"""The totals of the second sentence; the last two only if the MACs do not change, or if they change by themselves."""


def sentences(diff: NetworkDiff) -> tuple[str, str]:
    """Return the two sentences of a comparison; the second one is empty for equal networks."""
    old, new = titles(diff, "the old network", "the new network")
    if diff.is_equal and not any(row.kind != "affected" for row in diff.rows if not _is_free(row)):
        return _equal(diff, old, new), ""
    return f"{_changed(diff, new)}.", f"{_consequences(diff)}."


def titles(diff: NetworkDiff, old: str, new: str) -> tuple[str, str]:
    """Return the names of both networks; the given ones if a name is long, as that of an inline expression is."""
    names = [without_controls(each.graph.name) for each in (diff.old, diff.new)]
    if max(map(len, names)) > MAX_NAME:
        return old, new
    return names[0], names[1]


def _is_free(row: ChangeRow) -> bool:
    """Return whether a row is a layer that makes no difference, which equal networks may have."""
    return row.kind in ("added", "removed") and not any(row.delta(name) for name in ("params", "macs", "flops"))


def _equal(diff: NetworkDiff, old: str, new: str) -> str:
    added = sum(row.layers for row in diff.rows if row.kind == "added")
    layers = count_text(len(diff.new.layers) - added, "layer")
    said = f"{old} and {new} are equal" if old != new else f"{new} has not changed"
    parts = [f"{said}: {layers} with the same attributes and figures"]
    if diff.renamed:
        parts.append(f"{count_text(len(diff.renamed), 'layer')} {_were(len(diff.renamed))} renamed")
    for row in diff.rows:
        where = new if row.kind == "added" else old
        parts.append(f"only {where} has an explicit {row.label}, which makes no difference")
    return _capital("; ".join(parts)) + "."


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _changed(diff: NetworkDiff, new: str) -> str:
    """Return what was changed, the most costly first."""
    rows = [row for row in diff.rows if row.kind != "affected"]
    parts: list[tuple[int, str]] = []
    for one, other, text in _moves(rows):
        parts.append((_weight(diff, [one, other]), text))
        rows = [row for row in rows if row is not one and row is not other]
    units: dict[tuple[str, str, str], list[ChangeRow]] = {}
    for row in rows:
        if row.kind in ("added", "removed"):
            units.setdefault((row.kind, row.label, row.unit), []).append(row)
        else:
            parts.append((_weight(diff, [row]), _row_text(row)))
    for (kind, label, unit), same in units.items():
        parts.append((_weight(diff, same), _lone_text(kind, label, same, new, unit)))
    parts += [(2 * PARTS, _tensor_text("input", tensor)) for tensor in diff.inputs if tensor.differs]
    if not parts:
        return f"{new} has the same layers, connected differently" if not diff.is_equal else f"{new} has not changed"
    parts.sort(key=lambda part: -part[0])
    shown = [text for _, text in parts[:MAX_PARTS]]
    if len(parts) > MAX_PARTS:
        shown.append(f"and {count_text(len(parts) - MAX_PARTS, 'further change')}")
    return _capital("; ".join(shown))


def _capital(text: str) -> str:
    """Return a sentence with a capital letter, unless it begins with a name."""
    is_name = not text.startswith(("in ", "only ", "the ", "outputs ", *NAMES.values()))
    return text if is_name else text[0].upper() + text[1:]


def _weight(diff: NetworkDiff, rows: Iterable[ChangeRow]) -> int:
    """Return how much changes matter: the largest share of the parameters or MACs, in millionths."""
    rows, shares = list(rows), [0]
    for name in ("params", "macs"):
        whole = max(diff.old.totals.of(name), diff.new.totals.of(name), 1)
        added = sum(abs(change.deltas[name]) for row in rows for change in row.changes)
        shares.append(added * PARTS // whole)
    return max(shares)


def _moves(rows: Sequence[ChangeRow]) -> list[tuple[ChangeRow, ChangeRow, str]]:
    """Return pairs of changes that are one: an attribute that moves from a layer to another one of the same block."""
    found: list[tuple[ChangeRow, ChangeRow, str]] = []
    taken: set[int] = set()
    for index, one in enumerate(rows):
        for other in rows[index + 1 :]:
            if id(one) in taken or id(other) in taken or not _is_move(one, other):
                continue
            taken |= {id(one), id(other)}
            attribute = one.attributes[0]
            larger = attribute.before if one.changes[0].deltas["activations"] >= 0 else attribute.after
            source, target = (one, other) if attribute.before == larger else (other, one)
            names = _told_apart(source, target)
            where = _places([_shared_block(*pair) for pair in zip(one.changes, other.changes, strict=True)])
            text = f"{where}, {attribute.name} {larger} moves from {names[0]} to {names[1]}"
            found.append((one, other, text))
    return found


def _is_move(one: ChangeRow, other: ChangeRow) -> bool:
    if not (one.kind == other.kind == "changed" and len(one.attributes) == len(other.attributes) == 1):
        return False
    a, b = one.attributes[0], other.attributes[0]
    if (a.name, a.before, a.after) != (b.name, b.after, b.before) or one.times != other.times:
        return False
    return all(_shared_block(*pair) for pair in zip(one.changes, other.changes, strict=True))


def _shared_block(one: Any, other: Any) -> str:
    """Return the path of the innermost block that contains two layers."""
    paths = (each.layer.path[:-1] for each in (one, other))
    return "/".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(*paths, strict=False)))


def _told_apart(one: ChangeRow, other: ChangeRow) -> tuple[str, str]:
    """Return names of two layers: the operator with the arguments in which they differ, or the names of the layers."""
    texts = [row.changes[0].operators[0].split() for row in (one, other)]
    moved = [{*row.changes[0].operators[0].split()} ^ {*row.changes[0].operators[1].split()} for row in (one, other)]
    own = [
        [word for word in words if word not in texts[1 - side] and word not in moved[side]]
        for side, words in enumerate(texts)
    ]
    if own[0] and own[1]:
        first, second = (" ".join(dict.fromkeys([words[0], *rest])) for words, rest in zip(texts, own, strict=True))
        return first, second
    return one.changes[0].layer.path[-1], other.changes[0].layer.path[-1]


def _places(paths: Sequence[str]) -> str:
    """Return where something happens: ``in conv3_x/first and conv4_x/first``."""
    different = [*dict.fromkeys(paths)]
    named = [without_controls(path) for path in different[:MAX_PLACES]]
    if len(different) > MAX_PLACES:
        return f"in {len(different):,} blocks ({named[0]} … {without_controls(different[-1])})"
    return f"in {_listed(named)}"


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _row_text(row: ChangeRow) -> str:
    """Return a changed layer, or several that were changed in the same way."""
    change = row.changes[0]
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    name = without_controls(after.name)
    if before.op != after.op:
        if row.times == 1:
            return f"{name} is {change.operators[1]} instead of {change.operators[0]}"
        return f"{row.times:,} layers are {after.op} instead of {before.op}"
    if row.attributes:
        said = _listed([attribute_text(each, factor) for each, factor in zip(row.attributes, row.factors, strict=True)])
        return f"{name}: {said}" if row.times == 1 else f"{row.times:,} {after.op} layers: {said}"
    if row.times == 1 and change.reads is not None:
        read, reads = (_listed([without_controls(each) for each in names]) for names in change.reads)
        return f"{name} reads {reads} instead of {read}"
    return f"{row.times:,} {after.op} layers read other layers"


def attribute_text(attribute: Any, factor: Fraction | None) -> str:
    """Return the change of an attribute: ``stride 2 → 1``, or by how much widths are multiplied: ``channels × 1/2``."""
    if factor is not None:
        return f"{attribute.name} × {factor}"
    return f"{attribute.name} {attribute.before} → {attribute.after}"


def _lone_text(kind: str, label: str, rows: Sequence[ChangeRow], new: str, unit: str) -> str:
    """Return what was added or removed: ``net has 3 more rest blocks: 1 in conv2_x and 2 in conv3_x``."""
    number = sum(row.times for row in rows)
    places = [place for row in rows for place in row.places]
    word = "more" if kind == "added" else "fewer"
    if number == 1:
        name, operator = without_controls(places[0]), rows[0].changes[0].operators[kind == "added"]
        named = f"{unit} {name}" if unit != "layer" or name == operator else f"layer {name} ({operator})"
        return f"{new} has the additional {named}" if kind == "added" else f"{new} lacks the {named}"
    parents: dict[str, int] = {}
    for row in rows:
        for parent in row.parents:
            parents[parent] = parents.get(parent, 0) + 1
    label = without_controls(label)
    what = f"{number:,} {word} {f'{label} {unit}s'.lstrip()}"
    if "" in parents:
        return f"{new} has {what}"
    inside = [f"{times:,} in {without_controls(parent)}" for parent, times in parents.items()]
    if len(inside) > MAX_PLACES:
        return f"{new} has {what}, in {len(inside):,} places"
    if len(inside) == 1:
        return f"{new} has {what} in {without_controls(next(iter(parents)))}"
    return f"{new} has {what}: {_listed(inside)}"


def _tensor_text(word: str, tensor: TensorChange) -> str:
    """Return a changed input or output."""
    name = "" if tensor.name == word else f" {without_controls(tensor.name)}"
    before, after = (None if each is None else shape_text(each.shape) for each in (tensor.before, tensor.after))
    if before is None or after is None:
        return f"the {word}{name} ({after or before}) is {'new' if before is None else 'removed'}"
    return f"the {word}{name} is {after} instead of {before}"


def _consequences(diff: NetworkDiff) -> str:
    """Return what the changes do to the figures, and what stays."""
    figures = {figure.quantity: figure for figure in diff.totals}
    grown = [name for name in ("params", "macs") if figures[name].differs]
    same = [name for name in ("params", "macs") if not figures[name].differs]
    if "macs" in same and figures["flops"].differs:
        grown.append("flops")
    if figures["peak"].differs:
        grown.append("peak")
    parts = list[str]()
    shrinks = None
    for name in grown:
        figure = figures[name]
        verb = "" if _shrinks(figure) == shrinks else f"{_verb(figure)} "  # as in "MACs grow by 1 % and FLOPs by 2 %"
        shrinks = _shrinks(figure)
        parts.append(f"{NAMES[name]} {verb}{_amount(figure)}")
    stays = [NAMES[name] for name in same]
    outputs = [tensor for tensor in diff.outputs if tensor.differs]
    said = [_listed(parts)] if parts else []
    said += [_tensor_text("output", tensor) for tensor in outputs]
    if not outputs:
        stays.append("outputs")
    fields = [
        (field_text(each.before.fields), field_text(each.after.fields))
        for each in diff.outputs
        if each.before and each.after
    ]
    changed = [(before, after) for before, after in fields if before != after]
    if changed:
        said.append(f"the receptive field is {changed[0][1] or 'none'} instead of {changed[0][0] or 'none'}")
    elif fields:
        stays.append("receptive field" if len(fields) == 1 else "receptive fields")
    if stays == ["receptive field"]:
        said.append("the receptive field stays the same")
    elif stays:
        said.append(f"{_listed(stays)} stay the same")
    return _capital("; ".join(said))


def _shrinks(figure: Figure) -> bool:
    return bool(figure.after < figure.before)


def _verb(figure: Figure) -> str:
    """Return whether a total grows or shrinks, in the number of its name."""
    verb = "shrink" if _shrinks(figure) else "grow"
    return f"{verb}s" if figure.quantity == "peak" else verb


def _amount(figure: Figure) -> str:
    """Return by how much a total changed: ``by 5.99 % (3.86 G → 4.09 G)``."""
    before, after = figure.before, figure.after
    write = bytes_text if figure.quantity == "peak" else short
    said = [write(each) for each in (before, after)]
    if said[0] == said[1]:
        return f"by {abs(after - before):,}"
    if figure.is_bound or not before:
        return f"from {said[0]} to {said[1]}"
    return f"by {percent_text(Fraction(abs(after - before), before))} ({said[0]} → {said[1]})"


def short(number: int) -> str:
    """Return a count with three significant digits and a decimal unit: ``3.86 G``."""
    units = ("", "k", "M", "G", "T", "P", "E")
    if abs(number) < 10_000:
        return f"{number:,}"
    rounded = Decimal(f"{Decimal(number):.3g}")
    power = min(rounded.adjusted() // 3, len(units) - 1)
    return f"{(rounded / 1000**power).normalize():f} {units[power]}"


def field_text(fields: Fields) -> str:
    """Return the receptive field of an output: ``483``, ``483x1``, ``global``."""
    texts = []
    for name, axes in fields.items():
        sizes = [str(axis.size) if axis.is_local else axis.word for axis in axes]
        text = sizes[0] if sizes and len({*sizes}) == 1 else "x".join(sizes)
        texts += [f"{name} {text}" if len(fields) > 1 else text] if sizes else []
    return ", ".join(texts)


def change_text(figure: Figure) -> str:
    """Return the change of a total in per cent: ``+5.99 %``; ``=`` if there is none."""
    if not figure.differs:
        return "="
    if figure.is_bound or not figure.before:
        return f"{figure.after - figure.before:+,}"
    share = Fraction(figure.after - figure.before, figure.before)
    return f"{'+' if share > 0 else ''}{percent_text(share)}"
