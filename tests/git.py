"""Git in tests, whatever its configuration on this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTINGS = {"user.name": "a", "user.email": "a@example.org", "init.defaultBranch": "main", "core.autocrlf": "false"}


def git(*arguments: str, folder: Path | str = ".") -> str:
    """Run git in a folder, and return what it prints."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    ran = subprocess.run(
        ["git", *options, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
