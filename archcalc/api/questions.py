"""Questions about several networks, or about one with open sizes, and the grade of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from archcalc.api.network import Network, require_layout
from archcalc.api.reading import load, written
from archcalc.spec import GivenSettings, Limits
from archcalc.spec.limits import DEFAULT

if TYPE_CHECKING:
    from archcalc.changes import NetworkDiff
    from archcalc.grading.single import Grade
    from archcalc.query.closed_forms import ClosedForms


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
        archcalc.SpecError: the question has errors. A wrong or unreadable answer is not an error.
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

    symbols = tuple(free)
    given = GivenSettings({name: written(value) for name, value in (set or {}).items()}, later=symbols)
    return calculate(FormulaQuery(spec, targets or TOTALS, symbols, tuple(assume), given)).forms


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
        ValueError: the layout is unknown.
    """
    require_layout(layout)
    from archcalc.query.conditions import read_condition, read_name
    from archcalc.query.configurations import ConfigurationQuery, LocatedSpec
    from archcalc.query.settings import read_settings
    from archcalc.query.sweep import sweep as swept
    from archcalc.spec.locate import locate

    def options(given: Mapping[str, object] | None) -> list[str]:
        listed = {name: values if isinstance(values, list) else [values] for name, values in (given or {}).items()}
        return [f"{name}={','.join(map(written, values))}".removeprefix("=") for name, values in listed.items()]

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
