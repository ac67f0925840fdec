"""Settings of all tests."""

import os

from hypothesis import settings

# No test is about time. In CI the random networks are always the same ones: what fails there can be seen again.
settings.register_profile("archcalc", deadline=None, database=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("archcalc")
