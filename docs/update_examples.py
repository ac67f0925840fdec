"""Run every ``console`` example of the documentation, and write what it prints into its page.

python docs/update_examples.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.pages import FENCE, PAGES, Example, run_in  # noqa: E402 (found in the checkout)


def updated(page: Path, block: re.Match[str]) -> str:
    """Return the block with what its command prints now."""
    if block[1] != "console":
        return block[0]
    command = Example(page, 0, block[1], block[2]).command
    with TemporaryDirectory() as folder:
        output = run_in(Path(folder), command)
    return f"```console\n$ {command}\n{output}```"


def main() -> None:
    """Update all pages and name those that change."""
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = FENCE.sub(lambda block, page=page: updated(page, block), old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main()
