"""Check the flowcharts of networks with Mermaid's own parser, which needs Node.js.

    npm install --prefix FOLDER mermaid jsdom
    python -m benchmarks.mermaid_syntax FOLDER [SPEC ...]

By default, the bundled networks are checked.
"""

from __future__ import annotations

import json
import subprocess
import sys

from archcalc import load
from archcalc.spec import bundled
from archcalc.writers.mermaid import write_mermaid

PARSE = """
const { JSDOM } = await import(process.argv[1] + '/node_modules/jsdom/lib/api.js');
const window = new JSDOM('').window;
globalThis.window = window; globalThis.document = window.document;
const mermaid = (await import(process.argv[1] + '/node_modules/mermaid/dist/mermaid.core.mjs')).default;
let text = '';
for await (const part of process.stdin) text += part;
for (const [name, chart] of Object.entries(JSON.parse(text))) {
    try { await mermaid.parse(chart); }
    catch (error) { console.log(name + ': ' + error.message); }
}
"""


def main(folder: str, specs: list[str]) -> None:
    """Print the networks whose flowcharts have errors, and the counts."""
    charts = {spec: write_mermaid(load(spec).graph) for spec in specs}
    node = ["node", "--input-type=module", "-e", PARSE, folder]
    ran = subprocess.run(node, input=json.dumps(charts), capture_output=True, text=True, check=True)
    wrong = ran.stdout.splitlines()
    print(*wrong, f"{len(charts) - len(wrong)} of {len(charts)} flowcharts are valid", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(bundled()))
