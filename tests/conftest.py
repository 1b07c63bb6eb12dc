"""Settings of all tests."""

import os

from hypothesis import settings

# Machines are shared: a slow example is no failure.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

# Hundreds of commands are run, and each would compile the whole library for itself.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
