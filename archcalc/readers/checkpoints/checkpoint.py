"""What every format of checkpoints is read to: tensors by name, whose numbers are read on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from archcalc.readers.checkpoints.formats import NOT_PARAMETERS, bytes_of

if TYPE_CHECKING:
    from archcalc.executor.kernel import Array

STATISTICS = frozenset(("running_mean", "running_var", "moving_mean", "moving_variance"))
"""The last part of the names of moving averages, which are stored but not trained."""
TABLES = frozenset(
    ("num_batches_tracked", "relative_position_index", "relative_coords_table", "attn_mask", "position_ids", "inv_freq")
)
"""The last part of the names of counters and of tables that follow from the sizes of a network."""
MAX_AXES = 64
MAX_SIZE = 2**62
"""The largest size of an axis."""


class CheckpointTensor(NamedTuple):
    """A tensor of a checkpoint, without its numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """The number format, a key of `archcalc.readers.checkpoints.formats.BITS`."""
    place: Any = None
    """Where the numbers are, for the function that reads them."""

    @property
    def numbers(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """The bytes of the numbers."""
        return bytes_of(self.shape, self.dtype)

    @property
    def last(self) -> str:
        """The last part of the name: ``weight``."""
        return self.name.rpartition("/")[2].rpartition(".")[2].removesuffix(":0")

    @property
    def params(self) -> int:
        """The number of parameters: the elements, unless they are counters, indices, masks or computed tables."""
        return 0 if self.dtype in NOT_PARAMETERS or self.last in TABLES else self.numbers

    @property
    def trainable(self) -> int:
        """The number of parameters without moving averages."""
        return 0 if self.last in STATISTICS else self.params


class TensorSum(NamedTuple):
    """How many tensors there are, how many numbers they have, and how many bytes they take."""

    tensors: int
    numbers: int
    bytes: int


class CheckpointTotals(NamedTuple):
    """The sums over the tensors of a checkpoint, each of which is counted once, whatever the number of its names."""

    tensors: int
    params: int
    trainable: int
    bytes: int
    formats: Mapping[str, TensorSum]
    """The sums by number format, the one with most bytes first."""


class OmittedPart(NamedTuple):
    """A part of a file of nested dictionaries that is not shown."""

    name: str
    tensors: int
    bytes: int


Load = Callable[[CheckpointTensor], "Array"]
"""Returns the numbers of a tensor, as `archcalc.readers.decoding.decoded` has them."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The tensors of a checkpoint."""

    name: str
    """The file, and perhaps a part of it, as given."""
    form: str
    """The format, for people: ``safetensors``, ``PyTorch``, ``HDF5``."""
    tensors: Mapping[str, CheckpointTensor]
    """The tensors by name, in the order of the file."""
    load: Load
    separator: str = "."
    """What separates the names of modules."""
    part: str = ""
    """The part of the file that the tensors are in; empty for all of it."""
    others: tuple[OmittedPart, ...] = ()
    """The other parts of the file."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """Names of tensors whose numbers are those of another one, with the name of that."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    files: int = 1
    is_ordered: bool = True
    """Whether the tensors are in the order in which the network has them; some formats sort them."""

    def counted(self) -> Iterable[CheckpointTensor]:
        """Return the tensors without further names of the same one."""
        return [tensor for name, tensor in self.tensors.items() if name not in self.shared]

    @cached_property
    def totals(self) -> CheckpointTotals:
        """The sums over all tensors."""
        counted = self.counted()
        tensors, numbers, size = Counter[str](), Counter[str](), Counter[str]()
        for tensor in counted:
            tensors[tensor.dtype] += 1
            numbers[tensor.dtype] += tensor.numbers
            size[tensor.dtype] += tensor.bytes
        return CheckpointTotals(
            tensors=tensors.total(),
            params=sum(tensor.params for tensor in counted),
            trainable=sum(tensor.trainable for tensor in counted),
            bytes=size.total(),
            formats={name: TensorSum(tensors[name], numbers[name], each) for name, each in size.most_common()},
        )
