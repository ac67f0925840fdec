"""The recorder of the calls of one worker, on arrays whose addresses are known in advance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from archcalc.engine.worker import Worker
from archcalc.executor.kernel import Array, Arrays, Context, Kernel, Sizes, Weights, WorkBuffers, kernel_of, register
from archcalc.executor.narrow import rounding_to
from archcalc.ops.base import Operator

Call: TypeAlias = Callable[[], Any]


class Recorder:
    """Records the calls of one worker in order."""

    def __init__(
        self, worker: Worker, shared: WorkBuffers, constants: dict[tuple[str, int], Array], winograd: bool
    ) -> None:
        """Start without calls.

        Args:
            worker: the worker.
            shared: the work buffers that all workers share.
            constants: arrays computed from stored arrays; see `constant`.
            winograd: whether convolutions may use Winograd's minimal filtering.
        """
        self.worker, self.winograd = worker, winograd
        self.calls: list[Call] = []
        self.buffers, self._shared, self._constants = WorkBuffers(), shared, constants

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Record a call of a function."""
        self.calls.append(partial(function, *arguments, **options))

    def copy(self, target: Array, source: Any) -> None:
        """Record a copy of an array (or of one number) to another array."""
        self.call(np.copyto, target, source)

    def barrier(self) -> None:
        """Record that the worker waits for all other workers."""
        if self.worker.count > 1:
            self.calls.append(self.worker.barrier)

    def evaluate(self, op: Operator, inputs: Arrays, weights: Weights, outputs: Arrays, precision: str = "") -> None:
        """Record the evaluation of a layer by its ordinary kernel, with a copy of the results to ``outputs``.

        Args:
            op: the operator of the layer.
            inputs: what it reads.
            weights: its stored arrays by their names in it.
            outputs: the arrays for the results.
            precision: see `archcalc.graph.Node`.
        """
        rounding = rounding_to(precision)
        context = Context(batch=len(outputs[0]), dtype=outputs[0].dtype, buffers=self.buffers, rounding=rounding)
        self.call(copy_out, kernel_of(op), op, inputs, weights, context, outputs)

    def scratch(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer of this worker with arbitrary content."""
        return self.buffers.take(purpose, shape, dtype)

    def shared(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer that all workers share."""
        return self._shared.take(purpose, shape, dtype)

    def constant(self, purpose: str, stored: Array, make: Callable[[Array], Array]) -> Array:
        """Return an array that depends only on a stored array; it is computed once."""
        key = purpose, id(stored)
        if key not in self._constants:
            self._constants[key] = make(stored)
        return self._constants[key]

    def contiguous(self, array: Array) -> Array:
        """Return an array if it is contiguous, or else a work buffer to which a copy is recorded."""
        if array.flags.c_contiguous:
            return array
        copy = self.scratch("contiguous", array.shape, array.dtype)
        self.copy(copy, array)
        return copy


def copy_out(kernel: Kernel, op: Operator, inputs: Arrays, weights: Weights, context: Context, outputs: Arrays) -> None:
    """Evaluate a layer by its ordinary kernel and copy the results to ``outputs``."""
    for target, result in zip(outputs, kernel(op, inputs, weights, context), strict=True):
        np.copyto(target, result)


class FastKernel(Protocol):
    """Records a worker's part of a layer with one output at inference; the calls write to the contiguous ``out``.

    All workers wait for each other after every layer. Between two barriers a worker must not read what others write.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None: ...


FAST_KERNELS: dict[type[Operator], FastKernel] = {}


def fast_kernel(*operators: type[Operator]) -> Callable[[FastKernel], FastKernel]:
    """Return a decorator that registers the recorded form of some operators."""
    return register(FAST_KERNELS, operators)
