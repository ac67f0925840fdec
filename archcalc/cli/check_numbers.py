"""``archcalc check --claim … --input …``: judge a claim about the numbers that come out of a layer, or a gradient."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import click

from archcalc.claims.claim import PASSING, Claim, Judgement, Verdict
from archcalc.cli.backward import check_loss
from archcalc.diagnosis.reconcile import CheckedClaim
from archcalc.grading.kinds.base import AnswerResult
from archcalc.grading.kinds.computed_arrays import ComputedArray
from archcalc.grading.kinds.gradients import WrittenGradient
from archcalc.grading.subjects import NetworkLibrary
from archcalc.grading.submission import NetworkText
from archcalc.spec import GivenSettings
from archcalc.spec.errors import Problem, Source, SpecError, Text, fail
from archcalc.spec.limits import Limits

_CLAIM = re.compile(
    r"(?P<network>.+?)\s+(?P<layer>[^\s>]+?(?:\[[\d\s,]+\]|:[\d,]+)?)\s*(?:=|\bis\b)\s*(?P<value>[^=]+)"
)
_GRADIENT = re.compile(r"(?:∂L/∂|[dD][lL]/d)(?=.)")
"""What stands before the name in a claim about a gradient."""


@dataclass(frozen=True)
class GivenNumbers:
    """The options that give the numbers of a claim."""

    inputs: Sequence[str] = ()
    """The inputs, ``ARRAY`` or ``NAME=ARRAY`` each."""
    weights: Sequence[str] = ()
    """The stored arrays, ``NAME=ARRAY`` each."""
    loss: str | None = None
    targets: Sequence[str] = ()
    """What the loss compares outputs with, ``ARRAY`` or ``NAME=ARRAY`` each."""
    upstream: str | None = None

    @property
    def of_loss(self) -> Mapping[str, Sequence[str] | None]:
        """The options on the loss."""
        return {"--loss": self.loss, "--target": self.targets, "--upstream": self.upstream}

    def need_input(self) -> None:
        """Fail if other options are given without an input."""
        for option, value in {"--weights": self.weights, **self.of_loss}.items():
            if value and not self.inputs:
                raise click.UsageError(f"{option} needs --input: a claim about numbers is judged on a given input")

    def need_no_loss(self) -> None:
        """Fail if a loss is given for a claim that is not about a gradient."""
        for option, value in self.of_loss.items():
            if value:
                raise click.UsageError(f"{option} belongs to a claim about a gradient, such as dL/dfc_1.weight = 1 2")

    def gradient(self, name: Text) -> WrittenGradient:
        """Return the gradient with respect to a name."""
        check_loss(self.loss, self.targets, self.upstream)
        return WrittenGradient(
            name,
            Text(Source("--loss", self.loss), self.loss) if self.loss else None,
            _named("--target", self.targets),
            Text(Source("--upstream", self.upstream), self.upstream) if self.upstream else None,
        )


def check_numbers(text: str, numbers: GivenNumbers, limits: Limits, given: GivenSettings) -> CheckedClaim:
    """Judge a claim such as ``1x5x5 -> conv 1 k3 nobias conv_1[0,0] = -3``, or ``… ∂L/∂conv_1.weight = 1 2; 3 4``.

    Args:
        text: the network, the layer or gradient, perhaps with the index of one number, and the number or array.
        numbers: the numbers that are given.
        limits: limits on the spec.
        given: the sizes and variables of the network.

    Raises:
        SpecError: the claim or an array cannot be read, or does not fit the network.
    """
    found = _CLAIM.fullmatch(text.strip())
    if found is None:
        message = f"with --input, a claim must have the form NETWORK LAYER = ARRAY, got '{text[:60]}'"
        fail("argument", message, hint='for example "1x4x4 -> maxpool 2 maxpool_1[0,0] = 7"', origin="--claim")
    source = Source("--claim", text)
    start = text.index(found.string)
    network, layer = (Text(source, found[name], start + found.start(name)) for name in ("network", "layer"))
    marked, gradient = _GRADIENT.match(layer.value), None
    if marked is None:
        numbers.need_no_loss()
    else:
        gradient = numbers.gradient(Text(source, layer.value[marked.end() :], layer.index(marked.end())))
    question = ComputedArray(
        network,
        NetworkText(network, settings=_texts("--set", given.set), shapes=_texts("--shape", given.shapes)),
        _named("--input", numbers.inputs),
        _named("--weights", numbers.weights),
        layer if gradient is None else None,
        gradient,
    )
    try:
        prepared = question.prepare(NetworkLibrary(limits).subject({}))
    except SpecError as error:
        raise SpecError([*map(_of_option, error.problems)]) from None
    outcome = prepared.judge(found["value"])
    if outcome.verdict is Verdict.UNREADABLE:
        raise SpecError([Problem("argument", outcome.error, origin="--claim")])
    claim = Claim(layer.value, found["value"].strip())
    return CheckedClaim(text=text, judgement=_judgement(claim, prepared.correct, outcome), origins=[])


def _of_option(problem: Problem) -> Problem:
    """Return an error of a question of a key as one of the command line."""
    if problem.code == "missing" and problem.hint.startswith("give target"):
        return replace(problem, hint=f"give it with --target{problem.hint.removeprefix('give target')}")
    if problem.code == "missing":
        return replace(problem, hint="give arrays with --input NAME=ARRAY and --weights NAME=ARRAY")
    return replace(problem, code="argument") if problem.code == "key" else problem


def _judgement(claim: Claim, correct: str, outcome: AnswerResult) -> Judgement:
    """Return the judgement of a claim; one that no mistake explains names the first entry that is wrong."""
    remark = next(iter(outcome.reasons), None)
    holds = outcome.verdict in PASSING
    return Judgement(
        claim=claim,
        verdict=outcome.verdict,
        actual=correct,
        holds=holds,
        explanations=outcome.explanations,
        remark=remark,
    )


def _texts(option: str, values: Mapping[str, str]) -> dict[str, Text]:
    """Return the values of an option as texts, by name."""
    return {name: Text(Source(option, value), value) for name, value in values.items()}


def _named(option: str, written: Sequence[str]) -> Mapping[str, Text]:
    """Return arrays by name; the name is empty if none is given.

    Raises:
        click.UsageError: two arrays have the same name.
    """
    arrays: dict[str, Text] = {}
    for each in written:
        name, equals, array = each.partition("=")
        name, array = (name.strip(), array) if equals else ("", each)
        if name in arrays:
            raise click.UsageError(f"{option}: two arrays {f'for {name}' if name else 'without a name'}")
        arrays[name] = Text(Source(option, each), array.strip(), each.index(array.strip()))
    return arrays
