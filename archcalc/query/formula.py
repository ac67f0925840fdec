"""The calculation of closed forms of a network.

The spec is read with symbols in place of its free names and analysed by the same code as with numbers; then the targets
are evaluated. An assumption is a requirement like those of the operators: it restricts the values of the symbols.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.analysis.training.setup import DEFAULT_SETUP, TrainingSetup
from archcalc.graph import Graph, input_axes, is_axis, ordered, write_shape
from archcalc.numeric import Impossible, Number, PlainNumberRequired, as_integer, is_plain, require
from archcalc.numeric.symbolic import FreeSymbol, Symbols, TooComplex, fixpoint
from archcalc.query.closed_forms import ClosedForm, ClosedForms, ratio
from archcalc.query.conditions import RELATE
from archcalc.query.places import heads_in
from archcalc.query.quantities import quantity_named
from archcalc.query.targets import Evaluator
from archcalc.spec import GivenSettings, Limits, read_spec
from archcalc.spec.check import names_used
from archcalc.spec.errors import Source, Text, escaped, fail, listing, suggest
from archcalc.spec.given_shapes import suggest_size
from archcalc.spec.grammar import parse_inline
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from archcalc.spec.network import TrainingHeads
from archcalc.spec.notations import SIGNS, parse_assumptions, parse_formula
from archcalc.spec.records import AS_WRITTEN
from archcalc.spec.syntax import Condition, LogicalCondition, Name, Relation, Size, Value, names_in
from archcalc.spec.values import Scope
from archcalc.spec.values import number as evaluated

TOTALS = ("shape", "params", "macs", "flops", "activations")
"""The targets that are evaluated if none are given."""


@dataclass(frozen=True)
class FormulaQuery:
    """A query for closed forms: the targets, the free symbols, and the assumptions about them."""

    spec: str | Source
    """A SPEC as on the command line, or the text of a spec file."""
    targets: tuple[str, ...] = TOTALS
    free: tuple[str, ...] = ()
    assume: tuple[str, ...] = ()
    given: GivenSettings = AS_WRITTEN
    training: bool = False
    batch: int | None = None
    dtype: str = "float32"
    setup: TrainingSetup = DEFAULT_SETUP
    each: bool = False
    """Whether the targets are quantities to evaluate for every layer."""
    layout: str = ""
    """The layout in which shapes are given; if empty, that of the spec."""
    over: str | None = None
    """Another SPEC, by whose closed forms those of this one are divided."""
    over_given: GivenSettings = AS_WRITTEN
    """What is given for the other SPEC from outside its text."""
    over_targets: tuple[str, ...] = ()
    """The targets of the other SPEC; if there are none, those of this one."""
    when: Mapping[str, str] | None = None
    """Arithmetic for names: the closed forms with these replacements are divided by those without."""
    limits: Limits = DEFAULT


class FormulaResult(NamedTuple):
    """Closed forms; for ratios also those of the dividends and the divisors."""

    forms: ClosedForms
    dividends: tuple[ClosedForm, ...] = ()
    divisors: tuple[ClosedForm, ...] = ()


def closed_form(spec: str | Source, target: str, free: tuple[str, ...], assume: tuple[str, ...] = ()) -> ClosedForm:
    """Return one closed form of a network; errors are those of `calculate`."""
    return calculate(FormulaQuery(spec, (target,), free, assume)).forms.forms[0]


def calculate(query: FormulaQuery) -> FormulaResult:
    """Return the closed forms for a query.

    Raises:
        SpecError: the spec has an error, a name or target is unknown, the assumptions cannot be satisfied, or the
            closed forms are too complex.
    """
    return _Calculation(query).calculate()


def in_symbols(form: ClosedForm, expression: Value) -> Number:
    """Return a parsed formula as a number in the symbols of a closed form, which it does not restrict.

    Raises:
        SpecError: the formula uses other names.
    """
    names = {name: form.symbols.number(name) for name in form.symbols.free}
    with form.symbols.without_requirements():
        return _evaluated(expression, names, DEFAULT)


def equals(form: ClosedForm, expression: str) -> bool | None:
    """Return whether a formula equals a closed form wherever that holds; ``None`` if undecided.

    Raises:
        SpecError: the formula cannot be read, or uses other names.
    """
    return form.equals(in_symbols(form, parse_formula(_text("a formula", expression), DEFAULT)))


class _Network(NamedTuple):
    """A network as it is given: its text, whether that is an inline expression, and what is given from outside."""

    source: Source
    inline: bool
    given: GivenSettings


class _Calculation:
    def __init__(self, query: FormulaQuery) -> None:
        self.query = query
        spec = query.spec
        self.source, self.inline = (spec, False) if isinstance(spec, Source) else locate(spec, query.limits)
        self.network = _Network(self.source, self.inline, query.given)
        self.other = _Network(*locate(query.over, query.limits), query.over_given) if query.over is not None else None
        self.graph = self._plain_graph()
        self.assumptions = [each for text in query.assume for each in read_assumptions(text, query.limits)]
        self.substituted = self._substitutions()
        for name in query.given.set:
            if name in query.free:
                hint = f'--assume "{name} == …" gives a value to a free name'
                fail("argument", f"'{name}' is free, so it cannot be set as well", origin=f"--set {name}", hint=hint)
        self.title = self.source.name
        if query.over is not None or query.when is not None:
            for target in query.targets:
                quantity = quantity_named(_quantity_name(target))
                if quantity is not None and not quantity.is_number:
                    hint = "ratios need quantities that are a single number, such as params or macs"
                    fail("argument", f"'{quantity.name}' cannot be divided", origin="TARGET", hint=hint)

    def _plain_graph(self) -> Graph | None:
        """Return the network as written, to distinguish variables from sizes; ``None`` for an inline expression."""
        if self.inline:
            return None
        graph = read_spec(self.source, self.query.given, limits=self.query.limits).graph
        known = [
            *graph.variables,
            *input_axes(graph.inputs, graph.axis_names),
            *(self._known_in(self.other) if self.other else ()),
        ]
        for name in (*self.query.free, *(self.query.when or {})):
            if name not in known:
                unknown = f"no variable or input size '{name[:40]}'"
                fail("unknown-name", unknown, hint=suggest_size(name, known), origin="--free")
            if name in graph.variables and isinstance(graph.variables[name], str):
                fail(
                    "argument",
                    f"variable '{name}' must hold a number to be free, got '{graph.variables[name]}'",
                    origin="--free",
                )
        return graph

    def _substitutions(self) -> dict[str, Relation]:
        """Return the free names for which an assumption gives a value, such as ``alpha == a/4``, with that
        assumption."""
        found = {}
        for each in self.assumptions:
            name = each.left.name if isinstance(each.left, Name) and each.relation == "=" else None
            if name in self.query.free and all(other.name != name for other in names_in(each.right)):
                found[name] = each
        return found

    def _free(self) -> list[FreeSymbol]:
        """Return the free symbols with the domains known before the calculation, in the order of terms.

        The order in which the names are given does not matter: input sizes come first, so that n − k + 1 begins with
        the size, and then the variables as the spec has them.
        """
        names = dict.fromkeys(sorted(self.query.free, key=self._place))
        symbols: dict[str, FreeSymbol] = {}
        for name in names:
            is_size = is_axis(name) if self.graph is None else name not in self.graph.variables
            if name in self.substituted:
                for other in names_in(self.substituted[name].right):
                    if other.name not in names:
                        symbols.setdefault(other.name, FreeSymbol.size(other.name))
            else:
                symbols[name] = FreeSymbol.size(name) if is_size else FreeSymbol.variable(name)
        for each in self.assumptions:  # "p >= 0" replaces the default domain
            if isinstance(each.left, Name) and each.left.name in symbols and each.relation in (">=", ">"):
                symbols[each.left.name] = symbols[each.left.name].unbounded()
        return list(symbols.values())

    def _place(self, name: str) -> tuple[bool, int, str]:
        """Return the sort key of a free name."""
        if is_axis(name) and (self.graph is None or name not in self.graph.variables):
            return False, 0, name
        if self.graph is not None:
            known = [*self.graph.variables]
            return True, known.index(name) if name in known else len(known), name
        found = re.search(rf"\b{re.escape(name)}\b", self.source.text)
        return True, found.start() if found is not None else len(self.source.text), name

    def calculate(self) -> FormulaResult:
        try:
            symbols, forms = fixpoint(self._free(), self._forms)
        except Impossible as error:
            fail("formula", str(error), origin=self.source.name[:60])
        except TooComplex as error:
            hint = "use fewer free names, or more assumptions (such as H % 32 == 0)"
            fail("limit", str(error), origin=self.source.name[:60], hint=hint)
        given = self.query.free
        names = tuple(sorted(symbols.free, key=lambda name: given.index(name) if name in given else len(given)))
        title = self.title
        if self.query.over is None and self.query.when is None:
            return FormulaResult(ClosedForms(title, forms[0], symbols, names))
        for form in forms[1]:
            if is_plain(form.values[0]) and form.values[0] == 0:
                fail("argument", f"the divisor {form.target} is 0", origin="TARGET")
        ratios = tuple(ratio(a, b) for a, b in zip(*forms, strict=True))
        return FormulaResult(ClosedForms(title, ratios, symbols, names), *forms)

    def _forms(self, symbols: Symbols) -> tuple[tuple[ClosedForm, ...], ...]:
        names = {name: symbols.number(name) for name in symbols.free}
        numbers = dict(names)
        for name, each in self.substituted.items():
            numbers[name] = _evaluated(each.right, names, self.query.limits)
        for each in self.assumptions:
            if each not in self.substituted.values():
                self._assume(each, numbers)
        numbers = {name: number for name, number in numbers.items() if name in self.query.free}
        plain = self._analysis(numbers, self.network)
        self.title = _headline(plain)
        if self.query.when is not None:
            changed = dict(numbers)
            for name, text in self.query.when.items():
                changed[name] = _read(text, {**names, **numbers}, f"--scale {name}={text}", self.query.limits)
            dividend = self._analysis(changed, self.network)
        else:
            dividend = plain
        divisor = plain if self.other is None else self._analysis(numbers, self.other)
        if self.query.over is None and self.query.when is None:
            return (self._evaluated_targets(plain, symbols),)
        divisors = self._evaluated_targets(divisor, symbols, self.query.over_targets)
        return self._evaluated_targets(dividend, symbols), divisors

    def _known_in(self, network: _Network) -> set[str]:
        """Return the free names that a network has."""
        if network.inline:
            shape, chain = parse_inline(Text(network.source, network.source.text), self.query.limits)
            used = {name.name for name in (*names_in(shape), *names_used(chain))}
            return {name for name in self.query.free if is_axis(name) or name in used}
        graph = read_spec(network.source, network.given, limits=self.query.limits).graph
        return {*graph.variables, *input_axes(graph.inputs, graph.axis_names)}

    def _assume(self, each: Relation, names: Mapping[str, Number]) -> None:
        left, right = (_evaluated(side, names, self.query.limits) for side in (each.left, each.right))
        try:
            truth = RELATE[each.relation](left, right)
            require(truth, "this cannot be satisfied together with the assumptions before it")
        except Impossible as error:
            fail("assumption", str(error), each.span)

    def _analysis(self, numbers: Mapping[str, Number], network: _Network) -> Analysis:
        if self.other is not None:
            known = self._known_in(network)
            numbers = {name: number for name, number in numbers.items() if name in known}
        graph = self.graph if network is self.network else None
        axes = input_axes(graph.inputs, graph.axis_names) if graph is not None else {}
        for name, number in numbers.items():
            if name in axes or (graph is None and is_axis(name)):
                require(as_integer(number, name) >= 1, "{name} is a size, so it must be positive", name=name)
        heads: TrainingHeads = "all" if self.query.training else heads_in(self.query.targets)
        given = network.given._replace(numbers=numbers, training_heads=heads)
        graph = read_spec(network.source, given, inline=network.inline, limits=self.query.limits).graph
        if self.query.layout:
            graph = replace(graph, layout=self.query.layout)
        asked = [quantity_named(_quantity_name(each)) for each in (*self.query.targets, *self.query.over_targets)]
        fields = any(quantity is not None and quantity.unit == "positions" for quantity in asked)
        query = self.query
        return analyze(graph, training=query.training, batch=query.batch, receptive=fields, setup=query.setup)

    def _evaluated_targets(
        self, analysis: Analysis, symbols: Symbols, targets: tuple[str, ...] = ()
    ) -> tuple[ClosedForm, ...]:
        targets = targets or self.query.targets
        if self.query.each:
            targets = tuple(f"{layer.name}.{target}" for target in targets for layer in analysis.layers)
        evaluator = Evaluator.of(analysis, self.query.dtype)
        return tuple([_closed_form(target, evaluator, symbols) for target in targets])


def _closed_form(written: str, evaluator: Evaluator, symbols: Symbols) -> ClosedForm:
    try:
        target = evaluator.target(written)
        values = evaluator.values(target)
    except LookupError as error:
        fail("unknown-name", error.args[0], hint=error.args[1], origin="TARGET")
    quantity, exact = target.quantity, True
    if quantity.unit == "positions":
        exact = all(axis.exact and axis.aligned for axes in evaluator.fields(target.place).values() for axis in axes)
    elif quantity.unit == "shape":
        values = ordered(values, evaluator.graph.layout)
    return ClosedForm(written, values, symbols, exact, integer=quantity.is_integer)


def _headline(analysis: Analysis) -> str:
    graph = analysis.graph
    inputs = [(name, write_shape(shape, graph.layout)) for name, shape in graph.inputs.items()]
    text = inputs[0][1] if len(inputs) == 1 else ", ".join(f"{name} {shape}" for name, shape in inputs)
    return f"input {text}" if "->" in graph.name or "→" in graph.name else f"{escaped(graph.name)}, input {text}"


def _quantity_name(target: str) -> str:
    return target.rpartition(".")[2]


def read_assumptions(written: str, limits: Limits) -> list[Relation]:
    """Read assumptions: comparisons joined by commas or ``and``.

    Raises:
        SpecError: the text is something else.
    """
    return [each for read in parse_assumptions(_text("--assume", written), limits) for each in _relations(read)]


def _relations(read: Condition | Value) -> Iterator[Relation]:
    if isinstance(read, Relation):
        yield read
    elif isinstance(read, LogicalCondition) and read.word == "and":
        for operand in read.operands:
            yield from _relations(operand)
    elif isinstance(read, LogicalCondition):
        hint = 'join assumptions by "and": "H % 2 == 0 and W % 2 == 0"'
        fail("assumption", f"an assumption must not use '{read.word}'", read.span, hint)
    else:
        text = read.span.text.value[read.span.start : read.span.end][:60]
        fail("assumption", f"an assumption must be a comparison, got '{text}'", read.span, 'such as "H % 32 == 0"')


def _text(origin: str, written: str) -> Text:
    translated = written.strip().translate(SIGNS)
    return Text(Source(origin, translated), translated)


def _read(written: str, names: Mapping[str, Number], where: str, limits: Limits) -> Number:
    """Return the value of arithmetic over names.

    Raises:
        SpecError: the text cannot be read, or a name is unknown.
    """
    return _evaluated(parse_formula(_text(where, written), limits), names, limits)


def _evaluated(value: Value, names: Mapping[str, Number], limits: Limits) -> Number:
    if isinstance(value, Size):
        fail("argument", "must be one number, got a shape", value.span)
    for name in names_in(value):
        if name.name not in names:
            hint = suggest(name.name, names, listing("free name", names) if names else "--free declares free names")
            what = "free name" if names else "number"
            fail("unknown-name", f"'{name.name[:40]}' is not a {what}", name.span, hint)
    try:
        return evaluated(value, Scope(names, None, limits))
    except Impossible as error:
        fail("argument", str(error), value.span)
    except PlainNumberRequired as error:
        fail("needs-number", f"{error} must be a plain number", value.span)
