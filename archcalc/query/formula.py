"""From a question about closed forms to their calculation: which names are free, what is assumed of them, of what.

The spec is read with symbols in place of its free names, analysed by the same code as ever, and asked for targets.
An assumption is a requirement like those of the operators: it narrows what the symbols may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from archcalc.analysis.propagate import Analysis, analyze
from archcalc.graph import Graph, input_axes, is_axis, ordered, write_shape
from archcalc.numeric import Impossible, NeedsPlain, Number, as_integer, is_plain, require
from archcalc.numeric.symbolic import FreeSymbol, Symbols, TooComplex, fixpoint
from archcalc.query.closed_forms import ClosedForm, ClosedForms, ratio
from archcalc.query.conditions import RELATE
from archcalc.query.quantities import quantity_named
from archcalc.query.targets import Evaluator
from archcalc.spec import Given, Limits, read_spec
from archcalc.spec.check import names_used
from archcalc.spec.errors import Source, Text, fail, suggest
from archcalc.spec.grammar import parse_inline
from archcalc.spec.limits import DEFAULT
from archcalc.spec.locate import locate
from archcalc.spec.notations import SIGNS, parse_assumptions, parse_formula
from archcalc.spec.read import AS_WRITTEN
from archcalc.spec.syntax import Condition, Logic, Name, Relation, Size, Value, names_in
from archcalc.spec.values import Scope
from archcalc.spec.values import number as evaluated

TOTALS = ("shape", "params", "macs", "flops", "activations")
"""What is asked of a network unless told otherwise."""


@dataclass(frozen=True)
class Question:
    """Closed forms of which targets, in which symbols."""

    spec: str | Source
    """As after ``archcalc formula``, or the text of a spec file."""
    targets: tuple[str, ...] = TOTALS
    free: tuple[str, ...] = ()
    assume: tuple[str, ...] = ()
    given: Given = AS_WRITTEN
    training: bool = False
    batch: int | None = None
    dtype: str = "float32"
    each: bool = False
    """Of every layer rather than of the targets' places."""
    over: str | None = None
    """Another spec whose closed forms are divisors."""
    when: Mapping[str, str] | None = None
    """Divide what comes out with these expressions for names by what comes out without."""
    limits: Limits = DEFAULT


class Answer(NamedTuple):
    """Closed forms; of a ratio, those of the dividends and the divisors as well."""

    forms: ClosedForms
    dividends: tuple[ClosedForm, ...] = ()
    divisors: tuple[ClosedForm, ...] = ()


def closed_form(spec: str | Source, target: str, free: tuple[str, ...], assume: tuple[str, ...] = ()) -> ClosedForm:
    """One closed form of a network; see `answer` for the errors."""
    return answer(Question(spec, (target,), free, assume)).forms.forms[0]


def answer(question: Question) -> Answer:
    """The closed forms that a question asks for.

    Raises:
        SpecError: anything wrong with the spec, an unknown name or target, an assumption that nothing meets, or
            expressions that grow beyond bounds.
    """
    return _Calculation(question).answer()


def reads_as(form: ClosedForm, expression: Value) -> Number:
    """An expression that a person wrote, in the symbols of a closed form.

    Raises:
        SpecError: it uses other names.
    """
    names = {name: form.symbols.number(name) for name in form.symbols.free}
    return _evaluated(expression, names, DEFAULT)


def equals(form: ClosedForm, expression: str) -> bool | None:
    """Whether an expression is the closed form wherever that holds; ``None`` where it cannot be told.

    Raises:
        SpecError: the expression cannot be read, or uses other names.
    """
    return form.equals(reads_as(form, parse_formula(_text("a formula", expression), DEFAULT)))


class _Calculation:
    def __init__(self, question: Question) -> None:
        self.question = question
        spec = question.spec
        self.source, self.inline = (spec, False) if isinstance(spec, Source) else locate(spec, question.limits)
        self.other = locate(question.over, question.limits) if question.over is not None else None
        self.graph = self._plain_graph()
        self.assumptions = [each for text in question.assume for each in read_assumptions(text, question.limits)]
        self.substituted = self._substitutions()
        for name in question.given.set:
            if name in question.free:
                hint = f'--assume "{name} == …" gives a value to what is left open'
                fail("argument", f"'{name}' is left open: it cannot be set as well", origin=f"--set {name}", hint=hint)
        self.title = self.source.name
        if question.over is not None or question.when is not None:
            for target in question.targets:
                quantity = quantity_named(_word(target))
                if quantity is not None and not quantity.is_number:
                    hint = "ratios are those of params, macs, activations and the like"
                    fail("argument", f"a {quantity.name} is no quantity to divide", origin="TARGET", hint=hint)

    def _plain_graph(self) -> Graph | None:
        """The network as it is written, which tells variables from sizes; expressions have no variables."""
        if self.inline:
            return None
        graph = read_spec(self.source, self.question.given, limits=self.question.limits).graph
        known = [*graph.variables, *input_axes(graph.inputs)]
        for name in (*self.question.free, *(self.question.when or {})):
            if name not in known:
                hint = suggest(name, known, f"there are {', '.join(known[:12])}")
                fail("unknown-name", f"no variable or input size '{name[:40]}'", hint=hint, origin="--free")
            if name in graph.variables and isinstance(graph.variables[name], str):
                fail("argument", f"variable '{name}' holds '{graph.variables[name]}', no number", origin="--free")
        return graph

    def _substitutions(self) -> dict[str, Relation]:
        """Names that an assumption says what they are: ``alpha == a/4``."""
        found = {}
        for each in self.assumptions:
            name = each.left.name if isinstance(each.left, Name) and each.relation == "=" else None
            if name in self.question.free and all(other.name != name for other in names_in(each.right)):
                found[name] = each
        return found

    def _free(self) -> list[FreeSymbol]:
        """The symbols, and what is known of them before anything is calculated."""
        names = dict.fromkeys(self.question.free)
        symbols: dict[str, FreeSymbol] = {}
        for name in names:
            is_size = is_axis(name) if self.graph is None else name not in self.graph.variables
            if name in self.substituted:
                for other in names_in(self.substituted[name].right):
                    if other.name not in names:
                        symbols.setdefault(other.name, FreeSymbol.size(other.name))
            else:
                symbols[name] = FreeSymbol.size(name) if is_size else FreeSymbol.variable(name)
        for each in self.assumptions:  # "p >= 0" says more than that names are positive
            if isinstance(each.left, Name) and each.left.name in symbols and each.relation in (">=", ">"):
                symbols[each.left.name] = symbols[each.left.name].unbounded()
        return list(symbols.values())

    def answer(self) -> Answer:
        try:
            symbols, forms = fixpoint(self._free(), self._forms)
        except Impossible as error:
            fail("formula", str(error), origin=self.source.name[:60])
        except TooComplex as error:
            hint = "leave fewer names open, or assume more of them (such as H % 32 == 0)"
            fail("limit", str(error), origin=self.source.name[:60], hint=hint)
        names, title = tuple(symbols.free), self.title
        if self.question.over is None and self.question.when is None:
            return Answer(ClosedForms(title, forms[0], symbols, names))
        for form in forms[1]:
            if is_plain(form.values[0]) and form.values[0] == 0:
                fail("argument", f"{form.target} is 0 in what is divided by", origin="TARGET")
        ratios = tuple(ratio(a, b) for a, b in zip(*forms, strict=True))
        return Answer(ClosedForms(title, ratios, symbols, names), *forms)

    def _forms(self, symbols: Symbols) -> tuple[tuple[ClosedForm, ...], ...]:
        names = {name: symbols.number(name) for name in symbols.free}
        numbers = dict(names)
        for name, each in self.substituted.items():
            numbers[name] = _evaluated(each.right, names, self.question.limits)
        for each in self.assumptions:
            if each not in self.substituted.values():
                self._assume(each, numbers)
        numbers = {name: number for name, number in numbers.items() if name in self.question.free}
        own = self._analysis(numbers, self.source, self.inline)
        self.title = _headline(own)
        if self.question.when is not None:
            changed = dict(numbers)
            for name, text in self.question.when.items():
                changed[name] = _read(text, {**names, **numbers}, f"--scale {name}={text}", self.question.limits)
            dividend = self._analysis(changed, self.source, self.inline)
        else:
            dividend = own
        divisor = own
        if self.other is not None:
            known = self._known_in(*self.other)
            divisor = self._analysis({n: x for n, x in numbers.items() if n in known}, *self.other)
        if dividend is divisor:
            return (self._of(own, symbols),)
        return self._of(dividend, symbols), self._of(divisor, symbols)

    def _known_in(self, source: Source, inline: bool) -> set[str]:
        """Which of the free names another network has."""
        if inline:
            shape, chain = parse_inline(Text(source, source.text), self.question.limits)
            used = {name.name for name in (*names_in(shape), *names_used(chain))}
            return {name for name in self.question.free if is_axis(name) or name in used}
        graph = read_spec(source, limits=self.question.limits).graph
        return {*graph.variables, *input_axes(graph.inputs)}

    def _assume(self, each: Relation, names: Mapping[str, Number]) -> None:
        left, right = (_evaluated(side, names, self.question.limits) for side in (each.left, each.right))
        try:
            truth = RELATE[each.relation](left, right)
            require(truth, "nothing meets this, or nothing that the assumptions before it allow")
        except Impossible as error:
            fail("assumption", str(error), each.span)

    def _analysis(self, numbers: Mapping[str, Number], source: Source, inline: bool) -> Analysis:
        given = self.question.given if source is self.source else AS_WRITTEN
        graph = self.graph if source is self.source else None
        axes = input_axes(graph.inputs) if graph is not None else {}
        for name, number in numbers.items():
            if name in axes or (graph is None and is_axis(name)):
                require(as_integer(number, name) >= 1, "{name} is a size, and positive", name=name)
        graph = read_spec(source, given._replace(numbers=numbers), inline=inline, limits=self.question.limits).graph
        asked = [quantity_named(_word(target)) for target in self.question.targets]
        fields = any(quantity is not None and quantity.unit == "positions" for quantity in asked)
        return analyze(graph, training=self.question.training, batch=self.question.batch, receptive=fields)

    def _of(self, analysis: Analysis, symbols: Symbols) -> tuple[ClosedForm, ...]:
        targets = self.question.targets
        if self.question.each:
            targets = tuple(f"{layer.name}.{target}" for target in targets for layer in analysis.layers)
        evaluator = Evaluator.of(analysis, self.question.dtype)
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
    return ClosedForm(written, values, symbols, exact, whole=quantity.is_whole)


def _headline(analysis: Analysis) -> str:
    graph = analysis.graph
    inputs = [(name, write_shape(shape, graph.layout)) for name, shape in graph.inputs.items()]
    shown = inputs[0][1] if len(inputs) == 1 else ", ".join(f"{name} {shape}" for name, shape in inputs)
    return f"input {shown}" if "->" in graph.name or "→" in graph.name else f"{graph.name}, input {shown}"


def _word(target: str) -> str:
    return target.rpartition(".")[2]


def read_assumptions(written: str, limits: Limits) -> list[Relation]:
    """Comparisons that all hold, joined by commas or ``and``.

    Raises:
        SpecError: something else was written.
    """
    return [each for read in parse_assumptions(_text("--assume", written), limits) for each in _relations(read)]


def _relations(read: Condition | Value) -> Iterator[Relation]:
    if isinstance(read, Relation):
        yield read
    elif isinstance(read, Logic) and read.word == "and":
        for operand in read.operands:
            yield from _relations(operand)
    elif isinstance(read, Logic):
        hint = 'several assumptions all hold: "H % 2 == 0 and W % 2 == 0"'
        fail("assumption", f"an assumption has no '{read.word}'", read.span, hint)
    else:
        shown = read.span.text.value[read.span.start : read.span.end][:60]
        fail("assumption", f"'{shown}' compares nothing", read.span, 'such as "H % 32 == 0"')


def _text(origin: str, written: str) -> Text:
    translated = written.strip().translate(SIGNS)
    return Text(Source(origin, translated), translated)


def _read(written: str, names: Mapping[str, Number], where: str, limits: Limits) -> Number:
    """The value of an expression over names.

    Raises:
        SpecError: it cannot be read, or a name is unknown.
    """
    return _evaluated(parse_formula(_text(where, written), limits), names, limits)


def _evaluated(value: Value, names: Mapping[str, Number], limits: Limits) -> Number:
    if isinstance(value, Size):
        fail("argument", "one number is expected here, not a size", value.span)
    for name in names_in(value):
        if name.name not in names:
            hint = suggest(name.name, names, f"free are {', '.join(names)}" if names else "--free leaves names open")
            fail("unknown-name", f"'{name.name[:40]}' is not free here", name.span, hint)
    try:
        return evaluated(value, Scope(names, names.get("C"), limits))
    except Impossible as error:
        fail("argument", str(error), value.span)
    except NeedsPlain as error:
        fail("needs-number", f"{error} has to be a plain number", value.span)
