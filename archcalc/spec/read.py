"""From a source to a spec: the sections of the document, each read in its own function, then the graph."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from pathlib import PurePath
from typing import NamedTuple

from archcalc.graph import Graph, channels_first
from archcalc.ops.base import Shape
from archcalc.spec import syntax
from archcalc.spec.arguments import Tables
from archcalc.spec.build import Block, Network, Stage, build, words
from archcalc.spec.check import check_blocks, check_names, declared_name
from archcalc.spec.document import Content, List, Mapping, Scalar, expect_mapping, expect_scalar, known_keys, read_yaml
from archcalc.spec.errors import Problems, Source, Text, fail, suggest, whole_text
from archcalc.spec.grammar import RULES, parse_chain, parse_inline, parse_signature, parse_value
from archcalc.spec.limits import DEFAULT, Limits
from archcalc.spec.locate import locate
from archcalc.spec.syntax import Chain
from archcalc.spec.values import Names, Scope, Value, evaluate, shape_from

KEYS = (
    "name",
    "input",
    "inputs",
    "layout",
    "variables",
    "tables",
    "blocks",
    "layers",
    "heads",
    "training_heads",
    "expect",
)

EXAMPLE = "for example:\n  input: 3x32x32\n  layers:\n    - conv 6 k5 -> relu"


class Expectation(NamedTuple):
    """A line of ``expect:`` as it was written: a target and what is said of it."""

    target: Text
    value: Text


class Spec(NamedTuple):
    """A network that was read: its graph, and what its text says beside it."""

    source: Source
    graph: Graph
    expectations: tuple[Expectation, ...]


def load_spec(
    spec: str,
    *,
    set: Dictionary[str, str] | None = None,
    shapes: Dictionary[str, str] | None = None,
    limits: Limits = DEFAULT,
) -> Spec:
    """Read what a SPEC argument stands for.

    Args:
        spec: ``-``, an inline expression, a file or a bundled name.
        set: variables to set, as written on a command line.
        shapes: input shapes to use instead, by input name; ``""`` stands for the only (or first) input.
        limits: bounds on the work.

    Raises:
        SpecError: anything wrong with it, with places.
    """
    source, inline = locate(spec, limits)
    return read_spec(source, inline=inline, set=set, shapes=shapes, limits=limits)


def read_spec(
    source: Source,
    *,
    inline: bool = False,
    set: Dictionary[str, str] | None = None,
    shapes: Dictionary[str, str] | None = None,
    limits: Limits = DEFAULT,
) -> Spec:
    """Read a spec from its text; see `load_spec`."""
    try:
        reader = _Reader(source, dict(set or {}), dict(shapes or {}), limits)
        return reader.inline() if inline else reader.file()
    except RecursionError:
        fail("limit", "nested too deeply to be read", origin=source.name, hint="lower --max-nesting")


class _Reader:
    def __init__(self, source: Source, settings: dict[str, str], shapes: dict[str, str], limits: Limits) -> None:
        self.source = source
        self.settings = settings
        self.shapes = shapes
        self.limits = limits
        self.problems = Problems()

    def inline(self) -> Spec:
        text = Text(self.source, self.source.text)
        written, chain = parse_inline(text, self.limits)
        self.no_unknown_settings({})
        shape = shape_from(evaluate(written, Scope({}, None, self.limits)), written.span, "the input", self.limits)
        inputs = self.override({"input": shape}, "chw")
        return self.finish(self.source.text.strip(), inputs, {}, {}, {}, (Stage(None, chain),), (), (), "chw", ())

    def file(self) -> Spec:
        top = read_yaml(self.source, self.limits)
        known_keys(top, KEYS)
        for key in ("layers",):
            if top.get(key) is None:
                fail("missing", f"a spec needs '{key}:'", top.span, EXAMPLE)
        layout = self.layout(top.get("layout"))
        variables = self.variables(top.get("variables"))
        with self.problems:
            inputs = self.inputs(top, variables, layout)
        tables = self.tables(top.get("tables"))
        blocks = self.blocks(top.get("blocks"), variables)
        callable_blocks = frozenset(blocks)
        layers = top.get("layers")
        assert layers is not None
        stages = self.layers(layers, callable_blocks)
        heads = self.heads(top.get("heads"), callable_blocks)
        training_heads = self.heads(top.get("training_heads"), callable_blocks)
        expectations = self.expectations(top.get("expect"))
        with self.problems:
            check_names(blocks, variables, [*stages, *heads, *training_heads])
        self.problems.settle()
        self.unique([*stages, *heads, *training_heads], inputs)
        name = top.get("name")
        title = expect_scalar(name, "name").text.value if name is not None else PurePath(self.source.name).stem
        return self.finish(
            title, inputs, variables, blocks, tables, stages, heads, training_heads, layout, expectations
        )

    def finish(
        self,
        name: str,
        inputs: dict[str, Shape],
        variables: Names,
        blocks: dict[str, Block],
        tables: Tables,
        stages: tuple[Stage, ...],
        heads: tuple[Stage, ...],
        training_heads: tuple[Stage, ...],
        layout: str,
        expectations: tuple[Expectation, ...],
    ) -> Spec:
        check_names(blocks, variables, [*stages, *heads, *training_heads])
        network = Network(name, inputs, variables, blocks, tables, stages, heads, training_heads, layout)
        return Spec(self.source, build(network, self.limits), expectations)

    def layout(self, content: Content | None) -> str:
        if content is None:
            return "chw"
        text = expect_scalar(content, "layout").text
        if text.value not in ("chw", "hwc"):
            fail(
                "argument",
                f"no layout '{text.value[:20]}'",
                whole_text(text),
                "the layouts are chw (channels first) and hwc",
            )
        return text.value

    def variables(self, content: Content | None) -> dict[str, Value]:
        """Variables in their order, each may use those before it; settings replace what is written."""
        values: dict[str, Value] = {}
        pairs = expect_mapping(content, "variables").pairs if content is not None else ()
        for key, written in pairs:
            with self.problems:
                name = self.identifier(key, "a variable")
                values[name] = 1  # stands in while a broken one is reported, so that its users are not
                text = expect_scalar(written, f"variable '{name}'").text
                if name in self.settings:
                    text = Text(Source(f"--set {name}", self.settings[name]), self.settings[name])
                scope = Scope({k: v for k, v in values.items() if k != name}, None, self.limits)
                values[name] = evaluate(parse_value(text, self.limits), scope, words())
        self.no_unknown_settings(values)
        return values

    def no_unknown_settings(self, values: Dictionary[str, Value]) -> None:
        for name in self.settings:
            if name not in values:
                known = f"its variables are {', '.join(values)}" if values else "this spec declares no variables"
                fail(
                    "unknown-name",
                    f"no variable '{name[:40]}' to set",
                    hint=suggest(name, values, known),
                    origin=f"--set {name[:40]}",
                )

    def identifier(self, key: Scalar, what: str) -> str:
        name = key.text.value
        match = RULES["NAME"].fullmatch(name)
        if match is None:
            fail("name", f"{what} has a name of letters, digits and underscores, not starting with a digit", key.span)
        declared_name(name, key.span, what)
        return name

    def inputs(self, top: Mapping, variables: Names, layout: str) -> dict[str, Shape]:
        single, several = top.get("input"), top.get("inputs")
        if single is not None and several is not None:
            fail("duplicate", "a spec has 'input:' or 'inputs:', not both", several.span)
        if single is None and several is None:
            fail("missing", "a spec needs 'input:' (or 'inputs:' for several)", top.span, EXAMPLE)
        written: dict[str, Scalar] = {}
        if single is not None:
            written["input"] = expect_scalar(single, "input")
        elif several is not None:
            for key, content in expect_mapping(several, "inputs").pairs:
                name = self.stage_name(key, "an input")
                written[name] = expect_scalar(content, f"input '{name}'")
            if not written:
                fail("missing", "'inputs:' names no input", several.span)
        shapes = {}
        for name, scalar in written.items():
            value = evaluate(parse_value(scalar.text, self.limits), Scope(variables, None, self.limits))
            shapes[name] = channels_first(shape_from(value, scalar.span, "the input", self.limits), layout)
        return self.override(shapes, layout)

    def override(self, inputs: dict[str, Shape], layout: str) -> dict[str, Shape]:
        """Put the shapes of ``--shape`` in place of the written ones."""
        for name, written in self.shapes.items():
            target = name or next(iter(inputs))
            origin = Source(f"--shape {name}".rstrip(), written)
            if target not in inputs:
                fail(
                    "unknown-name",
                    f"no input '{target[:40]}'",
                    hint=suggest(target, inputs, f"the inputs are {', '.join(inputs)}"),
                    origin=origin.name,
                )
            text = Text(origin, written)
            value = evaluate(parse_value(text, self.limits), Scope({}, None, self.limits))
            inputs[target] = channels_first(shape_from(value, whole_text(text), "the input", self.limits), layout)
        return inputs

    def stage_name(self, key: Scalar, what: str) -> str:
        name = key.text.value
        if RULES["STAGE"].fullmatch(name) is None:
            fail("name", f"the name of {what} is made of letters, digits and underscores", key.span)
        return name

    def tables(self, content: Content | None) -> Tables:
        result: Tables = {}
        for key, written in expect_mapping(content, "tables").pairs if content is not None else ():
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
            fail("syntax", "a connection table is made of X, . and /", span, hint)
        if len({len(row) for row in rows}) > 1:
            fail(
                "syntax",
                f"the rows of the table differ in length: {', '.join(str(len(row)) for row in rows[:12])}",
                span,
                hint,
            )
        unfed = [str(column + 1) for column in range(len(rows[0])) if all(row[column] == "." for row in rows)]
        if unfed:
            fail("syntax", f"no input map feeds output map {', '.join(unfed[:12])}", span, hint)
        return tuple(tuple(mark == "X" for mark in row) for row in rows)

    def blocks(self, content: Content | None, variables: Names) -> dict[str, Block]:
        signatures: list[tuple[syntax.Signature, Content]] = []
        for key, written in expect_mapping(content, "blocks").pairs if content is not None else ():
            with self.problems:
                signature = parse_signature(key.text, self.limits)
                declared_name(signature.name, signature.span, "a block")
                if signature.name in variables:
                    fail("duplicate", f"a variable and a block are both called '{signature.name}'", signature.span)
                if any(signature.name == other.name for other, _ in signatures):
                    fail("duplicate", f"two blocks are called '{signature.name}'", signature.span)
                signatures.append((signature, written))
                seen = set()
                for parameter, _, span in signature.parameters:
                    declared_name(parameter, span, "a parameter")
                    if parameter in seen:
                        fail("duplicate", f"two parameters are called '{parameter}'", span)
                    seen.add(parameter)
        names = frozenset(signature.name for signature, _ in signatures)
        result = {}
        for signature, written in signatures:
            body = self.chain(written, names)
            result[signature.name] = Block(signature, body if body is not None else Chain((), signature.span))
        with self.problems:
            check_blocks(result)
        return result

    def chain(self, content: Content, blocks: frozenset[str]) -> Chain | None:
        """A chain, or a list of chains, which is that chain; ``None`` after an error."""
        if isinstance(content, List):
            chains = [self.chain(item, blocks) for item in content.items]
            found = [chain for chain in chains if chain is not None]
            return Chain(tuple(item for chain in found for item in chain.items), content.span)
        with self.problems:
            if isinstance(content, Mapping):
                fail(
                    "syntax",
                    "only the top level of 'layers:' names its entries",
                    content.span,
                    "write the chain without 'name:', or move it to the top level",
                )
            if not content.text.value.strip():
                fail("syntax", "a chain is empty", content.span, "'identity' is the chain that does nothing")
            return parse_chain(content.text, blocks, self.limits)
        return None

    def layers(self, content: Content, blocks: frozenset[str]) -> tuple[Stage, ...]:
        items = content.items if isinstance(content, List) else (content,)
        stages: list[Stage] = []
        for item in items:
            if isinstance(item, Mapping):
                stages += self.named_chains(item, blocks, one=isinstance(content, List))
                continue
            chain = self.chain(item, blocks)
            if chain is not None:
                stages.append(Stage(None, chain))
        if not items:
            with self.problems:
                fail("missing", "'layers:' lists no layer", content.span, EXAMPLE)
        return tuple(stages)

    def named_chains(self, mapping: Mapping, blocks: frozenset[str], *, one: bool = False) -> list[Stage]:
        stages = []
        with self.problems:
            if one and len(mapping.pairs) > 1:
                fail(
                    "syntax",
                    "an entry of 'layers:' has one name",
                    mapping.pairs[1][0].span,
                    "start the next entry with '- '",
                )
        for key, content in mapping.pairs:
            chain = self.chain(content, blocks)
            with self.problems:
                name = self.stage_name(key, "a stage")
                if chain is not None:
                    stages.append(Stage(name, chain, key.span))
        return stages

    def heads(self, content: Content | None, blocks: frozenset[str]) -> tuple[Stage, ...]:
        if content is None:
            return ()
        with self.problems:
            return tuple(self.named_chains(expect_mapping(content, "heads"), blocks))
        return ()

    def unique(self, stages: list[Stage], inputs: Dictionary[str, Shape]) -> None:
        """Inputs, stages and heads share one name space."""
        seen = set(inputs)
        for stage in stages:
            if stage.name is None:
                continue
            with self.problems:
                if stage.name in seen:
                    taken = f"the name '{stage.name}' is taken: inputs, stages and heads share their names"
                    fail("duplicate", taken, stage.span)
                seen.add(stage.name)
        self.problems.settle()

    def expectations(self, content: Content | None) -> tuple[Expectation, ...]:
        result = []
        with self.problems:
            for key, value in expect_mapping(content, "expect").pairs if content is not None else ():
                with self.problems:
                    result.append(Expectation(key.text, expect_scalar(value, "an expectation").text))
        return tuple(result)
