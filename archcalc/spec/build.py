"""Build the graph of a parsed spec: expand blocks, evaluate arguments and compute shapes, layer by layer.

The builder walks the chains with a current tensor. It knows nothing of YAML or of any particular operator.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple, NoReturn

from archcalc.graph import Graph, Input, Node, Ref, ordered, write_shape
from archcalc.numeric import Impossible, PlainNumberRequired, is_plain
from archcalc.ops.base import REGISTRY, Operator, Shape, Shapes, WrittenShapes
from archcalc.spec import syntax
from archcalc.spec.aliases import operator_spelled
from archcalc.spec.argument_values import make, tensors_among, with_numbers
from archcalc.spec.arguments import BoundArgument, bind, is_operator, weights_argument
from archcalc.spec.calls import bare_block, bind_call, call_words, unknown_block, unknown_operator
from archcalc.spec.drafts import Draft, ExpandedChain, Independence, Section
from archcalc.spec.errors import Problem, Span, SpecError, Text, fail
from archcalc.spec.layer_bounds import LayerBounds
from archcalc.spec.layer_names import LayerNames
from archcalc.spec.limits import Limits
from archcalc.spec.network import VALUE_CODES, Attributes, LocatedGraph, Observer, ParsedNetwork, Stage, TrainingHeads
from archcalc.spec.paths import CallFrame, Destination
from archcalc.spec.references import References
from archcalc.spec.sharing import (
    UNTIED,
    OwnedWeights,
    SharedCall,
    SharedSet,
    TiedWeights,
    weights_of_call,
    weights_of_layer,
)
from archcalc.spec.syntax import names_in
from archcalc.spec.values import (
    Names,
    Scope,
    TensorValue,
    Value,
    WordValue,
    bounded_shape,
    evaluate,
    external_value,
    hint_for_number,
    number,
)

COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {"==": eq, "!=": ne, "<=": le, ">=": ge, "<": lt, ">": gt}
"""The comparisons of conditions."""


NO_LOCALS: ChainMap[str, Destination] = ChainMap()
"""The local names of a chain that is not in a list with named entries."""


class _Context(NamedTuple):
    """What the text around an item determines."""

    names: Names
    """The values of parameters and variables."""
    frame: CallFrame
    """The enclosing block call or entry."""
    locals: ChainMap[str, Destination]
    """The named entries so far of the lists around it."""
    repeat_index: int | None = None
    """The index of the innermost repetition around it in the same text."""
    shared: SharedCall | None = None
    """The enclosing call of a block that shares its weights."""


class _Binding(NamedTuple):
    """The operator that a layer of the text stands for, with its arguments."""

    cls: type[Operator]
    arguments: tuple[BoundArgument, ...]
    names: tuple[str, ...] | None
    """The names in the arguments, which decide about the layer together with the shapes; ``None`` if they do not,
    because a tensor is among the arguments, or numbers are not plain."""
    weights: syntax.Argument | None
    """The argument ``weights=@layer``, if there is one."""


def build(
    network: ParsedNetwork,
    limits: Limits,
    observe: Observer | None = None,
    attributes: Attributes | None = None,
    training_heads: TrainingHeads = "possible",
) -> LocatedGraph:
    """Return the graph of a network, and the places of its layers.

    Args:
        network: its parts; variables and input sizes may be numbers of any kind.
        limits: limits on the work.
        observe: called with the index of every layer before its formulas are evaluated.
        attributes: numbers that replace attributes of layers.
        training_heads: which training heads are built. (Whether one is impossible is known for plain numbers only.)

    Raises:
        SpecError: a layer is impossible on its input, a name is unknown, or a limit is exceeded.
    """
    return _Builder(network, limits, observe, attributes or {}).build(training_heads)


class _Builder:
    def __init__(
        self, network: ParsedNetwork, limits: Limits, observe: Observer | None, attributes: Attributes
    ) -> None:
        self.network = network
        self.limits = limits
        self.observe = observe
        self.attributes = attributes
        self.drafts: list[Draft] = []
        self.sections: list[Section] = []
        self.references = References(network, self.further_outputs)
        self.names = LayerNames(self.references.taken)
        self.shared: dict[str, SharedSet] = {}
        self.variables = dict(network.variables)
        self.root = CallFrame("", None)
        self.bindings: dict[tuple[int, str], _Binding] = {}
        """Each layer of the text, by its identity and the name of its operator."""
        values = [*network.inputs.values(), *network.variables.values()]
        self.is_plain = observe is None and not attributes and all(map(_is_plain, values))
        """Whether all numbers are plain, so that layers of the same text on the same shapes are the same."""
        self.made: dict[tuple[object, ...], tuple[Operator, Shapes]] = {}
        """The operator and the outputs of each layer; see `_Builder.key`."""
        self.shapes: dict[Shape, Shape] = {}
        """One object for all equal shapes."""
        self.independence = Independence(network.blocks)
        self.expanded: dict[tuple[int, Shape], ExpandedChain] = {}
        """The independent chains, by the identity of their items and the shape of their input."""
        self.expansion = LayerBounds(network.blocks, network.variables, limits)
        self.steps = 0
        self.depth = 0
        self.stage: str | None = None
        self.borrowed: Text | None = None
        self.text: Text | None = None
        """The text of the current stage, and the one in which its items are placed, if that is another."""
        self.words = call_words(network.blocks)

    def build(self, training_heads: TrainingHeads) -> LocatedGraph:
        network = self.network
        for name, shape in network.inputs.items():
            self.references.end(name, Destination(Ref(len(self.drafts)), range(0)))
            self.drafts.append(Draft(Input(shape), (), (shape,), self.root))
            self.sections.append(Section([name]))
        current = Ref(0)
        for _, stages in groupby(network.stages, key=lambda stage: stage.name):
            current = self.run([*stages], current)
        heads = {}
        for head in network.heads:
            assert head.name is not None
            heads[head.name] = self.run([head], current, head=head.name)
        training_outputs = {}
        impossible: dict[str, Problem] = {}
        for head in network.training_heads:
            assert head.name is not None
            if not isinstance(training_heads, str) and head.name not in training_heads:
                continue
            layers, shared = len(self.drafts), dict(self.shared)
            try:
                training_outputs[head.name] = self.run([head], current, head=head.name, training=True)
            except SpecError as error:
                if training_heads != "possible" or error.problems[0].code not in VALUE_CODES:
                    raise
                impossible[head.name] = error.problems[0]
                del self.drafts[layers:]
                self.names.forget(layers)
                self.shared, self.depth = shared, 0
        nodes = self.nodes()
        graph = Graph(
            name=network.name,
            nodes=nodes,
            outputs={network.stages[-1].name or nodes[current.node].name: current, **heads},
            stages=self.references.stages,
            variables={name: external_value(value) for name, value in network.variables.items()},
            layout=network.layout,
            training_outputs=training_outputs,
            impossible_heads={
                name: problem.message.replace(f" (in stage {name})", "") for name, problem in impossible.items()
            },
        )
        return LocatedGraph(graph, tuple([draft.place for draft in self.drafts]), tuple(impossible.values()))

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes, once all stages have been built."""
        drafts = iter(self.drafts)
        return tuple([node for section in self.sections for node in section.nodes(drafts)])

    def run(self, stages: Sequence[Stage], current: Ref, *, head: str | None = None, training: bool = False) -> Ref:
        """Expand a stage, or unnamed ones in sequence, and name the layers."""
        first, name = len(self.drafts), stages[0].name
        frame = CallFrame("", None) if name else self.root
        context = _Context(self.network.variables, frame, NO_LOCALS)
        for stage in stages:
            current = self.expand(stage, current, context)
        drafts = self.drafts[first:]
        names = self.names.of(name, first, [draft.op.name for draft in drafts])
        self.sections.append(Section(names, name, head, training))
        if name:
            layers = range(first, len(self.drafts))
            marks = [
                Destination(Ref(index), range(index, index + 1), draft.frame, name.rpartition("/")[2])
                for index, draft, name in zip(layers, drafts, names, strict=True)
            ]
            self.references.end(name, Destination(current, layers), marks)
        return current

    def expand(self, stage: Stage, current: Ref, context: _Context) -> Ref:
        """Append the layers of a stage, which have no names yet."""
        chain = stage.chain
        self.stage, self.text = stage.name, chain.span.text
        self.references.begin(stage.name)
        repeated = self.repeated(chain, current, context)
        if repeated is not None:
            return repeated
        self.borrowed = chain.borrowed
        self.bound_layers(self.expansion.least(chain), chain.span)
        try:
            return self.chain(chain, current, context)
        except SpecError as error:
            raise SpecError([self.located(problem, stage) for problem in error.problems]) from None
        except PlainNumberRequired:
            needs_plain(f"the structure of {f'stage {stage.name}' if stage.name else 'this chain'}", chain.span)

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

    def chain(self, chain: syntax.Chain, current: Ref, context: _Context) -> Ref:
        """Build a chain. One that has been built on such a shape before is repeated if it is independent."""
        repeated = self.repeated(chain, current, context)
        if repeated is not None:
            return repeated
        first, steps, shape = len(self.drafts), self.steps, self.drafts[current.node].outputs[current.output]
        result = self.items(chain.items, chain.span, current, context)
        if self.is_plain and context.shared is None and self.independence.of(chain, context.names):
            layers = ExpandedChain.of(self.drafts[first:], first, result, self.steps - steps, self.text)
            self.expanded[id(chain.items), shape] = layers
        return result

    def repeated(self, chain: syntax.Chain, current: Ref, context: _Context) -> Ref | None:
        """Append the layers of a chain that has been built on such a shape before; ``None`` if it has not been."""
        if not self.is_plain or context.shared is not None:
            return None
        found = self.expanded.get((id(chain.items), self.drafts[current.node].outputs[current.output]))
        if found is None or not self.has_room(len(found.drafts), found.steps):
            return None
        result = found.again(current, context.frame, self.text, self.drafts)
        self.steps += found.steps
        return result

    def items(self, items: tuple[syntax.Item, ...], span: Span, current: Ref, context: _Context) -> Ref:
        self.depth += 1
        if self.depth > self.limits.nesting:
            fail(
                "limit",
                f"blocks and groups are nested deeper than {self.limits.nesting}",
                span,
                "raise the limit with --max-nesting",
            )
        for item in items:
            current = self.item(item, current, context)
        self.depth -= 1
        return current

    def item(self, item: syntax.Item, current: Ref, context: _Context) -> Ref:
        if isinstance(item, syntax.Layer):
            return self.layer(item, current, context)
        if isinstance(item, syntax.Call):
            return self.call(item.name, item.arguments, item.head, current, context)
        if isinstance(item, syntax.Repeat):
            return self.repeat(item, current, context)
        if isinstance(item, syntax.Join):
            return self.join(item, current, context)
        if isinstance(item, syntax.If):
            return self.choice(item, current, context)
        if isinstance(item, syntax.Entries):
            return self.entries(item, current, context)
        self.spend(1, item.span)
        return self.references.one(item, context.locals, context.names).ref

    def scope(self, current: Ref, context: _Context) -> Scope:
        shape = self.drafts[current.node].outputs[current.output]
        return Scope(context.names, shape, self.limits, context.repeat_index, partial(self.tensor, context))

    def tensor(self, context: _Context, written: syntax.Reference) -> TensorValue:
        """Return the tensor that a reference in an argument stands for."""
        mark = self.references.one(written, context.locals, context.names)
        return TensorValue(mark, self.drafts[mark.ref.node].outputs[mark.ref.output], written.name)

    def further_outputs(self, ref: Ref) -> tuple[str, ...]:
        """Return the names of the additional outputs of a layer, given its first one; none for other tensors."""
        return self.drafts[ref.node].op.further_outputs if ref.output == 0 else ()

    def entries(self, item: syntax.Entries, current: Ref, context: _Context) -> Ref:
        """Build a list of entries; the named ones can be referred to by those after them."""
        found = context.locals.new_child()
        for entry in item.entries:
            first = len(self.drafts)
            frame = CallFrame(entry.name, context.frame, local=True) if entry.name else context.frame
            current = self.chain(entry.chain, current, context._replace(frame=frame, locals=found))
            if entry.name:
                layers = range(first, len(self.drafts))
                found[entry.name] = mark = Destination(current, layers, frame)
                self.references.current.append(mark)
                if len(layers) == 1 and current.node == first:
                    self.names.local[first] = entry.name
        return current

    def repeat(self, item: syntax.Repeat, current: Ref, context: _Context) -> Ref:
        if item.times is None:
            return self.chain(item.body, current, context)
        count = number(item.times, self.scope(current, context))
        if not is_plain(count):
            needs_plain("a number of repetitions", item.times.span)
        if type(count) is not int:
            fail("argument", f"the number of repetitions must be an integer, got {count}", item.times.span)
        if count < 0:
            fail("argument", f"the number of repetitions must not be negative, got {count}", item.times.span)
        self.spend(count, item.times.span)
        for index in range(count):
            current = self.chain(item.body, current, context._replace(repeat_index=index))
        return current

    def choice(self, item: syntax.If, current: Ref, context: _Context) -> Ref:
        """Build the branch that a condition chooses."""
        scope = self.scope(current, context)
        if isinstance(item.condition, syntax.Relation):
            sides = [number(side, scope) for side in (item.condition.left, item.condition.right)]  # type: ignore[arg-type]
            sign = item.condition.relation
        else:
            sides, sign = [number(item.condition, scope), 0], "!="
        if not all(map(is_plain, sides)):
            needs_plain("a condition", item.condition.span)
        chosen = item.then if COMPARE[sign](*sides) else item.otherwise
        self.spend(1, item.span)
        return current if chosen is None else self.chain(chosen, current, context)

    def has_room(self, layers: int, steps: int = 0) -> bool:
        """Return whether further layers, calls and repetitions stay within the limit."""
        most = self.limits.layers
        return len(self.drafts) - len(self.network.inputs) + layers <= most and self.steps + steps <= most

    def bound_layers(self, more: int, span: Span) -> None:
        """Check that ``more`` further layers do not exceed the limit."""
        if len(self.drafts) - len(self.network.inputs) + more > self.limits.layers:
            fail("limit", f"more than {self.limits.layers:,} layers", span, "raise the limit with --max-layers")

    def spend(self, steps: int, span: Span) -> None:
        """Count calls and repetitions against the limit on layers before expanding them, since they may be empty."""
        self.steps += steps
        if self.steps > self.limits.layers:
            fail(
                "limit",
                f"more than {self.limits.layers:,} calls and repetitions",
                span,
                "raise the limit with --max-layers",
            )

    def layer(self, item: syntax.Layer, current: Ref, context: _Context) -> Ref:
        held = context.names.get(item.name)
        name = held.word if isinstance(held, WordValue) else item.name
        binding = self.bindings.get((id(item), name))
        if binding is None:
            if not isinstance(held, WordValue) and name not in self.network.blocks:
                name = operator_spelled(name)
            if name == "identity" and not item.arguments:
                self.spend(1, item.span)
                return current
            if name in self.network.blocks:
                bare_block(item)
                return self.call(name, (), item.head, current, context)
            if not is_operator(name) or (held is not None and not isinstance(held, WordValue)):
                unknown_operator(name, item.head, self.network.blocks, held)
            binding = self.binding(item, name, item.arguments, context.names)
        return self.emit(binding, () if binding.cls.arity == 0 else (current,), item, current, context)

    def call(
        self, name: str, arguments: tuple[syntax.Argument, ...], head: Span, current: Ref, context: _Context
    ) -> Ref:
        held = context.names.get(name)
        name = held.word if isinstance(held, WordValue) else name
        block = self.network.blocks.get(name)
        if block is None:
            unknown_block(name, head, self.network.blocks, held)
        self.spend(1, head)
        first = len(self.drafts)
        scope = self.scope(current, context)
        given = bind_call(block.signature, arguments, head)
        own: dict[str, Value] = {}
        inner = ChainMap(own, self.variables)
        for parameter, default, _ in block.signature.parameters:
            argument = given.get(parameter)
            if argument is not None:
                own[parameter] = evaluate(argument.value, scope, *self.words)
            elif default is not None:
                own[parameter] = evaluate(default, Scope(inner, scope.shape, self.limits), *self.words)
        frame, shared = CallFrame(name, context.frame), context.shared
        if block.shared:
            shared = SharedCall(self.shared.setdefault(name, SharedSet(name, head)), head, Counter())
        result = self.chain(block.body, current, _Context(inner, frame, NO_LOCALS, shared=shared))
        if block.shared and shared is not None:
            shared.weights.complete = True
        self.references.current.append(Destination(result, range(first, len(self.drafts)), frame))
        return result

    def join(self, item: syntax.Join, current: Ref, context: _Context) -> Ref:
        refs: list[Ref] = []
        for branch in item.branches:
            first, *others = branch.items
            if isinstance(first, syntax.Reference) and first.every:
                for ref in self.references.every(first, context.locals):
                    refs.append(self.items(tuple(others), branch.span, ref, context))
            else:
                refs.append(self.chain(branch, current, context))
        binding = self.binding(item, item.name, item.options, context.names)
        if len(refs) == 1 and len(item.branches) == 1 and not binding.arguments:  # the only match passes through
            return refs[0]
        return self.emit(binding, tuple(refs), item, current, context)

    def binding(
        self, item: syntax.Layer | syntax.Join, name: str, arguments: tuple[syntax.Argument, ...], names: Names
    ) -> _Binding:
        """Return a layer of the text with its arguments, for an operator."""
        key = id(item), name
        found = self.bindings.get(key)
        if found is None:
            bound = bind(REGISTRY[name], arguments, item.head, names)
            used = dict.fromkeys(used.name for argument in arguments for used in names_in(argument.value))
            takes_tensor = any(isinstance(argument.value, syntax.Reference) for _, argument, _ in bound)
            decisive = None if takes_tensor or not self.is_plain else tuple(used)
            weights = weights_argument(arguments, REGISTRY[name])
            found = self.bindings[key] = _Binding(REGISTRY[name], bound, decisive, weights)
        return found

    def key(self, binding: _Binding, shapes: Shapes, current: Shape, context: _Context) -> tuple[object, ...] | None:
        """Return what an operator and its outputs depend on: the text, the shapes, and the values of names.

        ``None`` where a tensor is among these, or numbers are not plain.
        """
        if not binding.names:
            return None if binding.names is None else (id(binding), shapes, current)
        values = [context.names[name] for name in binding.names if name in context.names]
        if any(isinstance(value, TensorValue) for value in values):
            return None
        return (id(binding), shapes, current, context.repeat_index if "i" in binding.names else None, *values)

    def tied(
        self,
        op: Operator,
        shapes: Shapes,
        argument: syntax.Argument | None,
        item: syntax.Layer | syntax.Join,
        current: Ref,
        context: _Context,
    ) -> TiedWeights:
        """Return the weights of a layer that belong to earlier layers."""
        if argument is None and context.shared is None:
            return UNTIED
        weights = op.weights(shapes)
        tied: dict[str, int] = {}
        if argument is not None:
            named = evaluate(argument.value, self.scope(current, context))
            tied |= weights_of_layer(op, weights, argument, named, self.owned)
        if context.shared is not None:
            first = context.shared.owner(id(item), len(self.drafts))
            if first != len(self.drafts):
                tied |= weights_of_call(op, weights, tied, context.shared, None if first is None else self.owned(first))
        return tied

    def owned(self, layer: int) -> OwnedWeights:
        """Return the weights of a layer that has been built, with the layers that they belong to."""
        draft = self.drafts[layer]
        weights = draft.op.weights(tuple([self.drafts[ref.node].outputs[ref.output] for ref in draft.inputs]))
        return {weight.name: (weight, draft.tied.get(weight.name, layer)) for weight in weights}

    def emit(
        self,
        binding: _Binding,
        refs: tuple[Ref, ...],
        item: syntax.Layer | syntax.Join,
        current: Ref,
        context: _Context,
    ) -> Ref:
        """Construct the operator and append the layer."""
        cls, bound, _, weights = binding
        span, drafts = item.span, self.drafts
        self.bound_layers(1, span)
        if self.observe is not None:
            self.observe(len(drafts))
        read = refs
        shapes = tuple([drafts[index].outputs[output] for index, output in refs])
        key = self.key(binding, shapes, drafts[current.node].outputs[current.output], context)
        made = None if key is None else self.made.get(key)
        try:
            if made is None:
                scope = self.scope(current, context)
                rank = max(map(len, shapes or ((1,),))) - 1
                op = make(cls, bound, scope, rank, self.network.tables, self.network.layout)
                read = (*refs, *tensors_among(cls, bound, scope))
                shapes = tuple([drafts[ref.node].outputs[ref.output] for ref in read])
                if len(drafts) in self.attributes:
                    op = with_numbers(op, self.attributes[len(drafts)], rank)
                outputs = op.outputs(shapes)
                if key is not None:
                    outputs = tuple([self.shapes.setdefault(shape, shape) for shape in outputs])
                    self.made[key] = op, outputs
            else:
                op, outputs = made
            tied = self.tied(op, shapes, weights, item, current, context)
        except Impossible as error:
            where = f" (in stage {self.stage})" if self.stage else ""
            shapes = tuple([drafts[ref.node].outputs[ref.output] for ref in read])
            on = " and ".join(write_shape(shape, self.network.layout) for shape in shapes[:4])
            reason = error.worded(partial(_in_layout, self.network.layout))
            what = f"{cls.name}{' on ' if on else ''}{on}{where}: {reason}"
            fail("shape", what, span, hint_for_number(error))
        except PlainNumberRequired:
            needs_plain(f"an argument of {cls.name}", span)
        for shape in outputs if made is None else ():
            bounded_shape(shape, f"the output of {cls.name}", span, self.limits)
        place = Span(self.text, span.start, span.end) if self.text and span.text is self.borrowed else span
        drafts.append(Draft(op, read, outputs, context.frame, place, tied))
        return Ref(len(drafts) - 1)


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
