"""The Python API: what the command line can do, with plain typed results.

>>> import archcalc
>>> archcalc.load("lenet5").analyze().totals.params
61706
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archcalc.spec import Limits, Spec, bundled, load_spec
from archcalc.spec.limits import DEFAULT

if TYPE_CHECKING:
    from archcalc.analysis.propagate import Analysis
    from archcalc.graph import Graph

__all__ = ["Network", "bundled", "load"]


@dataclass(frozen=True, eq=False)
class Network:
    """A network that was read from a spec."""

    spec: Spec

    @property
    def graph(self) -> Graph:
        """The graph: nodes in topological order with their shapes."""
        return self.spec.graph

    @property
    def name(self) -> str:
        """The title of the network."""
        return self.graph.name

    def analyze(self, *, training: bool = False, batch: int | None = None) -> Analysis:
        """Shapes, parameters, costs and receptive fields of every layer; see `archcalc.analysis.propagate.analyze`."""
        from archcalc.analysis.propagate import analyze

        return analyze(self.graph, training=training, batch=batch)


def load(
    spec: str,
    *,
    set: Mapping[str, object] | None = None,
    shapes: Mapping[str, object] | str | None = None,
    limits: Limits = DEFAULT,
) -> Network:
    """Read a network.

    Args:
        spec: a bundled name, a file, an inline expression, or ``-`` for standard input.
        set: values for the spec's variables: numbers, or texts as after ``--set`` (``"6/7"``).
        shapes: input shapes to use instead: one text such as ``"3x320x320"``, or one per input name.
        limits: bounds on the work.

    Raises:
        archcalc.SpecError: anything wrong with the spec; its text shows every error with its place.
    """
    by_input = {"": shapes} if isinstance(shapes, str) else dict(shapes or {})
    return Network(
        load_spec(
            spec,
            set={name: str(value) for name, value in (set or {}).items()},
            shapes={name: _written(shape) for name, shape in by_input.items()},
            limits=limits,
        )
    )


def _written(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, tuple | list) else str(shape)
