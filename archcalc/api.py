"""The Python API: what the command line can do, with plain typed results.

>>> import archcalc
>>> archcalc.load("lenet5").analyze().totals.params
61706
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archcalc.spec import Given, Limits, Spec, bundled, load_spec
from archcalc.spec.errors import fail, suggest
from archcalc.spec.limits import DEFAULT

if TYPE_CHECKING:
    from archcalc.analysis.explain import Derivation
    from archcalc.analysis.fold import Folding
    from archcalc.analysis.propagate import Analysis
    from archcalc.analysis.receptive import Fields
    from archcalc.analysis.unit import UnitField
    from archcalc.claims import Claim, Judgement
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array
    from archcalc.graph import Graph, Ref
    from archcalc.query.closed_forms import ClosedForms
    from archcalc.spec.errors import Problem
    from archcalc.verification.verify import Check

__all__ = ["Network", "bundled", "formula", "load", "sweep"]


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

    def explain(
        self, layer: str | None = None, quantity: str | None = None, *, dtype: str = "float32", latex: bool = False
    ) -> list[tuple[str, list[Derivation]]]:
        """How numbers come about, step by step: titles, each with its derivations.

        Args:
            layer: a layer, a stage or a block in one; without it, the sums of the network are derived.
            quantity: one of `archcalc.query.quantities.DERIVED`; without it, the most asked for.
            dtype: the number format of memory, one of `archcalc.analysis.memory.DTYPES`.
            latex: whether formulas are written in LaTeX.

        Raises:
            archcalc.SpecError: there is no such layer or quantity.
        """
        from archcalc.query.derivations import explain

        return explain(self.analyze(), layer, quantity, dtype=dtype, latex=latex)

    def judge(self, claims: Iterable[Claim] | None = None) -> list[Judgement]:
        """Which claims hold, and what explains those that do not; without any, which of the spec's expectations hold.

        Raises:
            archcalc.SpecError: an expectation that cannot be read.
        """
        if claims is None:
            from archcalc.claims import judge_expectations

            return judge_expectations(self.spec, self.analyze())
        from archcalc.diagnosis import judge_and_explain

        return judge_and_explain(claims, self.analyze())

    def warnings(self) -> list[Problem]:
        """What is suspicious about the spec: the warnings of `archcalc validate`, less those that its text ignores."""
        from archcalc.lint import lint

        return lint(self.spec, self.analyze())

    def receptive_field(self, layer: str, *, source: str | None = None) -> Fields:
        """What the units of a layer see of every input it depends on, per axis: size, stride, padding and more.

        Args:
            layer: a layer, a stage or a block in one.
            source: measure on the output of this layer, stage or input instead of the network's inputs.

        Raises:
            archcalc.SpecError: there is no such layer or source.
        """
        from archcalc.analysis.receptive import receptive_fields

        ref = None if source is None else self.tensor(source)
        return receptive_fields(self.graph, source=ref)[self.tensor(layer).node]

    def unit_field(self, layer: str, at: tuple[int, ...], *, source: str | None = None) -> UnitField:
        """What one unit of a layer sees of every input it depends on, before and after clipping at the borders.

        Args:
            layer: a layer, a stage or a block in one.
            at: the unit's position, one index per spatial axis.
            source: measure on the output of this layer, stage or input instead of the network's inputs.

        Raises:
            archcalc.SpecError: there is no such layer or source.
            ValueError: the layer has no such unit.
        """
        from archcalc.analysis.unit import unit_field

        ref = None if source is None else self.tensor(source)
        return unit_field(self.graph, self.tensor(layer).node, at, source=ref)

    def run(
        self,
        inputs: Mapping[str, Array] | None = None,
        *,
        weights: Mapping[str, Array] | None = None,
        batch: int = 1,
        dtype: str = "float32",
        seed: int = 0,
        training: bool = False,
        keep: Iterable[str] = (),
        tally: bool = False,
    ) -> Run:
        """Evaluate the network on arrays; see `archcalc.executor.interpreter`.

        Args:
            inputs: an array per input, channels first, with or without a batch; inputs left out are random.
            weights: stored arrays by ``layer.array`` (`archcalc.executor.weights.stored` names them); seeded ones
                unless given.
            batch: examples of random inputs.
            dtype: ``float32`` or ``float64``.
            seed: of weights, random inputs and dropout.
            training: batch statistics, dropout, training heads.
            keep: further layers, stages or inputs whose tensors are wanted.
            tally: whether to count what every layer does.

        Raises:
            archcalc.executor.errors.ArrayError: arrays that do not fit; every problem is listed.
            archcalc.SpecError: there is no layer by a name in ``keep``.
        """
        from archcalc.executor.inputs import converted_inputs, random_inputs
        from archcalc.executor.interpreter import Interpreter
        from archcalc.executor.weights import initial

        names = tuple(keep)
        for name in names:
            self.tensor(name)
        given = converted_inputs(self.graph, inputs or {}, dtype=dtype)
        size = max(map(len, given.values()), default=batch)
        drawn = random_inputs(self.graph, batch=size, seed=seed, dtype=dtype)
        stored = initial(self.graph, seed=seed, dtype=dtype, training=training) if weights is None else weights
        interpreter = Interpreter(self.graph, stored)
        return interpreter.run({**drawn, **given}, training=training, seed=seed, keep=names, tally=tally)

    def fold(self) -> Folding:
        """Batch norms and standardisations folded into their neighbours; see `archcalc.analysis.fold`."""
        from archcalc.analysis.fold import fold

        return fold(self.graph)

    def verify(self, aspects: Iterable[str] | None = None) -> Iterator[Check]:
        """Compare the analysis with what the executor measures, aspect by aspect; see `archcalc.verification.verify`.

        Args:
            aspects: which of `archcalc.verification.verify.ASPECTS`; all of them unless given.
        """
        from archcalc.verification.verify import ASPECTS, verify

        return verify(self.graph, ASPECTS if aspects is None else aspects)

    def tensor(self, name: str) -> Ref:
        """What a layer, an input, a stage, a head or a block in one puts out.

        Raises:
            archcalc.SpecError: there is none by this name.
        """
        graph = self.graph
        found = graph.find(name)
        if found is None:
            known = [*graph.stages, *(node.name for node in graph.nodes)]
            hint = suggest(name, known, "`archcalc show --depth all` lists the layers")
            unknown = f"no layer, stage or input '{name[:60]}'"
            fail("unknown-name", unknown, hint=hint, origin=self.spec.source.name[:60])
        return found


def load(
    spec: str,
    *,
    set: Mapping[str, object] | None = None,
    shapes: Mapping[str, object] | str | None = None,
    layout: str | None = None,
    limits: Limits = DEFAULT,
) -> Network:
    """Read a network.

    Args:
        spec: a bundled name, a file, an inline expression, or ``-`` for standard input.
        set: values for the spec's variables: numbers, or texts as after ``--set`` (``"6/7"``).
        shapes: input shapes to use instead: one text such as ``"3x320x320"``, or one per input name.
        layout: how these shapes are written, ``chw`` or ``hwc``; ``None``: as the spec writes its own.
        limits: bounds on the work.

    Raises:
        archcalc.SpecError: anything wrong with the spec; its text shows every error with its place.
    """
    by_input = {"": shapes} if isinstance(shapes, str) else dict(shapes or {})
    given = Given(
        {name: _written(value) for name, value in (set or {}).items()},
        {name: _written(shape) for name, shape in by_input.items()},
        layout,
    )
    return Network(load_spec(spec, given, limits))


def formula(
    spec: str,
    *targets: str,
    free: Iterable[str],
    assume: Iterable[str] = (),
    set: Mapping[str, object] | None = None,
) -> ClosedForms:
    """Closed forms of a network, and the conditions under which they hold; see `archcalc.query.formula`.

    Args:
        spec: as for `load`.
        targets: ``QUANTITY``, ``LAYER.QUANTITY`` or ``STAGE.QUANTITY``; the totals, if there are none.
        free: the variables and input sizes that become symbols, such as ``("H", "W", "classes")``.
        assume: what holds of them, such as ``"H % 32 == 0"`` or ``"alpha == a/4"``.
        set: values for other variables.

    Raises:
        archcalc.SpecError: anything wrong with the spec, the names, the targets or the assumptions.
    """
    from archcalc.query.formula import TOTALS, FormulaQuery, calculate

    given = Given({name: _written(value) for name, value in (set or {}).items()})
    return calculate(FormulaQuery(spec, targets or TOTALS, tuple(free), tuple(assume), given)).forms


def sweep(
    spec: str,
    *,
    set: Mapping[str, object] | None = None,
    shapes: Mapping[str, object] | None = None,
    quantities: Sequence[str] = ("params", "macs"),
    where: str | None = None,
    layout: str | None = None,
    training: bool = False,
    limits: Limits = DEFAULT,
) -> Iterator[dict[str, Any]]:
    """Every combination of settings, evaluated many at a time; impossible ones are left out.

    Args:
        spec: as for `load`.
        set: variables, also attributes of layers (``"conv1.p"``): values as after ``--set`` (``"0.25:1:0.25"``), or a
            list of them.
        shapes: input sizes (``{"H=W": "128:512:32"}``), or lists of shapes by input name (``""``: the first).
        quantities: targets, such as ``"macs"`` and ``"conv1.params"``.
        where: a condition that is to hold.
        layout: how shapes are written, ``chw`` or ``hwc``.
        training: whether auxiliary heads count in the totals.
        limits: bounds on the work.

    Returns:
        One row per configuration, settings and quantities by name, as exact numbers; shapes as tuples.

    Raises:
        archcalc.SpecError: anything wrong with the spec or the question.
    """
    from archcalc.query.conditions import read_condition, read_name
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_settings
    from archcalc.query.sweep import sweep as swept
    from archcalc.spec.locate import locate

    def options(given: Mapping[str, object] | None) -> list[str]:
        listed = {name: values if isinstance(values, list) else [values] for name, values in (given or {}).items()}
        return [f"{name}={','.join(map(_written, values))}".removeprefix("=") for name, values in listed.items()]

    varied = read_settings(options(set), options(shapes), layout, limits)
    query = ConfigurationQuery(
        LocatedSpec(*locate(spec, limits)),
        [read_name("quantities", name) for name in quantities],
        None if where is None else read_condition("where", where),
        varied.given,
        varied.fixed,
        varied.shapes,
        training=training,
        limits=limits,
    )
    names = [*(axis.name for axis in varied.axes), *quantities]
    for block in swept(query.subject(), varied.axes):
        if block.columns is not None:
            for row in zip(*(column.tolist() for column in block.columns), strict=True):
                yield dict(zip(names, row, strict=True))


def _written(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, tuple | list) else str(shape)
