"""Settings of all tests."""

from hypothesis import settings

# Machines are shared: a slow example is no failure.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")
