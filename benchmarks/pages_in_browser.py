"""Check the pages of networks in headless Chromium, and their scripts with TypeScript and ESLint; needs Node.js.

    npm install --prefix FOLDER playwright-core axe-core typescript eslint @eslint/js globals
    python -m benchmarks.pages_in_browser FOLDER [SPEC ...]

Every page is opened at 400, 1,000 and 1,600 pixels, light and dark. Faults are errors in the console, requests, pages
that are wider than the window, serious findings of axe-core, and tables and panels that do not follow the keyboard. The
screenshots and prints are in FOLDER/pages, to be looked at. By default, six networks and two comparisons are checked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from archcalc.cli import status_of
from archcalc.report import network_page

SCRIPTS = Path(network_page.__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SPECS = (
    ("lenet5",),
    ("resnet50",),
    ("unet",),
    ("vit:b_16",),
    ("gpt2",),
    ("3x32x32 -> conv 8 k3 d2 -> conv 8 k2 s3 -> gap -> fc 10",),
    ("resnet18", "resnet34"),
    ("lenet5", "alexnet", "vgg16"),
)
"""The networks of the pages that are checked by default."""
LINT = """
import js from "{modules}/@eslint/js/src/index.js";
import globals from "{modules}/globals/index.js";
export default [js.configs.recommended, {{
  languageOptions: {{ sourceType: "script", globals: {{ ...globals.browser, {own} }} }},
  rules: {{ "no-unused-vars": "off", "no-redeclare": ["error", {{ builtinGlobals: false }}], eqeqeq: "error",
    "prefer-const": "error", "no-var": "error" }},
}}];
"""


def main(folder: Path, specs: list[tuple[str, ...]]) -> int:
    """Print the faults of the pages of networks and of their scripts; return the exit status."""
    modules = folder.resolve() / "node_modules"
    status = check_scripts(modules, folder)
    pages = folder / "pages"
    pages.mkdir(exist_ok=True)
    paths = []
    for number, names in enumerate(specs):
        path = pages / f"{number}-{''.join(c if c.isalnum() else '_' for c in '+'.join(names))[:40]}.html"
        if status_of(["report", *names, "-o", str(path), "--force"]) != 0:
            return 2
        print(f"{path.name}: {path.stat().st_size:,} bytes")
        paths.append(str(path.resolve()))
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    script = Path(__file__).with_suffix(".mjs")
    return max(status, subprocess.run(["node", script, modules, browser, pages, *paths], check=False).returncode)


def check_scripts(modules: Path, folder: Path) -> int:
    """Check the scripts of the pages as one program, since the page contains them one after the other."""
    scripts = [SCRIPTS / name for name in ("elements.js", "layers.js", "field.js", "derivation.js", "page.js")]
    options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2022"]
    options += ["--lib", "es2022,dom,dom.iterable"]
    types = subprocess.run(["node", modules / ".bin" / "tsc", *options, *scripts], check=False).returncode
    own = "element, required, valueOf, LayersTable, FieldPanel, DerivationPanel".replace(",", ": false,") + ": false"
    (folder / "eslint.config.mjs").write_text(LINT.format(modules=modules, own=own), encoding="utf-8")
    copies = folder / "scripts"
    shutil.rmtree(copies, ignore_errors=True)
    copies.mkdir()
    for script in scripts:
        shutil.copy(script, copies)
    style = subprocess.run(["node", modules / ".bin" / "eslint", "scripts"], cwd=folder, check=False).returncode
    print(f"types: {'wrong' if types else 'correct'}, style: {'wrong' if style else 'correct'}")
    return int(bool(types or style))


if __name__ == "__main__":
    chosen = [tuple(spec.split(",")) for spec in sys.argv[2:]]
    sys.exit(main(Path(sys.argv[1]), chosen or list(SPECS)))
