"""A submission as an HTML page: one self-contained file, readable on a phone, in light and dark mode."""

from __future__ import annotations

from html import escape

from archcalc.claims.claim import Verdict
from archcalc.grading.marks import Graded, Mark
from archcalc.query.derivations import derivation_lines
from archcalc.report.graded import points_text, score_text
from archcalc.report.table import printable

STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c1f23; --soft: #5b636d; --line: #d9dee3; --card: #f6f7f9;
  --right: #116329; --part: #7a4b00; --wrong: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e6e9ec; --soft: #9aa4ae; --line: #343b43;
  --card: #1d2126; --right: #56d364; --part: #e3b341; --wrong: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 0; }
p { margin: .35rem 0 0; }
.soft { color: var(--soft); }
.score { font-size: 1.15rem; font-weight: 600; margin: .5rem 0; }
.bar { height: .5rem; border-radius: .25rem; background: var(--line); overflow: hidden; margin-bottom: 1.25rem; }
.bar i { display: block; height: 100%; background: var(--right); }
article { border: 1px solid var(--line); border-left: .3rem solid var(--mark); border-radius: .4rem;
  background: var(--card); padding: .6rem .8rem; margin: 0 0 .75rem; }
article header { display: flex; gap: .5rem; justify-content: space-between; align-items: baseline; }
article header span { color: var(--mark); font-weight: 600; text-align: right; flex: none; max-width: 55%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .35rem 0 0; }
dt { color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
details { margin-top: .4rem; }
summary { cursor: pointer; padding: .25rem 0; }
pre { margin: .25rem 0 0; font: .85rem/1.5 ui-monospace, monospace; white-space: pre-wrap; }
pre code { display: block; font: inherit; padding-left: 2ch; text-indent: -2ch; }
.right { --mark: var(--right); } .part { --mark: var(--part); } .wrong { --mark: var(--wrong); }
@media print { article { break-inside: avoid; } details::details-content { content-visibility: visible; } }
"""


def graded_page(graded: Graded, title: str = "") -> str:
    """Return the page of a submission, with the title of the homework."""
    name = printable(graded.name)
    heading = f"{printable(title)}: {name}" if title else name
    body = _unreadable(graded) if graded.problems else _marks(graded)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(heading)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *([f'<p class="soft">{escape(printable(title))}</p>'] if title else []),
            f"<h1>{escape(name)}</h1>",
            *body,
            *(f'<p class="soft">Note: {escape(printable(note))}</p>' for note in graded.notes),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _unreadable(graded: Graded) -> list[str]:
    errors = "\n".join(problem.render() for problem in graded.problems)
    return [
        f'<p class="score">{escape(score_text(graded))}</p>',
        '<article class="wrong"><header><h2>The submission cannot be read</h2></header>',
        f"<pre>{escape(errors)}</pre></article>",
    ]


def _marks(graded: Graded) -> list[str]:
    share = 1.0 if graded.share is None else float(graded.share)
    lines = [
        f'<p class="score">{escape(score_text(graded))}</p>',
        f'<div class="bar" role="img" aria-label="{share:.0%}"><i style="width: {share:.1%}"></i></div>',
    ]
    for mark in graded.marks:
        lines += _mark(mark)
    return lines


def _mark(mark: Mark) -> list[str]:
    style = "right" if mark.right else "part" if mark.points else "wrong"
    points = f"{points_text(mark.points)} of {points_text(mark.of)}"
    asked = mark.text or (mark.target if mark.target != mark.id else "")
    facts = [("question", asked), ("answer", mark.value or "none")]
    facts += [("correct value", mark.actual)] if mark.actual and mark.verdict is not Verdict.EXACT else []
    rows = "".join(f"<dt>{name}</dt><dd>{escape(printable(text))}</dd>" for name, text in facts if text)
    lines = [
        f'<article class="{style}">',
        f"<header><h2>{escape(printable(mark.id))}</h2><span>{escape(mark.verdict)}, {points}</span></header>",
        f"<dl>{rows}</dl>",
    ]
    if not mark.right or mark.code:
        lines.append(f"<p>{escape(printable(mark.sentence))}</p>")
    if mark.derivation:
        lines.append("<details><summary>Derivation of the correct value</summary>")
        for derivation in mark.derivation:
            steps = "".join(f"<code>{escape(line)}</code>" for line in derivation_lines(derivation))
            lines.append(f'<p class="soft">{escape(derivation.target)} {escape(derivation.quantity)}</p>')
            lines.append(f"<pre>{steps}</pre>")
        lines.append("</details>")
    return [*lines, "</article>"]
