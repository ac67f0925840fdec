"""The Python API: the functions of the command line, with typed results.

>>> import archcalc
>>> archcalc.load("lenet5").analyze().totals.params
61706
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archcalc.spec import Given, Limits, Source, Spec, bundled, load_spec, read_spec
from archcalc.spec.errors import fail, suggest
from archcalc.spec.limits import DEFAULT

if TYPE_CHECKING:
    from archcalc.analysis.explain import Derivation
    from archcalc.analysis.fields import Fields
    from archcalc.analysis.fold import Folding
    from archcalc.analysis.propagate import Analysis
    from archcalc.analysis.training.setup import TrainingSetup
    from archcalc.analysis.unit import UnitField
    from archcalc.changes import NetworkDiff
    from archcalc.claims import Claim, Judgement
    from archcalc.counters.count import Count
    from archcalc.executor.backward import Backward
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array
    from archcalc.executor.loss_kinds import LossKind
    from archcalc.grading.single import Grade
    from archcalc.graph import Graph, Ref
    from archcalc.query.closed_forms import ClosedForms
    from archcalc.readers.checkpoints.checkpoint import Checkpoint
    from archcalc.report.picture import Picture
    from archcalc.spec.errors import Problem
    from archcalc.verification.verify import Check

__all__ = ["Network", "bundled", "diff", "formula", "from_torch", "grade", "load", "load_checkpoint", "sweep"]


@dataclass(frozen=True, eq=False)
class Network:
    """A network that was read from a spec."""

    spec: Spec

    @property
    def graph(self) -> Graph:
        """Return the graph: nodes in topological order with their shapes."""
        return self.spec.graph

    @property
    def name(self) -> str:
        """Return the title of the network."""
        return self.graph.name

    def analyze(
        self, *, training: bool = False, batch: int | None = None, setup: TrainingSetup | None = None
    ) -> Analysis:
        """Return shapes, parameters, costs and receptive fields of every layer.

        See `archcalc.analysis.propagate.analyze`.

        Args:
            training: whether the totals include training heads.
            batch: the number of examples, which leads every shape; ``None`` for one example without a batch axis.
            setup: how the network is trained, for the costs of a training step; by default by plain gradient descent.
        """
        from archcalc.analysis.propagate import analyze
        from archcalc.analysis.training.setup import DEFAULT_SETUP

        return analyze(self.graph, training=training, batch=batch, setup=setup or DEFAULT_SETUP)

    def explain(
        self, layer: str | None = None, quantity: str | None = None, *, dtype: str = "float32", latex: bool = False
    ) -> list[tuple[str, list[Derivation]]]:
        """Derive figures step by step, and return titles with their derivations.

        Args:
            layer: a layer, a stage, or a block call within a stage; by default, the totals of the network are derived.
            quantity: one of `archcalc.query.quantities.DERIVED`; by default, the most common ones.
            dtype: the number formats of memory, see `archcalc.analysis.formats.read_formats`.
            latex: whether to write formulas in LaTeX.

        Raises:
            archcalc.SpecError: the layer or quantity does not exist.
        """
        from archcalc.query.derivations import explain

        return explain(self.analyze(), layer, quantity, dtype=dtype, latex=latex)

    def judge(self, claims: Iterable[Claim] | None = None) -> list[Judgement]:
        """Judge claims, and explain those that do not hold; without any, judge the expectations of the spec.

        Raises:
            archcalc.SpecError: an expectation cannot be read.
        """
        if claims is None:
            from archcalc.claims import judge_expectations

            return judge_expectations(self.spec, self.analyze())
        from archcalc.diagnosis import judge_and_explain

        return judge_and_explain(claims, self.analyze())

    def warnings(self) -> list[Problem]:
        """Return the warnings of `archcalc validate` for the spec, without those that the spec ignores."""
        from archcalc.lint import lint

        return lint(self.spec, self.analyze())

    def receptive_field(self, layer: str, *, source: str | None = None) -> Fields:
        """Return the receptive fields of a layer on every input that it depends on, with size, stride and padding.

        Args:
            layer: a layer, a stage, or a block call within a stage.
            source: measure on the output of this layer, stage or input instead of the network's inputs.

        Raises:
            archcalc.SpecError: the layer or source does not exist.
        """
        from archcalc.analysis.receptive import receptive_fields

        ref = None if source is None else self.tensor(source)
        return receptive_fields(self.graph, source=ref)[self.tensor(layer).node]

    def unit_field(self, layer: str, at: tuple[int, ...], *, source: str | None = None) -> UnitField:
        """Return what a unit of a layer sees of every input that it depends on, before and after clipping.

        Args:
            layer: a layer, a stage, or a block call within a stage.
            at: the position of the unit, one index per spatial axis.
            source: measure on the output of this layer, stage or input instead of the network's inputs.

        Raises:
            archcalc.SpecError: the layer or source does not exist.
            ValueError: the layer has no unit at this position.
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
        """Run the network on arrays; see `archcalc.executor.interpreter`.

        Args:
            inputs: an array per input, channels first, with or without a batch axis; missing inputs are random.
            weights: stored arrays by ``layer.array`` (`archcalc.executor.weights.stored` names them); by default
                those of the model file, or random ones.
            batch: the number of examples of random inputs.
            dtype: ``float32`` or ``float64``.
            seed: the seed of random weights, random inputs and dropout.
            training: whether to use batch statistics, apply dropout, and run training heads.
            keep: further layers, stages or inputs whose tensors are returned.
            tally: whether to count the operations of every layer.

        Raises:
            archcalc.executor.errors.ArrayError: arrays do not fit the network; all findings are listed.
            archcalc.SpecError: a name in ``keep`` does not exist.
        """
        from archcalc.executor.interpreter import Interpreter

        names = tuple(keep)
        for name in names:
            self.tensor(name)
        given, stored = self._numbers(inputs, weights, batch=batch, dtype=dtype, seed=seed, training=training)
        return Interpreter(self.graph, stored).run(given, training=training, seed=seed, keep=names, tally=tally)

    def gradients(
        self,
        inputs: Mapping[str, Array] | None = None,
        names: Iterable[str] = (),
        *,
        loss: LossKind = "sum",
        target: Array | Mapping[str, Array] | None = None,
        upstream: Array | None = None,
        layer: str | None = None,
        weights: Mapping[str, Array] | None = None,
        batch: int = 1,
        dtype: str = "float32",
        seed: int = 0,
        training: bool = False,
    ) -> Backward:
        """Return the gradients of a loss; see `archcalc.executor.backward`.

        Args:
            inputs: as for `run`.
            names: what the gradients are asked for of: inputs, layers (their outputs), and stored arrays by
                ``layer.array``; by default all inputs and trained arrays that have one.
            loss: ``sum``, ``mse`` or ``cross_entropy``, as for ``run --backward``.
            target: what the loss compares the output with, batch in front: an array like the output, or the number of
                the class of every example; or one for each of several outputs by name.
            upstream: the gradient of the output, batch in front, in place of a loss.
            layer: take the output of this layer instead of that of the network.
            weights: as for `run`.
            batch: the number of examples of random inputs.
            dtype: ``float32`` or ``float64``.
            seed: the seed of random weights, random inputs and dropout.
            training: whether to use batch statistics, apply dropout, and run training heads.

        Raises:
            archcalc.executor.errors.ArrayError: arrays do not fit, or there is no gradient for a name.
            archcalc.SpecError: the layer, or an output that has a target, does not exist.
            ValueError: both a loss with a target and an upstream gradient are given.
        """
        from archcalc.executor.backward import gradients
        from archcalc.executor.losses import loss_of
        from archcalc.executor.paths import Paths

        own = layer or next(iter(self.graph.outputs))
        targets = target if isinstance(target, Mapping) else {} if target is None else {own: target}
        if upstream is not None and (targets or loss != "sum"):
            raise ValueError("upstream takes the place of a loss and its target, got both")
        refs = {name: self.tensor(name) for name in targets or [own]}
        given, stored = self._numbers(inputs, weights, batch=batch, dtype=dtype, seed=seed, training=training)
        terms = loss_of(self.graph, loss, refs, targets, upstream, batch=max(map(len, given.values()), default=1))
        asked = tuple(names) or Paths.derivable(self.graph, refs, training=training)
        return gradients(self.graph, given, stored, terms, asked, training=training, seed=seed)

    def _numbers(
        self,
        inputs: Mapping[str, Array] | None,
        weights: Mapping[str, Array] | None,
        *,
        batch: int,
        dtype: str,
        seed: int,
        training: bool,
    ) -> tuple[dict[str, Array], Mapping[str, Array]]:
        """Return all inputs and stored arrays; those that are not given are random, or those of the model file."""
        from archcalc.executor.inputs import converted_inputs, random_inputs
        from archcalc.executor.weights import initial

        given = converted_inputs(self.graph, inputs or {}, dtype=dtype)
        size = max(map(len, given.values()), default=batch)
        drawn = random_inputs(self.graph, batch=size, seed=seed, dtype=dtype)
        stored = self.arrays(dtype) if weights is None else weights
        if stored is None:
            stored = initial(self.graph, seed=seed, dtype=dtype, training=training)
        return {**drawn, **given}, stored

    def arrays(self, dtype: str = "float32") -> Mapping[str, Array] | None:
        """Return the stored arrays of a model file by ``layer.array``; ``None`` if there are none to read.

        Raises:
            archcalc.SpecError: the file is damaged.
        """
        model = self.spec.model
        found = None if model is None else model.arrays()
        return None if found is None else {name: array.astype(dtype) for name, array in found.items()}

    def weights(self, checkpoint: str, *, dtype: str = "float32", training: bool = False) -> Mapping[str, Array]:
        """Return the stored arrays by ``layer.array`` from a checkpoint, for `run`.

        Args:
            checkpoint: the file, and perhaps a part of it: ``training.pth:ema``.
            dtype: ``float32`` or ``float64``.
            training: whether the arrays of training heads are needed.

        Raises:
            archcalc.SpecError: the file cannot be read.
            archcalc.executor.errors.ArrayError: its tensors do not fit the network; all findings are listed.
        """
        from archcalc.readers.checkpoints.weights import read_checkpoint_weights

        return read_checkpoint_weights(checkpoint, self.graph, self.spec.model, dtype=dtype, training=training).arrays

    def fold(self) -> Folding:
        """Fold batch norms and standardisations into their neighbours; see `archcalc.analysis.fold`."""
        from archcalc.analysis.fold import fold

        return fold(self.graph)

    def draw(self, *, style: str = "graph", depth: int | None = None, costs: Iterable[str] = ()) -> Picture:
        """Return a picture of the network, which notebooks show; its attribute ``svg`` is the SVG document.

        Args:
            style: ``graph`` for boxes and arrows, ``blocks`` for a row of feature maps, drawn to scale.
            depth: draw one box for everything below this level; by default, the deepest level that is readable.
            costs: the quantities that stand in the boxes, such as ``params`` and ``macs``.

        Raises:
            archcalc.SpecError: the network branches, so ``blocks`` cannot draw it.
            ValueError: there is no such style or quantity.
        """
        from archcalc.query.quantities import SUMS
        from archcalc.report.picture import STYLES, draw_network

        costs = tuple(costs)
        for kind, known, given in (("style", STYLES, (style,)), ("quantity", SUMS, costs)):
            for name in given:
                if name not in known:
                    raise ValueError(f"the {kind} must be one of {', '.join(known)}, got {name!r}")
        layout = self.graph.layout
        return draw_network(self.analyze(), title=self.name, style=style, depth=depth, costs=costs, layout=layout)

    def counters(self, tools: Iterable[str] = ()) -> list[Count]:
        """Return what other tools print for the network, with the terms that lead there from archcalc's figures.

        Args:
            tools: the tools, such as ``"thop"`` or ``"ptflops 0.6.9"``; by default all of them.

        Raises:
            archcalc.SpecError: there is no such tool.
        """
        from archcalc.analysis.propagate import analyze
        from archcalc.counters.network import counts_of
        from archcalc.counters.registry import TOOLS, tools_named

        chosen = [tool for name in tools for tool in tools_named(name, "tool")] or TOOLS
        return counts_of(analyze(self.graph, receptive=False), self.spec.model, tuple(dict.fromkeys(chosen)))

    def verify(self, aspects: Iterable[str] | None = None) -> Iterator[Check]:
        """Compare the analysis with what the executor measures, aspect by aspect; see `archcalc.verification.verify`.

        Args:
            aspects: some of `archcalc.verification.verify.ASPECTS`; by default all of them.
        """
        from archcalc.verification.verify import ASPECTS, verify

        return verify(self.graph, ASPECTS if aspects is None else aspects, weights=self.arrays("float32"))

    def tensor(self, name: str) -> Ref:
        """Return the output tensor of a layer, input, stage, head or block call.

        Raises:
            archcalc.SpecError: the name does not exist.
        """
        graph = self.graph
        found = graph.find(name)
        if found is None:
            if impossible := graph.impossible_head(name):
                fail("shape", impossible, origin=self.spec.source.name[:60])
            known = [*graph.stages, *(node.name for node in graph.nodes)]
            hint = suggest(name, known, "`archcalc show --depth all` lists the layers")
            unknown = f"no layer, stage or input '{name[:60]}'"
            fail("unknown-name", unknown, hint=hint, origin=self.spec.source.name[:60])
        return found


def load_checkpoint(checkpoint: str) -> Checkpoint:
    """Read which tensors a checkpoint has, without their numbers; see `archcalc.readers.checkpoints.checkpoint`.

    Args:
        checkpoint: the file, and perhaps a part of it: ``training.pth:optimizer``.

    Raises:
        archcalc.SpecError: the file cannot be read, or has objects that could run code.
    """
    from archcalc.readers.checkpoints.read import read_checkpoint

    return read_checkpoint(checkpoint)


def load(
    spec: str,
    *,
    set: Mapping[str, object] | None = None,
    shapes: Mapping[str, object] | str | None = None,
    layout: str | None = None,
    arguments: Mapping[str, str] | None = None,
    batch_axes: Mapping[str, int | None] | None = None,
    values: Mapping[str, float | Sequence[float]] | None = None,
    layers: Mapping[str, str] | None = None,
    training: bool = False,
    partial: bool = False,
    limits: Limits = DEFAULT,
) -> Network:
    """Read a network.

    Args:
        spec: a bundled name, a file (a spec, or a model of another format), an inline expression, ``-`` for standard
            input, or a module of PyTorch as ``package.module:object`` or ``./file.py:object``. Only the last runs
            code, that of the module.
        set: values of the spec's variables: numbers, or texts as after ``--set`` (``"6/7"``).
        shapes: other input shapes: one text such as ``"3x320x320"``, or one per input name.
        layout: the axis order of these shapes, ``chw`` or ``hwc``; by default that of the spec.
        arguments: the arguments of the class or function that makes a module, as Python literals or texts.
        batch_axes: the axes of a model's inputs that are the batch, by name; ``None``: the input has none. By default,
            the first axis.
        values: the numbers that inputs of an ONNX model have, by name, where branches or sizes depend on them; for an
            input of several numbers, a sequence.
        layers: expressions of one tensor that declare layers of a Keras model which only its own code knows, by name or
            class.
        training: whether the training heads are needed; otherwise those that are impossible on the input are left out.
        partial: whether a model may have operators that cannot be counted. Counts of operations are then lower bounds,
            and their `archcalc.analysis.counts.Counts.is_complete` is false.
        limits: bounds on the work.

    Raises:
        archcalc.SpecError: the spec has errors; all are listed with their places.
    """
    by_input = {"": shapes} if isinstance(shapes, str) else dict(shapes or {})
    given = Given(
        {name: _written(value) for name, value in (set or {}).items()},
        {name: _written(shape) for name, shape in by_input.items()},
        layout,
        arguments=dict(arguments or {}),
        batch_axes={name: "none" if axis is None else str(axis) for name, axis in (batch_axes or {}).items()},
        values={name: _listed(value) for name, value in (values or {}).items()},
        layers=dict(layers or {}),
        partial=partial,
        training_heads="all" if training else "possible",
    )
    return Network(load_spec(spec, given, limits))


def from_torch(module: Any, example: Any, *, batch_axes: Mapping[str, int | None] | None = None) -> Network:
    """Return a module of PyTorch as a network; ``run`` uses its weights.

    Args:
        module: a ``torch.nn.Module``. It is exported in evaluation mode, and stays in the mode that it has.
        example: an input with a batch: a tensor, a tuple of tensors, or tensors by name.
        batch_axes: the axes of inputs that are the batch, by name; ``None``: the input has none. By default, the first
            axis.

    Raises:
        archcalc.SpecError: an operator of the module cannot be counted.
        Exception: whatever PyTorch raises for a module that cannot be exported.
    """
    from archcalc.readers.torch_module.read import ExportedModule

    model = ExportedModule(module, example, batch_axes or {})
    return Network(read_spec(Source(model.name, "", model=model)))


def diff(old: str | Network, new: str | Network, *, training: bool = False, dtype: str = "float32") -> NetworkDiff:
    """Return what changed between two networks: totals, inputs and outputs, and the layers that differ.

    Args:
        old: the network before the change, or its SPEC, as for `load`.
        new: the network after it.
        training: whether the totals include training heads.
        dtype: the number format for memory, one of `archcalc.analysis.formats.BITS`.

    Raises:
        archcalc.SpecError: a spec has errors.
    """
    from archcalc.changes import compare

    before, after = (load(each, training=training) if isinstance(each, str) else each for each in (old, new))
    return compare(before.analyze(training=training), after.analyze(training=training), dtype=dtype)


def grade(answer: object, question: str | Mapping[str, Any], *, hide_answer: bool = False) -> Grade:
    """Grade one answer to one question, as in a cell of a notebook.

    In a test cell of nbgrader, print the ``feedback`` and end with the ``points``, which nbgrader takes as the credit.

    Args:
        answer: a number, a text (``"61.7k"``), a shape as a tuple or text, or an array; ``None`` or an empty text: no
            answer.
        question: a SPEC and a target (``"lenet5 c1.params"``), or what a key says about them: ``network``, ``target``,
            ``points``, ``accept``, ``partial``, ``set``, ``shape`` and more.
        hide_answer: whether the feedback withholds the correct value.

    Raises:
        archcalc.SpecError: the question has errors. A wrong or unreadable answer is no error.
    """
    from archcalc.grading.single import grade_answer

    return grade_answer(answer, question, hide_answer=hide_answer)


def formula(
    spec: str,
    *targets: str,
    free: Iterable[str],
    assume: Iterable[str] = (),
    set: Mapping[str, object] | None = None,
) -> ClosedForms:
    """Return closed forms of a network with their conditions; see `archcalc.query.formula`.

    Args:
        spec: as for `load`.
        targets: ``QUANTITY``, ``LAYER.QUANTITY`` or ``STAGE.QUANTITY``; by default the totals.
        free: the variables and input sizes to keep as symbols, such as ``("H", "W", "classes")``.
        assume: conditions on the symbols, such as ``"H % 32 == 0"`` or ``"alpha == a/4"``.
        set: values of other variables.

    Raises:
        archcalc.SpecError: an error in the spec, the names, the targets or the assumptions.
    """
    from archcalc.query.formula import TOTALS, FormulaQuery, calculate

    given = Given({name: _written(value) for name, value in (set or {}).items()}, later=(*free,))
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
    """Evaluate every combination of settings, and yield a row for each; impossible ones are left out.

    Args:
        spec: as for `load`.
        set: values of variables and attributes of layers (``"conv1.p"``), as after ``--set`` (``"0.25:1:0.25"``), or
            as lists.
        shapes: input sizes (``{"H=W": "128:512:32"}``), or lists of shapes by input name (``""``: the first).
        quantities: targets, such as ``"macs"`` and ``"conv1.params"``.
        where: a condition that configurations have to meet.
        layout: the axis order of shapes, ``chw`` or ``hwc``; by default that of the spec.
        training: whether the totals include training heads.
        limits: bounds on the work.

    Returns:
        One row per configuration: settings and quantities by name, as exact numbers, and shapes as tuples.

    Raises:
        archcalc.SpecError: an error in the spec or in an argument.
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
    query.require_batches(varied.axes)
    names = [*(axis.name for axis in varied.axes), *quantities]
    for block in swept(query.subject(), varied.axes):
        if block.columns is not None:
            for row in zip(*(column.tolist() for column in block.columns), strict=True):
                yield dict(zip(names, row, strict=True))


def _written(shape: object) -> str:
    return "x".join(map(str, shape)) if isinstance(shape, tuple | list) else str(shape)


def _listed(numbers: object) -> str:
    """Return the numbers of an input as they are written after ``--input``."""
    return ",".join(str(each).lower() for each in (numbers if isinstance(numbers, tuple | list) else [numbers]))
