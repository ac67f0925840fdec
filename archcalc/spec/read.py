"""Read a spec: the sections of its document, each in a method of its own, and then its graph."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Collection
from collections.abc import Mapping as Dictionary
from itertools import islice
from pathlib import PurePath

from archcalc.graph import channels_first, is_size
from archcalc.ops.base import Shape
from archcalc.spec import about
from archcalc.spec.argument_values import Tables
from archcalc.spec.build import build
from archcalc.spec.calls import Words, call_words
from archcalc.spec.check import check_blocks, check_declared_name, check_names, check_references, names_used
from archcalc.spec.document import (
    Content,
    YamlList,
    YamlMapping,
    YamlScalar,
    expect_mapping,
    expect_scalar,
    known_keys,
    read_yaml,
)
from archcalc.spec.entries import ChainReader, entry_name
from archcalc.spec.errors import Problems, Source, Span, SpecError, Text, escaped, fail, listing, suggest, whole_text
from archcalc.spec.given_shapes import given_shapes, shape_text
from archcalc.spec.grammar import parse_inline, parse_shape, parse_signature, parse_value
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.locate import locate
from archcalc.spec.misread_shapes import WrittenInputs, with_reading
from archcalc.spec.model_specs import read_model
from archcalc.spec.network import Block, ParsedNetwork, Stage
from archcalc.spec.records import AS_WRITTEN, Expectation, GivenSettings, Spec, SpecOutline
from archcalc.spec.syntax import Chain, Signature, names_in
from archcalc.spec.tokens import RULES
from archcalc.spec.values import Names, NoNumber, Scope, Value, bounded, evaluate, no_variable, shape_from
from archcalc.spec.variants import check_variants, variants_of, with_variant

SECTIONS = ("blocks", "shared")
"""The sections that declare blocks: each call of those under ``blocks:`` has its own weights."""

KEYS = (
    "name",
    "alias",
    "family",
    "task",
    "source",
    "input",
    "inputs",
    "layout",
    "variables",
    "variants",
    "tables",
    "blocks",
    "shared",
    "layers",
    "heads",
    "training_heads",
    "expect",
    "published",
    "ignore",
)

MORE_WORDS = "raise the limit with --max-words"

WORD = re.compile(r"[A-Za-z0-9_.]+|[(\[@]")
"""Everything that may become an object when the text is parsed."""

EXAMPLE = "for example:\n  input: 3x32x32\n  layers:\n    - conv 6 k5 -> relu"


def load_spec(spec: str, given: GivenSettings = AS_WRITTEN, limits: Limits = DEFAULT) -> Spec:
    """Read the spec of a SPEC argument: ``-``, an inline expression, a file or a bundled name.

    Args:
        spec: the argument.
        given: what is given from outside the text.
        limits: limits on the work.

    Raises:
        SpecError: the spec is invalid. The code is ``needs-number`` if the structure of the network depends on one of
            ``given.numbers`` that is not plain.
    """
    source, inline = locate(spec, limits)
    return read_spec(source, given, inline=inline, limits=limits)


def read_spec(
    source: Source, given: GivenSettings = AS_WRITTEN, *, inline: bool = False, limits: Limits = DEFAULT
) -> Spec:
    """Read a spec from its text, or a model file; see `load_spec`."""
    _bound_digits(limits)
    if source.model is not None:
        return read_model(source, source.model, given, limits)
    for option, written, reason in (
        ("--arg", given.arguments, "only a SPEC of the form package.module:object takes arguments"),
        ("--batch-axis", given.batch_axes, "shapes in specs have no batch"),
        ("--input", given.values, "only inputs of PyTorch, ONNX and TensorFlow Lite models can be fixed to numbers"),
        ("--layer", given.layers, "only layers of a Keras model can be declared"),
    ):
        if written:
            fail("argument", reason, origin=f"{option} {next(iter(written))[:40]}")
    _bound_words(source, limits)
    collecting = gc.isenabled()
    gc.disable()  # nothing of the large tree is garbage: scanning it repeatedly takes longer than building it
    try:
        reader = _Reader(source, given, limits)
        return reader.inline() if inline else reader.file()
    except SpecError as error:
        raise reader.explained(error, inline=inline) from None
    except RecursionError:
        fail("limit", "nested too deeply to be read", origin=source.name, hint="lower --max-nesting")
    finally:
        if collecting:
            gc.enable()


def _bound_digits(limits: Limits) -> None:
    """Check that Python can print all numbers: a cost is a product of at most a size per axis and a few more."""
    longest = sys.get_int_max_str_digits()
    if longest and limits.digits * (limits.axes + 4) > longest:
        fail(
            "limit",
            f"--max-digits {limits.digits} and --max-axes {limits.axes} allow more digits than Python prints",
            hint="set the environment variable PYTHONINTMAXSTRDIGITS=0 to let it print any number",
            origin="--max-digits",
        )


def _bound_words(source: Source, limits: Limits) -> None:
    """Check the number of words of a text, which bounds the memory of its parsed form."""
    if len(source.text) <= limits.words:
        return
    words = sum(1 for _ in islice(WORD.finditer(source.text), limits.words + 1))
    if words > limits.words:
        fail("limit", f"more than {limits.words:,} words and brackets", hint=MORE_WORDS, origin=source.name)


def is_implicit(name: str) -> bool:
    """Return whether a name stands for something in a chain without being declared: a size, or an index."""
    return is_size(name) or name == "i"


class _Reader:
    def __init__(self, source: Source, given: GivenSettings, limits: Limits) -> None:
        self.source = source
        self.given = given
        self.limits = limits
        self.problems = Problems()
        self.values: dict[str, Value] = {}
        """The values of the variables."""
        self.names: set[str] = set()
        """The variables, and the parameters of all blocks."""
        self.callable: frozenset[str] = frozenset()
        """The blocks."""
        self.shapes: dict[str, Span] = {}
        self.replaced: dict[str, Shape] = {}
        """The places of the input shapes."""
        self.broken: set[str] = set()
        """Blocks whose declaration is invalid. Their calls are not reported as errors."""
        self.about = about.About()
        self.words: Words = call_words(())
        """The words that a variable may hold."""

    def explained(self, error: SpecError, *, inline: bool) -> SpecError:
        """Return the error with better hints, and without consequences of others."""
        from archcalc.spec.hints import Declarations, with_hints

        names = {*self.names, *self.given.set, *self.given.numbers}
        retry = None if self.given.numbers or self.given.observe is not None else self.with_setting
        declared = Declarations(self.values, names, self.callable, frozenset(self.given.set))
        return with_hints(error, declared, self.limits, retry, inline=inline)

    def with_setting(self, name: str, value: str, *, inline: bool) -> None:
        """Read the spec with another value of a variable."""
        reader = _Reader(self.source, self.given._replace(set={**self.given.set, name: value}), self.limits)
        reader.inline() if inline else reader.file()

    def inline(self) -> Spec:
        text = Text(self.source, self.source.text)
        written, chain = parse_inline(text, self.limits)
        in_shape = {name.name: name.span for name in names_in(written)}
        used = {name.name: name.span for name in names_used(chain)} | in_shape
        names: dict[str, Value] = {name: self.setting(name, {}) for name in self.given.set if name in used}
        self.no_unknown_settings(names)
        self.values = dict(names)
        for name, number in self.given.numbers.items():
            if name in in_shape or (name in used and not is_implicit(name)):
                names[name] = number
        for name in names:
            if name != "C":
                check_declared_name(name, used[name], "a variable")
        for each in names_in(written):
            if each.name not in names:  # in the shape of the input, names of sizes are variables, too
                no_variable(each, [*names])
        shape = shape_from(evaluate(written, Scope(names, None, self.limits)), written.span, "the input", self.limits)
        stages = (Stage(None, chain),)
        if "C" not in {name.name for name in names_in(written)}:  # C is then an axis of the input, not a variable
            names.pop("C", None)
        layout = self.given.layout or "chw"
        self.shapes["input"] = written.span
        inputs = self.override({"input": channels_first(shape, layout)}, names, layout)
        names.pop("C", None)  # to a layer, C is the channels of the current tensor, as in a file
        check_names({}, names, [*stages])
        return self.finish(ParsedNetwork(self.source.text.strip(), inputs, names, {}, {}, stages, (), (), layout))

    def file(self) -> Spec:
        document = read_yaml(self.source, self.limits)
        variant = self.source.variant
        with self.problems:
            known_keys(document, KEYS)
        with self.problems:
            check_variants(document)
        with self.problems:
            about.check_published(document, variants_of(document))
        top = with_variant(document, variant) if variant else document
        title = self.text(top, "name") or escaped(PurePath(self.source.name).stem)
        if variant and variants_of(document)[variant].get("name") is None:
            title = f"{title} {variant}"
        layout = self.layout(top)
        self.words = call_words(self.block_names(top))
        variables = self.variables(top)
        inputs = self.inputs(top, variables, layout)
        tables = self.tables(top)
        blocks = self.blocks(top, variables)
        callable_blocks = frozenset(blocks)
        stages = self.layers(top, callable_blocks)
        heads = self.heads(top, "heads", callable_blocks)
        training_heads = self.heads(top, "training_heads", callable_blocks)
        expectations = self.expectations(top)
        ignored = self.ignored(top)
        with self.problems:
            self.about = about.read_about(top)
        with self.problems:
            check_names(blocks, variables, [*stages, *heads, *training_heads], self.broken)
        self.unique([*stages, *heads, *training_heads], inputs)
        self.problems.raise_any()
        check_references(inputs, [*stages, *heads, *training_heads])  # not earlier: invalid stages are left out
        network = ParsedNetwork(title, inputs, variables, blocks, tables, stages, heads, training_heads, layout)
        return self.finish(network, expectations, top, ignored, tuple(variants_of(document)))

    def finish(
        self,
        network: ParsedNetwork,
        expectations: tuple[Expectation, ...] = (),
        document: YamlMapping | None = None,
        ignored: tuple[Text, ...] = (),
        variants: tuple[str, ...] = (),
    ) -> Spec:
        given = self.given
        try:
            built = build(network, self.limits, given.observe, given.attributes, given.training_heads)
        except SpecError as error:
            file = None if document is None else self.source
            inputs = WrittenInputs(network.inputs, self.shapes, network.layout, file, self.replaced)
            raise with_reading(error, inputs) from None
        graph, places, impossible = built
        outline = SpecOutline(document, network, places, ignored, self.shapes, impossible, self.replaced)
        return Spec(self.source, graph, expectations, outline, variants, about=self.about)

    def pairs(self, top: YamlMapping, section: str) -> tuple[tuple[YamlScalar, Content], ...]:
        """Return the entries of a section; none if it is missing, empty or (after an error) not a mapping."""
        content = top.get(section)
        if content is None or (isinstance(content, YamlScalar) and not content.text.value):
            return ()
        with self.problems:
            return expect_mapping(content, f"'{section}:'").pairs
        return ()

    def text(self, top: YamlMapping, key: str) -> str:
        """Return the text of a key; empty if it is missing or (after an error) not text."""
        content = top.get(key)
        with self.problems:
            return expect_scalar(content, f"'{key}:'").text.value if content is not None else ""
        return ""

    def layout(self, top: YamlMapping) -> str:
        content = top.get("layout")
        name = self.text(top, "layout")
        if name in ("chw", "hwc"):
            return name
        with self.problems:
            if isinstance(content, YamlScalar):
                hint = "the layouts are chw (channels first) and hwc (channels last)"
                fail("argument", f"unknown layout '{name[:20]}'", content.span, hint)
        return "chw"

    def variables(self, top: YamlMapping) -> dict[str, Value]:
        """Return the values of the variables in order; values from outside replace those in the text."""
        values: dict[str, Value] = {}
        pairs = self.pairs(top, "variables")
        declared = {key.text.value for key, _ in pairs}
        for key, written in pairs:
            with self.problems:
                name = self.identifier(key, "a variable")
                try:
                    values[name] = self.variable(name, written, values, declared)
                finally:
                    values.setdefault(name, 1)  # replaces an invalid one, so that its uses are not reported too
        with self.problems:
            self.no_unknown_settings(values)
        self.names |= values.keys()
        self.values = values
        return values

    def variable(self, name: str, written: Content, before: Names, declared: Collection[str]) -> Value:
        text = expect_scalar(written, f"variable '{name}'").text
        if name in self.given.numbers:
            return self.given.numbers[name]
        if name in self.given.set:
            return self.setting(name, before, declared)
        return self.value(name, text, before, declared)

    def setting(self, name: str, before: Names, declared: Collection[str] = ()) -> Value:
        """Return the value that ``--set`` gives a variable."""
        text = Text(Source(f"--set {name}", self.given.set[name]), self.given.set[name])
        return self.value(name, text, before, declared)

    def value(self, name: str, text: Text, before: Names, declared: Collection[str]) -> Value:
        parsed = parse_value(text, self.limits)
        for used in names_in(parsed):
            if used.name in declared and used.name not in before:
                uses = "itself" if used.name == name else f"'{used.name}', which is declared after it"
                hint = "a variable can only use variables that are declared before it"
                fail("unknown-name", f"variable '{name}' uses {uses}", used.span, hint)
        value = evaluate(parsed, Scope(before, None, self.limits), *self.words)
        return value if isinstance(value, NoNumber) else bounded(value, whole_text(text), self.limits)

    def no_unknown_settings(self, values: Dictionary[str, Value]) -> None:
        for name in self.given.set:
            if name not in values:
                known = listing("variable", values) if values else "this spec declares no variables"
                fail(
                    "unknown-name",
                    f"no variable '{name[:40]}'",
                    hint=suggest(name, values, known),
                    origin=f"--set {name[:40]}",
                )

    def identifier(self, key: YamlScalar, what: str) -> str:
        name = key.text.value
        match = RULES["NAME"].fullmatch(name)
        if match is None:
            rule = "must consist of letters, digits and underscores, and not start with a digit"
            fail("name", f"the name of {what} {rule}", key.span)
        check_declared_name(name, key.span, what)
        return name

    def inputs(self, top: YamlMapping, variables: Names, layout: str) -> dict[str, Shape]:
        """Return the shapes of the inputs (after an error possibly not all)."""
        single, several = top.get("input"), top.get("inputs")
        shapes: dict[str, Shape] = {}
        with self.problems:
            if single is not None and several is not None:
                fail("duplicate", "a spec must have either 'input:' or 'inputs:', not both", several.span)
            if single is None and several is None:
                fail("missing", "a spec needs 'input:' (or 'inputs:' for several)", top.span, EXAMPLE)
        if single is not None:
            with self.problems:
                shapes["input"] = self.shape("input", single, variables, layout)
        for key, written in self.pairs(top, "inputs"):
            with self.problems:
                name = entry_name(key, "an input")
                shapes[name] = self.shape(name, written, variables, layout)
        with self.problems:
            if several is not None and not self.pairs(top, "inputs"):
                fail("missing", "'inputs:' is empty", several.span)
            if shapes:
                return self.override(shapes, variables, layout)
        return shapes

    def shape(self, name: str, written: Content, variables: Names, layout: str) -> Shape:
        if isinstance(written, YamlList) and all(isinstance(item, YamlScalar) for item in written.items):
            sizes = "x".join(item.text.value for item in written.items if isinstance(item, YamlScalar))
            fail("yaml", f"input '{name}' must be text, got a list", written.span, f"write {sizes}")
        text = expect_scalar(written, f"input '{name}'").text
        self.shapes[name] = whole_text(text)
        value = evaluate(parse_shape(text, self.limits), Scope(variables, None, self.limits))
        return channels_first(shape_from(value, whole_text(text), "the input", self.limits), layout)

    def override(self, inputs: dict[str, Shape], variables: Names, layout: str) -> dict[str, Shape]:
        """Replace input shapes by those of ``--shape``, then input sizes by those given as numbers."""
        for name, written in self.given.shapes.items():
            target = name or next(iter(inputs))
            self.shapes[target] = whole_text(shape_text(name, written))
            if target in inputs:
                self.replaced[target] = inputs[target]
        return given_shapes(inputs, self.given, variables, layout, self.limits, self.source.name)

    def tables(self, top: YamlMapping) -> Tables:
        result: Tables = {}
        for key, written in self.pairs(top, "tables"):
            with self.problems:
                name = self.identifier(key, "a table")
                text = expect_scalar(written, f"table '{name}'").text
                result[name] = self.table(text)
        return result

    def table(self, text: Text) -> tuple[tuple[bool, ...], ...]:
        rows = ["".join(row.split()) for row in text.value.split("/")]
        span = whole_text(text)
        hint = "rows are input maps, columns output maps: X connects, . does not, / ends a row"
        if any(set(row) - {"X", "."} for row in rows) or not all(rows):
            fail("syntax", "a connection table must consist of X, . and /", span, hint)
        if len({len(row) for row in rows}) > 1:
            fail(
                "syntax",
                f"the rows of a table must have the same length, got {', '.join(str(len(row)) for row in rows[:12])}",
                span,
                hint,
            )
        unfed = [str(column + 1) for column in range(len(rows[0])) if all(row[column] == "." for row in rows)]
        if unfed:
            fail("syntax", f"no input map is connected to output map {', '.join(unfed[:12])}", span, hint)
        return tuple(tuple(mark == "X" for mark in row) for row in rows)

    def block_names(self, top: YamlMapping) -> list[str]:
        """Return the names of the blocks, as far as they are valid."""
        sections = [content for name in SECTIONS if isinstance(content := top.get(name), YamlMapping)]
        keys = [key.text.value for section in sections for key, _ in section.pairs]
        return [match.group() for key in keys if (match := RULES["NAME"].match(key.strip()))]

    def blocks(self, top: YamlMapping, variables: Names) -> dict[str, Block]:
        declared: dict[str, tuple[Signature, Content, bool]] = {}
        pairs = [
            (key, written, section == "shared") for section in SECTIONS for key, written in self.pairs(top, section)
        ]
        for key, written, shared in pairs:
            with self.problems:
                signature = parse_signature(key.text, self.limits)
                check_declared_name(signature.name, signature.span, "a block")
                if signature.name in variables:
                    fail("duplicate", f"a variable and a block are both called '{signature.name}'", signature.span)
                if signature.name in declared:
                    fail("duplicate", f"two blocks are called '{signature.name}'", signature.span)
                declared[signature.name] = signature, written, shared
                continue
            start = RULES["NAME"].match(key.text.value.lstrip())
            self.broken |= {start.group()} if start else set()
        names = self.callable = frozenset(declared)
        chains = ChainReader(names, self.limits, self.problems)
        result = {}
        for name, (signature, written, shared) in declared.items():
            self.parameters(signature, names)
            body = chains.chain(written)
            result[name] = Block(signature, body.in_place() if body is not None else Chain((), signature.span), shared)
        with self.problems:
            check_blocks(result)
        return result

    def parameters(self, signature: Signature, blocks: frozenset[str]) -> None:
        seen = set()
        for parameter, _, span in signature.parameters:
            with self.problems:
                self.names.add(parameter)
                check_declared_name(parameter, span, "a parameter")
                if parameter in blocks:
                    fail("name", f"a parameter cannot be called '{parameter}': a block has this name", span)
                if parameter in seen:
                    fail("duplicate", f"two parameters are called '{parameter}'", span)
                seen.add(parameter)

    def layers(self, top: YamlMapping, blocks: frozenset[str]) -> tuple[Stage, ...]:
        content = top.get("layers")
        if content is None:
            with self.problems:
                fail("missing", "a spec needs 'layers:'", top.span, EXAMPLE)
            return ()
        items = content.items if isinstance(content, YamlList) else (content,)
        stages: list[Stage] = []
        chains = ChainReader(blocks, self.limits, self.problems)
        for item in items:
            if isinstance(item, YamlMapping):
                if isinstance(content, YamlList):
                    chains.one_name(item, "of 'layers:'")
                stages += self.named_chains(item.pairs, blocks)
                continue
            chain = chains.chain(item)
            if chain is not None:
                stages.append(Stage(None, chain))
        with self.problems:
            if not stages and not self.problems.found:
                fail("missing", "'layers:' is empty", content.span, EXAMPLE)
        return tuple(stages)

    def named_chains(self, pairs: tuple[tuple[YamlScalar, Content], ...], blocks: frozenset[str]) -> list[Stage]:
        stages = []
        chains = ChainReader(blocks, self.limits, self.problems)
        for key, content in pairs:
            with self.problems:
                name = entry_name(key, "a stage", content)
                chain = chains.chain(content)
                if chain is not None:
                    stages.append(Stage(name, chain, key.span))
        return stages

    def heads(self, top: YamlMapping, section: str, blocks: frozenset[str]) -> tuple[Stage, ...]:
        return tuple(self.named_chains(self.pairs(top, section), blocks))

    def unique(self, stages: list[Stage], inputs: Dictionary[str, Shape]) -> None:
        """Check that the names of inputs, stages and heads are unique: they share one namespace."""
        seen = set(inputs)
        for stage in stages:
            if stage.name is None:
                continue
            with self.problems:
                if stage.name in seen:
                    taken = f"the name '{stage.name}' is already used: inputs, stages and heads share one namespace"
                    fail("duplicate", taken, stage.span)
                seen.add(stage.name)

    def expectations(self, top: YamlMapping) -> tuple[Expectation, ...]:
        result = []
        for key, value in self.pairs(top, "expect"):
            with self.problems:
                result.append(Expectation(key.text, expect_scalar(value, "an expectation").text))
        return tuple(result)

    def ignored(self, top: YamlMapping) -> tuple[Text, ...]:
        """Return the codes under ``ignore:``, which is one code or a list."""
        with self.problems:
            return about.texts(top.get("ignore"), "the code of a warning")
        return ()
