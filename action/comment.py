"""Keep one comment on a pull request up to date; say nothing if nothing changed by more than a threshold.

Environment: INPUT_TOKEN, INPUT_THRESHOLD, PULL_REQUEST, GITHUB_REPOSITORY, GITHUB_API_URL, and REPORTS, the folder of
the reports. Without a token, or with one that may not write, as for a pull request from a fork, there is no comment;
the result of the job does not depend on it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

MARKER = "<!-- archcalc diff -->"
"""The beginning of the comment, as `archcalc diff --format markdown` writes it."""
PER_PAGE = 100
NOT_ALLOWED = (401, 403, 404)
"""The answers of the server if a token may not write."""


def main() -> int:
    """Create, update or leave out the comment, and return the exit status."""
    try:
        threshold = read_threshold(os.environ.get("INPUT_THRESHOLD") or "0%")
    except ValueError as error:
        print(f"::error::{error}")
        return 2
    reports = Path(os.environ["REPORTS"])
    token, number = os.environ.get("INPUT_TOKEN"), os.environ.get("PULL_REQUEST")
    if not token or not number:
        print("no comment: there is no token, or no pull request")
        return 0
    if not (reports / "diff.json").is_file():
        print("no comment: the networks were not compared")
        return 0
    result = json.loads((reports / "diff.json").read_text(encoding="utf-8"))
    body = (reports / "diff.md").read_text(encoding="utf-8")
    try:
        print(update(Server(token, number), body, is_silent=not worth_a_comment(result, threshold)))
    except HTTPError as error:
        if error.code not in NOT_ALLOWED:
            print(f"::warning::no comment: the server answered {error.code} {error.reason}")
        else:
            print("no comment: the token may not write one, as for a pull request from a fork")
    except (URLError, TimeoutError) as error:
        print(f"::warning::no comment: the server cannot be reached: {error}")
    return 0


def read_threshold(written: str) -> Fraction:
    """Return a threshold such as ``1%`` as a fraction.

    Raises:
        ValueError: It is not a percentage.
    """
    match = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*%\s*", written)
    if match is None:
        raise ValueError(f"threshold must be a percentage such as 1%, got '{written[:40]}'")
    return Fraction(match[1]) / 100


def worth_a_comment(result: dict[str, Any], threshold: Fraction) -> bool:
    """Return whether something failed, or changed by more than the threshold."""
    return bool(result["status"]) or any(_matters(network, threshold) for network in result["networks"])


def _matters(network: dict[str, Any], threshold: Fraction) -> bool:
    if network["status"] == "equal":
        return False
    if "totals" not in network or not threshold:  # it is new, or gone
        return True
    shapes = any(tensor["old"] != tensor["new"] for tensor in (*network["inputs"], *network["outputs"]))
    totals = network["totals"].values()
    return shapes or any(
        total["old"] != total["new"] and (not total["old"] or abs(Fraction(total["new"], total["old"]) - 1) > threshold)
        for total in totals
    )


class Server:
    """The comments of a pull request on GitHub, or on a server of one's own."""

    def __init__(self, token: str, number: str) -> None:
        self.token = token
        self.number = number
        api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
        self.issues = f"{api}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"

    def find(self) -> int | None:
        """Return the id of the comment; ``None`` if there is none yet."""
        page = 1
        while True:
            found = self._send("GET", f"{self.issues}/{self.number}/comments?per_page={PER_PAGE}&page={page}")
            for comment in found:
                if str(comment["body"]).startswith(MARKER):
                    return int(comment["id"])
            if len(found) < PER_PAGE:
                return None
            page += 1

    def create(self, body: str) -> None:
        """Write the comment for the first time."""
        self._send("POST", f"{self.issues}/{self.number}/comments", {"body": body})

    def change(self, comment: int, body: str) -> None:
        """Replace the text of the comment."""
        self._send("PATCH", f"{self.issues}/comments/{comment}", {"body": body})

    def _send(self, method: str, url: str, data: dict[str, str] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"}
        content = None if data is None else json.dumps(data).encode()
        with urlopen(Request(url, content, headers, method=method), timeout=30) as answer:
            return json.load(answer)


def update(server: Server, body: str, *, is_silent: bool) -> str:
    """Bring the comment up to date, and return what was done. A comment that exists is never left as it was."""
    comment = server.find()
    if comment is not None:
        server.change(comment, body)
        return "the comment was updated"
    if is_silent:
        return "no comment: no change exceeds the threshold"
    server.create(body)
    return "the comment was written"


if __name__ == "__main__":
    sys.exit(main())
