"""Writes down what one worker does in every run: calls of functions on places that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from archcalc.engine.worker import Worker
from archcalc.executor.kernel import Array, Arrays, Buffers, Context, Kernel, Sizes, Weights, kernel_of, register
from archcalc.ops.base import Operator

Call: TypeAlias = Callable[[], Any]


class Recorder:
    """The calls of one worker, the last one recorded last."""

    def __init__(
        self, worker: Worker, shared: Buffers, constants: dict[tuple[str, int], Array], winograd: bool
    ) -> None:
        """Start without calls.

        Args:
            worker: whose calls are recorded.
            shared: work buffers that all workers have in common.
            constants: what was made of stored arrays; see `constant`.
            winograd: whether convolutions may take fewer multiplications than by their definition.
        """
        self.worker, self.winograd = worker, winograd
        self.calls: list[Call] = []
        self.buffers, self._shared, self._constants = Buffers(), shared, constants

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """Record a call of a function."""
        self.calls.append(partial(function, *arguments, **options))

    def copy(self, target: Array, source: Any) -> None:
        """Record that numbers (or one) are written to an array."""
        self.call(np.copyto, target, source)

    def barrier(self) -> None:
        """Record that the worker waits for all others."""
        if self.worker.count > 1:
            self.calls.append(self.worker.barrier)

    def evaluate(self, op: Operator, inputs: Arrays, weights: Weights, outputs: Arrays) -> None:
        """Record that a layer is evaluated by its plain kernel, whose results are copied to their places."""
        self.call(copy_out, kernel_of(op), op, inputs, weights, Context(buffers=self.buffers), outputs)

    def scratch(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer of this worker with arbitrary content."""
        return self.buffers.take(purpose, shape, dtype)

    def shared(self, purpose: str, shape: Sizes, dtype: DTypeLike) -> Array:
        """Return a work buffer that all workers have in common."""
        return self._shared.take(purpose, shape, dtype)

    def constant(self, purpose: str, stored: Array, make: Callable[[Array], Array]) -> Array:
        """Return what follows from a stored array alone, made when it is first asked for."""
        key = purpose, id(stored)
        if key not in self._constants:
            self._constants[key] = make(stored)
        return self._constants[key]

    def contiguous(self, array: Array) -> Array:
        """Return an array without gaps: itself, or a work buffer that it is copied to."""
        if array.flags.c_contiguous:
            return array
        copy = self.scratch("contiguous", array.shape, array.dtype)
        self.copy(copy, array)
        return copy


def copy_out(kernel: Kernel, op: Operator, inputs: Arrays, weights: Weights, context: Context, outputs: Arrays) -> None:
    """Evaluate a layer by its plain kernel and copy the results to their places."""
    for target, result in zip(outputs, kernel(op, inputs, weights, context), strict=True):
        np.copyto(target, result)


class FastKernel(Protocol):
    """Records the worker's part of a layer of one output at inference: its calls write to ``out``, without gaps.

    All workers wait for each other after every layer. Between two barriers a worker must not read what others write.
    """

    def __call__(self, op: Any, inputs: Arrays, weights: Weights, out: Array, recorder: Recorder) -> None: ...


FAST: dict[type[Operator], FastKernel] = {}


def fast(*operators: type[Operator]) -> Callable[[FastKernel], FastKernel]:
    """Decorator: this function records these operators."""
    return register(FAST, operators)
