"""What changed between two checkpoints: tensors that were added, removed, renamed, reshaped or converted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archcalc.readers.checkpoints.checkpoint import Checkpoint, CheckpointTensor
from archcalc.spec.errors import fail

MAX_CANDIDATES = 8
"""The number of tensors with the same end of their names that are considered as one that was renamed."""
MAX_DEPTH = 20
"""The number of modules within one another that are considered."""
SEPARATORS = "./"


class PrefixRename(NamedTuple):
    """Names with another beginning."""

    old: str
    new: str
    tensors: int


class TensorPair(NamedTuple):
    """A tensor in both checkpoints."""

    old: CheckpointTensor
    new: CheckpointTensor

    @property
    def is_reshaped(self) -> bool:
        return self.old.shape != self.new.shape

    @property
    def is_converted(self) -> bool:
        """Whether the number format is another one."""
        return self.old.dtype != self.new.dtype


@dataclass(frozen=True)
class CheckpointDiff:
    """What changed between two checkpoints."""

    old: Checkpoint
    new: Checkpoint
    pairs: tuple[TensorPair, ...]
    """The tensors in both."""
    removed: tuple[CheckpointTensor, ...]
    added: tuple[CheckpointTensor, ...]
    renamed: tuple[PrefixRename, ...]
    """The beginnings of names that are different; the tensors are among the pairs."""
    differences: Mapping[str, float] | None = None
    """The largest difference between the numbers of each pair that has the same shape and other numbers, by the new
    name; infinite if one of them is not a number. ``None`` if they were not compared."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing changed, as far as it was compared."""
        return not (self.removed or self.added or self.renamed or self.differences) and not any(
            pair.is_reshaped or pair.is_converted for pair in self.pairs
        )


def compare_checkpoints(old: Checkpoint, new: Checkpoint, *, values: bool = False) -> CheckpointDiff:
    """Compare two checkpoints.

    Args:
        old: the first.
        new: the second.
        values: whether the numbers are compared, too. They are read tensor by tensor.

    Raises:
        SpecError: numbers cannot be read.
    """
    removed = {name: tensor for name, tensor in old.tensors.items() if name not in new.tensors}
    added = {name: tensor for name, tensor in new.tensors.items() if name not in old.tensors}
    renames = _renames(removed, added)
    pairs = [
        TensorPair(tensor, new.tensors[renames.get(name, name)])
        for name, tensor in old.tensors.items()
        if name in renames or name in new.tensors
    ]
    others = {*renames.values()}
    beginnings = Counter(_beginnings(name, other) for name, other in renames.items())
    return CheckpointDiff(
        old,
        new,
        tuple(pairs),
        tuple([tensor for name, tensor in removed.items() if name not in renames]),
        tuple([tensor for name, tensor in added.items() if name not in others]),
        tuple([PrefixRename(*names, tensors) for names, tensors in beginnings.items()]),
        _differences(old, new, pairs) if values else None,
    )


# --- other beginnings of names ---


def _ends(name: str) -> Iterator[str]:
    """Yield the ends of a name that begin with a part of it, the longest first."""
    yield name
    at = -1
    for _ in range(MAX_DEPTH):
        at = min((found for each in SEPARATORS if (found := name.find(each, at + 1)) >= 0), default=-1)
        if at < 0:
            return
        yield name[at + 1 :]


def _beginnings(old: str, new: str) -> tuple[str, str]:
    """Return what two names have in front of their longest common end."""
    ends = {*_ends(new)}
    end = next(end for end in _ends(old) if end in ends)
    return old.removesuffix(end), new.removesuffix(end)


def _renames(removed: Mapping[str, CheckpointTensor], added: Mapping[str, CheckpointTensor]) -> dict[str, str]:
    """Return the new names by the old ones, where tensors of the same shape have another beginning of their names.

    The pair of beginnings that most tensors have comes first. A pair that only one tensor has is not a rename unless
    its name has an end of several parts.
    """
    by_end: dict[str, list[str]] = {}
    for name in added:
        for end in _ends(name):
            by_end.setdefault(end, []).append(name)
    rules: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name, tensor in removed.items():
        for end in _ends(name):
            fitting = [each for each in by_end.get(end, ())[:MAX_CANDIDATES] if added[each].shape == tensor.shape]
            for other in fitting:
                rules[_beginnings(name, other)][name] = other
            if fitting:
                break
    found: dict[str, str] = {}
    taken: set[str] = set()
    for (before, _), names in sorted(rules.items(), key=lambda rule: -len(rule[1])):
        for name, other in names.items():
            has_module = any(each in name.removeprefix(before) for each in SEPARATORS)
            if name not in found and other not in taken and (len(names) > 1 or has_module):
                found[name] = other
                taken.add(other)
    rules_found = Counter(_beginnings(*names) for names in found.items())
    for name in removed:  # tensors of another shape, by what the others have shown
        for (before, after), count in rules_found.most_common(MAX_CANDIDATES) if name not in found else ():
            other = f"{after}{name.removeprefix(before)}"
            if count > 1 and name.startswith(before) and other in added and other not in taken:
                found[name] = other
                taken.add(other)
                break
    return found


# --- numbers ---


def _differences(old: Checkpoint, new: Checkpoint, pairs: list[TensorPair]) -> dict[str, float]:
    import numpy as np

    from archcalc.readers.decoding import READABLE

    found = {}
    for before, after in pairs:
        if before.shape != after.shape:
            continue
        for checkpoint, tensor in ((old, before), (new, after)):
            if tensor.dtype not in READABLE:
                must = f"'{tensor.name[:80]}' must have a number format of real numbers, got {tensor.dtype}"
                fail("format", must, hint="without --values, numbers are not compared", origin=checkpoint.name)
        first, second = old.load(before), new.load(after)
        with np.errstate(invalid="ignore", over="ignore"):
            differences = np.abs(first.astype(np.float64) - second.astype(np.float64))
        same = (first == second) | (np.isnan(differences) & (first != first) & (second != second))  # NaN in both
        if not same.all():
            found[after.name] = float(np.nan_to_num(differences[~same], nan=np.inf).max())
    return found
