"""A network with everything that can be asked about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

from archcalc.spec import Spec
from archcalc.spec.errors import fail, suggest

if TYPE_CHECKING:
    from archcalc.analysis.explain import Derivation
    from archcalc.analysis.fields import Fields
    from archcalc.analysis.fold import Folding
    from archcalc.analysis.propagate import Analysis
    from archcalc.analysis.training.setup import TrainingSetup
    from archcalc.analysis.unit import UnitField
    from archcalc.claims import Claim, Judgement
    from archcalc.counters.count import Count
    from archcalc.executor.backward import BackwardResult
    from archcalc.executor.interpreter import Run
    from archcalc.executor.kernel import Array
    from archcalc.executor.loss_kinds import LossKind
    from archcalc.graph import Graph, Ref
    from archcalc.report.picture import Picture
    from archcalc.spec.errors import Problem
    from archcalc.verification.verify import Check


def require_layout(layout: str | None) -> None:
    """Fail if a layout is neither ``chw`` nor ``hwc``.

    Raises:
        ValueError: it is another one.
    """
    if layout not in (None, "chw", "hwc"):
        raise ValueError(f"the layout must be chw or hwc, got {layout!r}")


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

    def _repr_html_(self) -> str:
        """Return the table of the layers, which notebooks show for the network."""
        from archcalc.report.layers_table import html_of_layers

        return html_of_layers(self.analyze())

    def analyze(
        self, *, training: bool = False, batch: int | None = None, setup: TrainingSetup | None = None
    ) -> Analysis:
        """Return shapes, parameters, costs and receptive fields of every layer.

        See `archcalc.analysis.propagate.analyze`.

        Args:
            training: whether the totals include training heads.
            batch: the number of examples, which leads every shape; ``None`` for one example without a batch axis.
            setup: how the network is trained, for the costs of a training step; by default by plain gradient descent.

        Raises:
            ValueError: the batch is not a positive integer.
        """
        from archcalc.analysis.propagate import analyze
        from archcalc.analysis.training.setup import DEFAULT_SETUP

        if batch is not None and not (isinstance(batch, Integral) and batch >= 1):
            raise ValueError(f"the batch must be a positive integer, got {batch!r}")
        size = None if batch is None else int(batch)
        return analyze(self.graph, training=training, batch=size, setup=setup or DEFAULT_SETUP)

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

        return explain(self.analyze(), layer, quantity, dtype=dtype, form="latex" if latex else "text")

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
            weights: stored arrays by ``layer.array`` (`archcalc.executor.weights.stored_array_shapes` names them); by
                default those of the model file, or random ones.
            batch: the number of examples of random inputs.
            dtype: ``float32`` or ``float64``.
            seed: the seed of random weights, inputs and layers, and of dropout.
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
    ) -> BackwardResult:
        """Return the gradients of a loss; see `archcalc.executor.backward`.

        Args:
            inputs: as for `run`.
            names: what the gradients are asked for of: inputs, layers (their outputs), and stored arrays by
                ``layer.array``; by default all inputs and trained arrays that have one.
            loss: ``sum``, ``mse`` or ``cross_entropy``, as for ``run --backward``.
            target: what the loss compares the output with, batch in front: an array with the shape of the output, or
                the number of the class of every example; or one for each of several outputs by name.
            upstream: the gradient of the output, batch in front, in place of a loss.
            layer: take the output of this layer instead of that of the network.
            weights: as for `run`.
            batch: the number of examples of random inputs.
            dtype: ``float32`` or ``float64``.
            seed: the seed of random weights, inputs and layers, and of dropout.
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
        from archcalc.executor.weights import initial_arrays

        given = converted_inputs(self.graph, inputs or {}, dtype=dtype)
        if self.spec.model is not None:
            self.spec.model.require_inputs(given)
        size = max(map(len, given.values()), default=batch)
        drawn = random_inputs(self.graph, batch=size, seed=seed, dtype=dtype)
        stored = self.arrays(dtype) if weights is None else weights
        if stored is None:
            stored = initial_arrays(self.graph, seed=seed, dtype=dtype, training=training)
        return {**drawn, **given}, stored

    def arrays(self, dtype: str = "float32") -> Mapping[str, Array] | None:
        """Return the stored arrays of a model file by ``layer.array``; ``None`` if there are none to read.

        Raises:
            archcalc.SpecError: the file is damaged.
        """
        model = self.spec.model
        found = None if model is None else model.arrays()
        return None if found is None else {name: array.astype(dtype) for name, array in found.items()}

    def constants(self) -> Mapping[str, Array]:
        """Return the numbers of stored tensors of a model file that are not trained, such as masks, as far as known."""
        model = self.spec.model
        return {} if model is None else model.constants()

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
            style: ``graph`` for boxes and arrows, ``blocks`` for a row of feature maps, drawn to scale, ``unet`` for an
                encoder on the left and a decoder on the right.
            depth: draw one box for everything below this level; by default, the deepest level that is readable.
            costs: the quantities that stand in the boxes, such as ``params`` and ``macs``.

        Raises:
            archcalc.SpecError: the network branches, so ``blocks`` cannot draw it; or it is not U-shaped.
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

    def report(
        self,
        *,
        training: bool = False,
        batch: int | None = None,
        setup: TrainingSetup | None = None,
        layout: str | None = None,
        dtype: str = "float32",
        ignore: Collection[str] = (),
    ) -> str:
        """Return a page about the network, as `archcalc report` writes it: an HTML document.

        Args:
            training: whether the totals include training heads.
            batch: the number of examples, which leads every shape; ``None`` for one example without a batch axis.
            setup: how the network is trained; by default by plain gradient descent.
            layout: ``chw`` or ``hwc``, the order of the axes in shapes; by default that of the spec.
            dtype: the number formats of memory, see `archcalc.analysis.formats.read_formats`.
            ignore: the codes of warnings that the page leaves out.

        Raises:
            ValueError: a number format or the layout is unknown, or the batch is not a positive integer.
        """
        from archcalc.lint import lint
        from archcalc.report.network_page.page import NetworkPage, network_page

        require_layout(layout)
        network = Network(self.spec.in_layout(layout))
        analysis = network.analyze(training=training, batch=batch, setup=setup)
        warnings = lint(self.spec, analysis if batch is None else self.analyze(), ignore)
        return network_page(NetworkPage(network.spec, analysis, warnings, network.graph.layout, dtype))

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

        Raises:
            ValueError: there is no such aspect.
        """
        from archcalc.verification.verify import ASPECTS, verify

        chosen = tuple(ASPECTS if aspects is None else aspects)
        if unknown := [name for name in chosen if name not in ASPECTS]:
            raise ValueError(f"an aspect must be one of {', '.join(ASPECTS)}, got {unknown[0]!r}")
        return verify(self.graph, chosen, weights=self.arrays("float32"))

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
