"""Recorded gathering of windows, as in `archcalc.executor.kernels.gather`, by one worker or by all of them."""

from __future__ import annotations

from math import prod

from archcalc.engine.recorder import Recorder
from archcalc.executor.kernel import Array
from archcalc.executor.kernels.gather import frame_of, sizes_of, windows
from archcalc.executor.kernels.windows import WindowAxis, WindowBlock


def padded_windows(sample: Array, axes: list[WindowAxis], block: WindowBlock, recorder: Recorder) -> Array:
    """Return the windows of a block of positions of one sample (C×n…), as a view C×k…×positions….

    It is a view of the sample, or of a recorded copy with padding.
    """
    frame = frame_of(sample, axes, block)
    if frame.is_view:
        return windows(sample, frame.first, axes, block)
    framed = recorder.scratch("frame", frame.shape, sample.dtype)
    recorder.copy(framed, 0)
    recorder.copy(framed[frame.target], sample[frame.source])
    return windows(framed, frame.first, axes, block)


def gather(sample: Array, axes: list[WindowAxis], block: WindowBlock, recorder: Recorder) -> Array:
    """Return the windows of a block as a matrix taps×positions, in a buffer of the worker."""
    columns = recorder.scratch("columns", sizes_of(sample, axes, block), sample.dtype)
    recorder.copy(columns, padded_windows(sample, axes, block, recorder))
    return columns.reshape(-1, prod(block.sizes))


def gather_together(sample: Array, axes: list[WindowAxis], block: WindowBlock, recorder: Recorder) -> Array:
    """Return windows as `gather` does, in a shared buffer; each worker gathers the windows of some maps."""
    columns = recorder.shared("columns", sizes_of(sample, axes, block), sample.dtype)
    recorder.barrier()  # other workers may still read the windows of the previous block
    some = recorder.worker.part(len(sample))
    if some.start < some.stop:
        recorder.copy(columns[some], padded_windows(sample[some], axes, block, recorder))
    recorder.barrier()
    return columns.reshape(-1, prod(block.sizes))
