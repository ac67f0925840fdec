"""Find blocks in the chains of a spec: parts that occur several times, up to numbers, which become parameters.

The part that saves most text becomes a block; this is repeated, also within the bodies of blocks, as long as it saves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

from archcalc.spec.grammar import JOINS
from archcalc.writers.names import unused
from archcalc.writers.spec.chain_tree import (
    BlockCall,
    BlockDefinition,
    Chain,
    Item,
    JoinItem,
    LayerItem,
    RepeatedItems,
    text,
)
from archcalc.writers.spec.patterns import Hole, ItemPattern, filled, pattern_of

MAX_LENGTH = 16
"""The maximum number of items of a part that becomes a block."""
MAX_PARAMETERS = 4
MAX_BLOCKS = 30
LONG_REPETITION = 60
"""The length of what is repeated from which it is a block."""
MIN_SAVED = 15
"""The least number of characters that a block must save."""


class Blocks:
    """The chains of a spec with the blocks that they call."""

    def __init__(self, chains: Sequence[Chain], taken: set[str]) -> None:
        """Find the blocks.

        Args:
            chains: the chains of the spec.
            taken: the names that blocks must not have.
        """
        self.chains = list(chains)
        self.taken = taken
        self.blocks: list[BlockDefinition] = []
        while len(self.blocks) < MAX_BLOCKS and self.found():
            pass
        for block in self.blocks:
            block.body = joined(block.body)
        self.chains = [self.without_long_repetitions(joined(chain)) for chain in self.chains]
        self.set_defaults()

    def found(self) -> bool:
        """Make a block of the part that saves most text; return whether there is one."""
        occurrences: dict[object, list[ItemPattern]] = defaultdict(list)
        examples: dict[object, Chain] = {}
        for chain in self.everywhere():
            ends: dict[object, int] = {}
            for start in range(len(chain)):
                for end in range(start + 1, min(len(chain), start + MAX_LENGTH) + 1):
                    part = chain[start:end]
                    if "@" in str(part[-1]) or isinstance(part[-1], RepeatedItems):
                        break
                    if not is_worthwhile(part):
                        continue
                    pattern = pattern_of(part)
                    if start >= ends.get(pattern.key, 0):
                        ends[pattern.key] = end
                        occurrences[pattern.key].append(pattern)
                        examples.setdefault(pattern.key, part)
        best = max(occurrences, key=lambda key: saved(examples[key], occurrences[key]), default=None)
        if best is None or saved(examples[best], occurrences[best]) < MIN_SAVED:
            return False
        self.extract(examples[best], occurrences[best])
        return True

    def everywhere(self) -> Iterator[Chain]:
        """Yield all chains, those in joins, repetitions and bodies included."""
        waiting = [*self.chains, *(block.body for block in self.blocks)]
        while waiting:
            chain = waiting.pop(0)
            yield chain
            for item in chain:
                waiting += (
                    item.branches
                    if isinstance(item, JoinItem)
                    else [item.body]
                    if isinstance(item, RepeatedItems)
                    else []
                )

    def extract(self, part: Chain, patterns: list[ItemPattern]) -> None:
        """Replace the occurrences of a part by calls of a new block."""
        parameters, values = generalised(patterns)
        block = BlockDefinition(self.free(name_of(part)), list(parameters), filled(part, iter(values)))
        key, length = patterns[0].key, len(part)
        places = list(parameters.values())

        def replaced(chain: Chain) -> Chain:
            made: list[Item] = []
            at = 0
            while at < len(chain):
                pattern = pattern_of(chain[at : at + length]) if len(chain) - at >= length else None
                if pattern is not None and pattern.key == key:
                    made.append(BlockCall(block, tuple([pattern.values[place] for place in places])))
                    at += length
                    continue
                made.append(inside(chain[at]))
                at += 1
            return tuple(made)

        def inside(item: Item) -> Item:
            if isinstance(item, JoinItem):
                return JoinItem(item.name, tuple(map(replaced, item.branches)), item.options)
            return RepeatedItems(replaced(item.body), item.times) if isinstance(item, RepeatedItems) else item

        self.chains = list(map(replaced, self.chains))
        for other in self.blocks:
            other.body = replaced(other.body)
        self.blocks.append(block)

    def without_long_repetitions(self, chain: Chain) -> Chain:
        """Return a chain in which what is repeated is a block if it is long."""
        made: list[Item] = []
        for item in chain:
            if (
                isinstance(item, RepeatedItems)
                and len(text(item.body)) > LONG_REPETITION
                and "@" not in text(item.body)
            ):
                known = next((block for block in self.blocks if block.body == item.body), None)
                block = known or BlockDefinition(self.free(name_of(item.body)), [], item.body)
                self.blocks += [] if known else [block]
                item = RepeatedItems((BlockCall(block, ()),), item.times)
            made.append(item)
        return tuple(made)

    def free(self, name: str) -> str:
        found = unused(name, self.taken)
        self.taken.add(found)
        return found

    def set_defaults(self) -> None:
        """Give parameters with letters, which stand last, the most common value as a default."""
        calls = [item for chain in self.everywhere() for item in chain if isinstance(item, BlockCall)]
        for block in self.blocks:
            own = [call.values for call in calls if call.block is block]
            for place, parameter in reversed([*enumerate(block.parameters)]):
                numbers = Counter(values[place] for values in own if values[place].isdigit())
                value, times = numbers.most_common(1)[0] if numbers else ("", 0)
                if parameter[0] in "cn" or (times < 2 and value != "1"):
                    break
                block.defaults[parameter] = value

    def ordered(self) -> list[BlockDefinition]:
        """Return the blocks, those that are called before those that call them."""
        found: list[BlockDefinition] = []

        def add(chain: Chain) -> None:
            for item in chain:
                if isinstance(item, BlockCall) and item.block in self.blocks and item.block not in found:
                    add(item.block.body)
                    found.append(item.block)
                for inner in (
                    item.branches
                    if isinstance(item, JoinItem)
                    else [item.body]
                    if isinstance(item, RepeatedItems)
                    else []
                ):
                    add(inner)

        for chain in self.chains:
            add(chain)
        return found


def is_worthwhile(part: Chain) -> bool:
    """Return whether a part is more than a layer or a call."""
    return len(part) > 1 or isinstance(part[0], JoinItem)


def saved(part: Chain, patterns: list[ItemPattern]) -> int:
    """Return about how many characters a block for a part saves."""
    if len(patterns) < 2:
        return 0
    parameters, _ = generalised(patterns)
    if len(parameters) > MAX_PARAMETERS:
        return 0
    calls = len(patterns) * (8 + 5 * len(parameters))
    return (len(patterns) - 1) * len(text(part)) - calls - 10


def generalised(patterns: list[ItemPattern]) -> tuple[dict[str, int], list[str]]:
    """Return the parameters of a block, each with a hole that it fills, and what fills all holes of its body.

    Holes with the same values have the same parameter; a multiple of a parameter is written as one.
    """
    columns = list(zip(*(pattern.values for pattern in patterns), strict=True))
    found: dict[str, int] = {}
    filling: dict[int, str] = {}
    order = sorted(
        range(len(columns)), key=lambda place: (patterns[0].holes[place].letter != "", is_multiple(columns, place))
    )
    for place in order:
        hole, column = patterns[0].holes[place], columns[place]
        if len({*column}) == 1 and column[0].isdigit():
            filling[place] = column[0]
            continue
        known = next((name for name, other in found.items() if is_same(hole, column, patterns, other, columns)), None)
        multiple = None if known or hole.letter else multiple_of(column, {n: columns[p] for n, p in found.items()})
        if known is None and multiple is None:
            known = parameter_for(hole, found)
            found[known] = place
        filling[place] = multiple or known or ""
    return found, [filling[place] for place in range(len(columns))]


def is_same(
    hole: Hole, column: tuple[str, ...], patterns: list[ItemPattern], other: int, columns: list[tuple[str, ...]]
) -> bool:
    """Return whether a hole has the values and the kind of another one; groups may be as many as channels."""
    letter = patterns[0].holes[other].letter
    return columns[other] == column and letter in (hole.letter, "" if hole.letter == "g" else hole.letter)


def is_multiple(columns: list[tuple[str, ...]], place: int) -> bool:
    """Return whether a column has different numbers that are the same multiple of another column."""
    column = columns[place]
    return len({*column}) > 1 and any(
        multiple_of(column, {"n": other}) not in (None, "1*n") for other in columns if other != column
    )


def multiple_of(column: tuple[str, ...], known: dict[str, tuple[str, ...]]) -> str | None:
    """Return a column as a multiple of a parameter, ``4*c``; ``None`` if it is none."""
    if not all(value.isdigit() for value in column):
        return None
    for name, other in known.items():
        if name[0] in "cn" and all(value.isdigit() and int(value) for value in other):
            ratios = {(int(value), int(base)) for value, base in zip(column, other, strict=True)}
            times = {divmod(value, base) for value, base in ratios}
            if len(times) == 1 and next(iter(times))[1] == 0:
                return f"{next(iter(times))[0]}*{name}"
    return None


def parameter_for(hole: Hole, taken: dict[str, int]) -> str:
    """Return a name for the numbers of a hole: ``c`` for channels, ``n`` for other sizes, or the letter."""
    return unused(hole.letter or ("c" if "conv" in hole.operator or not hole.operator else "n"), taken)


def name_of(part: Chain) -> str:
    """Return a name for a block: after its join, or its layers if they are few."""
    joins = [item for item in part if isinstance(item, JoinItem)]
    if "attention" in text(part) and len(joins) > 1:
        return "layer"
    if joins:
        with_identity = any(text(branch) == "identity" for branch in joins[0].branches)
        known = {"add": "residual" if with_identity else "projection", "concat": "concatenated", "mul": "gated"}
        return known.get(joins[0].name, "joined")
    names = [item.words[0] for item in part if isinstance(item, LayerItem)]
    return "_".join(names) if len(names) == len(part) <= 3 and not {*names} & {*JOINS} else "branch"


def joined(chain: Chain) -> Chain:
    """Return a chain in which equal consecutive items are repetitions, in joins and repetitions as well."""
    made: list[Item] = []
    units = [
        (item.body[0], item.times) if isinstance(item, RepeatedItems) and len(item.body) == 1 else (item, 1)
        for item in map(_joined_inside, chain)
    ]
    for item, group in groupby(units, key=lambda unit: unit[0]):
        times = sum(number for _, number in group)
        made += [item] * times if times == 1 or _stands_alone(item) else [RepeatedItems((item,), times)]
    return tuple(made)


def _stands_alone(item: Item) -> bool:
    return isinstance(item, LayerItem) and item.words[0].startswith("@")


def _joined_inside(item: Item) -> Item:
    if isinstance(item, JoinItem):
        return JoinItem(item.name, tuple(map(joined, item.branches)), item.options)
    return RepeatedItems(joined(item.body), item.times) if isinstance(item, RepeatedItems) else item
