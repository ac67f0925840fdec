"""Build the graph of a parsed spec: expand blocks, evaluate arguments and compute shapes, layer by layer.

The builder walks the chains with a current tensor. It knows nothing of YAML or of any particular operator.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Literal, NamedTuple, NoReturn, TypeAlias

from archcalc.graph import Graph, Input, Node, Ref, ordered, write_shape
from archcalc.numeric import Impossible, NeedsPlain, Number, is_plain
from archcalc.ops.base import REGISTRY, Operator, Shape, Shapes, WrittenShapes
from archcalc.spec import syntax
from archcalc.spec.aliases import suggest_operator
from archcalc.spec.arguments import BoundArgument, Tables, bind, example, is_operator, make, with_numbers
from archcalc.spec.errors import Problem, Span, SpecError, fail, suggest
from archcalc.spec.expansion import Expansion
from archcalc.spec.grammar import JOINS
from archcalc.spec.limits import Limits
from archcalc.spec.values import (
    PADDING,
    Names,
    Scope,
    Value,
    Word,
    bounded_shape,
    describe,
    evaluate,
    external_value,
    number,
)

Observer: TypeAlias = Callable[[int], None]
"""Called with the index of each layer before its formulas are evaluated, so that a kind of number can attribute the
requirements that follow to this layer."""

VALUE_CODES = frozenset({"shape", "argument", "arithmetic"})
"""The codes of errors that depend on shapes and values: names and arguments have been checked before."""

Attributes: TypeAlias = Mapping[int, Mapping[str, Number]]
"""Numbers of any kind in place of attributes of layers: the index of the layer, then the name of the attribute."""


class Stage(NamedTuple):
    """A chain of the network and its name, with its place; ``None`` for an unnamed one."""

    name: str | None
    chain: syntax.Chain
    span: Span | None = None


class Network(NamedTuple):
    """Everything that a graph is built from."""

    name: str
    inputs: Mapping[str, Shape]
    variables: Names
    blocks: Mapping[str, syntax.Block]
    tables: Tables
    stages: tuple[Stage, ...]
    heads: tuple[Stage, ...]
    training_heads: tuple[Stage, ...]
    layout: str


TrainingHeads: TypeAlias = Literal["all", "possible"] | Collection[str]
"""Which training heads are built: all, those that are possible, or those with these names. Inference does not need
them, so what they require must not limit it."""


class Built(NamedTuple):
    """A graph, and the place of each of its nodes in the text (``None`` for inputs)."""

    graph: Graph
    places: tuple[Span | None, ...]
    impossible_heads: tuple[Problem, ...] = ()
    """The errors of the training heads that are left out."""


class _Frame:
    """A block call that contains layers. The number of sibling calls of the same block is known after all of them."""

    __slots__ = ("calls", "index", "label", "parent")

    def __init__(self, label: str, parent: _Frame | None) -> None:
        self.label = label
        self.parent = parent
        self.calls: Counter[str] = Counter()
        self.index = 0
        if parent is not None:
            parent.calls[label] += 1
            self.index = parent.calls[label]

    def path(self) -> tuple[str, ...]:
        """Return the names of the enclosing block calls, outermost first."""
        if self.parent is None:
            return ()
        alone = self.parent.calls[self.label] == 1
        return (*self.parent.path(), self.label if alone else f"{self.label}_{self.index}")


class _Binding(NamedTuple):
    """The arguments of a layer, and the names of variables and parameters in them."""

    arguments: tuple[BoundArgument, ...]
    names: tuple[str, ...]


class _Draft(NamedTuple):
    """A node before it has a name."""

    op: Operator
    inputs: tuple[Ref, ...]
    outputs: Shapes
    frame: _Frame
    place: Span | None = None


class _Label(NamedTuple):
    """The name of a node, and the stage and head that it belongs to."""

    name: str
    stage: str | None = None
    head: str | None = None
    training: bool = False


def build(
    network: Network,
    limits: Limits,
    observe: Observer | None = None,
    attributes: Attributes | None = None,
    training_heads: TrainingHeads = "possible",
) -> Built:
    """Return the graph of a network, and the places of its layers.

    Args:
        network: its parts; variables and input sizes may be numbers of any kind.
        limits: limits on the work.
        observe: called with the index of every layer before its formulas are evaluated.
        attributes: numbers that replace attributes of layers.
        training_heads: which training heads are built. (That one is impossible is known for plain numbers only.)

    Raises:
        SpecError: a layer is impossible on its input, a name is unknown, or a limit is exceeded.
    """
    return _Builder(network, limits, observe, attributes or {}).build(training_heads)


class _Builder:
    def __init__(self, network: Network, limits: Limits, observe: Observer | None, attributes: Attributes) -> None:
        self.network = network
        self.limits = limits
        self.observe = observe
        self.attributes = attributes
        self.drafts: list[_Draft] = []
        self.labels: list[_Label] = []
        self.stages: dict[str, Ref] = {}
        self.unnamed: Counter[str] = Counter()
        self.variables = dict(network.variables)
        self.taken = set(network.inputs) | {
            s.name for s in (*network.stages, *network.heads, *network.training_heads) if s.name
        }
        self.root = _Frame("", None)
        self.bindings: dict[tuple[int, str], _Binding] = {}
        """The arguments of each layer of the text, by the name of its operator."""
        values = [*network.inputs.values(), *network.variables.values()]
        self.is_plain = observe is None and not attributes and all(map(_is_plain, values))
        """Whether all numbers are plain, so that layers of the same text on the same shapes are the same."""
        self.made: dict[tuple[object, ...], tuple[Operator, Shapes]] = {}
        """The operator and the outputs of each layer; see `_Builder.key`."""
        self.expansion = Expansion(network.blocks, network.variables, limits)
        self.shapes: dict[Shape, Shape] = {}
        """One object for all equal shapes."""
        self.steps = 0
        self.depth = 0
        self.stage: str | None = None

    def build(self, training_heads: TrainingHeads) -> Built:
        network = self.network
        for name, shape in network.inputs.items():
            self.stages[name] = Ref(len(self.drafts))
            self.drafts.append(_Draft(Input(shape), (), (shape,), self.root))
            self.labels.append(_Label(name))
        current = Ref(0)
        for stage in network.stages:
            current = self.run(stage, current)
        outputs = {network.stages[-1].name or self.labels[current.node].name: current}
        for head in network.heads:
            assert head.name is not None
            outputs[head.name] = self.run(head, current, head=head.name)
        training_outputs = {}
        impossible: dict[str, Problem] = {}
        for head in network.training_heads:
            assert head.name is not None
            if not isinstance(training_heads, str) and head.name not in training_heads:
                continue
            layers = len(self.drafts)
            try:
                training_outputs[head.name] = self.run(head, current, head=head.name, training=True)
            except SpecError as error:
                if training_heads != "possible" or error.problems[0].code not in VALUE_CODES:
                    raise
                impossible[head.name] = error.problems[0]
                del self.drafts[layers:]
                self.depth = 0
        graph = Graph(
            name=network.name,
            nodes=tuple(map(_node, self.drafts, self.labels)),
            outputs=outputs,
            stages=self.stages,
            variables={name: external_value(value) for name, value in network.variables.items()},
            layout=network.layout,
            training_outputs=training_outputs,
            impossible_heads={
                name: problem.message.replace(f" (in stage {name})", "") for name, problem in impossible.items()
            },
        )
        return Built(graph, tuple([draft.place for draft in self.drafts]), tuple(impossible.values()))

    def run(self, stage: Stage, current: Ref, *, head: str | None = None, training: bool = False) -> Ref:
        """Expand a stage and name its layers."""
        first = len(self.drafts)
        self.stage = stage.name
        self.bound_layers(self.expansion.least(stage.chain), stage.chain.span)
        frame = _Frame("", None) if stage.name else self.root
        try:
            result = self.chain(stage.chain, current, self.network.variables, frame)
        except SpecError as error:
            raise SpecError([self.located(problem, stage) for problem in error.problems]) from None
        except NeedsPlain:
            needs_plain(f"the structure of {f'stage {stage.name}' if stage.name else 'this chain'}", stage.chain.span)
        borrowed, own = stage.chain.borrowed, stage.chain.span.text
        for index, draft in enumerate(self.drafts[first:] if borrowed is not None else (), first):
            if draft.place is not None and draft.place.text is borrowed:
                self.drafts[index] = draft._replace(place=draft.place._replace(text=own))
        for name in self.names(stage.name, self.drafts[first:]):
            self.labels.append(_Label(name, stage.name, head, training))
        if stage.name:
            self.stages[stage.name] = result
        return result

    def located(self, problem: Problem, stage: Stage) -> Problem:
        """Add the stage to the message of a problem inside a block, because other calls of the block may be valid.

        A problem in the text of the stage gets its place in this text, not in another one of the same wording.
        """
        if problem.span is not None:
            problem = replace(problem, span=stage.chain.place(problem.span))
        inside = problem.span is None or problem.span.text is stage.chain.span.text
        if stage.name is None or inside or f"stage {stage.name}" in problem.message:
            return problem
        return replace(problem, message=f"{problem.message} (in stage {stage.name})")

    def names(self, stage: str | None, drafts: list[_Draft]) -> list[str]:
        """Return the names of a stage's layers."""
        if stage is None:
            return [self.next_unnamed(draft.op.name) for draft in drafts]
        if len(drafts) == 1:
            return [stage]
        total = Counter(draft.op.name for draft in drafts)
        seen: Counter[str] = Counter()
        names = []
        for draft in drafts:
            op = draft.op.name
            seen[op] += 1
            names.append(f"{stage}/{op}" if total[op] == 1 else f"{stage}/{op}_{seen[op]}")
        return names

    def next_unnamed(self, op: str) -> str:
        """Return the next ``op_N`` that is not the name of a stage."""
        while True:
            self.unnamed[op] += 1
            name = f"{op}_{self.unnamed[op]}"
            if name not in self.taken:
                return name

    def chain(self, chain: syntax.Chain, current: Ref, names: Names, frame: _Frame) -> Ref:
        self.depth += 1
        if self.depth > self.limits.nesting:
            fail(
                "limit",
                f"blocks and groups are nested deeper than {self.limits.nesting}",
                chain.span,
                "raise the limit with --max-nesting",
            )
        for item in chain.items:
            current = self.item(item, current, names, frame)
        self.depth -= 1
        return current

    def item(self, item: syntax.Item, current: Ref, names: Names, frame: _Frame) -> Ref:
        if isinstance(item, syntax.Layer):
            return self.layer(item, current, names, frame)
        if isinstance(item, syntax.Call):
            return self.call(item.name, item.arguments, item.head, current, names, frame)
        if isinstance(item, syntax.Repeat):
            return self.repeat(item, current, names, frame)
        if isinstance(item, syntax.Join):
            return self.join(item, current, names, frame)
        self.spend(1, item.span)
        return self.reference(item)

    def scope(self, current: Ref, names: Names) -> Scope:
        return Scope(names, self.drafts[current.node].outputs[current.output][0], self.limits)

    def reference(self, item: syntax.Reference) -> Ref:
        ref = self.stages.get(item.name)
        if ref is not None:
            return ref
        unknown_reference(item, self.stage, self.stages, self.taken)

    def repeat(self, item: syntax.Repeat, current: Ref, names: Names, frame: _Frame) -> Ref:
        if item.times is None:
            return self.chain(item.body, current, names, frame)
        count = number(item.times, self.scope(current, names))
        if not is_plain(count):
            needs_plain("a number of repetitions", item.times.span)
        if type(count) is not int:
            fail("argument", f"the number of repetitions must be an integer, got {count}", item.times.span)
        if count < 0:
            fail("argument", f"the number of repetitions must not be negative, got {count}", item.times.span)
        self.spend(count, item.times.span)
        for _ in range(count):
            current = self.chain(item.body, current, names, frame)
        return current

    def bound_layers(self, more: int, span: Span) -> None:
        """Check that there may be as many further layers."""
        if len(self.drafts) - len(self.network.inputs) + more > self.limits.layers:
            fail("limit", f"more than {self.limits.layers} layers", span, "raise the limit with --max-layers")

    def spend(self, steps: int, span: Span) -> None:
        """Count calls and repetitions against the limit on layers before expanding them, since they may be empty."""
        self.steps += steps
        if self.steps > self.limits.layers:
            fail(
                "limit",
                f"more than {self.limits.layers} calls and repetitions",
                span,
                "raise the limit with --max-layers",
            )

    def layer(self, item: syntax.Layer, current: Ref, names: Names, frame: _Frame) -> Ref:
        name = item.name
        held = names.get(name)
        if isinstance(held, Word):
            name = held.word
        if name == "identity" and not item.arguments:
            self.spend(1, item.span)
            return current
        if name in self.network.blocks:
            bare_block(item)
            return self.call(name, (), item.head, current, names, frame)
        if not is_operator(name):
            unknown_operator(name, item.head, self.network.blocks, held)
        bound = self.bound(item, name, item.arguments)
        return self.emit(REGISTRY[name], bound, (current,), self.scope(current, names), frame, item.span)

    def call(
        self, name: str, arguments: tuple[syntax.Argument, ...], head: Span, current: Ref, names: Names, frame: _Frame
    ) -> Ref:
        block = self.network.blocks.get(name)
        if block is None:
            unknown_block(name, head, self.network.blocks)
        self.spend(1, head)
        scope = self.scope(current, names)
        given = bind_call(block.signature, arguments, head)
        own: dict[str, Value] = {}
        inner = ChainMap(own, self.variables)
        for parameter, default, _ in block.signature.parameters:
            argument = given.get(parameter)
            if argument is not None:
                own[parameter] = evaluate(argument.value, scope, argument_words())
            elif default is not None:
                own[parameter] = evaluate(default, Scope(inner, scope.channels, self.limits), argument_words())
        return self.chain(block.body, current, inner, _Frame(name, frame))

    def join(self, item: syntax.Join, current: Ref, names: Names, frame: _Frame) -> Ref:
        refs = tuple(self.chain(branch, current, names, frame) for branch in item.branches)
        bound = self.bound(item, item.name, item.options)
        return self.emit(REGISTRY[item.name], bound, refs, self.scope(current, names), frame, item.span)

    def bound(self, item: syntax.Layer | syntax.Join, name: str, arguments: tuple[syntax.Argument, ...]) -> _Binding:
        """Return the arguments of a layer of the text, for an operator."""
        key = id(item), name
        found = self.bindings.get(key)
        if found is None:
            used = dict.fromkeys(used.name for argument in arguments for used in syntax.names_in(argument.value))
            found = self.bindings[key] = _Binding(bind(REGISTRY[name], arguments, item.head), tuple(used))
        return found

    def emit(
        self,
        cls: type[Operator],
        bound: _Binding,
        refs: tuple[Ref, ...],
        scope: Scope,
        frame: _Frame,
        span: Span,
    ) -> Ref:
        """Construct the operator and append the layer."""
        self.bound_layers(1, span)
        shapes = tuple([self.drafts[ref.node].outputs[ref.output] for ref in refs])
        if self.is_plain:  # the text, the shapes and the values of names determine the layer
            values = [scope.names[name] for name in bound.names if name in scope.names]
            key = (id(bound), shapes, scope.channels, *values)
            made = self.made.get(key)
            if made is None:
                made = self.made[key] = self.make(cls, bound, shapes, scope, span)
        else:
            made = self.make(cls, bound, shapes, scope, span)
        op, outputs = made
        self.drafts.append(_Draft(op, refs, outputs, frame, span))
        return Ref(len(self.drafts) - 1)

    def make(
        self, cls: type[Operator], bound: _Binding, shapes: Shapes, scope: Scope, span: Span
    ) -> tuple[Operator, Shapes]:
        """Return the operator of the next layer, and the shapes of its outputs."""
        if self.observe is not None:
            self.observe(len(self.drafts))
        try:
            rank = max(map(len, shapes)) - 1
            op = make(cls, bound.arguments, scope, rank, self.network.tables, self.network.layout)
            if len(self.drafts) in self.attributes:
                op = with_numbers(op, self.attributes[len(self.drafts)], rank)
            outputs = op.outputs(shapes)
        except Impossible as error:
            where = f" (in stage {self.stage})" if self.stage else ""
            on = " and ".join(write_shape(shape, self.network.layout) for shape in shapes[:4])
            reason = error.worded(partial(_in_layout, self.network.layout))
            fail("shape", f"{cls.name} on {on}{where}: {reason}", span)
        except NeedsPlain:
            needs_plain(f"an argument of {cls.name}", span)
        for shape in outputs:
            bounded_shape(shape, f"the output of {cls.name}", span, self.limits)
        return op, tuple([self.shapes.setdefault(shape, shape) for shape in outputs]) if self.is_plain else outputs


def _is_plain(value: Value | Shape | None) -> bool:
    """Return whether a value, a shape or a part of one has no numbers of other kinds."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str) or is_plain(value)


def needs_plain(what: str, span: Span) -> NoReturn:
    """Raise the error that the structure of the network depends on a number that is not plain."""
    fail("needs-number", f"{what} depends on a value that is left free; it must be a fixed number", span)


def _in_layout(layout: str, value: object) -> object:
    """Return a value that a message names; shapes in the layout of the file."""
    if isinstance(value, WrittenShapes):
        return WrittenShapes(tuple(ordered(shape, layout) for shape in value.shapes))
    return value


def _node(draft: _Draft, label: _Label) -> Node:
    """Return a node with its path, which is known only after all calls have been expanded and numbered."""
    path = (*((label.stage,) if label.stage else ()), *draft.frame.path())
    full = path if path == (label.name,) else (*path, label.name.rpartition("/")[2])
    return Node(label.name, draft.op, draft.inputs, draft.outputs, full, label.stage, label.head, label.training)


@cache
def argument_words() -> frozenset[str]:
    """Return the words that a block's argument may be: padding modes and names of operators."""
    return PADDING | frozenset(REGISTRY)


def bind_call(
    signature: syntax.Signature, arguments: tuple[syntax.Argument, ...], head: Span
) -> dict[str, syntax.Argument]:
    """Return the argument of each parameter of a block that is set.

    Raises:
        SpecError: an argument is unknown, repeated, surplus or missing.
    """
    parameters = [name for name, _, _ in signature.parameters]
    given: dict[str, syntax.Argument] = {}
    waiting = list(parameters)
    for argument in arguments:
        name = argument.name
        if not name:
            if not waiting:
                takes = f"it takes {', '.join(parameters)}" if parameters else "it takes none"
                fail("argument", f"too many arguments for block '{signature.name}'", argument.span, takes)
            name = waiting.pop(0)
        elif name not in parameters:
            fail(
                "argument",
                f"block '{signature.name}' has no parameter '{name}'",
                argument.span,
                suggest(name, parameters, _listed("its parameters are", parameters)),
            )
        elif name in waiting:
            waiting.remove(name)
        if name in given:
            fail("argument", f"the {name} of block '{signature.name}' is set twice", argument.span)
        given[name] = argument
    for name, default, _ in signature.parameters:
        if default is None and name not in given:
            fail("argument", f"block '{signature.name}' requires {name}", head, f"write {signature.name}({name}=…)")
    return given


def bare_block(item: syntax.Layer) -> None:
    """Raise an error if a block is written with arguments as if it were an operator."""
    if item.arguments:
        where = f"write {item.name}(…)"
        fail("argument", f"'{item.name}' is a block: its arguments must be in brackets", item.span, where)


def unknown_reference(
    reference: syntax.Reference, stage: str | None, earlier: Collection[str], all_names: Collection[str]
) -> NoReturn:
    """Raise the error that a reference names no input or earlier stage."""
    name = reference.name
    if name == stage:
        fail("reference", f"'@{name}' refers to the stage that contains it", reference.span)
    if name in all_names:
        hint = "a reference can only name an input or an earlier stage"
        fail("reference", f"'@{name}' refers to a later stage", reference.span, hint)
    hint = suggest(name, earlier, _listed("known names", list(earlier)))
    fail("reference", f"no input or earlier stage '{name}'", reference.span, hint)


def unknown_operator(name: str, span: Span, blocks: Mapping[str, syntax.Block], held: Value | None) -> NoReturn:
    """Raise the error that a name is not an operator or block."""
    if name in JOINS:
        fail("syntax", f"'{name}' is a join: its branches must be in brackets", span, f"write {name}(…, identity)")
    if held is not None and not isinstance(held, Word):
        fail("unknown-op", f"'{name}' must be an operator, got {describe(held)}", span)
    fail("unknown-op", f"no operator '{name}'", span, suggest_operator(name, [*REGISTRY, *blocks]))


def unknown_block(name: str, span: Span, blocks: Mapping[str, syntax.Block]) -> NoReturn:
    """Raise the error that a name is called but is not a block."""
    if is_operator(name):
        fail(
            "syntax",
            f"'{name}' is an operator: its arguments follow it without brackets",
            span,
            f"for example: {example(REGISTRY[name])}",
        )
    fail("unknown-block", f"no block '{name}'", span, suggest(name, [*blocks, *JOINS], "declare it under 'blocks:'"))


def _listed(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""
