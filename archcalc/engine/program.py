"""Recorded runs: for every worker a list of calls on tensors at fixed addresses in a single allocation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from archcalc.engine import convolution  # noqa: F401  # registers its operators
from archcalc.engine.layers import part_of
from archcalc.engine.layout import ALIGNMENT, MemoryLayout, Placement, byte_ranges
from archcalc.engine.recorder import FAST_KERNELS, Call, Recorder
from archcalc.engine.worker import Team
from archcalc.executor.kernel import Array, WorkBuffers
from archcalc.executor.kernels.weight_norm import merged
from archcalc.executor.narrow import in_formats
from archcalc.graph import Ref


class RecordedProgram:
    """A recorded run, which can be repeated on other inputs of the same shapes."""

    def __init__(self, layout: MemoryLayout, results: Iterable[Ref], team: Team, *, winograd: bool = False) -> None:
        """Allocate the memory and record the calls.

        Args:
            layout: the memory layout of the run.
            results: the tensors to return.
            team: the workers.
            winograd: whether convolutions may use Winograd's minimal filtering.

        Raises:
            OSError: the system does not provide the resources for several processes.
        """
        ranges = byte_ranges(layout.blocks)
        self.size = max((place.stop for place in ranges), default=0)
        """The bytes of all tensors."""
        memory = team.allocate(self.size + ALIGNMENT)
        memory = memory[-memory.ctypes.data % ALIGNMENT :]
        self._blocks = [memory[place.start : place.stop] for place in ranges]
        self._placements = layout.placements
        self._results = {ref: self._at(layout.placements[ref]) for ref in results}
        self._shared, self._constants = WorkBuffers(team.allocate), dict[tuple[str, int], Array]()
        self._recorders = [Recorder(worker, self._shared, self._constants, winograd) for worker in team.workers]
        for _ in range(2):  # in the second pass all work buffers have their final size and address
            for recorder in self._recorders:
                recorder.calls.clear()
                self._record(layout, recorder)
        self._perform = team.start([partial(perform, recorder.calls) for recorder in self._recorders])
        self.close = team.close

    @property
    def scratch(self) -> int:
        """The bytes of work buffers: shared ones, constants, and the buffers of all workers.

        Those of the first worker, which needs the most, stand for each. Buffers of ordinary kernels are included after
        the first run of the program.
        """
        constants = sum(array.nbytes for array in self._constants.values())
        return self._shared.nbytes + constants + len(self._recorders) * self._recorders[0].buffers.nbytes

    def _at(self, placement: Placement) -> Array:
        block, offset, shape, strides, dtype = placement
        return np.ndarray(shape, dtype, self._blocks[block], offset, strides)

    def _record(self, layout: MemoryLayout, recorder: Recorder) -> None:
        """Record the part of a worker of every layer."""
        for layer in layout.layers:
            if layer.is_view:
                continue
            op, worker, weights, precision = layer.node.op, recorder.worker, layer.weights, layer.node.precision
            inputs, outputs = (tuple(map(self._at, each)) for each in (layer.inputs, layer.outputs))
            if (plain := op.with_gains_merged()) is not op:
                op, weights = plain, merged(op, weights, inputs[0].shape[1:])
            if (fast := FAST_KERNELS.get(type(op))) is not None:
                fast(op, inputs, weights, outputs[0], recorder)
            elif (part := part_of(op, outputs[0].shape, worker)) is not None:
                if outputs[0][part].size:
                    recorder.evaluate(op, (inputs[0][part],), weights, (outputs[0][part],), precision)
            elif worker.number == 0:
                recorder.evaluate(op, inputs, weights, outputs, precision)
            recorder.barrier()
            if any(layer.node.formats):
                if worker.number == 0:
                    recorder.call(in_formats, outputs, layer.node.formats)
                recorder.barrier()

    def run(self, inputs: Mapping[Ref, Array]) -> dict[Ref, Array]:
        """Repeat the run and return copies of its results.

        Raises:
            OSError: another process has ended.
        """
        for ref, array in inputs.items():
            self._at(self._placements[ref])[...] = array
        self._perform()
        return {ref: array.copy() for ref, array in self._results.items()}


def perform(calls: Sequence[Call]) -> None:
    """Perform all calls."""
    with np.errstate(all="ignore"):  # numbers that are not finite are visible in the results
        for call in calls:
            call()
