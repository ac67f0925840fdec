"""A run that is recorded: for every worker a list of calls on the places of one piece of memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from archcalc.engine import convolution  # noqa: F401  # registers its operators
from archcalc.engine.layers import part_of
from archcalc.engine.layout import ALIGNED, Layout, Placement, places
from archcalc.engine.recorder import FAST, Call, Recorder
from archcalc.engine.worker import Team
from archcalc.executor.kernel import Array, Buffers
from archcalc.graph import Ref


class Program:
    """A run, ready to be repeated on other inputs of the same shapes."""

    def __init__(self, layout: Layout, results: Iterable[Ref], team: Team, *, winograd: bool = False) -> None:
        """Find the places, and record what is to be done on them.

        Args:
            layout: of the run.
            results: the tensors that are wanted.
            team: who is to do it.
            winograd: whether convolutions may take fewer multiplications than by their definition.

        Raises:
            OSError: the system does not give what several processes need.
        """
        where = places(layout.blocks)
        self.size = max((place.stop for place in where), default=0)
        """Bytes of all tensors."""
        memory = team.allocate(self.size + ALIGNED)
        memory = memory[-memory.ctypes.data % ALIGNED :]
        self._blocks = [memory[place.start : place.stop] for place in where]
        self._placements = layout.placements
        self._results = {ref: self._at(layout.placements[ref]) for ref in results}
        self._shared, self._constants = Buffers(team.allocate), dict[tuple[str, int], Array]()
        self._recorders = [Recorder(worker, self._shared, self._constants, winograd) for worker in team.workers]
        for _ in range(2):  # at the second time all work buffers have their final size and place
            for recorder in self._recorders:
                recorder.calls.clear()
                self._record(layout, recorder)
        self._play = team.start([partial(play, recorder.calls) for recorder in self._recorders])
        self.close = team.close

    @property
    def scratch(self) -> int:
        """Bytes of work buffers: those in common, what was made of stored arrays, and those of every worker, of which
        the first needs most (what it lends plain kernels shows once they ran)."""
        constants = sum(array.nbytes for array in self._constants.values())
        return self._shared.nbytes + constants + len(self._recorders) * self._recorders[0].buffers.nbytes

    def _at(self, placement: Placement) -> Array:
        block, offset, shape, strides, dtype = placement
        return np.ndarray(shape, dtype, self._blocks[block], offset, strides)

    def _record(self, layout: Layout, recorder: Recorder) -> None:
        """Record a worker's part of every layer."""
        for layer in layout.layers:
            if layer.is_view:
                continue
            op, worker = layer.node.op, recorder.worker
            inputs, outputs = (tuple(map(self._at, each)) for each in (layer.inputs, layer.outputs))
            if (fast := FAST.get(type(op))) is not None:
                fast(op, inputs, layer.weights, outputs[0], recorder)
            elif (part := part_of(op, outputs[0].shape, worker)) is not None:
                if outputs[0][part].size:
                    recorder.evaluate(op, (inputs[0][part],), layer.weights, (outputs[0][part],))
            elif worker.number == 0:
                recorder.evaluate(op, inputs, layer.weights, outputs)
            recorder.barrier()

    def run(self, inputs: Mapping[Ref, Array]) -> dict[Ref, Array]:
        """Repeat the run; its results, in memory of their own.

        Raises:
            OSError: another process is gone.
        """
        for ref, array in inputs.items():
            self._at(self._placements[ref])[...] = array
        self._play()
        return {ref: array.copy() for ref, array in self._results.items()}


def play(calls: Sequence[Call]) -> None:
    """Make all calls."""
    with np.errstate(all="ignore"):  # numbers that are not finite show in the results
        for call in calls:
            call()
