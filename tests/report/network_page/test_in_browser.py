"""One page in a browser, where one is installed: its scripts run without an error (`benchmarks` checks more)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.network_page.test_page import Parsed, page_of

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
def test_the_scripts_of_a_page_run(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page_of("3x32x32 -> conv 8 k3 p1 -> relu -> gap -> fc 10"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--enable-logging=stderr"]
    run = subprocess.run(
        [str(BROWSER), *options, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in run.stderr
    found = Parsed(run.stdout)
    scripted = [attributes for _, attributes in found.elements if "scripted" in (attributes.get("class") or "")]
    assert scripted
    assert not any("hidden" in attributes for attributes in scripted)
    assert [tag for tag, _ in found.elements].count("button") == 9  # one per column, and two in the panel
    assert "Unit (16, 16) of relu_1 sees 3×3 of the 32×32 positions of input: rows 15 to 17" in found.text
    assert "4 rows" in found.text
